/** pisvm-predict: labels, values and probabilities of rows by a model of pisvm-train, piSVM or LIBSVM. See
 * docs/apps/pisvm.md. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/predict_text.h"
#include "apps/pisvm/svm_backend.h"
#include "apps/pisvm/svm_score.h"
#include "common/io/number.h"
#include "common/par/exactsum.h"
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/timer.h"

struct params {
    ps_str test, model, output;
    int probability;
    bool report;
    ps_str decision;
};

#define ROW(member, ...) PS_PARAM(struct params, member, __VA_ARGS__)
static const struct ps_param rows[] = {
    ROW(test, .positional = 1, .help = "rows to predict, as text of LIBSVM: label index:value ..."),
    ROW(model, .positional = 2, .help = "model file of pisvm-train, piSVM or LIBSVM"),
    ROW(output, .positional = 3, .help = "file for the predictions, one line per row"),
    ROW(probability, .letter = 'b', .def = "0", .range = "[0,1]",
        .help = "1: probabilities of the classes too; the model must have been trained with -b 1"),
    ROW(report, .flag = true, .def = "false",
        .help = "print confusion matrix, overall and average accuracy, kappa, and a table of the classes"),
    ROW(decision, .def = "", .help = "file for the decision values, one line per row"),
};

/** A run. */
struct predict {
    struct ps_run *run;
    const struct params *p;
    struct ps_device device;
    struct svm_model model;
    struct svm_data data;
    struct predict_model ready;
    struct predict_job job;
    struct predict_chunk chunk;
    struct predict_text text, values;
    double *result; /**< [own rows] */
};

static bool is_regression(const struct svm_model *m)
{
    return m->type == SVM_EPSILON_SVR || m->type == SVM_NU_SVR;
}

/** What can be refused is refused before the work. */
static enum ps_status check(const struct predict *s)
{
    const struct svm_model *m = &s->model;
    PS_CHECK(!s->p->probability || m->type == SVM_ONE_CLASS || m->prob_a, PS_EINPUT,
             "%s: the model has no probability estimates; train it with -b 1", s->p->model);
    PS_CHECK(!s->p->probability || m->type != SVM_ONE_CLASS, PS_EINPUT,
             "%s: a one-class model has no probability estimates; leave -b 1 out", s->p->model);
    PS_CHECK(!s->p->report || !is_regression(m), PS_EUSAGE,
             "--report is of classes; the model %s is a regression", s->p->model);
    PS_CHECK(!s->p->decision[0] || strcmp(s->p->decision, s->p->output) != 0, PS_EUSAGE,
             "--decision %s: this is the output file already", s->p->decision);
    return PS_OK;
}

static enum ps_status load(struct predict *s)
{
    const struct ps_svm_kernels *kernels;
    struct ps_run *run = s->run;
    ps_phase(run, "read");
    PS_TRY(svm_backend_open(run, &s->device, &kernels));
    PS_TRY(svm_model_read(run->comm, s->p->model, &s->model));
    PS_TRY(check(s));
    PS_TRY(svm_data_read(run->comm, s->p->test, SVM_VALUES, &s->data));
    int64_t n = s->data.x.mine.hi - s->data.x.mine.lo;
    ps_phase_count(run, "rows", n);
    if (!s->p->probability && s->model.prob_a && !is_regression(&s->model))
        ps_info(run, "the model has probability estimates; -b 1 would write them\n");
    ps_phase(run, "prepare");
    PS_TRY(predict_model_make(run->comm, &s->model, &s->data, kernels, &s->ready));
    s->job = (struct predict_job){.model = &s->ready,
                                  .x = svm_data_csr(&s->data),
                                  .probability = s->p->probability && !is_regression(&s->model),
                                  .decision = s->p->decision[0] != 0};
    enum ps_status rc = predict_chunk_make(&s->job, &s->chunk);
    if (rc == PS_OK) rc = ps_alloc(&s->result, n, sizeof *s->result, "predictions");
    return ps_agree(run->comm, rc);
}

