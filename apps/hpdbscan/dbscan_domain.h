/** Where the points lie, and their Morton keys. */
#ifndef DBSCAN_DOMAIN_H
#define DBSCAN_DOMAIN_H

#include <mpi.h>
#include <stdint.h>
#include "kernels/status.h"
#include "kernels/view.h"

/** Keys are left-aligned in 62 bits: their first n bits are key >> (62 - n). An axis has at most 40 of them.
 */
enum {
    DBSCAN_KEY_BITS = 62,
    DBSCAN_AXIS_BITS = 40,
    DBSCAN_AXIS_BYTES = DBSCAN_AXIS_BITS / 8,
    DBSCAN_COARSE_BITS = 14
};

/** The bounding box of all points and the rule that makes keys from coordinates.
 * Bit b of a key halves the axis whose side is widest after the bits before it: the widest axes are
 * interleaved and cells stay near-cubic whatever the extents. Source: Morton (1966); Orenstein and Merrett
 * (1984). */
struct dbscan_domain {
    int d;
    double *lo, *hi; /**< [d] bounding box over all ranks; +inf, -inf without points; owned */
    double *slack;   /**< [d] how far differences of doubles may lie from those of the coordinates (0 but for
                          64-bit integers); owned */
    double half;     /**< 0.5 where an extent overflows a double, else 1 */
    double *scale;   /**< [d] key cells per unit of (x - lo) * half; 0 = the axis is not in the key; owned */
    double *last;    /**< [d] number of the last key cell along the axis; owned */
    int bits;        /**< bits in use; the others are 0 */
    int axis[DBSCAN_KEY_BITS];                  /**< the axis that bit b halves, first bit first */
    int coarse_bits[DBSCAN_COARSE_BITS];        /**< where bit b of a key stands in a coarse cell's number */
    uint64_t *mask;                             /**< [d] bits of the key that belong to the axis; owned */
    uint64_t (*spread)[DBSCAN_AXIS_BYTES][256]; /**< [d] key bits of each byte of a cell number; owned */
};

/** Find the box of all ranks' points and check that coordinates are finite. Collective over comm.
 * @param first number of this rank's first row in the input, for the message
 * @param name  the input's name, for the message
 * @return (agreed) PS_OK; PS_EINPUT naming the first row and column that is not finite; PS_ENOMEM */
enum ps_status dbscan_domain_make(MPI_Comm comm, const struct ps_points *p, int64_t first, const char *name,
                                  struct dbscan_domain *out);
void dbscan_domain_free(struct dbscan_domain *dom);

/** The box of the coordinates, as doubles, whose keys have a prefix. Local. Faces lie outside by the rounding
 * of keys, so that no such point is outside.
 * @param start smallest key of the prefix
 * @param bits  its length
 * @param box   out [2 d] minima, then maxima */
void dbscan_domain_box(const struct dbscan_domain *dom, uint64_t start, int bits, double *box);

/** Keys of n rows. Local.
 * @param x   [n][d], row-major, as doubles
 * @param key out [n] */
void dbscan_domain_keys(const struct dbscan_domain *dom, const double *x, int64_t n, uint64_t *key);

/** A coarse cell for each row: the first DBSCAN_COARSE_BITS bits of its key, not interleaved but axis after
 * axis, which is quick to find. Local.
 * @param x    [n][d], row-major, as doubles
 * @param cell out [n], < 2^DBSCAN_COARSE_BITS */
void dbscan_domain_coarse(const struct dbscan_domain *dom, const double *x, int64_t n, uint32_t *cell);

/** The coarse cell of a key. Local. */
uint32_t dbscan_domain_coarse_of(const struct dbscan_domain *dom, uint64_t key);

/** Keys of one in `each` of a rank's points, in threads. Local. Points are drawn from runs of `each`, one at
 * a place of its own in each run, so that no period in the order of the rows is seen instead of the points.
 * @param each at least 1; 1: all points in order
 * @param key  out [dbscan_domain_sampled(p->n, each)]
 * @return PS_OK; PS_ENOMEM */
enum ps_status dbscan_domain_keys_of(const struct dbscan_domain *dom, const struct ps_points *p, int64_t each,
                                     uint64_t *key);

/** How many those are. Local. */
static inline int64_t dbscan_domain_sampled(int64_t n, int64_t each)
{
    return n / each + (n % each != 0);
}

#endif
