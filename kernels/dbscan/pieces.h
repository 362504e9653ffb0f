/** Exact DBSCAN through a table that takes only so many points at once: where they are more, they are cut
 * into pieces with a halo of epsilon, the table goes through one after the other, and components of different
 * pieces are joined by the points that several have. The steps and results are those of dbscan_kernels.h. */
#ifndef PS_DBSCAN_PIECES_H
#define PS_DBSCAN_PIECES_H

#include <stdbool.h>
#include "kernels/dbscan/dbscan_kernels.h"

struct ps_dbscan_pieces;

/** Build the index of all points, where they fit. The functions @return PS_OK; PS_ENOMEM; PS_EBACKEND (a
 * device failed; `core`, `connect`, `label`: the table does not take the points within epsilon of one) */
enum ps_status ps_dbscan_pieces_create(const struct ps_dbscan_kernels *base,
                                       const struct ps_dbscan_spec *spec, struct ps_dbscan_pieces **out);

/** Do the points not fit? Then they are borrowed until `destroy`. */
bool ps_dbscan_pieces_cut(const struct ps_dbscan_pieces *s);

/** In how many pieces `core` went through the points; 1: all at once. */
int64_t ps_dbscan_pieces_made(const struct ps_dbscan_pieces *s);

enum ps_status ps_dbscan_pieces_core(struct ps_dbscan_pieces *s, uint8_t *core);
enum ps_status ps_dbscan_pieces_connect(struct ps_dbscan_pieces *s, const uint8_t *core, uint32_t *component,
                                        uint32_t *components);
enum ps_status ps_dbscan_pieces_label(struct ps_dbscan_pieces *s, const int64_t *cluster, int64_t *label);
struct ps_dbscan_work ps_dbscan_pieces_work(const struct ps_dbscan_pieces *s);
void ps_dbscan_pieces_destroy(struct ps_dbscan_pieces *s); /**< NULL is fine. */

#endif
