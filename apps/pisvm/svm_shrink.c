#include "apps/pisvm/svm_shrink.h"
#include <stdlib.h>
#include "apps/pisvm/svm_backend.h"
#include "common/run/err.h"

/* A row is shrunk when it was found settled LONG times in a row, and with it at least one active row out of
 * SHARE: columns and packed rows are made anew then. */
enum { LONG = 5, SHARE = 5 };

void svm_active_free(struct svm_large *s)
{
    free(s->active.row);
    if (s->active.pack) s->spec.kernels->unpack(s->active.pack);
    s->active = (struct svm_active){0};
}

static bool shrunk(const uint8_t *mark, int64_t row)
{
    return mark && !(mark[row] & SVM_MARK_IN) && (mark[row] & SVM_MARK_SHRUNK);
}

/* Adapt the columns: rows that go are taken out; where rows come, columns begin anew. */
static enum ps_status adapt_columns(struct svm_large *s, const struct svm_active *old,
                                    const struct svm_active *now)
{
    int64_t *keep = NULL, j = 0, k = 0;
    if (!old->row || old->n != s->columns.rows) return svm_columns_reset(&s->columns, now->n);
    PS_TRY(ps_alloc(&keep, now->n, sizeof *keep, "active rows"));
    for (; k < now->n; k++) {
        while (j < old->n && old->row[j] < now->row[k]) j++;
        if (j == old->n || old->row[j] != now->row[k]) break;
        keep[k] = j;
    }
    const enum ps_status rc =
        k == now->n ? svm_columns_compact(&s->columns, keep, now->n) : svm_columns_reset(&s->columns, now->n);
    free(keep);
    return rc;
}

/* The rows that are not shrunk, if they are others than before. Local. */
static enum ps_status active_make(struct svm_large *s, const uint8_t *mark)
{
    struct svm_active now = {0};
    PS_TRY(ps_alloc(&now.row, s->n, sizeof *now.row, "active rows"));
    for (int64_t row = 0; row < s->n; row++)
        if (!shrunk(mark, row)) now.row[now.n++] = row;
    enum ps_status rc =
        svm_backend_pack(s->spec.kernels, &s->own, now.row, now.n, &s->spec.layout, &now.pack);
    if (rc == PS_OK) rc = adapt_columns(s, &s->active, &now);
    if (rc == PS_OK) svm_active_free(s);
    if (rc == PS_OK)
        s->active = now;
    else {
        free(now.row);
        if (now.pack) s->spec.kernels->unpack(now.pack);
    }
    return rc;
}

/* Are the active rows those that are not marked as shrunk? */
static bool fits(const struct svm_large *s, const uint8_t *mark)
{
    int64_t k = 0;
    if (!s->active.row) return false;
    for (int64_t row = 0; row < s->n; row++) {
        if (shrunk(mark, row)) continue;
        if (k == s->active.n || s->active.row[k] != row) return false;
        k++;
    }
    return k == s->active.n;
}

enum ps_status svm_active_set(struct svm_large *s, const uint8_t *mark)
{
    PS_TRY(ps_agree(s->spec.comm, fits(s, mark) ? PS_OK : active_make(s, mark)));
    s->active.all = s->active.n;
    const int ok = MPI_Allreduce(MPI_IN_PLACE, &s->active.all, 1, MPI_INT64_T, MPI_SUM, s->spec.comm);
    PS_CHECK(ok == MPI_SUCCESS, PS_EMPI, "active rows could not be counted");
    return PS_OK;
}

/* Can a row make no pair that violates, as long as the extremes stay? */
static bool settled(const struct svm_vars *v, const struct svm_extremes *e, int64_t row)
{
    for (int copy = 0; copy < v->copies; copy++) {
        const int64_t at = row + copy * v->n;
        const bool rise = svm_may_rise(v, at), fall = svm_may_fall(v, at);
        const double score = svm_score(v, row, at);
        const int side = svm_side(v, at);
        if (rise && (fall || !(score < e->low[side]))) return false;
        if (fall && !(score > e->up[side])) return false;
    }
    return true;
}

enum ps_status svm_shrink(struct svm_large *s, const struct svm_vars *v, const struct svm_extremes *e,
                          uint8_t *mark)
{
    int64_t ready = 0;
    for (int64_t k = 0; k < s->active.n; k++) {
        uint8_t *m = &mark[s->active.row[k]];
        if (*m & SVM_MARK_IN) continue;
        if (!settled(v, e, s->active.row[k]))
            *m = 0;
        else if (*m < LONG)
            ++*m;
        ready += *m == LONG;
    }
    const int ok = MPI_Allreduce(MPI_IN_PLACE, &ready, 1, MPI_INT64_T, MPI_SUM, s->spec.comm);
    PS_CHECK(ok == MPI_SUCCESS, PS_EMPI, "settled rows could not be counted");
    if (ready * SHARE < s->active.all || ready == 0) return PS_OK;
    for (int64_t k = 0; k < s->active.n; k++)
        if (mark[s->active.row[k]] == LONG) mark[s->active.row[k]] = SVM_MARK_SHRUNK;
    return svm_active_set(s, mark);
}

enum ps_status svm_unshrink(struct svm_large *s, struct svm_vars *v, uint8_t *mark)
{
    int64_t *row = NULL, n = 0;
    PS_TRY(ps_agree(s->spec.comm, ps_alloc(&row, s->n, sizeof *row, "rows that were shrunk")));
    for (int64_t i = 0; i < s->n; i++)
        if (shrunk(mark, i)) {
            row[n++] = i;
            mark[i] = LONG - 1; /* back at once if it is still settled */
        }
    enum ps_status rc = svm_sum(s, v, row, n);
    if (rc == PS_OK) rc = svm_active_set(s, mark);
    free(row);
    return rc;
}
