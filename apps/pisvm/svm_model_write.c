/* The model file: coefficients travel to the ranks that read the rows, which format and write their lines. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_model.h"
#include "common/io/number.h"
#include "common/io/outfile.h"
#include "common/par/exchange.h"
#include "common/run/err.h"

enum { PIECE = 256 }; /* support vectors that one thread formats at a time */

/** A coefficient on its way. */
struct item {
    int64_t position; /**< in its class */
    int32_t cls, column;
    double coef;
};

/** A model that is being written. Without classes all rows are one group. */
struct writer {
    struct ps_run *run;
    const struct svm_data *d;
    const struct svm_machines *m;
    int groups, ncoef, pairs;
    int64_t *before;    /**< [size + 1][groups] position of each rank's first row, the last one: all; owned */
    int64_t *group_row; /**< [groups + 1] where the groups start in `rows`; owned */
    int64_t *rows;      /**< own rows, group after group; owned */
    bool *is_sv;        /**< [own rows] as in `rows`; owned */
    int64_t *slot;      /**< [own rows] number among the own support vectors; owned */
    double *coef;       /**< [own support vectors][ncoef]; owned */
    int64_t own;        /**< support vectors */
    int64_t *count;     /**< [groups] support vectors of all ranks; owned */
    double *number;     /**< [3][pairs] rho, prob_a, prob_b; owned */
};

static int64_t own_rows(const struct writer *w)
{
    return w->d->x.mine.hi - w->d->x.mine.lo;
}

static enum ps_status make_room(struct writer *w)
{
    PS_TRY(ps_zalloc(&w->before, ((int64_t)w->run->size + 1) * w->groups, sizeof *w->before,
                     "positions of ranks"));
    PS_TRY(ps_zalloc(&w->group_row, w->groups + 1, sizeof *w->group_row, "rows of classes"));
    PS_TRY(ps_alloc(&w->rows, own_rows(w), sizeof *w->rows, "rows of classes"));
    PS_TRY(ps_zalloc(&w->is_sv, own_rows(w), sizeof *w->is_sv, "marks of support vectors"));
    PS_TRY(ps_alloc(&w->slot, own_rows(w), sizeof *w->slot, "numbers of support vectors"));
    PS_TRY(ps_zalloc(&w->count, w->groups, sizeof *w->count, "numbers of support vectors"));
    return ps_alloc(&w->number, 3 * (int64_t)w->pairs, sizeof *w->number, "numbers of a model");
}

static void free_room(struct writer *w)
{
    free(w->before);
    free(w->group_row);
    free(w->rows);
    free(w->is_sv);
    free(w->slot);
    free(w->coef);
    free(w->count);
    free(w->number);
}

/** Who read which positions; own rows by class. Collective over run->comm. */
static void place(struct writer *w)
{
    const struct svm_data *d = w->d;
    int64_t n = own_rows(w), *last = w->before + (int64_t)w->run->size * w->groups;
    bool classes = d->nclass > 0;
    MPI_Allgather(classes ? d->before : &d->x.mine.lo, w->groups, MPI_INT64_T, w->before, w->groups,
                  MPI_INT64_T, w->run->comm);
    memcpy(last, classes ? d->count : &d->x.rows, (size_t)w->groups * sizeof *last);
    if (!classes) {
        for (int64_t i = 0; i < n; i++) w->rows[i] = i;
        w->group_row[1] = n;
        return;
    }
    for (int64_t i = 0; i < n; i++) w->group_row[d->class_of[i] + 1]++;
    for (int c = 0; c < w->groups; c++) w->group_row[c + 1] += w->group_row[c];
    for (int64_t i = 0; i < n; i++) w->rows[w->group_row[d->class_of[i]]++] = i;
    for (int c = w->groups; c > 0; c--) w->group_row[c] = w->group_row[c - 1];
    w->group_row[0] = 0;
}

