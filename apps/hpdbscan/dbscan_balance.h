/** Cutting the order of keys into one interval per rank so that the estimated work is equal. */
#ifndef DBSCAN_BALANCE_H
#define DBSCAN_BALANCE_H

#include <mpi.h>
#include <stdint.h>
#include "apps/hpdbscan/dbscan_domain.h"

/** The first look at the keys' histogram takes 14 bits; a heavy bin is then divided by 4 bits at a time. */
enum { DBSCAN_TOP_BITS = 14, DBSCAN_STEP_BITS = 4, DBSCAN_STEP = 1 << DBSCAN_STEP_BITS };

/** A cut: bins are ranges of keys with a common prefix, in the order of keys; a rank owns consecutive bins.
 * Equal on all ranks. */
struct dbscan_cut {
    int size;        /**< ranks */
    int64_t bins;    /**< number of bins */
    uint64_t *start; /**< [bins + 1] first key of each bin; the last entry is 2^62; owned */
    int64_t *count;  /**< [bins] points of all ranks, estimated where keys stand for several; owned */
    int64_t *first;  /**< [size + 1] first bin of each rank; owned */
    double *cost;    /**< [size] estimated cost of each rank's points, in units of a point that needs no
                        distance; owned */
    int32_t *top;    /**< [2^14] by a key's first bits: ~bin, or a row of `next`; owned */
    int32_t (*next)[DBSCAN_STEP]; /**< [rows] by a key's next 4 bits: ~bin, or a row; owned */
};

/** What the estimate needs to know of the clustering. */
struct dbscan_load {
    double eps;
    int64_t min_points;
};

/** Make the cut. Collective over comm.
 * Bins are divided until none has more than 1/32 of a rank's fair share of the cost, or until all its points
 * have one key.
 * @param key  [n] keys of this rank's points, or of some of them
 * @param each points that a key stands for
 * @return (agreed) PS_OK; PS_ENOMEM */
enum ps_status dbscan_cut_make(MPI_Comm comm, const struct dbscan_domain *dom, const struct dbscan_load *load,
                               const uint64_t *key, int64_t n, int64_t each, struct dbscan_cut *out);

/** How many points a key may stand for so that every bin still sees many. Local.
 * @param rows points of all ranks */
int64_t dbscan_cut_each(int64_t rows, int ranks);

void dbscan_cut_free(struct dbscan_cut *cut);

/** The bin of a key. Local. */
static inline int64_t dbscan_cut_bin(const struct dbscan_cut *cut, uint64_t key)
{
    int shift = DBSCAN_KEY_BITS - DBSCAN_TOP_BITS;
    int32_t at = cut->top[key >> shift];
    while (at >= 0) {
        shift -= DBSCAN_STEP_BITS;
        at = cut->next[at][key >> shift & (DBSCAN_STEP - 1)];
    }
    return ~at;
}

/** The rank that owns a bin. Local. */
int dbscan_cut_owner(const struct dbscan_cut *cut, int64_t bin);

/** Estimated cost of `count` points in a bin of `bits` key bits. Local.
 * A point costs 1, and where its cell (side eps/sqrt(d)) is not expected to be core as a whole, a fixed part
 * of the points expected around it, of which the search sees only so many until it has found min_points.
 * @param share [2][DBSCAN_KEY_BITS + 1] from dbscan_cost_shares */
double dbscan_cost(const struct dbscan_load *load, const double (*share)[DBSCAN_KEY_BITS + 1], int64_t count,
                   int bits);

/** The same for work that was done: points held, halo included, and distances evaluated. Local. */
double dbscan_cost_counted(int64_t points, int64_t distances);

/** For bins of each number of key bits: [0] the part of a bin's points expected in a cell, [1] around a
 * point. Local.
 * @param share out [2][DBSCAN_KEY_BITS + 1] */
void dbscan_cost_shares(const struct dbscan_domain *dom, double eps, double (*share)[DBSCAN_KEY_BITS + 1]);

#endif
