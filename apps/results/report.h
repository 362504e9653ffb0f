/** The report: one HTML page of all runs of some records. Everything is written to `to`, escaped. Local. */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>
#include "apps/results/figure.h"
#include "apps/results/scaling.h"
#include "common/run/recordfile.h"

/** Text where letters matter to HTML. */
void report_text(FILE *to, const char *text);

/** A number as people write it: whole ones without a point, others with `digits` digits. */
void report_number(FILE *to, double v, int digits);

/** The same with the unit that a record's number of this name has. */
void report_quantity(FILE *to, const char *name, double v, int digits);

/** A figure of the page's grid of figures. @param caption below it; NULL: none */
void report_figure(FILE *to, const struct figure *f);
void report_figure_said(FILE *to, const struct figure *f, const char *caption);

/** A cell of a table; `label` stands before it where the table is shown as cards. */
void report_cell(FILE *to, const char *label, const char *text);
void report_cell_number(FILE *to, const char *label, double v, int digits);

/** A run's program, as a text that is never NULL, and "ok", "stopped", "failed" or "unfinished". */
const char *report_program(const struct ps_recorded *r);
const char *report_status(const struct ps_recorded *r);

/** What a run came to, in a few words: accuracy, loss, clusters. @param out "" if it does not say */
void report_outcome(const struct ps_recorded *r, char *out, size_t room);

/** The same as a number. @param name out: what it is; "" with NaN */
double report_outcome_number(const struct ps_recorded *r, const char **name);

/** Head of the page with its style, and its end. */
void report_head(FILE *to, const char *title);
void report_tail(FILE *to);

/** All runs in a table. */
void report_overview(FILE *to, const struct ps_records *records);

/** Runs of one program beside each other: the parameters in which they differ, and what came out.
 * @return PS_OK; PS_ENOMEM */
enum ps_status report_compare(FILE *to, const struct ps_records *records);

/** How programs scale, for those with runs on different numbers of workers. @return PS_OK; PS_ENOMEM */
enum ps_status report_scaling(FILE *to, const struct ps_records *records);

/** One run. @param number of the run, for links @return PS_OK; PS_ENOMEM */
enum ps_status report_run(FILE *to, const struct ps_recorded *r, int64_t number, bool open);

/** Figures of a run, each if it has what it needs. @return PS_OK; PS_ENOMEM */
enum ps_status report_epochs(FILE *to, const struct ps_recorded *r);
enum ps_status report_confusion(FILE *to, const struct ps_recorded *r);
enum ps_status report_grid(FILE *to, const struct ps_recorded *r);
enum ps_status report_forecast(FILE *to, const struct ps_recorded *r);
enum ps_status report_phases(FILE *to, const struct ps_recorded *r);
void report_roofline(FILE *to, const struct ps_recorded *r);
void report_predicted(FILE *to, const struct ps_recorded *r);

/** Pictures that the run wrote, as far as their files are there. @return PS_OK; PS_ENOMEM */
enum ps_status report_pictures(FILE *to, const struct ps_recorded *r);

#endif
