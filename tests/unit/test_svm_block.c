/* ranks: 1
 *
 * Packing and blocks of kernel values: every form and layout against double precision within a derived bound
 * and against plain loops, the same bits in any range and on any number of threads, symmetry, exact
 * diagonals; products with few columns. u = 2^-24 is the rounding error of single precision. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>
#include "kernels/rng.h"
#include "kernels/svm/svm_kernels.h"
#include "tests/unit/mpicheck.h"

#define U 0x1p-24
#define POISON 0x7fc0dead

enum { OFFSET = 5 }; /* entries before the first row's: start[0] is not 0 */

struct set {
    struct ps_csr x;
    int64_t *start;
    int32_t *index;
    double *value;
};

/** Rows of which every 7th is empty and every 11th full, others with about `fill` of the columns. */
static struct set make_set(int64_t n, int64_t cols, double fill, uint32_t seed)
{
    struct ps_rng rng = {seed, 1};
    struct set s = {.start = malloc((size_t)(n + 1) * sizeof *s.start)};
    size_t room = OFFSET + (size_t)(n * cols);
    s.index = calloc(room, sizeof *s.index);
    s.value = calloc(room, sizeof *s.value);
    int64_t at = s.start[0] = OFFSET;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 0; i % 7 != 3 && k < cols; k++) {
            uint64_t r = ps_rng_u64(rng, i, (uint32_t)k);
            if (i % 11 != 5 && (double)(r >> 40) * 0x1p-24 >= fill) continue;
            s.index[at] = (int32_t)k;
            s.value[at++] = (double)(r & 0xffffffff) * 0x1p-31 - 1;
        }
        s.start[i + 1] = at;
    }
    s.x = (struct ps_csr){n, cols, s.start, s.index, s.value};
    return s;
}

static void free_set(struct set *s)
{
    free(s->start), free(s->index), free(s->value);
}

static void dense_row(const struct ps_csr *x, int64_t i, double *row)
{
    memset(row, 0, (size_t)x->cols * sizeof *row);
    for (int64_t e = x->start[i]; e < x->start[i + 1]; e++) row[x->index[e]] = x->value[e];
}

static struct ps_svm_pack *pack(const struct ps_csr *x, const int64_t *row, int64_t n,
                                const struct ps_svm_layout *l)
{
    struct ps_svm_pack *p;
    ck_assert_int_eq(ps_svm_cpu.pack(x, row, n, l, &p), PS_OK);
    return p;
}

/** Block [alo, ahi) x [blo, bhi) into an array with poison around it, which must stay. */
static void framed(const struct ps_svm_kernels *k, const struct ps_svm_function *f,
                   const struct ps_svm_pack *a, int64_t alo, int64_t ahi, const struct ps_svm_pack *b,
                   int64_t blo, int64_t bhi, float *out)
{
    const int64_t rows = ahi - alo, cols = bhi - blo, stride = cols + 37;
    uint32_t *frame = malloc((size_t)((rows + 2) * stride) * sizeof *frame);
    for (int64_t i = 0; i < (rows + 2) * stride; i++) frame[i] = POISON;
    k->block(f, a, alo, ahi, b, blo, bhi, (float *)frame + stride + 3, stride);
    for (int64_t i = 0; i < rows + 2; i++)
        for (int64_t j = 0; j < stride; j++) {
            bool inside = i >= 1 && i <= rows && j >= 3 && j < cols + 3;
            uint32_t v = frame[i * stride + j];
            if (inside)
                memcpy(out + (i - 1) * cols + j - 3, &v, sizeof v);
            else
                ck_assert_msg(v == POISON, "wrote outside: row %d column %d", (int)i - 1, (int)j - 3);
        }
    free(frame);
}

static int64_t ulps(float a, float b)
{
    int32_t x, y;
    memcpy(&x, &a, 4), memcpy(&y, &b, 4);
    if (x < 0) x = INT32_MIN - x;
    if (y < 0) y = INT32_MIN - y;
    return llabs((int64_t)x - y);
}

/** How far a value in single precision may be from the one in double precision: input rounded, a chain of
 * `cols` sums, the kernel function. */
