/** Own points in groups by key prefix (the bins of the cut), and which ranks each group concerns. */
#ifndef DBSCAN_GROUPS_H
#define DBSCAN_GROUPS_H

#include "apps/hpdbscan/dbscan_trie.h"

/** Ranks near a group: a box of a rank that some of the group's points may be near to; box NULL: all are
 * taken. */
struct dbscan_near {
    int rank;
    const double *box; /**< [2 d] borrowed from the trie */
};

/** The groups of one rank. */
struct dbscan_groups {
    int64_t n;                /**< groups = own bins */
    uint32_t *of;             /**< [own points] group of each point; owned */
    double *box;              /**< [n][2 d] tight boxes; owned */
    int64_t *first;           /**< [n + 1] where a group's list starts in `near`; owned */
    struct dbscan_near *near; /**< [first[n]] ascending by rank within a group; owned */
};

/** Sort own points into groups and find the groups' boxes. Local.
 * @return PS_OK; PS_ENOMEM */
enum ps_status dbscan_groups_make(const struct ps_points *p, const struct dbscan_domain *dom,
                                  const struct dbscan_cut *cut, int rank, struct dbscan_groups *out);

/** Walk the trie for every group. Local.
 * @return PS_OK; PS_ENOMEM */
enum ps_status dbscan_groups_walk(struct dbscan_groups *g, const struct dbscan_trie *trie,
                                  const struct dbscan_domain *dom, double eps);
void dbscan_groups_free(struct dbscan_groups *g);

#endif
