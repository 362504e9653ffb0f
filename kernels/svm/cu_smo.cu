/* Sequential minimal optimization as smo_ref.c has it, a problem by a block. */
#include "kernels/svm/cu.h"
#include <math.h>
#include <string.h>

enum { THREADS = 256 };

/* A problem on the device: arrays of all variables, [copies n] but f, which is [n]. */
struct problem {
    int64_t n, all, stride, max_iter;
    bool nu;
    const float *k;
    double eps;
    double *p, *c, *alpha, *f, *score, *result; /* iterations, violation */
    int8_t *y;
};

struct top {
    double value;
    int64_t at;
};

__device__ static float diagonal(const struct problem &s, int64_t row)
{
    return s.k[row * s.stride + row];
}

__device__ static bool may_rise(const struct problem &s, int64_t v)
{
    return s.c[v] > 0 && (s.y[v] > 0 ? s.alpha[v] < s.c[v] : s.alpha[v] > 0);
}

__device__ static bool may_fall(const struct problem &s, int64_t v)
{
    return s.c[v] > 0 && (s.y[v] > 0 ? s.alpha[v] > 0 : s.alpha[v] < s.c[v]);
}

/* The largest value, of equal ones the first. */
__device__ static struct top most(struct top mine, struct top *shared)
{
    __syncthreads();
    shared[threadIdx.x] = mine;
    for (int d = THREADS / 2; d > 0; d /= 2) {
        __syncthreads();
        if ((int)threadIdx.x >= d) continue;
        const struct top a = shared[threadIdx.x], b = shared[threadIdx.x + d];
        if (b.value > a.value || (b.value == a.value && b.at < a.at)) shared[threadIdx.x] = b;
    }
    __syncthreads();
    return shared[0];
}

__device__ static double scale_of(double x)
{
    const uint64_t exponent = (uint64_t)__double_as_longlong(x) >> 52;
    return exponent == 0 || exponent > 2045 ? 1 : __longlong_as_double((long long)((2046 - exponent) << 52));
}

__device__ static float worth(float b, float a, float least)
{
    a = a > least ? a : least;
    const float inverse = __uint_as_float(0x7ef127eau - __float_as_uint(a));
    return __fmul_rn(__fmul_rn(b, b), __fmul_rn(inverse, fmaf(-a, inverse, 2.0f)));
}

__device__ static float least_of(const struct problem &s, struct top *shared)
{
    struct top t = {0, 0};
    for (int64_t r = threadIdx.x; r < s.n; r += THREADS)
        t.value = fmax(t.value, fabs((double)diagonal(s, r)));
    return (float)(1e-12 / scale_of(most(t, shared).value));
}

/* The pair of most worth: i of its group, and j. @return j, or -1 */
__device__ static int64_t choose(const struct problem &s, float least, double *violation, int64_t *i,
                                 struct top *shared)
{
    const int groups = s.nu ? 2 : 1;
    struct top up[2], best = {-1, INT64_MAX};
    *violation = -INFINITY;
    for (int g = 0; g < groups; g++) {
        struct top rise = {-INFINITY, INT64_MAX}, fall = rise;
        for (int64_t v = threadIdx.x; v < s.all; v += THREADS) {
            if ((s.nu && s.y[v] < 0) != g) continue;
            if (may_rise(s, v) && s.score[v] > rise.value) rise = {s.score[v], v};
            if (may_fall(s, v) && -s.score[v] > fall.value) fall = {-s.score[v], v};
        }
        up[g] = most(rise, shared);
        *violation = fmax(*violation, __dadd_rn(up[g].value, most(fall, shared).value));
    }
    const double scale = scale_of(*violation);
    for (int64_t v = threadIdx.x; v < s.all; v += THREADS) {
        const struct top t = up[s.nu && s.y[v] < 0];
        if (t.at == INT64_MAX || !may_fall(s, v)) continue;
        const int64_t ri = t.at % s.n, rj = v % s.n;
        const float b = (float)fma(-scale, s.score[v], __dmul_rn(scale, t.value));
        const float a = fmaf(-2, s.k[ri * s.stride + rj], __fadd_rn(diagonal(s, ri), diagonal(s, rj)));
        const float w = worth(b, a, least);
        if (b > 0 && w > best.value) best = {w, v};
    }
    best = most(best, shared);
    if (best.at == INT64_MAX) return -1;
    *i = up[s.nu && s.y[best.at] < 0].at;
    return best.at;
}

