#include "kernels/nn/cu_edge.h"
#include "kernels/nn/cu_flat.h"

enum { GROUP = 8 /* elements of 16 bytes */ };

#define EACH(i, n) PS_FLAT_ROUNDS(round_, n) PS_FLAT_EACH_OF(i, j_, round_, n)

/** A thread writes 16 bytes at a time. */
static __global__ void ps_edge_in_wide(int64_t rows, int64_t n, int64_t groups, const float *from, uint4 *to)
{
    EACH(i, rows * groups)
    {
        const int64_t row = i / groups, at = i % groups * GROUP;
        uint32_t pair[GROUP / 2];
        for (int k = 0; k < GROUP; k += 2) {
            const float low = at + k < n ? from[row * n + at + k] : 0;
            const float high = at + k + 1 < n ? from[row * n + at + k + 1] : 0;
            pair[k / 2] = ps_half_of(low) | (uint32_t)ps_half_of(high) << 16;
        }
        to[i] = make_uint4(pair[0], pair[1], pair[2], pair[3]);
    }
}

static __global__ void ps_edge_out_wide(int64_t rows, int64_t n, int64_t wide, const ps_half *from, float *to,
                                        bool add)
{
    EACH(i, rows * n)
    {
        const float v = ps_half_get(from[i / n * wide + i % n]);
        to[i] = add ? to[i] + v : v;
    }
}

static __global__ void ps_edge_add_halves(int64_t n, const ps_half *from, ps_half *to)
{
    EACH(i, n) to[i] = ps_half_of(ps_half_get(to[i]) + ps_half_get(from[i]));
}

static __global__ void ps_edge_add_singles(int64_t n, const float *from, ps_half *to)
{
    EACH(i, n) to[i] = ps_half_of(ps_half_get(to[i]) + from[i]);
}

void ps_edge_in(int64_t rows, int64_t n, int64_t wide, const float *from, ps_half *to)
{
    const int64_t groups = wide / GROUP;
    if (n == wide)
        ps_nn_to_half_cu(rows * n, from, to);
    else
        PS_LAUNCH(ps_edge_in_wide, ps_flat_blocks(rows * groups), PS_FLAT_BLOCK, 0, rows, n, groups, from,
                  (uint4 *)to);
}

void ps_edge_out(int64_t rows, int64_t n, int64_t wide, const ps_half *from, float *to, bool add)
{
    if (n == wide)
        ps_nn_from_half_cu(rows * n, from, to, add);
    else
        PS_LAUNCH(ps_edge_out_wide, ps_flat_blocks(rows * n), PS_FLAT_BLOCK, 0, rows, n, wide, from, to, add);
}

void ps_edge_add(int64_t n, const ps_half *from, ps_half *to)
{
    PS_LAUNCH(ps_edge_add_halves, ps_flat_blocks(n), PS_FLAT_BLOCK, 0, n, from, to);
}

void ps_edge_add_floats(int64_t n, const float *from, ps_half *to)
{
    PS_LAUNCH(ps_edge_add_singles, ps_flat_blocks(n), PS_FLAT_BLOCK, 0, n, from, to);
}
