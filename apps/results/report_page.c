/* The page's frame, and small parts that all of it uses. */
#include <math.h>
#include <string.h>
#include "apps/results/report.h"

void report_text(FILE *to, const char *text)
{
    figure_escape(to, text);
}

void report_number(FILE *to, double v, int digits)
{
    const double most = 1e9;
    if (isnan(v))
        fputs("&ndash;", to);
    else if (v == floor(v) && fabs(v) < most)
        fprintf(to, "%.0f", v);
    else
        fprintf(to, "%.*g", digits, v);
}

/** Units of a record's numbers, by their names; the first that fits. */
static const struct unit {
    const char *part, *unit;
    bool scaled; /* with a prefix, as numbers are large */
} units[] = {{"flop_per", "FLOP", true}, {"flops", "FLOP/s", true}, {"joules", "J", true},
             {"memory", "B", true},      {"bytes", "B", true},      {"seconds", "s", false}};

void report_quantity(FILE *to, const char *name, double v, int digits)
{
    static const char *const prefix[] = {"", "k", "M", "G", "T", "P"};
    enum { PREFIXES = sizeof prefix / sizeof *prefix, UNITS = sizeof units / sizeof *units };
    int i = 0, p = 0;
    while (i < UNITS && !strstr(name, units[i].part)) i++;
    if (i == UNITS || isnan(v)) {
        report_number(to, v, digits);
        return;
    }
    for (; units[i].scaled && fabs(v) >= 1000 && p + 1 < PREFIXES; p++) v /= 1000;
    report_number(to, v, p > 0 ? 3 : digits);
    fprintf(to, " %s%s", prefix[p], units[i].unit);
}

void report_cell(FILE *to, const char *label, const char *text)
{
    fputs("<td data-l=\"", to);
    report_text(to, label);
    fputs("\">", to);
    report_text(to, text);
    fputs("</td>", to);
}

void report_cell_number(FILE *to, const char *label, double v, int digits)
{
    fputs("<td class=\"n\" data-l=\"", to);
    report_text(to, label);
    fputs("\">", to);
    report_number(to, v, digits);
    fputs("</td>", to);
}

void report_figure_said(FILE *to, const struct figure *f, const char *caption)
{
    enum { WIDE = 360 }; /* no wider than a phone, or text would shrink */
    fputs("<figure>", to);
    figure_svg(f, WIDE, figure_height(f, WIDE), true, to);
    if (caption) {
        fputs("<figcaption>", to);
        report_text(to, caption);
        fputs("</figcaption>", to);
    }
    fputs("</figure>\n", to);
}

void report_figure(FILE *to, const struct figure *f)
{
    report_figure_said(to, f, NULL);
}

static const char style[] =
    "*{box-sizing:border-box}html{color-scheme:light dark;-webkit-text-size-adjust:100%}\n"
    "body{margin:0 auto;padding:16px;max-width:1400px;font:15px/1.45 sans-serif;background:var(--paper);"
    "color:var(--ink);overflow-wrap:anywhere}\n"
    "h1{font-size:24px;margin:8px 0}h2{font-size:20px;margin:28px 0 8px}h3{font-size:16px;margin:16px 0 "
    "6px}\n"
    "p{margin:6px 0;max-width:80ch}a{color:var(--c0)}.soft{color:var(--soft)}\n"
    ".tables{display:flex;flex-wrap:wrap;gap:0 40px;align-items:flex-start}.tables>details{border:0}"
    ".picture{grid-column:1/-1}\n"
    "table{border-collapse:collapse;margin:8px 0;font-size:14px}th,td{padding:4px 12px 4px 0;text-align:left;"
    "vertical-align:top;border-bottom:1px solid var(--grid)}th{font-weight:600;color:var(--soft)}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\n"
    ".figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,350px),1fr));gap:16px;"
    "align-items:start}figure{margin:0;min-width:0;break-inside:avoid}figcaption{font-size:13px;"
    "color:var(--soft)}img{display:block;max-width:100%;height:auto}\n"
    "details{border-top:1px solid var(--grid);padding:6px 0}details.run{border-top:2px solid var(--soft);"
    "margin-top:12px}summary{cursor:pointer;padding:4px 0}summary.run{font-size:17px;font-weight:600}\n"
    ".ok{color:var(--c2)}.failed,.unfinished{color:var(--c1);font-weight:600}.stopped{color:var(--c4);"
    "font-weight:600}\n"
    "@media(max-width:700px){table.cards thead{display:none}"
    "table.cards,table.cards tbody,table.cards tr{display:block;width:100%}"
    "table.cards tr{padding:8px 0;border-bottom:1px solid var(--grid)}"
    "table.cards td{display:inline-block;margin-right:14px;border:0;padding:1px 0;text-align:left}"
    "table.cards td:empty{display:none}table.cards td::before{content:attr(data-l) \": "
    "\";color:var(--soft)}}\n"
    "@media print{body{max-width:none;padding:0}details.run{break-before:auto}a{color:inherit}"
    "details::details-content{content-visibility:visible;block-size:auto}" /* paper cannot be opened */
    ".figures{grid-template-columns:1fr 1fr}}\n";

