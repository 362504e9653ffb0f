#include "kernels/nn/half_lanes.h"
#include "kernels/nn/half_parts.h"

/** One axis of a phase: lines y = phase + stride i of x, i < count, meet lines begin + i to begin + i + taps
 * - 1 of dy, these with lines `last` + stride (taps - 1), ..., last + stride, last of the window. */
struct axis {
    int64_t count, begin, taps, last;
};

static struct axis axis_of(const struct ps_nn_window *at, int64_t extent, int phase)
{
    const int s = at->stride, last = (phase + at->pad) % s;
    const int64_t taps = last < at->kernel ? (at->kernel - last + s - 1) / s : 0;
    return (struct axis){.count = phase < extent ? (extent - phase + s - 1) / s : 0,
                         .begin = (phase + at->pad - last) / s - (taps - 1),
                         .taps = taps,
                         .last = last};
}

static int64_t pairs_of(const struct ps_nn_conv *l, const struct axis *x)
{
    return (x->taps * l->out + 1) / 2;
}

/** Floats of a panel of a phase. */
static int64_t panel_of(const struct ps_nn_conv *l, const struct axis *y, const struct axis *x)
{
    return y->taps * pairs_of(l, x) * PS_PANEL_COLS;
}

int64_t ps_half_data_prepared(const struct ps_nn_conv *l)
{
    const struct ps_nn_window *at = &l->at;
    int64_t floats = 0;
    for (int py = 0; py < at->stride; py++)
        for (int px = 0; px < at->stride; px++) {
            const struct axis y = axis_of(at, at->height, py), x = axis_of(at, at->width, px);
            floats += ps_panels(at->channels, 1) / PS_PANEL_COLS * panel_of(l, &y, &x);
        }
    return floats;
}

enum { AHEAD = 24 /* outputs whose weights are fetched ahead: they lie far apart */ };

/** Channels [j, j + width) of all weights of a phase. */
static void fill(const struct ps_nn_conv *l, const struct axis *y, const struct axis *x, const float *w,
                 int64_t j, float *panel, bool near)
{
    const int64_t k = l->at.kernel, c = l->at.channels, s = l->at.stride;
    for (int64_t u = 0; u < y->taps; u++)
        for (int64_t q = 0; q < pairs_of(l, x); q++, panel += PS_PANEL_COLS) {
            const float *from[2] = {NULL, NULL};
            for (int64_t e = 2 * q; e < 2 * q + 2 && e < x->taps * l->out; e++) {
                const int64_t line = y->last + s * (y->taps - 1 - u),
                              col = x->last + s * (x->taps - 1 - e / l->out);
                from[e - 2 * q] = w + ((e % l->out * k + line) * k + col) * c + j;
                for (int64_t at = 0; at < PS_PANEL_COLS; at += PS_LANES)
                    __builtin_prefetch(from[e - 2 * q] + AHEAD * k * k * c + at);
            }
            for (int64_t at = 0; at < PS_PANEL_COLS; at += PS_LANES) {
                const int64_t rest = c - j - at;
                const int count = rest < 0 ? 0 : rest < PS_LANES ? (int)rest : PS_LANES;
                const ps_vf first = ps_vf_load_part(from[0] + at, count);
                const ps_vf second = from[1] ? ps_vf_load_part(from[1] + at, count) : ps_vf_all(0);
                ps_half_put(panel + at, ps_vf_pair(first, second), near);
            }
        }
}

void ps_half_data_prepare(const struct ps_nn_conv *l, const float *w, float *prepared, int part, int parts)
{
    const struct ps_nn_window *at = &l->at;
    const int64_t panels = ps_panels(at->channels, 1) / PS_PANEL_COLS;
    const bool near = ps_half_near(ps_half_data_prepared(l));
    for (int py = 0; py < at->stride; py++)
        for (int px = 0; px < at->stride; px++) {
            const struct axis y = axis_of(at, at->height, py), x = axis_of(at, at->width, px);
            const int64_t size = panel_of(l, &y, &x);
            for (int64_t g = panels * part / parts; size > 0 && g < panels * (part + 1) / parts; g++)
                fill(l, &y, &x, w, g * PS_PANEL_COLS, prepared + g * size, near);
            prepared += panels * size;
        }
}

/** Lines before the first and after the last of dy that windows of any phase meet. */
static void widen(const struct axis *a, int64_t extent, int64_t *before, int64_t *after)
{
    const int64_t end = a->begin + a->count - 1 + a->taps;
    if (a->count == 0 || a->taps == 0) return;
    if (-a->begin > *before) *before = -a->begin;
    if (end - extent > *after) *after = end - extent;
}

struct ps_half_border ps_half_data_border(const struct ps_nn_conv *l)
{
    const struct ps_nn_window *at = &l->at;
    struct ps_half_border b = {.height = at->rows, .width = at->cols, .channels = l->out};
    for (int phase = 0; phase < at->stride; phase++) {
        const struct axis y = axis_of(at, at->height, phase), x = axis_of(at, at->width, phase);
        widen(&y, at->rows, &b.above, &b.below);
        widen(&x, at->cols, &b.left, &b.right);
    }
    return b;
}

/** Columns of a phase, whose panels begin at `panel`. */
static void one_phase(const struct ps_nn_conv *l, int64_t n, const uint16_t *d, const float *panel,
                      const int *phase, const struct axis *y, const struct axis *x,
                      const struct ps_half_finish *finish, struct ps_half_soon *soon)
{
    const struct ps_nn_window *at = &l->at;
    const struct ps_half_border b = ps_half_data_border(l);
    const int64_t place = l->out, line = (b.left + b.width + b.right) * place, c = at->channels,
                  s = at->stride;
    const bool none = y->taps == 0 || x->taps == 0;
    if (none && finish->add && !finish->read) return; /* nothing is added */
    ps_half_convolve(&(struct ps_half_convolution){
        .walk = {.images = n,
                 .rows = y->count,
                 .cols = x->count,
                 .from_image = none ? 0 : ps_half_image(&b),
                 .from_line = none ? 0 : line,
                 .from_place = none ? 0 : place,
                 .to_image = at->height * at->width * c,
                 .to_line = s * at->width * c,
                 .to_place = s * c},
        .x = none ? d : d + (y->begin + b.above) * line + (x->begin + b.left) * place,
        .to = (phase[0] * at->width + phase[1]) * c,
        .n = c,
        .window =
            {.panel = panel, .runs = none ? 0 : y->taps, .step = line, .pairs = none ? 0 : pairs_of(l, x)},
        .finish = *finish,
        .soon = soon});
}

void ps_half_data(const struct ps_nn_conv *l, int64_t n, const uint16_t *d, const float *prepared,
                  const struct ps_half_finish *finish, struct ps_half_soon *soon)
{
    const struct ps_nn_window *at = &l->at;
    for (int py = 0; py < at->stride; py++)
        for (int px = 0; px < at->stride; px++) {
            const struct axis y = axis_of(at, at->height, py), x = axis_of(at, at->width, px);
            if (y.count > 0 && x.count > 0)
                one_phase(l, n, d, prepared, (int[]){py, px}, &y, &x, finish, soon);
            prepared += ps_panels(at->channels, 1) / PS_PANEL_COLS * panel_of(l, &y, &x);
        }
}
