/* Scalar products of compressed rows: a group of b's rows is spread out, [columns][rows of the group], and
 * each row of a runs over its entries with one vector of the group's values per entry. Zeros add nothing to a
 * sum, so the bits are those of the chain over common columns. With few columns the spread array has them
 * all; with many, only those that occur in the group, found through a map, and a first one of zeros for all
 * others. */
#include "kernels/svm/block.h"
#include "kernels/lanes.h"
#include <stdlib.h>

#define INLINE static inline __attribute__((always_inline))

enum { FEW_COLS = 2048, WIDE = 64, NARROW = 32, ROWS = 32 };
enum { CHUNK = 128, ENOUGH = 8 }; /* entries per row and chunk from which on chunks pay */

struct scratch {
    float *spread; /* [columns or slots][width], zeros between groups */
    int32_t *slot; /* [cols] many columns: where a column is spread, 0: nowhere */
};

static bool few(const struct ps_svm_pack *b)
{
    return b->cols <= FEW_COLS;
}

int ps_svm_sparse_width(const struct ps_svm_pack *b)
{
    return few(b) ? WIDE : NARROW;
}

void *ps_svm_sparse_scratch(const struct ps_svm_job *job)
{
    const struct ps_svm_pack *b = job->b;
    const double pairs = (double)(job->ahi - job->alo) * (double)(job->bhi - job->blo);
    if (pairs * (1 + (double)b->start[b->n] / (double)b->n) < (double)b->cols) return NULL;
    const int64_t slots = few(b) ? b->cols : (b->most < b->cols ? b->most : b->cols) + 1;
    const size_t head = 64, spread = (size_t)slots * (size_t)ps_svm_sparse_width(b) * sizeof(float);
    const size_t map = few(b) ? 0 : (size_t)b->cols * sizeof(int32_t);
    char *room = ps_svm_alloc((int64_t)(head + spread + map), 1);
    if (!room) return NULL;
    memset(room, 0, head + spread + map);
    struct scratch *s = (struct scratch *)(void *)room;
    s->spread = (float *)(void *)(room + head);
    s->slot = few(b) ? NULL : (int32_t *)(void *)(room + head + spread);
    return room;
}

/** Spread rows [lo, hi) out. */
static void spread(const struct scratch *s, const struct ps_svm_pack *b, int64_t lo, int64_t hi, int width)
{
    int32_t slots = 0;
    for (int64_t j = lo; j < hi; j++)
        for (int64_t e = b->start[j]; e < b->start[j + 1]; e++) {
            int64_t at = b->index[e];
            if (s->slot) {
                if (!s->slot[at]) s->slot[at] = ++slots;
                at = s->slot[at];
            }
            s->spread[at * width + j - lo] = b->value[e];
        }
}

/** Take them away again. */
static void gather_up(const struct scratch *s, const struct ps_svm_pack *b, int64_t lo, int64_t hi, int width)
{
    int32_t slots = 0;
    for (int64_t e = b->start[lo]; e < b->start[hi]; e++)
        if (s->slot && s->slot[b->index[e]]) {
            s->slot[b->index[e]] = 0;
            slots++;
        }
    if (s->slot) {
        memset(s->spread + width, 0, (size_t)slots * (size_t)width * sizeof *s->spread);
        return;
    }
    for (int64_t j = lo; j < hi; j++)
        for (int64_t e = b->start[j]; e < b->start[j + 1]; e++)
            s->spread[(int64_t)b->index[e] * width + j - lo] = 0;
}

/** Sums of the entries from e on, of columns below `limit` (whole rows: no limit). @return where it ended */
INLINE int64_t sums(const struct scratch *s, const struct ps_svm_pack *a, int64_t e, int64_t end,
                    int64_t limit, int width, bool mapped, bool begin, float *raw)
{
    enum { MOST = WIDE / PS_LANES };
    const int vecs = width / PS_LANES;
    ps_vf sum[MOST];
    for (int v = 0; v < vecs; v++) sum[v] = begin ? ps_vf_all(0) : ps_vf_load(raw + v * PS_LANES);
    for (; e < end && (limit < 0 || a->index[e] < limit); e++) {
        const int64_t at = mapped ? s->slot[a->index[e]] : a->index[e];
        const float *line = s->spread + at * width;
        const ps_vf x = ps_vf_all(a->value[e]);
        for (int v = 0; v < vecs; v++) sum[v] = ps_vf_fma(x, ps_vf_load(line + v * PS_LANES), sum[v]);
    }
    for (int v = 0; v < vecs; v++) ps_vf_store(raw + v * PS_LANES, sum[v]);
    return e;
}

