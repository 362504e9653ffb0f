/* Whole columns are computed and used on the device, in its queue, where f is. */
#include <stdlib.h>
#include "apps/pisvm/svm_wanted.h"
#include "common/run/err.h"

/* One application. */
struct job {
    const struct svm_large *s;
    const struct svm_change *change;
    const struct svm_target *to;
    const struct svm_wanted *wanted;
    int64_t stride;
    float **column; /* [n] where columns are, or will be */
};

/* Give the columns from `lo` on that are not kept a place for the time being. @return the first that has none
 */
static int64_t give_places(const struct job *j, int64_t lo)
{
    const struct ps_buffer *room = &j->s->there.column;
    const int64_t most = room->bytes / (j->stride * (int64_t)sizeof(float));
    int64_t used = 0, k = lo;
    for (; k < j->change->n; k++) {
        const bool kept = j->wanted->there[k] || j->wanted->keep[k];
        if (!kept && used == most) break;
        j->column[k] = j->wanted->keep[k];
        if (j->wanted->there[k]) j->column[k] = (float *)j->wanted->there[k];
        if (!kept) j->column[k] = (float *)room->there + j->stride * used++;
    }
    return k;
}

/* Compute those of columns [lo, hi) that are not there, such at once whose places follow each other. */
static void compute(const struct job *j, int64_t lo, int64_t hi)
{
    const struct svm_large_spec *spec = &j->s->spec;
    const struct svm_wanted *w = j->wanted;
    for (int64_t k = lo, last, end; k < hi; k = end) {
        end = k + 1;
        if (w->there[k]) continue;
        for (last = k; end < hi && (w->there[end] || j->column[end] == j->column[last] + j->stride); end++)
            if (!w->there[end]) last = end;
        spec->kernels->block(&spec->function, w->pack, w->before[k], w->before[last] + 1, j->to->pack, 0,
                             j->to->n, j->column[k], j->stride);
    }
}

enum ps_status svm_apply_there(const struct svm_large *s, const struct svm_change *change,
                               const struct svm_target *to, const struct svm_wanted *w)
{
    struct job j = {s, change, to, w, svm_columns_stride(to->n), NULL};
    PS_TRY(ps_alloc(&j.column, change->n, sizeof *j.column, "a list of columns"));
    for (int64_t lo = 0, hi; lo < change->n; lo = hi) {
        hi = give_places(&j, lo);
        compute(&j, lo, hi);
        s->spec.kernels->update((const float *const *)j.column + lo, change->coef + lo, hi - lo, to->n,
                                s->there.f.there);
    }
    free(j.column);
    return PS_OK;
}