/** Predict own rows. Local. */
static enum ps_status predict_own(struct predict *s)
{
    struct ps_progress progress;
    int64_t n = s->job.x.n;
    ps_progress_begin(&progress, s->run, "rows", "rows", n);
    for (int64_t lo = 0; lo < n; lo += s->chunk.room) {
        int64_t hi = lo + s->chunk.room < n ? lo + s->chunk.room : n;
        PS_TRY(predict_rows(&s->job, lo, hi, &s->chunk));
        memcpy(s->result + lo, s->chunk.result, (size_t)(hi - lo) * sizeof *s->result);
        PS_TRY(predict_text_add(&s->job, &s->chunk, &s->text));
        if (s->job.decision) PS_TRY(predict_text_add_values(&s->job, &s->chunk, &s->values));
        ps_progress_at(&progress, hi);
    }
    ps_progress_end(&progress);
    return PS_OK;
}

/** `labels l1 l2 ...`, or nothing. */
static enum ps_status first_line(const struct predict *s, char **out)
{
    if (!s->job.probability) return PS_OK;
    PS_TRY(ps_alloc(out, ((int64_t)s->model.nclass + 1) * PS_NUMBER_TEXT, 1, "the labels of a model"));
    char *at = *out + sprintf(*out, "labels");
    for (int i = 0; i < s->model.nclass; i++) {
        *at++ = ' ';
        at += ps_number_format_g(s->model.label[i], 10, at);
    }
    strcpy(at, "\n");
    return PS_OK;
}

/** Predict and write; both files are opened before the work and renamed after it. Collective. */
static enum ps_status predict_all(struct predict *s)
{
    struct ps_outfile output, decision = {.fd = -1};
    char *first = NULL;
    PS_TRY(ps_outfile_open(s->run->comm, s->p->output, false, &output));
    enum ps_status rc =
        s->job.decision ? ps_outfile_open(s->run->comm, s->p->decision, false, &decision) : PS_OK;
    if (rc != PS_OK) return ps_outfile_close(&output, rc);
    ps_phase(s->run, "predict");
    rc = first_line(s, &first);
    if (rc == PS_OK) rc = predict_own(s);
    rc = ps_agree(s->run->comm, rc);
    ps_phase(s->run, "write");
    if (s->job.decision) rc = predict_text_write(&decision, NULL, &s->values, rc);
    rc = predict_text_write(&output, first, &s->text, rc);
    free(first);
    return rc;
}

/** How often the bounds left values open, at log = debug. */
static void tell_counts(const struct predict *s)
{
    struct predict_counts c = s->chunk.counts;
    int64_t count[3] = {c.values, c.doubled, c.exact};
    MPI_Allreduce(MPI_IN_PLACE, count, 3, MPI_INT64_T, MPI_SUM, s->run->comm);
    ps_debug(s->run, "%lld decision values: %lld in double precision, %lld in the order of LIBSVM\n",
             (long long)count[0], (long long)count[1], (long long)count[2]);
}

static enum ps_status tell_classes(struct predict *s)
{
    const double *label = s->data.x.label;
    int64_t count[2] = {0, s->job.x.n};
    for (int64_t i = 0; i < count[1]; i++) count[0] += s->result[i] == label[i];
    MPI_Allreduce(MPI_IN_PLACE, count, 2, MPI_INT64_T, MPI_SUM, s->run->comm);
    double percent = (double)count[0] / (double)count[1] * 100;
    ps_print(s->run, "Accuracy = %g%% (%lld/%lld) (classification)\n", percent, (long long)count[0],
             (long long)count[1]);
    ps_record_begin(s->run, "result");
    ps_record_int(s->run, "rows", count[1]);
    ps_record_int(s->run, "right", count[0]);
    ps_record_num(s->run, "accuracy", percent);
    ps_record_num(s->run, "seconds", ps_elapsed(s->run));
    ps_record_end(s->run);
    if (!s->p->report) return PS_OK;
    struct svm_score score;
    PS_TRY(svm_score_make(s->run->comm, s->p->test, label, s->result, s->job.x.n, &score));
    svm_score_print(s->run, &score);
    enum ps_status rc = ps_agree(s->run->comm, svm_score_record(s->run, &score));
    svm_score_free(&score);
    return rc;
}

