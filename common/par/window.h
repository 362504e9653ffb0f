/** Parts of a distributed list, wherever they are needed. */
#ifndef PS_WINDOW_H
#define PS_WINDOW_H

#include <mpi.h>
#include <stddef.h>
#include "common/par/block.h"
#include "kernels/status.h"

/** Where own elements stand in a list of which every rank holds n, in rank order. Collective over comm.
 * @param total out: elements of all ranks */
struct ps_range ps_window_place(MPI_Comm comm, int64_t n, int64_t *total);

/** Give every rank the elements that it wants of a list whose parts the ranks hold in order. Collective over
 * comm; what several ranks want goes to each of them.
 * @param mine elements [mine.lo, mine.hi) are here; together the ranks hold [0, n), in rank order
 * @param data [mine.hi - mine.lo] elements of `item` bytes; borrowed
 * @param want within [0, n); may be empty
 * @param out  [want.hi - want.lo]; the caller's, not data
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status ps_window_fetch(MPI_Comm comm, struct ps_range mine, const void *data, size_t item,
                               struct ps_range want, void *out);

#endif
