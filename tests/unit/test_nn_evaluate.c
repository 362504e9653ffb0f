/* ranks: 1 2 3 4 */
#include "traincheck.h"
#include <math.h>
#include "common/nn/evaluate.h"

enum { CHUNK = 8, MOST = 300 };

/** How often each sample was seen by this rank. */
static int seen[MOST];
static int64_t poisoned = -1; /* its chunk's second sum is not a number */

/* Number of samples, the sum of outputs, and of 1 / (1 + number): with rounding, if sums were rounded. */
static void add(void *context, const struct ps_net_work *work, const struct ps_net_batch *batch,
                const void *target, double *sum)
{
    const struct ps_net *net = work->net;
    const float *y = work->y[net->nodes - 1];
    (void)context;
    for (int64_t i = 0; i < batch->n; i++) {
        const int64_t sample = batch->sample[i];
#pragma omp atomic
        seen[sample]++;
        sum[0]++;
        for (int c = 0; c < CLASSES; c++) sum[1] += y[i * CLASSES + c];
        if (sample == poisoned) sum[1] = NAN;
        sum[2] += 1 / (1.0 + (double)sample);
        sum[3] += ((const int32_t *)target)[i] != label(sample);
        sum[3] += ((const float *)batch->x)[i * FEATURES + 2] != feature(sample, 2);
    }
}

static enum ps_status evaluate(MPI_Comm comm, int threads, const struct ps_source *s, double *sum)
{
    struct ps_run run = run_on(comm, threads);
    struct ps_net net;
    build(&net, &ps_nn_cpu, false, CLASSES);
    float *w = calloc((size_t)(net.weights + net.buffers), sizeof *w);
    float *prepared = aligned_alloc(64, ((size_t)net.prepared * sizeof *prepared + 127) / 64 * 64);
    const struct ps_score score = {.sums = 4, .add = add};
    ps_net_init(&net, w);
    ps_net_prepare(&net, w, prepared, 0, 1);
    memset(seen, 0, sizeof seen);
    const enum ps_status rc = ps_evaluate(&run, &net, s, CHUNK, PS_TARGET_LABELS, w, prepared, &score, sum);
    free(w), free(prepared);
    ps_net_free(&net);
    return rc;
}

/* No sample, fewer than ranks, whole chunks, and a rest: each once, with the bits of one thread alone. */
START_TEST(every_sample_once)
{
    static const int64_t sizes[] = {0, 1, 3, 16, 130, MOST};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const struct ps_source s = {.n = sizes[k], .name = "made-up", .load = load_labelled};
        double want[4], got[4];
        mck_assert(evaluate(MPI_COMM_SELF, 1, &s, want) == PS_OK, "%s", ps_err_message());
        for (int threads = 1; threads <= 3; threads++) {
            mck_assert(evaluate(MPI_COMM_WORLD, threads, &s, got) == PS_OK, "%s", ps_err_message());
            mck_assert(got[0] == (double)s.n && got[3] == 0, "%g of %lld samples, %g wrong", got[0],
                       (long long)s.n, got[3]);
            mck_assert(memcmp(got, want, sizeof got) == 0, "%.17g %.17g, not %.17g %.17g", got[1], got[2],
                       want[1], want[2]);
            const struct ps_run run = run_on(MPI_COMM_WORLD, 1);
            const struct ps_range mine = ps_evaluate_mine(&run, s.n, CHUNK);
            bool right = true;
            for (int64_t i = 0; i < MOST; i++) right = right && seen[i] == (i >= mine.lo && i < mine.hi);
            mck_assert(right, "not its own samples, or not once");
        }
    }
}
END_TEST

/* Outputs as a plain loop has them: sample by sample. */
START_TEST(outputs)
{
    const struct ps_source s = {.n = MOST, .name = "made-up", .load = load_labelled};
    double got[4], harmonic = 0;
    mck_assert(evaluate(MPI_COMM_WORLD, 2, &s, got) == PS_OK, "%s", ps_err_message());
    for (int i = MOST; i > 0; i--) harmonic += 1.0 / i;
    /* each of 38 chunks rounds 8 times to 1e-16 of at most 2.72 */
    mck_assert(fabs(got[2] - harmonic) < 1e-13, "%.17g, not %.17g", got[2], harmonic);

    struct ps_net net;
    build(&net, &ps_nn_ref, false, CLASSES);
    struct ps_net_work work;
    float *w = calloc((size_t)(net.weights + net.buffers), sizeof *w), x[FEATURES];
    float *prepared = calloc((size_t)net.prepared + 1, sizeof *prepared);
    double sum = 0;
    ps_net_init(&net, w);
    ps_net_prepare(&net, w, prepared, 0, 1);
    ck_assert(ps_net_work_make(&net, 1, false, &work) == PS_OK);
    for (int64_t i = 0; i < MOST; i++) {
        const struct ps_net_batch batch = {.n = 1, .x = x, .sample = &i};
        for (int64_t k = 0; k < FEATURES; k++) x[k] = feature(i, k);
        const float *y = ps_net_forward(&work, &batch, w, prepared);
        for (int c = 0; c < CLASSES; c++) sum += y[c];
    }
    /* 900 outputs of magnitude 1, each with a relative error of some 1e-6 at most */
    mck_assert(fabs(got[1] - sum) < 9e-4, "%.9g, not %.9g", got[1], sum);
    ps_net_work_free(&work);
    ps_net_free(&net);
    free(w), free(prepared);
}
END_TEST

START_TEST(not_a_number)
{
    const struct ps_source s = {.n = 130, .name = "made-up", .load = load_labelled};
    double got[4];
    poisoned = 77;
    mck_assert(evaluate(MPI_COMM_WORLD, 2, &s, got) == PS_OK, "%s", ps_err_message());
    mck_assert(isnan(got[1]) && got[0] == 130 && isfinite(got[2]), "%g %g %g", got[0], got[1], got[2]);
    poisoned = -1;
}
END_TEST

START_TEST(broken_sample)
{
    static const int64_t broken = 101;
    const struct ps_source s = {.n = 130, .name = "made-up", .data = &broken, .load = load_labelled};
    double got[4];
    mck_assert(evaluate(MPI_COMM_WORLD, 2, &s, got) == PS_EINPUT &&
                   strstr(ps_err_message(), "made-up: sample 101 is broken"),
               "%s", ps_err_message());
    ps_err_clear();
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {every_sample_once, outputs, not_a_number, broken_sample, NULL};
    return mck_main(argc, argv, "nn_evaluate", tests);
}
