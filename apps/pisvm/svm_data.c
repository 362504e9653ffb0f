#include "apps/pisvm/svm_data.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

/** Labels numbered in the order in which they come: a hash table with open addressing. */
struct names {
    int64_t room;  /**< power of two, more than twice n */
    int32_t *slot; /**< [room] number + 1, or 0; owned */
    int n;
    int32_t *label; /**< [room / 2]; owned */
};

static int64_t place_of(const struct names *t, int32_t label)
{
    uint64_t h = (uint64_t)(uint32_t)label * 0x9e3779b97f4a7c15u;
    int64_t at = (int64_t)(h >> 32) & (t->room - 1);
    while (t->slot[at] && t->label[t->slot[at] - 1] != label) at = (at + 1) & (t->room - 1);
    return at;
}

/** Make room for twice as many. */
static enum ps_status grow(struct names *t)
{
    struct names next = {.room = t->room ? 2 * t->room : 64, .n = t->n};
    PS_CHECK(next.room / 2 < INT_MAX, PS_ENOMEM, "there are too many different labels");
    PS_TRY(ps_zalloc(&next.slot, next.room, sizeof *next.slot, "labels"));
    next.label = realloc(t->label, (size_t)(next.room / 2) * sizeof *next.label);
    if (!next.label) free(next.slot);
    PS_CHECK(next.label, PS_ENOMEM, "no memory for labels");
    for (int i = 0; i < t->n; i++) next.slot[place_of(&next, next.label[i])] = i + 1;
    free(t->slot);
    *t = next;
    return PS_OK;
}

/** The number of a label, a new one if it was not there. */
static enum ps_status number_of(struct names *t, int32_t label, int *out)
{
    if (t->n >= t->room / 2) PS_TRY(grow(t));
    int64_t at = place_of(t, label);
    if (!t->slot[at]) {
        t->label[t->n] = label;
        t->slot[at] = ++t->n;
    }
    *out = t->slot[at] - 1;
    return PS_OK;
}

static void free_names(struct names *t)
{
    free(t->slot);
    free(t->label);
}

/** Number own labels; class_of gets own numbers. Local. */
static enum ps_status find_own(const char *path, struct svm_data *d, struct names *own)
{
    int64_t rows = d->x.mine.hi - d->x.mine.lo;
    PS_TRY(ps_alloc(&d->class_of, rows, sizeof *d->class_of, "classes of rows"));
    for (int64_t i = 0; i < rows; i++) {
        double label = d->x.label[i];
        if (!(label >= INT32_MIN && label <= INT32_MAX && label == (double)(int32_t)label))
            return ps_fail(PS_EINPUT,
                           "%s: line %lld: the label %.17g is not an integer (of 32 bits), as classes are",
                           path, (long long)ps_sparse_line(path, &d->x, i), label);
        PS_TRY(number_of(own, (int32_t)label, &d->class_of[i]));
    }
    return PS_OK;
}

/** Labels of all ranks in the order of the file, which is that of the ranks' lists one behind the other.
 * Collective over comm.
 * @param all out [*n]; the caller frees */
static enum ps_status gather(MPI_Comm comm, const struct names *own, int32_t **all, int *n)
{
    int size, *counts = NULL, *starts;
    MPI_Comm_size(comm, &size);
    *all = NULL;
    enum ps_status rc = ps_zalloc(&counts, 2 * (int64_t)size, sizeof *counts, "counts of labels");
    PS_TRY_DONE(ps_agree(comm, rc));
    starts = counts + size;
    MPI_Allgather(&own->n, 1, MPI_INT, counts, 1, MPI_INT, comm);
    int64_t sum = 0;
    for (int r = 0; r < size; r++) {
        starts[r] = (int)sum;
        sum += counts[r];
        PS_CHECK_DONE(sum <= INT_MAX, PS_ENOMEM, "there are too many different labels");
    }
    rc = ps_alloc(all, sum, sizeof **all, "labels of all ranks");
    PS_TRY_DONE(ps_agree(comm, rc));
    MPI_Allgatherv(own->label, own->n, MPI_INT32_T, *all, counts, starts, MPI_INT32_T, comm);
    *n = (int)sum;
done:
    free(counts);
    return rc;
}