/* By one thread. @param w out: changes of y alpha; both 0: the step is lost in rounding */
__device__ static void move(const struct problem &s, int64_t i, int64_t j, double *w)
{
    const int64_t ri = i % s.n, rj = j % s.n;
    const double a = __dadd_rn(__dadd_rn(diagonal(s, ri), diagonal(s, rj)),
                               __dmul_rn(-2, (double)s.k[ri * s.stride + rj]));
    const double old_i = s.alpha[i], old_j = s.alpha[j];
    const double room_i = s.y[i] > 0 ? __dadd_rn(s.c[i], -old_i) : old_i;
    const double room_j = s.y[j] > 0 ? old_j : __dadd_rn(s.c[j], -old_j);
    double d = __dadd_rn(s.score[i], -s.score[j]) / (a > 0 ? a : 1e-12);
    if (!(d < room_i)) d = room_i;
    if (!(d < room_j)) d = room_j;
    s.alpha[i] = d < room_i ? __dadd_rn(old_i, s.y[i] * d) : s.y[i] > 0 ? s.c[i] : 0;
    s.alpha[j] = d < room_j ? __dadd_rn(old_j, -s.y[j] * d) : s.y[j] > 0 ? 0 : s.c[j];
    w[0] = s.y[i] * __dadd_rn(s.alpha[i], -old_i);
    w[1] = s.y[j] * __dadd_rn(s.alpha[j], -old_j);
}

static __global__ void __launch_bounds__(THREADS) solve(struct problem s)
{
    __shared__ struct top shared[THREADS];
    __shared__ double w[2];
    double violation = 0;
    int64_t steps = 0;
    for (int64_t v = threadIdx.x; v < s.all; v += THREADS)
        s.score[v] = -__dadd_rn(s.f[v % s.n], s.y[v] * s.p[v]);
    const float least = least_of(s, shared);
    for (;; steps++) {
        int64_t i = -1;
        const int64_t j = choose(s, least, &violation, &i, shared);
        if (violation < s.eps || (s.max_iter > 0 && steps >= s.max_iter) || j < 0) break;
        if (threadIdx.x == 0) move(s, i, j, w);
        __syncthreads();
        if (w[0] == 0 && w[1] == 0) break;
        for (int64_t v = threadIdx.x; v < s.all; v += THREADS) {
            const float ki = s.k[i % s.n * s.stride + v % s.n], kj = s.k[j % s.n * s.stride + v % s.n];
            s.score[v] = fma(-w[0], (double)ki, fma(-w[1], (double)kj, s.score[v]));
        }
        __syncthreads();
    }
    for (int64_t r = threadIdx.x; steps > 0 && r < s.n; r += THREADS)
        s.f[r] = -__dadd_rn(s.score[r], s.y[r] * s.p[r]);
    if (threadIdx.x > 0) return;
    s.result[0] = (double)steps;
    s.result[1] = violation > -INFINITY ? violation : 0;
}

/* Arrays one after the other: p, c, alpha, f, result, y; score on the device alone. */
static void lay(const struct ps_svm_smo *s, char *at, struct problem *p)
{
    const int64_t all = s->copies * s->n;
    p->n = s->n, p->all = all, p->stride = s->stride, p->max_iter = s->max_iter;
    p->nu = s->nu, p->k = s->k, p->eps = s->eps;
    p->p = (double *)at, p->c = p->p + all, p->alpha = p->c + all, p->f = p->alpha + all;
    p->result = p->f + s->n, p->score = p->result + 2;
    p->y = (int8_t *)(p->score + all);
}

static enum ps_status one(struct ps_svm_smo *s)
{
    struct problem here, there;
    const size_t all = (size_t)(s->copies * s->n), n = (size_t)s->n;
    const int64_t bytes = (int64_t)((4 * all + n + 2) * sizeof(double) + all);
    struct ps_svm_stage *stage = ps_svm_stage_cu(bytes);
    if (!stage) return ps_cuda_status();
    lay(s, stage->here, &here);
    lay(s, stage->there, &there);
    memcpy(here.p, s->p, all * sizeof *s->p);
    memcpy(here.c, s->c, all * sizeof *s->c);
    memcpy(here.alpha, s->alpha, all * sizeof *s->alpha);
    memcpy(here.f, s->f, n * sizeof *s->f);
    memcpy(here.y, s->y, all);
    ps_svm_stage_send_cu(stage, bytes);
    PS_LAUNCH(solve, 1, THREADS, 0, there);
    ps_cuda_memory.get(stage->here, stage->there, bytes);
    const enum ps_status rc = ps_cuda_memory.wait();
    ps_svm_stage_done_cu(stage);
    if (rc != PS_OK) return rc;
    memcpy(s->alpha, here.alpha, all * sizeof *s->alpha);
    memcpy(s->f, here.f, n * sizeof *s->f);
    s->iterations = (int64_t)here.result[0];
    s->violation = here.result[1];
    return PS_OK;
}

enum ps_status ps_svm_smo_cu(struct ps_svm_smo *s, int64_t problems)
{
    enum ps_status rc = PS_OK;
    for (int64_t i = 0; i < problems && rc == PS_OK; i++) rc = one(&s[i]);
    return rc;
}
