#include "apps/pisvm/svm_validate_decide.h"
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_decide.h"
#include "apps/pisvm/svm_fold.h"

/* Positions of a chunk at most, and at a time in a cache; floats of a chunk's coefficients. */
enum { CHUNK_MAX = 1024, CHUNK_MIN = 32, BLOCK = 32, COEF_MAX = 1 << 22 };

bool svm_has_classes(enum svm_type type)
{
    return type == SVM_C_SVC || type == SVM_NU_SVC;
}

/* --- which fold leaves out which row --- */

/* The fold of each own row. */
static enum ps_status folds_of_rows(const struct svm_train_spec *spec, int folds, int32_t *fold)
{
    const struct svm_data *d = spec->data;
    const bool classes = svm_has_classes(spec->type);
    int64_t *position = NULL;
    PS_TRY(ps_alloc(&position, classes ? d->nclass : 1, sizeof *position, "positions of rows"));
    if (classes && d->nclass) memcpy(position, d->before, (size_t)d->nclass * sizeof *position);
    for (int64_t i = 0; i < d->x.mine.hi - d->x.mine.lo; i++) {
        const int c = classes ? d->class_of[i] : -1;
        fold[i] = classes ? svm_fold(spec->seed, c, position[c]++, d->count[c], folds)
                          : svm_fold(spec->seed, -1, d->x.mine.lo + i, d->x.rows, folds);
    }
    free(position);
    return PS_OK;
}

/* Own rows by fold, and in trained[][] how many of each class a fold leaves out here. */
static void sort_rows(const struct svm_data *d, bool classes, const int32_t *fold, struct svm_held *h)
{
    const int nclass = classes ? d->nclass : 1;
    for (int64_t i = 0; i < h->n; i++) {
        h->start[fold[i] + 1]++;
        h->trained[(int64_t)fold[i] * nclass + (classes ? d->class_of[i] : 0)]++;
    }
    for (int f = 0; f < h->folds; f++) h->start[f + 1] += h->start[f];
    for (int64_t i = 0; i < h->n; i++) h->row[h->start[fold[i]]++] = i;
    for (int f = h->folds; f > 0; f--) h->start[f] = h->start[f - 1];
    h->start[0] = 0;
}

enum ps_status svm_held_make(const struct svm_train_spec *spec, int folds, struct svm_held *out)
{
    const struct svm_data *d = spec->data;
    const bool classes = svm_has_classes(spec->type);
    const int nclass = classes ? d->nclass : 1;
    MPI_Comm comm = spec->run->comm;
    int32_t *fold = NULL;
    *out = (struct svm_held){.folds = folds, .n = d->x.mine.hi - d->x.mine.lo};
    enum ps_status rc = ps_alloc(&fold, out->n, sizeof *fold, "folds of rows");
    if (rc == PS_OK) rc = ps_alloc(&out->row, out->n, sizeof *out->row, "rows by fold");
    if (rc == PS_OK) rc = ps_zalloc(&out->start, folds + 1, sizeof *out->start, "rows by fold");
    if (rc == PS_OK)
        rc = ps_zalloc(&out->trained, (int64_t)folds * nclass, sizeof *out->trained, "rows by fold");
    if (rc == PS_OK) rc = folds_of_rows(spec, folds, fold);
    PS_TRY_DONE(ps_agree(comm, rc));
    sort_rows(d, classes, fold, out);
    for (int f = 0; f < folds; f++) { /* a message per fold: no count exceeds an int */
        int64_t *t = out->trained + (int64_t)f * nclass;
        MPI_Allreduce(MPI_IN_PLACE, t, nclass, MPI_INT64_T, MPI_SUM, comm);
        for (int c = 0; c < nclass; c++) t[c] = (classes ? d->count[c] : d->x.rows) - t[c];
    }
done:
    free(fold);
    if (rc != PS_OK) svm_held_free(out);
    return rc;
}

void svm_held_free(struct svm_held *h)
{
    free(h->row);
    free(h->start);
    free(h->trained);
    *h = (struct svm_held){0};
}

/* --- streaming --- */

/* Where coefficients of one class come from: a machine's part, and the column that it goes to. */
struct source {
    const double *coef;
    int64_t lo, hi; /* positions */
    int fold;
    int64_t column;
};

/* Coefficients of positions [lo, hi) of a class: those that are support vectors of any machine. */
struct chunk {
    int cls;
    int64_t lo, hi;
    int64_t n;               /* support vectors */
    int64_t cols;            /* of coef: C and other class */
    int32_t *column;         /* [cols] C and pair */
    uint8_t seen[CHUNK_MAX]; /* [hi - lo] a support vector */
    int64_t row[CHUNK_MAX];  /* [n] position - lo */
    int32_t slot[CHUNK_MAX]; /* [hi - lo] index into row */
    float *coef;             /* [folds][n][cols] */
    struct source *source;
    int64_t nsource;
};

