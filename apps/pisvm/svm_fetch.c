#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_data.h"
#include "common/par/exchange.h"
#include "common/run/err.h"

/** What travels in front of a row's entries. */
struct head {
    int64_t place;  /**< among the rows of who wants it */
    int64_t number; /**< of the file */
    int64_t entries;
    double label;
};

/** An entry on its way. */
struct entry {
    double value;
    int32_t index;
};

/** Everyone's wants. */
struct wants {
    struct svm_want *want; /**< owned */
    int64_t *start;        /**< [size + 1] where a rank's wants start; owned */
};

/** One fetching. */
struct fetch {
    MPI_Comm comm;
    int size;
    const struct svm_data *d;
    struct wants wants;
    int64_t *rows, *entries; /**< [size] to each rank; entries are in the same allocation */
    int64_t *row;            /**< own rows to send, rank after rank; owned */
    struct head *head;       /**< of them; owned */
    int64_t *first;          /**< [rows + 1] where their entries start among those sent; owned */
};

/** Tell all ranks what all want. Collective over comm. */
static enum ps_status gather(MPI_Comm comm, int size, const struct svm_want *want, int nwant, struct wants *w)
{
    int *counts = NULL, *starts, bytes = nwant * (int)sizeof *want;
    enum ps_status rc = ps_alloc(&counts, 2 * (int64_t)size, sizeof *counts, "counts of wants");
    if (rc == PS_OK) rc = ps_alloc(&w->start, (int64_t)size + 1, sizeof *w->start, "starts of wants");
    PS_TRY_DONE(ps_agree(comm, rc));
    starts = counts + size;
    MPI_Allgather(&bytes, 1, MPI_INT, counts, 1, MPI_INT, comm);
    int64_t sum = 0;
    for (int r = 0; r < size; r++) {
        w->start[r] = sum / (int64_t)sizeof *want;
        starts[r] = (int)sum;
        sum += counts[r];
        PS_CHECK_DONE(sum <= INT32_MAX, PS_EINTERNAL, "ranks want too many ranges of rows at once");
    }
    w->start[size] = sum / (int64_t)sizeof *want;
    rc = ps_alloc(&w->want, w->start[size], sizeof *want, "what ranks want");
    PS_TRY_DONE(ps_agree(comm, rc));
    MPI_Allgatherv(want, bytes, MPI_BYTE, w->want, counts, starts, MPI_BYTE, comm);
done:
    free(counts);
    return rc;
}

/** Own part of a want: positions [lo, hi), of which the first one is own row `list[at]`, or `at` where there
 * is no list. */
struct own {
    int64_t lo, hi, at;
    const int64_t *list;
};

static struct own own_part(const struct svm_data *d, struct svm_want w)
{
    struct own o = {.lo = d->x.mine.lo, .hi = d->x.mine.hi};
    int64_t begin = 0, first = d->x.mine.lo;
    if (w.cls >= 0) {
        begin = d->own_start[w.cls];
        first = o.lo = d->before[w.cls];
        o.hi = o.lo + d->own_start[w.cls + 1] - begin;
        o.list = d->own_row;
    }
    if (w.lo > o.lo) o.lo = w.lo;
    if (w.hi < o.hi) o.hi = w.hi;
    if (o.hi < o.lo) o.hi = o.lo;
    o.at = begin + o.lo - first;
    return o;
}

/** Count the rows that go to each rank. @return their sum */
static int64_t count_rows(struct fetch *f)
{
    int64_t sum = 0;
    for (int r = 0; r < f->size; r++) {
        f->rows[r] = 0;
        for (int64_t w = f->wants.start[r]; w < f->wants.start[r + 1]; w++) {
            struct own o = own_part(f->d, f->wants.want[w]);
            f->rows[r] += o.hi - o.lo;
        }
        sum += f->rows[r];
    }
    return sum;
}