/** Sums of what squared errors and correlation need; NaN where a term is no finite number. Collective. */
enum { ERROR, P, T, PP, TT, PT, SUMS };
static enum ps_status sum_values(const struct predict *s, double *out)
{
    struct ps_exact sum[SUMS] = {{{0}}};
    int lost = 0;
    for (int64_t i = 0; i < s->job.x.n; i++) {
        double p = s->result[i], t = s->data.x.label[i];
        double term[SUMS] = {(p - t) * (p - t), p, t, p * p, t * t, p * t};
        for (int k = 0; k < SUMS; k++)
            if (isfinite(term[k]))
                ps_exact_add(&sum[k], term[k]);
            else
                lost = 1;
    }
    PS_TRY(ps_exact_reduce(s->run->comm, sum, SUMS));
    MPI_Allreduce(MPI_IN_PLACE, &lost, 1, MPI_INT, MPI_MAX, s->run->comm);
    for (int k = 0; k < SUMS; k++) out[k] = lost ? NAN : ps_exact_value(&sum[k]);
    return PS_OK;
}

static enum ps_status tell_values(struct predict *s)
{
    double x[SUMS], n = (double)s->data.x.rows;
    PS_TRY(sum_values(s, x));
    double both = n * x[PT] - x[P] * x[T];
    double correlation = both * both / ((n * x[PP] - x[P] * x[P]) * (n * x[TT] - x[T] * x[T]));
    if (s->p->probability)
        ps_print(s->run,
                 "Prob. model for test data: target value = predicted value + z,\nz: Laplace distribution "
                 "e^(-|z|/sigma)/(2sigma),sigma=%g\n",
                 s->model.prob_a[0]);
    ps_print(s->run, "Mean squared error = %g (regression)\n", x[ERROR] / n);
    ps_print(s->run, "Squared correlation coefficient = %g (regression)\n", correlation);
    ps_record_begin(s->run, "result");
    ps_record_int(s->run, "rows", s->data.x.rows);
    ps_record_num(s->run, "mean_squared_error", x[ERROR] / n);
    ps_record_num(s->run, "squared_correlation", correlation);
    ps_record_num(s->run, "seconds", ps_elapsed(s->run));
    ps_record_end(s->run);
    return PS_OK;
}

static enum ps_status run_predict(struct ps_run *run, const void *params)
{
    struct predict s = {.run = run, .p = params};
    enum ps_status rc = load(&s);
    if (rc == PS_OK) rc = predict_all(&s);
    if (rc == PS_OK) tell_counts(&s);
    if (rc == PS_OK) rc = is_regression(&s.model) ? tell_values(&s) : tell_classes(&s);
    predict_chunk_free(&s.job, &s.chunk);
    predict_text_free(&s.text);
    predict_text_free(&s.values);
    predict_model_free(&s.ready);
    svm_data_free(&s.data);
    svm_model_free(&s.model);
    free(s.result);
    ps_device_close(&s.device);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct ps_program program = {
        .name = "pisvm-predict",
        .summary = "predict rows by a support vector machine, over MPI ranks and threads",
        .synopsis = "[-b 0|1] test_file model_file output_file",
        .rows = rows,
        .nrows = sizeof rows / sizeof *rows,
        .params_size = sizeof(struct params),
        .common = PS_HAS_BACKEND,
        .run = run_predict,
    };
    return ps_main(argc, argv, &program);
}
