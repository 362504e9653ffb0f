/** The commands of psml-results: each is a program with a table of its own. */
#ifndef RESULTS_COMMANDS_H
#define RESULTS_COMMANDS_H

#include "common/run/recordfile.h"
#include "common/run/run.h"

extern const struct ps_program results_sweep_count, results_sweep_list, results_sweep_run,
    results_sweep_table, results_sweep_best;

extern const struct ps_program results_scaling, results_report;

/** Read all files that the arguments name. @return PS_OK; as ps_records_read */
enum ps_status results_read(struct ps_run *run, struct ps_records *out);

#endif
