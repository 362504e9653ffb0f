#include "kernels/nn/conv_gather.h"
#include <string.h>
#include "kernels/nn/normal.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t ps_gather_pieces(const struct ps_gather *g)
{
    return g->lines * g->across * (g->channels / PS_PANEL_COLS);
}

static void zero(int64_t rows, float *to)
{
    memset(to, 0, (size_t)(rows * PS_PANEL_COLS) * sizeof *to);
}

/** Places at steps from x0 that lie below `end`, of `count`. */
static int64_t below(int64_t x0, int64_t step, int64_t end, int64_t count)
{
    const int64_t places = x0 < end ? (end - x0 + step - 1) / step : 0;
    return least(places, count);
}

/** `count` places of one line, the first of which reads column x0 of line y. */
static void line(const struct ps_gather *g, const struct ps_nn_read *read, const float *image, int64_t y,
                 int64_t x0, int64_t count, float *to)
{
    const bool inside = y >= 0 && y < g->height;
    const int64_t first = inside ? below(x0, g->step, 0, count) : count;
    const int64_t end = inside ? below(x0, g->step, g->width, count) : count;
    zero(first, to);
    if (end > first)
        ps_nn_read_pieces(read, end - first, PS_PANEL_COLS,
                          image + (y * g->width + x0 + first * g->step) * g->channels, g->step * g->channels,
                          to + first * PS_PANEL_COLS, 0);
    zero(count - end, to + end * PS_PANEL_COLS);
}

/** Are places the lines and columns of images, one after the other? */
static bool in_order(const struct ps_gather *g)
{
    return g->lines == 1 && g->across == 1 && g->step == 1 && g->top == 0 && g->left == 0 &&
           g->rows == g->height && g->cols == g->width;
}

void ps_gather(const struct ps_gather *g, int64_t lo, int64_t hi, int64_t first, int64_t end, float *to)
{
    const int64_t pieces = g->channels / PS_PANEL_COLS, places = g->rows * g->cols;
    if (in_order(g)) {
        const struct ps_nn_read read = ps_nn_read_from(&g->read, first * PS_PANEL_COLS);
        ps_nn_read_pieces(&read, hi - lo, (end - first) * PS_PANEL_COLS,
                          g->x + lo * g->channels + first * PS_PANEL_COLS, g->channels, to,
                          (hi - lo) * PS_PANEL_COLS);
        return;
    }
    for (int64_t piece = first; piece < end; piece++) {
        const int64_t tap = piece / pieces, k = piece % pieces * PS_PANEL_COLS;
        const int64_t top = g->top + tap / g->across * g->next, left = g->left + tap % g->across * g->next;
        const struct ps_nn_read read = ps_nn_read_from(&g->read, k);
        for (int64_t place = lo, count; place < hi; place += count) {
            const int64_t row = place % places / g->cols, col = place % g->cols;
            count = least(g->cols - col, hi - place);
            line(g, &read, g->x + place / places * g->height * g->width * g->channels + k,
                 row * g->step + top, col * g->step + left, count, to);
            to += count * PS_PANEL_COLS;
        }
    }
}
