#include "apps/pisvm/svm_validate_device.h"
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_backend.h"
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

/* Cut own rows into pieces; and count in trained[][] how many of each class a fold leaves out here. */
static enum ps_status cut_rows(const struct svm_data *d, bool classes, int64_t n, const int32_t *fold,
                               struct svm_held *h)
{
    const int nclass = classes ? d->nclass : 1;
    int64_t *next = NULL; /* [folds] place of a fold's next row */
    PS_TRY(ps_zalloc(&next, h->folds, sizeof *next, "rows by fold"));
    for (int64_t i = 0; i < n; i++) {
        next[fold[i]]++;
        h->trained[(int64_t)fold[i] * nclass + (classes ? d->class_of[i] : 0)]++;
    }
    for (int f = 0; f < h->folds; f++) {
        const int64_t first = h->pieces;
        for (int64_t left = next[f]; left > 0; left -= SVM_PIECE) {
            h->fold[h->pieces] = f;
            h->rows[h->pieces++] = left < SVM_PIECE ? (int)left : SVM_PIECE;
        }
        next[f] = first * SVM_PIECE;
    }
    for (int64_t i = 0; i < n; i++) h->row[next[fold[i]]++] = i;
    for (int64_t p = 0; p < h->pieces; p++)
        for (int i = h->rows[p]; i < SVM_PIECE; i++)
            h->row[p * SVM_PIECE + i] = h->row[p * SVM_PIECE + i - 1];
    free(next);
    return PS_OK;
}

enum ps_status svm_held_make(const struct svm_train_spec *spec, int folds, struct svm_held *out)
{
    const struct svm_data *d = spec->data;
    const bool classes = svm_has_classes(spec->type);
    const int nclass = classes ? d->nclass : 1;
    const int64_t n = d->x.mine.hi - d->x.mine.lo, most = n / SVM_PIECE + folds;
    MPI_Comm comm = spec->run->comm;
    int32_t *fold = NULL;
    *out = (struct svm_held){.folds = folds};
    enum ps_status rc = ps_alloc(&fold, n, sizeof *fold, "folds of rows");
    if (rc == PS_OK) rc = ps_alloc(&out->fold, most, sizeof *out->fold, "rows by fold");
    if (rc == PS_OK) rc = ps_alloc(&out->rows, most, sizeof *out->rows, "rows by fold");
    if (rc == PS_OK) rc = ps_alloc(&out->row, most * SVM_PIECE, sizeof *out->row, "rows by fold");
    if (rc == PS_OK)
        rc = ps_zalloc(&out->trained, (int64_t)folds * nclass, sizeof *out->trained, "rows by fold");
    if (rc == PS_OK) rc = folds_of_rows(spec, folds, fold);
    if (rc == PS_OK) rc = cut_rows(d, classes, n, fold, out);
    PS_TRY_DONE(ps_agree(comm, rc));
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
    free(h->fold);
    free(h->rows);
    free(h->row);
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
    int64_t cols;            /* of coef: other class and C */
    int32_t *pair;           /* [others] */
    uint8_t seen[CHUNK_MAX]; /* [hi - lo] a support vector */
    int64_t row[CHUNK_MAX];  /* [n] position - lo */
    int32_t slot[CHUNK_MAX]; /* [hi - lo] index into row */
    float *coef;             /* [folds][n][cols] */
    struct source *source;
    int64_t nsource;
    struct ps_svm_terms *terms; /* [folds][others] what of coef is not 0, */
    int32_t *term;              /* [folds][others][chunk_rows] and where it is */
    double *term_coef;
    float *k;                /* [threads][CHUNK_MAX][SVM_PIECE] kernel values; or */
    struct svm_there *there; /* on a device */
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
    return (int64_t)at * d->sweep->ncost + m->cost;
}

