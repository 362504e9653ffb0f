/** Several runs of a program in one job: its ranks are split into parts, and each part is a run of its own.
 */
#ifndef PS_TRIALS_H
#define PS_TRIALS_H

#include "common/run/run_parts.h"
#include "common/run/words.h"

/** Make this rank part of its trial. Collective over run->comm, which is all ranks.
 * The file s->common->trials has a line a trial: the file to which it prints (`-`: where the job prints),
 * then arguments, which follow those of the command line; lines that are empty or begin with # mean nothing.
 * Parts are as equal as may be. run->comm, rank and size become those of the part; s is made anew, to be read
 * again.
 * @param argv out, begins zeroed: all arguments of the trial; the caller's
 * @return (agreed by all) PS_OK; PS_EUSAGE (more trials than ranks); PS_EIO; PS_EINPUT; PS_ENOMEM */
enum ps_status ps_trials_take(struct ps_run *run, struct ps_setup *s, int argc, char **argv,
                              struct ps_words *out);

/** What the job ends with: a failure of any trial before a stop, that before PS_OK. Collective over `all`;
 * waits for all trials without keeping a core busy. run->comm is `all` again. */
enum ps_status ps_trials_end(struct ps_run *run, MPI_Comm all, enum ps_status rc);

#endif