/** Columns are taken in chunks whose spread values stay in the first cache. */
static void sums_long(const struct scratch *s, const struct ps_svm_pack *a, int64_t lo, int64_t hi,
                      float *raw)
{
    int64_t at[ROWS];
    for (int64_t i = lo; i < hi; i++)
        at[i - lo] =
            sums(s, a, a->start[i], a->start[i + 1], CHUNK, WIDE, false, true, raw + (i - lo) * WIDE);
    for (int64_t c = CHUNK; c < a->cols; c += CHUNK)
        for (int64_t r = 0; r < hi - lo; r++)
            at[r] = sums(s, a, at[r], a->start[lo + r + 1], c + CHUNK, WIDE, false, false, raw + r * WIDE);
}

static void sums_few(const struct scratch *s, const struct ps_svm_pack *a, int64_t lo, int64_t hi, float *raw)
{
    for (int64_t i = lo; i < hi; i++)
        sums(s, a, a->start[i], a->start[i + 1], -1, WIDE, false, true, raw + (i - lo) * WIDE);
}

static void sums_many(const struct scratch *s, const struct ps_svm_pack *a, int64_t lo, int64_t hi,
                      float *raw)
{
    for (int64_t i = lo; i < hi; i++)
        sums(s, a, a->start[i], a->start[i + 1], -1, NARROW, true, true, raw + (i - lo) * NARROW);
}

/** How to sum rows of a. */
static void (*sums_for(const struct scratch *s, const struct ps_svm_pack *a))(const struct scratch *,
                                                                              const struct ps_svm_pack *,
                                                                              int64_t, int64_t, float *)
{
    if (s->slot) return sums_many;
    return a->cols > CHUNK && a->start[a->n] * CHUNK > ENOUGH * a->cols * a->n ? sums_long : sums_few;
}

static void sums_alone(const struct ps_svm_job *job, int64_t lo, int64_t hi, int64_t left, int64_t right,
                       int width, float *raw)
{
    for (int64_t i = lo; i < hi; i++)
        for (int64_t j = left; j < right; j++)
            raw[(i - lo) * width + j - left] = ps_svm_chain(job->a, i, job->b, j, false);
}

static void rows_with_group(const struct ps_svm_job *job, int64_t alo, int64_t ahi, int64_t left,
                            int64_t right, const struct scratch *s)
{
    _Alignas(64) float raw[(ROWS + 1) * WIDE] = {0};
    const int width = ps_svm_sparse_width(job->b);
    for (int64_t i = alo, next; i < ahi; i = next) {
        next = i + ROWS < ahi ? i + ROWS : ahi;
        if (!s)
            sums_alone(job, i, next, left, right, width, raw);
        else
            sums_for(s, job->a)(s, job->a, i, next, raw);
        ps_svm_finish_tile(&job->finish,
                           &(struct ps_svm_tile){
                               .raw = raw,
                               .raw_stride = width,
                               .rows = next - i,
                               .cols = right - left,
                               .a_norm = job->a->norm + i,
                               .b_norm = job->b->norm + left,
                               .out = job->out + (i - job->alo) * job->stride + (left - job->blo),
                               .stride = job->stride,
                               .stream = job->stream,
                           });
    }
}

void ps_svm_sparse_part(const struct ps_svm_job *job, int64_t alo, int64_t ahi, int64_t glo, int64_t ghi,
                        void *scratch)
{
    const int width = ps_svm_sparse_width(job->b);
    for (int64_t g = glo; g < ghi; g++) {
        const int64_t left = g * width > job->blo ? g * width : job->blo;
        const int64_t right = (g + 1) * width < job->bhi ? (g + 1) * width : job->bhi;
        if (scratch) spread(scratch, job->b, left, right, width);
        rows_with_group(job, alo, ahi, left, right, scratch);
        if (scratch) gather_up(scratch, job->b, left, right, width);
    }
}
