#include "kernels/nn/half_winograd_filter.h"
#include "kernels/nn/half_lanes.h"
#include "kernels/nn/half_parts.h"
#include "kernels/nn/half_winograd_tiles.h"

enum {
    SIDE = PS_HALF_FILTER,
    PLACES = SIDE * SIDE,
    COLS = PS_PANEL_COLS,
    PAIRS = PS_LANES,         /* of rows that are transformed together, */
    MANY = 2 * PAIRS,         /* so many channels, */
    ROWS = (PAIRS + 1) * COLS /* in floats: an odd number of lines, so that points do not share few places of
                                 a cache */
};

static int64_t pairs_of(int64_t k)
{
    return (k + 1) / 2;
}

static int64_t panels_of(int64_t n)
{
    return ps_panels(n, 1) / COLS;
}

int64_t ps_half_filter_panel(int64_t k, int64_t panel)
{
    return PS_HALF_POINTS * pairs_of(k) * COLS * panel;
}

int64_t ps_half_filter_floats(int64_t k, int64_t n)
{
    return ps_half_filter_panel(k, panels_of(n));
}

/** Of `rest` channels, those of a vector. */
static int lanes(int64_t rest)
{
    return rest < 0 ? 0 : rest < PS_LANES ? (int)rest : PS_LANES;
}

/** `count` channels of one filter at all points. */
PS_INLINE void transform(int64_t in, const float *w, int count, bool turned, ps_vf *u)
{
    ps_vf g[PLACES], t[PS_HALF_WINDOW * SIDE];
    for (int i = 0; i < PLACES; i++) g[i] = ps_vf_load_part(w + (turned ? PLACES - 1 - i : i) * in, count);
    for (int i = 0; i < SIDE; i++) {
        const ps_vf column[SIDE] = {g[i], g[SIDE + i], g[2 * SIDE + i]};
        ps_half_from_filter(column, t + i, SIDE);
    }
    for (int i = 0; i < PS_HALF_WINDOW; i++) ps_half_from_filter(t + i * SIDE, u + i * PS_HALF_WINDOW, 1);
}

/** All points of some rows of a panel: they go to memory in long runs, as their points lie far apart there.
 */
struct rows {
    float at[PS_HALF_POINTS][ROWS] __attribute__((aligned(64)));
};

/** @param to the rows at the first point @param next from a point to the next */
static void write_rows(const struct rows *r, int64_t rows, float *to, int64_t next, bool near)
{
    for (int f = 0; f < PS_HALF_POINTS; f++, to += next)
        for (int64_t i = 0; i < rows * COLS; i += PS_LANES)
            ps_half_put(to + i, ps_vf_load(r->at[f] + i), near);
}

/** Rows are pairs of inputs from i on, columns the outputs of a panel from o on. They become lanes by
 * transposing as many filters at each point. */
static void forward_rows(int64_t in, int64_t out, const float *w, int64_t i, int64_t o, struct rows *r)
{
    ps_vf u[PS_LANES][PS_HALF_POINTS], low[PS_HALF_POINTS], high[PS_HALF_POINTS], x[PS_LANES];
    for (int64_t at = 0; at < COLS; at += PS_LANES) {
        for (int l = 0; l < PS_LANES; l++) {
            const bool none = o + at + l >= out;
            const float *from = w + (none ? 0 : o + at + l) * PLACES * in + i;
            transform(in, from, none ? 0 : lanes(in - i), false, low);
            transform(in, from + PS_LANES, none ? 0 : lanes(in - i - PS_LANES), false, high);
            for (int f = 0; f < PS_HALF_POINTS; f++) u[l][f] = ps_vf_round_neighbours(low[f], high[f]);
        }
        for (int f = 0; f < PS_HALF_POINTS; f++) {
            for (int l = 0; l < PS_LANES; l++) x[l] = u[l][f];
            ps_vf_transpose(x);
            for (int l = 0; l < PS_LANES; l++) ps_vf_store(r->at[f] + l * COLS + at, x[l]);
        }
    }
}

