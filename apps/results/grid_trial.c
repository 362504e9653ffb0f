/* From the number of a trial to its values. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "apps/results/grid.h"
#include "kernels/rng.h"

enum { TRIES_MAX = 10000, STREAM = 0x67726964 };

int grid_find(const struct grid *g, const char *name, size_t len)
{
    for (int i = 0; i < g->params; i++) {
        const char *known = g->param[i].name;
        size_t k = 0;
        while (k < len && known[k] && (known[k] == '-' ? '_' : known[k]) == (name[k] == '-' ? '_' : name[k]))
            k++;
        if (k == len && !known[len]) return i;
    }
    return -1;
}

static void put_number(double x, struct grid_value *out)
{
    snprintf(out->text, sizeof out->text, "%.12g", x);
    sscanf(out->text, "%lf", &out->number); /* what the program is given, not what was drawn */
}

static void draw(const struct grid *g, const struct grid_param *p, int64_t trial, uint32_t slot,
                 struct grid_value *out)
{
    const struct ps_rng rng = {.seed = (uint64_t)g->seed, .stream = STREAM};
    const double u = ps_rng_uniform(rng, trial, slot);
    if (p->kind == GRID_LISTED)
        *out = p->value[ps_rng_below(rng, trial, slot, p->n)];
    else if (p->kind == GRID_UNIFORM)
        put_number(p->lo + u * (p->hi - p->lo), out);
    else if (p->kind == GRID_LOGUNIFORM)
        put_number(exp(log(p->lo) + u * (log(p->hi) - log(p->lo))), out);
    else
        put_number(p->lo + (double)ps_rng_below(rng, trial, slot, (int64_t)(p->hi - p->lo) + 1), out);
}

static enum ps_status draw_trial(const struct grid *g, int64_t i, struct grid_trial *out)
{
    for (uint32_t attempt = 0; attempt < TRIES_MAX; attempt++) {
        bool good = true;
        for (int k = 0; k < g->params; k++)
            draw(g, &g->param[k], i, attempt * GRID_PARAMS_MAX + (uint32_t)k, &out->value[k]);
        for (int w = 0; good && w < g->wheres; w++) good = grid_where_holds(&g->where[w], out->value);
        if (good) return PS_OK;
    }
    return ps_fail(PS_EINPUT, "%s: none of %d draws for trial %lld meets the constraints", g->name, TRIES_MAX,
                   (long long)i);
}

enum ps_status grid_trial(const struct grid *g, int64_t i, struct grid_trial *out)
{
    if (g->random) return draw_trial(g, i, out);
    int64_t at = g->point ? g->point[i] : i;
    for (int k = g->params - 1; k >= 0; k--) {
        const struct grid_param *p = &g->param[k];
        out->value[k] = p->value[at % p->n];
        at /= p->n;
    }
    return PS_OK;
}

/* FNV-1a, on from h; the closing zero counts, so that words cannot run together. */
static uint64_t hash(uint64_t h, const void *data, size_t n)
{
    const unsigned char *byte = data;
    for (size_t i = 0; i < n; i++) h = (h ^ byte[i]) * 1099511628211u;
    return h;
}

uint64_t grid_digest(const struct grid *g)
{
    uint64_t h = 14695981039346656037u;
    char text[128];
    const int64_t trials = g->random ? g->trials : 0;
    snprintf(text, sizeof text, "%lld %lld", (long long)trials, (long long)g->seed);
    h = hash(h, text, strlen(text) + 1);
    for (int i = 0; i < g->params; i++) {
        const struct grid_param *p = &g->param[i];
        snprintf(text, sizeof text, "%d %.17g %.17g", p->kind, p->lo, p->hi);
        h = hash(h, p->name, strlen(p->name) + 1);
        h = hash(h, text, strlen(text) + 1);
        for (int64_t k = 0; k < p->n; k++) h = hash(h, p->value[k].text, strlen(p->value[k].text) + 1);
    }
    for (int w = 0; w < g->wheres; w++)
        for (int k = 0; k < g->where[w].steps; k++) {
            const struct grid_step *s = &g->where[w].step[k];
            snprintf(text, sizeof text, "%c %d %.17g", s->op, s->param, s->number);
            h = hash(h, text, strlen(text) + 1);
        }
    return h;
}
