/** Windows of many places side by side, as products read them. */
#ifndef PS_NN_CONV_GATHER_H
#define PS_NN_CONV_GATHER_H

#include "kernels/nn/nn_kernels.h"
#include "kernels/nn/product.h"

/** Images, and the places at which windows over them are read: line v and column u of the window at place
 * (row, col) of an image is x at line row step + top + v next and column col step + left + u next. */
struct ps_gather {
    const float *x; /**< [images][height][width][channels]; channels a multiple of PS_PANEL_COLS */
    int64_t height, width, channels;
    int64_t rows, cols; /**< places of an image */
    int64_t step, top, left, next;
    int64_t lines, across; /**< of the window */
    struct ps_nn_read read;
};

/** Pieces of a window: PS_PANEL_COLS channels of one of its places each. */
int64_t ps_gather_pieces(const struct ps_gather *g);

/** Pieces [first, end) of the windows at places [lo, hi), counted through all images; what is beyond the
 * borders is 0. @param to out [end - first][hi - lo][PS_PANEL_COLS] */
void ps_gather(const struct ps_gather *g, int64_t lo, int64_t hi, int64_t first, int64_t end, float *to);

#endif
