#include "kernels/covariance.h"
#include <string.h>

enum { LANES = 8, VECTORS = PS_COVARIANCE_COLS / LANES };

typedef double vector __attribute__((vector_size(8 * LANES)));

/* Products of columns i ... i + 3 and j ... j + 15; sums stay in registers. */
static void tile(const double *y, int64_t rows, int64_t stride, int64_t i, int64_t j, double *c)
{
    vector sum[PS_COVARIANCE_ROWS][VECTORS], b[VECTORS];
    memset(sum, 0, sizeof sum);
    for (int64_t r = 0; r < rows; r++, y += stride) {
        memcpy(b, y + j, sizeof b);
        for (int q = 0; q < PS_COVARIANCE_ROWS; q++)
            for (int v = 0; v < VECTORS; v++) sum[q][v] += y[i + q] * b[v];
    }
    for (int q = 0; q < PS_COVARIANCE_ROWS; q++, c += stride) {
        memcpy(b, c, sizeof b);
        for (int v = 0; v < VECTORS; v++) b[v] += sum[q][v];
        memcpy(c, b, sizeof b);
    }
}

void ps_covariance_add(const double *y, int64_t rows, int64_t stride, int64_t lo, int64_t hi, double *c)
{
    for (int64_t i = lo; i < hi; i += PS_COVARIANCE_ROWS)
        for (int64_t j = i / PS_COVARIANCE_COLS * PS_COVARIANCE_COLS; j < stride; j += PS_COVARIANCE_COLS)
            tile(y, rows, stride, i, j, c + (i - lo) * stride + j);
}
