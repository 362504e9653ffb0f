/* Numerics of support vector machines on the device beside those of the host: packed rows, blocks of kernel
 * values, sums with coefficients. Values have the bits of ps_svm_cpu. */
#include "cucheck.h"
#include <omp.h>
extern "C" {
#include "kernels/svm/svm_kernels.h"
}

static const struct ps_svm_kernels *gpu, *const host = &ps_svm_cpu;

/* Has the host an instruction that multiplies and adds with one rounding? Else its chains round twice. */
static bool fuses()
{
    const float v = 1 + 0x1p-23f, *const col = &v;
    const double c = 1 + 0x1p-52;
    double f = -(1 + 0x1p-23 + 0x1p-52);
    host->update(&col, &c, 1, 1, &f);
    return f != 0;
}

/* --- arrays on the device --- */

template <class T> struct array {
    std::vector<T> here;
    T *there;

    explicit array(const std::vector<T> &x) : here(x)
    {
        there = (T *)gpu->device->memory->alloc((int64_t)((x.size() + 1) * sizeof(T)));
        gpu->device->memory->put(there, here.data(), (int64_t)(x.size() * sizeof(T)));
    }
    array(const array &) = delete;
    ~array()
    {
        gpu->device->memory->free(there);
    }
    const std::vector<T> &get()
    {
        gpu->device->memory->get(here.data(), there, (int64_t)(here.size() * sizeof(T)));
        expect(gpu->device->memory->wait() == PS_OK, "the device: %s", gpu->device->memory->error());
        return here;
    }
};

/** Elements are equal, zeros of both signs too; where the host does not fuse, off by at most `bound`. */
template <class T>
static void same(const char *what, const std::vector<T> &got, const std::vector<T> &want, double bound)
{
    static const bool fused = fuses();
    for (size_t i = 0; i < want.size(); i++) {
        const bool both = std::isnan(got[i]) && std::isnan(want[i]);
        if (both || got[i] == want[i] || (!fused && fabs(got[i] - want[i]) <= bound)) continue;
        expect(false, "%s, element %zu: %.9g, not %.9g", what, i, (double)got[i], (double)want[i]);
        return;
    }
}

/* --- rows --- */

/** Rows of which every 7th is empty and every 11th full, others with about `fill` of the columns; of values
 * up to `size`. */
struct rows {
    std::vector<int64_t> start = {0};
    std::vector<int32_t> index;
    std::vector<double> value;
    struct ps_csr x;

    rows(int64_t n, int64_t cols, double fill, double size, uint32_t seed)
    {
        for (int64_t i = 0; i < n; i++) {
            for (int64_t k = 0; i % 7 != 3 && k < cols; k++) {
                if (i % 11 != 5 && ps_rng_uniform({seed, 1}, i, (uint32_t)k) >= fill) continue;
                index.push_back((int32_t)k);
                value.push_back(size * (2 * ps_rng_uniform({seed, 2}, i, (uint32_t)k) - 1));
            }
            start.push_back((int64_t)index.size());
        }
        x = {n, cols, start.data(), index.data(), value.data()};
    }
    rows(const rows &) = delete;
};

static struct ps_svm_pack *packed(const struct ps_svm_kernels *k, const struct ps_csr *x,
                                  const std::vector<int64_t> *row, const struct ps_svm_layout *l)
{
    struct ps_svm_pack *p = NULL;
    const int64_t n = row ? (int64_t)row->size() : x->n;
    expect(k->pack(x, row ? row->data() : NULL, n, l, &p) == PS_OK, "rows are packed");
    return p;
}

/** Rows packed by both. */
struct both {
    struct ps_svm_pack *here, *there;

    both(const rows &r, const std::vector<int64_t> *row, const struct ps_svm_layout &l)
        : here(packed(host, &r.x, row, &l)), there(packed(gpu, &r.x, row, &l))
    {
    }
    both(const both &) = delete;
    ~both()
    {
        host->unpack(here);
        gpu->unpack(there);
    }
};

