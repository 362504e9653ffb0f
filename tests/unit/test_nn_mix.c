/* ranks: 1 2 3 */
#include "trainrun.h"
#include <math.h>
#include "common/nn/train_parts.h"

/* Shares are drawn from Beta(a, a): mean 1/2, variance 1 / (4 (2 a + 1)); of 4000 draws the mean errs by
 * sqrt(variance / 4000) < 0.008 and the variance by less than 0.004; five times that. */
START_TEST(draws)
{
    enum { DRAWS = 4000 };
    struct ps_run run = run_on(MPI_COMM_WORLD, 1);
    struct ps_node last = {.out = {1, 1, CLASSES, false}};
    const struct ps_net net = {.node = &last, .nodes = 1};
    const double alphas[] = {1, 0.4, 0.1};
    for (int k = 0; k < 3; k++) {
        const double a = alphas[k], want = 1 / (4 * (2 * a + 1));
        const struct ps_train_job job = {.net = &net, .mixup = a};
        const struct ps_train t = {.run = &run, .job = &job};
        double sum = 0, squares = 0;
        for (int i = 0; i < DRAWS; i++) {
            float x[3] = {1, 5, 0}, shares[3 * CLASSES];
            int32_t labels[3] = {2, 1, 0};
            int64_t sample[3] = {i, 7, 9};
            struct ps_train_thread me = {.shares = shares,
                                         .micro = {.x = x, .target = labels, .sample = sample, .input = 1}};
            ps_train_mix(&t, &me, 3, 2);
            mck_assert(x[0] >= 0 && x[0] <= 1 && x[1] == 5 && fabsf(x[0] + x[2] - 1) < 1e-6F, "a pair");
            mck_assert(shares[2] == x[0] && fabsf(shares[0] - (1 - x[0])) < 1e-6F && shares[1] == 0,
                       "shares");
            mck_assert(shares[CLASSES + 1] == 1 && shares[CLASSES] == 0, "the one in the middle");
            sum += x[0], squares += (x[0] - 0.5) * (x[0] - 0.5);
        }
        mck_assert(fabs(sum / DRAWS - 0.5) < 0.04, "a = %g: mean %g", a, sum / DRAWS);
        mck_assert(fabs(squares / DRAWS - want) < 0.02, "a = %g: variance %g, not %g", a, squares / DRAWS,
                   want);
    }
}
END_TEST

/* Targets are two questions: is it of class 0, is it of class 2? */
static enum ps_status load_questions(const struct ps_source *s, int64_t i, const struct ps_draw *draw,
                                     float *x, void *target)
{
    float *t = target;
    for (int c = 0; c < CLASSES; c++) t[c] = c < 2 ? label(i) == 2 * c : 0;
    return load_labelled(s, i, draw, x, NULL);
}

static void count_yes(void *context, const struct ps_net_work *work, const struct ps_net_batch *batch,
                      const void *target, double *sum)
{
    const float *y = work->y[work->net->nodes - 1], *t = target;
    (void)context;
    for (int64_t i = 0; i < batch->n * CLASSES; i++)
        sum[0] += ((y[i] > 0) == (t[i] > 0.5F)) / (double)CLASSES;
}

/* Mixed samples, of labels and of questions, give the same bits on any number of ranks and threads; others
 * than without; the right answers are learnt. */
START_TEST(trained)
{
    struct ps_source questions = source;
    struct ps_train_params p = defaults();
    questions.load = load_questions;
    p.epochs = 40;
    for (int kind = 0; kind < 2; kind++) {
        struct outcome first = {.status = PS_OK}, plain;
        struct ps_net net;
        build(&net, &ps_nn_cpu, false, CLASSES);
        struct ps_train_job job = job_of(&p, &net);
        if (kind == 1) {
            job.loss = PS_LOSS_SIGMOID;
            job.train = job.valid = &questions;
            job.score.add = count_yes;
        }
        plain = train_job(MPI_COMM_WORLD, 1, &job);
        mck_assert(plain.status == PS_OK && plain.figure > 0.8, "%g are right", plain.figure);
        job.mixup = 0.3;
        for (int threads = 1; threads <= 2; threads++)
            for (int alone = 0; alone < 2; alone++) {
                struct outcome o = train_job(alone ? MPI_COMM_SELF : MPI_COMM_WORLD, threads, &job);
                mck_assert(o.status == PS_OK && o.figure > 0.7, "mixed, %g are right", o.figure);
                if (!first.w)
                    first = o;
                else {
                    mck_assert(equal(&first, &o), "other bits with %d threads", threads);
                    free(o.w);
                }
            }
        mck_assert(!equal(&first, &plain), "nothing was mixed");
        free(first.w), free(plain.w);
        ps_net_free(&net);
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {draws, trained, NULL};
    return mck_main(argc, argv, "nn_mix", tests);
}
