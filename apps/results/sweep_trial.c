#include "apps/results/sweep_trial.h"

#include <stdio.h>
#include <string.h>

enum { RECORD = GRID_PARAMS_MAX, TRIAL, DIR_, PLACES };

/* What stands in for the names in braces, and which of them were used. */
struct places {
    const struct grid *g;
    char trial[24], dir[SWEEP_PATH_MAX], record[SWEEP_PATH_MAX];
    struct grid_trial value;
    bool used[PLACES];
};

/* The place `{name}` at `text`; -1 if it is none. @param len out: bytes of it with its braces */
static int place_at(const struct grid *g, const char *text, size_t *len)
{
    static const char *const words[] = {"record", "trial", "dir"};
    const char *end = *text == '{' ? strchr(text, '}') : NULL;
    if (!end) return -1;
    const size_t n = (size_t)(end - text) - 1;
    *len = n + 2;
    const int param = grid_find(g, text + 1, n);
    if (param >= 0) return param;
    for (int i = 0; i < 3; i++)
        if (strlen(words[i]) == n && strncmp(text + 1, words[i], n) == 0) return RECORD + i;
    return -1;
}

static const char *value_of(const struct places *p, int place)
{
    return place == RECORD  ? p->record
           : place == TRIAL ? p->trial
           : place == DIR_  ? p->dir
                            : p->value.value[place].text;
}

/* An argument with places filled in. */
static enum ps_status add_filled(struct places *p, const char *arg, struct ps_words *out)
{
    char text[2 * SWEEP_PATH_MAX];
    size_t n = 0, len;
    while (*arg) {
        const int place = place_at(p->g, arg, &len);
        const char *from = place >= 0 ? value_of(p, place) : arg;
        const size_t take = place >= 0 ? strlen(from) : 1;
        PS_CHECK(n + take < sizeof text, PS_EUSAGE, "an argument of the trials is too long");
        memcpy(text + n, from, take);
        n += take;
        arg += place >= 0 ? len : 1;
        if (place >= 0) p->used[place] = true;
    }
    text[n] = '\0';
    return ps_words_add(out, "%s", text);
}

enum ps_status sweep_arguments(const struct sweep_command *c, const struct grid *g,
                               const struct sweep_journal *j, int rung, int64_t trial, struct ps_words *out)
{
    struct places p = {.g = g};
    const bool halving = j->rungs > 1;
    PS_TRY(grid_trial(g, trial, &p.value));
    snprintf(p.trial, sizeof p.trial, "%lld", (long long)trial);
    sweep_trial_path(j, trial, "", p.dir);
    sweep_trial_path(j, trial, "record.jsonl", p.record);
    for (char **arg = c->program + 1; *arg; arg++) PS_TRY(add_filled(&p, *arg, out));
    for (int i = 0; i < g->params; i++)
        if (!p.used[i]) PS_TRY(ps_words_add(out, "--%s=%s", g->param[i].name, p.value.value[i].text));
    if (!p.used[RECORD]) PS_TRY(ps_words_add(out, "--record=%s", p.record));
    if (c->checkpoints || halving) {
        PS_TRY(ps_words_add(out, "--checkpoint=%s/checkpoint", p.dir));
        PS_TRY(ps_words_add(out, "--resume"));
    }
    if (halving && rung < j->rungs - 1) PS_TRY(ps_words_add(out, "--pause-epoch=%.15g", c->pause[rung]));
    return PS_OK;
}

void sweep_describe(const struct grid *g, int64_t trial, char *out, size_t room)
{
    struct grid_trial t;
    size_t n = 0;
    *out = '\0';
    if (grid_trial(g, trial, &t) != PS_OK) {
        ps_err_clear();
        return;
    }
    for (int i = 0; i < g->params && n < room; i++)
        n += (size_t)snprintf(out + n, room - n, "%s%s=%s", i ? " " : "", g->param[i].name, t.value[i].text);
}

const char *sweep_unknown_place(const struct sweep_command *c, const struct grid *g)
{
    size_t len;
    for (char **arg = c->program + 1; *arg; arg++)
        for (const char *at = strchr(*arg, '{'); at; at = strchr(at + 1, '{'))
            if (place_at(g, at, &len) < 0) return at;
    return NULL;
}