void report_head(FILE *to, const char *title)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>",
          to);
    report_text(to, title);
    fprintf(to, "</title>\n<style>\n%s%s</style></head>\n<body>\n<h1>", figure_style(), style);
    report_text(to, title);
    fputs("</h1>\n", to);
}

void report_tail(FILE *to)
{
    fputs("</body></html>\n", to);
}

const char *report_program(const struct ps_recorded *r)
{
    return ps_recorded_str(ps_recorded_event(r, "start", 0), "program", "unknown program");
}

const char *report_status(const struct ps_recorded *r)
{
    static const char *const known[] = {"ok", "stopped", "failed"};
    const char *status = ps_recorded_str(ps_recorded_event(r, "end", -1), "status", "");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(status, known[i]) == 0) return known[i];
    return "unfinished";
}

/* What is said of a run, the best first. */
static const struct {
    const char *event, *field, *name, *format;
    double factor;
} outcomes[] = {{"result", "test_accuracy", "% right", "%.2f %% right", 100},
                {"result", "accuracy", "% right", "%.2f %% right", 1},
                {"report", "overall_accuracy", "% right", "%.2f %% right", 100},
                {"grid_best", "accuracy", "% right at best", "%.2f %% right at best", 1},
                {"result", "mse", "mean squared error", "mean squared error %.4g", 1},
                {"result", "mean_squared_error", "mean squared error", "mean squared error %.4g", 1},
                {"forecast", "mae", "mean absolute error", "mean absolute error %.4g", 1},
                {"result", "clusters", "clusters", "%.0f clusters", 1},
                {"result", "suggested_epsilon", "epsilon", "epsilon %.4g suggested", 1},
                {"result", "nsv", "support vectors", "%.0f support vectors", 1},
                {"trained", "val_loss", "validation loss", "validation loss %.4g", 1},
                {"epoch", "val_accuracy", "% right in validation", "%.2f %% right in validation", 100},
                {"epoch", "loss", "loss", "loss %.4g", 1},
                {"result", "rows", "rows", "%.0f rows", 1}};
enum { OUTCOMES = sizeof outcomes / sizeof *outcomes };

/* @return which of them the run has; OUTCOMES: none */
static int outcome_of(const struct ps_recorded *r, double *value)
{
    int i = 0;
    for (*value = NAN; i < OUTCOMES; i++) {
        /* of a forecast the first line is the net's */
        const bool forecast = strcmp(outcomes[i].event, "forecast") == 0;
        *value =
            outcomes[i].factor * ps_recorded_num(ps_recorded_event(r, outcomes[i].event, forecast ? 0 : -1),
                                                 outcomes[i].field, NAN);
        if (!isnan(*value)) break;
    }
    return i;
}

void report_outcome(const struct ps_recorded *r, char *out, size_t room)
{
    double value;
    const int i = outcome_of(r, &value);
    out[0] = '\0';
    if (i < OUTCOMES) snprintf(out, room, outcomes[i].format, value);
}

double report_outcome_number(const struct ps_recorded *r, const char **name)
{
    double value;
    const int i = outcome_of(r, &value);
    *name = i < OUTCOMES ? outcomes[i].name : "";
    return value;
}

void report_overview(FILE *to, const struct ps_records *records)
{
    char text[128];
    fputs("<h2>Runs</h2>\n<table "
          "class=\"cards\"><thead><tr><th>run</th><th>program</th><th>begun</th><th>status</th>"
          "<th class=\"n\">ranks x threads</th><th class=\"n\">seconds</th><th class=\"n\">MB on a rank</th>"
          "<th>outcome</th></tr></thead><tbody>\n",
          to);
    for (int64_t i = 0; i < records->runs; i++) {
        const struct ps_recorded *r = &records->run[i];
        const struct ps_recorded_event *start = ps_recorded_event(r, "start", 0),
                                       *end = ps_recorded_event(r, "end", -1);
        const char *status = report_status(r);
        fprintf(to, "<tr><td data-l=\"run\"><a href=\"#run-%lld\">%lld</a></td>", (long long)i + 1,
                (long long)i + 1);
        report_cell(to, "program", report_program(r));
        report_cell(to, "begun", ps_recorded_str(start, "date", "unknown"));
        fprintf(to, "<td data-l=\"status\"><span class=\"%s\">%s</span></td>", status, status);
        snprintf(text, sizeof text, "%.0f x %.0f", ps_recorded_num(start, "ranks", NAN),
                 ps_recorded_num(start, "threads", NAN));
        fprintf(to, "<td class=\"n\" data-l=\"ranks x threads\">%s</td>", start ? text : "&ndash;");
        /* of one that did not end: until its last line */
        const double last = r->events > 0 ? r->event[r->events - 1].time : NAN;
        report_cell_number(to, "seconds", ps_recorded_num(end, "elapsed", last), 4);
        report_cell_number(to, "MB on a rank", round(ps_recorded_num(end, "memory_max", NAN) / 1e6), 4);
        report_outcome(r, text, sizeof text);
        report_cell(to, "outcome", text);
        fputs("</tr>\n", to);
    }
    fputs("</tbody></table>\n", to);
}