/* The sources of a class, and the pairs that its columns belong to. */
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
    for (int k = 0; k < n; k++) {
        const int o = k < c->cls ? k : k + 1, a = o < c->cls ? o : c->cls, b = o < c->cls ? c->cls : o;
        c->pair[k] = c->cls < 0 ? 0 : a * nclass - a * (a + 1) / 2 + b - a - 1;
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

/* What a fold has against each other class: few of a chunk's rows are support vectors there. */
static void find_terms(const struct svm_decider *d, struct chunk *c)
{
    const int n = others(d), ncost = d->sweep->ncost;
    const int64_t most = chunk_rows(d);
#pragma omp parallel for schedule(dynamic, 1)
    for (int at = 0; at < d->held->folds * n; at++) {
        const float *coef = c->coef + at / n * c->n * c->cols + at % n * ncost;
        int32_t *row = c->term + at * most;
        double *to = c->term_coef + at * most * ncost;
        int64_t terms = 0;
        for (int64_t s = 0; s < c->n; s++, coef += c->cols) {
            bool any = false;
            for (int k = 0; k < ncost; k++) any = any || coef[k] != 0;
            if (!any) continue;
            for (int k = 0; k < ncost; k++) to[terms * ncost + k] = (double)coef[k];
            row[terms++] = (int32_t)s;
        }
        c->terms[at] = (struct ps_svm_terms){terms, row, ncost, to};
    }
}

/* Add what the chunk's support vectors give to pieces [lo, hi). */
static void add_chunk(const struct svm_decider *d, const struct chunk *c, const struct ps_svm_pack *support,
                      int64_t lo, int64_t hi, double *value)
{
    const int n = others(d);
    const int64_t pair = (int64_t)d->sweep->ncost * SVM_PIECE;
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t p = lo; p < hi; p++) {
        const struct ps_svm_terms *terms = c->terms + d->held->fold[p] * n;
        float *k = c->k + (int64_t)omp_get_thread_num() * CHUNK_MAX * SVM_PIECE;
        double *to = value + (p - lo) * d->pairs * pair;
        d->spec->kernels->block(&d->sweep->function, support, 0, c->n, d->own, p * SVM_PIECE,
                                (p + 1) * SVM_PIECE, k, SVM_PIECE);
        for (int o = 0; o < n; o++)
            if (terms[o].n > 0)
                d->spec->kernels->sums(k, SVM_PIECE, SVM_PIECE, &terms[o], to + c->pair[o] * pair, SVM_PIECE);
    }
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
        find_terms(d, c);
        const struct svm_want want = {c->cls, c->lo, c->hi};
        PS_TRY(svm_rows_fetch(comm, d->spec->data, &want, 1, &rows));
        const struct ps_csr csr = svm_rows_csr(&rows);
        enum ps_status rc = svm_backend_pack(d->spec->kernels, &csr, c->row, c->n, &d->layout, &support);
        const struct svm_given given = {support, c->n, others(d), c->pair, c->terms};
        if (rc == PS_OK && c->there)
            rc = svm_there_add(c->there, &given);
        else if (rc == PS_OK)
            add_chunk(d, c, support, lo, hi, value);
        d->spec->kernels->unpack(support);
        svm_rows_free(&rows);
        PS_TRY(ps_agree(comm, rc));
    }
    return PS_OK;
}

static void chunk_free(struct chunk *c)
{
    if (!c) return;
    free(c->pair);
    free(c->coef);
    free(c->source);
    free(c->terms);
    free(c->term);
    free(c->term_coef);
    free(c->k);
    svm_there_close(c->there);
    free(c);
}

static enum ps_status chunk_make(const struct svm_decider *d, int64_t lo, int64_t hi, struct chunk **out)
{
    const int64_t groups = (int64_t)d->held->folds * others(d), ncost = d->sweep->ncost;
    const int64_t coefs = groups * chunk_rows(d) * ncost;
    PS_TRY(ps_zalloc(out, 1, sizeof **out, "support vectors of a chunk"));
    struct chunk *c = *out;
    c->cols = ncost * others(d);
    PS_TRY(ps_alloc(&c->pair, others(d), sizeof *c->pair, "pairs of a class"));
    PS_TRY(ps_alloc(&c->coef, coefs, sizeof *c->coef, "coefficients of a chunk"));
    PS_TRY(ps_alloc(&c->source, 2 * d->machines->n, sizeof *c->source, "machines of a class"));
    PS_TRY(ps_alloc(&c->terms, groups, sizeof *c->terms, "coefficients of a chunk"));
    PS_TRY(ps_alloc(&c->term, groups * chunk_rows(d), sizeof *c->term, "coefficients of a chunk"));
    PS_TRY(ps_alloc(&c->term_coef, coefs, sizeof *c->term_coef, "coefficients of a chunk"));
    if (d->spec->kernels->device) return svm_there_open(d, lo, hi, CHUNK_MAX, &c->there);
    return ps_alloc(&c->k, (int64_t)omp_get_max_threads() * CHUNK_MAX * SVM_PIECE, sizeof *c->k,
                    "a block of kernel values");
}

struct svm_places svm_decider_places(const struct svm_decider *d, int64_t pieces)
{
    if (d->spec->kernels->device) return (struct svm_places){SVM_PIECE, pieces * SVM_PIECE};
    return (struct svm_places){(int64_t)d->pairs * d->sweep->ncost * SVM_PIECE, SVM_PIECE};
}

enum ps_status svm_decider_run(const struct svm_decider *d, int64_t lo, int64_t hi, double *value)
{
    const struct svm_data *data = d->spec->data;
    const int nclass = svm_has_classes(d->spec->type) ? data->nclass : 0;
    struct chunk *c = NULL;
    enum ps_status rc = ps_agree(d->spec->run->comm, chunk_make(d, lo, hi, &c));
    if (rc == PS_OK && !c->there)
        memset(value, 0, (size_t)((hi - lo) * d->pairs * d->sweep->ncost * SVM_PIECE) * sizeof *value);
    for (int cls = nclass ? 0 : -1; cls < nclass && rc == PS_OK; cls++) {
        c->cls = cls;
        rc = stream_class(d, c, nclass ? data->count[cls] : data->x.rows, lo, hi, value);
    }
    if (rc == PS_OK && c->there) rc = ps_agree(d->spec->run->comm, svm_there_get(c->there, value));
    chunk_free(c);
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
        ps_agree(spec->run->comm, svm_backend_pack(spec->kernels, &csr, held->row, held->pieces * SVM_PIECE,
                                                   &out->layout, &out->own));
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
