#include "apps/results/sweep_result.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "common/run/recordfile.h"

enum { EVENT_MAX = 64, TAIL_MAX = 4096 };

int64_t sweep_result_runs(const char *record)
{
    struct ps_records r = {.runs = 0};
    const int64_t runs = ps_records_read(&r, record) == PS_OK ? r.runs : 0;
    ps_records_free(&r);
    ps_err_clear();
    return runs;
}

bool sweep_metric_good(const char *metric)
{
    const char *dot = strchr(metric, '.');
    return dot && dot > metric && dot[1] && dot - metric < EVENT_MAX;
}

/* The last event of the metric's name with its field. */
static const struct ps_recorded_event *find(const struct ps_recorded *run, const char *event,
                                            const char *field, double *out)
{
    for (int64_t nth = -1;; nth--) {
        const struct ps_recorded_event *e = ps_recorded_event(run, event, nth);
        if (!e) return NULL;
        const double here = ps_recorded_num(e, field, -1), there = ps_recorded_num(e, field, -2);
        if (isnan(here) || here == there) { /* not the value given for one that is missing */
            *out = here;
            return e;
        }
    }
}

/* Fields of numbers, as metrics are written. */
static void list_fields(const struct ps_recorded *run, char *out, size_t room)
{
    size_t n = 0;
    for (int64_t i = 0; i < run->events && n < room; i++) {
        const struct ps_recorded_event *e = &run->event[i];
        if (e != ps_recorded_event(run, e->name, 0) || strcmp(e->name, "start") == 0 ||
            strcmp(e->name, "phase") == 0 || strcmp(e->name, "end") == 0)
            continue;
        for (int64_t k = 0; n < room; k++) {
            const char *field = ps_recorded_field(e, k);
            if (!field) break;
            if (ps_recorded_num(e, field, -1) == ps_recorded_num(e, field, -2) && strcmp(field, "time") != 0)
                n += (size_t)snprintf(out + n, room - n, "%s%s.%s", n ? ", " : "", e->name, field);
        }
    }
}

enum ps_status sweep_result_read(const char *record, int64_t before, const char *metric,
                                 struct sweep_result *out)
{
    struct ps_records r = {.runs = 0};
    char event[EVENT_MAX];
    *out = (struct sweep_result){.metric = NAN};
    const enum ps_status rc = ps_records_read(&r, record);
    if (rc != PS_OK || r.runs <= before) {
        ps_records_free(&r);
        if (rc == PS_ENOMEM) return rc;
        ps_err_clear();
        return PS_OK;
    }
    const struct ps_recorded *run = &r.run[r.runs - 1];
    const struct ps_recorded_event *end = ps_recorded_event(run, "end", -1);
    out->there = true;
    out->ended = end != NULL;
    out->exit = (int)ps_recorded_num(end, "exit", 1);
    snprintf(out->message, sizeof out->message, "%s", ps_recorded_str(end, "message", ""));
    out->has_metric = !*metric;
    if (*metric) {
        snprintf(event, sizeof event, "%.*s", (int)strcspn(metric, "."), metric);
        out->has_metric = find(run, event, strchr(metric, '.') + 1, &out->metric) != NULL;
        if (!out->has_metric) list_fields(run, out->fields, sizeof out->fields);
    }
    ps_records_free(&r);
    return PS_OK;
}

void sweep_last_line(const char *path, char *out, size_t room)
{
    char tail[TAIL_MAX + 1];
    *out = '\0';
    FILE *f = fopen(path, "r");
    if (!f) return;
    fseek(f, -TAIL_MAX, SEEK_END); /* fails on a shorter file, which is then read from its start */
    tail[fread(tail, 1, TAIL_MAX, f)] = '\0';
    fclose(f);
    for (char *line = strtok(tail, "\n"); line; line = strtok(NULL, "\n"))
        if (line[strspn(line, " \t-=*#")] && line[0] != '#') snprintf(out, room, "%s", line);
}