/** Rows are pairs of outputs from o on, columns the inputs of a panel from i on. */
static void backward_rows(int64_t in, int64_t out, const float *w, int64_t o, int64_t i, struct rows *r)
{
    ps_vf first[PS_HALF_POINTS], second[PS_HALF_POINTS];
    for (int64_t q = 0; q < PAIRS; q++)
        for (int64_t at = 0; at < COLS; at += PS_LANES) {
            const int64_t one = o + 2 * q, other = one + 1;
            const int count = lanes(in - i - at);
            transform(in, w + (one < out ? one : 0) * PLACES * in + i + at, one < out ? count : 0, true,
                      first);
            transform(in, w + (other < out ? other : 0) * PLACES * in + i + at, other < out ? count : 0, true,
                      second);
            for (int f = 0; f < PS_HALF_POINTS; f++)
                ps_vf_store(r->at[f] + q * COLS + at, ps_vf_pair(first[f], second[f]));
        }
}

/** Rows of a panel from channel k on, of `all`. */
static int64_t rows_of(int64_t all, int64_t k)
{
    const int64_t rest = pairs_of(all) - k / 2;
    return rest < PAIRS ? rest : PAIRS;
}

void ps_half_filter_prepare(int64_t in, int64_t out, const float *w, int part, int parts, float *forward,
                            float *backward)
{
    const int64_t across = panels_of(in), blocks = across * panels_of(out);
    const bool near = ps_half_near(ps_half_filter_floats(in, out));
    struct rows r;
    for (int64_t b = blocks * part / parts; b < blocks * (part + 1) / parts; b++) {
        const int64_t i = b % across * COLS, o = b / across * COLS;
        for (int64_t k = i; k < in && k < i + COLS; k += MANY) {
            forward_rows(in, out, w, k, o, &r);
            write_rows(&r, rows_of(in, k), forward + ps_half_filter_panel(in, b / across) + k / 2 * COLS,
                       pairs_of(in) * COLS, near);
        }
        for (int64_t k = o; backward && k < out && k < o + COLS; k += MANY) {
            backward_rows(in, out, w, k, i, &r);
            write_rows(&r, rows_of(out, k), backward + ps_half_filter_panel(out, b % across) + k / 2 * COLS,
                       pairs_of(out) * COLS, near);
        }
    }
}

void ps_half_filter_gradient(int64_t in, int64_t count, const float *s, int64_t next,
                             enum ps_half_gradient how, float *dw)
{
    for (int64_t c = 0; c < count; c += PS_LANES) {
        const int some = lanes(count - c);
        const bool lines = some == PS_LANES && in % PS_LANES == 0 && (uintptr_t)(dw + c) % 64 == 0;
        ps_vf t[SIDE][PS_HALF_WINDOW], x[PS_HALF_WINDOW], g[SIDE];
        for (int j = 0; j < PS_HALF_WINDOW; j++) {
            for (int i = 0; i < PS_HALF_WINDOW; i++)
                x[i] = ps_vf_load(s + (i * PS_HALF_WINDOW + j) * next + c);
            ps_half_to_filter(x, &t[0][j], PS_HALF_WINDOW);
        }
        for (int i = 0; i < SIDE; i++) {
            ps_half_to_filter(t[i], g, 1);
            for (int j = 0; j < SIDE; j++) {
                float *to = dw + (PLACES - 1 - i * SIDE - j) * in + c;
                if (how == PS_HALF_PAST && lines)
                    ps_vf_stream(to, g[j]);
                else
                    ps_vf_store_part(to, how == PS_HALF_ADD ? g[j] + ps_vf_load_part(to, some) : g[j], some);
            }
        }
    }
}

void ps_half_filter_fetch(int64_t in, int64_t count, const float *dw)
{
    for (int i = 0; i < PLACES; i++)
        for (int64_t c = 0; c < count; c += PS_LANES) __builtin_prefetch(dw + i * in + c, 1);
}
