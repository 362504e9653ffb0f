/** Copies of a product's operands, in the order in which tiles read them. */
#ifndef PS_NN_PRODUCT_COPY_H
#define PS_NN_PRODUCT_COPY_H

#include "kernels/nn/product.h"

/** A part of a product's depth: `count` of the products summed from s on, [q, q + k) of each. */
struct ps_depth {
    int64_t s, count, q, k;
};

/** Rows of b in panels. */
void ps_product_copy_b(const struct ps_product *p, const struct ps_depth *d, float *panels);

/** Rows [i, i + m) of a, column after column; a_row is 1. */
void ps_product_copy_a(const struct ps_product *p, const struct ps_depth *d, int64_t i, int64_t m, float *to);

/** The same in bf16, in pairs along the depth; each of the products summed begins with a pair of its own.
 * Pairs of a row of a stay together where a_col is 1. */
void ps_product_pair_b(const struct ps_product *p, const struct ps_depth *d, float *panels);
void ps_product_pair_a(const struct ps_product *p, const struct ps_depth *d, int64_t i, int64_t m, float *to);

#endif
