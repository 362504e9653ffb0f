#include "kernels/nn/winograd_reading.h"
#include "kernels/nn/winograd_tiles.h"

enum { AHEAD = 2 }; /* tiles whose places are on their way from memory: lines are too short to be foreseen */

/** A square of places around a tile. */
struct square {
    int64_t line[PS_WINDOW]; /* elements before the first place of each line; of lines beyond borders, before
                                those of another that is there */
    ps_vu inside[PS_WINDOW]; /* lines within borders: all bits, else none */
    int first, last;         /* columns within them are [first, last) */
    bool whole;              /* all places are within them */
};

/** Tile t, from `before` places before its first, `size` x `size` of them. */
static struct square square_of(const struct ps_tiles *g, int64_t t, int before, int size)
{
    const int64_t tile = t % (g->down * g->across), image = t / (g->down * g->across);
    const int64_t top = tile / g->across * PS_TILE - before, left = tile % g->across * PS_TILE - before;
    struct square q = {.first = left < 0 ? (int)-left : 0,
                       .last = left + size > g->width ? (int)(g->width - left) : size};
    bool all = true;
    for (int r = 0; r < size; r++) {
        const int64_t y = top + r;
        const bool in = y >= 0 && y < g->height;
        q.line[r] = ((image * g->height + (in ? y : 0)) * g->width + left) * g->channels;
        q.inside[r] = (ps_vu){0} - (in ? 1 : 0);
        all = all && in;
    }
    q.whole = all && q.first == 0 && q.last == size;
    return q;
}

PS_INLINE ps_vf place(const struct ps_tiles_source *s, const struct ps_reading_factors *k,
                      enum ps_reading reading, int64_t at, int count)
{
    const ps_vf x = ps_vf_load_part(s->x + at, count);
    if (reading != PS_GRADIENTS) return ps_reading_place(k, reading, x, x);
    return ps_reading_place(k, reading, x, ps_vf_load_part(s->y + at, count));
}

/** `count` channels from c of a square, transformed. */
PS_INLINE void transform(const struct ps_tiles *g, const struct ps_tiles_source *s, const struct square *q,
                         int size, enum ps_reading reading, bool whole, int64_t c, int count, float *to,
                         int64_t next)
{
    const struct ps_reading_factors k = ps_reading_factors(&s->read, &s->gradient, reading, c, count);
    ps_vf t[PS_WINDOW][PS_WINDOW], d[PS_WINDOW];
    int64_t at = c;
    for (int j = 0; j < size; j++, at += g->channels) {
        const bool in = whole || (j >= q->first && j < q->last);
        for (int i = 0; i < size; i++) {
            d[i] = ps_vf_all(0);
            if (in) d[i] = place(s, &k, reading, q->line[i] + at, count);
            if (in && !whole) d[i] = (ps_vf)((ps_vu)d[i] & q->inside[i]);
        }
        if (size == PS_WINDOW)
            ps_to_window(d, &t[0][j], PS_WINDOW);
        else
            ps_from_tile(d, &t[0][j], PS_WINDOW);
    }
    for (int i = 0; i < PS_WINDOW; i++) {
        if (size == PS_WINDOW)
            ps_to_window(t[i], d, 1);
        else
            ps_from_tile(t[i], d, 1);
        for (int j = 0; j < PS_WINDOW; j++, to += next) ps_vf_store(to, d[j]);
    }
}

/** Have the places of a tile brought near, also of one beyond the last. */
PS_INLINE void fetch(const struct ps_tiles *g, const struct ps_tiles_source *s, enum ps_reading reading,
                     int64_t t)
{
    const struct square q = square_of(g, t, 0, PS_TILE);
    for (int i = 0; i < PS_TILE; i++)
        for (int64_t c = 0; c < PS_TILE * g->channels; c += PS_LANES) {
            __builtin_prefetch(s->x + q.line[i] + c);
            if (reading == PS_GRADIENTS) __builtin_prefetch(s->y + q.line[i] + c);
        }
}

/** All channels of tiles [lo, hi). */
PS_INLINE void tiles(const struct ps_tiles *g, const struct ps_tiles_source *s, int size,
                     enum ps_reading reading, int64_t lo, int64_t hi, float *to, int64_t row, int64_t next)
{
    const int before = (size - PS_TILE) / 2;
    for (int64_t t = lo; t < hi; t++, to += row) {
        const struct square q = square_of(g, t, before, size);
        int64_t c = 0;
        fetch(g, s, reading, t + AHEAD);
        for (; q.whole && c + PS_LANES <= g->channels; c += PS_LANES)
            transform(g, s, &q, size, reading, true, c, PS_LANES, to + c, next);
        for (; c + PS_LANES <= g->channels; c += PS_LANES)
            transform(g, s, &q, size, reading, false, c, PS_LANES, to + c, next);
        if (c < g->channels)
            transform(g, s, &q, size, reading, false, c, (int)(g->channels - c), to + c, next);
    }
}

#define EACH_READING(size)                                        \
    switch (ps_reading_of(&s->read, &s->gradient)) {              \
    case PS_AS_THEY_ARE:                                          \
        tiles(g, s, size, PS_AS_THEY_ARE, lo, hi, to, row, next); \
        break;                                                    \
    case PS_NORMALISED:                                           \
        tiles(g, s, size, PS_NORMALISED, lo, hi, to, row, next);  \
        break;                                                    \
    case PS_RECTIFIED:                                            \
        tiles(g, s, size, PS_RECTIFIED, lo, hi, to, row, next);   \
        break;                                                    \
    case PS_GRADIENTS:                                            \
        tiles(g, s, size, PS_GRADIENTS, lo, hi, to, row, next);   \
        break;                                                    \
    }

void ps_tiles_windows(const struct ps_tiles *g, const struct ps_tiles_source *s, int64_t lo, int64_t hi,
                      float *to, int64_t row, int64_t next)
{
    EACH_READING(PS_WINDOW)
}

void ps_tiles_spread(const struct ps_tiles *g, const struct ps_tiles_source *s, int64_t lo, int64_t hi,
                     float *to, int64_t row, int64_t next)
{
    EACH_READING(PS_TILE)
}
