/* Runs beside each other: what differs and what came out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "apps/results/report.h"
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

/* A table of colour over two parameters. */
enum { SIDE = 24 };
struct plane {
    double side[2][SIDE], value[SIDE * SIDE];
    int n[2];
    char text[2][SIDE][48];
    const char *name[2][SIDE];
};

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The values of a parameter in all runs, in order. @return false: not numbers, or too many */
static bool make_side(const struct ps_records *records, const char *program, const char *name, double *side,
                      int *n)
{
    char text[PS_TEXT_MAX], *end;
    *n = 0;
    for (int64_t i = 0; i < records->runs; i++) {
        if (strcmp(report_program(&records->run[i]), program) != 0) continue;
        value_of(&records->run[i], name, text);
        const double v = strtod(text, &end);
        if (end == text || *end) return false;
        int at = 0;
        while (at < *n && side[at] != v) at++;
        if (at == SIDE) return false;
        if (at == *n) side[(*n)++] = v;
    }
    qsort(side, (size_t)*n, sizeof *side, by_value);
    return *n > 1;
}

static int place(const double *side, const struct ps_recorded *r, const char *name)
{
    char text[PS_TEXT_MAX];
    int at = 0;
    value_of(r, name, text);
    while (side[at] != strtod(text, NULL)) at++;
    return at;
}

/* @return false: runs say different things, or are too few for a plane */
static bool fill_plane(const struct ps_records *records, const char *program, const char *const *name,
                       struct plane *p, struct figure *f)
{
    const char *first = NULL;
    int runs = 0;
    f->least = INFINITY, f->most = -INFINITY;
    for (int i = 0; i < p->n[0] * p->n[1]; i++) p->value[i] = NAN;
    for (int64_t i = 0; i < records->runs; i++) {
        const struct ps_recorded *r = &records->run[i];
        const char *what;
        if (strcmp(report_program(r), program) != 0) continue;
        const double v = report_outcome_number(r, &what);
        if (isnan(v)) continue;
        if (first && strcmp(first, what) != 0) return false;
        first = what;
        p->value[place(p->side[0], r, name[0]) * p->n[1] + place(p->side[1], r, name[1])] = v;
        f->least = fmin(f->least, v), f->most = fmax(f->most, v);
        runs++;
    }
    f->title = first ? first : "";
    return 2 * runs >= p->n[0] * p->n[1];
}

/* Where runs differ in two parameters that are numbers. */
static enum ps_status plane(FILE *to, const struct ps_records *records, const char *program,
                            const char *const *name)
{
    struct plane *p;
    struct figure f = {.kind = FIGURE_CELLS, .x_name = name[1], .y_name = name[0], .cell_format = "%.4g"};
    PS_TRY(ps_zalloc(&p, 1, sizeof *p, "a table of runs"));
    if (make_side(records, program, name[0], p->side[0], &p->n[0]) &&
        make_side(records, program, name[1], p->side[1], &p->n[1]) &&
        fill_plane(records, program, name, p, &f)) {
        for (int k = 0; k < 2; k++)
            for (int i = 0; i < p->n[k]; i++) {
                snprintf(p->text[k][i], sizeof p->text[k][i], "%g", p->side[k][i]);
                p->name[k][i] = p->text[k][i];
            }
        f.rows = p->n[0], f.columns = p->n[1];
        f.row_name = p->name[0], f.column_name = p->name[1], f.value = p->value;
        fputs("<div class=\"figures\">", to);
        report_figure(to, &f);
        fputs("</div>\n", to);
    }
    free(p);
    return PS_OK;
}

static enum ps_status table(FILE *to, const struct ps_records *records, const char *program)
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
    return n == 2 ? plane(to, records, program, name) : PS_OK;
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
        PS_TRY(table(to, records, program));
    }
    return PS_OK;
}
