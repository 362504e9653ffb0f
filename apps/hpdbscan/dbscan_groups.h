/** Which ranks concern the own points of a bin. */
#ifndef DBSCAN_GROUPS_H
#define DBSCAN_GROUPS_H

#include "apps/hpdbscan/dbscan_trie.h"

/** A box of a rank that some of a bin's points may be near to; box NULL: all are. */
struct dbscan_near {
    int rank;
    const double *box; /**< [2 d] borrowed from the trie */
};

/** A coarse cell of no own bins with lists; of several bins of which some have lists. */
enum { DBSCAN_NONE = -1, DBSCAN_MANY = -2 };

/** A list for each bin of one rank. */
struct dbscan_groups {
    int64_t bin0, n; /**< first own bin; own bins */
    int32_t *coarse; /**< [2^DBSCAN_COARSE_BITS] the bin, counted from bin0, that is the coarse cell; or
                          DBSCAN_NONE, DBSCAN_MANY; owned */
    int64_t *first;  /**< [n + 1] where a bin's list starts in `near`; owned */
    struct dbscan_near *near; /**< [first[n]] ascending by rank within a bin; owned */
};

/** Walk down the trie for every own bin, pruning what is farther than eps from the bin's box. Local.
 * @return PS_OK; PS_ENOMEM */
enum ps_status dbscan_groups_make(const struct dbscan_cut *cut, const struct dbscan_trie *trie,
                                  const struct dbscan_domain *dom, double eps, struct dbscan_groups *out);
void dbscan_groups_free(struct dbscan_groups *g);

#endif