static double bound_of(const struct ps_svm_function *f, const struct ps_svm_layout *l, const double *u,
                       const double *v)
{
    double uu = 0, vv = 0, d2 = 0, dot = 0, nu = 0, nv = 0;
    for (int64_t k = 0; k < l->cols; k++) {
        double c = l->centre ? l->centre[k] : 0;
        uu += u[k] * u[k], vv += v[k] * v[k], dot += u[k] * v[k];
        d2 += (u[k] - v[k]) * (u[k] - v[k]);
        nu += (u[k] - c) * (u[k] - c), nv += (v[k] - c) * (v[k] - c);
    }
    const double chain = (double)l->cols + 3, sum = sqrt(nu) + sqrt(nv);
    if (f->form == PS_SVM_RBF) {
        double e = l->differences ? 2 * U * sqrt(d2) * sum + (chain + 2) * U * d2 + U * U * sum * sum
                                  : (chain + 3) * U * sum * sum;
        double k = exp(-f->gamma * d2);
        return 1.001 * k * (expm1(f->gamma * e) + 4 * U) + 0x1p-125;
    }
    double e = 1.001 * chain * U * sqrt(uu * vv);
    if (f->form == PS_SVM_LINEAR) return e;
    double t = fabs(f->gamma * dot + f->coef0);
    double et = f->gamma * e + 3 * U * (fabs(f->gamma * dot) + fabs(f->coef0));
    if (f->form == PS_SVM_SIGMOID) return et + 8 * U;
    return 1.001 * (pow(t + et, f->degree) * (1 + 2 * f->degree * U) - pow(t, f->degree));
}

static void against_double(const struct ps_svm_function *f, const struct ps_svm_layout *l,
                           const struct ps_csr *x, const float *k)
{
    double *u = malloc((size_t)x->cols * sizeof *u), *v = malloc((size_t)x->cols * sizeof *v);
    const int64_t n = x->n, step = n > 40 ? 3 : 1;
    for (int64_t i = 0; i < n; i += step) {
        dense_row(x, i, u);
        for (int64_t j = 0; j < n; j += step) {
            dense_row(x, j, v);
            double want = ps_svm_value(f, x, i, x, j), bound = bound_of(f, l, u, v);
            ck_assert_msg(fabs((double)k[i * n + j] - want) <= bound,
                          "form %d n %d cols %d (%d,%d): %.9g, wanted %.9g within %g", f->form, (int)n,
                          (int)x->cols, (int)i, (int)j, (double)k[i * n + j], want, bound);
        }
    }
    free(u), free(v);
}

static void against_ref(const struct ps_svm_function *f, const struct ps_svm_pack *p, int64_t n,
                        const float *k)
{
    static const int most[] = {[PS_SVM_RBF] = 2, [PS_SVM_SIGMOID] = 4};
    float *ref = malloc((size_t)(n * n) * sizeof *ref);
    framed(&ps_svm_ref, f, p, 0, n, p, 0, n, ref);
    for (int64_t i = 0; i < n * n; i++) {
        bool gone = f->form == PS_SVM_RBF && k[i] == 0 && ref[i] < 0x1.01p-125f;
        ck_assert_msg(gone || ulps(k[i], ref[i]) <= most[f->form], "form %d: %.9g, ref %.9g", f->form,
                      (double)k[i], (double)ref[i]);
    }
    free(ref);
}

static void check_symmetry(const struct ps_svm_function *f, int64_t n, const float *k)
{
    for (int64_t i = 0; i < n; i++) {
        ck_assert(f->form != PS_SVM_RBF || k[i * n + i] == 1);
        for (int64_t j = 0; j < i; j++) ck_assert(ulps(k[i * n + j], k[j * n + i]) == 0);
    }
}

