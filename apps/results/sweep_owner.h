/** Who holds a claim, and whether that process is known to be gone. Local. */
#ifndef SWEEP_OWNER_H
#define SWEEP_OWNER_H

#include <stdbool.h>
#include <stddef.h>

/** A process, told apart from all others: by host, boot and name space of process numbers, number and start.
 */
struct sweep_owner {
    char host[65], boot[40], space[40], pid[16], start[24];
    char job[32], restart[16]; /**< of Slurm; "" = none */
};

void sweep_owner_self(struct sweep_owner *o);

/** As lines of text, and back. */
void sweep_owner_write(const struct sweep_owner *o, char *text, size_t room);
void sweep_owner_parse(const char *text, struct sweep_owner *o);

/** Is it known to be gone: ended on this host, or before this host's last start, or an earlier run of this
 * requeued job? False where nobody can tell from here. */
bool sweep_owner_gone(const struct sweep_owner *self, const struct sweep_owner *other);

/** Slurm's queue, as it was when it was last asked for. */
struct sweep_queue {
    double asked; /**< seconds, of any clock; 0 = never */
    char *jobs;   /**< a line each, behind an empty one; NULL: no answer; owned */
};

/** Has its Slurm job, which ran at time `seen`, ended by `now`? Asks squeue, but not within half a minute of
 * the last time; false where there is none or it gives no answer. */
bool sweep_owner_job_ended(struct sweep_queue *q, const struct sweep_owner *other, double seen, double now);

#endif
