#include "apps/pisvm/svm_select.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_front.h"
#include "apps/pisvm/svm_pick.h"
#include "apps/pisvm/svm_working.h"
#include "common/run/err.h"
#include "kernels/svm/tie.h"

/* Lists of candidates, and the last working set. */
enum { MEMBERS = SVM_LISTS, ALL };

/* The largest worth of own candidates of each list. */
static void extremes_there(const struct svm_large *s, const struct svm_vars *v, double most[SVM_LISTS])
{
    for (int list = 0; list < (v->nu ? SVM_LISTS : 2); list++) {
        const struct svm_front_list front = svm_front_list(s, list);
        for (int64_t i = 0; i < front.n; i++) most[list] = fmax(most[list], front.at[i].worth);
    }
}

static void extremes_here(const struct svm_large *s, const struct svm_vars *v, double most[SVM_LISTS])
{
    for (int copy = 0; copy < v->copies; copy++)
        for (int64_t k = 0; k < s->active.n; k++) {
            const int64_t row = s->active.row[k], at = row + copy * v->n;
            const double score = svm_score(v, row, at);
            const int side = svm_side(v, at);
            double *const rise = &most[2 * side], *const fall = &most[2 * side + 1];
            if (score > *rise && svm_may_rise(v, at)) *rise = score;
            if (-score > *fall && svm_may_fall(v, at)) *fall = -score;
        }
}

enum ps_status svm_extremes_find(const struct svm_large *s, const struct svm_vars *v, struct svm_extremes *e)
{
    double most[SVM_LISTS] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
    (s->spec.kernels->device ? extremes_there : extremes_here)(s, v, most);
    const int ok = MPI_Allreduce(MPI_IN_PLACE, most, SVM_LISTS, MPI_DOUBLE, MPI_MAX, s->spec.comm);
    PS_CHECK(ok == MPI_SUCCESS, PS_EMPI, "the violation could not be found");
    *e = (struct svm_extremes){{most[0], most[2]}, {-most[1], -most[3]}};
    return PS_OK;
}

double svm_extremes_violation(const struct svm_extremes *e)
{
    const double a = e->up[0] - e->low[0], b = e->up[1] - e->low[1], most = a > b ? a : b;
    return most > 0 ? most : 0;
}

/* The lists of one rank, and of all. */
struct lists {
    struct svm_pick mine[ALL];
    struct svm_candidate *all; /* list after list of rank after rank; owned */
    int64_t *count;            /* [size][ALL]; owned */
    bool *cut;                 /* [size][ALL]; owned */
    struct svm_pick best[ALL];
};

static void lists_free(struct lists *l)
{
    for (int i = 0; i < ALL; i++) {
        svm_pick_close(&l->mine[i]);
        svm_pick_close(&l->best[i]);
    }
    free(l->all);
    free(l->count);
    free(l->cut);
}

/* Offer own rows that violate: of what a device found, which may not be all. */
static void offer_there(const struct svm_large *s, const struct svm_vars *v, const struct svm_extremes *e,
                        struct lists *l)
{
    for (int list = 0; list < (v->nu ? SVM_LISTS : 2); list++) {
        const struct svm_front_list front = svm_front_list(s, list);
        const double bound = list % 2 ? -e->up[list / 2] : e->low[list / 2];
        bool all = true;
        for (int64_t i = 0; i < front.n; i++) {
            if (front.at[i].worth > bound)
                svm_pick_offer(&l->mine[list], front.at[i].worth, s->first + front.at[i].row);
            else
                all = false;
        }
        if (front.more && all) l->mine[list].cut = true;
    }
}

static void offer_here(const struct svm_large *s, const struct svm_vars *v, const struct svm_extremes *e,
                       struct lists *l)
{
    for (int copy = 0; copy < v->copies; copy++)
        for (int64_t k = 0; k < s->active.n; k++) {
            const int64_t row = s->active.row[k], at = row + copy * v->n;
            const double score = svm_score(v, row, at);
            const int side = svm_side(v, at);
            if (score > e->low[side] && svm_may_rise(v, at))
                svm_pick_offer(&l->mine[2 * side], score, s->first + row);
            if (score < e->up[side] && svm_may_fall(v, at))
                svm_pick_offer(&l->mine[2 * side + 1], -score, s->first + row);
        }
}

void svm_members_find(struct svm_large *s, const uint8_t *mark)
{
    s->member.n = 0;
    for (int64_t row = 0; row < s->n && s->member.n < s->working; row++)
        if (mark[row] & SVM_MARK_IN) s->member.row[s->member.n++] = row;
}

