/** Choosing rows class by class: those with the largest keys, of all ranks. */
#ifndef DATA_SELECT_H
#define DATA_SELECT_H

#include <mpi.h>
#include <stdint.h>
#include "kernels/status.h"

/** Take the want[c] rows of each class that have the largest keys; among equal keys the first rows. The
 * choice is a function of classes, keys and the order of all rows, whatever the ranks. Collective over comm.
 * @param n     own rows; ranks follow each other in order
 * @param class_of [n] in [0, classes); others are never taken
 * @param key   [n]
 * @param want  [classes] equal on all ranks; a class with fewer rows is taken whole
 * @param taken out [n]: 1 or 0; the caller's
 * @return (agreed) PS_OK; PS_ENOMEM */
enum ps_status data_select(MPI_Comm comm, int64_t n, const int32_t *class_of, const uint64_t *key,
                           int classes, const int64_t *want, uint8_t *taken);

#endif
