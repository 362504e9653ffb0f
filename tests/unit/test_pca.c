/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include <math.h>
#include <string.h>
#include "common/linalg/eigen.h"
#include "common/linalg/pca.h"
#include "common/run/err.h"
#include "kernels/rng.h"

static double normal(int64_t i, uint32_t slot)
{
    return ps_rng_normal((struct ps_rng){7, 1}, i, slot);
}

/* Correlated columns of different size, far from zero. */
static void correlated(const void *context, int64_t i, float *x)
{
    const int64_t cols = *(const int64_t *)context;
    double before = 0;
    for (int64_t j = 0; j < cols; j++) {
        before = 0.7 * before + normal(i, (uint32_t)j) * (1 + (double)(j % 5));
        x[j] = (float)(before + 10 + (double)j);
    }
}

static double *covariance(const struct ps_pca_rows *x)
{
    const int64_t n = x->cols;
    float *row = malloc((size_t)n * sizeof *row);
    double *mean = calloc((size_t)n, sizeof *mean), *c = calloc((size_t)(n * n), sizeof *c);
    for (int64_t i = 0; i < x->rows; i++) {
        x->row(x->context, i, row);
        for (int64_t j = 0; j < n; j++) mean[j] += row[j] / (double)x->rows;
    }
    for (int64_t i = 0; i < x->rows; i++) {
        x->row(x->context, i, row);
        for (int64_t j = 0; j < n; j++)
            for (int64_t k = 0; k < n; k++)
                c[j * n + k] += (row[j] - mean[j]) * (row[k] - mean[k]) / (double)(x->rows - 1);
    }
    free(row), free(mean);
    return c;
}

/* Jacobi's method: rotations until nothing is left beside the diagonal. Columns of v are the vectors. */
static void jacobi(int64_t n, double *a, double *v)
{
    for (int64_t i = 0; i < n * n; i++) v[i] = i % (n + 1) == 0;
    for (int sweep = 0; sweep < 30; sweep++)
        for (int64_t p = 0; p < n; p++)
            for (int64_t q = p + 1; q < n; q++) {
                if (fabs(a[p * n + q]) < 1e-300) continue;
                const double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
                const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
                const double c = 1 / sqrt(t * t + 1), s = t * c;
                for (int64_t k = 0; k < n; k++) {
                    const double x = a[k * n + p], y = a[k * n + q];
                    a[k * n + p] = c * x - s * y, a[k * n + q] = s * x + c * y;
                }
                for (int64_t k = 0; k < n; k++) {
                    const double x = a[p * n + k], y = a[q * n + k];
                    a[p * n + k] = c * x - s * y, a[q * n + k] = s * x + c * y;
                    const double z = v[k * n + p], w = v[k * n + q];
                    v[k * n + p] = c * z - s * w, v[k * n + q] = s * z + c * w;
                }
            }
}

/* Number of the k-th largest of n diagonal elements. */
static int64_t place(int64_t n, const double *a, int64_t k)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t larger = 0;
        for (int64_t j = 0; j < n; j++) larger += a[j * n + j] > a[i * n + i];
        if (larger == k) return i;
    }
    return -1;
}

/* Values and vectors [n][k] against Jacobi's of the matrix a, which is lost. Both err by some n times 1e-16
 * of the largest value; vectors by that over the gap between values, which is above 1e-3 of the largest here.
 */
static void check_against_jacobi(int64_t n, double *a, int64_t k, const double *value, const double *vector)
{
    double *v = malloc((size_t)(n * n) * sizeof *v), worst_value = 0, worst_vector = 0;
    jacobi(n, a, v);
    const int64_t first = place(n, a, 0);
    for (int64_t c = 0; c < k; c++) {
        const int64_t at = place(n, a, c);
        int64_t largest = 0;
        for (int64_t i = 1; i < n; i++)
            if (fabs(v[i * n + at]) > fabs(v[largest * n + at])) largest = i;
        const double sign = v[largest * n + at] < 0 ? -1 : 1;
        worst_value = fmax(worst_value, fabs(value[c] - a[at * n + at]) / a[first * n + first]);
        for (int64_t i = 0; i < n; i++)
            worst_vector = fmax(worst_vector, fabs(vector[i * k + c] - sign * v[i * n + at]));
    }
    mck_assert(worst_value < 1e-13, "values differ by %g", worst_value);
    mck_assert(worst_vector < 1e-9, "vectors differ by %g", worst_vector);
    free(v);
}

