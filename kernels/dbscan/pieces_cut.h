/** Cutting points into pieces of bounded size for neighbours within epsilon. */
#ifndef PS_DBSCAN_PIECES_CUT_H
#define PS_DBSCAN_PIECES_CUT_H

#include "kernels/status.h"
#include "kernels/view.h"

/** What a cut is made by. */
struct ps_pieces_rule {
    struct ps_points points; /**< finite coordinates; borrowed */
    double eps;
    int64_t most; /**< points of a piece, its halo included */
    /** Called for one piece after the other.
     * @param point [n] numbers of points: [0, own) are the piece's own, the others its halo; borrowed for the
     * call
     * @return PS_OK, or a status that ends the cut */
    enum ps_status (*visit)(void *context, const uint32_t *point, int64_t own, int64_t n);
    void *context;
};

/** Cut a set of points by a k-d tree, at medians of the widest dimension, as far down as `most` asks. Each
 * own point of the set is an own point of exactly one piece, and a piece's halo has all other points of the
 * set that are neighbours of its own, in the exact sense of dbscan_kernels.h, and some more.
 * @param point [n] numbers of points: [0, own) own, the others halo; borrowed, left as
 * they are @return PS_OK; PS_ENOMEM; PS_EBACKEND (more than `most` points around one); what `visit` returns
 */
enum ps_status ps_pieces_cut(const struct ps_pieces_rule *rule, uint32_t *point, int64_t own, int64_t n);

#endif
