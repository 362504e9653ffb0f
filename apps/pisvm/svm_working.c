#include "apps/pisvm/svm_working.h"
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_backend.h"
#include "common/run/err.h"

/* First of an ascending list that is not below `value`. */
static int64_t first_from(const int64_t *list, int64_t n, int64_t value)
{
    int64_t lo = 0, hi = n;
    while (lo < hi) {
        const int64_t mid = lo + (hi - lo) / 2;
        if (list[mid] < value)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct ps_range svm_working_own(const struct svm_large *s, const int64_t *number, int64_t n)
{
    return (struct ps_range){first_from(number, n, s->first), first_from(number, n, s->first + s->n)};
}

/* Gather items of `size` bytes, start[r + 1] - start[r] from rank r. Collective. */
static enum ps_status gather(const struct svm_large *s, const int64_t *start, const void *mine, int64_t size,
                             void *out)
{
    int *count = NULL, *at;
    MPI_Datatype type = MPI_DATATYPE_NULL;
    enum ps_status rc = ps_alloc(&count, 2 * (int64_t)s->size, sizeof *count, "counts of rows");
    if (rc == PS_OK && start[s->size] > INT32_MAX)
        rc = ps_fail(PS_EUSAGE, "a working set's rows have %lld entries; choose a smaller one (-o)",
                     (long long)start[s->size]);
    PS_TRY_DONE(ps_agree(s->spec.comm, rc));
    at = count + s->size;
    for (int r = 0; r < s->size; r++) {
        count[r] = (int)(start[r + 1] - start[r]);
        at[r] = (int)start[r];
    }
    int ok = MPI_Type_contiguous((int)size, MPI_BYTE, &type);
    if (ok == MPI_SUCCESS) ok = MPI_Type_commit(&type);
    if (ok == MPI_SUCCESS)
        ok = MPI_Allgatherv(mine, count[s->rank], type, out, count, at, type, s->spec.comm);
    if (type != MPI_DATATYPE_NULL) MPI_Type_free(&type);
    PS_CHECK_DONE(ok == MPI_SUCCESS, PS_EMPI, "rows of a working set could not be gathered");
done:
    free(count);
    return rc;
}

/* Where each rank's part of a list starts. */
static enum ps_status parts(const struct svm_large *s, const int64_t *number, int64_t n, int64_t **start)
{
    PS_TRY(ps_alloc(start, (int64_t)s->size + 1, sizeof **start, "parts of a working set"));
    for (int r = 0; r <= s->size; r++) (*start)[r] = first_from(number, n, s->begin[r]);
    return PS_OK;
}

enum ps_status svm_working_gather(struct svm_large *s, const int64_t *number, int64_t n, const void *mine,
                                  int64_t size, void *out)
{
    int64_t *start = NULL;
    enum ps_status rc = ps_agree(s->spec.comm, parts(s, number, n, &start));
    if (rc == PS_OK) rc = gather(s, start, mine, size, out);
    free(start);
    return rc;
}

/* An entry on its way. */
struct entry {
    double value;
    int32_t index;
};

/* Rows that are not there yet. */
struct missing {
    int64_t n;
    int64_t *number; /* [n]; all arrays owned */
    int64_t *start;  /* [n + 1] entries */
    int64_t *part;   /* [size + 1] entries of the ranks */
    struct entry *entry, *mine;
};

static void missing_free(struct missing *m)
{
    free(m->number);
    free(m->start);
    free(m->part);
    free(m->entry);
    free(m->mine);
}

/* List the wanted rows that w does not have. */
static void list_missing(const int64_t *number, int64_t n, const struct svm_working *w, struct missing *m)
{
    int64_t k = 0;
    for (int64_t i = 0; i < n; i++) {
        while (k < w->n && w->number[k] < number[i]) k++;
        if (k == w->n || w->number[k] != number[i]) m->number[m->n++] = number[i];
    }
}

/* Entries of own rows among those missing. */
static void own_entries(const struct svm_large *s, const struct missing *m, struct ps_range own)
{
    int64_t to = 0;
    for (int64_t i = own.lo; i < own.hi; i++) {
        const int64_t row = m->number[i] - s->first;
        for (int64_t e = s->own.start[row]; e < s->own.start[row + 1]; e++)
            m->mine[to++] = (struct entry){s->own.value[e], s->own.index[e]};
    }
}

/* Bring missing rows to all ranks. Collective. */
static enum ps_status bring(struct svm_large *s, struct missing *m)
{
    const struct ps_range own = svm_working_own(s, m->number, m->n);
    int64_t *length = NULL;
    enum ps_status rc = ps_alloc(&length, m->n, sizeof *length, "lengths of rows");
    if (rc == PS_OK) rc = ps_alloc(&m->start, m->n + 1, sizeof *m->start, "rows of a working set");
    PS_TRY_DONE(ps_agree(s->spec.comm, rc));
    for (int64_t i = own.lo; i < own.hi; i++) {
        const int64_t row = m->number[i] - s->first;
        length[i - own.lo] = s->own.start[row + 1] - s->own.start[row];
    }
    PS_TRY_DONE(svm_working_gather(s, m->number, m->n, length, sizeof *length, m->start + 1));
    m->start[0] = 0;
    for (int64_t i = 0; i < m->n; i++) m->start[i + 1] += m->start[i];
    rc = parts(s, m->number, m->n, &m->part);
    if (rc == PS_OK) rc = ps_alloc(&m->entry, m->start[m->n], sizeof *m->entry, "rows of a working set");
    if (rc == PS_OK)
        rc =
            ps_alloc(&m->mine, m->start[own.hi] - m->start[own.lo], sizeof *m->mine, "rows of a working set");
    PS_TRY_DONE(ps_agree(s->spec.comm, rc));
    for (int r = 0; r <= s->size; r++) m->part[r] = m->start[m->part[r]];
    own_entries(s, m, own);
    rc = gather(s, m->part, m->mine, sizeof *m->entry, m->entry);
done:
    free(length);
    return rc;
}

/* Make the new set of the old one and of what was missing. */
static enum ps_status merge(const int64_t *number, int64_t n, const struct svm_working *old,
                            const struct missing *m, struct svm_working *out)
{
    int64_t entries = m->start[m->n], k = 0, j = 0, at = 0;
    for (int64_t i = 0; i < n; i++) { /* those of the old set that stay */
        while (k < old->n && old->number[k] < number[i]) k++;
        if (k < old->n && old->number[k] == number[i]) entries += old->start[k + 1] - old->start[k];
    }
    *out = (struct svm_working){.n = n};
    PS_TRY(ps_alloc(&out->number, n, sizeof *out->number, "a working set"));
    PS_TRY(ps_alloc(&out->start, n + 1, sizeof *out->start, "a working set"));
    PS_TRY(ps_alloc(&out->index, entries, sizeof *out->index, "a working set"));
    PS_TRY(ps_alloc(&out->value, entries, sizeof *out->value, "a working set"));
    for (int64_t i = k = 0; i < n; i++) {
        out->number[i] = number[i];
        out->start[i] = at;
        if (j < m->n && m->number[j] == number[i]) {
            for (int64_t e = m->start[j]; e < m->start[j + 1]; e++, at++) {
                out->index[at] = m->entry[e].index;
                out->value[at] = m->entry[e].value;
            }
            j++;
            continue;
        }
        while (old->number[k] < number[i]) k++;
        const size_t length = (size_t)(old->start[k + 1] - old->start[k]);
        memcpy(out->index + at, old->index + old->start[k], length * sizeof *out->index);
        memcpy(out->value + at, old->value + old->start[k], length * sizeof *out->value);
        at += (int64_t)length;
    }
    out->start[n] = at;
    return PS_OK;
}

/* All rows are here. */
static enum ps_status take_numbers(const int64_t *number, int64_t n, struct svm_working *w)
{
    svm_working_free(w);
    PS_TRY(ps_alloc(&w->number, n, sizeof *w->number, "a working set"));
    if (n > 0) memcpy(w->number, number, (size_t)n * sizeof *number);
    w->n = n;
    return PS_OK;
}

enum ps_status svm_working_fetch(struct svm_large *s, const int64_t *number, int64_t n, struct svm_working *w)
{
    struct missing m = {0};
    struct svm_working out = {0};
    if (s->size == 1) return take_numbers(number, n, w);
    enum ps_status rc = ps_alloc(&m.number, n, sizeof *m.number, "numbers of a working set");
    PS_TRY_DONE(ps_agree(s->spec.comm, rc));
    list_missing(number, n, w, &m);
    PS_TRY_DONE(bring(s, &m));
    PS_TRY_DONE(ps_agree(s->spec.comm, merge(number, n, w, &m, &out)));
    svm_working_free(w);
    *w = out;
    out = (struct svm_working){0};
done:
    svm_working_free(&out);
    missing_free(&m);
    return rc;
}

enum ps_status svm_working_pack(const struct svm_large *s, const struct svm_working *w, const int64_t *at,
                                int64_t n, struct ps_svm_pack **out)
{
    const struct ps_svm_kernels *kernels = s->spec.kernels;
    const struct ps_csr csr = svm_working_csr(s, w);
    int64_t *row = NULL;
    PS_TRY(ps_alloc(&row, n, sizeof *row, "rows of a working set"));
    for (int64_t k = 0; k < n; k++) row[k] = svm_working_place(w, at ? at[k] : k);
    enum ps_status rc;
    if (kernels->device && s->spec.layout.dense && !w->start) { /* all rows are packed there */
        rc = kernels->device->repack(s->active.pack, row, n, out);
        if (rc != PS_OK) svm_backend_failed(kernels, rc, "no memory for rows of a working set");
    } else {
        rc = svm_backend_pack(kernels, &csr, row, n, &s->spec.layout, out);
    }
    free(row);
    return rc;
}

void svm_working_free(struct svm_working *w)
{
    free(w->number);
    free(w->start);
    free(w->index);
    free(w->value);
    *w = (struct svm_working){0};
}
