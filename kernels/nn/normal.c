#include "kernels/nn/normal.h"
#include <string.h>
#include "kernels/nn/product.h"

#define INLINE static inline __attribute__((always_inline))

/* Rows whose sums are in single precision before they are added to those in double precision. */
enum { TOGETHER = 16 };

static int lanes_from(int64_t k, int64_t c)
{
    return c - k < PS_LANES ? (int)(c - k) : PS_LANES;
}

static const float *from(const void *p, int64_t k)
{
    return p ? (const float *)p + k : NULL;
}

struct ps_nn_read ps_nn_read_from(const struct ps_nn_read *r, int64_t k)
{
    return (struct ps_nn_read){from(r->a, k), from(r->b, k), from(r->mean, k), r->act};
}

/** Channels [k, k + count) of act(a x + b). */
INLINE ps_vf value(const struct ps_nn_read *r, const float *x, int64_t k, int count, bool relu)
{
    const ps_vf z = ps_vf_fma(ps_vf_load_part(from(r->a, k), count), ps_vf_load_part(x + k, count),
                              ps_vf_load_part(from(r->b, k), count));
    return relu ? ps_vf_positive(z) : z;
}

/** And of s dy + p y + q. */
INLINE ps_vf gradient(const struct ps_nn_gradient_read *r, const float *dy, const float *y, int64_t k,
                      int count)
{
    const ps_vf z = ps_vf_fma(ps_vf_load_part(from(r->p, k), count), ps_vf_load_part(y + k, count),
                              ps_vf_load_part(from(r->q, k), count));
    return ps_vf_fma(ps_vf_load_part(from(r->s, k), count), ps_vf_load_part(dy + k, count), z);
}

/** A row whose channels [k, k + count) are VALUE; whole vectors first. */
#define ROW(c, to, VALUE)                                                                                  \
    {                                                                                                      \
        int64_t k = 0;                                                                                     \
        for (const int count = PS_LANES; k + PS_LANES <= (c); k += PS_LANES) ps_vf_store((to) + k, VALUE); \
        for (const int count = (int)((c)-k); k < (c); k += PS_LANES)                                       \
            ps_vf_store_part((to) + k, VALUE, count);                                                      \
    }

void ps_nn_read_rows(const struct ps_nn_read *r, int64_t rows, int64_t c, const float *x, int64_t x_row,
                     float *to, int64_t to_row)
{
    for (int64_t i = 0; i < rows; i++, x += x_row, to += to_row)
        if (!r->a && x != to)
            memcpy(to, x, (size_t)c * sizeof *to);
        else if (r->a && r->act == PS_NN_RELU)
            ROW(c, to, value(r, x, k, count, true))
        else if (r->a)
            ROW(c, to, value(r, x, k, count, false))
}

void ps_nn_read_gradient_rows(const struct ps_nn_gradient_read *r, int64_t rows, int64_t c, const float *dy,
                              const float *y, int64_t row, float *to, int64_t to_row)
{
    for (int64_t i = 0; i < rows; i++, dy += row, y += row, to += to_row)
        if (r->s)
            ROW(c, to, gradient(r, dy, y, k, count))
        else if (dy != to)
            memcpy(to, dy, (size_t)c * sizeof *to);
}

/** One piece, with its factors in registers. */
INLINE void one_piece(const struct ps_nn_read *r, int64_t rows, const float *x, int64_t x_row, float *to,
                      bool relu)
{
    enum { VECS = PS_PANEL_COLS / PS_LANES };
    ps_vf a[VECS], b[VECS];
    for (int v = 0; v < VECS; v++) a[v] = ps_vf_load(from(r->a, v * PS_LANES));
    for (int v = 0; v < VECS; v++) b[v] = ps_vf_load(from(r->b, v * PS_LANES));
    for (int64_t i = 0; i < rows; i++, x += x_row, to += PS_PANEL_COLS)
        for (int v = 0; v < VECS; v++) {
            const ps_vf z = ps_vf_fma(a[v], ps_vf_load(x + v * PS_LANES), b[v]);
            ps_vf_store(to + v * PS_LANES, relu ? ps_vf_positive(z) : z);
        }
}

/** Rows in the order in which they lie, as memory gives these sooner than pieces. */
#define PIECES(VALUE)                             \
    for (int64_t i = 0; i < rows; i++)            \
        for (int64_t k = 0; k < c; k += PS_LANES) \
    ps_vf_store(to + k / PS_PANEL_COLS * next + i * PS_PANEL_COLS + k % PS_PANEL_COLS, VALUE)

