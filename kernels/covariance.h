/** Sums of products of columns, for one thread. */
#ifndef PS_COVARIANCE_H
#define PS_COVARIANCE_H

#include <stdint.h>

/** Columns of arrays are filled up to a multiple of so many; rows of sums come in PS_COVARIANCE_ROWS. */
enum { PS_COVARIANCE_COLS = 16, PS_COVARIANCE_ROWS = 4 };

/** c[i - lo][j] += sum over r of y[r][i] y[r][j] for i in [lo, hi) and j from i on; what is left of the
 * diagonal becomes anything. Each sum is one chain over r, wherever [lo, hi) is cut.
 * @param y [rows][stride], filled up with zeros @param stride a multiple of PS_COVARIANCE_COLS
 * @param lo, hi multiples of PS_COVARIANCE_ROWS, at most stride @param c [hi - lo][stride] */
void ps_covariance_add(const double *y, int64_t rows, int64_t stride, int64_t lo, int64_t hi, double *c);

#endif