/* Rows at known distances from a known place along known directions. */
static void cross(const void *context, int64_t i, float *x)
{
    static const float step[3] = {5, 3, 1};
    (void)context;
    for (int j = 0; j < 4; j++) x[j] = (float)(1 + j);
    const float s = i % 2 ? -step[i / 2] : step[i / 2];
    if (i / 2 == 0) x[1] -= s * 0.6f, x[2] -= s * 0.8f;
    if (i / 2 == 1) x[0] += s;
    if (i / 2 == 2) x[1] -= s * 0.8f, x[2] += s * 0.6f;
}

START_TEST(known)
{
    const struct ps_pca_rows x = {6, 4, NULL, cross};
    struct ps_pca p;
    mck_assert(ps_pca_fit(MPI_COMM_WORLD, &x, 3, &p) == PS_OK, "%s", ps_err_message());
    /* the float 0.6 errs by 2e-8 of itself */
    const double want[4][3] = {{0, 1, 0}, {0.6, 0, 0.8}, {0.8, 0, -0.6}, {0, 0, 0}};
    const double variance[3] = {2 * 25 / 5.0, 2 * 9 / 5.0, 2 * 1 / 5.0};
    for (int c = 0; c < 3; c++) {
        mck_assert(fabs(p.variance[c] - variance[c]) < 1e-6, "variance %d is %.9g", c, p.variance[c]);
        for (int j = 0; j < 4; j++) {
            const double v = p.component[j * 3 + c];
            mck_assert(fabs(v - want[j][c]) < 1e-6, "component %d, column %d is %.9g", c, j, v);
        }
    }
    for (int j = 0; j < 4; j++) mck_assert(fabs(p.mean[j] - (1 + j)) < 1e-7, "mean %d is %.9g", j, p.mean[j]);
    mck_assert(fabs(p.total - 14) < 1e-5, "all variance is %.9g", p.total);
    float in[4], out[4];
    double code[3];
    for (int64_t i = 0; i < 6; i++) { /* they lie in three dimensions */
        cross(NULL, i, in);
        ps_pca_encode(&p, in, code);
        ps_pca_decode(&p, code, out);
        for (int j = 0; j < 4; j++)
            mck_assert(fabsf(in[j] - out[j]) < 2e-6f, "row %d, column %d comes back as %.9g", (int)i, j,
                       (double)out[j]);
    }
    ps_pca_free(&p);
}
END_TEST

START_TEST(random_rows)
{
    const int64_t cols = 37, code = 12;
    const struct ps_pca_rows x = {500, cols, &cols, correlated};
    struct ps_pca p;
    mck_assert(ps_pca_fit(MPI_COMM_WORLD, &x, code, &p) == PS_OK, "%s", ps_err_message());
    double *c = covariance(&x);
    check_against_jacobi(cols, c, code, p.variance, p.component);
    free(c);
    ps_pca_free(&p);
}
END_TEST

/* So many columns that covariances are summed in several parts: C v = variance v, and vectors are
 * orthonormal. */
