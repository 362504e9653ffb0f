/* Dense panels: entries are sent, a few rows at a time, and spread out on the device. */
#include "kernels/svm/cu_pack.h"

enum {
    THREADS = 256,
    CHUNK = 1 << 20, /* bytes that are sent at a time, more for long rows */
    ALONE = 8192     /* entries up to which threads of the host would only be in each other's way */
};

/* Rows of some panels, as they are sent. */
struct chunk {
    int64_t lo, hi, entries; /* rows, from a panel's first */
    int64_t *start;          /* [hi - lo + 1] from 0 */
    float *value;
    int32_t *index;
    float *empty; /* [cols] what rows without entries hold, or NULL: zeros */
};

static int64_t chunk_bytes(const struct ps_svm_source *s, int64_t rows, int64_t entries)
{
    return (rows + 1) * 8 + entries * 8 + (s->layout->centre ? s->layout->cols * 4 : 0);
}

static void chunk_lay(const struct ps_svm_source *s, struct chunk *c, char *at)
{
    c->start = (int64_t *)at;
    c->value = (float *)(c->start + (c->hi - c->lo + 1));
    c->index = (int32_t *)(c->value + c->entries);
    c->empty = s->layout->centre ? (float *)(c->index + c->entries) : NULL;
}

/* Entries [from, from + n) of the source. */
static void fill_row(const struct ps_svm_source *s, int64_t from, int64_t n, int32_t *index, float *value)
{
    const int32_t *const column = s->x->index + from;
    const double *const v = s->x->value + from, *const centre = s->layout->centre;
    for (int64_t e = 0; e < n; e++) index[e] = column[e];
    for (int64_t e = 0; e < n; e++) value[e] = (float)(v[e] - (centre ? centre[column[e]] : 0));
}

/* By the host's threads: one alone makes 1 to 2 GB/s, and the bus takes some tens. */
static void chunk_fill(const struct ps_svm_source *s, const struct chunk *c)
{
    const double *const centre = s->layout->centre;
    const int64_t rows = c->hi - c->lo;
    c->start[0] = 0;
    for (int64_t r = 0; r < rows; r++) c->start[r + 1] = c->start[r] + ps_svm_entries(s, c->lo + r);
#pragma omp parallel for schedule(static) if (c->entries > ALONE)
    for (int64_t r = 0; r < rows; r++) {
        const int64_t at = c->start[r];
        fill_row(s, ps_svm_first_entry(s, c->lo + r), c->start[r + 1] - at, c->index + at, c->value + at);
    }
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
static void chunk_cut(const struct ps_svm_source *s, struct chunk *c)
{
    c->hi = c->lo;
    c->entries = 0;
    while (c->hi < s->n) {
        const int64_t end = c->hi + PS_SVM_PANEL < s->n ? c->hi + PS_SVM_PANEL : s->n;
        int64_t count = c->entries;
        for (int64_t i = c->hi; i < end; i++) count += ps_svm_entries(s, i);
        if (c->hi > c->lo && chunk_bytes(s, end - c->lo, count) > CHUNK) return;
        c->hi = end;
        c->entries = count;
    }
}

static void fill(const struct ps_svm_source *s, struct ps_svm_pack *p)
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

enum ps_status ps_svm_room_dense_cu(struct ps_svm_pack_cu *p)
{
    const int64_t panels = ps_svm_round_up(ps_svm_panels(&p->rows) * p->rows.cols * PS_SVM_PANEL * 4);
    p->memory = ps_svm_take_cu(panels + (p->rows.n + PS_SVM_SPARE) * 4);
    if (!p->memory) return PS_ENOMEM;
    p->rows.panel = (float *)p->memory;
    p->rows.norm = (float *)(p->memory + panels);
    return PS_OK;
}

enum ps_status ps_svm_fill_dense_cu(const struct ps_svm_source *s, struct ps_svm_pack_cu *p)
{
    const enum ps_status rc = ps_svm_room_dense_cu(p);
    if (rc == PS_OK) fill(s, &p->rows);
    return rc;
}
