/** Sums of products of numbers in bf16 that stay in registers over the whole depth: a tile. */
#ifndef PS_NN_HALF_TILE_H
#define PS_NN_HALF_TILE_H

#include "kernels/nn/product.h"

enum {
    PS_HALF_VECS = PS_PANEL_COLS / PS_LANES, /* vectors of a panel */
    PS_HALF_ROWS = 6,                        /* rows of a tile */
    PS_HALF_GROUP = 16                       /* rows that are copied side by side */
};

/** A window, as all rows of a tile have it, and weights. */
struct ps_half_window {
    const float *panel; /**< [runs][pairs][PS_PANEL_COLS] pairs */
    int64_t runs;       /**< lines of the window */
    int64_t step;       /**< numbers from a line to the next */
    int64_t pairs;      /**< pairs of neighbours in a line */
};

/** sums[r][j] = sum over the window at row[r] of its numbers times those of column j, j < vecs PS_LANES.
 * @param rows 1 to PS_HALF_ROWS
 * @param vecs 1 to PS_HALF_VECS */
void ps_half_sum_windows(const struct ps_half_window *w, const uint16_t *const *row, int rows, int vecs,
                         float (*sums)[PS_PANEL_COLS]);

/** c[r][j] = sum over pairs of a[pair][r] b[pair][j], or added to it.
 * @param a [pairs][PS_HALF_GROUP] pairs, from a row on
 * @param b [pairs][PS_PANEL_COLS] pairs
 * @param rows 1 to PS_HALF_ROWS
 * @param cols 1 to PS_PANEL_COLS
 * @param c_row floats from a row of c to the next */
void ps_half_sum_pairs(int64_t pairs, const float *a, const float *b, int rows, int cols, float *c,
                       int64_t c_row, bool add);

#endif
