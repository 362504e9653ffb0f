/** Rates of the kernel blocks of support vector machines beside the machine's own, on generated rows.
 * usage: svm-kernels [ROWS]   (4096; OMP_NUM_THREADS as ever)
 * A line per shape: GFLOP/s, percent of the measured peak of fused multiply-adds, and nanoseconds per kernel
 * value (product: per element of k) and thread. Compressed rows count the operations on their own entries. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernels/lanes.h"
#include "kernels/svm/svm_kernels.h"

enum { TRIES = 3 }; /* at least, and for BUDGET seconds */
static const double BUDGET = 0.3;

struct work {
    struct ps_svm_function f;
    const struct ps_svm_pack *pack;
    int64_t n, cols;
    float *k, *b;
    double *out;
};

static double peak; /* GFLOP/s */

/** Independent chains in registers, on all threads. */
static void fma_peak(const struct work *w)
{
    enum { CHAINS = 12, ROUNDS = 2000000 };
    float sink = 0;
    (void)w;
#pragma omp parallel reduction(+ : sink)
    {
        ps_vf x[CHAINS], a = ps_vf_all(0.999f), b = ps_vf_all(0.001f);
        for (int c = 0; c < CHAINS; c++) x[c] = ps_vf_all((float)c);
        for (int r = 0; r < ROUNDS; r++)
            for (int c = 0; c < CHAINS; c++) x[c] = ps_vf_fma(x[c], a, b);
        for (int c = 0; c < CHAINS; c++) sink += x[c][0];
    }
    if (sink == 1) puts("");
    peak = 2e-9 * CHAINS * ROUNDS * PS_LANES * omp_get_max_threads();
}

static void run_block(const struct work *w)
{
    ps_svm_cpu.block(&w->f, w->pack, 0, w->n, w->pack, 0, w->n, w->k, w->n);
}

static void run_product(const struct work *w)
{
    ps_svm_cpu.multiply(w->k, w->n, w->n, w->n, w->b, w->cols, w->cols, w->out, w->cols);
}

static double best(void (*run)(const struct work *), const struct work *w)
{
    double least = 1e9, begin = omp_get_wtime();
    for (int t = 0; t < TRIES || omp_get_wtime() - begin < BUDGET; t++) {
        double start = omp_get_wtime(), seconds;
        run(w);
        seconds = omp_get_wtime() - start;
        if (seconds < least) least = seconds;
    }
    return least;
}

static void tell(const char *what, const struct work *w, double flop, double seconds)
{
    const double rate = 1e-9 * flop / seconds, values = (double)w->n * (double)w->n;
    printf("%-32s %6lld  %8.1f GFLOP/s %5.1f %%  %7.3f ns\n", what, (long long)w->cols, rate,
           100 * rate / peak, 1e9 * seconds * omp_get_max_threads() / values);
}

/** Rows with `each` entries at even distances. */
static struct ps_csr make_rows(int64_t n, int64_t cols, int64_t each)
{
    int64_t *start = malloc((size_t)(n + 1) * sizeof *start);
    int32_t *index = malloc((size_t)(n * each) * sizeof *index);
    double *value = malloc((size_t)(n * each) * sizeof *value);
    uint32_t random = 1;
    for (int64_t i = 0; i <= n; i++) start[i] = i * each;
    for (int64_t e = 0; e < n * each; e++) {
        int64_t at = e % each, lo = cols * at / each, hi = cols * (at + 1) / each;
        random = random * 1664525u + 1013904223u;
        index[e] = (int32_t)(lo + (random >> 8) % (hi - lo));
        value[e] = (double)random * 0x1p-32;
    }
    return (struct ps_csr){n, cols, start, index, value};
}

static void bench_block(struct work *w, int64_t each, const char *what, enum ps_svm_form form,
                        const struct ps_svm_layout *layout)
{
    struct ps_csr x = make_rows(w->n, layout->cols, each);
    struct ps_svm_pack *p;
    w->cols = layout->cols;
    w->f = (struct ps_svm_function){form, 3, 1.0 / (double)each, 0.5};
    if (ps_svm_cpu.pack(&x, NULL, w->n, layout, &p) == PS_OK) {
        w->pack = p;
        tell(what, w, (layout->differences ? 3.0 : 2.0) * (double)each * (double)w->n * (double)w->n,
             best(run_block, w));
        ps_svm_cpu.unpack(p);
    }
    free((void *)x.start), free((void *)x.index), free((void *)x.value);
}

int main(int argc, char **argv)
{
    static const int64_t dense[] = {4, 16, 36, 100, 784, 2000}, few[] = {1, 2, 4, 5, 16, 32, 36, 100};
    static const struct {
        int64_t cols, each;
    } sparse[] = {{123, 14}, {784, 150}, {47000, 73}, {1000000, 100}};
    struct work w = {.n = argc > 1 ? atoll(argv[1]) : 4096};
    const size_t values = (size_t)w.n * (size_t)w.n;
    w.k = aligned_alloc(64, (values * sizeof *w.k + 63) / 64 * 64);
    w.b = calloc((size_t)w.n * 100, sizeof *w.b);
    w.out = calloc((size_t)w.n * 100, sizeof *w.out);
    if (w.n < 1 || !w.k || !w.b || !w.out) return fputs("usage: svm-kernels [ROWS]\n", stderr), 2;
    memset(w.k, 0, values * sizeof *w.k);
    const double seconds = best(fma_peak, &w);
    peak /= seconds;
    printf("%d threads, %d lanes, fused multiply-adds %.1f GFLOP/s, %lld rows\n", omp_get_max_threads(),
           PS_LANES, peak, (long long)w.n);
    for (size_t i = 0; i < sizeof dense / sizeof *dense; i++) {
        struct ps_svm_layout l = {.cols = dense[i], .dense = true};
        bench_block(&w, dense[i], "dense, linear", PS_SVM_LINEAR, &l);
        bench_block(&w, dense[i], "dense, rbf", PS_SVM_RBF, &l);
        bench_block(&w, dense[i], "dense, polynomial", PS_SVM_POLY, &l);
        bench_block(&w, dense[i], "dense, sigmoid", PS_SVM_SIGMOID, &l);
        l.differences = true;
        bench_block(&w, dense[i], "differences, rbf (3 operations)", PS_SVM_RBF, &l);
    }
    for (size_t i = 0; i < sizeof sparse / sizeof *sparse; i++) {
        char what[32];
        snprintf(what, sizeof what, "sparse, rbf, %lld entries", (long long)sparse[i].each);
        bench_block(&w, sparse[i].each, what, PS_SVM_RBF, &(struct ps_svm_layout){.cols = sparse[i].cols});
    }
    for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
        w.cols = few[i];
        tell("product, columns", &w, 2.0 * (double)w.cols * (double)values, best(run_product, &w));
    }
    free(w.k), free(w.b), free(w.out);
    return 0;
}
