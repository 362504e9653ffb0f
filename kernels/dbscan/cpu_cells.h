/** Lists of cells, from marks on points. */
#ifndef PS_DBSCAN_CPU_CELLS_H
#define PS_DBSCAN_CPU_CELLS_H

#include "kernels/dbscan/cpu_state.h"

/** Fill s->all (without keys). Local. @param first [n] 1 where a cell begins @return PS_OK; PS_ENOMEM */
enum ps_status ps_dbscan_cells_all(struct ps_dbscan *s, const uint8_t *first);

/** Fill s->cores from s->all. Local. @param end [all.n] where the core points of a cell end @return PS_OK;
 * PS_ENOMEM */
enum ps_status ps_dbscan_cells_cores(struct ps_dbscan *s, const uint32_t *end);

/** Put keys above all behind the last: searches then need no bound. Local. */
void ps_dbscan_cells_end(struct ps_cells *cells);

#endif
