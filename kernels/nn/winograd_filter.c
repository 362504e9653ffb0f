#include "kernels/nn/winograd_filter.h"

enum { SIDE = 3, PLACES = SIDE * SIDE };

static int64_t whole(int64_t n)
{
    return (n + PS_LANES - 1) / PS_LANES * PS_LANES;
}

int64_t ps_filter_floats(int64_t k, int64_t n)
{
    return PS_POINTS * k * whole(n);
}

int64_t ps_filter_panel(int64_t k, int64_t panel)
{
    return PS_POINTS * k * PS_FILTER_COLS * panel;
}

int64_t ps_filter_cols(int64_t n, int64_t panel)
{
    const int64_t left = whole(n) - panel * PS_FILTER_COLS;
    return left < PS_FILTER_COLS ? left : PS_FILTER_COLS;
}

/** `count` channels of one filter at all points. */
PS_INLINE void transform(int64_t in, const float *w, int count, bool turned, ps_vf *u)
{
    ps_vf g[PLACES], t[PS_WINDOW * SIDE];
    for (int i = 0; i < PLACES; i++) g[i] = ps_vf_load_part(w + (turned ? PLACES - 1 - i : i) * in, count);
    for (int i = 0; i < SIDE; i++) {
        const ps_vf column[SIDE] = {g[i], g[SIDE + i], g[2 * SIDE + i]};
        ps_from_filter(column, t + i, SIDE);
    }
    for (int i = 0; i < PS_WINDOW; i++) ps_from_filter(t + i * SIDE, u + i * PS_WINDOW, 1);
}

/* Floats of filters that are still in a cache when they are read. */
static const int64_t NEAR = 1 << 20;

static int lanes_from(int64_t k, int64_t n)
{
    return n - k < PS_LANES ? (int)(n - k) : PS_LANES;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/** All points of some rows of a panel: they go to memory in long runs, as their points lie far apart there.
 * Here that is an odd number of vectors, so that they do not share few places of a cache. */
struct rows {
    float at[PS_POINTS][PS_LANES * (PS_FILTER_COLS + 1)] __attribute__((aligned(64)));
};

/** @param to the rows at the first point @param next from a point to the next */
static void write_rows(const struct rows *r, int64_t floats, float *to, int64_t next, bool near)
{
    for (int f = 0; f < PS_POINTS; f++, to += next)
        for (int64_t i = 0; i < floats; i += PS_LANES)
            if (near)
                ps_vf_store(to + i, ps_vf_load(r->at[f] + i));
            else
                ps_vf_stream(to + i, ps_vf_load(r->at[f] + i));
}

/** Rows are up to PS_LANES inputs from i, columns the outputs of a panel. They become lanes by transposing as
 * many filters at each point. */
static void forward_rows(int64_t in, int64_t out, const float *w, int64_t i, int64_t panel, struct rows *r)
{
    const int64_t cols = ps_filter_cols(out, panel), from = panel * PS_FILTER_COLS;
    const int count = lanes_from(i, in);
    ps_vf u[PS_LANES][PS_POINTS], x[PS_LANES];
    for (int64_t o = 0; o < cols; o += PS_LANES) {
        for (int l = 0; l < PS_LANES; l++)
            transform(in, w + (from + o + l) * PLACES * in + i, from + o + l < out ? count : 0, false, u[l]);
        for (int f = 0; f < PS_POINTS; f++) {
            for (int l = 0; l < PS_LANES; l++) x[l] = u[l][f];
            ps_vf_transpose(x);
            for (int l = 0; l < count; l++) ps_vf_store(r->at[f] + l * cols + o, x[l]);
        }
    }
}

/** Rows are outputs [o, o + rows), columns the inputs of a panel. */
static void backward_rows(int64_t in, const float *w, int64_t o, int64_t rows, int64_t panel, struct rows *r)
{
    const int64_t cols = ps_filter_cols(in, panel), from = panel * PS_FILTER_COLS;
    ps_vf u[PS_POINTS];
    for (int64_t l = 0; l < rows; l++)
        for (int64_t i = 0; i < cols; i += PS_LANES) {
            transform(in, w + (o + l) * PLACES * in + from + i, lanes_from(from + i, in), true, u);
            for (int f = 0; f < PS_POINTS; f++) ps_vf_store(r->at[f] + l * cols + i, u[f]);
        }
}

static int64_t panels_of(int64_t n)
{
    return (n + PS_FILTER_COLS - 1) / PS_FILTER_COLS;
}

int64_t ps_filter_blocks(int64_t in, int64_t out)
{
    return panels_of(in) * panels_of(out);
}

void ps_filter_prepare(int64_t in, int64_t out, const float *w, int64_t lo, int64_t hi, float *forward,
                       float *backward)
{
    const bool near = ps_filter_floats(in, out) < NEAR;
    struct rows r;
    for (int64_t block = lo; block < hi; block++) {
        const int64_t across = block % panels_of(in), down = block / panels_of(in); /* panels of each */
        const int64_t first = across * PS_FILTER_COLS, i_end = least(first + PS_FILTER_COLS, in);
        const int64_t begin = down * PS_FILTER_COLS, o_end = least(begin + PS_FILTER_COLS, out);
        const int64_t out_cols = ps_filter_cols(out, down), in_cols = ps_filter_cols(in, across);
        for (int64_t i = first; i < i_end; i += PS_LANES) {
            forward_rows(in, out, w, i, down, &r);
            write_rows(&r, lanes_from(i, in) * out_cols, forward + ps_filter_panel(in, down) + i * out_cols,
                       in * out_cols, near);
        }
        for (int64_t o = begin; o < o_end && backward; o += PS_LANES) {
            const int64_t rows = lanes_from(o, out);
            backward_rows(in, w, o, rows, across, &r);
            write_rows(&r, rows * in_cols, backward + ps_filter_panel(out, across) + o * in_cols,
                       out * in_cols, near);
        }
    }
    if (!near) ps_vf_stream_end();
}

void ps_filter_gradient(int64_t in, int64_t count, const float *s, int64_t next, bool add, float *dw)
{
    for (int64_t c = 0; c < count; c += PS_LANES) {
        const int lanes = lanes_from(c, count);
        ps_vf t[SIDE][PS_WINDOW], x[PS_WINDOW], g[SIDE];
        for (int j = 0; j < PS_WINDOW; j++) {
            for (int i = 0; i < PS_WINDOW; i++) x[i] = ps_vf_load(s + (i * PS_WINDOW + j) * next + c);
            ps_to_filter(x, &t[0][j], PS_WINDOW);
        }
        for (int i = 0; i < SIDE; i++) {
            ps_to_filter(t[i], g, 1);
            for (int j = 0; j < SIDE; j++) {
                float *to = dw + (PLACES - 1 - i * SIDE - j) * in + c;
                ps_vf_store_part(to, add ? g[j] + ps_vf_load_part(to, lanes) : g[j], lanes);
            }
        }
    }
}

void ps_filter_fetch(int64_t in, int64_t count, const float *dw)
{
    for (int i = 0; i < PLACES; i++)
        for (int64_t c = 0; c < count; c += PS_LANES) __builtin_prefetch(dw + i * in + c, 1);
}
