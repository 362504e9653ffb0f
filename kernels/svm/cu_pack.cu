#include "kernels/svm/cu_pack.h"
#include <stdlib.h>

enum { THREADS = 256, CHUNK = 1 << 20 /* bytes that are sent at a time, more for long rows */ };

/* Rows to be packed. */
struct source {
    const struct ps_csr *x;
    const int64_t *row;
    int64_t n;
    const struct ps_svm_layout *layout;
};

static int64_t first_of(const struct source *s, int64_t i)
{
    return s->x->start[s->row ? s->row[i] : i];
}

/* Entries of row i in columns that are packed. */
static int64_t entries_of(const struct source *s, int64_t i)
{
    const int64_t lo = first_of(s, i);
    int64_t hi = s->x->start[(s->row ? s->row[i] : i) + 1];
    while (hi > lo && s->x->index[hi - 1] >= s->layout->cols) hi--;
    return hi - lo;
}

/* --- dense panels --- */

/* Rows of some panels, as they are sent. */
struct chunk {
    int64_t lo, hi, entries; /* rows, from a panel's first */
    int64_t *start;          /* [hi - lo + 1] from 0 */
    float *value;
    int32_t *index;
    float *empty; /* [cols] what rows without entries hold, or NULL: zeros */
};

static int64_t chunk_bytes(const struct source *s, int64_t rows, int64_t entries)
{
    return (rows + 1) * 8 + entries * 8 + (s->layout->centre ? s->layout->cols * 4 : 0);
}

static void chunk_lay(const struct source *s, struct chunk *c, char *at)
{
    c->start = (int64_t *)at;
    c->value = (float *)(c->start + (c->hi - c->lo + 1));
    c->index = (int32_t *)(c->value + c->entries);
    c->empty = s->layout->centre ? (float *)(c->index + c->entries) : NULL;
}

static void chunk_fill(const struct source *s, const struct chunk *c)
{
    const double *centre = s->layout->centre;
    int64_t at = 0;
    for (int64_t i = c->lo; i < c->hi; i++) {
        const int64_t first = first_of(s, i), count = entries_of(s, i);
        c->start[i - c->lo] = at;
        for (int64_t e = 0; e < count; e++) {
            const int32_t k = s->x->index[first + e];
            c->index[at + e] = k;
            c->value[at + e] = (float)(s->x->value[first + e] - (centre ? centre[k] : 0));
        }
        at += count;
    }
    c->start[c->hi - c->lo] = at;
    for (int64_t k = 0; centre && k < s->layout->cols; k++) c->empty[k] = (float)(0 - centre[k]);
}

/* A block makes a panel: what empty rows hold, then entries, a row by a warp, then norms, whose chains are
 * those of a row's product with itself. */
static __global__ void __launch_bounds__(THREADS)
    fill_panels(struct chunk c, int64_t cols, float *panels, float *norm)
{
    const int64_t lo = c.lo + (int64_t)blockIdx.x * PS_SVM_PANEL;
    const int rows = (int)min(c.hi - lo, (int64_t)PS_SVM_PANEL);
    float *panel = panels + lo * cols;
    for (int64_t e = threadIdx.x; e < cols * PS_SVM_PANEL; e += THREADS)
        panel[e] = c.empty && e % PS_SVM_PANEL < rows ? c.empty[e / PS_SVM_PANEL] : 0;
    __syncthreads();
    for (int r = (int)threadIdx.x / 32; r < rows; r += THREADS / 32)
        for (int64_t e = c.start[lo - c.lo + r] + threadIdx.x % 32; e < c.start[lo - c.lo + r + 1]; e += 32)
            panel[(int64_t)c.index[e] * PS_SVM_PANEL + r] = c.value[e];
    __syncthreads();
    if ((int)threadIdx.x >= rows) return;
    float sum = 0;
    PS_UNROLL(8)
    for (int64_t k = 0; k < cols; k++) {
        const float v = panel[k * PS_SVM_PANEL + threadIdx.x];
        sum = fmaf(v, v, sum);
    }
    norm[lo + threadIdx.x] = sum;
}

/* The rows from c->lo on that are sent together. */
static void chunk_cut(const struct source *s, struct chunk *c)
{
    c->hi = c->lo;
    c->entries = 0;
    while (c->hi < s->n) {
        const int64_t end = c->hi + PS_SVM_PANEL < s->n ? c->hi + PS_SVM_PANEL : s->n;
        int64_t count = c->entries;
        for (int64_t i = c->hi; i < end; i++) count += entries_of(s, i);
        if (c->hi > c->lo && chunk_bytes(s, end - c->lo, count) > CHUNK) return;
        c->hi = end;
        c->entries = count;
    }
}