/* Other classes of a machine's partner, or 1. */
static int others(const struct svm_decider *d)
{
    return svm_has_classes(d->spec->type) ? d->spec->data->nclass - 1 : 1;
}

/* Depends on the numbers of folds, classes and C alone, as do the bits of sums. */
static int64_t chunk_rows(const struct svm_decider *d)
{
    const int64_t floats = (int64_t)d->held->folds * d->sweep->ncost * others(d);
    const int64_t rows = COEF_MAX / floats / CHUNK_MIN * CHUNK_MIN;
    return rows > CHUNK_MAX ? CHUNK_MAX : rows < CHUNK_MIN ? CHUNK_MIN : rows;
}

static int64_t column_of(const struct svm_decider *d, const struct svm_machine *m, int cls)
{
    const int other = cls == m->a ? m->b : m->a;
    const int at = cls < 0 ? 0 : other < cls ? other : other - 1;
    return (int64_t)m->cost * others(d) + at;
}

/* The sources of a class, and the columns' places among the values. */
static void list_sources(const struct svm_decider *d, struct chunk *c)
{
    const int n = others(d), nclass = d->spec->data->nclass;
    c->nsource = 0;
    for (int64_t i = 0; i < d->machines->n; i++) {
        const struct svm_machine *m = &d->machines->machine[i];
        const double *coef = m->coef;
        for (int p = 0; p < 2; coef += m->part[p].hi - m->part[p].lo, p++)
            if (m->part[p].cls == c->cls && m->part[p].lo < m->part[p].hi)
                c->source[c->nsource++] =
                    (struct source){coef, m->part[p].lo, m->part[p].hi, m->fold, column_of(d, m, c->cls)};
    }
    for (int cost = 0; cost < d->sweep->ncost; cost++)
        for (int k = 0; k < n; k++) {
            const int o = k < c->cls ? k : k + 1, a = o < c->cls ? o : c->cls, b = o < c->cls ? c->cls : o;
            const int pair = c->cls < 0 ? 0 : a * nclass - a * (a + 1) / 2 + b - a - 1;
            c->column[cost * n + k] = cost * d->pairs + pair;
        }
}

/* Support vectors of any machine of any rank. */
static void find_support(const struct svm_decider *d, struct chunk *c)
{
    const struct ps_run *run = d->spec->run;
    const int64_t rows = c->hi - c->lo;
    memset(c->seen, 0, sizeof c->seen);
#pragma omp parallel for schedule(static)
    for (int64_t at = c->lo; at < c->hi; at += BLOCK) {
        const int64_t end = at + BLOCK < c->hi ? at + BLOCK : c->hi;
        for (int64_t s = 0; s < c->nsource; s++) {
            const struct source *m = &c->source[s];
            const int64_t lo = m->lo > at ? m->lo : at, hi = m->hi < end ? m->hi : end;
            for (int64_t i = lo; i < hi; i++) c->seen[i - c->lo] |= m->coef[i - m->lo] != 0;
        }
    }
    if (run->size > 1) MPI_Allreduce(MPI_IN_PLACE, c->seen, (int)rows, MPI_UINT8_T, MPI_MAX, run->comm);
    c->n = 0;
    for (int64_t i = 0; i < rows; i++)
        if (c->seen[i]) {
            c->slot[i] = (int32_t)c->n;
            c->row[c->n++] = i;
        }
}

/* Bring their coefficients to all ranks: each has one owner, so that sums over ranks are exact. */
static void gather_coefficients(const struct svm_decider *d, struct chunk *c)
{
    const struct ps_run *run = d->spec->run;
    const int64_t fold = c->n * c->cols;
    memset(c->coef, 0, (size_t)(d->held->folds * fold) * sizeof *c->coef);
#pragma omp parallel for schedule(static)
    for (int64_t at = c->lo; at < c->hi; at += BLOCK) {
        const int64_t end = at + BLOCK < c->hi ? at + BLOCK : c->hi;
        for (int64_t s = 0; s < c->nsource; s++) {
            const struct source *m = &c->source[s];
            const int64_t lo = m->lo > at ? m->lo : at, hi = m->hi < end ? m->hi : end;
            float *to = c->coef + m->fold * fold + m->column;
            for (int64_t i = lo; i < hi; i++)
                if (c->seen[i - c->lo]) to[c->slot[i - c->lo] * c->cols] = (float)m->coef[i - m->lo];
        }
    }
    if (run->size == 1) return;
    for (int f = 0; f < d->held->folds; f++)
        MPI_Allreduce(MPI_IN_PLACE, c->coef + f * fold, (int)fold, MPI_FLOAT, MPI_SUM, run->comm);
}

