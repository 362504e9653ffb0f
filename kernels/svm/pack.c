#include "kernels/svm/pack.h"
#include "kernels/lanes.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

void *ps_svm_alloc(int64_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow((size_t)count, size, &bytes) || bytes > SIZE_MAX / 2) return NULL;
    size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : 64;
    bytes = bytes ? (bytes + align - 1) / align * align : align;
    void *p = aligned_alloc(align, bytes);
    if (p && align == HUGE_PAGE)
        madvise(p, bytes, MADV_HUGEPAGE); /* advice: large arrays fault once per 2 MiB */
    return p;
}

void ps_svm_unpack(struct ps_svm_pack *p)
{
    if (!p) return;
    free(p->panel);
    free(p->norm);
    free(p->start);
    free(p->index);
    free(p->value);
    free(p);
}

static int64_t row_of(const int64_t *row, int64_t i)
{
    return row ? row[i] : i;
}

/** Entries of row r in columns below `cols`. */
static int64_t entries(const struct ps_csr *x, int64_t r, int64_t cols)
{
    int64_t lo = x->start[r], hi = x->start[r + 1];
    while (hi > lo && x->index[hi - 1] >= cols) hi--;
    return hi - lo;
}

/** The norms of a panel's rows, each the chain that `block` runs for the row's product with itself. */
static void panel_norms(const float *panel, int64_t cols, float *norm)
{
    for (int l = 0; l < PS_SVM_PANEL; l += PS_LANES) {
        ps_vf sum = {0};
        for (int64_t k = 0; k < cols; k++) {
            ps_vf v = ps_vf_load(panel + k * PS_SVM_PANEL + l);
            sum = ps_vf_fma(v, v, sum);
        }
        ps_vf_store(norm + l, sum);
    }
}

static void fill_panel(const struct ps_csr *x, const int64_t *row, int64_t lo, int64_t hi,
                       const struct ps_svm_layout *layout, float *panel)
{
    const double *centre = layout->centre;
    memset(panel, 0, (size_t)(layout->cols * PS_SVM_PANEL) * sizeof *panel);
    for (int64_t k = 0; centre && k < layout->cols; k++)
        for (int64_t i = lo; i < hi; i++) panel[k * PS_SVM_PANEL + i - lo] = (float)(0 - centre[k]);
    for (int64_t i = lo; i < hi; i++) {
        int64_t r = row_of(row, i), first = x->start[r], last = first + entries(x, r, layout->cols);
        for (int64_t p = first; p < last; p++) {
            double v = x->value[p] - (centre ? centre[x->index[p]] : 0);
            panel[(int64_t)x->index[p] * PS_SVM_PANEL + i - lo] = (float)v;
        }
    }
}

static enum ps_status fill_dense(const struct ps_csr *x, const int64_t *row,
                                 const struct ps_svm_layout *layout, struct ps_svm_pack *p)
{
    int64_t panels = ps_svm_panels(p), each;
    if (__builtin_mul_overflow(layout->cols, PS_SVM_PANEL * (int64_t)sizeof *p->panel, &each))
        return PS_ENOMEM;
    p->panel = ps_svm_alloc(panels, (size_t)each);
    if (!p->panel) return PS_ENOMEM;
#pragma omp parallel for schedule(static)
    for (int64_t b = 0; b < panels; b++) {
        int64_t lo = b * PS_SVM_PANEL, hi = lo + PS_SVM_PANEL < p->n ? lo + PS_SVM_PANEL : p->n;
        float *panel = p->panel + b * p->cols * PS_SVM_PANEL, norm[PS_SVM_PANEL];
        fill_panel(x, row, lo, hi, layout, panel);
        panel_norms(panel, p->cols, norm);
        memcpy(p->norm + lo, norm, (size_t)(hi - lo) * sizeof *norm);
    }
    return PS_OK;
}

static void measure_rows(const struct ps_csr *x, const int64_t *row, struct ps_svm_pack *p)
{
    p->start[0] = 0;
    for (int64_t i = 0; i < p->n; i++) p->start[i + 1] = p->start[i] + entries(x, row_of(row, i), p->cols);
    for (int64_t i = 0; i < p->n; i += PS_SVM_PANEL) {
        int64_t end = i + PS_SVM_PANEL < p->n ? i + PS_SVM_PANEL : p->n;
        int64_t count = p->start[end] - p->start[i];
        if (count > p->most) p->most = count;
    }
}

static enum ps_status fill_sparse(const struct ps_csr *x, const int64_t *row, struct ps_svm_pack *p)
{
    p->start = ps_svm_alloc(p->n + 1, sizeof *p->start);
    if (!p->start) return PS_ENOMEM;
    measure_rows(x, row, p);
    p->index = ps_svm_alloc(p->start[p->n], sizeof *p->index);
    p->value = ps_svm_alloc(p->start[p->n], sizeof *p->value);
    if (!p->index || !p->value) return PS_ENOMEM;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < p->n; i++) {
        int64_t from = x->start[row_of(row, i)], to = p->start[i], count = p->start[i + 1] - to;
        float norm = 0;
        for (int64_t e = 0; e < count; e++) {
            float v = (float)x->value[from + e];
            p->index[to + e] = x->index[from + e];
            p->value[to + e] = v;
            norm = ps_fma(v, v, norm);
        }
        p->norm[i] = norm;
    }
    return PS_OK;
}

enum ps_status ps_svm_pack_rows(const struct ps_csr *x, const int64_t *row, int64_t n,
                                const struct ps_svm_layout *layout, struct ps_svm_pack **out)
{
    struct ps_svm_pack *p = calloc(1, sizeof *p);
    enum ps_status rc = PS_ENOMEM;
    *out = NULL;
    if (!p) return PS_ENOMEM;
    p->n = n;
    p->cols = layout->cols;
    p->dense = layout->dense;
    p->differences = layout->dense && layout->differences;
    p->norm = ps_svm_alloc(n + PS_SVM_SPARE, sizeof *p->norm);
    if (p->norm) {
        memset(p->norm + n, 0, PS_SVM_SPARE * sizeof *p->norm);
        rc = layout->dense ? fill_dense(x, row, layout, p) : fill_sparse(x, row, p);
    }
    if (rc != PS_OK) {
        ps_svm_unpack(p);
        return rc;
    }
    *out = p;
    return PS_OK;
}
