#include "kernels/nn/half_convolve.h"

/** Numbers of panels that stay in the second cache while all places go past them. */
enum { KEPT = 1 << 18 };

/** The next `rows` places and columns [j, j + columns), whose panels begin at w->panel. */
static void tiles(const struct ps_half_convolution *v, struct ps_half_window w, int64_t j, int64_t columns,
                  int rows, struct ps_half_place *at)
{
    float sums[PS_HALF_ROWS][PS_PANEL_COLS] __attribute__((aligned(64)));
    const uint16_t *row[PS_HALF_ROWS];
    int64_t to[PS_HALF_ROWS];
    const int64_t size = v->finish.half ? sizeof(uint16_t) : sizeof(float);
    struct ps_half_sums s = {.sums = sums, .to = to, .rows = rows, .n = v->n};
    for (int r = 0; r < rows; r++, ps_half_step(&v->walk, at)) {
        row[r] = v->x + at->from;
        to[r] = at->to;
    }
    for (s.j = j; s.j < j + columns; s.j += PS_PANEL_COLS, w.panel += w.runs * w.pairs * PS_PANEL_COLS) {
        s.width = j + columns - s.j < PS_PANEL_COLS ? (int)(j + columns - s.j) : PS_PANEL_COLS;
        for (int r = 0; r < rows; r++) /* they come from far away: ask for them now */
            for (int64_t at = 0; at < s.width * size; at += 64)
                __builtin_prefetch((const char *)v->finish.out + (to[r] + s.j) * size + at, 1);
        if (v->soon) ps_half_soon_ask(v->soon);
        ps_half_sum_windows(&w, row, rows, (s.width + PS_LANES - 1) / PS_LANES, sums);
        if (v->finish.read)
            ps_half_finish_backward(&v->finish, &s);
        else
            ps_half_finish_forward(&v->finish, &s);
    }
}

void ps_half_convolve(const struct ps_half_convolution *v)
{
    const int64_t m = v->walk.images * v->walk.rows * v->walk.cols;
    const int64_t count = (m + PS_HALF_ROWS - 1) / PS_HALF_ROWS; /* tiles, nearly alike */
    const int64_t column = 2 * v->window.runs * v->window.pairs;
    const int64_t most =
        column * PS_PANEL_COLS < KEPT ? KEPT / (column + 1) / PS_PANEL_COLS * PS_PANEL_COLS : PS_PANEL_COLS;
    struct ps_half_window w = v->window;
    if (v->soon) ps_half_soon_spread(v->soon, count * ((v->n + PS_PANEL_COLS - 1) / PS_PANEL_COLS));
    for (int64_t j = 0; j < v->n; j += most, w.panel += most * w.runs * w.pairs) {
        struct ps_half_place at = {.to = v->to};
        const int64_t columns = v->n - j < most ? v->n - j : most;
        for (int64_t t = 0; t < count; t++)
            tiles(v, w, j, columns, (int)((t + 1) * m / count - t * m / count), &at);
    }
}
