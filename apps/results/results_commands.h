/** The commands of psml-results: each is a program with a table of its own. */
#ifndef RESULTS_COMMANDS_H
#define RESULTS_COMMANDS_H

#include "common/run/run.h"

extern const struct ps_program results_sweep_count, results_sweep_list, results_sweep_run,
    results_sweep_table, results_sweep_best;

#endif
