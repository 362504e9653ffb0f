#include "kernels/nn/half_lanes.h"
#include "kernels/nn/half_winograd_tiles.h"

#define INLINE PS_HALF_INLINE

/* How places are read. */
enum reading { AS_THEY_ARE, NORMALISED, RECTIFIED, GRADIENTS };

/** Tiles of a line of tiles: they share columns of places. */
struct strip {
    int64_t line[PS_HALF_WINDOW]; /* elements before each line of places; of lines beyond borders, before
                                     another that is there */
    ps_vu inside[PS_HALF_WINDOW]; /* lines within borders: all bits, else none */
    int64_t first, count;         /* tiles */
    bool whole;                   /* all lines are within borders */
};

/** Tiles of the line of tile t, from t on and before hi; lines from `before` before the first of a tile. */
static struct strip strip_of(const struct ps_half_tiles *g, int64_t t, int64_t hi, int before, int lines)
{
    const int64_t tile = t % (g->down * g->across), image = t / (g->down * g->across);
    const int64_t top = tile / g->across * PS_HALF_TILE - before;
    struct strip s = {.first = tile % g->across, .whole = true};
    s.count = g->across - s.first < hi - t ? g->across - s.first : hi - t;
    for (int r = 0; r < lines; r++) {
        const bool in = top + r >= 0 && top + r < g->height;
        s.line[r] = (image * g->height + (in ? top + r : 0)) * g->width * g->channels;
        s.inside[r] = (ps_vu){0} - (in ? 1 : 0);
        s.whole = s.whole && in;
    }
    return s;
}

/** What reading needs of `count` channels. */
struct coefficients {
    ps_vf a, b, p;
};

INLINE struct coefficients coefficients_of(const struct ps_half_source *s, enum reading reading, int64_t c,
                                           int count)
{
    struct coefficients k = {ps_vf_all(0), ps_vf_all(0), ps_vf_all(0)};
    if (reading == NORMALISED || reading == RECTIFIED) {
        k.a = ps_vf_load_part((const float *)s->read.a + c, count);
        k.b = ps_vf_load_part((const float *)s->read.b + c, count);
    }
    if (reading == GRADIENTS) {
        k.a = ps_vf_load_part((const float *)s->gradient.s + c, count);
        k.b = ps_vf_load_part((const float *)s->gradient.q + c, count);
        k.p = ps_vf_load_part((const float *)s->gradient.p + c, count);
    }
    return k;
}

INLINE ps_vf place(const struct ps_half_source *s, const struct coefficients *k, enum reading reading,
                   int64_t at, int count)
{
    const ps_vf x = ps_vf_load_half_part((const uint16_t *)s->x + at, count);
    switch (reading) {
    case NORMALISED:
        return ps_vf_fma(k->a, x, k->b);
    case RECTIFIED:
        return ps_vf_positive(ps_vf_fma(k->a, x, k->b));
    case GRADIENTS:
        return ps_vf_fma(k->a, x,
                         ps_vf_fma(k->p, ps_vf_load_half_part((const uint16_t *)s->y + at, count), k->b));
    default:
        return x;
    }
}

/** `count` channels from c of a column of `lines` places. The next strip's lines are fetched meanwhile. */
INLINE void column(const struct ps_half_tiles *g, const struct ps_half_source *s, enum reading reading,
                   const struct coefficients *k, const struct strip *q, bool whole, int lines, int64_t col,
                   int64_t c, int count, ps_vf *d)
{
    for (int i = 0; i < lines; i++) d[i] = ps_vf_all(0);
    if (col < 0 || col >= g->width) return;
    for (int i = 0; i < lines; i++) {
        const int64_t at = q->line[i] + col * g->channels + c, later = PS_HALF_TILE * g->width * g->channels;
        d[i] = place(s, k, reading, at, count);
        if (!whole) d[i] = (ps_vf)((ps_vu)d[i] & q->inside[i]);
        if (i < lines - PS_HALF_TILE) continue;
        __builtin_prefetch((const uint16_t *)s->x + at + later);
        if (reading == GRADIENTS) __builtin_prefetch((const uint16_t *)s->y + at + later);
    }
}

