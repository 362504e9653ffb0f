#include "apps/pisvm/svm_store.h"
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_backend.h"

/* Products of a kernel value from which on a value is rather copied than computed again. */
enum { COPY_FROM = 48 };

/* Rows of a strip that is computed at once, and the side of the squares in which it is mirrored. */
enum { STRIP = 256, SQUARE = 32 };

enum ps_status svm_store_open(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                              struct svm_store *out, struct svm_rows_cost *cost)
{
    const struct svm_data *d = spec->data;
    MPI_Comm comm = spec->run->comm;
    int64_t entries = d->x.start[d->x.mine.hi - d->x.mine.lo];
    *out = (struct svm_store){.spec = spec, .function = sweep->function};
    PS_TRY(svm_layout_choose(comm, d, &sweep->function, spec->dense, &out->layout, &out->centre));
    MPI_Allreduce(MPI_IN_PLACE, &entries, 1, MPI_INT64_T, MPI_SUM, comm);
    const double filled = (double)entries / (double)(d->x.rows > 0 ? d->x.rows : 1);
    const double dense = (double)d->x.cols;
    /* compressed rows: an entry costs about what four columns of a panel cost */
    out->products = out->layout.dense ? dense * (out->layout.differences ? 2 : 1) : 4 * filled;
    cost->products = out->products;
    cost->bytes = 12 * filled + (out->layout.dense ? 4 * dense : 8 * filled) + 32;
    out->slots = d->class_of ? d->nclass : 1;
    enum ps_status rc = ps_zalloc(&out->pack, out->slots, sizeof *out->pack, "packed classes");
    if (rc == PS_OK) rc = ps_zalloc(&out->target, out->slots, sizeof *out->target, "labels of classes");
    return ps_agree(comm, rc);
}

static void drop(struct svm_store *s, int slot)
{
    s->spec->kernels->unpack(s->pack[slot]);
    free(s->target[slot]);
    s->pack[slot] = NULL;
    s->target[slot] = NULL;
}

void svm_store_close(struct svm_store *s)
{
    for (int i = 0; s->pack && s->target && i < s->slots; i++) drop(s, i);
    free(s->pack);
    free(s->target);
    free(s->centre);
    memset(s, 0, sizeof *s);
}

/* Pack one class out of fetched rows [lo, lo + n). */
static enum ps_status pack_class(struct svm_store *s, int slot, const struct svm_rows *rows, int64_t lo)
{
    const int64_t n = s->count[slot];
    const struct ps_csr x = {n, rows->cols, rows->start + lo, rows->index, rows->value};
    if (!s->spec->data->class_of) {
        PS_TRY(ps_alloc(&s->target[slot], n, sizeof **s->target, "labels"));
        memcpy(s->target[slot], rows->label + lo, (size_t)n * sizeof **s->target);
    }
    return svm_backend_pack(s->spec->kernels, &x, NULL, n, &s->layout, &s->pack[slot]);
}

enum ps_status svm_store_load(struct svm_store *s, const int64_t *count, const bool *want)
{
    MPI_Comm comm = s->spec->run->comm;
    struct svm_rows rows = {0};
    struct svm_want *wants = NULL;
    int n = 0;
    int64_t lo = 0;
    s->count = count;
    enum ps_status rc = ps_alloc(&wants, s->slots, sizeof *wants, "wanted rows");
    PS_TRY_DONE(ps_agree(comm, rc));
    for (int i = 0; i < s->slots; i++) {
        if (!want[i]) drop(s, i);
        if (want[i] && !s->pack[i])
            wants[n++] = (struct svm_want){s->spec->data->class_of ? i : -1, 0, count[i]};
    }
    PS_TRY_DONE(svm_rows_fetch(comm, s->spec->data, wants, n, &rows));
    for (int k = 0; k < n && rc == PS_OK; lo += wants[k++].hi)
        rc = pack_class(s, wants[k].cls < 0 ? 0 : wants[k].cls, &rows, lo);
    rc = ps_agree(comm, rc);
done:
    svm_rows_free(&rows);
    free(wants);
    return rc;
}

enum ps_status svm_store_keep(struct svm_store *s, MPI_Comm node, int64_t room)
{
    bool *want = NULL;
    if (s->slots <= 2 || s->products < COPY_FROM) return PS_OK;
    PS_TRY(ps_agree(node, ps_alloc(&want, s->slots, sizeof *want, "kept classes")));
    for (int i = 0; i < s->slots; i++) want[i] = s->pack[i] != NULL;
    const enum ps_status rc = svm_kept_open(node, s->count, want, s->slots, room, &s->kept);
    free(want);
    return rc;
}

void svm_store_forget(struct svm_store *s)
{
    svm_kept_close(&s->kept);
}

/* k[j][i] = k[i][j] for i in [ilo, ihi), j in [jlo, jhi), in squares that stay in cache. */
static void mirror(float *k, int64_t stride, int64_t ilo, int64_t ihi, int64_t jlo, int64_t jhi)
{
#pragma omp parallel for schedule(static)
    for (int64_t j0 = jlo; j0 < jhi; j0 += SQUARE) {
        const int64_t j1 = j0 + SQUARE < jhi ? j0 + SQUARE : jhi;
        for (int64_t i0 = ilo; i0 < ihi; i0 += SQUARE) {
            const int64_t i1 = i0 + SQUARE < ihi ? i0 + SQUARE : ihi;
            for (int64_t j = j0; j < j1; j++)
                for (int64_t i = i0; i < i1; i++) k[j * stride + i] = k[i * stride + j];
        }
    }
}

