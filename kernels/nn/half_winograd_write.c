#include "kernels/nn/half_lanes.h"
#include "kernels/nn/half_winograd_tiles.h"

enum {
    TOGETHER = 4, /* tiles whose sums are in single precision; over these they are in double */
    AHEAD = 4     /* tiles whose places are on their way from memory, where they are written, too */
};

/** The part of a tile that is within the borders. */
struct part {
    int64_t at; /* its first element */
    int rows, cols;
};

static struct part part_of(const struct ps_half_tiles *g, int64_t t)
{
    const int64_t tile = t % (g->down * g->across), image = t / (g->down * g->across);
    const int64_t top = tile / g->across * PS_HALF_TILE, left = tile % g->across * PS_HALF_TILE;
    return (struct part){
        .at = ((image * g->height + top) * g->width + left) * g->channels,
        .rows = g->height - top < PS_HALF_TILE ? (int)(g->height - top) : PS_HALF_TILE,
        .cols = g->width - left < PS_HALF_TILE ? (int)(g->width - left) : PS_HALF_TILE,
    };
}

/** Some neighbouring tiles. */
struct parts {
    struct part of[TOGETHER];
    int count;
    bool whole; /* all of all of them */
};

/** What is done with places besides writing them. */
enum also { NOTHING, MOMENTS, MASK };

/** What it needs of some channels, and their sums over places: of y and y (x - mean), or of y - near and its
 * square. */
struct channels {
    ps_vf a, b, mean, near;
    ps_vf first, second;
};

/** Moments are of differences from the first place of all, which is there. */
PS_INLINE struct channels channels_of(const struct ps_half_finish *f, enum also also, int64_t c, int count)
{
    const ps_vf none = ps_vf_all(0);
    struct channels k = {none, none, none, none, none, none};
    if (also == MOMENTS) k.near = ps_vf_load_half_part((const uint16_t *)f->out + c, count);
    if (also == MASK) {
        k.a = ps_vf_load_part((const float *)f->read->a + c, count);
        k.b = ps_vf_load_part((const float *)f->read->b + c, count);
        if (f->sums) k.mean = ps_vf_load_part((const float *)f->read->mean + c, count);
    }
    return k;
}

/** Write one place, and add it to the sums. */
PS_INLINE void place(const struct ps_half_finish *f, enum also also, struct channels *k, ps_vf y, int64_t at,
                     int count)
{
    uint16_t *const to = (uint16_t *)f->out + at;
    if (f->add) y += ps_vf_load_half_part(to, count);
    if (also == MASK) {
        const ps_vf x = ps_vf_load_half_part((const uint16_t *)f->x + at, count);
        if (f->read->act == PS_NN_RELU)
            y = (ps_vf)((ps_vu)y & (ps_vu)(ps_vf_fma(k->a, x, k->b) > ps_vf_all(0)));
        y = ps_vf_store_half_part(to, y, count);
        k->first += y;
        k->second = ps_vf_fma(y, x - k->mean, k->second);
        return;
    }
    y = ps_vf_store_half_part(to, y, count);
    if (also == NOTHING) return;
    const ps_vf d = y - k->near;
    k->first += d;
    k->second = ps_vf_fma(d, d, k->second);
}

/** `count` channels from c of one tile. */
PS_INLINE void tile(const struct ps_half_tiles *g, const struct ps_half_finish *f, enum also also,
                    const struct part *q, bool whole, struct channels *k, int64_t c, int count,
                    const float *from, int64_t next)
{
    ps_vf t[PS_HALF_TILE][PS_HALF_WINDOW], m[PS_HALF_WINDOW], y[PS_HALF_TILE];
    for (int j = 0; j < PS_HALF_WINDOW; j++, from += next) {
        for (int i = 0; i < PS_HALF_WINDOW; i++) m[i] = ps_vf_load(from + i * PS_HALF_WINDOW * next);
        ps_half_to_tile(m, &t[0][j], PS_HALF_WINDOW);
    }
    for (int i = 0; i < PS_HALF_TILE; i++) {
        if (!whole && i >= q->rows) break;
        const int64_t line = q->at + i * g->width * g->channels + c;
        ps_half_to_tile(t[i], y, 1);
        for (int j = 0; j < PS_HALF_TILE; j++) {
            if (!whole && j >= q->cols) break;
            place(f, also, k, y[j], line + j * g->channels, count);
        }
    }
}

