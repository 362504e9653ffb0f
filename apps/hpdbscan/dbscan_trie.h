/** The binary trie of keys down to where one rank owns everything, with the boxes of the points there. */
#ifndef DBSCAN_TRIE_H
#define DBSCAN_TRIE_H

#include "apps/hpdbscan/dbscan_balance.h"

/** A node covers the keys of one prefix. Children of an inner node are `child` and `child` + 1, the lower
 * keys first. */
struct dbscan_node {
    int32_t child; /**< first child, or -1: a leaf, owned by one rank */
    int32_t rank;  /**< of a leaf */
};

/** Equal on all ranks. Boxes are those of the points that are there, as doubles, so no rounding of keys
 * enters: a point's distance to a box, evaluated like the distance of two points, is never more than its
 * distance to a point in the box. */
struct dbscan_trie {
    int d, size, rank;
    int32_t nodes, leaves;
    struct dbscan_node *node; /**< [nodes], the root first; owned */
    double *box; /**< [nodes][2 d] minima, then maxima; +inf, -inf where there are no points; owned */
    int32_t
        *leaf; /**< [leaves] node number of each leaf, in key order: a rank's leaves are consecutive; owned */
    uint64_t *start; /**< [leaves + 1] first key of each leaf; owned */
    int32_t *of_bin; /**< [bins] leaf of each bin of the cut; owned */
    uint8_t *seen;   /**< [2^DBSCAN_COARSE_BITS] 1: there are points in the coarse cell; owned */
};

/** Build the trie of a cut, without boxes. Local.
 * @return PS_OK; PS_ENOMEM */
enum ps_status dbscan_trie_make(MPI_Comm comm, const struct dbscan_cut *cut, int d, struct dbscan_trie *out);

/** Give the trie its boxes, and make `seen`, which holds this rank's points, that of all. Collective over
 * comm.
 * @param leaf_box [leaves][2 d] in: boxes of this rank's points in each leaf, whoever owns it; destroyed
 * @return (agreed) PS_OK */
enum ps_status dbscan_trie_boxes(MPI_Comm comm, struct dbscan_trie *t, double *leaf_box);
void dbscan_trie_free(struct dbscan_trie *t);

/** Squared distance of two boxes [2 d], shortened by `slack` per axis; a lower bound of the squared distance,
 * as evaluated, of any two points in them. Local. */
double dbscan_box_distance(int d, const double *a, const double *b, const double *slack);

/** Squared distance from box a's farthest point to box b. Local. */
double dbscan_box_farthest(int d, const double *a, const double *b);

/** Squared distance of a point [d] to a box, as dbscan_box_distance. Local. */
double dbscan_point_distance(int d, const double *x, const double *box, const double *slack);

/** Widen box a by box b. Local. */
void dbscan_box_add(int d, double *a, const double *b);

/** Make an empty box. Local. */
void dbscan_box_clear(int d, double *box);

#endif