/* Add what the chunk's support vectors give to rows [lo, hi). */
static enum ps_status add_chunk(const struct svm_decider *d, const struct chunk *c,
                                const struct ps_svm_pack *support, int64_t lo, int64_t hi, double *value)
{
    const int64_t stride = (int64_t)d->sweep->ncost * d->pairs;
    for (int f = 0; f < d->held->folds; f++) {
        const int64_t *start = d->held->start + f;
        const int64_t rlo = start[0] > lo ? start[0] : lo, rhi = start[1] < hi ? start[1] : hi;
        const struct svm_group group = {support, 0, c->n, c->cols, c->coef + f * c->n * c->cols, c->column};
        if (rlo < rhi)
            PS_TRY(svm_decide_fine(d->spec->kernels, &d->sweep->function, d->own, rlo, rhi, &group,
                                   value + (rlo - lo) * stride, stride));
    }
    return PS_OK;
}

/* All chunks of c->cls. */
static enum ps_status stream_class(const struct svm_decider *d, struct chunk *c, int64_t count, int64_t lo,
                                   int64_t hi, double *value)
{
    MPI_Comm comm = d->spec->run->comm;
    const int64_t step = chunk_rows(d);
    list_sources(d, c);
    for (c->lo = 0; c->lo < count; c->lo += step) {
        struct svm_rows rows = {0};
        struct ps_svm_pack *support = NULL;
        c->hi = c->lo + step < count ? c->lo + step : count;
        find_support(d, c);
        if (c->n == 0) continue;
        gather_coefficients(d, c);
        const struct svm_want want = {c->cls, c->lo, c->hi};
        PS_TRY(svm_rows_fetch(comm, d->spec->data, &want, 1, &rows));
        const struct ps_csr csr = svm_rows_csr(&rows);
        enum ps_status rc = d->spec->kernels->pack(&csr, c->row, c->n, &d->layout, &support);
        if (rc == PS_OK) rc = add_chunk(d, c, support, lo, hi, value);
        d->spec->kernels->unpack(support);
        svm_rows_free(&rows);
        PS_TRY(ps_agree(comm, rc));
    }
    return PS_OK;
}

enum ps_status svm_decider_run(const struct svm_decider *d, int64_t lo, int64_t hi, double *value)
{
    const struct svm_data *data = d->spec->data;
    const int nclass = svm_has_classes(d->spec->type) ? data->nclass : 0;
    struct chunk *c = NULL;
    enum ps_status rc = ps_zalloc(&c, 1, sizeof *c, "support vectors of a chunk");
    if (rc == PS_OK) {
        c->cols = (int64_t)d->sweep->ncost * others(d);
        rc = ps_alloc(&c->column, c->cols, sizeof *c->column, "coefficients of a chunk");
    }
    if (rc == PS_OK)
        rc = ps_alloc(&c->coef, d->held->folds * chunk_rows(d) * c->cols, sizeof *c->coef,
                      "coefficients of a chunk");
    if (rc == PS_OK) rc = ps_alloc(&c->source, 2 * d->machines->n, sizeof *c->source, "machines of a class");
    PS_TRY_DONE(ps_agree(d->spec->run->comm, rc));
    memset(value, 0, (size_t)((hi - lo) * d->sweep->ncost * d->pairs) * sizeof *value);
    for (c->cls = nclass ? 0 : -1; c->cls < nclass && rc == PS_OK; c->cls++)
        rc = stream_class(d, c, nclass ? data->count[c->cls] : data->x.rows, lo, hi, value);
done:
    if (c) {
        free(c->column);
        free(c->coef);
        free(c->source);
    }
    free(c);
    return rc;
}

enum ps_status svm_decider_make(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                                const struct svm_machines *machines, const struct svm_held *held,
                                struct svm_decider *out)
{
    *out = (struct svm_decider){.spec = spec, .sweep = sweep, .machines = machines, .held = held, .pairs = 1};
    if (svm_has_classes(spec->type)) out->pairs = svm_pairs(spec->data);
    PS_TRY(svm_layout_choose(spec->run->comm, spec->data, &sweep->function, spec->dense, &out->layout,
                             &out->centre));
    const struct ps_csr csr = svm_data_csr(spec->data);
    enum ps_status rc =
        ps_agree(spec->run->comm, spec->kernels->pack(&csr, held->row, held->n, &out->layout, &out->own));
    if (rc != PS_OK) svm_decider_free(out);
    return rc;
}

void svm_decider_free(struct svm_decider *d)
{
    if (d->own) d->spec->kernels->unpack(d->own);
    free(d->centre);
    d->own = NULL;
    d->centre = NULL;
}
