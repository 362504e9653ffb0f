#include "apps/results/sweep_view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/results/sweep_result.h"

enum ps_status sweep_view_open(const char *dir, struct sweep_view *out)
{
    char text[SWEEP_ABOUT_MAX], field[512], path[SWEEP_PATH_MAX], *at, *end;
    int rungs = 1;
    *out = (struct sweep_view){.rule = {.minimize = false}};
    PS_TRY(sweep_journal_about(dir, text));
    sweep_once_field(text, "metric", out->metric, sizeof out->metric);
    sweep_once_field(text, "command", out->command, sizeof out->command);
    sweep_once_field(text, "goal", field, sizeof field);
    out->rule.minimize = strcmp(field, "minimize") == 0;
    sweep_once_field(text, "eta", field, sizeof field);
    out->rule.eta = strtod(field, NULL);
    sweep_once_field(text, "rungs", field, sizeof field);
    for (at = field; rungs < SWEEP_RUNGS_MAX; at = end, rungs++) {
        out->pause[rungs - 1] = strtod(at, &end);
        if (end == at) break;
    }
    PS_CHECK(out->rule.eta > 1, PS_EINPUT, "%s/sweep is broken: it has no eta", dir);
    snprintf(path, sizeof path, "%s/sweep.grid", dir);
    PS_TRY(grid_read(path, &out->grid));
    enum ps_status rc = sweep_journal_open(dir, "", NULL, rungs, out->grid.trials, &out->journal);
    if (rc == PS_OK) {
        rc = sweep_journal_look(&out->journal);
        if (rc != PS_OK) sweep_journal_free(&out->journal);
    }
    if (rc != PS_OK) grid_free(&out->grid);
    return rc;
}

void sweep_view_close(struct sweep_view *v)
{
    sweep_journal_free(&v->journal);
    grid_free(&v->grid);
}

enum ps_status sweep_view_outcome(const struct sweep_view *v, int64_t trial, const char *metric,
                                  struct sweep_outcome *out)
{
    const struct sweep_journal *j = &v->journal;
    *out = (struct sweep_outcome){.rung = -1, .metric = NAN};
    for (int r = 0; r < j->rungs; r++) {
        const struct sweep_piece *p = sweep_piece(j, r, trial);
        out->attempts += p->claims;
        if (!p->done) continue;
        out->rung = r;
        out->metric = p->metric;
        out->seconds += p->seconds;
    }
    const int next = out->rung + 1;
    const struct sweep_piece *p = next < j->rungs ? sweep_piece(j, next, trial) : NULL;
    if (!p)
        snprintf(out->state, sizeof out->state, "done");
    else if (p->claims > 0 && !p->last_ended)
        snprintf(out->state, sizeof out->state, p->last_gone ? "lost" : "running");
    else if (out->rung >= 0) /* not gone on with, or not yet */
        snprintf(out->state, sizeof out->state, "epoch %.15g%s", v->pause[out->rung],
                 p->failed > 0 ? ", then failed" : "");
    else if (p->failed > 0)
        snprintf(out->state, sizeof out->state, "failed");
    else
        snprintf(out->state, sizeof out->state, "open");
    if (*metric && out->rung >= 0) {
        char record[SWEEP_PATH_MAX];
        struct sweep_result r;
        sweep_trial_path(j, trial, "record.jsonl", record);
        PS_TRY(sweep_result_read(record, 0, metric, &r));
        out->metric = r.metric;
    }
    return PS_OK;
}

int64_t sweep_view_rank(const struct sweep_view *v, int64_t *order)
{
    const struct sweep_journal *j = &v->journal;
    int64_t n = 0;
    for (int r = j->rungs - 1; r >= 0; r--) {
        const int64_t from = n, there = sweep_rank(j, &v->rule, r, order + from);
        for (int64_t i = from; i < from + there; i++) {
            bool higher = false;
            for (int64_t k = 0; k < from; k++) higher = higher || order[k] == order[i];
            if (!higher) order[n++] = order[i];
        }
    }
    return n;
}
