#include "common/nn/roofline.h"
#include <math.h>
#include <stdlib.h>
#include "common/run/err.h"
#include "common/run/timer.h"
#include "kernels/peak.h"

double ps_roofline_flops(const struct ps_run *run, bool half)
{
    const int threads = run->threads;
    double all = 0, *mine = malloc((size_t)threads * sizeof *mine);
    MPI_Barrier(run->comm);
    if (mine) {
#pragma omp parallel for num_threads(threads) schedule(static, 1)
        for (int i = 0; i < threads; i++) mine[i] = ps_peak_flops(half);
        for (int i = 0; i < threads; i++) all += mine[i];
    }
    free(mine);
    MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_DOUBLE, MPI_SUM, run->comm);
    return all;
}

/* Floats of each of a thread's three arrays, and passes. Arrays are flushed before each pass: they need not
 * be larger than caches. */
enum { LENGTH = 1 << 19, ARRAYS = 3, PASSES = 8 };

struct pass {
    double begin, end, bytes;
};

/* All ranks begin together; the slowest thread says when it was over. @return bytes a second */
static double pass(const struct ps_run *run, float *memory, struct pass *mine)
{
    const int threads = run->threads;
    double bytes = 0, begin = INFINITY, end = -INFINITY;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int i = 0; i < threads; i++)
        ps_peak_flush(memory + (int64_t)i * ARRAYS * LENGTH, (int64_t)ARRAYS * LENGTH);
    MPI_Barrier(run->comm);
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int i = 0; i < threads; i++) {
        float *x = memory + (int64_t)i * ARRAYS * LENGTH;
        mine[i].begin = ps_elapsed(run);
        mine[i].bytes = ps_peak_triad(x, x + LENGTH, x + 2 * LENGTH, 3, LENGTH);
        mine[i].end = ps_elapsed(run);
    }
    for (int i = 0; i < threads; i++) {
        begin = fmin(begin, mine[i].begin);
        end = fmax(end, mine[i].end);
        bytes += mine[i].bytes;
    }
    double seconds = end - begin;
    MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, run->comm);
    MPI_Allreduce(MPI_IN_PLACE, &bytes, 1, MPI_DOUBLE, MPI_SUM, run->comm);
    return bytes / seconds;
}

enum ps_status ps_roofline_bytes(const struct ps_run *run, double *out)
{
    const int threads = run->threads;
    float *memory = NULL;
    struct pass *mine = NULL;
    enum ps_status rc =
        ps_alloc(&memory, (int64_t)threads * ARRAYS * LENGTH, sizeof *memory, "the measure of bandwidth");
    if (rc == PS_OK) rc = ps_alloc(&mine, threads, sizeof *mine, "the measure of bandwidth");
    PS_TRY_DONE(ps_agree(run->comm, rc));
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int i = 0; i < threads; i++) /* each thread's pages lie near it */
        for (int64_t k = 0; k < (int64_t)ARRAYS * LENGTH; k++) memory[(int64_t)i * ARRAYS * LENGTH + k] = 1;
    *out = 0;
    for (int i = 0; i < PASSES; i++) *out = fmax(*out, pass(run, memory, mine));
done:
    free(memory);
    free(mine);
    return rc;
}
