/** Points to the ranks that own their keys, and their labels back. */
#ifndef DBSCAN_MOVE_H
#define DBSCAN_MOVE_H

#include "apps/hpdbscan/dbscan_trie.h"
#include "common/par/exchange.h"

/** What went where. A rank's own points stand in the order of the input rows: blocks of rows come from the
 * ranks in order, and each rank sends its rows in order. */
struct dbscan_move {
    struct ps_exchange plan;
    size_t row;      /**< bytes of a point */
    int64_t n, own;  /**< points read here, and points owned here */
    int64_t room;    /**< rows that the array of moved points has room for; pages that no halo fills cost
                          nothing */
    uint32_t *order; /**< [n] row, counted from this rank's first, of the i-th point sent; owned */
    char *packed;    /**< [n - those that stay] rows as they are sent, until the move has run; owned */
    char *moved;     /**< [room] own rows; those that stay are in place once packed; owned until the move has
                          run */
};

/** Pack the points by owner, and give the trie its boxes on the way. Collective over comm. After it the
 * points are not needed.
 * @param trie of the cut; out: its boxes, and which cells are seen
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status dbscan_move_pack(MPI_Comm comm, const struct ps_points *p, const struct dbscan_domain *dom,
                                const struct dbscan_cut *cut, struct dbscan_trie *trie,
                                struct dbscan_move *out);

/** Move them. Collective over the packing's communicator.
 * @param own out [m->own] rows, with room for m->room; allocated here, the caller frees
 * @return PS_OK; PS_EMPI */
enum ps_status dbscan_move_run(struct dbscan_move *m, void **own);

/** Bring labels back to the rows they belong to. Collective over the packing's communicator.
 * @param largest no |label| is more, on any rank: labels travel as 32-bit numbers where they fit
 * @param own   [m->own] labels of own points; owned by the caller, freed here as soon as they are sent
 * @param label out [m->n] in the order of this rank's rows; allocated here, the caller frees
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status dbscan_move_back(const struct dbscan_move *m, int64_t *own, int64_t largest, int64_t **label);

/** Bytes of a label under way. Local. */
static inline int64_t dbscan_move_label_size(int64_t largest)
{
    return largest <= INT32_MAX ? 4 : 8;
}

void dbscan_move_free(struct dbscan_move *m);

#endif
