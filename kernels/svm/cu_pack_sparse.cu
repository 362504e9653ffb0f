/* Compressed rows: arrays are made here, as they will be there, by the host's threads, a panel by each, and
 * sent. */
#include "kernels/svm/cu_pack.h"
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 1 << 20,    /* bytes that are sent at a time */
    SLICE = CHUNK / 16, /* and copied by a thread */
    ALONE = 8192        /* entries for which another thread would not pay */
};

/* Columns of the panel that a thread looks at. */
struct finder {
    int32_t *panel; /* [cols] 1 + the last panel that had an entry there */
    int32_t *place; /* [cols] where the next entry goes */
    int32_t *slot;  /* [cols] number in its panel */
};

/* What is made here. */
struct making {
    const struct ps_svm_source *s;
    int64_t panels;
    int64_t *start; /* [n + 1] where entries of a row start */
    int64_t *first; /* [panels + 1] where columns of a panel start */
    struct finder *finder;
    int threads; /* finders */
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

static int64_t panel_end(const struct making *m, int64_t panel)
{
    return m->s->n - panel * PS_SVM_PANEL < PS_SVM_PANEL ? m->s->n : (panel + 1) * PS_SVM_PANEL;
}

/* Columns that are not empty in a panel. */
static int64_t count_columns(const struct making *m, const struct finder *f, int64_t panel)
{
    const int32_t mark = (int32_t)(panel + 1);
    int64_t columns = 0;
    for (int64_t i = panel * PS_SVM_PANEL; i < panel_end(m, panel); i++) {
        const int32_t *const index = m->s->x->index + ps_svm_first_entry(m->s, i);
        for (int64_t e = 0; e < m->start[i + 1] - m->start[i]; e++) {
            int32_t *const seen = &f->panel[index[e]];
            columns += *seen != mark;
            *seen = mark;
        }
    }
    return columns;
}

static void copy_rows(const struct making *m, int64_t panel, struct ps_svm_pack *p)
{
    for (int64_t i = panel * PS_SVM_PANEL; i < panel_end(m, panel); i++) {
        const int64_t first = ps_svm_first_entry(m->s, i), at = p->start[i], n = p->start[i + 1] - at;
        float norm = 0;
        for (int64_t e = 0; e < n; e++) {
            const float v = (float)m->s->x->value[first + e];
            p->index[at + e] = m->s->x->index[first + e];
            p->value[at + e] = v;
            norm = fmaf(v, v, norm);
        }
        p->norm[i] = norm;
    }
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
    const int64_t top = panel * PS_SVM_PANEL, end = top + PS_SVM_PANEL < r->n ? top + PS_SVM_PANEL : r->n;
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
}

/* The copy here is made by all threads, as one alone is slower than the bus. */
static void send(char *there, const char *here, int64_t bytes)
{
    for (int64_t at = 0, part; at < bytes; at += part) {
        struct ps_svm_stage *stage = ps_svm_stage_cu(CHUNK);
        if (!stage) return;
        part = min(bytes - at, (int64_t)CHUNK);
#pragma omp parallel for schedule(static) if (part == CHUNK)
        for (int64_t k = 0; k < part; k += SLICE)
            memcpy(stage->here + k, here + at + k, (size_t)min(part - k, (int64_t)SLICE));
        ps_cuda_memory.put(there + at, stage->here, part);
        ps_svm_stage_done_cu(stage);
    }
}

static void fill_all(const struct making *m, struct ps_svm_pack_cu *p)
{
    memcpy(p->rows.start, m->start, (size_t)(m->s->n + 1) * sizeof *m->start);
    memcpy(p->columns.first, m->first, (size_t)(m->panels + 1) * sizeof *m->first);
#pragma omp parallel for schedule(static) num_threads(m->threads)
    for (int64_t panel = 0; panel < m->panels; panel++) {
        copy_rows(m, panel, &p->rows);
        sort_panel(p, panel, &m->finder[omp_get_thread_num()]);
    }
}

static enum ps_status fill(const struct making *m, struct ps_svm_pack_cu *p)
{
    const int64_t entries = m->start[m->s->n];
#pragma omp parallel for schedule(static) num_threads(m->threads)
    for (int64_t panel = 0; panel < m->panels; panel++)
        m->first[panel + 1] = count_columns(m, &m->finder[omp_get_thread_num()], panel);
    for (int64_t panel = 0; panel < m->panels; panel++) m->first[panel + 1] += m->first[panel];
    const int64_t columns = m->first[m->panels], bytes = lay(p, entries, columns, NULL);
    char *const here = (char *)zeros(bytes, 1);
    p->memory = here ? ps_svm_take_cu(bytes) : NULL;
    if (p->memory) {
        lay(p, entries, columns, here);
        fill_all(m, p);
        send(p->memory, here, bytes);
        lay(p, entries, columns, p->memory);
    }
    free(here);
    return p->memory ? PS_OK : PS_ENOMEM;
}

static bool finder_open(struct finder *f, int64_t cols)
{
    *f = {(int32_t *)zeros(cols, 4), (int32_t *)zeros(cols, 4), (int32_t *)zeros(cols, 4)};
    return f->panel && f->place && f->slot;
}

static void finder_close(struct finder *f)
{
    free(f->panel);
    free(f->place);
    free(f->slot);
}

/* Threads that pay: each has arrays of all columns, which together shall not be larger than what is packed.
 */
static int threads_for(const struct making *m)
{
    const int64_t most = m->start[m->s->n] / (m->s->layout->cols + ALONE) + 1;
    return (int)min(most, (int64_t)omp_get_max_threads());
}

enum ps_status ps_svm_fill_sparse_cu(const struct ps_svm_source *s, struct ps_svm_pack_cu *p)
{
    struct making m = {s, ps_svm_panels(&p->rows)};
    bool good = (m.start = (int64_t *)zeros(s->n, 8)) && (m.first = (int64_t *)zeros(m.panels, 8));
    for (int64_t i = 0; good && i < s->n; i++) m.start[i + 1] = m.start[i] + ps_svm_entries(s, i);
    m.threads = good ? threads_for(&m) : 0;
    good = good && (m.finder = (struct finder *)zeros(m.threads, sizeof *m.finder));
    for (int t = 0; good && t < m.threads; t++) good = finder_open(&m.finder[t], s->layout->cols);
    const enum ps_status rc = good ? fill(&m, p) : PS_ENOMEM;
    for (int t = 0; m.finder && t < m.threads; t++) finder_close(&m.finder[t]);
    free(m.finder);
    free(m.first);
    free(m.start);
    return rc;
}