/** The rank that read a position. */
static int owner(const struct writer *w, int cls, int64_t position)
{
    int lo = 0, hi = w->run->size; /* before[lo] <= position < before[hi] */
    while (hi - lo > 1) {
        int mid = lo + (hi - lo) / 2;
        if (w->before[(int64_t)mid * w->groups + cls] <= position)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/** Count the coefficients of own machines by destination, or (items not NULL) put them there, each behind
 * those before it. */
static void collect(const struct writer *w, int64_t *at, struct item *items)
{
    for (int64_t i = 0; i < w->m->n; i++) {
        const struct svm_machine *m = &w->m->machine[i];
        const double *coef = m->coef;
        for (int p = 0; p < 2; p++) {
            const struct svm_want *part = &m->part[p];
            int cls = part->cls < 0 ? 0 : part->cls, column = part->cls < 0 ? 0 : p == 0 ? m->b - 1 : m->a;
            for (int64_t r = part->lo; r < part->hi; r++, coef++) {
                if (*coef == 0) continue;
                int64_t *to = &at[owner(w, cls, r)];
                if (items) items[*to] = (struct item){r, cls, column, *coef};
                ++*to;
            }
        }
    }
}

/** Send coefficients to the ranks that read their rows. Collective over run->comm.
 * @param out own items, owned by the caller; n of them */
static enum ps_status route(const struct writer *w, struct item **out, int64_t *n)
{
    struct ps_exchange x = {0};
    struct item *send = NULL;
    int64_t *at = NULL;
    enum ps_status rc = ps_zalloc(&at, w->run->size + 1, sizeof *at, "counts per rank");
    PS_TRY_DONE(ps_agree(w->run->comm, rc));
    collect(w, at, NULL);
    PS_TRY_DONE(ps_exchange_make(w->run->comm, at, &x));
    *n = x.recv_start[x.size];
    rc = ps_alloc(&send, x.send_start[x.size], sizeof *send, "coefficients");
    if (rc == PS_OK) rc = ps_alloc(out, *n, sizeof **out, "coefficients");
    PS_TRY_DONE(ps_agree(w->run->comm, rc));
    memcpy(at, x.send_start, (size_t)x.size * sizeof *at);
    collect(w, at, send);
    rc = ps_exchange_run(&x, send, *out, sizeof *send);
done:
    ps_exchange_free(&x);
    free(send);
    free(at);
    return rc;
}

/** Where an item's row stands in `rows`. */
static int64_t row_of(const struct writer *w, const struct item *i)
{
    return w->group_row[i->cls] + i->position - w->before[(int64_t)w->run->rank * w->groups + i->cls];
}

/** Number own support vectors and fill in their coefficients. Local. */
static enum ps_status gather(struct writer *w, const struct item *items, int64_t n)
{
    for (int64_t i = 0; i < n; i++) w->is_sv[row_of(w, &items[i])] = true;
    for (int64_t r = 0; r < own_rows(w); r++) {
        w->slot[r] = w->own;
        w->own += w->is_sv[r];
    }
    for (int c = 0; c < w->groups; c++)
        for (int64_t r = w->group_row[c]; r < w->group_row[c + 1]; r++) w->count[c] += w->is_sv[r];
    PS_TRY(ps_zalloc(&w->coef, w->own * w->ncoef, sizeof *w->coef, "the coefficients of support vectors"));
    for (int64_t i = 0; i < n; i++)
        w->coef[w->slot[row_of(w, &items[i])] * w->ncoef + items[i].column] = items[i].coef;
    return PS_OK;
}

/** All ranks get rho and the sigmoids of all pairs. Collective over run->comm. */
static enum ps_status share_numbers(struct writer *w)
{
    for (int64_t i = 0; i < 3 * (int64_t)w->pairs; i++) w->number[i] = -INFINITY;
    for (int64_t i = 0; i < w->m->n; i++) {
        const struct svm_machine *m = &w->m->machine[i];
        w->number[m->pair] = m->result.rho;
        w->number[w->pairs + m->pair] = m->prob_a;
        w->number[2 * w->pairs + m->pair] = m->prob_b;
    }
    MPI_Allreduce(MPI_IN_PLACE, w->number, 3 * w->pairs, MPI_DOUBLE, MPI_MAX, w->run->comm);
    for (int p = 0; p < w->pairs; p++)
        PS_CHECK(w->number[p] != -INFINITY, PS_EINTERNAL, "the model lacks the machine of pair %d", p);
    return PS_OK;
}

/** Text that grows. */
struct text {
    char *data; /**< owned */
    int64_t bytes, room;
};

static enum ps_status reserve(struct text *t, int64_t n)
{
    if (t->bytes + n <= t->room) return PS_OK;
    char *larger = realloc(t->data, (size_t)(2 * (t->bytes + n)));
    PS_CHECK(larger, PS_ENOMEM, "no memory for the text of a model");
    t->data = larger;
    t->room = 2 * (t->bytes + n);
    return PS_OK;
}

static enum ps_status put_word(struct text *t, const char *name, const char *word)
{
    PS_TRY(reserve(t, 128));
    t->bytes += snprintf(t->data + t->bytes, 128, "%s %s\n", name, word);
    return PS_OK;
}

static enum ps_status put_number(struct text *t, const char *name, double value)
{
    char word[PS_NUMBER_TEXT];
    ps_number_format_g(value, 17, word);
    return put_word(t, name, word);
}

/** A line of n numbers: doubles, labels, or counts, whichever is there. */
static enum ps_status put_list(struct text *t, const char *name, const double *x, const int32_t *label,
                               const int64_t *count, int n)
{
    PS_TRY(reserve(t, ((int64_t)n + 2) * PS_NUMBER_TEXT));
    t->bytes += snprintf(t->data + t->bytes, PS_NUMBER_TEXT, "%s", name);
    for (int i = 0; i < n; i++) {
        char *at = t->data + t->bytes;
        *at++ = ' ';
        t->bytes += 1 + (x ? ps_number_format_g(x[i], 17, at)
                           : ps_number_format_g(label ? label[i] : (double)count[i], 17, at));
    }
    t->data[t->bytes++] = '\n';
    return PS_OK;
}

static enum ps_status put_head(const struct writer *w, enum svm_type type, const struct ps_svm_function *f,
                               bool probability, struct text *t)
{
    static const char *const types[] = {"c_svc", "nu_svc", "one_class", "epsilon_svr", "nu_svr"};
    static const char *const forms[] = {"linear", "polynomial", "rbf", "sigmoid"};
    bool classes = type <= SVM_NU_SVC;
    int64_t sv = 0;
    for (int c = 0; c < w->groups; c++) sv += w->count[c];
    PS_TRY(put_word(t, "svm_type", types[type]));
    PS_TRY(put_word(t, "kernel_type", forms[f->form]));
    if (f->form == PS_SVM_POLY) PS_TRY(put_number(t, "degree", f->degree));
    if (f->form != PS_SVM_LINEAR) PS_TRY(put_number(t, "gamma", f->gamma));
    if (f->form == PS_SVM_POLY || f->form == PS_SVM_SIGMOID) PS_TRY(put_number(t, "coef0", f->coef0));
    PS_TRY(put_number(t, "nr_class", classes ? w->groups : 2));
    PS_TRY(put_number(t, "total_sv", (double)sv));
    PS_TRY(put_list(t, "rho", w->number, NULL, NULL, w->pairs));
    if (classes) PS_TRY(put_list(t, "label", NULL, w->d->label, NULL, w->groups));
    if (probability && type != SVM_ONE_CLASS)
        PS_TRY(put_list(t, "probA", w->number + w->pairs, NULL, NULL, w->pairs));
    if (probability && classes)
        PS_TRY(put_list(t, "probB", w->number + 2 * (int64_t)w->pairs, NULL, NULL, w->pairs));
    if (classes) PS_TRY(put_list(t, "nr_sv", NULL, NULL, w->count, w->groups));
    PS_TRY(reserve(t, 3));
    memcpy(t->data + t->bytes, "SV\n", 3);
    t->bytes += 3;
    return PS_OK;
}

/** A piece of the own lines: support vectors of one class. */
struct piece {
    int group;
    int64_t lo, hi; /**< of `rows` */
    struct text text;
};

/** Format a piece. False where memory is short. */
static bool format_piece(const struct writer *w, struct piece *p)
{
    const struct ps_sparse *x = &w->d->x;
    struct text *t = &p->text;
    int64_t room = 1;
    for (int64_t r = p->lo; r < p->hi; r++) {
        int64_t row = w->rows[r];
        if (w->is_sv[r]) room += (w->ncoef + 2 * (x->start[row + 1] - x->start[row]) + 1) * PS_NUMBER_TEXT;
    }
    if (!(t->data = malloc((size_t)room))) return false;
    char *at = t->data;
    for (int64_t r = p->lo; r < p->hi; r++) {
        if (!w->is_sv[r]) continue;
        for (int c = 0; c < w->ncoef; c++) {
            at += ps_number_format_g(w->coef[w->slot[r] * w->ncoef + c], 17, at);
            *at++ = ' ';
        }
        for (int64_t e = x->start[w->rows[r]]; e < x->start[w->rows[r] + 1]; e++) {
            at += ps_number_format_g(x->index[e] + 1.0, 10, at);
            *at++ = ':';
            at += ps_number_format_g(x->value[e], 8, at);
            *at++ = ' ';
        }
        *at++ = '\n';
    }
    t->bytes = at - t->data;
    char *fitting = realloc(t->data, (size_t)(t->bytes + 1));
    if (fitting) t->data = fitting;
    return true;
}

/** Cut own rows into pieces within classes. */
static enum ps_status cut(const struct writer *w, struct piece **out, int64_t *n)
{
    *n = 0;
    PS_TRY(ps_zalloc(out, own_rows(w) / PIECE + w->groups + 1, sizeof **out, "pieces of a model"));
    for (int c = 0; c < w->groups; c++)
        for (int64_t lo = w->group_row[c]; lo < w->group_row[c + 1]; lo += PIECE) {
            int64_t hi = lo + PIECE < w->group_row[c + 1] ? lo + PIECE : w->group_row[c + 1];
            (*out)[(*n)++] = (struct piece){.group = c, .lo = lo, .hi = hi};
        }
    return PS_OK;
}

/** Where each group of own lines goes: behind the head, the groups before, and the ranks before. Collective
 * over run->comm.
 * @param bytes [3][groups] own bytes of each group; the third row becomes the offsets */
static void offsets(const struct writer *w, int64_t head, int64_t *bytes)
{
    int64_t *all = bytes + w->groups, *at = all + w->groups;
    MPI_Allreduce(bytes, all, w->groups, MPI_INT64_T, MPI_SUM, w->run->comm);
    MPI_Exscan(bytes, at, w->groups, MPI_INT64_T, MPI_SUM, w->run->comm);
    for (int c = 0; c < w->groups; c++) {
        at[c] = head + (w->run->rank ? at[c] : 0);
        head += all[c];
    }
}

/** Format and write own lines. Collective over run->comm; the status is not agreed. */
static enum ps_status put_vectors(const struct writer *w, const struct ps_outfile *f, int64_t head)
{
    struct piece *piece = NULL;
    int64_t n = 0, *bytes = NULL;
    bool missing = false;
    enum ps_status rc = ps_zalloc(&bytes, 3 * (int64_t)w->groups, sizeof *bytes, "bytes of classes");
    if (rc == PS_OK) rc = cut(w, &piece, &n);
    if (rc == PS_OK) {
#pragma omp parallel for schedule(dynamic) reduction(|| : missing)
        for (int64_t i = 0; i < n; i++) missing = missing || !format_piece(w, &piece[i]);
        if (missing) rc = ps_fail(PS_ENOMEM, "no memory for the text of a model");
    }
    PS_TRY_DONE(ps_agree(w->run->comm, rc));
    for (int64_t i = 0; i < n; i++) bytes[piece[i].group] += piece[i].text.bytes;
    offsets(w, head, bytes);
    for (int64_t i = 0; i < n; i++) {
        int64_t *at = bytes + 2 * (int64_t)w->groups + piece[i].group;
        PS_TRY_DONE(ps_outfile_write(f, piece[i].text.data, piece[i].text.bytes, *at));
        *at += piece[i].text.bytes;
    }
done:
    for (int64_t i = 0; i < n; i++) free(piece[i].text.data);
    free(piece);
    free(bytes);
    return rc;
}

/** Collect what the file holds. Collective over run->comm. */
static enum ps_status prepare(struct writer *w)
{
    struct item *items = NULL;
    int64_t n = 0;
    PS_TRY(ps_agree(w->run->comm, make_room(w)));
    place(w);
    PS_TRY(ps_agree(w->run->comm, share_numbers(w)));
    enum ps_status rc = route(w, &items, &n);
    if (rc == PS_OK) rc = ps_agree(w->run->comm, gather(w, items, n));
    free(items);
    if (rc == PS_OK) MPI_Allreduce(MPI_IN_PLACE, w->count, w->groups, MPI_INT64_T, MPI_SUM, w->run->comm);
    return rc;
}

enum ps_status svm_model_write(struct ps_run *run, const char *path, const struct svm_data *d,
                               enum svm_type type, const struct ps_svm_function *f, bool probability,
                               const struct svm_machines *m, int64_t *sv)
{
    int groups = d->nclass > 0 ? d->nclass : 1;
    struct writer w = {.run = run, .d = d, .m = m, .groups = groups};
    w.ncoef = groups > 1 ? groups - 1 : 1;
    w.pairs = groups > 1 ? groups * (groups - 1) / 2 : 1;
    struct ps_outfile file;
    struct text head = {0};
    enum ps_status rc = prepare(&w);
    if (rc == PS_OK) rc = ps_outfile_open(run->comm, path, false, &file);
    if (rc == PS_OK) {
        rc = put_head(&w, type, f, probability, &head);
        if (rc == PS_OK && run->rank == 0) rc = ps_outfile_write(&file, head.data, head.bytes, 0);
        rc = ps_agree(run->comm, rc);
        if (rc == PS_OK) rc = put_vectors(&w, &file, head.bytes);
        rc = ps_outfile_close(&file, rc);
    }
    *sv = 0;
    for (int c = 0; rc == PS_OK && c < w.groups; c++) *sv += w.count[c];
    free(head.data);
    free_room(&w);
    return rc;
}