static void fill_dense(const struct source *s, struct ps_svm_pack *p)
{
    for (struct chunk c = {}; c.lo < s->n; c.lo = c.hi) {
        chunk_cut(s, &c);
        const int64_t bytes = chunk_bytes(s, c.hi - c.lo, c.entries);
        struct ps_svm_stage *stage = ps_svm_stage_cu(bytes);
        if (!stage) return;
        chunk_lay(s, &c, stage->here);
        chunk_fill(s, &c);
        ps_svm_stage_send_cu(stage, bytes);
        chunk_lay(s, &c, stage->there);
        PS_LAUNCH(fill_panels, (unsigned)((c.hi - c.lo + PS_SVM_PANEL - 1) / PS_SVM_PANEL), THREADS, 0, c,
                  p->cols, p->panel, p->norm);
        ps_svm_stage_done_cu(stage);
    }
}

/* --- compressed rows --- */

static __global__ void __launch_bounds__(THREADS) sparse_norms(struct ps_svm_pack p)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    float sum = 0;
    if (i >= p.n) return;
    for (int64_t e = p.start[i]; e < p.start[i + 1]; e++) sum = fmaf(p.value[e], p.value[e], sum);
    p.norm[i] = sum;
}

/* Send n elements that `get` gives. */
template <class T, class F> static void send(T *there, int64_t n, F get)
{
    const int64_t most = CHUNK / (int64_t)sizeof(T);
    for (int64_t at = 0, count; at < n; at += count) {
        struct ps_svm_stage *stage = ps_svm_stage_cu(CHUNK);
        if (!stage) return;
        count = n - at < most ? n - at : most;
        for (int64_t e = 0; e < count; e++) ((T *)stage->here)[e] = get(at + e);
        ps_cuda_memory.put(there + at, stage->here, count * (int64_t)sizeof(T));
        ps_svm_stage_done_cu(stage);
    }
}

static void fill_sparse(const struct source *s, struct ps_svm_pack *p)
{
    int64_t sum = 0, i = 0;
    send(p->start, p->n + 1, [&](int64_t r) {
        const int64_t begin = sum;
        if (r < s->n) sum += entries_of(s, r);
        return begin;
    });
    const int64_t entries = sum;
    int64_t left = 0, from = 0;
    const auto next = [&](int64_t e) {
        if (e == 0) i = left = 0;
        while (left == 0) {
            from = first_of(s, i);
            left = entries_of(s, i++);
        }
        left--;
        return from++;
    };
    send(p->index, entries, [&](int64_t e) { return s->x->index[next(e)]; });
    send(p->value, entries, [&](int64_t e) { return (float)s->x->value[next(e)]; });
    PS_LAUNCH(sparse_norms, (unsigned)((p->n + THREADS - 1) / THREADS), THREADS, 0, *p);
}

/* --- all --- */

static int64_t round_up(int64_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

/* Where arrays are in the pack's memory. @return bytes of all */
static int64_t lay(struct ps_svm_pack *p, int64_t entries, char *memory)
{
    const int64_t panels = p->dense ? ps_svm_panels(p) * p->cols * PS_SVM_PANEL * 4 : 0;
    int64_t at = 0;
    p->panel = (float *)(memory + at), at += round_up(panels);
    p->norm = (float *)(memory + at), at += round_up((p->n + PS_SVM_SPARE) * 4);
    if (p->dense) return at;
    p->start = (int64_t *)(memory + at), at += round_up((p->n + 1) * 8);
    p->index = (int32_t *)(memory + at), at += round_up(entries * 4);
    p->value = (float *)(memory + at), at += round_up(entries * 4);
    return at;
}

enum ps_status ps_svm_pack_cu(const struct ps_csr *x, const int64_t *row, int64_t n,
                              const struct ps_svm_layout *layout, struct ps_svm_pack **out)
{
    const struct source s = {x, row, n, layout};
    int64_t entries = 0, bytes;
    *out = NULL;
    struct ps_svm_pack_cu *p = (struct ps_svm_pack_cu *)calloc(1, sizeof *p);
    if (!p) return PS_ENOMEM;
    p->rows.n = n;
    p->rows.cols = layout->cols;
    p->rows.dense = layout->dense;
    p->rows.differences = layout->dense && layout->differences;
    for (int64_t i = 0; i < n && !layout->dense; i++) entries += entries_of(&s, i);
    bytes = lay(&p->rows, entries, NULL);
    p->memory = ps_svm_take_cu(bytes);
    if (!p->memory) {
        free(p);
        return PS_ENOMEM;
    }
    lay(&p->rows, entries, p->memory);
    if (layout->dense)
        fill_dense(&s, &p->rows);
    else
        fill_sparse(&s, &p->rows);
    if (ps_cuda_status() != PS_OK) {
        ps_svm_unpack_cu(&p->rows);
        return ps_cuda_status();
    }
    *out = &p->rows;
    return PS_OK;
}

void ps_svm_unpack_cu(struct ps_svm_pack *p)
{
    if (!p) return;
    ps_svm_leave_cu(((struct ps_svm_pack_cu *)p)->memory);
    free(p);
}
