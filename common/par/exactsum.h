/** Sums of doubles without rounding, hence in any order and over any cut of the data: a fixed-point
 * accumulator over the whole range of doubles. Source: Kulisch (2013), Computer Arithmetic and Validity,
 * chapter 8. */
#ifndef PS_EXACTSUM_H
#define PS_EXACTSUM_H

#include <mpi.h>
#include <stdint.h>
#include "kernels/status.h"

enum { PS_EXACT_LIMBS = 68 };

/** An accumulator: limb i counts units of 2^(32 i - 1074). All zeros is the empty sum. Up to 2^30 additions.
 */
struct ps_exact {
    int64_t limb[PS_EXACT_LIMBS];
};

/** Add a finite number. Local; one accumulator belongs to one thread. */
void ps_exact_add(struct ps_exact *s, double x);

/** The sum, rounded once to the nearest double. Local. */
double ps_exact_value(const struct ps_exact *s);

/** Sum n accumulators over the ranks; all ranks get the result. Collective over comm; MPI_COMM_NULL: does
 * nothing.
 * @return PS_OK; PS_EMPI */
enum ps_status ps_exact_reduce(MPI_Comm comm, struct ps_exact *s, int n);

#endif
