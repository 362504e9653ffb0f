/** What forward and backward passes of blocked convolutions share. */
#ifndef PS_NN_CONV_BLOCKS_H
#define PS_NN_CONV_BLOCKS_H

#include "kernels/nn/conv_gather.h"

enum {
    COLS = PS_PANEL_COLS,
    DEPTH = 1024,     /* floats of windows that are gathered at once */
    FLOATS = 1 << 17, /* of what is gathered and what is made of it: half a second cache */
    FEW = 96,         /* places of a block at least: they share what is read of the weights; */
    MANY = 512,       /* and at most */
    FEW_BACK = 196    /* backward they share what is added to the gradients of weights, too */
};

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t window_of(const struct ps_nn_conv *l)
{
    return l->at.kernel * l->at.kernel * l->at.channels;
}

/** Is each place of y made of one place of x, and no other of that? */
static inline bool is_single(const struct ps_nn_window *at)
{
    return at->kernel == 1 && at->pad == 0;
}

/** The largest number of places of a block: those whose windows and results, `out` each, fit into the cache.
 */
int64_t ps_block_most(int64_t depth, int64_t out, int64_t few);

/** Places of a block when `all` are cut into nearly even ones of `few` or more. */
int64_t ps_conv_block_of(int64_t all, int64_t depth, int64_t out, int64_t few);

/** Images whose gradients are found together, of n. */
int64_t ps_block_images(const struct ps_nn_conv *l, int64_t n);

/** Lines [line, to) of every stride-th one of the input, of images [first, end); all of them where there are
 * several images. */
struct ps_block_lines {
    int64_t first, end, line, to;
};

/** The first such block of images [first, end), or the one after b. @return whether there is one */
bool ps_block_lines_first(const struct ps_nn_conv *l, int64_t first, int64_t end, struct ps_block_lines *b);
bool ps_block_lines_next(const struct ps_nn_conv *l, int64_t end, struct ps_block_lines *b);

/** Windows of the input. */
struct ps_gather ps_block_windows(const struct ps_nn_conv *l, const struct ps_nn_pass *p);

/** Every stride-th place of the input from (y, x) on is met by the same places of the window: windows of the
 * output, turned round. */
struct ps_gather ps_block_meetings(const struct ps_nn_conv *l, const float *dy, int64_t y, int64_t x);

/** First line (and column) of the window that meets line y of the input; the next is a stride further on. */
static inline int64_t meets(const struct ps_nn_window *at, int64_t y)
{
    return (y + at->pad) % at->stride;
}

/** What is made of windows: y = windows times panels, from `bias` or, where `add`, from what is there. */
struct ps_made {
    const float *panels, *bias;
    int64_t n; /* columns */
    float *y, *work;
    struct ps_soon *soon;
    bool add, relu;
};

/** From the windows at places [lo, hi) of g. */
void ps_block_multiply(const struct ps_gather *g, int64_t lo, int64_t hi, const struct ps_made *f);

/** An array that is needed soon; NULL: none. */
struct ps_need {
    const void *at;
    int64_t floats;
};

/** Rows [lo, hi) of c numbers of an input of a sum, in floats or in bf16. */
struct ps_need ps_block_need_rows(const void *x, bool half, int64_t lo, int64_t hi, int64_t c);

/** What to fetch while [m][k] is multiplied by [k][n]. @param needs [PS_SOON] */
struct ps_soon ps_block_soon(int64_t m, int64_t n, int64_t k, const struct ps_need *needs);

#endif
