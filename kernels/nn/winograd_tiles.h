/** Images as tiles of 4 x 4 places, and their transforms of 36 points.
 *
 * A transformed tile has PS_POINTS vectors of channels: point f of tile t begins at to[f next + t row], and
 * channels up to the next multiple of PS_LANES are 0. */
#ifndef PS_NN_WINOGRAD_TILES_H
#define PS_NN_WINOGRAD_TILES_H

#include "kernels/nn/nn_kernels.h"
#include "kernels/nn/winograd_transform.h"

/** Images [.][height][width][channels], each cut into tiles row by row. The last ones may lie partly beyond
 * the borders. */
struct ps_tiles {
    int64_t height, width, channels;
    int64_t down, across; /**< tiles of an image */
};

/** What tiles are read from: x, read through a normalisation where read.a; or the gradient x, read through
 * that of y where gradient.s. */
struct ps_tiles_source {
    const float *x, *y;
    struct ps_nn_read read;
    struct ps_nn_gradient_read gradient;
};

/** What tiles are written to: y = act(tile + bias), added to what is there if `add`. Where `mask`, y is a
 * gradient of x and 0 where the slope of act(a x + b) is. */
struct ps_tiles_target {
    float *y;
    const float *bias; /**< or NULL */
    bool relu, add, mask;
    double *moments; /**< joined with those of the tiles before; or NULL */
    double *sums;    /**< of y and of y (x - mean), added to; or NULL */
    const float *x;
    struct ps_nn_read read;
};

/** Channels rounded up to whole vectors. */
static inline int64_t ps_tiles_lanes(int64_t channels)
{
    return (channels + PS_LANES - 1) / PS_LANES * PS_LANES;
}

/** B' d B of windows of 6 x 6 places, from one before the first of the tile; 0 beyond borders.
 * @param lo, hi numbers of tiles, through all images @param to tile lo goes first */
void ps_tiles_windows(const struct ps_tiles *g, const struct ps_tiles_source *s, int64_t lo, int64_t hi,
                      float *to, int64_t row, int64_t next);

/** A e A' of the tiles themselves. */
void ps_tiles_spread(const struct ps_tiles *g, const struct ps_tiles_source *s, int64_t lo, int64_t hi,
                     float *to, int64_t row, int64_t next);

/** A' m A, for channels [c, c + count): places of tiles within the borders.
 * @param from those channels of tile lo @param count at most PS_TILES_CHANNELS */
enum { PS_TILES_CHANNELS = 64 };
void ps_tiles_write(const struct ps_tiles *g, const struct ps_tiles_target *w, int64_t lo, int64_t hi,
                    int64_t c, int64_t count, const float *from, int64_t row, int64_t next);

#endif
