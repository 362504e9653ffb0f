/* Compressed rows: arrays are made here, as they will be there, and sent. */
#include "kernels/svm/cu_pack.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 20 /* bytes that are sent at a time */ };

/* Columns of the panel that is looked at. */
struct finder {
    int32_t *panel; /* [cols] 1 + the last panel that had an entry there */
    int32_t *place; /* [cols] where the next entry goes */
    int32_t *slot;  /* [cols] number in its panel */
};

static void *zeros(int64_t n, size_t size)
{
    return calloc((size_t)n + 1, size);
}

/* Where arrays are. @return bytes of all */
static int64_t lay(struct ps_svm_pack_cu *p, int64_t entries, int64_t columns, char *memory)
{
    int64_t at = 0;
    const auto next = [&](int64_t bytes) {
        char *const array = memory + at;
        at += ps_svm_round_up(bytes);
        return array;
    };
    p->rows.norm = (float *)next((p->rows.n + PS_SVM_SPARE) * 4);
    p->rows.start = (int64_t *)next((p->rows.n + 1) * 8);
    p->rows.index = (int32_t *)next(entries * 4);
    p->rows.value = (float *)next(entries * 4);
    p->columns.first = (int64_t *)next((ps_svm_panels(&p->rows) + 1) * 8);
    p->columns.column = (int32_t *)next(columns * 4);
    p->columns.entry = (int32_t *)next((columns + 1) * 4);
    p->columns.cell = (int32_t *)next(entries * 4);
    p->columns.value = (float *)next(entries * 4);
    return at;
}

/* Entries, and columns of all panels together. */
static void count(const struct ps_svm_source *s, const struct finder *f, int64_t *entries, int64_t *columns)
{
    *entries = *columns = 0;
    for (int64_t i = 0; i < s->n; i++) {
        const int64_t first = ps_svm_first_entry(s, i), n = ps_svm_entries(s, i);
        const int32_t mark = (int32_t)(i / PS_SVM_PANEL + 1);
        for (int64_t e = first; e < first + n; e++) {
            int32_t *const seen = &f->panel[s->x->index[e]];
            *columns += *seen != mark;
            *seen = mark;
        }
        *entries += n;
    }
}

static void copy_rows(const struct ps_svm_source *s, struct ps_svm_pack *p)
{
    int64_t at = 0;
    for (int64_t i = 0; i < s->n; i++) {
        const int64_t first = ps_svm_first_entry(s, i), n = ps_svm_entries(s, i);
        float norm = 0;
        p->start[i] = at;
        for (int64_t e = first; e < first + n; e++, at++) {
            const float v = (float)s->x->value[e];
            p->index[at] = s->x->index[e];
            p->value[at] = v;
            norm = fmaf(v, v, norm);
        }
        p->norm[i] = norm;
    }
    p->start[s->n] = at;
}

static int ascending(const void *a, const void *b)
{
    const int32_t u = *(const int32_t *)a, v = *(const int32_t *)b;
    return (u > v) - (u < v);
}

/* The columns of entries [lo, hi), ascending. @return how many */
static int64_t list_columns(const struct ps_svm_pack *p, int64_t lo, int64_t hi, struct finder *f,
                            int32_t *column)
{
    int64_t n = 0;
    for (int64_t e = lo; e < hi; e++) {
        const int32_t k = p->index[e];
        if (f->place[k]++ == 0) column[n++] = k;
    }
    if (n > p->cols / 16) {
        n = 0;
        for (int32_t k = 0; k < p->cols; k++)
            if (f->place[k] > 0) column[n++] = k;
    } else if (n > 1) {
        qsort(column, (size_t)n, sizeof *column, ascending);
    }
    return n;
}

/* By columns, and by rows within. */
static void sort_panel(struct ps_svm_pack_cu *p, int64_t panel, struct finder *f)
{
    const struct ps_svm_pack *r = &p->rows;
    const int64_t top = panel * PS_SVM_PANEL, end = r->n - top < PS_SVM_PANEL ? r->n : top + PS_SVM_PANEL;
    const int64_t lo = r->start[top], hi = r->start[end], first = p->columns.first[panel];
    int32_t *const column = p->columns.column + first, *const entry = p->columns.entry + first, at = 0;
    const int64_t n = list_columns(r, lo, hi, f, column);
    for (int64_t c = 0; c < n; c++) {
        const int32_t count = f->place[column[c]];
        entry[c] = f->place[column[c]] = at;
        f->slot[column[c]] = (int32_t)c;
        at += count;
    }
    for (int64_t i = top; i < end; i++)
        for (int64_t e = r->start[i]; e < r->start[i + 1]; e++) {
            const int64_t to = lo + f->place[r->index[e]]++;
            p->columns.cell[to] = f->slot[r->index[e]] * PS_SVM_PANEL + (int32_t)(i - top);
            p->columns.value[to] = r->value[e];
        }
    for (int64_t c = 0; c < n; c++) f->place[column[c]] = 0;
    p->columns.first[panel + 1] = first + n;
}

static void send(char *there, const char *here, int64_t bytes)
{
    for (int64_t at = 0, part; at < bytes; at += part) {
        struct ps_svm_stage *stage = ps_svm_stage_cu(CHUNK);
        if (!stage) return;
        part = min(bytes - at, (int64_t)CHUNK);
        memcpy(stage->here, here + at, (size_t)part);
        ps_cuda_memory.put(there + at, stage->here, part);
        ps_svm_stage_done_cu(stage);
    }
}

static enum ps_status fill(const struct ps_svm_source *s, struct finder *f, struct ps_svm_pack_cu *p)
{
    int64_t entries, columns;
    count(s, f, &entries, &columns);
    const int64_t bytes = lay(p, entries, columns, NULL);
    char *const here = (char *)zeros(bytes, 1);
    p->memory = here ? ps_svm_take_cu(bytes) : NULL;
    if (p->memory) {
        lay(p, entries, columns, here);
        copy_rows(s, &p->rows);
        for (int64_t panel = 0; panel < ps_svm_panels(&p->rows); panel++) sort_panel(p, panel, f);
        send(p->memory, here, bytes);
        lay(p, entries, columns, p->memory);
    }
    free(here);
    return p->memory ? PS_OK : PS_ENOMEM;
}

enum ps_status ps_svm_fill_sparse_cu(const struct ps_svm_source *s, struct ps_svm_pack_cu *p)
{
    const int64_t cols = s->layout->cols;
    struct finder f = {(int32_t *)zeros(cols, 4), (int32_t *)zeros(cols, 4), (int32_t *)zeros(cols, 4)};
    const enum ps_status rc = f.panel && f.place && f.slot ? fill(s, &f, p) : PS_ENOMEM;
    free(f.panel);
    free(f.place);
    free(f.slot);
    return rc;
}
