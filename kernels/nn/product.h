/** The matrix product under dense layers, convolutions and recurrent layers, for one thread. */
#ifndef PS_NN_PRODUCT_H
#define PS_NN_PRODUCT_H

#include <stdbool.h>
#include <stdint.h>
#include "kernels/lanes.h"

/** Columns of a panel: as many as a tile of sums is wide. */
enum { PS_PANEL_COLS = PS_LANES == 16 ? 64 : 2 * PS_LANES };

enum { PS_SOON = 3 };

/** Arrays that are needed after products, and fetched into the second cache while these go on: `step` bytes
 * of each for each row of a panel that a tile reads. */
struct ps_soon {
    const char *at[PS_SOON];
    int64_t step[PS_SOON];
};

/** c = sum over s < batch of a_s b_s, [lines m][k] times [k][n]. Rows of a and b may overlap or lie apart;
 * those of c must not overlap, but lines may where c is added to. Every sum is one chain of fused
 * multiply-adds over s and k, whatever m, n and the blocks are in which it is done. */
struct ps_product {
    int64_t m, n, k, batch;
    int64_t lines;  /**< of m rows each, as images have them; 0: one */
    const float *a; /**< a_s[l m + i][p] = a[s a_next + l a_line + i a_row + p a_col] */
    int64_t a_row, a_col, a_next, a_line;
    const float *b; /**< b_s[p][j] = b[s b_next + p b_row + j], or by panels: j / PS_PANEL_COLS * b_panel +
                       j % PS_PANEL_COLS instead of j */
    int64_t b_row, b_next, b_panel;
    float *c; /**< c[l m + i][j] = c[l c_line + i c_row + j] */
    int64_t c_row, c_line;
    bool add;             /**< to what is in c */
    const float *bias;    /**< [n] instead of zero to begin with, where c is not added to; or NULL */
    bool relu;            /**< in the end sums below zero become zero; NaN stays */
    struct ps_soon *soon; /**< what to fetch meanwhile; whole panels only; or NULL */
    bool half;            /**< a and b are rounded to bf16, sums are not; one line; panels are halved ones */
};

/** Floats of scratch for products whose operands lie far apart; k: their whole depth. */
int64_t ps_product_work(int64_t n, int64_t k);

/** @param work [ps_product_work(n, k batch)], or NULL: operands are read where they are; never NULL where
 * `half` */
void ps_product(const struct ps_product *p, float *work);

/** Bytes a step by which so many floats are fetched while [m][k] is multiplied by [k][n]. */
int64_t ps_soon_step(int64_t floats, int64_t m, int64_t n, int64_t k);

/** Elements of b [k][n] in panels, with zeros to fill the last. */
int64_t ps_panels(int64_t n, int64_t k);

/** Write panels [lo, hi) of b[p][j] = from[p row + j col]; row or col is 1.
 * @param panel floats from a panel to the next: at least k PS_PANEL_COLS */
void ps_panels_fill(int64_t n, int64_t k, const float *from, int64_t row, int64_t col, int64_t lo, int64_t hi,
                    float *panels, int64_t panel);

/** Panels [lo, hi) of k rows in place to bf16: elements become pairs of two rows, k / 2 rows of them. */
void ps_panels_halve(int64_t k, int64_t lo, int64_t hi, float *panels, int64_t panel);

#endif
