/* Sequential minimal optimization on the device beside the reference: the same steps, and the same bits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vector>
extern "C" {
#include "kernels/cuda_plugin.h"
#include "kernels/rng.h"
#include "kernels/svm/svm_kernels.h"
}

static int failures;
static const struct ps_svm_kernels *cuda;

enum kernel { CLOUD, LATTICE, LINEAR, ZERO, INDEFINITE, KERNELS };
enum type { C_SVC, NU, REGRESSION, NU_REGRESSION, ONE_CLASS, TYPES };

/* A kernel matrix on both sides, rows a few floats longer than they need be. */
struct matrix {
    int64_t n, stride;
    std::vector<float> here;
    float *there;
};

static float value(enum kernel kind, const double *a, const double *b)
{
    double square = 0, product = 0;
    for (int k = 0; k < 3; k++) {
        square += (a[k] - b[k]) * (a[k] - b[k]);
        product += a[k] * b[k];
    }
    switch (kind) {
    case LINEAR:
        return (float)(1000 * product);
    case ZERO:
        return 0;
    case INDEFINITE:
        return (float)tanh(product - 0.5);
    default:
        return (float)exp(-square / 2);
    }
}

static struct matrix matrix_make(int64_t n, enum kernel kind, uint64_t seed)
{
    const struct ps_rng r = {seed, 1};
    struct matrix m = {n, n + n % 9, std::vector<float>((size_t)(n * (n + n % 9)), NAN), NULL};
    std::vector<double> x;
    for (int64_t e = 0; e < 3 * n; e++)
        x.push_back(kind == LATTICE ? (double)ps_rng_below(r, e, 0, 3) : ps_rng_normal(r, e, 0));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++)
            m.here[(size_t)(i * m.stride + j)] = m.here[(size_t)(j * m.stride + i)] =
                value(kind, &x[(size_t)(3 * i)], &x[(size_t)(3 * j)]);
    const int64_t bytes = (int64_t)(m.here.size() * sizeof(float));
    m.there = (float *)cuda->device->memory->alloc(bytes);
    cuda->device->memory->put(m.there, m.here.data(), bytes);
    return m;
}

/* A problem for both. */
struct problem {
    struct ps_svm_smo s;
    std::vector<int8_t> y;
    std::vector<double> p, c, start, alpha, f;
};

/* Alpha of a start: where sums are not zero, or by chance, pairs that keep to the constraint. */
static void begin(struct problem *q, enum type type, double c, bool warm)
{
    const int64_t vars = q->s.copies * q->s.n;
    if (type == ONE_CLASS)
        for (int64_t v = 0; v < (vars + 1) / 2; v++) q->start[(size_t)v] = q->c[(size_t)v];
    for (int64_t v = 0, w = vars - 1; warm && type != ONE_CLASS && v < w; v++) {
        while (w > v && (q->c[(size_t)w] == 0 || (q->y[(size_t)v] == q->y[(size_t)w]) == !q->s.nu)) w--;
        if (w <= v || q->c[(size_t)v] == 0) continue;
        q->start[(size_t)v] = q->start[(size_t)w] = v % 3 ? 0.3 * c : fmin(q->c[(size_t)v], q->c[(size_t)w]);
        w--;
    }
}

static struct problem problem_make(const struct matrix *m, enum type type, uint64_t seed, int64_t max_iter)
{
    const struct ps_rng r = {seed, 2};
    const bool warm = type == NU || type == NU_REGRESSION || ps_rng_below(r, 0, 9, 2);
    const int copies = type == REGRESSION || type == NU_REGRESSION ? 2 : 1;
    const int64_t vars = copies * m->n;
    const double c = pow(10, (double)ps_rng_below(r, 0, 7, 4) - 1);
    struct problem q;
    q.s = {};
    q.s.n = m->n;
    q.s.copies = copies;
    q.s.nu = type == NU || type == NU_REGRESSION;
    q.s.stride = m->stride;
    q.s.eps = 1e-3;
    q.s.max_iter = max_iter;
    for (int64_t v = 0; v < vars; v++) {
        const int64_t i = v % m->n;
        const double target = sin(3 * ps_rng_uniform(r, i, 1)) - 0.6;
        const int8_t label = type == ONE_CLASS || target + ps_rng_uniform(r, i, 2) > 0.7 ? 1 : -1;
        q.y.push_back(copies == 2 ? (v < m->n ? 1 : -1) : label);
        q.p.push_back(copies == 2 ? 0.1 - q.y.back() * target : type == C_SVC ? -1 : 0);
        q.c.push_back(ps_rng_below(r, i, 3, 8) == 0 ? 0 : q.y.back() > 0 ? c : 1.5 * c);
    }
    q.start.assign((size_t)vars, 0);
    begin(&q, type, c, warm);
    return q;
}