/* --- blocks --- */

struct range {
    int64_t lo, hi;
};

/** How much a kernel value changes with its product at most, for products up to `most`. */
static double steepness(const struct ps_svm_function &f, double most)
{
    switch (f.form) {
    case PS_SVM_POLY:
        return f.degree * f.gamma * pow(f.gamma * most + f.coef0, f.degree - 1);
    case PS_SVM_RBF:
        return 3 * f.gamma;
    case PS_SVM_SIGMOID:
        return f.gamma;
    default:
        return 1;
    }
}

/* What is between the rows of a block stays as it was. */
static void one_block(const char *what, const struct ps_svm_function &f, const both &a, struct range i,
                      const both &b, struct range j, int64_t stride, double bound)
{
    std::vector<float> want((size_t)((i.hi - i.lo) * stride), 7);
    array<float> got(want);
    host->block(&f, a.here, i.lo, i.hi, b.here, j.lo, j.hi, want.data(), stride);
    gpu->block(&f, a.there, i.lo, i.hi, b.there, j.lo, j.hi, got.there, stride);
    same(what, got.get(), want, bound);
}

static const struct ps_svm_function forms[] = {{PS_SVM_LINEAR, 0, 0, 0},
                                               {PS_SVM_POLY, 3, 0.3, 0.5},
                                               {PS_SVM_RBF, 0, 0.7, 0},
                                               {PS_SVM_SIGMOID, 0, 0.2, -0.1}};

struct shape {
    int64_t n, m, cols;
};

static void all_ranges(const char *what, const struct ps_svm_function &f, const both &a, const both &b,
                       const struct shape &s, double bound)
{
    const range i = {0, s.n}, j = {0, s.m};
    one_block(what, f, a, i, b, j, s.m + 3, bound);
    one_block(what, f, a, i, a, i, (s.n + 3) / 4 * 4, bound);
    if (s.n < 2 || s.m < 2) return;
    one_block(what, f, a, {1, s.n}, b, {s.m / 3, s.m - 1}, s.m, bound);
    one_block(what, f, a, {s.n / 2, s.n}, b, {s.m / 8 * 4, s.m}, (s.m + 7) / 4 * 4, bound);
    one_block(what, f, a, {s.n - 1, s.n}, b, j, s.m, bound);
    one_block(what, f, a, {s.n / 3, s.n}, a, {s.n / 3, s.n}, s.n, bound);
    one_block(what, f, a, {0, 0}, b, j, s.m, bound);
}

/* All forms of rows of values up to `size`, packed in all ways. */
static void one_shape(const struct shape &s, double fill, double size)
{
    std::vector<double> centre((size_t)s.cols);
    for (int64_t k = 0; k < s.cols; k++) centre[(size_t)k] = size * (ps_rng_uniform({3, 9}, k, 0) - 0.5);
    std::vector<int64_t> some;
    for (int64_t i = s.m - 1; i >= 0; i--) some.push_back(i * 5 % (s.m + 2));
    const rows x(s.n, s.cols, fill, size, 1), y(s.m + 2, s.cols + 4, fill, size, 2);
    for (int way = s.cols > 1000 ? 4 : 0; way < 5; way++) { /* panels of so many would only take time */
        const bool dense = way < 4, differences = way & 1, centred = way / 2 == 1;
        const struct ps_svm_layout l = {s.cols, dense, dense && differences, centred ? centre.data() : NULL};
        const both a(x, NULL, l), b(y, &some, l);
        for (const struct ps_svm_function &form : forms) {
            struct ps_svm_function f = form;
            const double most = (double)s.cols * size * size;
            char what[100];
            if ((centred || differences) && f.form != PS_SVM_RBF) continue;
            f.gamma /= size * size;
            snprintf(what, sizeof what, "form %d, way %d, %lld and %lld rows of %lld, size %g", (int)f.form,
                     way, (long long)s.n, (long long)s.m, (long long)s.cols, size);
            all_ranges(what, f, a, b, s, (double)(s.cols + 8) * 0x1p-23 * (most * steepness(f, most) + 1));
        }
    }
}

