/** Node-local exact DBSCAN as a table of back ends.
 * Source: Ester, Kriegel, Sander, Xu (1996); cells of side eps/sqrt(d): Gunawan (2013), Gan and Tao (2015).
 *
 * The steps are separate because a distributed program exchanges flags and names between them. All per-point
 * arrays are in the order of the points given. Two points are neighbours when the sum over k, in order, of
 * (x_k - y_k)^2, evaluated in double precision without contraction, is <= eps*eps; 64-bit integers are
 * subtracted exactly first. */
#ifndef PS_DBSCAN_KERNELS_H
#define PS_DBSCAN_KERNELS_H

#include <stdint.h>
#include "kernels/status.h"
#include "kernels/view.h"

struct ps_dbscan; /* a back end's index over the points */

enum ps_dbscan_index { PS_INDEX_AUTO, PS_INDEX_GRID, PS_INDEX_TREE };

struct ps_dbscan_spec {
    struct ps_points points; /**< finite coordinates; at most 2^32 - 2 points; borrowed until core points are
                                known (the index keeps a copy) */
    int64_t own;             /**< points [0, own) belong to this rank, [own, n) are its halo */
    double eps;              /**< > 0, finite */
    int64_t min_points;      /**< >= 1; the point itself counts */
    enum ps_dbscan_index index;
    int64_t memory; /**< bytes that a back end on a device may take there */
};

/** What was done, for records: additive over ranks. */
struct ps_dbscan_work {
    int64_t cells; /**< non-empty cells or leaves */
    int64_t
        distances; /**< point pairs whose distance was evaluated (upper bound where SIMD lanes ran idle) */
    int64_t links; /**< pairs of cells examined for a connection */
};

struct ps_dbscan_kernels {
    const char *name;

    /** Points of such type and dimensions that an index takes at most; NULL: any number. A back end on a
     * device, whose arguments lie on the host as those of others do, is bounded by the spec's memory. */
    int64_t (*fits)(const struct ps_dbscan_spec *spec);

    /** Build the index. Like the other functions @return PS_OK; PS_ENOMEM; PS_EBACKEND (a device failed). */
    enum ps_status (*create)(const struct ps_dbscan_spec *spec, struct ps_dbscan **out);

    /** Find the core points among the own points.
     * @param core out [n]: 1 = core, 0 = not, for points [0, own); the rest is untouched */
    enum ps_status (*core)(struct ps_dbscan *s, uint8_t *core);

    /** Connect core points that are neighbours, at least every pair with an own point in it.
     * @param core      [n], halo flags filled in by the caller
     * @param component out [n]: number in [0, *components) for core points, UINT32_MAX for others
     * @param components out: how many */
    enum ps_status (*connect)(struct ps_dbscan *s, const uint8_t *core, uint32_t *component,
                              uint32_t *components);

    /** Give every own point its label: -cluster for core points; cluster for border points, the smallest
     * cluster number among their core neighbours; 0 for noise.
     * @param cluster [components]: cluster number >= 1 of each component
     * @param label   out [own] */
    enum ps_status (*label)(struct ps_dbscan *s, const int64_t *cluster, int64_t *label);

    struct ps_dbscan_work (*work)(const struct ps_dbscan *s);
    void (*destroy)(struct ps_dbscan *s);
};

extern const struct ps_dbscan_kernels ps_dbscan_ref; /**< all pairs, plain: the oracle */
extern const struct ps_dbscan_kernels ps_dbscan_cpu; /**< grid or k-d tree, OpenMP, SIMD */

#endif