/** `count` channels from c of some tiles. @param first, second sums of these channels */
PS_INLINE void tiles(const struct ps_half_tiles *g, const struct ps_half_finish *f, enum also also,
                     const struct parts *q, bool whole, int64_t c, int count, const float *from, int64_t row,
                     int64_t next, double *first, double *second)
{
    struct channels k = channels_of(f, also, c, count);
    for (int t = 0; t < (whole ? TOGETHER : q->count); t++)
        tile(g, f, also, &q->of[t], whole, &k, c, count, from + t * row, next);
    for (int l = 0; l < PS_LANES && also != NOTHING; l++) first[l] += k.first[l];
    for (int l = 0; l < PS_LANES && also != NOTHING; l++) second[l] += k.second[l];
}

/** Tiles from t on. Their places, and those of others, are fetched: also beyond the last. */
static struct parts parts_of(const struct ps_half_tiles *g, const struct ps_half_finish *f, bool mask,
                             int64_t t, int64_t hi, int64_t c, int64_t channels)
{
    struct parts q = {.count = hi - t < TOGETHER ? (int)(hi - t) : TOGETHER};
    q.whole = q.count == TOGETHER;
    for (int e = 0; e < q.count; e++) {
        q.of[e] = part_of(g, t + e);
        q.whole = q.whole && q.of[e].rows == PS_HALF_TILE && q.of[e].cols == PS_HALF_TILE;
        const int64_t at = part_of(g, t + e + AHEAD).at + c;
        for (int64_t i = 0; i < PS_HALF_TILE * PS_HALF_TILE; i++)
            for (int64_t k = 0; k < channels; k += 2 * PS_LANES) {
                const int64_t place = at + (i / PS_HALF_TILE * g->width + i % PS_HALF_TILE) * g->channels + k;
                __builtin_prefetch((const uint16_t *)f->out + place, 1);
                if (mask) __builtin_prefetch((const uint16_t *)f->x + place);
            }
    }
    return q;
}

/** All tiles. @param sums [2][PS_PANEL_COLS] of these channels */
PS_INLINE void all(const struct ps_half_tiles *g, const struct ps_half_finish *given, enum also also,
                   int64_t lo, int64_t hi, int64_t c, int64_t channels, const float *from, int64_t row,
                   int64_t next, double *sums)
{
    const struct ps_half_finish f = *given; /* it cannot be among the numbers that are written */
    double *const second = sums + PS_PANEL_COLS;
    for (int64_t t = lo; t < hi; t += TOGETHER, from += TOGETHER * row) {
        const struct parts q = parts_of(g, &f, also == MASK, t, hi, c, channels);
        int64_t k = 0;
        for (; q.whole && k + PS_LANES <= channels; k += PS_LANES)
            tiles(g, &f, also, &q, true, c + k, PS_LANES, from + k, row, next, sums + k, second + k);
        for (; k < channels; k += PS_LANES)
            tiles(g, &f, also, &q, false, c + k, channels - k < PS_LANES ? (int)(channels - k) : PS_LANES,
                  from + k, row, next, sums + k, second + k);
    }
}

void ps_half_tiles_write(const struct ps_half_tiles *g, const struct ps_half_finish *f, int64_t lo,
                         int64_t hi, int64_t c, int64_t count, const float *from, int64_t row, int64_t next)
{
    double sums[2 * PS_PANEL_COLS] = {0}, *to = f->read ? f->sums : f->moments;
    if (f->read) {
        all(g, f, MASK, lo, hi, c, count, from, row, next, sums);
    } else if (f->moments) {
        if (lo == 0) all(g, f, NOTHING, 0, 1, c, count, from, row, next, sums); /* the first place */
        all(g, f, MOMENTS, lo, hi, c, count, from, row, next, sums);
    } else {
        all(g, f, NOTHING, lo, hi, c, count, from, row, next, sums);
    }
    for (int64_t k = 0; k < count && to; k++) {
        to[c + k] += sums[k];
        to[g->channels + c + k] += sums[PS_PANEL_COLS + k];
    }
}
