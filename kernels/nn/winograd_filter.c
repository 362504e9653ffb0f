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

/** Store lanes that will be read next, or long after. */
PS_INLINE void put(float *to, ps_vf x, bool near)
{
    if (near)
        ps_vf_store(to, x);
    else
        ps_vf_stream(to, x);
}

static int lanes_from(int64_t k, int64_t n)
{
    return n - k < PS_LANES ? (int)(n - k) : PS_LANES;
}

/** Outputs become lanes: PS_LANES channels of as many filters at a time are transposed, point by point. */
void ps_filter_forward(int64_t in, int64_t out, const float *w, int64_t lo, int64_t hi, float *to)
{
    const bool near = ps_filter_floats(in, out) < NEAR;
    for (int64_t o = lo * PS_LANES; o < hi * PS_LANES; o += PS_LANES) {
        const int64_t panel = o / PS_FILTER_COLS, cols = ps_filter_cols(out, panel);
        float *const group = to + ps_filter_panel(in, panel) + o % PS_FILTER_COLS;
        for (int64_t i = 0; i < in; i += PS_LANES) {
            const int count = lanes_from(i, in);
            ps_vf u[PS_LANES][PS_POINTS], x[PS_LANES];
            for (int l = 0; l < PS_LANES; l++)
                transform(in, w + (o + l) * PLACES * in + i, o + l < out ? count : 0, false, u[l]);
            for (int f = 0; f < PS_POINTS; f++) {
                for (int l = 0; l < PS_LANES; l++) x[l] = u[l][f];
                ps_vf_transpose(x);
                for (int l = 0; l < count; l++) put(group + (f * in + i + l) * cols, x[l], near);
            }
        }
    }
    if (!near) ps_vf_stream_end();
}

void ps_filter_backward(int64_t in, int64_t out, const float *w, int64_t lo, int64_t hi, float *to)
{
    const bool near = ps_filter_floats(out, in) < NEAR;
    for (int64_t o = lo * PS_LANES; o < hi * PS_LANES && o < out; o++)
        for (int64_t i = 0; i < in; i += PS_LANES) {
            const int64_t panel = i / PS_FILTER_COLS, cols = ps_filter_cols(in, panel);
            float *const place = to + ps_filter_panel(out, panel) + o * cols + i % PS_FILTER_COLS;
            ps_vf u[PS_POINTS];
            transform(in, w + o * PLACES * in + i, lanes_from(i, in), true, u);
            for (int f = 0; f < PS_POINTS; f++) put(place + f * out * cols, u[f], near);
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