void ps_nn_read_pieces(const struct ps_nn_read *r, int64_t rows, int64_t c, const float *x, int64_t x_row,
                       float *to, int64_t next)
{
    if (r->a && c == PS_PANEL_COLS)
        r->act == PS_NN_RELU ? one_piece(r, rows, x, x_row, to, true)
                             : one_piece(r, rows, x, x_row, to, false);
    else if (!r->a)
        PIECES(ps_vf_load(x + i * x_row + k));
    else if (r->act == PS_NN_RELU)
        PIECES(value(r, x + i * x_row, k, PS_LANES, true));
    else
        PIECES(value(r, x + i * x_row, k, PS_LANES, false));
}

void ps_nn_read_gradient_pieces(const struct ps_nn_gradient_read *r, int64_t rows, int64_t c, const float *dy,
                                const float *y, int64_t row, float *to, int64_t next)
{
    if (r->s)
        PIECES(gradient(r, dy + i * row, y + i * row, k, PS_LANES));
    else
        PIECES(ps_vf_load(dy + i * row + k));
}

void ps_nn_moments_join(int64_t before, int64_t rows, int64_t c, const float *y, int64_t row, double *mean,
                        double *squares)
{
    if (rows == 0) return;
    for (int64_t k = 0; k < c; k += PS_LANES) {
        const int count = lanes_from(k, c);
        double sum[PS_LANES] = {0}, square[PS_LANES] = {0};
        ps_vf near =
            ps_vf_load_part(y + k, count); /* differences from what is near the mean keep their digits */
        for (int l = 0; l < count && before > 0; l++) near[l] = (float)mean[k + l];
        for (int64_t lo = 0; lo < rows; lo += TOGETHER) {
            const int64_t hi = lo + TOGETHER < rows ? lo + TOGETHER : rows;
            ps_vf s = ps_vf_all(0), q = ps_vf_all(0);
            for (int64_t i = lo; i < hi; i++) {
                const ps_vf d = ps_vf_load_part(y + i * row + k, count) - near;
                s += d;
                q = ps_vf_fma(d, d, q);
            }
            for (int l = 0; l < PS_LANES; l++) sum[l] += s[l];
            for (int l = 0; l < PS_LANES; l++) square[l] += q[l];
        }
        for (int l = 0; l < count; l++) {
            const double m = (double)near[l] + sum[l] / (double)rows;
            const double q = square[l] - sum[l] * sum[l] / (double)rows;
            const double d = before > 0 ? m - mean[k + l] : 0, all = (double)(before + rows);
            mean[k + l] = before > 0 ? mean[k + l] + d * (double)rows / all : m;
            squares[k + l] = (before > 0 ? squares[k + l] : 0) + (q < 0 ? 0 : q) +
                             d * d * (double)before * (double)rows / all;
        }
    }
}

void ps_nn_read_slope(const struct ps_nn_read *r, int64_t rows, int64_t c, const float *x, float *dx,
                      int64_t row, double *sum, double *product)
{
    const bool relu = r->act == PS_NN_RELU;
    for (int64_t k = 0; k < c; k += PS_LANES) {
        const int count = lanes_from(k, c);
        const ps_vf a = ps_vf_load_part(from(r->a, k), count), b = ps_vf_load_part(from(r->b, k), count);
        const ps_vf mean = sum ? ps_vf_load_part(from(r->mean, k), count) : ps_vf_all(0);
        double sums[PS_LANES] = {0}, products[PS_LANES] = {0};
        for (int64_t lo = 0; lo < rows; lo += TOGETHER) {
            const int64_t hi = lo + TOGETHER < rows ? lo + TOGETHER : rows;
            ps_vf s = ps_vf_all(0), q = ps_vf_all(0);
            for (int64_t i = lo; i < hi; i++) {
                const ps_vf v = ps_vf_load_part(x + i * row + k, count);
                ps_vf d = ps_vf_load_part(dx + i * row + k, count);
                if (relu) d = (ps_vf)((ps_vu)d & (ps_vu)(ps_vf_fma(a, v, b) > ps_vf_all(0)));
                ps_vf_store_part(dx + i * row + k, d, count);
                s += d;
                q = ps_vf_fma(d, v - mean, q);
            }
            for (int l = 0; l < PS_LANES; l++) sums[l] += s[l];
            for (int l = 0; l < PS_LANES; l++) products[l] += q[l];
        }
        for (int l = 0; l < count && sum; l++) sum[k + l] += sums[l];
        for (int l = 0; l < count && sum; l++) product[k + l] += products[l];
    }
}