/* Offer own rows of the last working set. */
static void offer_members(const struct svm_large *s, const struct svm_vars *v, const uint8_t *mark,
                          struct lists *l)
{
    enum { FREE = 2 * SVM_MARK_COUNT };
    for (int64_t k = 0; k < s->member.n; k++) {
        const int64_t row = s->member.row[k];
        bool free = false;
        for (int copy = 0; copy < v->copies; copy++) {
            const int64_t at = row + copy * v->n;
            if (v->alpha[at] > 0 && v->alpha[at] < v->c[at]) free = true;
        }
        svm_pick_offer(&l->mine[MEMBERS], (free ? FREE : 0) - (mark[row] & SVM_MARK_COUNT), s->first + row);
    }
}

/* Gather the first `most` of each rank's lists. Collective. */
static enum ps_status gather(const struct svm_large *s, int64_t most, struct lists *l)
{
    int64_t mine[2 * ALL], sum = 0, own = 0, *counts = NULL;
    struct svm_candidate *send = NULL;
    int *bytes = NULL;
    for (int i = 0; i < ALL; i++) {
        const int64_t n = l->mine[i].n, some = i == MEMBERS || n < most ? n : most;
        mine[i] = some;
        mine[ALL + i] = l->mine[i].cut || some < n;
        own += some;
    }
    enum ps_status rc = ps_alloc(&counts, 2 * ALL * (int64_t)s->size, sizeof *counts, "counts of candidates");
    if (rc == PS_OK) rc = ps_alloc(&bytes, 2 * (int64_t)s->size, sizeof *bytes, "counts of candidates");
    if (rc == PS_OK) rc = ps_alloc(&send, own, sizeof *send, "candidates of a working set");
    PS_TRY_DONE(ps_agree(s->spec.comm, rc));
    int ok = MPI_Allgather(mine, 2 * ALL, MPI_INT64_T, counts, 2 * ALL, MPI_INT64_T, s->spec.comm);
    PS_CHECK_DONE(ok == MPI_SUCCESS, PS_EMPI, "candidates could not be counted");
    for (int r = 0; r < s->size; r++) {
        int64_t n = 0;
        for (int i = 0; i < ALL; i++) {
            n += l->count[r * ALL + i] = counts[r * 2 * ALL + i];
            l->cut[r * ALL + i] = counts[r * 2 * ALL + ALL + i] != 0;
        }
        bytes[r] = (int)(n * (int64_t)sizeof *send);
        bytes[s->size + r] = (int)(sum * (int64_t)sizeof *send);
        sum += n;
    }
    own = 0;
    for (int i = 0; i < ALL; i++) {
        if (mine[i] > 0) memcpy(send + own, l->mine[i].at, (size_t)mine[i] * sizeof *send);
        own += mine[i];
    }
    free(l->all);
    if (sum * (int64_t)sizeof *send > INT32_MAX)
        rc = ps_fail(PS_EUSAGE, "a working set of %d rows is too large for %d ranks", s->working, s->size);
    else
        rc = ps_alloc(&l->all, sum, sizeof *l->all, "candidates of a working set");
    PS_TRY_DONE(ps_agree(s->spec.comm, rc));
    ok = MPI_Allgatherv(send, bytes[s->rank], MPI_BYTE, l->all, bytes, bytes + s->size, MPI_BYTE,
                        s->spec.comm);
    PS_CHECK_DONE(ok == MPI_SUCCESS, PS_EMPI, "candidates could not be gathered");
done:
    free(counts);
    free(bytes);
    free(send);
    return rc;
}

/* Merge the ranks' lists. @return whether they suffice: no rank kept back what may belong to the best */
static bool merge(const struct svm_large *s, struct lists *l)
{
    const struct svm_candidate *from = l->all;
    bool enough = true;
    for (int i = 0; i < ALL; i++) {
        l->best[i].n = 0;
        l->best[i].cut = false;
    }
    for (int r = 0; r < s->size; r++)
        for (int i = 0; i < ALL; i++)
            for (int64_t k = 0; k < l->count[r * ALL + i]; k++, from++)
                svm_pick_offer(&l->best[i], from->worth, from->row);
    for (int i = 0; i < ALL; i++) svm_pick_sort(&l->best[i], l->best[i].want);
    from = l->all;
    for (int r = 0; r < s->size; r++)
        for (int i = 0; i < ALL; i++) {
            const int64_t n = l->count[r * ALL + i];
            const struct svm_pick *best = &l->best[i];
            from += n;
            if (!l->cut[r * ALL + i] || n >= best->want) continue;
            if (best->n < best->want || n == 0 || !svm_better(&best->at[best->n - 1], from - 1))
                enough = false;
        }
    return enough;
}

/* A set of row numbers. */
struct set {
    int64_t *slot; /* [mask + 1], -1: free; owned */
    uint64_t mask;
};

