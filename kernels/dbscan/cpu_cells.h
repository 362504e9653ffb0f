/** From marks on the first point of each cell to the list of cells. */
#ifndef PS_DBSCAN_CPU_CELLS_H
#define PS_DBSCAN_CPU_CELLS_H

#include "kernels/dbscan/cpu_state.h"

/** Fill s->cells and s->start. Local. @param first [n] 1 where a cell begins @return PS_OK; PS_ENOMEM */
enum ps_status ps_dbscan_cells_from(struct ps_dbscan *s, const uint8_t *first);

#endif
