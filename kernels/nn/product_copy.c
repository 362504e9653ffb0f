#include "kernels/nn/product_copy.h"
#include <string.h>

int64_t ps_panels(int64_t n, int64_t k)
{
    return (n + PS_PANEL_COLS - 1) / PS_PANEL_COLS * PS_PANEL_COLS * k;
}

static int lanes_within(int columns)
{
    return columns < 0 ? 0 : columns < PS_LANES ? columns : PS_LANES;
}

/** Columns [at, at + PS_LANES) of a panel, where columns of b are contiguous: the transpose of
 * what is read. Columns from `width` on are zero. */
static void fill_across(int64_t k, const float *from, int64_t col, int at, int width, float *panel)
{
    for (int64_t q = 0; q < k; q += PS_LANES) {
        const int count = k - q < PS_LANES ? (int)(k - q) : PS_LANES;
        ps_vf x[PS_LANES];
        for (int j = 0; j < PS_LANES; j++)
            x[j] = at + j < width ? ps_vf_load_part(from + (at + j) * col + q, count) : ps_vf_all(0);
        ps_vf_transpose(x);
        for (int r = 0; r < count; r++) ps_vf_store(panel + (q + r) * PS_PANEL_COLS + at, x[r]);
    }
}

/** Columns of b into one panel; either its rows or its columns are contiguous. */
static void fill(int64_t k, const float *from, int64_t row, int64_t col, int width, float *panel)
{
    if (col != 1) {
        for (int at = 0; at < PS_PANEL_COLS; at += PS_LANES) fill_across(k, from, col, at, width, panel);
        return;
    }
    for (int64_t q = 0; q < k; q++)
        for (int at = 0; at < PS_PANEL_COLS; at += PS_LANES)
            ps_vf_store(panel + q * PS_PANEL_COLS + at,
                        ps_vf_load_part(from + q * row + at, lanes_within(width - at)));
}

void ps_panels_fill(int64_t n, int64_t k, const float *from, int64_t row, int64_t col, int64_t lo, int64_t hi,
                    float *panels, int64_t panel)
{
    for (int64_t g = lo; g < hi; g++) {
        const int64_t j = g * PS_PANEL_COLS;
        const int width = n - j < PS_PANEL_COLS ? (int)(n - j) : PS_PANEL_COLS;
        fill(k, from + j * col, row, col, width, panels + g * panel);
    }
}

void ps_panels_halve(int64_t k, int64_t lo, int64_t hi, float *panels, int64_t panel)
{
    for (int64_t g = lo; g < hi; g++) {
        float *const p = panels + g * panel;
        for (int64_t q = 0; q < k; q += 2)
            for (int at = 0; at < PS_PANEL_COLS; at += PS_LANES) {
                const float *from = p + q * PS_PANEL_COLS + at;
                ps_vf_store(p + q / 2 * PS_PANEL_COLS + at,
                            ps_vf_pair(ps_vf_load(from),
                                       q + 1 < k ? ps_vf_load(from + PS_PANEL_COLS) : ps_vf_all(0)));
            }
    }
}

void ps_product_copy_b(const struct ps_product *p, const struct ps_depth *d, float *panels)
{
    for (int64_t j = 0; j < p->n; j += PS_PANEL_COLS) {
        const int width = p->n - j < PS_PANEL_COLS ? (int)(p->n - j) : PS_PANEL_COLS;
        for (int64_t e = 0; e < d->count; e++, panels += d->k * PS_PANEL_COLS)
            fill(d->k, p->b + (d->s + e) * p->b_next + d->q * p->b_row + j, p->b_row, 1, width, panels);
    }
}

void ps_product_copy_a(const struct ps_product *p, const struct ps_depth *d, int64_t i, int64_t m, float *to)
{
    for (int64_t e = 0; e < d->count; e++) {
        const float *from = p->a + (d->s + e) * p->a_next + d->q * p->a_col + i;
        for (int64_t q = 0; q < d->k; q++, to += m) memcpy(to, from + q * p->a_col, (size_t)m * sizeof *to);
    }
}

/** Pairs of two rows of n elements; the second is zero where it is NULL. */
static void pair_rows(int64_t n, const float *first, const float *second, float *to)
{
    for (int64_t j = 0; j < n; j += PS_LANES) {
        const int count = n - j < PS_LANES ? (int)(n - j) : PS_LANES;
        const ps_vf other = second ? ps_vf_load_part(second + j, count) : ps_vf_all(0);
        ps_vf_store_part(to + j, ps_vf_pair(ps_vf_load_part(first + j, count), other), count);
    }
}

void ps_product_pair_b(const struct ps_product *p, const struct ps_depth *d, float *panels)
{
    for (int64_t j = 0; j < p->n; j += PS_PANEL_COLS) {
        const int64_t width = p->n - j < PS_PANEL_COLS ? p->n - j : PS_PANEL_COLS;
        for (int64_t e = 0; e < d->count; e++) {
            const float *from = p->b + (d->s + e) * p->b_next + d->q * p->b_row + j;
            for (int64_t q = 0; q < d->k; q += 2, from += 2 * p->b_row, panels += PS_PANEL_COLS)
                pair_rows(width, from, q + 1 < d->k ? from + p->b_row : NULL, panels);
        }
    }
}

/** Pairs of neighbours in a row of n elements; the last one's is zero where n is odd. */
static void pair_neighbours(int64_t n, const float *from, char *to)
{
    for (int64_t q = 0; q < n; q++) {
        const uint16_t half = ps_round_half(from[q]);
        memcpy(to + 2 * q, &half, sizeof half);
    }
    if (n % 2 != 0) memset(to + 2 * n, 0, sizeof(uint16_t));
}

void ps_product_pair_a(const struct ps_product *p, const struct ps_depth *d, int64_t i, int64_t m, float *to)
{
    const int64_t pairs = (d->k + 1) / 2, line = pairs * d->count;
    for (int64_t e = 0; e < d->count; e++) {
        const float *from = p->a + (d->s + e) * p->a_next + d->q * p->a_col + i * p->a_row;
        if (p->a_col == 1)
            for (int64_t r = 0; r < m; r++)
                pair_neighbours(d->k, from + r * p->a_row, (char *)(to + r * line + e * pairs));
        else
            for (int64_t q = 0; q < d->k; q += 2, from += 2 * p->a_col, to += m)
                pair_rows(m, from, q + 1 < d->k ? from + p->a_col : NULL, to);
    }
}
