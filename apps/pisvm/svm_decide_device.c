/* Decision values on a device: blocks of kernel values of all rows with as many support vectors of a group as
 * the room for them allows, times coefficients, into one array that comes back when all groups are done. */
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_backend.h"
#include "apps/pisvm/svm_decide.h"
#include "common/par/buffer.h"
#include "common/run/err.h"

/* Kernel values of a block at most, where rows allow; and the columns over which `multiply` sums in single
 * precision, so that sums do not depend on how support vectors are cut. */
enum { VALUES = 1 << 26, STEP = 256 };

/* One call. */
struct there {
    const struct svm_decision *d;
    int64_t n, width;        /* rows; support vectors of a block */
    int64_t cols;            /* of all groups */
    struct ps_buffer k, sum; /* [n][width] floats; [n][cols] doubles */
    double *here;            /* what sum holds in the end; owned */
};

static void close_there(struct there *t)
{
    ps_buffer_free(&t->k);
    ps_buffer_free(&t->sum);
    free(t->here);
}

static enum ps_status open_there(const struct svm_decision *d, int64_t n, struct there *t)
{
    const struct ps_device_memory *memory = d->kernels->device->memory;
    int64_t most = 0;
    *t = (struct there){.d = d, .n = n};
    for (int g = 0; g < d->groups; g++) {
        t->cols += d->group[g].cols;
        if (d->group[g].hi - d->group[g].lo > most) most = d->group[g].hi - d->group[g].lo;
    }
    t->width = VALUES / n / STEP * STEP;
    if (t->width < STEP) t->width = STEP;
    if (t->width > most) t->width = (most + STEP - 1) / STEP * STEP;
    const int64_t bytes = n * t->cols * (int64_t)sizeof *t->here;
    PS_TRY(ps_zalloc(&t->here, n * t->cols, sizeof *t->here, "decision values"));
    PS_TRY(ps_buffer_make(memory, n * t->width * (int64_t)sizeof(float), false, "kernel values", &t->k));
    PS_TRY(ps_buffer_make(memory, bytes, false, "decision values", &t->sum));
    memory->put(t->sum.there, t->here, bytes);
    return PS_OK;
}

/* Add what came back where it belongs. */
static void spread(const struct there *t, double *value)
{
    const struct svm_decision *d = t->d;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < t->n; i++) {
        const double *sum = t->here + i * t->cols;
        for (int g = 0; g < d->groups; g++)
            for (int64_t c = 0; c < d->group[g].cols; c++)
                value[i * d->stride + d->group[g].column[c]] += *sum++;
    }
}

enum ps_status svm_decide_there(const struct svm_decision *d, int64_t rlo, int64_t rhi, double *value)
{
    const struct ps_svm_kernels *kernels = d->kernels;
    struct there t;
    if (rlo == rhi) return PS_OK;
    enum ps_status rc = open_there(d, rhi - rlo, &t);
    int64_t at = 0;
    for (int g = 0; g < d->groups && rc == PS_OK; at += d->group[g++].cols) {
        const struct svm_group *x = &d->group[g];
        for (int64_t s = x->lo; s < x->hi; s += t.width) {
            const int64_t m = x->hi - s < t.width ? x->hi - s : t.width;
            kernels->block(&d->function, d->rows, rlo, rhi, x->pack, s, s + m, t.k.there, t.width);
            kernels->multiply(t.k.there, t.n, m, t.width, x->coef + (s - x->lo) * x->cols, x->cols, x->cols,
                              (double *)t.sum.there + at, t.cols);
        }
    }
    if (rc == PS_OK) kernels->device->memory->get(t.here, t.sum.there, t.sum.bytes);
    if (rc == PS_OK) rc = svm_backend_wait(kernels);
    if (rc == PS_OK) spread(&t, value);
    close_there(&t);
    return rc;
}
