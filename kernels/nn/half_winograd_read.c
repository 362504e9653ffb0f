#include "kernels/nn/half_lanes.h"
#include "kernels/nn/half_winograd_tiles.h"
#include "kernels/nn/winograd_reading.h"

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

PS_INLINE ps_vf place(const struct ps_half_source *s, const struct ps_reading_factors *k,
                      enum ps_reading reading, int64_t at, int count)
{
    const ps_vf x = ps_vf_load_half_part((const uint16_t *)s->x + at, count);
    if (reading != PS_GRADIENTS) return ps_reading_place(k, reading, x, x);
    return ps_reading_place(k, reading, x, ps_vf_load_half_part((const uint16_t *)s->y + at, count));
}

/** `count` channels from c of a column of `lines` places. The next strip's lines are fetched meanwhile. */
PS_INLINE void column(const struct ps_half_tiles *g, const struct ps_half_source *s, enum ps_reading reading,
                      const struct ps_reading_factors *k, const struct strip *q, bool whole, int lines,
                      int64_t col, int64_t c, int count, ps_vf *d)
{
    for (int i = 0; i < lines; i++) d[i] = ps_vf_all(0);
    if (col < 0 || col >= g->width) return;
    for (int i = 0; i < lines; i++) {
        const int64_t at = q->line[i] + col * g->channels + c, later = PS_HALF_TILE * g->width * g->channels;
        d[i] = place(s, k, reading, at, count);
        if (!whole) d[i] = (ps_vf)((ps_vu)d[i] & q->inside[i]);
        if (i < lines - PS_HALF_TILE) continue;
        __builtin_prefetch((const uint16_t *)s->x + at + later);
        if (reading == PS_GRADIENTS) __builtin_prefetch((const uint16_t *)s->y + at + later);
    }
}

/** Windows of a strip, which overlap by two columns. */
PS_INLINE void windows(const struct ps_half_tiles *g, const struct ps_half_source *given,
                       enum ps_reading reading, const struct strip *q, bool whole, int64_t c, int count,
                       uint16_t *to, int64_t row, int64_t next)
{
    const struct ps_half_source s = *given; /* it cannot be among the numbers that are written */
    const struct ps_reading_factors k = ps_reading_factors(&s.read, &s.gradient, reading, c, count);
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
PS_INLINE void spread(const struct ps_half_tiles *g, const struct ps_half_source *given,
                      enum ps_reading reading, const struct strip *q, bool whole, int64_t c, int count,
                      uint16_t *to, int64_t row, int64_t next)
{
    const struct ps_half_source s = *given;
    const struct ps_reading_factors k = ps_reading_factors(&s.read, &s.gradient, reading, c, count);
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

void ps_half_tiles_windows(const struct ps_half_tiles *g, const struct ps_half_source *s, int64_t lo,
                           int64_t hi, uint16_t *to, int64_t row, int64_t next)
{
    const enum ps_reading reading = ps_reading_of(&s->read, &s->gradient);
    for (int64_t t = lo; t < hi;) {
        const struct strip q = strip_of(g, t, hi, 1, PS_HALF_WINDOW);
        if (reading == PS_GRADIENTS)
            STRIP(windows, PS_GRADIENTS);
        else if (reading == PS_RECTIFIED)
            STRIP(windows, PS_RECTIFIED);
        else if (reading == PS_NORMALISED)
            STRIP(windows, PS_NORMALISED);
        else
            STRIP(windows, PS_AS_THEY_ARE);
        t += q.count;
        to += q.count * row;
    }
}

void ps_half_tiles_spread(const struct ps_half_tiles *g, const struct ps_half_source *s, int64_t lo,
                          int64_t hi, uint16_t *to, int64_t row, int64_t next)
{
    const enum ps_reading reading = ps_reading_of(&s->read, &s->gradient);
    for (int64_t t = lo; t < hi;) {
        const struct strip q = strip_of(g, t, hi, 0, PS_HALF_TILE);
        if (reading == PS_RECTIFIED)
            STRIP(spread, PS_RECTIFIED);
        else if (reading == PS_NORMALISED)
            STRIP(spread, PS_NORMALISED);
        else
            STRIP(spread, PS_AS_THEY_ARE);
        t += q.count;
        to += q.count * row;
    }
}