/** List the rows that go to each rank, with their heads. */
static void list_rows(struct fetch *f)
{
    const struct ps_sparse *x = &f->d->x;
    int64_t k = 0;
    f->first[0] = 0;
    for (int r = 0; r < f->size; r++) {
        int64_t before = 0, from = k;
        for (int64_t w = f->wants.start[r]; w < f->wants.start[r + 1]; w++) {
            struct svm_want want = f->wants.want[w];
            struct own o = own_part(f->d, want);
            for (int64_t p = o.lo; p < o.hi; p++, k++) {
                int64_t at = o.at + p - o.lo, i = o.list ? o.list[at] : at;
                int64_t entries = x->start[i + 1] - x->start[i];
                f->row[k] = i;
                f->head[k] = (struct head){before + p - want.lo, x->mine.lo + i, entries, x->label[i]};
                f->first[k + 1] = f->first[k] + entries;
            }
            before += want.hi - want.lo;
        }
        f->entries[r] = f->first[k] - f->first[from];
    }
}

/** Find which own rows answer the wants. Local. */
static enum ps_status find_rows(struct fetch *f)
{
    int64_t n = count_rows(f);
    PS_TRY(ps_alloc(&f->row, n, sizeof *f->row, "rows to send"));
    PS_TRY(ps_alloc(&f->head, n, sizeof *f->head, "rows to send"));
    PS_TRY(ps_alloc(&f->first, n + 1, sizeof *f->first, "rows to send"));
    list_rows(f);
    return PS_OK;
}

static enum ps_status check_rows(int64_t wanted, int64_t there)
{
    PS_CHECK(wanted == there, PS_EINTERNAL, "%lld rows were wanted, %lld are there", (long long)wanted,
             (long long)there);
    return PS_OK;
}

/** Send and receive heads. Collective over f->comm.
 * @param head out: heads that arrived; the caller frees */
static enum ps_status move_heads(struct fetch *f, int64_t rows, struct head **head)
{
    struct ps_exchange plan;
    PS_TRY(ps_exchange_make(f->comm, f->rows, &plan));
    enum ps_status rc = check_rows(rows, plan.recv_start[f->size]);
    if (rc == PS_OK) rc = ps_alloc(head, rows, sizeof **head, "rows that arrive");
    rc = ps_agree(f->comm, rc);
    if (rc == PS_OK) rc = ps_exchange_run(&plan, f->head, *head, sizeof **head);
    ps_exchange_free(&plan);
    return rc;
}

/** Send and receive entries in the order of the heads. Collective over f->comm.
 * @param entry out: entries that arrived; the caller frees */
static enum ps_status move_entries(struct fetch *f, struct entry **entry)
{
    const struct ps_sparse *x = &f->d->x;
    struct ps_exchange plan;
    struct entry *send = NULL;
    PS_TRY(ps_exchange_make(f->comm, f->entries, &plan));
    int64_t rows = 0;
    for (int r = 0; r < f->size; r++) rows += f->rows[r];
    enum ps_status rc = ps_alloc(&send, plan.send_start[f->size], sizeof *send, "entries to send");
    if (rc == PS_OK) rc = ps_alloc(entry, plan.recv_start[f->size], sizeof **entry, "entries that arrive");
    PS_TRY_DONE(ps_agree(f->comm, rc));
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < rows; k++) {
        struct entry *to = send + f->first[k];
        for (int64_t e = x->start[f->row[k]]; e < x->start[f->row[k] + 1]; e++)
            *to++ = (struct entry){x->value[e], x->index[e]};
    }
    rc = ps_exchange_run(&plan, send, *entry, sizeof **entry);
done:
    free(send);
    ps_exchange_free(&plan);
    return rc;
}

/** Make the arrays of the answer, where all but entries is known already. Local.
 * @param from out [rows] where a row's entries start among those that arrived, in the order of arrival */