/** Ranges that begin and end anywhere, on 1 to 3 threads. */
static void check_ranges(const struct ps_svm_function *f, const struct ps_svm_pack *p, int64_t n,
                         const float *k)
{
    const struct ps_rng rng = {(uint32_t)n, 9};
    float *out = malloc((size_t)(n * n) * sizeof *out);
    for (uint32_t t = 0; t < 8; t++) {
        int64_t alo = ps_rng_below(rng, t, 0, (uint32_t)n), blo = ps_rng_below(rng, t, 1, (uint32_t)n);
        int64_t ahi = alo + 1 + ps_rng_below(rng, t, 2, (uint32_t)(n - alo));
        int64_t bhi = blo + 1 + ps_rng_below(rng, t, 3, (uint32_t)(n - blo));
        if (t == 0) alo = blo = 0, ahi = bhi = n;
        if (t == 1) ahi = alo;     /* nothing */
        if (t == 2) ahi = alo + 1; /* one row, of all columns and of some */
        if (t == 3) ahi = alo + 1, blo = 0, bhi = n;
        omp_set_num_threads(1 + (int)t % 3);
        framed(&ps_svm_cpu, f, p, alo, ahi, p, blo, bhi, out);
        for (int64_t i = alo; i < ahi; i++)
            ck_assert(memcmp(out + (i - alo) * (bhi - blo), k + i * n + blo, (size_t)(bhi - blo) * 4) == 0);
    }
    omp_set_num_threads(2);
    free(out);
}

/** Rows in another order, the other way round, and against a pack of their own. */
static void check_order(const struct ps_svm_function *f, const struct ps_svm_layout *l,
                        const struct ps_csr *x, const struct ps_svm_pack *p, const float *k)
{
    const int64_t n = x->n;
    int64_t *row = malloc((size_t)n * sizeof *row);
    float *out = malloc((size_t)(n * n) * sizeof *out);
    for (int64_t i = 0; i < n; i++) row[i] = n - 1 - i;
    struct ps_svm_pack *back = pack(x, row, n, l);
    framed(&ps_svm_cpu, f, back, 0, n, p, 0, n, out);
    for (int64_t i = 0; i < n; i++)
        ck_assert(memcmp(out + i * n, k + (n - 1 - i) * n, (size_t)n * sizeof *out) == 0);
    ps_svm_cpu.unpack(back);
    free(row), free(out);
}

static void check_layout(const struct ps_svm_function *f, const struct ps_svm_layout *l,
                         const struct ps_csr *x, float *k)
{
    struct ps_svm_pack *p = pack(x, NULL, x->n, l);
    framed(&ps_svm_cpu, f, p, 0, x->n, p, 0, x->n, k);
    against_double(f, l, x, k);
    against_ref(f, p, x->n, k);
    check_symmetry(f, x->n, k);
    check_ranges(f, p, x->n, k);
    check_order(f, l, x, p, k);
    ps_svm_cpu.unpack(p);
}

static void check_size(int64_t n, int64_t cols, double fill)
{
    struct set s = make_set(n, cols, fill, (uint32_t)(n * 1000 + cols));
    const double gamma = 0.5 / ((double)cols * fill + 1);
    const struct ps_svm_function forms[] = {{PS_SVM_LINEAR, 0, 0, 0},     {PS_SVM_POLY, 3, gamma, 0.75},
                                            {PS_SVM_POLY, 0, gamma, 0.5}, {PS_SVM_RBF, 0, gamma, 0},
                                            {PS_SVM_RBF, 0, 100, 0},      {PS_SVM_SIGMOID, 0, gamma, -0.25}};
    double *centre = calloc((size_t)cols, sizeof *centre);
    for (int64_t e = s.start[0]; e < s.start[n]; e++) centre[s.index[e]] += s.value[e] / (double)n;
    const struct ps_svm_layout sparse = {.cols = cols}, dense = {.cols = cols, .dense = true};
    const struct ps_svm_layout far = {cols, true, true, NULL}, mid = {cols, true, false, centre};
    const struct ps_svm_layout far_mid = {cols, true, true, centre};
    float *k = malloc((size_t)(n * n) * sizeof *k), *other = malloc((size_t)(n * n) * sizeof *other);
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        check_layout(&forms[f], &dense, &s.x, k);
        check_layout(&forms[f], &sparse, &s.x, other);
        ck_assert_msg(memcmp(k, other, (size_t)(n * n) * sizeof *k) == 0, "layouts differ");
        if (forms[f].form != PS_SVM_RBF) continue;
        check_layout(&forms[f], &far, &s.x, k);
        check_layout(&forms[f], &mid, &s.x, k);
        check_layout(&forms[f], &far_mid, &s.x, k);
    }
    free(k), free(other), free(centre);
    free_set(&s);
}

