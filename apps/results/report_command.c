/* psml-results report: one HTML page of what runs left behind. */
#include "apps/results/report.h"
#include "apps/results/resultfile.h"
#include "apps/results/results_commands.h"
#include "common/run/log.h"

struct params {
    ps_str records, output, title;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, records, .positional = 1, .many = true, .help = "files that --record wrote"),
    PS_PARAM(struct params, output, .letter = 'o', .def = "report.html", .help = "page to be written"),
    PS_PARAM(struct params, title, .def = "Report of runs", .help = "of the page"),
};

static enum ps_status write_page(FILE *to, const struct ps_records *records, const char *title)
{
    enum { OPEN_MOST = 12 }; /* with more runs only their headings are open */
    report_head(to, title);
    fprintf(to, "<p>%lld run%s.", (long long)records->runs, records->runs == 1 ? "" : "s");
    if (records->cut > 0)
        fprintf(to, " Lines that were cut off by a stop and are left out: %lld.", (long long)records->cut);
    fputs("</p>\n", to);
    report_overview(to, records);
    PS_TRY(report_compare(to, records));
    PS_TRY(report_scaling(to, records));
    if (records->runs > 0) fputs("<h2>Run by run</h2>\n", to);
    for (int64_t i = 0; i < records->runs; i++)
        PS_TRY(report_run(to, &records->run[i], i + 1, records->runs <= OPEN_MOST));
    report_tail(to);
    return PS_OK;
}

static enum ps_status run_report(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    struct ps_records records = {.runs = 0};
    struct resultfile file;
    enum ps_status rc = results_read(run, &records);
    if (rc == PS_OK) rc = resultfile_open(p->output, &file);
    if (rc == PS_OK) rc = resultfile_close(&file, write_page(file.to, &records, p->title));
    if (rc == PS_OK) ps_print(run, "%s: %lld runs\n", p->output, (long long)records.runs);
    ps_records_free(&records);
    return rc;
}

const struct ps_program results_report = {
    .name = "psml-results report",
    .summary = "write one HTML page of runs: curves, confusion matrices, tables, scaling, pictures",
    .synopsis = "[options] RECORD...",
    .rows = rows,
    .nrows = sizeof rows / sizeof *rows,
    .params_size = sizeof(struct params),
    .common = PS_ALONE,
    .run = run_report,
};
