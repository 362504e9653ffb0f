/** A convolution of images in bf16: tiles over places and columns, and what becomes of their sums. */
#ifndef PS_NN_HALF_CONVOLVE_H
#define PS_NN_HALF_CONVOLVE_H

#include "kernels/nn/half_soon.h"
#include "kernels/nn/half_tile.h"
#include "kernels/nn/nn_kernels.h"

/** Places of images, and where, in numbers from the beginning, each reads a window and writes its result. */
struct ps_half_walk {
    int64_t images, rows, cols;
    int64_t from_image, from_line, from_place;
    int64_t to_image, to_line, to_place;
};

/** A place of a walk, and where in the arrays it reads and writes. */
struct ps_half_place {
    int64_t row, col, from, to;
};

/** To the next place. */
static inline void ps_half_step(const struct ps_half_walk *w, struct ps_half_place *at)
{
    at->from += w->from_place;
    at->to += w->to_place;
    if (++at->col < w->cols) return;
    at->col = 0;
    at->from += w->from_line - w->cols * w->from_place;
    at->to += w->to_line - w->cols * w->to_place;
    if (++at->row < w->rows) return;
    at->row = 0;
    at->from += w->from_image - w->rows * w->from_line;
    at->to += w->to_image - w->rows * w->to_line;
}

/** What becomes of sums: forwards they are y, backwards dx. */
struct ps_half_finish {
    void *out;         /**< y or dx, */
    bool half;         /**< in bf16, else float */
    bool add;          /**< to what is in out */
    const float *bias; /**< forwards; or NULL */
    enum ps_nn_act act;
    double *moments; /**< forwards, [2][n], or NULL: sums of the differences from the first place's
                        numbers, and of their squares, are added */
    const void *x;   /**< backwards: of out's type and shape */
    const struct ps_nn_read *read; /**< backwards: of x; NULL: sums pass as they are */
    double *sums;                  /**< backwards, [2][n], or NULL: as in struct ps_nn_pass, added */
};

struct ps_half_convolution {
    struct ps_half_walk walk;
    const uint16_t *x;
    int64_t to;                   /**< where the walk begins in out */
    int64_t n;                    /**< columns: channels of a result */
    struct ps_half_window window; /**< panel: the first of all, which follow one another */
    struct ps_half_finish finish;
    struct ps_half_soon *soon; /**< what to fetch meanwhile, or NULL */
};

/** All places and columns. */
void ps_half_convolve(const struct ps_half_convolution *v);

/** Sums of a tile.
 * @param sums of columns [j, j + width)
 * @param to where rows of results begin in f->out
 * @param n numbers of a row of moments and sums */
struct ps_half_sums {
    float (*sums)[PS_PANEL_COLS];
    const int64_t *to;
    int rows, width;
    int64_t j, n;
};

void ps_half_finish_forward(const struct ps_half_finish *f, const struct ps_half_sums *s);
void ps_half_finish_backward(const struct ps_half_finish *f, const struct ps_half_sums *s);

#endif