/** Own rows, class after class. */
static void list_own(struct svm_data *d, int64_t rows)
{
    memset(d->own_start, 0, (size_t)(d->nclass + 1) * sizeof *d->own_start);
    for (int64_t i = 0; i < rows; i++) d->own_start[d->class_of[i] + 1]++;
    for (int c = 0; c < d->nclass; c++) d->own_start[c + 1] += d->own_start[c];
    for (int64_t i = 0; i < rows; i++) d->own_row[d->own_start[d->class_of[i]]++] = i;
    for (int c = d->nclass; c > 0; c--) d->own_start[c] = d->own_start[c - 1];
    d->own_start[0] = 0;
}

/** Give classes their numbers of all ranks. Local.
 * @param all [n] labels of the ranks' lists */
static enum ps_status merge(const int32_t *all, int n, const struct names *own, struct svm_data *d)
{
    struct names names = {0};
    int *rename = NULL, number;
    int64_t rows = d->x.mine.hi - d->x.mine.lo;
    enum ps_status rc = PS_OK;
    for (int i = 0; i < n; i++) PS_TRY_DONE(number_of(&names, all[i], &number));
    PS_TRY_DONE(ps_alloc(&rename, own->n, sizeof *rename, "numbers of classes"));
    for (int i = 0; i < own->n; i++) PS_TRY_DONE(number_of(&names, own->label[i], &rename[i]));
    for (int64_t i = 0; i < rows; i++) d->class_of[i] = rename[d->class_of[i]];
    d->nclass = names.n;
    d->label = names.label;
    names.label = NULL;
    PS_TRY_DONE(ps_alloc(&d->count, d->nclass, sizeof *d->count, "sizes of classes"));
    PS_TRY_DONE(ps_zalloc(&d->before, d->nclass, sizeof *d->before, "positions in classes"));
    PS_TRY_DONE(ps_alloc(&d->own_start, (int64_t)d->nclass + 1, sizeof *d->own_start, "rows of classes"));
    PS_TRY_DONE(ps_alloc(&d->own_row, rows, sizeof *d->own_row, "rows of classes"));
    list_own(d, rows);
done:
    free(rename);
    free_names(&names);
    return rc;
}

/** Find the classes. Collective over comm. */
static enum ps_status classes(MPI_Comm comm, const char *path, struct svm_data *d)
{
    struct names own = {0};
    int32_t *all = NULL;
    int n = 0, rank;
    MPI_Comm_rank(comm, &rank);
    enum ps_status rc = find_own(path, d, &own);
    PS_TRY_DONE(ps_agree(comm, rc));
    PS_TRY_DONE(gather(comm, &own, &all, &n));
    rc = merge(all, n, &own, d);
    PS_TRY_DONE(ps_agree(comm, rc));
    for (int c = 0; c < d->nclass; c++) d->count[c] = d->own_start[c + 1] - d->own_start[c];
    MPI_Exscan(d->count, d->before, d->nclass, MPI_INT64_T, MPI_SUM, comm);
    if (rank == 0) memset(d->before, 0, (size_t)d->nclass * sizeof *d->before);
    MPI_Allreduce(MPI_IN_PLACE, d->count, d->nclass, MPI_INT64_T, MPI_SUM, comm);
done:
    free(all);
    free_names(&own);
    return rc;
}

enum ps_status svm_data_read(MPI_Comm comm, const char *path, enum svm_labels labels, struct svm_data *out)
{
    *out = (struct svm_data){0};
    enum ps_status rc = ps_sparse_read(comm, path, &out->x);
    if (rc == PS_OK && labels == SVM_CLASSES) rc = classes(comm, path, out);
    if (rc != PS_OK) svm_data_free(out);
    return rc;
}

void svm_data_free(struct svm_data *d)
{
    ps_sparse_free(&d->x);
    free(d->label);
    free(d->count);
    free(d->before);
    free(d->class_of);
    free(d->own_start);
    free(d->own_row);
    *d = (struct svm_data){0};
}
