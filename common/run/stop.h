/** Stop signals: SIGUSR1 and SIGTERM ask the run to write a checkpoint and leave with status 85. */
#ifndef PS_STOP_H
#define PS_STOP_H

#include <mpi.h>
#include <stdbool.h>

/** True once this process was asked to stop. Local; ranks may differ: put it into a reduction the loop makes
 * anyway. */
bool ps_stop_seen(void);

/** The signal that asked, the last one of several; 0 = none. Local. */
int ps_stop_signal(void);

/** True if any rank was asked. Collective over comm. */
bool ps_stop_agree(MPI_Comm comm);

#endif
