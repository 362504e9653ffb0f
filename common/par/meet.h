/** Groups of threads that show each other numbers, again and again: what each has goes to all of its group.
 */
#ifndef PS_MEET_H
#define PS_MEET_H

#include "common/par/team.h"

/** Who meets: of the threads of all nodes the first `threads`, cut into groups of `each` neighbours. */
struct ps_meet_plan {
    int64_t threads; /**< a multiple of `each`, at most those of the team */
    int64_t each;
    const char *what; /**< makes groups: for messages */
    int64_t most;     /**< numbers that a thread shows at once, at most */
};

/** All zero: nothing was opened. */
struct ps_meet;

/** Collective over the communicator of the team. Nothing else is done with MPI by groups within a node; those
 * of several nodes are of whole nodes, so that one thread of a node at a time calls MPI.
 * @param team borrowed
 * @return (agreed) PS_OK; PS_EUSAGE (a group has only some of a node's threads, and of another's, too);
 * PS_ENOMEM; PS_EMPI */
enum ps_status ps_meet_open(struct ps_team *team, const struct ps_meet_plan *plan, struct ps_meet **out);
void ps_meet_close(struct ps_meet *m); /**< Collective; NULL is fine. */

/** Place of a thread of this rank in its group; -1: it is in none. Local. */
int ps_meet_member(const struct ps_meet *m, int thread);

/** Show n numbers, and see those of all members. Called by every thread of a group, with the same n; on
 * thread 0 it may call MPI.
 * @param mine [n]; NULL: zeros @return [each][n] in order of threads, until the thread's next call */
const double *ps_meet_show(struct ps_meet *m, int thread, const double *mine, int64_t n);

#endif
