#include "kernels/svm/block.h"
#include "kernels/lanes.h"
#include <omp.h>
#include <stdlib.h>

/* A block is cut into parts of some rows of a times some panels (groups) of b that stay in the second cache
 * while the rows pass by. ALONE: operations below which other threads are not worth waking. */
enum { PART_ROWS = 512, PART_BYTES = 512 << 10, PART_GROUPS = 64, PARTS_PER_THREAD = 8, ALONE = 1 << 21 };
enum { LARGE = 16 << 20 }; /* bytes: more than what is read again soon stays in caches for */

struct cut {
    int width;            /* columns of a group */
    int64_t first, end;   /* groups of b */
    int64_t rows, groups; /* of a part */
    int64_t down, across; /* parts */
};

static void count_parts(const struct ps_svm_job *job, struct cut *c)
{
    c->down = (job->ahi - job->alo + c->rows - 1) / c->rows;
    c->across = (c->end - c->first + c->groups - 1) / c->groups;
}

static struct cut cut_of(const struct ps_svm_job *job, int threads)
{
    const struct ps_svm_pack *b = job->b;
    struct cut c = {.width = b->dense ? PS_SVM_PANEL : ps_svm_sparse_width(b), .rows = PART_ROWS};
    c.first = job->blo / c.width;
    c.end = (job->bhi + c.width - 1) / c.width;
    int64_t bytes = b->dense ? b->cols * PS_SVM_PANEL * (int64_t)sizeof(float) : 1;
    c.groups = bytes > PART_BYTES / PART_GROUPS ? PART_BYTES / bytes : PART_GROUPS;
    if (c.groups < 1) c.groups = 1;
    count_parts(job, &c);
    while (threads > 1 && c.down * c.across < (int64_t)PARTS_PER_THREAD * threads &&
           (c.groups > 1 || c.rows > PS_SVM_PANEL)) {
        if (c.groups > 1)
            c.groups = (c.groups + 1) / 2;
        else
            c.rows /= 2;
        count_parts(job, &c);
    }
    return c;
}

static void part(const struct ps_svm_job *job, const struct cut *c, int64_t number, void *scratch)
{
    /* rows are cut where panels begin */
    const int64_t base = job->alo / PS_SVM_PANEL * PS_SVM_PANEL + number % c->down * c->rows;
    const int64_t lo = base > job->alo ? base : job->alo;
    const int64_t hi = number % c->down == c->down - 1 ? job->ahi : base + c->rows;
    const int64_t first = c->first + number / c->down * c->groups;
    const int64_t end = first + c->groups < c->end ? first + c->groups : c->end;
    if (job->b->dense)
        ps_svm_dense_part(job, lo, hi, first, end);
    else
        ps_svm_sparse_part(job, lo, hi, first, end, scratch);
}

/** A large block would only push other data out of the caches: memory is written without reading it first.
 * All of a tile's vectors but the last must be aligned. */
static bool streams(const struct ps_svm_job *job)
{
    const double bytes = (double)(job->ahi - job->alo) * (double)(job->bhi - job->blo) * sizeof(float);
    return bytes >= LARGE && (uintptr_t)job->out % 64 == 0 && job->stride % 16 == 0 && job->blo % 16 == 0;
}

/** All parts by one thread. A parallel region of one thread would cost as much as a short row: it makes a
 * team and calls the system to wake nobody. */
static void parts_alone(const struct ps_svm_job *job, const struct cut *c)
{
    void *scratch = job->b->dense ? NULL : ps_svm_sparse_scratch(job);
    for (int64_t p = 0; p < c->down * c->across; p++) part(job, c, p, scratch);
    if (job->stream) ps_vf_stream_end();
    free(scratch);
}

/** All parts, shared among the threads of the caller's team. */
static void parts(const struct ps_svm_job *job, const struct cut *c)
{
    void *scratch = job->b->dense ? NULL : ps_svm_sparse_scratch(job);
#pragma omp for schedule(dynamic, 1)
    for (int64_t p = 0; p < c->down * c->across; p++) part(job, c, p, scratch);
    if (job->stream) ps_vf_stream_end();
    free(scratch);
}

void ps_svm_block_cpu(const struct ps_svm_function *f, const struct ps_svm_pack *a, int64_t alo, int64_t ahi,
                      const struct ps_svm_pack *b, int64_t blo, int64_t bhi, float *out, int64_t stride)
{
    struct ps_svm_job job = {
        ps_svm_finish_of(f, a->differences), a, b, alo, ahi, blo, bhi, out, stride, false};
    if (alo >= ahi || blo >= bhi) return;
    job.stream = streams(&job);
    const double features = a->dense ? (double)a->cols : (double)a->start[a->n] / (double)a->n;
    const double work = (double)(ahi - alo) * (double)(bhi - blo) * (features + PS_SVM_PANEL);
    const int threads = omp_in_parallel() || work < ALONE ? 1 : omp_get_max_threads();
    const struct cut c = cut_of(&job, threads);
    if (threads == 1) {
        parts_alone(&job, &c);
        return;
    }
#pragma omp parallel num_threads(threads)
    parts(&job, &c);
}
