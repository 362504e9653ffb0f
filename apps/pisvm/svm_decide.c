/* Decision values by blocks: rows x support vectors in single precision, times coefficients into double. */
#include "apps/pisvm/svm_decide.h"

#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

/* A block of kernel values, ROWS x CHUNK floats, stays in the second-level cache with the rows that make it.
 * CHUNK is a multiple of the 256 columns over which `multiply` sums in single precision, so that the sums do
 * not depend on it. */
enum { ROWS = 128, CHUNK = 512 };

/** One piece of the rows. */
struct piece {
    int64_t lo, hi; /**< of the pack */
    double *value;  /**< of row lo */
};

/** Kernel values and sums of one thread. */
struct buffer {
    float *k;    /**< [ROWS][CHUNK] */
    double *sum; /**< [ROWS][cols] */
};

static void decide_piece(const struct svm_decision *d, const struct piece *p, const struct svm_group *g,
                         const struct buffer *b)
{
    int64_t n = p->hi - p->lo;
    memset(b->sum, 0, (size_t)(n * g->cols) * sizeof *b->sum);
    for (int64_t s = g->lo; s < g->hi; s += CHUNK) {
        int64_t m = g->hi - s < CHUNK ? g->hi - s : CHUNK;
        d->kernels->block(&d->function, d->rows, p->lo, p->hi, g->pack, s, s + m, b->k, CHUNK);
        d->kernels->multiply(b->k, n, m, CHUNK, g->coef + (s - g->lo) * g->cols, g->cols, g->cols, b->sum,
                             g->cols);
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t t = 0; t < g->cols; t++)
            p->value[i * d->stride + g->column[t]] += b->sum[i * g->cols + t];
}

/* What one group gives. */
static enum ps_status decide_group(const struct svm_decision *d, int64_t rlo, int64_t rhi,
                                   const struct svm_group *g, double *value)
{
    int64_t pieces = (rhi - rlo + ROWS - 1) / ROWS;
    bool short_of_memory = false;
    if (g->lo == g->hi) return PS_OK;
#pragma omp parallel if (pieces > 1)
    {
        struct buffer b = {aligned_alloc(64, ROWS * CHUNK * sizeof(float)),
                           malloc((size_t)(ROWS * g->cols + 1) * sizeof(double))};
        if (!b.k || !b.sum) {
#pragma omp atomic write
            short_of_memory = true;
        }
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < pieces; i++) {
            struct piece p = {rlo + i * ROWS, rhi, value + i * ROWS * d->stride};
            if (p.hi - p.lo > ROWS) p.hi = p.lo + ROWS;
            if (b.k && b.sum) decide_piece(d, &p, g, &b);
        }
        free(b.k);
        free(b.sum);
    }
    PS_CHECK(!short_of_memory, PS_ENOMEM, "no memory for a block of kernel values");
    return PS_OK;
}

enum ps_status svm_decide(const struct svm_decision *d, int64_t rlo, int64_t rhi, double *value)
{
    if (d->kernels->device) return svm_decide_there(d, rlo, rhi, value);
    for (int g = 0; g < d->groups; g++) PS_TRY(decide_group(d, rlo, rhi, &d->group[g], value));
    return PS_OK;
}
