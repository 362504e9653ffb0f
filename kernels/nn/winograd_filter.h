/** Filters of 3 x 3 places at the points of F(4 x 4, 3 x 3). */
#ifndef PS_NN_WINOGRAD_FILTER_H
#define PS_NN_WINOGRAD_FILTER_H

#include <stdbool.h>
#include "kernels/nn/winograd_transform.h"

/* Columns of a panel and of a block of gradients. */
enum { PS_FILTER_COLS = 64 };

/** Floats of transformed filters from k channels to n: by panels of up to PS_FILTER_COLS of the n, in each
 * the points, in each [k][columns of the panel], these rounded up to whole vectors. */
int64_t ps_filter_floats(int64_t k, int64_t n);

/** Panel `panel` of that, and its columns. */
int64_t ps_filter_panel(int64_t k, int64_t panel);
int64_t ps_filter_cols(int64_t n, int64_t panel);

/** Blocks of PS_FILTER_COLS inputs and outputs. */
int64_t ps_filter_blocks(int64_t in, int64_t out);

/** Blocks [lo, hi) of G g G' of w [out][3][3][in].
 * @param forward filters from `in` to `out` @param backward those from `out` to `in` through which gradients
 * go back, g turned round; or NULL. Both aligned to 64 bytes */
void ps_filter_prepare(int64_t in, int64_t out, const float *w, int64_t lo, int64_t hi, float *forward,
                       float *backward);

/** dw (+)= G' s G, turned round, of `count` channels of one output.
 * @param s point f begins at s + f next @param dw from the first channel, [3][3][in] */
void ps_filter_gradient(int64_t in, int64_t count, const float *s, int64_t next, bool add, float *dw);

/** Have that part of dw brought near. */
void ps_filter_fetch(int64_t in, int64_t count, const float *dw);

#endif