START_TEST(wide)
{
    const int64_t cols = 600, code = 5;
    const struct ps_pca_rows x = {90, cols, &cols, correlated};
    struct ps_pca p;
    mck_assert(ps_pca_fit(MPI_COMM_WORLD, &x, code, &p) == PS_OK, "%s", ps_err_message());
    double *c = covariance(&x), worst = 0, skew = 0, trace = 0;
    for (int64_t i = 0; i < cols; i++) trace += c[i * cols + i];
    for (int64_t k = 0; k < code; k++) {
        for (int64_t i = 0; i < cols; i++) {
            double sum = 0;
            for (int64_t j = 0; j < cols; j++) sum += c[i * cols + j] * p.component[j * code + k];
            worst = fmax(worst, fabs(sum - p.variance[k] * p.component[i * code + k]));
        }
        for (int64_t l = 0; l <= k; l++) {
            double sum = 0;
            for (int64_t j = 0; j < cols; j++) sum += p.component[j * code + k] * p.component[j * code + l];
            skew = fmax(skew, fabs(sum - (k == l)));
        }
    }
    mck_assert(worst < 1e-12 * trace, "C v - variance v is up to %g", worst);
    mck_assert(skew < 1e-12, "products of vectors err by %g", skew);
    mck_assert(fabs(p.total - trace) < 1e-12 * trace, "all variance is %.15g, not %.15g", p.total, trace);
    free(c);
    ps_pca_free(&p);
}
END_TEST

START_TEST(same_bits)
{
    const int64_t cols = 21, code = 6;
    for (int64_t rows = 3; rows <= 300; rows *= 10) {
        const struct ps_pca_rows x = {rows, cols, &cols, correlated};
        struct ps_pca all, alone;
        mck_assert(ps_pca_fit(MPI_COMM_WORLD, &x, code, &all) == PS_OK, "%s", ps_err_message());
        mck_assert(ps_pca_fit(MPI_COMM_SELF, &x, code, &alone) == PS_OK, "%s", ps_err_message());
        mck_assert(!memcmp(all.component, alone.component, (size_t)(cols * code) * sizeof(double)) &&
                       !memcmp(all.mean, alone.mean, (size_t)cols * sizeof(double)) &&
                       !memcmp(all.variance, alone.variance, (size_t)code * sizeof(double)) &&
                       !memcmp(&all.total, &alone.total, sizeof(double)),
                   "other bits on other ranks, %d rows", (int)rows);
        ps_pca_free(&all);
        ps_pca_free(&alone);
    }
}
END_TEST

/* A matrix of several blocks, over as many ranks as there are. */
START_TEST(grid)
{
    const int64_t cols = 150, k = 9;
    const struct ps_pca_rows x = {400, cols, &cols, correlated};
    double *c = covariance(&x), *value = calloc((size_t)k, sizeof *value);
    double *vector = calloc((size_t)(cols * k), sizeof *vector);
    struct ps_eigen e;
    mck_assert(ps_eigen_open(MPI_COMM_WORLD, cols, 4, &e) == PS_OK, "%s", ps_err_message());
    ps_eigen_put(&e, 0, 70, c, cols);
    ps_eigen_put(&e, 70, cols, c + 70 * cols, cols);
    mck_assert(ps_eigen_largest(&e, k, value, vector) == PS_OK, "%s", ps_err_message());
    check_against_jacobi(cols, c, k, value, vector);
    ps_eigen_close(&e);
    free(c), free(value), free(vector);
}
END_TEST

START_TEST(refused)
{
    const int64_t cols = 5;
    const struct ps_pca_rows x = {50, cols, &cols, correlated};
    struct ps_pca p;
    mck_assert(ps_pca_fit(MPI_COMM_WORLD, &x, 6, &p) == PS_EUSAGE, "6 components of 5 columns");
    mck_assert(strstr(ps_err_message(), "6 principal components of 5 columns"), "%s", ps_err_message());
    ps_err_clear();
}
END_TEST

START_TEST(left_out)
{
    const int64_t cols = 5;
    const struct ps_pca_rows x = {50, cols, &cols, correlated};
    struct ps_pca p;
    mck_assert(ps_pca_fit(MPI_COMM_WORLD, &x, 2, &p) == PS_EBACKEND, "there is no ScaLAPACK");
    mck_assert(strstr(ps_err_message(), "ScaLAPACK"), "%s", ps_err_message());
    ps_err_clear();
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const with[] = {known, random_rows, wide, same_bits, grid, refused, NULL};
    const TTest *const without[] = {refused, left_out, NULL};
    return mck_main(argc, argv, "pca", ps_pca_available() ? with : without);
}
