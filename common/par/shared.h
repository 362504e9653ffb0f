/** Memory that the ranks of a node see alike. */
#ifndef PS_SHARED_H
#define PS_SHARED_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>
#include "kernels/status.h"

/** All zero: nothing was opened. */
struct ps_shared {
    void *data; /**< aligned to 64 bytes; not cleared */
    MPI_Win window;
    bool is_window; /**< or else the rank's own, where it is alone */
};

/** Get `bytes` of it, untouched, so that pages take memory when they are written. Reads and writes by several
 * ranks are atomic ones of the compiler. Collective over node.
 * @param node ranks that can share memory, as MPI_COMM_TYPE_SHARED makes them
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status ps_shared_open(MPI_Comm node, int64_t bytes, struct ps_shared *out);
void ps_shared_close(struct ps_shared *s); /**< Collective over node. */

#endif