static enum ps_status make_rows(const struct head *head, struct svm_rows *out, int64_t *from)
{
    int64_t sum = 0;
    PS_TRY(ps_alloc(&out->number, out->n, sizeof *out->number, "rows"));
    PS_TRY(ps_alloc(&out->label, out->n, sizeof *out->label, "rows"));
    PS_TRY(ps_zalloc(&out->start, out->n + 1, sizeof *out->start, "rows"));
    for (int64_t k = 0; k < out->n; k++) {
        out->number[head[k].place] = head[k].number;
        out->label[head[k].place] = head[k].label;
        out->start[head[k].place + 1] = head[k].entries;
        from[k] = sum;
        sum += head[k].entries;
    }
    for (int64_t i = 0; i < out->n; i++) out->start[i + 1] += out->start[i];
    PS_TRY(ps_alloc(&out->index, sum, sizeof *out->index, "entries of rows"));
    return ps_alloc(&out->value, sum, sizeof *out->value, "entries of rows");
}

/** Put what arrived into the order of the wants. Local. */
static enum ps_status put(const struct head *head, const struct entry *entry, struct svm_rows *out)
{
    int64_t *from = NULL;
    PS_TRY(ps_alloc(&from, out->n, sizeof *from, "rows"));
    enum ps_status rc = make_rows(head, out, from);
    if (rc == PS_OK) {
#pragma omp parallel for schedule(static)
        for (int64_t k = 0; k < out->n; k++) {
            const struct entry *at = entry + from[k];
            for (int64_t e = out->start[head[k].place]; e < out->start[head[k].place + 1]; e++, at++) {
                out->index[e] = at->index;
                out->value[e] = at->value;
            }
        }
    }
    free(from);
    return rc;
}

/** All rows are here: entries go straight into the order of the wants. Local. */
static enum ps_status take_own(const struct fetch *f, struct svm_rows *out)
{
    const struct ps_sparse *x = &f->d->x;
    int64_t *from = NULL;
    PS_TRY(check_rows(out->n, f->rows[0]));
    PS_TRY(ps_alloc(&from, out->n, sizeof *from, "rows"));
    const enum ps_status rc = make_rows(f->head, out, from);
    if (rc == PS_OK) {
#pragma omp parallel for schedule(static)
        for (int64_t k = 0; k < out->n; k++) {
            const int64_t at = x->start[f->row[k]], to = out->start[f->head[k].place];
            const size_t entries = (size_t)f->head[k].entries;
            memcpy(out->index + to, x->index + at, entries * sizeof *x->index);
            memcpy(out->value + to, x->value + at, entries * sizeof *x->value);
        }
    }
    free(from);
    return rc;
}

enum ps_status svm_rows_fetch(MPI_Comm comm, const struct svm_data *d, const struct svm_want *want, int nwant,
                              struct svm_rows *out)
{
    struct fetch f = {.comm = comm, .d = d};
    struct head *head = NULL;
    struct entry *entry = NULL;
    MPI_Comm_size(comm, &f.size);
    *out = (struct svm_rows){.cols = d->x.cols};
    for (int w = 0; w < nwant; w++) out->n += want[w].hi - want[w].lo;
    enum ps_status rc = ps_zalloc(&f.rows, 2 * (int64_t)f.size, sizeof *f.rows, "counts of rows");
    PS_TRY_DONE(ps_agree(comm, rc));
    f.entries = f.rows + f.size;
    PS_TRY_DONE(gather(comm, f.size, want, nwant, &f.wants));
    rc = find_rows(&f);
    PS_TRY_DONE(ps_agree(comm, rc));
    if (f.size > 1) {
        PS_TRY_DONE(move_heads(&f, out->n, &head));
        PS_TRY_DONE(move_entries(&f, &entry));
    }
    rc = ps_agree(comm, f.size > 1 ? put(head, entry, out) : take_own(&f, out));
done:
    free(f.rows);
    free(f.wants.want);
    free(f.wants.start);
    free(f.row);
    free(f.head);
    free(f.first);
    free(head);
    free(entry);
    if (rc != PS_OK) svm_rows_free(out);
    return rc;
}

void svm_rows_free(struct svm_rows *r)
{
    free(r->number);
    free(r->label);
    free(r->start);
    free(r->index);
    free(r->value);
    *r = (struct svm_rows){0};
}