static void blocks()
{
    const struct shape shapes[] = {{1, 1, 7},     {31, 33, 1},    {33, 129, 7},  {129, 31, 16},
                                   {5, 300, 130}, {257, 140, 33}, {40, 70, 130}, {9, 9, 0}};
    for (const struct shape &s : shapes) one_shape(s, 0.3, 1);
    one_shape({33, 140, 300}, 0.04, 1);
    one_shape({33, 40, 20}, 0.5, 1e6);
    one_shape({33, 40, 20}, 0.5, 1e-6);
}

/* Multiprocessors that blocks fill once with tiles of 128 columns; rows of a matrix for which the largest
 * tiles take the least time. */
#ifdef PS_CUDA_ON_HOST
enum { PROCESSORS = 3, ROWS = 7 * 128 };
#else
enum { PROCESSORS = 132, ROWS = 11 * 128 };
#endif

/* Each tiling has its turn; the largest with rows that meet themselves, too. */
static void tilings()
{
    const int64_t cols = 37;
    const rows x(ROWS, cols, 0.5, 1, 6), y(PROCESSORS * 128 - 3, cols, 0.5, 1, 7);
    const struct ps_svm_function f = {PS_SVM_RBF, 0, 0.2, 0};
    const double bound = (double)(cols + 8) * 0x1p-23 * ((double)cols * steepness(f, (double)cols) + 1);
    for (const bool differences : {false, true}) {
        const struct ps_svm_layout l = {cols, true, differences, NULL};
        const both a(x, NULL, l), b(y, NULL, l);
        for (const int64_t n : {7, 29, 61, 121})
            one_block("tiling", f, a, {0, n}, b, {0, y.x.n}, y.x.n, bound);
        one_block("tiling, mirrored", f, a, {0, ROWS}, a, {0, ROWS}, ROWS, bound);
    }
}

/* Features of which a panel has few, far apart: more than a device's block looks at in a piece. */
static void wide_rows()
{
    one_shape({34, 45, 3000}, 0.01, 1);
}

/* Rows of so many entries that several threads pack them, and that they are sent in several pieces. */
static void many_entries()
{
    const rows x(2000, 100, 0.8, 1, 6);
    omp_set_num_threads(3);
    for (const bool dense : {false, true}) {
        const both all(x, NULL, {100, dense, false, NULL});
        one_block("many entries", forms[0], all, {1990, 2000}, all, {0, 2000}, 2000, 0x1p-9);
    }
    omp_set_num_threads(1);
}

/* exp(0) = 1 for each row with itself, and rows far apart are 0. */
static void ends_of_exponentials()
{
    const rows x(70, 20, 0.6, 1, 4);
    const struct ps_svm_function f = {PS_SVM_RBF, 0, 300, 0};
    for (const bool dense : {false, true}) {
        const both a(x, NULL, {20, dense, false, NULL});
        array<float> k(std::vector<float>(70 * 72, NAN));
        gpu->block(&f, a.there, 0, 70, a.there, 0, 70, k.there, 72);
        const std::vector<float> &got = k.get();
        int zeros = 0;
        for (size_t i = 0; i < 70; i++)
            expect(got[i * 72 + i] == 1, "a row with itself: %g", got[i * 72 + i]);
        for (size_t i = 0; i < 70; i++) zeros += got[i * 72 + (i + 1) % 70] == 0;
        expect(zeros > 40, "%d of 70 rows are far apart", zeros);
    }
}

/* --- sums --- */

static std::vector<float> floats(int64_t n, uint32_t stream)
{
    const numbers x = random_numbers(n, stream, -1, 1);
    return std::vector<float>(x.begin(), x.end());
}