static enum ps_status set_open(struct set *t, int64_t most)
{
    int64_t slots = 64;
    while (slots < 2 * most) slots *= 2;
    t->mask = (uint64_t)slots - 1;
    PS_TRY(ps_alloc(&t->slot, slots, sizeof *t->slot, "a working set"));
    for (int64_t i = 0; i < slots; i++) t->slot[i] = -1;
    return PS_OK;
}

/* @return whether it is new */
static bool set_add(struct set *t, int64_t row)
{
    uint64_t at = ps_svm_tie(row) & t->mask;
    while (t->slot[at] >= 0 && t->slot[at] != row) at = (at + 1) & t->mask;
    if (t->slot[at] == row) return false;
    t->slot[at] = row;
    return true;
}

/* Take rows from the lists of all ranks. @return how many */
static int64_t compose(const struct svm_large *s, const struct svm_pick best[ALL], struct set *t,
                       int64_t *number)
{
    int64_t at[SVM_LISTS] = {0}, n = 0, fresh = s->fresh < s->working ? s->fresh : s->working;
    for (bool any = true; any && n < fresh;) {
        any = false;
        for (int i = 0; i < SVM_LISTS && n < fresh; i++) {
            const struct svm_pick *p = &best[i];
            while (at[i] < p->n && !set_add(t, p->at[at[i]].row)) at[i]++;
            if (at[i] == p->n) continue;
            number[n++] = p->at[at[i]++].row;
            any = true;
        }
    }
    const struct svm_pick *members = &best[MEMBERS];
    for (int64_t k = 0; k < members->n && n < s->working; k++)
        if (set_add(t, members->at[k].row)) number[n++] = members->at[k].row;
    return n;
}

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Marks of own rows: how long in the working set; those that leave it begin anew. */
static void mark_rows(struct svm_large *s, uint8_t *mark, const int64_t *number, int64_t n)
{
    const struct ps_range own = svm_working_own(s, number, n);
    int64_t k = own.lo;
    for (int64_t i = 0; i < s->member.n; i++) {
        const int64_t row = s->member.row[i];
        while (k < own.hi && number[k] < s->first + row) k++;
        if (k == own.hi || number[k] != s->first + row) mark[row] = 0;
    }
    s->member.n = 0;
    for (k = own.lo; k < own.hi; k++) {
        const int64_t row = number[k] - s->first;
        const int age = mark[row] & SVM_MARK_IN ? mark[row] & SVM_MARK_COUNT : 0;
        mark[row] = (uint8_t)(SVM_MARK_IN | (age < SVM_MARK_COUNT ? age + 1 : age));
        s->member.row[s->member.n++] = row;
    }
}

/* Make the lists, own ones filled. Local. */
static enum ps_status lists_open(const struct svm_large *s, const struct svm_vars *v,
                                 const struct svm_extremes *e, const uint8_t *mark, struct lists *l)
{
    for (int i = 0; i < ALL; i++) {
        const int64_t want = i == MEMBERS ? s->working : s->fresh;
        PS_TRY(svm_pick_open(&l->mine[i], want));
        if (s->size > 1) PS_TRY(svm_pick_open(&l->best[i], want));
    }
    PS_TRY(ps_alloc(&l->count, (int64_t)s->size * ALL, sizeof *l->count, "counts of candidates"));
    PS_TRY(ps_alloc(&l->cut, (int64_t)s->size * ALL, sizeof *l->cut, "counts of candidates"));
    (s->spec.kernels->device ? offer_there : offer_here)(s, v, e, l);
    offer_members(s, v, mark, l);
    for (int i = 0; i < ALL; i++) svm_pick_sort(&l->mine[i], l->mine[i].want);
    return PS_OK;
}

enum ps_status svm_select(struct svm_large *s, const struct svm_vars *v, const struct svm_extremes *e,
                          uint8_t *mark, int64_t *number, int64_t *n)
{
    struct lists l = {.all = NULL};
    struct set t = {0};
    /* most often a rank's share of the best is not much above the mean */
    const int64_t some = 2 * (int64_t)s->fresh / s->size + 32;
    enum ps_status rc = lists_open(s, v, e, mark, &l);
    if (rc == PS_OK) rc = set_open(&t, s->working);
    PS_TRY_DONE(ps_agree(s->spec.comm, rc));
    if (s->size > 1) {
        PS_TRY_DONE(gather(s, some < s->fresh ? some : s->fresh, &l));
        if (!merge(s, &l)) {
            PS_TRY_DONE(gather(s, s->fresh, &l));
            merge(s, &l);
        }
    }
    *n = compose(s, s->size > 1 ? l.best : l.mine, &t, number);
    qsort(number, (size_t)*n, sizeof *number, ascending);
    mark_rows(s, mark, number, *n);
done:
    free(t.slot);
    lists_free(&l);
    return rc;
}
