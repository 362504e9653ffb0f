/** The Cholesky factorization of a dense matrix in double precision, by one thread. Bits are a function of
 * the matrix alone. */
#ifndef PS_SVM_CHOLESKY_H
#define PS_SVM_CHOLESKY_H

#include <stdbool.h>
#include <stdint.h>

/** Columns of a panel. A matrix of n rows is stored by panels of its upper triangle, each [rows][PS_PANEL]
 * with rows down to the panel's last column; n is rounded up to whole panels. */
enum { PS_PANEL = 16 };

static inline int64_t ps_panel_rows(int64_t n)
{
    return (n + PS_PANEL - 1) / PS_PANEL * PS_PANEL;
}

/** Where the panel of a column begins: of panel p, sum over q < p of PS_PANEL * PS_PANEL * (q + 1). */
static inline int64_t ps_panel_start(int64_t column)
{
    const int64_t p = column / PS_PANEL;
    return PS_PANEL * PS_PANEL / 2 * p * (p + 1);
}

/** Where entry (row, column) is, row <= column or both in the same panel. */
static inline int64_t ps_panel_at(int64_t row, int64_t column)
{
    return ps_panel_start(column) + row * PS_PANEL + column % PS_PANEL;
}

/** A = U'U, in place.
 * @param n a multiple of PS_PANEL
 * @param a [ps_panel_start(n)] in: A, whose upper triangle is read; out: U, with the inverses of its diagonal
 * in place of it. Aligned to 64 bytes.
 * @return false where a pivot is not positive: `a` is spoilt */
bool ps_cholesky(int64_t n, double *a);

/** Right-hand sides that are solved for at once: the factor comes from memory for all of them. */
enum { PS_SOLVES = 8 };

/** x = A^-1 x from what ps_cholesky made. A right-hand side does not depend on those beside it.
 * @param x [n][PS_SOLVES], aligned to 64 bytes
 * @param first x[0..first) are 0, which saves their part of the work */
void ps_cholesky_solve(int64_t n, const double *u, int64_t first, double *x);

#endif
