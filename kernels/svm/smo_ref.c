/* Sequential minimal optimization as its definition says it: the oracle. */
#include <stdlib.h>
#include "kernels/svm/smo_step.h"

/** The highest score that may rise and the lowest that may fall in one group. */
struct top {
    double up, low;
    int64_t i;
};

static struct top find_top(const struct ps_svm_smo *s, const double *score, int group)
{
    struct top t = {-INFINITY, INFINITY, -1};
    for (int64_t v = 0; v < s->copies * s->n; v++) {
        if (ps_smo_group(s, v) != group) continue;
        if (ps_smo_may_rise(s, v) && score[v] > t.up) {
            t.up = score[v];
            t.i = v;
        }
        if (ps_smo_may_fall(s, v) && score[v] < t.low) t.low = score[v];
    }
    return t;
}

/** The partner of most worth, over all groups, and the i that it belongs to. */
static int64_t choose(const struct ps_svm_smo *s, const double *score, const struct top top[2],
                      double violation, int64_t *i)
{
    float best = -1;
    int64_t j = -1;
    double scale = ps_smo_scale(violation);
    float least = ps_smo_least(s);
    for (int g = 0; g < ps_smo_groups(s); g++)
        if (top[g].i >= 0) ps_smo_want(s, ps_smo_row(s, top[g].i));
    for (int64_t v = 0; v < s->copies * s->n; v++) {
        const struct top *t = &top[ps_smo_group(s, v)];
        if (t->i < 0 || !ps_smo_may_fall(s, v)) continue;
        int64_t ri = ps_smo_row(s, t->i), rj = ps_smo_row(s, v);
        const float *ki = ps_smo_k(s, ri);
        float b = (float)ps_svm_fma(-scale, score[v], scale * t->up);
        float a = ps_svm_fmaf(-2, ki[rj], ps_smo_diagonal(s, ri) + ps_smo_diagonal(s, rj));
        float worth = ps_smo_worth(b, a, least);
        if (b > 0 && worth > best) {
            best = worth;
            j = v;
            *i = t->i;
        }
    }
    return j;
}

static void solve(struct ps_svm_smo *s, double *score)
{
    for (;;) {
        struct top top[2] = {{0}};
        double w[2], violation = -INFINITY;
        for (int g = 0; g < ps_smo_groups(s); g++) {
            top[g] = find_top(s, score, g);
            violation = fmax(violation, top[g].up - top[g].low);
        }
        s->violation = violation > -INFINITY ? violation : 0;
        if (violation < s->eps || (s->max_iter > 0 && s->iterations >= s->max_iter)) return;
        int64_t i = -1, j = choose(s, score, top, violation, &i);
        if (j < 0) return;
        int64_t ri = ps_smo_row(s, i), rj = ps_smo_row(s, j);
        const float *ki = ps_smo_k(s, ri), *kj = ps_smo_k(s, rj);
        ps_smo_want(s, rj);
        double a = ps_smo_curvature(ps_smo_diagonal(s, ri), ps_smo_diagonal(s, rj), ki[rj]);
        if (!ps_smo_move(s, i, j, score[i] - score[j], a, w)) return;
        s->iterations++;
        for (int64_t v = 0; v < s->copies * s->n; v++)
            score[v] = ps_smo_advanced(score[v], w, ki[ps_smo_row(s, v)], kj[ps_smo_row(s, v)]);
    }
}

enum ps_status ps_svm_smo_ref(struct ps_svm_smo *s)
{
    double *score = malloc(((size_t)(s->copies * s->n) + 1) * sizeof *score);
    if (!score) return PS_ENOMEM;
    for (int64_t v = 0; v < s->copies * s->n; v++) score[v] = ps_smo_score(s, v);
    s->iterations = 0;
    solve(s, score);
    for (int64_t r = 0; r < s->n && s->iterations > 0; r++) s->f[r] = ps_smo_f(s, r, score[r]);
    free(score);
    return PS_OK;
}