/** Windows of a strip, which overlap by two columns. */
INLINE void windows(const struct ps_half_tiles *g, const struct ps_half_source *given, enum reading reading,
                    const struct strip *q, bool whole, int64_t c, int count, uint16_t *to, int64_t row,
                    int64_t next)
{
    const struct ps_half_source s = *given; /* it cannot be among the numbers that are written */
    const struct coefficients k = coefficients_of(&s, reading, c, count);
    ps_vf t[PS_HALF_WINDOW][PS_HALF_WINDOW], d[PS_HALF_WINDOW]; /* t: columns, transformed */
    int64_t col = q->first * PS_HALF_TILE - 1;
    for (int j = 0; j < PS_HALF_TILE; j++, col++) {
        column(g, &s, reading, &k, q, whole, PS_HALF_WINDOW, col, c, count, d);
        ps_half_to_window(d, t[j], 1);
    }
    for (int64_t tile = 0; tile < q->count; tile++, to += row) {
        for (int j = PS_HALF_TILE; j < PS_HALF_WINDOW; j++, col++) {
            column(g, &s, reading, &k, q, whole, PS_HALF_WINDOW, col, c, count, d);
            ps_half_to_window(d, t[j], 1);
        }
        for (int i = 0; i < PS_HALF_WINDOW; i++) {
            const ps_vf line[PS_HALF_WINDOW] = {t[0][i], t[1][i], t[2][i], t[3][i]};
            ps_half_to_window(line, d, 1);
            for (int j = 0; j < PS_HALF_WINDOW; j++)
                ps_vf_store_half(to + (i * PS_HALF_WINDOW + j) * next, d[j]);
        }
        for (int j = 0; j < PS_HALF_TILE; j++)
            for (int i = 0; i < PS_HALF_WINDOW; i++) t[j][i] = t[j + PS_HALF_TILE][i];
    }
}

/** Tiles of a strip. */
INLINE void spread(const struct ps_half_tiles *g, const struct ps_half_source *given, enum reading reading,
                   const struct strip *q, bool whole, int64_t c, int count, uint16_t *to, int64_t row,
                   int64_t next)
{
    const struct ps_half_source s = *given;
    const struct coefficients k = coefficients_of(&s, reading, c, count);
    for (int64_t tile = 0; tile < q->count; tile++, to += row) {
        ps_vf t[PS_HALF_WINDOW][PS_HALF_TILE], d[PS_HALF_WINDOW];
        for (int j = 0; j < PS_HALF_TILE; j++) {
            column(g, &s, reading, &k, q, whole, PS_HALF_TILE, (q->first + tile) * PS_HALF_TILE + j, c, count,
                   d);
            ps_half_from_tile(d, &t[0][j], PS_HALF_TILE);
        }
        for (int i = 0; i < PS_HALF_WINDOW; i++) {
            ps_half_from_tile(t[i], d, 1);
            for (int j = 0; j < PS_HALF_WINDOW; j++)
                ps_vf_store_half(to + (i * PS_HALF_WINDOW + j) * next, d[j]);
        }
    }
}

/** All channels, and zeros after them. */
#define STRIP(transform, reading)                                                                     \
    do {                                                                                              \
        int64_t c = 0;                                                                                \
        for (; q.whole && c + PS_LANES <= g->channels; c += PS_LANES)                                 \
            transform(g, s, reading, &q, true, c, PS_LANES, to + c, row, next);                       \
        for (; c < (g->channels + 2 * PS_LANES - 1) / (2 * PS_LANES) * (2 * PS_LANES); c += PS_LANES) \
            transform(g, s, reading, &q, false, c, part_of(g->channels - c), to + c, row, next);      \
    } while (0)

static int part_of(int64_t rest)
{
    return rest < 0 ? 0 : rest < PS_LANES ? (int)rest : PS_LANES;
}

static enum reading reading_of(const struct ps_half_source *s)
{
    if (s->gradient.s) return GRADIENTS;
    if (!s->read.a) return AS_THEY_ARE;
    return s->read.act == PS_NN_RELU ? RECTIFIED : NORMALISED;
}

void ps_half_tiles_windows(const struct ps_half_tiles *g, const struct ps_half_source *s, int64_t lo,
                           int64_t hi, uint16_t *to, int64_t row, int64_t next)
{
    const enum reading reading = reading_of(s);
    for (int64_t t = lo; t < hi;) {
        const struct strip q = strip_of(g, t, hi, 1, PS_HALF_WINDOW);
        if (reading == GRADIENTS)
            STRIP(windows, GRADIENTS);
        else if (reading == RECTIFIED)
            STRIP(windows, RECTIFIED);
        else if (reading == NORMALISED)
            STRIP(windows, NORMALISED);
        else
            STRIP(windows, AS_THEY_ARE);
        t += q.count;
        to += q.count * row;
    }
}

void ps_half_tiles_spread(const struct ps_half_tiles *g, const struct ps_half_source *s, int64_t lo,
                          int64_t hi, uint16_t *to, int64_t row, int64_t next)
{
    const enum reading reading = reading_of(s);
    for (int64_t t = lo; t < hi;) {
        const struct strip q = strip_of(g, t, hi, 0, PS_HALF_TILE);
        if (reading == RECTIFIED)
            STRIP(spread, RECTIFIED);
        else if (reading == NORMALISED)
            STRIP(spread, NORMALISED);
        else
            STRIP(spread, AS_THEY_ARE);
        t += q.count;
        to += q.count * row;
    }
}
