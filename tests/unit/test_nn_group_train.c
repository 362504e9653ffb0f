/* ranks: 1 2 3 4 */
#include "trainrun.h"
#include <math.h>

/* Whole runs where grains have statistics in common. */

/* As many threads as four grains need at least. */
static int threads_here(void)
{
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    return (4 + size - 1) / size;
}

/* The reference: every rank alone. */
static void same_bits(const struct ps_train_params *p, const char *what)
{
    const int threads = threads_here();
    struct outcome want = train_with(MPI_COMM_SELF, 4, p, false);
    mck_assert(want.status == PS_OK && isfinite(want.loss), "%s: %s", what, ps_err_message());
    for (int more = 0; more < 2; more++) { /* threads without grains */
        struct outcome o = train_with(MPI_COMM_WORLD, threads + more, p, false);
        mck_assert(o.status == PS_OK, "%s: %s", what, ps_err_message());
        mck_assert(equal(&o, &want), "%s, %d threads: loss %.17g, not %.17g", what, threads + more, o.loss,
                   want.loss);
        free(o.w);
    }
    free(want.w);
}

/* 61 samples: batches of 5 end with one of a single sample, so that one grain of four has it. */
START_TEST(bits)
{
    struct ps_train_params p = defaults();
    p.momentum = 0.5;
    for (p.norm_group = 2; p.norm_group <= 4; p.norm_group += 2) {
        p.batch = 16, p.accumulate = 1;
        same_bits(&p, "batches of 16");
        p.batch = 5, p.accumulate = 3;
        same_bits(&p, "batches of 5, three a step");
    }
    p.norm_group = 4, p.epochs = 1;
    for (p.node_ranks = 1; p.node_ranks <= 2; p.node_ranks++) same_bits(&p, "several nodes");
}
END_TEST

/* One group of all grains computes what one grain of all samples does, but for roundings: as in
 * test_nn_train, 12 steps at rate 0.1 and divisions by deviations of some 0.1. Statistics of each grain are
 * another model. */
START_TEST(one_grain)
{
    struct ps_train_params p = defaults();
    common.grains = 1;
    struct outcome want = train_with(MPI_COMM_WORLD, threads_here(), &p, false);
    common.grains = 4;
    struct outcome other = train_with(MPI_COMM_WORLD, threads_here(), &p, false);
    p.norm_group = 4;
    for (int fast = 0; fast < 2; fast++) {
        snprintf(p.reduce, sizeof p.reduce, fast ? "fast" : "exact");
        struct outcome o = train_with(MPI_COMM_WORLD, threads_here(), &p, false);
        double most = 0, apart = 0;
        mck_assert(o.status == PS_OK && o.steps == want.steps, "%s", ps_err_message());
        for (int64_t i = 0; i < o.n; i++) most = fmax(most, fabs(o.w[i] - want.w[i]));
        for (int64_t i = 0; i < o.n; i++) apart = fmax(apart, fabs(other.w[i] - want.w[i]));
        mck_assert(most < 2e-4 && fabs(o.loss - want.loss) < 2e-4, "weights differ by %g", most);
        mck_assert(apart > 0.01, "grains with statistics of their own differ by %g alone", apart);
        free(o.w);
    }
    free(want.w), free(other.w);
}
END_TEST

/* Nobody waits for a grain that fails. */
START_TEST(failures)
{
    static const int64_t broken = 44;
    struct ps_train_params p = defaults();
    struct ps_net net;
    const struct ps_source bad = {.n = SAMPLES, .name = "made-up", .data = &broken, .load = load_labelled};
    build(&net, &ps_nn_cpu, false, CLASSES);
    const struct ps_train_job job = {
        .params = &p, .net = &net, .describe = "test", .loss = PS_LOSS_SOFTMAX, .train = &bad};
    for (p.node_ranks = 0; p.node_ranks < 2; p.node_ranks++)
        for (p.accumulate = 1; p.accumulate <= 3; p.accumulate += 2) {
            p.norm_group = 4;
            mck_assert(train_job(MPI_COMM_WORLD, threads_here(), &job).status == PS_EINPUT &&
                           strstr(ps_err_message(), "made-up: sample 44 is broken"),
                       "%s", ps_err_message());
            ps_err_clear();
            p.norm_group = 2 * (p.node_ranks == 0);
            p.rate = 3e38;
            mck_assert(train_with(MPI_COMM_WORLD, threads_here(), &p, false).status == PS_EINPUT &&
                           strstr(ps_err_message(), "the loss is not a number in epoch 1, step "),
                       "%s", ps_err_message());
            ps_err_clear();
            p.rate = 0.1;
        }
    ps_net_free(&net);
}
END_TEST

/* Stopped in the middle of an epoch, another number of threads goes on. */
START_TEST(resumed)
{
    struct ps_train_params p = defaults();
    p.norm_group = 4, p.momentum = 0.5, p.keep = 2;
    struct outcome want = train_with(MPI_COMM_SELF, 4, &p, false);
    snprintf(common.checkpoint, sizeof common.checkpoint, "%s", file_name("group.ck"));
    p.every = 7;
    struct outcome first = train_with(MPI_COMM_WORLD, threads_here(), &p, false);
    mck_assert(equal(&first, &want), "with checkpoints: %s", ps_err_message());
    take_former();
    common.resume = true;
    struct outcome o = train_with(MPI_COMM_WORLD, threads_here() + 1, &p, false);
    mck_assert(equal(&o, &want), "resumed: loss %.17g, not %.17g: %s", o.loss, want.loss, ps_err_message());
    p.norm_group = 2;
    mck_assert(train_with(MPI_COMM_WORLD, threads_here(), &p, false).status != PS_OK,
               "resumed with other groups");
    ps_err_clear();
    common.resume = false;
    remove_files(common.checkpoint);
    common.checkpoint[0] = '\0';
    free(want.w), free(first.w), free(o.w);
}
END_TEST

/* Does it end with PS_EUSAGE, and a message with this part? */
static void refused(const struct ps_train_params *p, int threads, const char *part)
{
    mck_assert(train_with(MPI_COMM_WORLD, threads, p, false).status == PS_EUSAGE &&
                   strstr(ps_err_message(), part),
               "%s", ps_err_message());
    ps_err_clear();
}

START_TEST(misuse)
{
    struct ps_train_params p = defaults();
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    p.norm_group = 3;
    refused(&p, threads_here(), "--norm-group 3: 4 grains are not a multiple");
    common.grains = 9;
    if (2 * size < 9) refused(&p, 2, "9 grains have");
    common.grains = 6, p.node_ranks = 1;
    if (size >= 3) refused(&p, 2, "--norm-group 3: groups have to be within nodes");
    common.grains = 4;
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {bits, one_grain, failures, resumed, misuse, NULL};
    return mck_main(argc, argv, "nn_group_train", tests);
}
