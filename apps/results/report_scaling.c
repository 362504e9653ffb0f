/* How programs scale, in the report. */
#include <math.h>
#include "apps/results/report.h"
#include "apps/results/scaling_plot.h"
#include "common/run/err.h"

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