START_TEST(sizes)
{
    static const int64_t rows[] = {1, 31, 32, 33, 100}, cols[] = {1, 3, 16, 100, 784};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (size_t c = 0; c < sizeof cols / sizeof *cols; c++) check_size(rows[r], cols[c], 0.3);
    check_size(200, 5, 0.5);
    check_size(70, 2049, 0.02);
    check_size(40, 6000, 0.01);
}
END_TEST

/** Large aligned blocks are stored in another way. */
START_TEST(large)
{
    enum { N = 2065, STRIDE = 2080, SIZE = N * STRIDE };
    const struct ps_svm_function f = {PS_SVM_RBF, 0, 0.3, 0};
    struct set s = make_set(N, 6, 0.6, 5);
    float *k = aligned_alloc(64, SIZE * sizeof *k), *other = malloc(sizeof *other * N * N);
    for (int dense = 0; dense < 2; dense++)
        for (int threads = 1; threads <= 3; threads++) {
            struct ps_svm_pack *p = pack(&s.x, NULL, N, &(struct ps_svm_layout){.cols = 6, .dense = dense});
            omp_set_num_threads(threads);
            for (int64_t i = 0; i < SIZE; i++) k[i] = -7;
            ps_svm_cpu.block(&f, p, 0, N, p, 0, N, k, STRIDE);
            ps_svm_cpu.block(&f, p, 0, N, p, 0, N, other, N);
            for (int64_t i = 0; i < N; i++) {
                ck_assert(memcmp(k + i * STRIDE, other + i * N, N * sizeof *k) == 0);
                for (int64_t j = N; j < STRIDE; j++) ck_assert(k[i * STRIDE + j] == -7);
            }
            ps_svm_cpu.block(&f, p, 0, N, p, 5, N, k, STRIDE);
            for (int64_t i = 0; i < N; i++)
                ck_assert(memcmp(k + i * STRIDE, other + i * N + 5, (N - 5) * sizeof *k) == 0);
            ps_svm_cpu.unpack(p);
        }
    free(k), free(other), free_set(&s);
}
END_TEST

/** Columns beyond those of the layout do not count; no rows, no columns, nothing but empty rows. */
START_TEST(edges)
{
    struct set s = make_set(50, 20, 0.5, 4), cut = make_set(50, 20, 0.5, 4);
    const struct ps_svm_function f = {PS_SVM_RBF, 0, 0.3, 0};
    float k[2][50 * 50];
    for (int64_t i = 0; i < 50; i++) /* the same rows without columns from 8 on, which become zeros */
        for (int64_t e = cut.start[i]; e < cut.start[i + 1]; e++)
            if (cut.index[e] >= 8) cut.value[e] = 0;
    for (int dense = 0; dense < 2; dense++) {
        struct ps_svm_layout l = {.cols = 8, .dense = dense}, all = {.cols = 20, .dense = dense}, none = {0};
        struct ps_svm_pack *p = pack(&s.x, NULL, 50, &l), *q = pack(&cut.x, NULL, 50, &all);
        ps_svm_cpu.block(&f, p, 0, 50, p, 0, 50, k[0], 50);
        ps_svm_cpu.block(&f, q, 0, 50, q, 0, 50, k[1], 50);
        ck_assert(memcmp(k[0], k[1], sizeof k[0]) == 0);
        none.dense = dense;
        struct ps_svm_pack *empty = pack(&s.x, NULL, 0, &l), *narrow = pack(&s.x, NULL, 50, &none);
        ps_svm_cpu.block(&f, p, 0, 50, empty, 0, 0, k[0], 50);
        ps_svm_cpu.block(&f, narrow, 0, 50, narrow, 0, 50, k[0], 50);
        for (int i = 0; i < 50 * 50; i++) ck_assert(k[0][i] == 1);
        ps_svm_cpu.unpack(p), ps_svm_cpu.unpack(q), ps_svm_cpu.unpack(empty), ps_svm_cpu.unpack(narrow);
    }
    ps_svm_cpu.unpack(NULL);
    free_set(&s), free_set(&cut);
}
END_TEST

