/* Runs beside each other: what differs and what came out; and how programs scale. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "apps/results/report.h"
#include "apps/results/scaling_plot.h"
#include "common/run/err.h"

enum { DIFFERING_MOST = 8 };

static bool value_of(const struct ps_recorded *r, const char *name, char *out)
{
    if (ps_recorded_param(r, name, out, PS_TEXT_MAX) == PS_OK) return true;
    ps_err_clear();
    out[0] = '\0';
    return false;
}

/* Names of files in which a run leaves things differ without meaning anything. */
static bool tells(const char *name)
{
    static const char *const names[] = {"record",   "log",     "progress", "plot",  "checkpoint",
                                        "trace",    "threads", "output",   "wrong", "codes",
                                        "forecast", "save",    "best"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return false;
    return true;
}

/* Parameters that are not the same in all runs of a program. @return how many */
static int differing(const struct ps_records *records, const char *program, const char **out)
{
    char x[PS_TEXT_MAX], y[PS_TEXT_MAX];
    const struct ps_recorded *first = NULL;
    const char *name;
    int n = 0;
    for (int64_t i = 0; i < records->runs && !first; i++)
        if (strcmp(report_program(&records->run[i]), program) == 0) first = &records->run[i];
    for (int64_t k = 0; first && n < DIFFERING_MOST && (name = ps_recorded_param_name(first, k, NULL)); k++) {
        bool same = true;
        if (!tells(name) || !value_of(first, name, x)) continue;
        for (int64_t i = 0; i < records->runs && same; i++)
            if (strcmp(report_program(&records->run[i]), program) == 0)
                same = value_of(&records->run[i], name, y) && strcmp(x, y) == 0;
        if (!same) out[n++] = name;
    }
    return n;
}

static void table(FILE *to, const struct ps_records *records, const char *program)
{
    const char *name[DIFFERING_MOST];
    char text[PS_TEXT_MAX];
    const int n = differing(records, program, name);
    fputs("<h3>", to);
    report_text(to, program);
    fputs("</h3>\n<table class=\"cards\"><thead><tr><th>run</th><th class=\"n\">ranks</th>", to);
    for (int k = 0; k < n; k++) {
        fputs("<th>", to);
        report_text(to, name[k]);
        fputs("</th>", to);
    }
    fputs("<th>outcome</th><th class=\"n\">seconds</th></tr></thead><tbody>\n", to);
    for (int64_t i = 0; i < records->runs; i++) {
        const struct ps_recorded *r = &records->run[i];
        if (strcmp(report_program(r), program) != 0) continue;
        fprintf(to, "<tr><td data-l=\"run\"><a href=\"#run-%lld\">%lld</a></td>", (long long)i + 1,
                (long long)i + 1);
        report_cell_number(to, "ranks", ps_recorded_num(ps_recorded_event(r, "start", 0), "ranks", NAN), 6);
        for (int k = 0; k < n; k++) {
            value_of(r, name[k], text);
            report_cell(to, name[k], text);
        }
        report_outcome(r, text, sizeof text);
        report_cell(to, "outcome", text);
        report_cell_number(to, "seconds", ps_recorded_num(ps_recorded_event(r, "end", -1), "elapsed", NAN),
                           4);
        fputs("</tr>\n", to);
    }
    fputs("</tbody></table>\n", to);
}

enum ps_status report_compare(FILE *to, const struct ps_records *records)
{
    bool any = false;
    for (int64_t i = 0; i < records->runs; i++) {
        const char *program = report_program(&records->run[i]);
        int64_t before = 0, all = 0;
        for (int64_t k = 0; k < records->runs; k++) {
            if (strcmp(report_program(&records->run[k]), program) != 0) continue;
            before += k < i;
            all++;
        }
        if (before > 0 || all < 2) continue;
        if (!any) fputs("<h2>Runs of the same program</h2>\n", to);
        any = true;
        table(to, records, program);
    }
    return PS_OK;
}

static void scaling_table(FILE *to, const struct scaling_group *g)
{
    static const char *const heads[] = {"ranks",    "threads",    "time",         "runs",         "seconds",
                                        "speed-up", "efficiency", "load balance", "communication"};
    enum { COLUMNS = sizeof heads / sizeof *heads };
    fputs("<table class=\"cards\"><thead><tr>", to);
    for (int k = 0; k < COLUMNS; k++) fprintf(to, "<th%s>%s</th>", k == 2 ? "" : " class=\"n\"", heads[k]);
    fputs("</tr></thead><tbody>\n", to);
    for (int i = 0; i < g->points; i++) {
        const struct scaling_point *p = &g->point[i];
        const double value[COLUMNS] = {p->ranks,      p->threads,        0,
                                       p->seconds.n,  p->seconds.median, p->speedup,
                                       p->efficiency, p->balance,        p->communication};
        fputs("<tr>", to);
        for (int k = 0; k < COLUMNS; k++)
            if (k == 2)
                report_cell(to, heads[k], scaling_origin_name[p->origin]);
            else
                report_cell_number(to, heads[k], value[k], 3);
        fputs("</tr>\n", to);
    }
    fputs("</tbody></table>\n", to);
}

static void fitted(FILE *to, const struct scaling_group *g)
{
    const char *origin = scaling_origin_name[g->fitted];
    if (g->amdahl.there && g->amdahl.points > 2)
        fprintf(to, "<p>Amdahl's law, fitted to %s times: a serial fraction of %.4f.</p>\n", origin,
                g->amdahl.serial);
    if (g->gustafson.there && g->gustafson.points > 2)
        fprintf(to, "<p>Gustafson's law, fitted to %s times: a serial fraction of %.4f.</p>\n", origin,
                g->gustafson.serial);
    if (g->fitted == SCALING_SIMULATED)
        fputs("<p class=\"soft\">Simulated: more workers than cores; the time is the largest processor time "
              "of a rank "
              "outside of MPI and of waits. Messages cost nothing in it.</p>\n",
              to);
}

enum ps_status report_scaling(FILE *to, const struct ps_records *records)
{
    struct scaling s;
    bool any = false;
    enum ps_status rc = scaling_make(records, "", false, &s);
    if (rc == PS_EINPUT) { /* no run ended well */
        ps_err_clear();
        return PS_OK;
    }
    PS_TRY(rc);
    for (int g = 0; rc == PS_OK && g < s.groups; g++) {
        const struct scaling_group *group = &s.group[g];
        char title[256];
        if (group->points < 2 || group->point[0].workers == group->point[group->points - 1].workers) continue;
        if (!any) fputs("<h2>Scaling</h2>\n", to);
        any = true;
        scaling_title(group, title, sizeof title);
        fputs("<h3>", to);
        report_text(to, title);
        fputs("</h3>\n<div class=\"figures\">\n", to);
        for (int plot = 0; rc == PS_OK && plot < SCALING_PLOTS; plot++) {
            struct scaling_figure f;
            rc = scaling_figure_make(&s, g, (enum scaling_plot)plot, &f);
            if (rc == PS_OK && (f.figure.curves > 0 || f.figure.rows > 0)) report_figure(to, &f.figure);
            scaling_figure_free(&f);
        }
        fputs("</div>\n", to);
        scaling_table(to, group);
        fitted(to, group);
    }
    scaling_free(&s);
    return rc;
}
