/* Left-looking: a block row of U is A's less the products of all block rows above, which stay in registers
 * while they are summed. Source: Golub, Van Loan (2013), "Matrix Computations", 4th ed., section 4.2. */
#include "kernels/svm/cholesky.h"
#include <math.h>
#include <string.h>
#include "kernels/svm/double_lanes.h"

#define INLINE static inline __attribute__((always_inline))

enum {
    LANES = PS_DOUBLES,
    VECS = 2,
    WIDTH = VECS * LANES,
    ROWS = PS_LANES == 16 ? 8 : 4, /* sums of a tile stay in registers */
    SIDES = PS_SOLVES / LANES      /* vectors of right-hand sides */
};

/** A tile: out[r][c] -= sum over k < depth of a[k][r] b[k][c]; rows of all three are PS_PANEL apart. */
static void subtract(const double *a, const double *b, int64_t depth, double *out)
{
    ps_vd sum[ROWS][VECS];
    for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < VECS; v++) sum[r][v] = ps_vd_load(out + r * PS_PANEL + v * LANES);
    for (int64_t k = 0; k < depth; k++) {
        ps_vd y[VECS];
        for (int v = 0; v < VECS; v++) y[v] = -ps_vd_load(b + k * PS_PANEL + v * LANES);
        for (int r = 0; r < ROWS; r++) {
            const ps_vd x = ps_vd_all(a[k * PS_PANEL + r]);
            for (int v = 0; v < VECS; v++) sum[r][v] = ps_vd_fma(x, y[v], sum[r][v]);
        }
    }
    for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < VECS; v++) ps_vd_store(out + r * PS_PANEL + v * LANES, sum[r][v]);
}

/** to[0..PS_PANEL) -= c row[0..PS_PANEL) */
INLINE void subtract_row(double *to, double c, const double *row)
{
    for (int v = 0; v < PS_PANEL; v += LANES)
        ps_vd_store(to + v, ps_vd_fma(ps_vd_all(-c), ps_vd_load(row + v), ps_vd_load(to + v)));
}

/** The factor of a block on the diagonal, with inverses on the diagonal. */
static bool factor(double *d)
{
    for (int k = 0; k < PS_PANEL; k++) {
        double *row = d + k * PS_PANEL;
        for (int l = 0; l < k; l++) subtract_row(row, d[l * PS_PANEL + k], d + l * PS_PANEL);
        if (!(row[k] > 0)) return false;
        const double inverse = 1 / sqrt(row[k]);
        for (int c = 0; c < PS_PANEL; c++) row[c] = c < k ? 0 : c == k ? inverse : row[c] * inverse;
    }
    return true;
}

/** x = U_d'^-1 x for the PS_PANEL rows of x. */
static void divide(const double *d, double *x)
{
    for (int k = 0; k < PS_PANEL; k++) {
        double *row = x + k * PS_PANEL;
        for (int l = 0; l < k; l++) subtract_row(row, d[l * PS_PANEL + k], x + l * PS_PANEL);
        for (int c = 0; c < PS_PANEL; c++) row[c] *= d[k * PS_PANEL + k];
    }
}

bool ps_cholesky(int64_t n, double *a)
{
    for (int64_t i = 0; i < n; i += PS_PANEL) {
        const double *left = a + ps_panel_start(i), *diagonal = left + i * PS_PANEL;
        for (int64_t j = i; j < n; j += PS_PANEL) {
            const double *right = a + ps_panel_start(j);
            double *block = a + ps_panel_at(i, j);
            for (int c = 0; c < PS_PANEL; c += WIDTH)
                for (int r = 0; r < PS_PANEL; r += ROWS)
                    subtract(left + r, right + c, i, block + r * PS_PANEL + c);
            if (j > i)
                divide(diagonal, block);
            else if (!factor(block))
                return false;
        }
    }
    return true;
}

/** Right-hand sides of one place: x -= sum over rows [row, end) of panel u by those of x. */
static void subtract_products(const double *u, int64_t row, int64_t end, const double *x, double *to)
{
    for (int v = 0; v < SIDES; v++) {
        ps_vd sum[PS_PANEL];
        for (int c = 0; c < PS_PANEL; c++) sum[c] = ps_vd_load(to + c * PS_SOLVES + v * LANES);
        for (int64_t k = row; k < end; k++) {
            const ps_vd y = -ps_vd_load(x + k * PS_SOLVES + v * LANES);
            for (int c = 0; c < PS_PANEL; c++) sum[c] = ps_vd_fma(ps_vd_all(u[k * PS_PANEL + c]), y, sum[c]);
        }
        for (int c = 0; c < PS_PANEL; c++) ps_vd_store(to + c * PS_SOLVES + v * LANES, sum[c]);
    }
}

/** Of each row of a panel above the diagonal: x -= the row by y, the right-hand sides of the panel's columns.
 */
static void subtract_rows(const double *panel, int64_t rows, const double *y, double *x)
{
    for (int v = 0; v < SIDES; v++) {
        ps_vd by[PS_PANEL];
        for (int c = 0; c < PS_PANEL; c++) by[c] = -ps_vd_load(y + c * PS_SOLVES + v * LANES);
        for (int64_t k = 0; k < rows; k++) {
            double *to = x + k * PS_SOLVES + v * LANES;
            ps_vd sum = ps_vd_load(to), other = {0};
            for (int c = 0; c < PS_PANEL; c += 2) {
                sum = ps_vd_fma(ps_vd_all(panel[k * PS_PANEL + c]), by[c], sum);
                other = ps_vd_fma(ps_vd_all(panel[k * PS_PANEL + c + 1]), by[c + 1], other);
            }
            ps_vd_store(to, sum + other);
        }
    }
}

/** x[to] -= c x[from] of all right-hand sides. */
INLINE void subtract_sides(double *x, int to, double c, int from)
{
    for (int v = 0; v < PS_SOLVES; v += LANES)
        ps_vd_store(x + to * PS_SOLVES + v, ps_vd_fma(ps_vd_all(-c), ps_vd_load(x + from * PS_SOLVES + v),
                                                      ps_vd_load(x + to * PS_SOLVES + v)));
}

void ps_cholesky_solve(int64_t n, const double *u, int64_t first, double *x)
{
    first = first / PS_PANEL * PS_PANEL;
    for (int64_t j = first; j < n; j += PS_PANEL) {
        const double *d = u + ps_panel_at(j, j);
        double *at = x + j * PS_SOLVES;
        subtract_products(u + ps_panel_start(j), first, j, x, at);
        for (int k = 0; k < PS_PANEL; k++) {
            for (int s = 0; s < PS_SOLVES; s++) at[k * PS_SOLVES + s] *= d[k * PS_PANEL + k];
            for (int c = k + 1; c < PS_PANEL; c++) subtract_sides(at, c, d[k * PS_PANEL + c], k);
        }
    }
    for (int64_t j = n - PS_PANEL; j >= 0; j -= PS_PANEL) {
        const double *panel = u + ps_panel_start(j), *d = panel + j * PS_PANEL;
        double *at = x + j * PS_SOLVES;
        for (int k = PS_PANEL - 1; k >= 0; k--) {
            for (int c = k + 1; c < PS_PANEL; c++) subtract_sides(at, k, d[k * PS_PANEL + c], c);
            for (int s = 0; s < PS_SOLVES; s++) at[k * PS_SOLVES + s] *= d[k * PS_PANEL + k];
        }
        subtract_rows(panel, j, at, x);
    }
}