/** Rows that almost agree: rounding must not make a squared distance negative. */
START_TEST(close_rows)
{
    enum { N = 64, COLS = 30 };
    const struct ps_svm_function f = {PS_SVM_RBF, 0, 1000, 0};
    struct set s = make_set(N, COLS, 1, 6);
    float k[N * N];
    for (int64_t i = 0; i < N; i++)
        for (int64_t e = s.start[i]; e < s.start[i + 1]; e++)
            s.value[e] = sin(s.index[e] + 1) * (1 + (double)((i * 7 + e * 5) % 11) * 0x1p-25);
    for (int dense = 0; dense < 2; dense++) {
        struct ps_svm_pack *p = pack(&s.x, NULL, N, &(struct ps_svm_layout){.cols = COLS, .dense = dense});
        ps_svm_cpu.block(&f, p, 0, N, p, 0, N, k, N);
        for (int i = 0; i < N * N; i++) ck_assert(k[i] <= 1);
        ps_svm_cpu.unpack(p);
    }
    free_set(&s);
}
END_TEST

/** One column: exp and tanh of known arguments. */
START_TEST(functions)
{
    enum { N = 200001 };
    int64_t *start = malloc((N + 1) * sizeof *start), worst[2] = {0, 0};
    int32_t *index = calloc(N, sizeof *index);
    double *value = malloc(N * sizeof *value);
    float *k = malloc(N * sizeof *k);
    for (int64_t i = 0; i <= N; i++) start[i] = i;
    for (int64_t i = 0; i < N; i++) value[i] = (double)(float)(1.2e-4 * (double)i - 12);
    value[0] = 1, value[1] = 0, value[2] = 1e19;
    const struct ps_csr x = {N, 1, start, index, value};
    const struct ps_svm_layout l = {1, true, true, NULL};
    struct ps_svm_pack *p = pack(&x, NULL, N, &l);
    for (double gamma = 1e-30; gamma < 1e9; gamma *= 71.3) {
        const struct ps_svm_function f = {PS_SVM_RBF, 0, gamma, 0};
        ps_svm_cpu.block(&f, p, 1, 2, p, 0, N, k, N); /* distances from 0 */
        for (int64_t i = 0; i < N; i++) {
            double want = exp(-gamma * (double)((float)value[i] * (float)value[i]));
            if (want < 0x1p-125)
                ck_assert(k[i] == 0 || k[i] < 0x1.01p-125f);
            else if (ulps(k[i], (float)want) > worst[0])
                worst[0] = ulps(k[i], (float)want);
        }
    }
    const struct ps_svm_function f = {PS_SVM_SIGMOID, 0, 1, 0};
    ps_svm_cpu.block(&f, p, 0, 1, p, 0, N, k, N); /* products with 1 */
    for (int64_t i = 0; i < N; i++) {
        int64_t off = ulps(k[i], (float)tanh(value[i]));
        if (off > worst[1]) worst[1] = off;
    }
    ck_assert_msg(worst[0] <= 1, "exp is off by %d units in the last place", (int)worst[0]);
    ck_assert_msg(worst[1] <= 3, "tanh is off by %d units in the last place", (int)worst[1]);
    ps_svm_cpu.unpack(p);
    free(start), free(index), free(value), free(k);
}
END_TEST

