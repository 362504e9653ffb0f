#include "apps/pisvm/svm_validate_device.h"
#include <stdlib.h>
#include "apps/pisvm/svm_backend.h"
#include "common/par/buffer.h"
#include "common/run/err.h"

/* Kernel values of a block at most, whatever the memory. */
enum { VALUES = 1 << 26 };

struct svm_there {
    const struct svm_decider *d;
    int64_t lo, hi;         /* pieces */
    int64_t slice;          /* of a block at most */
    struct ps_buffer k;     /* [chunk][slice][SVM_PIECE] floats */
    struct ps_buffer value; /* [pairs][ncost][hi - lo][SVM_PIECE] doubles */
};

/* The device begins with zeros. */
static enum ps_status clear(const struct svm_there *t)
{
    double *zero;
    PS_TRY(ps_zalloc(&zero, t->value.bytes, 1, "decision values"));
    t->value.memory->put(t->value.there, zero, t->value.bytes);
    const enum ps_status rc = svm_backend_wait(t->d->spec->kernels);
    free(zero);
    return rc;
}

enum ps_status svm_there_open(const struct svm_decider *d, int64_t lo, int64_t hi, int64_t chunk,
                              struct svm_there **out)
{
    const struct ps_device_memory *memory = d->spec->kernels->device->memory;
    const int64_t columns = (int64_t)d->pairs * d->sweep->ncost,
                  fit = d->spec->memory / (int64_t)sizeof(float), most = fit < VALUES ? fit : VALUES;
    PS_TRY(ps_zalloc(out, 1, sizeof **out, "decision values"));
    struct svm_there *t = *out;
    t->d = d;
    t->lo = lo;
    t->hi = hi;
    t->slice = most / chunk / SVM_PIECE > 0 ? most / chunk / SVM_PIECE : 1;
    if (t->slice > hi - lo) t->slice = hi - lo;
    PS_TRY(ps_buffer_make(memory, chunk * t->slice * SVM_PIECE * (int64_t)sizeof(float), false,
                          "kernel values", &t->k));
    PS_TRY(ps_buffer_make(memory, columns * (hi - lo) * SVM_PIECE * (int64_t)sizeof(double), false,
                          "decision values", &t->value));
    return clear(t);
}

void svm_there_close(struct svm_there *t)
{
    if (!t) return;
    ps_buffer_free(&t->k);
    ps_buffer_free(&t->value);
    free(t);
}

/* Pieces [lo, hi) of one fold, whose kernel values begin at k. */
static void add_fold(const struct svm_there *t, const struct svm_given *g, int64_t lo, int64_t hi,
                     const float *k, int64_t stride)
{
    const struct ps_svm_terms *terms = g->terms + (int64_t)t->d->held->fold[lo] * g->others;
    const int64_t column = (t->hi - t->lo) * SVM_PIECE, pair = t->d->sweep->ncost * column;
    double *to = (double *)t->value.there + (lo - t->lo) * SVM_PIECE;
    for (int o = 0; o < g->others; o++)
        if (terms[o].n > 0)
            t->d->spec->kernels->sums(k, stride, (hi - lo) * SVM_PIECE, &terms[o], to + g->pair[o] * pair,
                                      column);
}

enum ps_status svm_there_add(struct svm_there *t, const struct svm_given *g)
{
    const int *fold = t->d->held->fold;
    for (int64_t lo = t->lo, hi; lo < t->hi; lo = hi) {
        hi = lo + t->slice < t->hi ? lo + t->slice : t->hi;
        const int64_t stride = (hi - lo) * SVM_PIECE;
        t->d->spec->kernels->block(&t->d->sweep->function, g->support, 0, g->n, t->d->own, lo * SVM_PIECE,
                                   hi * SVM_PIECE, t->k.there, stride);
        for (int64_t a = lo, b; a < hi; a = b) {
            for (b = a; b < hi && fold[b] == fold[a];) b++;
            add_fold(t, g, a, b, (float *)t->k.there + (a - lo) * SVM_PIECE, stride);
        }
    }
    return svm_backend_wait(t->d->spec->kernels); /* the next chunk takes the places of these terms */
}

enum ps_status svm_there_get(struct svm_there *t, double *value)
{
    t->value.memory->get(value, t->value.there, t->value.bytes);
    return svm_backend_wait(t->d->spec->kernels);
}
