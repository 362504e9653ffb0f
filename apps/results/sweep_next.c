#include "apps/results/sweep_next.h"

#include <math.h>
#include <stdlib.h>
#include "kernels/rng.h"

enum { STREAM = 0x6e657874 };

struct ranked {
    double metric; /* smaller is better */
    int64_t trial;
};

static int by_metric(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (isnan(x->metric) != isnan(y->metric)) return isnan(x->metric) ? 1 : -1;
    if (x->metric < y->metric || x->metric > y->metric) return x->metric < y->metric ? -1 : 1;
    return x->trial < y->trial ? -1 : x->trial > y->trial;
}

static int64_t rank_into(const struct sweep_journal *j, const struct sweep_rule *rule, int rung,
                         struct ranked *r)
{
    int64_t n = 0;
    for (int64_t i = 0; i < j->trials; i++) {
        const struct sweep_piece *p = sweep_piece(j, rung, i);
        if (p->done && p->known) r[n++] = (struct ranked){rule->minimize ? p->metric : -p->metric, i};
    }
    qsort(r, (size_t)n, sizeof *r, by_metric);
    return n;
}

int64_t sweep_rank(const struct sweep_journal *j, const struct sweep_rule *rule, int rung, int64_t *order)
{
    struct ranked *r;
    if (ps_alloc(&r, j->trials, sizeof *r, "the ranking of trials") != PS_OK) {
        ps_err_clear();
        return 0;
    }
    const int64_t n = rank_into(j, rule, rung, r);
    for (int64_t i = 0; i < n; i++) order[i] = r[i].trial;
    free(r);
    return n;
}

/* Can nothing more come of this piece? */
static bool settled(const struct sweep_journal *j, int rung, int64_t trial)
{
    const struct sweep_piece *p = sweep_piece(j, rung, trial);
    return p->done || sweep_broken(j, p);
}

static bool all_settled(const struct sweep_journal *j)
{
    for (int64_t i = 0; i < j->trials; i++)
        if (!settled(j, 0, i)) return false;
    return true;
}

/* The trial to begin. Halving judges a trial by those that came before it: in the order of a grid each might
 * be better than the last, and go on in vain; so they come in a random order, which is the same for all
 * tasks. */
static bool first_open(const struct sweep_journal *j, int64_t *trial)
{
    uint64_t least = 0;
    bool found = false;
    for (int64_t i = 0; i < j->trials; i++) {
        const uint64_t place =
            j->rungs > 1 ? ps_rng_u64((struct ps_rng){.stream = STREAM}, i, 0) : (uint64_t)i;
        if (!sweep_open(j, sweep_piece(j, 0, i)) || (found && place >= least)) continue;
        found = true;
        least = place;
        *trial = i;
        if (j->rungs == 1) break;
    }
    return found;
}

enum ps_status sweep_next(const struct sweep_journal *j, const struct sweep_rule *rule, bool *found,
                          int *rung, int64_t *trial)
{
    struct ranked *r;
    bool whole = all_settled(j); /* all results of the rung are there, and of those below */
    *found = false;
    PS_TRY(ps_alloc(&r, j->trials, sizeof *r, "the ranking of trials"));
    for (int k = 1; k < j->rungs; k++) {
        const int64_t n = rank_into(j, rule, k - 1, r);
        int64_t best = (int64_t)floor((double)n / rule->eta + 1e-9);
        if (whole && best == 0 && n > 0) best = 1;
        for (int64_t i = 0; i < best; i++) {
            const struct sweep_piece *p = sweep_piece(j, k, r[i].trial);
            if (sweep_open(j, p) && (!*found || *rung < k)) {
                *found = true;
                *rung = k;
                *trial = r[i].trial;
            }
            whole = whole && settled(j, k, r[i].trial);
        }
    }
    free(r);
    if (*found) return PS_OK;
    *found = first_open(j, trial);
    *rung = 0;
    return PS_OK;
}

int64_t sweep_expected(const struct sweep_journal *j, const struct sweep_rule *rule)
{
    int64_t all = 0;
    double n = (double)j->trials;
    for (int k = 0; k < j->rungs; k++) {
        all += (int64_t)n;
        n = floor(n / rule->eta + 1e-9);
        if (n < 1) n = 1;
    }
    return all;
}