/** The sums of LIBSVM, over whole rows: zeros change nothing. */
START_TEST(values)
{
    enum { N = 40, COLS = 60 };
    struct set s = make_set(N, COLS, 0.3, 8);
    double u[COLS], v[COLS];
    for (int64_t i = 0; i < N; i++)
        for (int64_t j = 0; j < N; j++) {
            double dot = 0, d2 = 0;
            dense_row(&s.x, i, u), dense_row(&s.x, j, v);
            for (int k = 0; k < COLS; k++) dot += u[k] * v[k], d2 += (u[k] - v[k]) * (u[k] - v[k]);
            const double t = 0.7 * dot + 0.2, t2 = t * t;
            const struct ps_svm_function f[] = {{PS_SVM_LINEAR, 0, 0, 0},
                                                {PS_SVM_POLY, 5, 0.7, 0.2},
                                                {PS_SVM_RBF, 0, 0.7, 0},
                                                {PS_SVM_SIGMOID, 0, 0.7, 0.2}};
            ck_assert(ps_svm_value(&f[0], &s.x, i, &s.x, j) == dot);
            ck_assert(ps_svm_value(&f[1], &s.x, i, &s.x, j) == t * (t2 * t2));
            ck_assert(ps_svm_value(&f[2], &s.x, i, &s.x, j) == exp(-0.7 * d2));
            ck_assert(ps_svm_value(&f[3], &s.x, i, &s.x, j) == tanh(t));
        }
    free_set(&s);
}
END_TEST

/** out += k b, with junk beyond all rows' ends; the bits of plain loops, and near those of double. */
static void check_product(int64_t n, int64_t m, int64_t cols, int threads)
{
    const int64_t kstride = m + 5, bstride = cols + 3, ostride = cols + 2;
    const struct ps_rng rng = {(uint32_t)(n + m), (uint32_t)cols};
    float *k = malloc((size_t)(n * kstride) * sizeof *k), *b = malloc((size_t)(m * bstride) * sizeof *b);
    double *out[2];
    for (int64_t i = 0; i < n * kstride; i++) k[i] = (float)((double)ps_rng_u64(rng, i, 1) * 0x1p-64);
    for (int64_t i = 0; i < m * bstride; i++) b[i] = (float)((double)ps_rng_u64(rng, i, 2) * 0x1p-63 - 1);
    for (int w = 0; w < 2; w++) {
        out[w] = malloc((size_t)(n * ostride) * sizeof *out[w]);
        for (int64_t i = 0; i < n * ostride; i++) out[w][i] = (double)i * 0.125;
    }
    omp_set_num_threads(threads);
    ps_svm_cpu.multiply(k, n, m, kstride, b, cols, bstride, out[0], ostride);
    ps_svm_ref.multiply(k, n, m, kstride, b, cols, bstride, out[1], ostride);
    ck_assert_msg(memcmp(out[0], out[1], (size_t)(n * ostride) * sizeof *out[0]) == 0,
                  "n %d m %d cols %d: differs from ref", (int)n, (int)m, (int)cols);
    for (int64_t i = 0; i < n; i++)
        for (int64_t t = 0; t < cols; t++) {
            double want = (double)(i * ostride + t) * 0.125, size = fabs(want) * 0x1p-29;
            for (int64_t j = 0; j < m; j++) {
                double product = (double)k[i * kstride + j] * (double)b[j * bstride + t];
                want += product, size += fabs(product);
            }
            /* chains of 16, then 16 of them */
            ck_assert(fabs(out[0][i * ostride + t] - want) <= 33 * U * size);
        }
    free(k), free(b), free(out[0]), free(out[1]);
}

START_TEST(products)
{
    static const int64_t rows[] = {1, 5, 6, 7, 12, 13, 16, 33, 200},
                         inner[] = {1, 15, 16, 17, 255, 256, 257, 700};
    static const int64_t cols[] = {1, 2, 3, 4, 5, 15, 16, 17, 32, 33, 100};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (size_t j = 0; j < sizeof inner / sizeof *inner; j++)
            for (size_t c = 0; c < sizeof cols / sizeof *cols; c++)
                check_product(rows[r], inner[j], cols[c], 1 + (int)(r + j + c) % 3);
    check_product(1500, 1111, 1, 3);
    check_product(1500, 1111, 9, 2);
    check_product(3, 0, 4, 2);
    check_product(0, 3, 4, 2);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {sizes, large, edges, close_rows, functions, values, products, NULL};
    return mck_main(argc, argv, "svm_block", tests);
}
