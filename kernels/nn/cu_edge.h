/** Arrays at the edges of products in bf16, whose rows there may be wider: [rows][wide] bf16 of [rows][n]
 * floats, the rest 0. */
#ifndef PS_NN_CU_EDGE_H
#define PS_NN_CU_EDGE_H

#include "kernels/nn/cu.h"

/** How wide rows of n are, so that tensor cores read them: a multiple of 8. */
static inline int64_t ps_edge_wide(int64_t n)
{
    return (n + 7) / 8 * 8;
}

/** To bf16, rounded. @param wide at least n; where it is more, a multiple of 8 */
void ps_edge_in(int64_t rows, int64_t n, int64_t wide, const float *from, ps_half *to);
/** Back from it; `add`: to what is there. */
void ps_edge_out(int64_t rows, int64_t n, int64_t wide, const ps_half *from, float *to, bool add);
/** to += from, n elements. */
void ps_edge_add(int64_t n, const ps_half *from, ps_half *to);
void ps_edge_add_floats(int64_t n, const float *from, ps_half *to);

#endif
