#include "apps/mnist/mnist_score.h"

#include <math.h>
#include <stdlib.h>
#include "common/run/log.h"
#include "common/run/record.h"

static struct mnist_answer answer_of(const float *logit, int64_t classes)
{
    int64_t best = 0;
    double sum = 0;
    for (int64_t k = 1; k < classes; k++)
        if (logit[k] > logit[best]) best = k;
    for (int64_t k = 0; k < classes; k++) sum += exp((double)logit[k] - logit[best]);
    return (struct mnist_answer){(int32_t)best, (float)(1 / sum)};
}

static void add(void *context, const struct ps_net_work *work, const struct ps_net_batch *batch,
                const void *target, double *sum)
{
    const struct mnist_judge *judge = context;
    const struct ps_net *net = work->net;
    const struct ps_nn_softmax loss = {.classes = judge->classes};
    const float *logit = ps_net_output(work, net->nodes - 1);
    const int32_t *label = target;
    sum[MNIST_LOSS] += ps_net_on_host(net)->softmax_loss(&loss, batch->n, logit, label, 1, NULL);
    for (int64_t i = 0; i < batch->n; i++) {
        const struct mnist_answer answer = answer_of(logit + i * judge->classes, judge->classes);
        sum[MNIST_RIGHT] += answer.label == label[i];
        if (judge->answer) judge->answer[batch->sample[i]] = answer;
    }
}

struct ps_score mnist_score(struct mnist_judge *judge)
{
    return (struct ps_score){.sums = MNIST_SUMS, .add = add, .context = judge};
}

void mnist_figures(const double *sum, int64_t n, double *figure)
{
    for (int i = 0; i < MNIST_SUMS; i++) figure[i] = sum[i] / (double)n;
}

void mnist_confusion(MPI_Comm comm, int64_t classes, int64_t n, const int32_t *label,
                     const struct mnist_answer *answer, int64_t *confusion)
{
    for (int64_t k = 0; k < classes * classes; k++) confusion[k] = 0;
    for (int64_t i = 0; i < n; i++)
        if (answer[i].label >= 0) confusion[label[i] * classes + answer[i].label]++;
    MPI_Allreduce(MPI_IN_PLACE, confusion, (int)(classes * classes), MPI_INT64_T, MPI_SUM, comm);
}

/* Share of the class's samples that were recognised; NaN where there are none. */
static double recall(const int64_t *confusion, int64_t classes, int64_t k)
{
    int64_t samples = 0;
    for (int64_t j = 0; j < classes; j++) samples += confusion[k * classes + j];
    return (double)confusion[k * classes + k] / (double)samples;
}

static void print_row(const struct ps_run *run, const int64_t *confusion, int64_t classes, int64_t k,
                      bool whole)
{
    const double found = recall(confusion, classes, k);
    ps_print(run, "%6lld", (long long)k);
    for (int64_t j = 0; whole && j < classes; j++)
        ps_print(run, " %5lld", (long long)confusion[k * classes + j]);
    if (isnan(found))
        ps_print(run, "       -\n");
    else
        ps_print(run, "  %.4f\n", found);
}

/* A matrix of more classes than fit into a line of a terminal is in the record alone. */
static void print(const struct ps_run *run, const int64_t *confusion, int64_t classes)
{
    enum { SHOWN = 30 };
    const bool whole = classes <= SHOWN;
    ps_print(run, whole ? "samples by true class (lines) and answer (columns), and recall:\n      "
                        : "recall by class:\n      ");
    for (int64_t k = 0; whole && k < classes; k++) ps_print(run, " %5lld", (long long)k);
    ps_print(run, "  recall\n");
    for (int64_t k = 0; k < classes; k++) print_row(run, confusion, classes, k, whole);
}

/* As numbers of the record: class after class. */
static void record(struct ps_run *run, const int64_t *confusion, int64_t classes)
{
    const int64_t n = classes * classes;
    double *number = malloc((size_t)n * sizeof *number);
    if (!number) return; /* the run is done, and what it found was printed */
    for (int64_t k = 0; k < n; k++) number[k] = (double)confusion[k];
    ps_record_nums(run, "confusion", number, (int)n);
    for (int64_t k = 0; k < classes; k++) number[k] = recall(confusion, classes, k);
    ps_record_nums(run, "recall", number, (int)classes);
    free(number);
}

void mnist_report(struct ps_run *run, int64_t classes, int64_t n, const double figure[MNIST_SUMS],
                  const int64_t *confusion)
{
    ps_print(run, "test: %lld samples, loss %.4f, accuracy %.4f\n", (long long)n, figure[MNIST_LOSS],
             figure[MNIST_RIGHT]);
    print(run, confusion, classes);
    ps_record_begin(run, "result");
    ps_record_int(run, "samples", n);
    ps_record_num(run, "test_loss", figure[MNIST_LOSS]);
    ps_record_num(run, "test_accuracy", figure[MNIST_RIGHT]);
    ps_record_int(run, "classes", classes);
    record(run, confusion, classes);
    ps_record_end(run);
}
