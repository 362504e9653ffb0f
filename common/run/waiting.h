/** How long this rank's main thread is in MPI or waits for other ranks: what is not useful work, in the sense
 * of the POP metrics (Wagner et al. 2018, "A structured approach to performance analysis"). Functions of MPI
 * count by themselves (waiting_mpi.c); loops that wait in shared memory say so. Local. */
#ifndef PS_WAITING_H
#define PS_WAITING_H

#include <stdbool.h>

/** Count from now on, or no more. Called by the thread that calls MPI; what others do is not counted. */
void ps_wait_watch(bool on);

/** Around a wait; may be nested. Nothing where nobody counts, or on another thread. */
void ps_wait_begin(void);
void ps_wait_end(void);

/** What was counted so far. */
struct ps_waited {
    double seconds; /**< inside waits */
    double cpu;     /**< processor seconds of all threads of the process outside of waits */
};
struct ps_waited ps_waited(void);

#endif