static void aim(struct problem *q, const struct matrix *m, const float *k)
{
    q->alpha = q->start;
    q->f.assign((size_t)m->n, 0);
    for (size_t v = 0; v < q->alpha.size(); v++)
        for (int64_t r = 0; r < m->n && q->alpha[v] != 0; r++)
            q->f[(size_t)r] +=
                q->y[v] * q->alpha[v] * (double)m->here[v % (size_t)m->n * (size_t)m->stride + (size_t)r];
    q->s.k = k;
    q->s.y = q->y.data();
    q->s.p = q->p.data();
    q->s.c = q->c.data();
    q->s.alpha = q->alpha.data();
    q->s.f = q->f.data();
    q->s.iterations = -1;
    q->s.violation = NAN;
}

static bool same(const std::vector<double> &a, const std::vector<double> &b)
{
    return memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

static int64_t steps;

/* All problems at once there, one after the other here. */
static void compare(const char *what, std::vector<struct problem> &q,
                    const std::vector<const struct matrix *> &m)
{
    std::vector<struct problem> want = q;
    std::vector<struct ps_svm_smo> s;
    for (size_t i = 0; i < q.size(); i++) {
        aim(&want[i], m[i], m[i]->here.data());
        if (ps_svm_ref.smo(&want[i].s) != PS_OK) exit(EXIT_FAILURE);
        aim(&q[i], m[i], m[i]->there);
        s.push_back(q[i].s);
        steps += want[i].s.iterations;
    }
    const enum ps_status rc = cuda->device->smo(s.data(), (int64_t)s.size());
    for (size_t i = 0; i < q.size(); i++) {
        const struct ps_svm_smo *a = &s[i], *b = &want[i].s;
        if (rc == PS_OK && a->iterations == b->iterations && a->violation == b->violation &&
            same(q[i].alpha, want[i].alpha) && same(q[i].f, want[i].f))
            continue;
        failures++;
        printf("not so: %s, %d of %d: %d rows, %d a row, nu %d: status %d, %d steps, not %d, violation %g, "
               "not %g\n",
               what, (int)i, (int)q.size(), (int)a->n, a->copies, a->nu, rc, (int)a->iterations,
               (int)b->iterations, a->violation, b->violation);
    }
}

static void one(const char *what, int64_t n, enum kernel kind, enum type type, uint64_t seed,
                int64_t max_iter)
{
    const struct matrix m = matrix_make(n, kind, seed);
    std::vector<struct problem> q = {problem_make(&m, type, seed, max_iter)};
    compare(what, q, {&m});
    cuda->device->memory->free(m.there);
}

/* All types of program on all kinds of matrix. */
static void forms()
{
    static const int64_t size[] = {1, 2, 3, 31, 65, 150};
    uint64_t seed = 1;
    for (int kind = 0; kind < KERNELS; kind++)
        for (int type = 0; type < TYPES; type++)
            for (int64_t n : size)
                one("forms", n, (enum kernel)kind, (enum type)type, seed++, n > 60 ? 45 : 100);
}

/* Several rows a thread. */
static void large()
{
    static const int64_t size[] = {600, 1100, 2000};
    for (int type = 0; type < TYPES; type++)
        for (int64_t n : size)
            one("large", n, type % 2 ? LATTICE : CLOUD, (enum type)type, 77 + (uint64_t)type, 25);
}

/* More rows than the threads of a block have in registers. */
static void larger()
{
    const struct matrix m = matrix_make(4200, CLOUD, 5);
    std::vector<struct problem> q;
    for (int type = 0; type < TYPES; type++) q.push_back(problem_make(&m, (enum type)type, 5, 3));
    compare("beyond registers", q, std::vector<const struct matrix *>(q.size(), &m));
    cuda->device->memory->free(m.there);
}

/* Many at once: sizes and types differ, some share a matrix. */
static void together()
{
    std::vector<struct matrix> m;
    std::vector<struct problem> q;
    std::vector<const struct matrix *> of;
    for (int i = 0; i < 6; i++) m.push_back(matrix_make(20 + 17 * i, i % 2 ? LATTICE : CLOUD, (uint64_t)i));
    for (int i = 0; i < 15; i++) {
        of.push_back(&m[(size_t)i % m.size()]);
        q.push_back(problem_make(of.back(), i % 4 ? C_SVC : (enum type)(i / 4 % TYPES), (uint64_t)i + 50,
                                 i % 3 ? 45 : 90));
    }
    compare("together", q, of);
    for (const struct matrix &x : m) cuda->device->memory->free(x.there);
}

/* Were the kernels of the host compiled for a processor that rounds a b + c once? */
static bool fused()
{
    const float k = 1 + 0x1p-20f;
    const float *col = &k;
    const double coef = 1 + 0x1p-40;
    double f = -1;
    ps_svm_ref.update(&col, &coef, 1, 1, &f);
    return f == fma(coef, (double)k, -1);
}

int main()
{
    const struct ps_cuda *plugin = ps_cuda_plugin();
    char text[400];
    if (plugin->interface != PS_CUDA_INTERFACE || plugin->open(0, true, text, sizeof text) != PS_OK) {
        printf("smo: no device: %s\n", text);
        return EXIT_FAILURE;
    }
    cuda = plugin->svm;
    if (fused()) {
        forms();
        large();
        larger();
        together();
    }
    plugin->close();
    printf("smo: %d steps, %d failures\n", (int)steps, failures);
    return failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
