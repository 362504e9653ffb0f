/* One run: facts, parameters, figures, results. */
#include <math.h>
#include <string.h>
#include "apps/results/report.h"
#include "common/run/err.h"
#include "common/run/param.h"

static void fact(FILE *to, const char *name, const char *text)
{
    if (!text[0]) return;
    fputs("<tr><th>", to);
    report_text(to, name);
    fputs("</th><td>", to);
    report_text(to, text);
    fputs("</td></tr>\n", to);
}

static void facts(FILE *to, const struct ps_recorded *r)
{
    const struct ps_recorded_event *start = ps_recorded_event(r, "start", 0),
                                   *end = ps_recorded_event(r, "end", -1);
    static const char *const names[][2] = {{"version", "version"},
                                           {"git", "git"},
                                           {"compiler", "compiler"},
                                           {"mpi", "MPI"},
                                           {"features", "built with"},
                                           {"slurm_job", "Slurm job"},
                                           {"slurm_array_task", "array task"},
                                           {"slurm_partition", "partition"},
                                           {"slurm_cluster", "cluster"}};
    const struct ps_recorded_event *work = ps_recorded_event(r, "work", -1);
    fputs("<details><summary>Machine and build</summary><table>\n", to);
    fact(to, "record", r->file);
    fact(to, "id", r->id);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        fact(to, names[i][1], ps_recorded_str(start, names[i][0], ""));
    const double memory = ps_recorded_num(end, "memory_sum", NAN),
                 joules = ps_recorded_num(work, "joules", NAN),
                 gpu_joules = ps_recorded_num(work, "gpu_joules", NAN);
    char text[64];
    if (!isnan(memory)) {
        snprintf(text, sizeof text, "%.1f MB", memory / 1e6);
        fact(to, "memory of all ranks", text);
    }
    if (!isnan(joules)) {
        snprintf(text, sizeof text, "%.4g J", joules);
        fact(to, "energy of the processors", text);
    }
    if (!isnan(gpu_joules)) {
        snprintf(text, sizeof text, "%.4g J", gpu_joules);
        fact(to, "energy of the GPUs", text);
    }
    fputs("</table></details>\n", to);
}

static void parameters(FILE *to, const struct ps_recorded *r)
{
    char value[PS_TEXT_MAX];
    const char *name, *origin;
    int shown = 0, defaults = 0;
    for (int64_t i = 0; (name = ps_recorded_param_name(r, i, &origin)); i++) {
        if (strcmp(origin, "default") == 0) {
            defaults++;
            continue;
        }
        if (ps_recorded_param(r, name, value, sizeof value) != PS_OK) {
            ps_err_clear();
            continue;
        }
        if (shown++ == 0)
            fputs("<details open><summary>Parameters that are not default</summary><table>\n", to);
        fact(to, name, value[0] ? value : "(empty)");
    }
    if (shown > 0) fputs("</table>", to);
    if (shown > 0) fprintf(to, "<p class=\"soft\">%d others have their default.</p></details>\n", defaults);
}

static bool is_head(const char *name)
{
    return strcmp(name, "event") == 0 || strcmp(name, "run") == 0 || strcmp(name, "time") == 0;
}

/* Single numbers and words of an event; lists are drawn, or left to the record. */
static void results(FILE *to, const struct ps_recorded *r, const char *event, const char *title)
{
    const struct ps_recorded_event *e = ps_recorded_event(r, event, -1);
    const char *name;
    int shown = 0;
    for (int64_t i = 0; e && (name = ps_recorded_field(e, i)); i++) {
        const double v = ps_recorded_num(e, name, -INFINITY);
        const char *text = ps_recorded_str(e, name, NULL);
        if (is_head(name) || (isinf(v) && !text)) continue;
        if (shown++ == 0) fprintf(to, "<details open><summary>%s</summary><table>\n", title);
        if (text) {
            fact(to, name, text);
            continue;
        }
        fputs("<tr><th>", to);
        report_text(to, name);
        fputs("</th><td class=\"n\">", to);
        report_quantity(to, name, v, 6);
        fputs("</td></tr>\n", to);
    }
    if (shown > 0) fputs("</table></details>\n", to);
}

enum ps_status report_run(FILE *to, const struct ps_recorded *r, int64_t number, bool open)
{
    static const char *const events[][2] = {{"result", "Result"},
                                            {"trained", "Training"},
                                            {"evaluation", "Evaluation"},
                                            {"report", "Classification"},
                                            {"speed", "Speed"},
                                            {"data", "Data"},
                                            {"plan", "Plan"},
                                            {"grid_best", "Best of the grid"}};
    char outcome[128];
    const char *status = report_status(r),
               *message = ps_recorded_str(ps_recorded_event(r, "end", -1), "message", "");
    report_outcome(r, outcome, sizeof outcome);
    fprintf(to,
            "<details class=\"run\" id=\"run-%lld\"%s><summary class=\"run\">Run %lld: ", (long long)number,
            open ? " open" : "", (long long)number);
    report_text(to, report_program(r));
    fprintf(to, ", <span class=\"%s\">%s</span>%s", status, status, outcome[0] ? ", " : "");
    report_text(to, outcome);
    fputs("</summary>\n", to);
    if (message[0]) {
        fputs("<p class=\"failed\">", to);
        report_text(to, message);
        fputs("</p>\n", to);
    }
    if (strcmp(status, "unfinished") == 0)
        fputs("<p class=\"unfinished\">The record has no end: the run goes on, or was ended from "
              "outside.</p>\n",
              to);
    fputs("<div class=\"tables\">\n", to);
    parameters(to, r);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) results(to, r, events[i][0], events[i][1]);
    facts(to, r);
    fputs("</div>\n<div class=\"figures\">\n", to);
    PS_TRY(report_epochs(to, r));
    PS_TRY(report_confusion(to, r));
    PS_TRY(report_grid(to, r));
    PS_TRY(report_forecast(to, r));
    PS_TRY(report_phases(to, r));
    report_roofline(to, r);
    report_predicted(to, r);
    PS_TRY(report_pictures(to, r));
    fputs("</div>\n", to);
    fputs("</details>\n", to);
    return PS_OK;
}
