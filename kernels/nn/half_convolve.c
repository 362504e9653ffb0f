#include "kernels/nn/half_convolve.h"

/** One tile: the next `rows` places. */
static void tile(const struct ps_half_convolution *v, const struct ps_half_window *w, int64_t j, int rows,
                 struct ps_half_place *at)
{
    float sums[PS_HALF_ROWS][PS_PANEL_COLS] __attribute__((aligned(64)));
    const uint16_t *row[PS_HALF_ROWS];
    int64_t to[PS_HALF_ROWS];
    const int width = v->n - j < PS_PANEL_COLS ? (int)(v->n - j) : PS_PANEL_COLS;
    for (int r = 0; r < rows; r++, ps_half_step(&v->walk, at)) {
        row[r] = v->x + at->from;
        to[r] = at->to + j;
    }
    ps_half_sum_windows(w, row, rows, (width + PS_LANES - 1) / PS_LANES, sums);
    const struct ps_half_sums s = {.sums = sums, .to = to, .rows = rows, .width = width, .j = j, .n = v->n};
    if (v->finish.read)
        ps_half_finish_backward(&v->finish, &s);
    else
        ps_half_finish_forward(&v->finish, &s);
}

void ps_half_convolve(const struct ps_half_convolution *v)
{
    const int64_t m = v->walk.images * v->walk.rows * v->walk.cols;
    const int64_t tiles = (m + PS_HALF_ROWS - 1) / PS_HALF_ROWS; /* all nearly alike */
    struct ps_half_window w = v->window;
    for (int64_t j = 0; j < v->n; j += PS_PANEL_COLS, w.panel += w.runs * w.pairs * PS_PANEL_COLS) {
        struct ps_half_place at = {.to = v->to};
        for (int64_t t = 0; t < tiles; t++) tile(v, &w, j, (int)((t + 1) * m / tiles - t * m / tiles), &at);
    }
}
