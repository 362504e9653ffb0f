#include "apps/pisvm/svm_wanted.h"
#include <stdlib.h>
#include "apps/pisvm/svm_working.h"
#include "common/run/err.h"

/* @param row [n] room */
static void look(const struct svm_change *change, struct svm_columns *columns, int64_t now, int64_t *row,
                 struct svm_wanted *out)
{
    const int64_t *number = change->rows->number;
    for (int64_t k = 0; k < change->n; k++)
        out->there[k] = columns ? svm_columns_find(columns, number[change->at[k]], now) : NULL;
    out->before[0] = 0;
    for (int64_t k = 0; k < change->n; k++) {
        const int64_t at = change->at[k], m = out->before[k];
        out->keep[k] = columns && !out->there[k] ? svm_columns_add(columns, number[at], now) : NULL;
        if (!out->there[k]) row[m] = at;
        out->before[k + 1] = m + !out->there[k];
    }
}

enum ps_status svm_wanted_make(const struct svm_large *s, const struct svm_change *change,
                               struct svm_columns *columns, int64_t now, struct svm_wanted *out)
{
    const int64_t n = change->n;
    int64_t *row = NULL;
    *out = (struct svm_wanted){.there = NULL};
    PS_TRY(ps_alloc(&out->there, n, sizeof *out->there, "a list of columns"));
    PS_TRY(ps_alloc(&out->keep, n, sizeof *out->keep, "a list of columns"));
    PS_TRY(ps_alloc(&out->before, n + 1, sizeof *out->before, "a list of columns"));
    if (columns) PS_TRY(svm_columns_grow(columns));
    PS_TRY(ps_alloc(&row, n, sizeof *row, "a list of columns"));
    look(change, columns, now, row, out);
    const enum ps_status rc = svm_working_pack(s, change->rows, row, out->before[n], &out->pack);
    free(row);
    return rc;
}

void svm_wanted_free(const struct svm_large *s, struct svm_wanted *w)
{
    free(w->there);
    free(w->keep);
    free(w->before);
    if (w->pack) s->spec.kernels->unpack(w->pack);
}