static void one_update(int64_t ncol, int64_t n)
{
    const int64_t stride = n + 3;
    array<float> k(floats(ncol * stride, 1));
    std::vector<double> want = random_numbers(n, 2, -1, 1);
    array<double> got(want);
    const numbers coef = random_numbers(ncol, 3, -1, 1);
    std::vector<const float *> here, there;
    for (int64_t w = 0; w < ncol; w++) here.push_back(k.here.data() + (ncol - 1 - w) * stride);
    for (int64_t w = 0; w < ncol; w++) there.push_back(k.there + (ncol - 1 - w) * stride);
    host->update(here.data(), coef.data(), ncol, n, want.data());
    gpu->update(there.data(), coef.data(), ncol, n, got.there);
    std::fill(there.begin(), there.end(), (const float *)NULL); /* they were borrowed for the call */
    same("update", got.get(), want, 0x1p-52 * (double)(ncol + 1) * (double)(ncol + 1));
}

static void updates()
{
    for (const int64_t ncol : {0, 1, 15, 16, 37, 300})
        for (const int64_t n : {1, 31, 129, 1000}) one_update(ncol, n);
}

static void one_multiply(int64_t n, int64_t m, int64_t cols)
{
    const int64_t kstride = m + 5, bstride = cols + 2, ostride = cols + 1;
    array<float> k(floats(n * kstride, 1)), b(floats(m * bstride, 2));
    std::vector<double> want = random_numbers(n * ostride, 3, -1, 1);
    array<double> got(want);
    host->multiply(k.here.data(), n, m, kstride, b.here.data(), cols, bstride, want.data(), ostride);
    gpu->multiply(k.there, n, m, kstride, b.there, cols, bstride, got.there, ostride);
    same("multiply", got.get(), want, 0x1p-23 * (double)(m * m));
}

static void multiplies()
{
    for (const int64_t n : {1, 33, 130})
        for (const int64_t m : {1, 16, 255, 256, 700})
            for (const int64_t cols : {1, 3, 4, 17, 45}) one_multiply(n, m, cols);
}

static void one_sums(int64_t n, int64_t terms, int64_t cols)
{
    const int64_t kstride = n + 4, ostride = n + 7, rows = 2 * terms + 1;
    array<float> k(floats(rows * kstride, 1));
    std::vector<double> want = random_numbers(cols * ostride, 2, -1, 1);
    array<double> got(want);
    const numbers coef = random_numbers(terms * cols, 3, -1e6, 1e6);
    std::vector<int32_t> row;
    for (int64_t e = 0; e < terms; e++) row.push_back((int32_t)(2 * e + e % 2));
    const struct ps_svm_terms t = {terms, row.data(), cols, coef.data()};
    host->sums(k.here.data(), kstride, n, &t, want.data(), ostride);
    gpu->sums(k.there, kstride, n, &t, got.there, ostride);
    same("sums", got.get(), want, 0);
}

static void all_sums()
{
    for (const int64_t n : {1 * PS_SVM_SUMS, 5 * PS_SVM_SUMS})
        for (const int64_t terms : {0, 1, 50})
            for (const int64_t cols : {1, 7}) one_sums(n, terms, cols);
}

/* Packs and lists one after the other, more than are on their way at a time. */
static void many_calls()
{
    const rows x(100, 50, 0.5, 1, 5);
    const struct ps_svm_layout l = {50, true, false, NULL};
    const both all(x, NULL, l);
    for (int64_t i = 0; i < 30; i++) {
        const std::vector<int64_t> few(1 + (size_t)i % 3, i);
        const both a(x, &few, l);
        one_block("one of many", forms[2], a, {0, (int64_t)few.size()}, all, {0, 100}, 100, 1e-4);
        one_update(1 + i, 40);
    }
}

static void table()
{
    gpu = ps_cuda_plugin()->svm;
    expect(gpu && gpu->device && strcmp(gpu->name, "cuda") == 0, "the plugin has a table");
    if (!gpu) exit(EXIT_FAILURE);
}

int main()
{
    return cu_main("support vector machines",
                   {table, blocks, tilings, wide_rows, many_entries, ends_of_exponentials, updates,
                    multiplies, all_sums, many_calls});
}
