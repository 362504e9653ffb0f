#include "kernels/nn/winograd_tiles.h"

enum { AHEAD = 2 }; /* tiles whose places are on their way from memory, where they are written, too */

/** The part of a tile that is within the borders. */
struct part {
    int64_t at; /* its first element */
    int rows, cols;
};

static struct part part_of(const struct ps_tiles *g, int64_t t)
{
    const int64_t tile = t % (g->down * g->across), image = t / (g->down * g->across);
    const int64_t top = tile / g->across * PS_TILE, left = tile % g->across * PS_TILE;
    return (struct part){
        .at = ((image * g->height + top) * g->width + left) * g->channels,
        .rows = g->height - top < PS_TILE ? (int)(g->height - top) : PS_TILE,
        .cols = g->width - left < PS_TILE ? (int)(g->width - left) : PS_TILE,
    };
}

/** Sums over places of a block of tiles: of y and y (x - mean), or of y - near and its square. In single
 * precision over a tile, in double over tiles. */
struct sums {
    double first[PS_TILES_CHANNELS], second[PS_TILES_CHANNELS];
    float near[PS_TILES_CHANNELS]; /* numbers near the mean, so that differences keep their digits */
};

/** What is done with places besides writing them. */
enum also { NOTHING, MOMENTS, MASK };

/** What it needs of some channels. */
struct channels {
    ps_vf bias, near, a, b, mean;
};

PS_INLINE struct channels channels_of(const struct ps_tiles_target *w, enum also also, const float *near,
                                      int64_t c, int count)
{
    struct channels k = {.bias = ps_vf_all(0), .mean = ps_vf_all(0)};
    if (w->bias) k.bias = ps_vf_load_part(w->bias + c, count);
    if (also == MOMENTS) k.near = ps_vf_load_part(near, count);
    if (also == MASK) {
        k.a = ps_vf_load_part((const float *)w->read.a + c, count);
        k.b = ps_vf_load_part((const float *)w->read.b + c, count);
        if (w->sums) k.mean = ps_vf_load_part((const float *)w->read.mean + c, count);
    }
    return k;
}

/** Write one place, and add it to the sums. */
PS_INLINE void place(const struct ps_tiles_target *w, enum also also, const struct channels *k, ps_vf y,
                     int64_t at, int count, ps_vf *first, ps_vf *second)
{
    if (w->bias) y += k->bias;
    if (w->add) y += ps_vf_load_part(w->y + at, count);
    if (w->relu) y = ps_vf_positive(y);
    if (also == MASK) {
        const ps_vf x = ps_vf_load_part(w->x + at, count);
        if (w->read.act == PS_NN_RELU)
            y = (ps_vf)((ps_vu)y & (ps_vu)(ps_vf_fma(k->a, x, k->b) > ps_vf_all(0)));
        *first += y;
        *second = ps_vf_fma(y, x - k->mean, *second);
    } else if (also == MOMENTS) {
        const ps_vf d = y - k->near;
        *first += d;
        *second = ps_vf_fma(d, d, *second);
    }
    ps_vf_store_part(w->y + at, y, count);
}

/** `count` channels from c of one tile. @param k of these channels in the sums */
PS_INLINE void tile(const struct ps_tiles *g, const struct ps_tiles_target *w, enum also also,
                    const struct part *q, bool whole, int64_t c, int count, const float *from, int64_t next,
                    struct sums *sums, int64_t k)
{
    const struct channels has = channels_of(w, also, sums->near + k, c, count);
    ps_vf t[PS_TILE][PS_WINDOW], m[PS_WINDOW], y[PS_TILE], first = ps_vf_all(0), second = ps_vf_all(0);
    for (int j = 0; j < PS_WINDOW; j++, from += next) {
        for (int i = 0; i < PS_WINDOW; i++) m[i] = ps_vf_load(from + i * PS_WINDOW * next);
        ps_to_tile(m, &t[0][j], PS_WINDOW);
    }
    for (int i = 0; i < PS_TILE; i++) {
        if (!whole && i >= q->rows) break;
        const int64_t line = q->at + i * g->width * g->channels + c;
        ps_to_tile(t[i], y, 1);
        for (int j = 0; j < PS_TILE; j++) {
            if (!whole && j >= q->cols) break;
            place(w, also, &has, y[j], line + j * g->channels, count, &first, &second);
        }
    }
    for (int l = 0; l < PS_LANES && also != NOTHING; l++) sums->first[k + l] += first[l];
    for (int l = 0; l < PS_LANES && also != NOTHING; l++) sums->second[k + l] += second[l];
}

