/** Grains: a fixed, recorded cut of the work, so that sums have the same bits on any number of ranks and
 * threads. Source of the tree's error bound: Chan, Golub, LeVeque (1979). */
#ifndef PS_GRAIN_H
#define PS_GRAIN_H

#include <mpi.h>
#include <stdint.h>
#include "common/par/block.h"
#include "kernels/status.h"

/** The grains of a run and those of this rank (contiguous). */
struct ps_grains {
    MPI_Comm comm;
    int64_t count;        /**< grains of the whole run */
    struct ps_range mine; /**< grains of this rank */
};

/** Cut `count` grains over the ranks of comm (count = 0: one per rank). Local; comm is kept, not duplicated.
 */
struct ps_grains ps_grains_make(MPI_Comm comm, int64_t count);

/** Elements [lo, hi) of grain g where n elements are cut into g->count grains. Local. */
struct ps_range ps_grain_range(const struct ps_grains *g, int64_t n, int64_t grain);

/** Sum vectors over all grains in one fixed binary tree over grain numbers. Collective over g->comm.
 * A rank sends only sums of whole subtrees. The bits depend on g->count and the grains' values alone.
 * @param mine [own grains][len], row-major, any unit; borrowed, destroyed (used as work space)
 * @param sum  out [len] on every rank; the caller's
 * @return PS_OK; PS_EMPI */
enum ps_status ps_grain_sum(const struct ps_grains *g, double *mine, int64_t len, double *sum);

#endif
