#include "kernels/nn/half_lanes.h"
#include "kernels/nn/half_parts.h"

enum {
    PLACES = 256,       /* whose windows' columns of a panel stay in the first cache, */
    PAIRS = PLACES / 2, /* in pairs of neighbours, */
    OUTPUTS = 512       /* and rows, the second operand, in the second */
};

/** Both operands over some places. */
struct part {
    int64_t pairs, line;
    int64_t from[PLACES], to[PLACES]; /* where windows begin, and gradients */
    const uint16_t *x, *d, *zero;     /* zero: what makes a pair of the last place */
    int64_t places;
    float *rows, *panel;
    struct ps_half_soon *soon;
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/** Pairs of places of outputs [o, o + n), in groups. */
static void copy_rows(const struct part *p, int64_t o, int64_t n)
{
    for (int64_t q = 0; q < p->pairs; q++) {
        const uint16_t *first = p->d + p->to[2 * q] + o;
        const uint16_t *second = 2 * q + 1 < p->places ? p->d + p->to[2 * q + 1] + o : p->zero;
        float *to = p->rows + q * PS_HALF_GROUP;
        int64_t i = 0;
        for (; i + 2 * PS_LANES <= n; i += 2 * PS_LANES) {
            ps_vf low, high;
            const int64_t next = i + PS_LANES;
            ps_vf_load_pairs(first + i, second + i, &low, &high);
            ps_vf_store(to + i / PS_HALF_GROUP * p->pairs * PS_HALF_GROUP + i % PS_HALF_GROUP, low);
            ps_vf_store(to + next / PS_HALF_GROUP * p->pairs * PS_HALF_GROUP + next % PS_HALF_GROUP, high);
        }
        for (; i < n; i += PS_LANES)
            ps_vf_store(to + i / PS_HALF_GROUP * p->pairs * PS_HALF_GROUP + i % PS_HALF_GROUP,
                        ps_vf_load_pairs_part(first + i, second + i, (int)least(n - i, PS_LANES)));
    }
}

/** The same of n neighbours in windows, `offset` from where they begin, to columns of the panel. */
static void copy_columns(const struct part *p, int64_t offset, int64_t n, float *to)
{
    const int64_t last = p->places - 1;
    const uint16_t *x = p->x + offset;
    int64_t i = 0;
    for (; i + 2 * PS_LANES <= n; i += 2 * PS_LANES)
        for (int64_t q = 0; q < p->pairs; q++) {
            float *const pairs = to + q * PS_PANEL_COLS + i;
            ps_vf low, high;
            ps_vf_load_pairs(x + p->from[2 * q] + i, x + p->from[least(2 * q + 1, last)] + i, &low, &high);
            ps_vf_store(pairs, low);
            ps_vf_store(pairs + PS_LANES, high);
        }
    for (; i < n; i += PS_LANES) {
        const int count = (int)least(n - i, PS_LANES);
        for (int64_t q = 0; q < p->pairs; q++)
            ps_vf_store_part(
                to + q * PS_PANEL_COLS + i,
                ps_vf_load_pairs_part(x + p->from[2 * q] + i, x + p->from[least(2 * q + 1, last)] + i, count),
                count);
    }
}

/** Columns [j, j + width) of windows: pieces of their lines. */
static void copy_panel(const struct part *p, int64_t across, int64_t j, int64_t width)
{
    for (int64_t at = 0, n; at < width; at += n) {
        const int64_t within = (j + at) % across;
        n = least(across - within, width - at);
        copy_columns(p, (j + at) / across * p->line + within, n, p->panel + at);
    }
}

/** Sums over the part's places of n outputs and the panel's columns. */
static void multiply(const struct part *p, int64_t n, int width, bool add, float *dw, int64_t window)
{
    for (int64_t o = 0; o < n; o += PS_HALF_GROUP) {
        const int rows = (int)least(n - o, PS_HALF_GROUP), tiles = (rows + PS_HALF_ROWS - 1) / PS_HALF_ROWS;
        for (int t = 0; t < tiles; t++) {
            const int r = t * rows / tiles, end = (t + 1) * rows / tiles;
            ps_half_soon_ask(p->soon);
            ps_half_sum_pairs(p->pairs, p->rows + o * p->pairs + r, p->panel, end - r, width,
                              dw + (o + r) * window, window, add);
        }
    }
}

/** db += sums of the part's d. */
static void biases(const struct part *p, int64_t out, float *db)
{
    for (int64_t o = 0; o < out; o += PS_LANES) {
        const int count = (int)least(out - o, PS_LANES);
        ps_vf sum = ps_vf_all(0);
        for (int64_t i = 0; i < p->places; i++) sum += ps_vf_load_half_part(p->d + p->to[i] + o, count);
        ps_vf_store_part(db + o, sum + ps_vf_load_part(db + o, count), count);
    }
}

int64_t ps_half_weights_work(const struct ps_nn_conv *l)
{
    const int64_t rows = (least(l->out, OUTPUTS) + PS_HALF_GROUP - 1) / PS_HALF_GROUP * PS_HALF_GROUP;
    return (rows + PS_PANEL_COLS) * PAIRS + ps_half_floats(l->out);
}

void ps_half_weights(const struct ps_nn_conv *l, const struct ps_half_walk *walk, const uint16_t *x,
                     int64_t line, const uint16_t *d, bool add, float *dw, float *work,
                     struct ps_half_soon *soon)
{
    const int64_t places = walk->images * walk->rows * walk->cols, out = l->out;
    const int64_t across = l->at.kernel * l->at.channels, window = across * l->at.kernel;
    const int64_t parts = (places + PLACES - 1) / PLACES;
    struct part p = {
        .line = line, .x = x, .d = d, .panel = work, .rows = work + PAIRS * PS_PANEL_COLS, .soon = soon};
    uint16_t *zero = (uint16_t *)(work + ps_half_weights_work(l) - ps_half_floats(out));
    memset(zero, 0, (size_t)out * sizeof *zero);
    p.zero = zero;
    struct ps_half_place at = {0};
    ps_half_soon_spread(soon, parts * (ps_panels(window, 1) / PS_PANEL_COLS) *
                                  ((out + PS_HALF_ROWS - 1) / PS_HALF_ROWS));
    if (!add && !l->plain) memset(dw + out * window, 0, (size_t)out * sizeof *dw);
    for (int64_t lo = 0, t = 0; t < parts; t++, lo += p.places) {
        p.places = t + 1 < parts ? (places * (t + 1) / parts + 1) / 2 * 2 - lo : places - lo;
        p.pairs = (p.places + 1) / 2;
        for (int64_t i = 0; i < p.places; i++, ps_half_step(walk, &at)) {
            p.from[i] = at.from;
            p.to[i] = at.to;
        }
        for (int64_t o = 0; o < out; o += OUTPUTS) {
            const int64_t n = least(out - o, OUTPUTS);
            copy_rows(&p, o, n);
            for (int64_t j = 0; j < window; j += PS_PANEL_COLS) {
                const int width = (int)least(window - j, PS_PANEL_COLS);
                copy_panel(&p, across, j, width);
                multiply(&p, n, width, add || t > 0, dw + o * window + j, window);
            }
        }
        if (!l->plain) biases(&p, out, dw + out * window);
    }
}