/** Have the places of a tile brought near, also of one beyond the last. */
PS_INLINE void fetch(const struct ps_tiles *g, const struct ps_tiles_target *w, enum also also, int64_t t,
                     int64_t c, int64_t channels)
{
    const int64_t at = part_of(g, t).at + c;
    for (int64_t i = 0; i < PS_TILE; i++)
        for (int64_t j = 0; j < PS_TILE; j++)
            for (int64_t k = 0; k < channels; k += PS_LANES) {
                const int64_t place = at + (i * g->width + j) * g->channels + k;
                __builtin_prefetch(w->y + place, 1);
                if (also == MASK) __builtin_prefetch(w->x + place);
            }
}

/** All tiles. */
PS_INLINE void tiles(const struct ps_tiles *g, const struct ps_tiles_target *w, enum also also, int64_t lo,
                     int64_t hi, int64_t c, int64_t channels, const float *from, int64_t row, int64_t next,
                     struct sums *sums)
{
    for (int64_t t = lo; t < hi; t++, from += row) {
        const struct part q = part_of(g, t);
        const bool whole = q.rows == PS_TILE && q.cols == PS_TILE;
        int64_t k = 0;
        fetch(g, w, also, t + AHEAD, c, channels);
        for (; whole && k + PS_LANES <= channels; k += PS_LANES)
            tile(g, w, also, &q, true, c + k, PS_LANES, from + k, next, sums, k);
        for (; k + PS_LANES <= channels; k += PS_LANES)
            tile(g, w, also, &q, false, c + k, PS_LANES, from + k, next, sums, k);
        if (k < channels) tile(g, w, also, &q, false, c + k, (int)(channels - k), from + k, next, sums, k);
    }
}

/** Places of the tiles before t. */
static int64_t places_before(const struct ps_tiles *g, int64_t t)
{
    const int64_t tile = t % (g->down * g->across), image = t / (g->down * g->across);
    const struct part q = part_of(g, t);
    return (image * g->height + tile / g->across * PS_TILE) * g->width + tile % g->across * PS_TILE * q.rows;
}

/** Numbers near the mean: that of the tiles before, or without them the first place, which is the sum over
 * the points that are not infinite. */
static void begin_moments(const double *mean, int64_t lo, int64_t channels, const float *from, int64_t next,
                          struct sums *s)
{
    for (int64_t k = 0; k < channels; k++) {
        float y = 0;
        for (int f = 0; f < PS_POINTS - PS_WINDOW; f++)
            if (f % PS_WINDOW < PS_WINDOW - 1) y += from[f * next + k];
        s->near[k] = lo > 0 ? (float)mean[k] : y;
    }
}

/** Join moments of `before` places with those of `places` more (Chan, Golub, LeVeque 1979, eq. 2.1). */
static void join_moments(int64_t before, int64_t places, int64_t channels, const struct sums *s, double *mean,
                         double *squares)
{
    const double n = (double)places, all = (double)(before + places);
    for (int64_t k = 0; k < channels; k++) {
        const double own = s->near[k] + s->first[k] / n, q = s->second[k] - s->first[k] * s->first[k] / n;
        const double d = before > 0 ? own - mean[k] : 0;
        mean[k] = before > 0 ? mean[k] + d * n / all : own;
        squares[k] = (before > 0 ? squares[k] + d * d * (double)before * n / all : 0) + (q > 0 ? q : 0);
    }
}

void ps_tiles_write(const struct ps_tiles *g, const struct ps_tiles_target *w, int64_t lo, int64_t hi,
                    int64_t c, int64_t count, const float *from, int64_t row, int64_t next)
{
    struct sums s = {.near = {0}};
    if (w->moments) {
        double *mean = w->moments + c;
        const int64_t before = places_before(g, lo);
        begin_moments(mean, lo, count, from, next, &s);
        tiles(g, w, MOMENTS, lo, hi, c, count, from, row, next, &s);
        join_moments(before, places_before(g, hi) - before, count, &s, mean, mean + g->channels);
    } else if (w->mask) {
        tiles(g, w, MASK, lo, hi, c, count, from, row, next, &s);
        for (int64_t k = 0; k < count && w->sums; k++) {
            w->sums[c + k] += s.first[k];
            w->sums[g->channels + c + k] += s.second[k];
        }
    } else {
        tiles(g, w, NOTHING, lo, hi, c, count, from, row, next, &s);
    }
}
