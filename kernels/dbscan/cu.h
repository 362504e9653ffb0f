/** The CUDA back end of DBSCAN. */
#ifndef PS_DBSCAN_CU_H
#define PS_DBSCAN_CU_H

#include "kernels/dbscan/dbscan_kernels.h"

/** Points and what belongs to them lie on the device between the steps. Sorted by cells of a grid, of up to
 * 3 dimensions those of side eps/sqrt(d) where their keys fit, else by wider ones of a few dimensions, which
 * only narrow down who can be a neighbour. */
extern const struct ps_dbscan_kernels ps_dbscan_cu;

#endif
