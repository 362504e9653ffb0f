/** From a trial of the grid to the command that runs it. Local. */
#ifndef SWEEP_TRIAL_H
#define SWEEP_TRIAL_H

#include "apps/results/grid.h"
#include "apps/results/sweep_journal.h"
#include "common/run/words.h"

/** What is the same for all trials. */
struct sweep_command {
    char **program;      /**< program and its arguments, ended by NULL; borrowed */
    bool checkpoints;    /**< a stopped trial goes on: --checkpoint and --resume */
    const double *pause; /**< [rungs - 1] epochs after which training pauses; borrowed */
};

/** Arguments of the program for a piece of work.
 * In the command's arguments {NAME} is a parameter's value, {trial} the trial's number, {dir} its folder,
 * {record} its record. Each parameter that is not named that way is added as --NAME=VALUE, and the record as
 * --record=FILE.
 * @param out begins zeroed; the caller's, also after a failure
 * @return PS_OK; PS_EINPUT (no draw meets the constraints); PS_ENOMEM */
enum ps_status sweep_arguments(const struct sweep_command *c, const struct grid *g,
                               const struct sweep_journal *j, int rung, int64_t trial, struct ps_words *out);

/** `name=value` of all parameters, for people. @param out [room] */
void sweep_describe(const struct grid *g, int64_t trial, char *out, size_t room);

/** The name of a {...} in the command that means nothing. @return NULL if there is none; else within it */
const char *sweep_unknown_place(const struct sweep_command *c, const struct grid *g);

#endif
