/** Images in bf16 as tiles of 2 x 2 places, and their transforms of 16 points for minimal filtering
 * F(2 x 2, 3 x 3).
 *
 * In one dimension, with A, B and G below,
 *   y = A' (G g . B' d)     two places y of a line d[4] filtered by g[3];
 *   dg = G' (A e . B' d)    the gradient of g where that of y is e.
 * They interpolate polynomials of degree 3 at 0, 1, -1 and infinity. A transformed tile has PS_HALF_POINTS
 * vectors of channels in bf16: point f of tile t begins at to[f next + t row], and channels up to the next
 * multiple of 2 PS_LANES are 0. */
#ifndef PS_NN_HALF_WINOGRAD_TILES_H
#define PS_NN_HALF_WINOGRAD_TILES_H

#include "kernels/lanes.h"
#include "kernels/nn/half_convolve.h"
#include "kernels/nn/half_image.h"

/* Places of a filter, of a tile, of a window, and points of a window in two dimensions. */
enum { PS_HALF_FILTER = 3, PS_HALF_TILE = 2, PS_HALF_WINDOW = 4, PS_HALF_POINTS = 16 };

/** t = B' d. @param step from an element of t to the next */
PS_INLINE void ps_half_to_window(const ps_vf *d, ps_vf *t, int step)
{
    t[0] = d[0] - d[2];
    t[step] = d[1] + d[2];
    t[2 * step] = d[2] - d[1];
    t[3 * step] = d[1] - d[3];
}

/** y = A' m. */
PS_INLINE void ps_half_to_tile(const ps_vf *m, ps_vf *y, int step)
{
    y[0] = m[0] + m[1] + m[2];
    y[step] = m[1] - m[2] - m[3];
}

/** m = A e. */
PS_INLINE void ps_half_from_tile(const ps_vf *e, ps_vf *m, int step)
{
    m[0] = e[0];
    m[step] = e[0] + e[1];
    m[2 * step] = e[0] - e[1];
    m[3 * step] = -e[1];
}

/** u = G g. */
PS_INLINE void ps_half_from_filter(const ps_vf *g, ps_vf *u, int step)
{
    const ps_vf ends = ps_vf_all(0.5F) * (g[0] + g[2]), middle = ps_vf_all(0.5F) * g[1];
    u[0] = g[0];
    u[step] = ends + middle;
    u[2 * step] = ends - middle;
    u[3 * step] = g[2];
}

/** g = G' s. */
PS_INLINE void ps_half_to_filter(const ps_vf *s, ps_vf *g, int step)
{
    const ps_vf half = ps_vf_all(0.5F) * (s[1] + s[2]);
    g[0] = s[0] + half;
    g[step] = ps_vf_all(0.5F) * (s[1] - s[2]);
    g[2 * step] = half + s[3];
}

/** Images [.][height][width][channels], each cut into tiles row by row. The last ones may lie partly beyond
 * the borders. */
struct ps_half_tiles {
    int64_t height, width, channels;
    int64_t down, across; /**< tiles of an image */
};

/** B' d B of windows of 4 x 4 places, from one before the first of the tile; 0 beyond borders.
 * @param s in bf16; act is linear
 * @param lo, hi numbers of tiles, through all images
 * @param to tile lo goes first; aligned to 32 bytes */
void ps_half_tiles_windows(const struct ps_half_tiles *g, const struct ps_half_source *s, int64_t lo,
                           int64_t hi, uint16_t *to, int64_t row, int64_t next);

/** A e A' of the tiles themselves. */
void ps_half_tiles_spread(const struct ps_half_tiles *g, const struct ps_half_source *s, int64_t lo,
                          int64_t hi, uint16_t *to, int64_t row, int64_t next);

/** A' m A, for channels [c, c + count): places of tiles within the borders. Moments are those of
 * ps_half_convolve.
 * @param f in bf16, linear, without bias
 * @param from those channels of tile lo, in single precision, row and next in floats
 * @param count at most PS_PANEL_COLS */
void ps_half_tiles_write(const struct ps_half_tiles *g, const struct ps_half_finish *f, int64_t lo,
                         int64_t hi, int64_t c, int64_t count, const float *from, int64_t row, int64_t next);

#endif