/* The kernel matrix of one class, each half once where that pays. */
static void compute_class(const struct svm_store *s, int slot, float *k, int64_t stride)
{
    const struct ps_svm_kernels *kernels = s->spec->kernels;
    const struct ps_svm_pack *x = s->pack[slot];
    const int64_t n = s->count[slot];
    if (s->products < COPY_FROM || n <= STRIP) {
        kernels->block(&s->function, x, 0, n, x, 0, n, k, stride);
        return;
    }
    for (int64_t lo = 0; lo < n; lo += STRIP) {
        const int64_t hi = lo + STRIP < n ? lo + STRIP : n;
        kernels->block(&s->function, x, lo, hi, x, lo, n, k + lo * stride + lo, stride);
        mirror(k, stride, lo, hi, hi, n);
    }
}

static void copy_square(const float *from, int64_t from_stride, float *to, int64_t to_stride, int64_t n)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++)
        memcpy(to + i * to_stride, from + i * from_stride, (size_t)n * sizeof *to);
}

/* The kernel matrix of one class, from the kept one if there is one.
 * @param wait whether it may also be none yet while somebody else is making it
 * @return whether it is there */
static bool class_matrix(struct svm_store *s, int slot, float *k, int64_t stride, bool wait)
{
    const int64_t n = s->count[slot];
    float *kept;
    const enum svm_kept_answer answer = svm_kept_ask(&s->kept, slot, &kept);
    if (answer == SVM_KEPT_LATER && wait) return false;
    if (answer == SVM_KEPT_THERE) {
        copy_square(kept, n, k, stride, n);
        return true;
    }
    compute_class(s, slot, k, stride);
    if (answer == SVM_KEPT_MAKE) {
        copy_square(k, stride, kept, n, n);
        svm_kept_made(&s->kept, slot);
    }
    return true;
}

/* On a device every value is computed where it stands. */
static void compute_blocks(const struct svm_store *s, const struct svm_problem *p, float *k)
{
    const int64_t stride = svm_problem_stride(p), na = p->rows[0];
    for (int i = 0; i < 2 && p->slot[i] >= 0; i++)
        for (int j = 0; j < 2 && p->slot[j] >= 0; j++)
            s->spec->kernels->block(&s->function, s->pack[p->slot[i]], 0, p->rows[i], s->pack[p->slot[j]], 0,
                                    p->rows[j], k + i * na * stride + j * na, stride);
}

void svm_store_matrix(struct svm_store *s, const struct svm_problem *p, float *k)
{
    const struct ps_svm_kernels *kernels = s->spec->kernels;
    const int64_t stride = svm_problem_stride(p), na = p->rows[0], n = svm_problem_rows(p);
    if (kernels->device) {
        compute_blocks(s, p, k);
        return;
    }
    if (p->slot[1] < 0) {
        class_matrix(s, p->slot[0], k, stride, false);
    } else {
        const struct ps_svm_pack *a = s->pack[p->slot[0]], *b = s->pack[p->slot[1]];
        float *second = k + na * stride + na;
        const bool first_is = class_matrix(s, p->slot[0], k, stride, true);
        const bool second_is = class_matrix(s, p->slot[1], second, stride, true);
        kernels->block(&s->function, a, 0, na, b, 0, n - na, k + na, stride);
        if (s->products < COPY_FROM)
            kernels->block(&s->function, b, 0, n - na, a, 0, na, k + na * stride, stride);
        else
            mirror(k, stride, 0, na, na, n);
        if (!first_is) class_matrix(s, p->slot[0], k, stride, false);
        if (!second_is) class_matrix(s, p->slot[1], second, stride, false);
    }
    if (n < stride)
        for (int64_t i = 0; i < n; i++) memset(k + i * stride + n, 0, (size_t)(stride - n) * sizeof *k);
}

void svm_store_row(const struct svm_store *s, const struct svm_problem *p, int64_t row, float *k)
{
    const int64_t na = p->rows[0], n = svm_problem_rows(p), stride = svm_problem_stride(p);
    const int own = row >= na;
    const int64_t at = row - own * na;
    for (int part = 0; part < 2 && p->slot[part] >= 0; part++)
        s->spec->kernels->block(&s->function, s->pack[p->slot[own]], at, at + 1, s->pack[p->slot[part]], 0,
                                p->rows[part], k + part * na, stride);
    memset(k + n, 0, (size_t)(stride - n) * sizeof *k);
}

void svm_store_diagonal(const struct svm_store *s, const struct svm_problem *p, float *diagonal)
{
    float square[SQUARE * SQUARE];
    for (int part = 0; part < 2 && p->slot[part] >= 0; diagonal += p->rows[part++])
        for (int64_t lo = 0; lo < p->rows[part]; lo += SQUARE) {
            const struct ps_svm_pack *x = s->pack[p->slot[part]];
            const int64_t hi = lo + SQUARE < p->rows[part] ? lo + SQUARE : p->rows[part];
            s->spec->kernels->block(&s->function, x, lo, hi, x, lo, hi, square, SQUARE);
            for (int64_t i = lo; i < hi; i++) diagonal[i] = square[(i - lo) * (SQUARE + 1)];
        }
}
