/* ranks: 1 2 3 4 */
#include "trainrun.h"
#include <math.h>

enum { TARGETS = 2 };

/* Nearly linear in the features. */
static double value(int64_t sample, int k)
{
    double y = 0.3 * k - 0.1;
    for (int64_t j = 0; j < FEATURES; j++) y += (0.2 * (double)j - 0.5 + k) * feature(sample, j);
    return (float)(y + 0.1 * sin((double)sample));
}

static enum ps_status load_values(const struct ps_source *s, int64_t i, const struct ps_draw *draw, float *x,
                                  void *target)
{
    (void)s, (void)draw;
    for (int64_t k = 0; k < FEATURES; k++) x[k] = feature(i, k);
    for (int k = 0; k < TARGETS; k++) ((float *)target)[k] = (float)value(i, k);
    return PS_OK;
}

/* Least mean of squared differences by normal equations. @return it */
static double least_squares(void)
{
    enum { N = FEATURES + 1 };
    double sum = 0;
    for (int k = 0; k < TARGETS; k++) {
        double a[N][N + 1] = {{0}}, row[N + 1] = {[FEATURES] = 1};
        for (int64_t i = 0; i < SAMPLES; i++) {
            for (int j = 0; j < FEATURES; j++) row[j] = feature(i, j);
            row[N] = value(i, k);
            for (int r = 0; r < N; r++)
                for (int c = 0; c <= N; c++) a[r][c] += row[r] * row[c];
        }
        for (int p = 0; p < N; p++) /* positive definite: no pivots are needed */
            for (int r = 0; r < N; r++) {
                const double f = a[r][p] / a[p][p];
                for (int c = p; c <= N && r != p; c++) a[r][c] -= f * a[p][c];
            }
        for (int64_t i = 0; i < SAMPLES; i++) {
            double d = a[FEATURES][N] / a[FEATURES][FEATURES] - value(i, k);
            for (int j = 0; j < FEATURES; j++) d += a[j][N] / a[j][j] * feature(i, j);
            sum += d * d;
        }
    }
    return sum / (SAMPLES * TARGETS);
}

static struct outcome fit(MPI_Comm comm, int threads, const struct ps_train_params *p)
{
    static const struct ps_source values = {.n = SAMPLES, .name = "made-up", .load = load_values};
    struct ps_net net;
    ps_net_begin(&net, &ps_nn_cpu, (struct ps_shape){1, 1, FEATURES, false}, PS_INIT_TORCH, 3);
    ps_net_dense(&net, 0, "fit", TARGETS, PS_NN_LINEAR);
    ck_assert(ps_net_end(&net) == PS_OK);
    const struct ps_train_job job = {
        .params = p, .net = &net, .describe = "test", .loss = PS_LOSS_SQUARES, .train = &values};
    const struct outcome o = train_job(comm, threads, &job);
    ps_net_free(&net);
    return o;
}

/* A quadratic function of 14 weights: L-BFGS finds its least value, which no rounding of weights, 1e-7 of 1
 * each, changes by more than some 1e-13; losses are sums of squares in single precision, 1e-6 of them. The
 * bits are those of one thread, and of a run that goes on from a checkpoint. */
START_TEST(full_batch)
{
    struct ps_train_params p = defaults();
    snprintf(p.optimizer, sizeof p.optimizer, "lbfgs");
    p.epochs = 40;
    struct outcome want = fit(MPI_COMM_SELF, 1, &p);
    const double least = least_squares();
    mck_assert(want.status == PS_OK && want.epochs > 3, "%s", ps_err_message());
    mck_assert(fabs(want.loss - least) < 1e-6 * least, "loss %.9g, not %.9g", want.loss, least);
    struct outcome all = fit(MPI_COMM_WORLD, 2, &p);
    mck_assert(equal(&all, &want), "loss %.17g, not %.17g", all.loss, want.loss);
    free(all.w);

    snprintf(common.checkpoint, sizeof common.checkpoint, "%s", file_name("train.ckpt"));
    for (p.every = want.epochs / 2; p.every <= want.epochs / 2 + 1; p.every++) {
        struct ps_train_params half = p;
        half.epochs = p.every;
        struct outcome first = fit(MPI_COMM_WORLD, 1, &half);
        mck_assert(first.status == PS_OK && first.epochs == p.every, "%s", ps_err_message());
        common.resume = true;
        struct outcome rest = {.status = PS_OK};
        if (world_rank() == 0) rest = fit(MPI_COMM_SELF, 2, &p);
        mck_assert(world_rank() > 0 || equal(&rest, &want), "loss %.17g, not %.17g: %s", rest.loss, want.loss,
                   ps_err_message());
        common.resume = false;
        free(first.w), free(rest.w);
        remove_files(common.checkpoint);
    }
    common.checkpoint[0] = '\0';
    free(want.w);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {full_batch, NULL};
    return mck_main(argc, argv, "nn_full", tests);
}
