/* Steps of sequential minimal optimization by one block of threads, as kernels/svm/smo_ref.c makes them. A
 * step has two passes over the variables, each with one meeting of the block: the choice of j, which reads
 * row i of the matrix, and the new scores, which read row j and find i of the next step. It takes as long as
 * two reads of L2 and two meetings, beside about 30 instructions a variable. All threads compute the step
 * itself, while row j is under way. Rows are read past the first-level cache, which so keeps alpha and c, and
 * the scores of problems that are too large for registers. */
#include "kernels/svm/cu_smo.h"
#include "kernels/svm/cu_smo_meet.h"

/* Rows of a thread whose scores are in registers; steps of a launch, some tenths of a second. Where tests
 * stand in for devices these are few, so that they see several launches. */
#ifdef PS_CUDA_ON_HOST
enum { ROWS = 8, STEPS = 20 };
#else
enum { ROWS = 8, STEPS = 1 << 17 };
#endif

enum { MAY_RISE = 1, MAY_FALL = 2 };

/* Rows first, first + threads, ... of one thread; C variables each. Bits are copy * ROWS + place. */
template <int C> struct part {
    double score[C][ROWS];
    float diagonal[ROWS];
    uint32_t rise, fall, second; /* second: of y = -1 */
};

/* --- parts --- */

/* How a problem is gone through: C variables a row, G groups; HELD: the only part of each thread stays in
 * registers. */
template <int C, int G, bool HELD> struct way {
    struct ps_svm_cu_problem *p; /* in shared memory */
    int n, threads;
    float least;
    int64_t iterations;
    double violation;
    struct part<C> held;
};

/* Does another variable that is as good come before? A thread meets its variables in their order, unless it
 * goes from part to part with two variables a row. */
template <int C, bool HELD> static __device__ bool before(bool equal, uint32_t v, uint32_t found)
{
    return !HELD && C > 1 && equal && v < found;
}

template <int C, int G, bool HELD>
static __device__ void load(const struct way<C, G, HELD> *w, int first, struct part<C> *x)
{
    x->rise = x->fall = x->second = 0;
    PS_UNROLL_ALL
    for (int t = 0; t < ROWS; t++) {
        const int row = first + t * w->threads;
        if (row >= w->n) break;
        x->diagonal[t] = w->p->smo.diagonal[row];
        PS_UNROLL_ALL
        for (int c = 0; c < C; c++) {
            const int v = row + c * w->n;
            const uint32_t may = w->p->may[v], bit = 1u << (c * ROWS + t);
            x->score[c][t] = w->p->score[v];
            if (may & MAY_RISE) x->rise |= bit;
            if (may & MAY_FALL) x->fall |= bit;
            if (ps_smo_group(&w->p->smo, v)) x->second |= bit;
        }
    }
}

template <int C, int G, bool HELD>
static __device__ void store(const struct way<C, G, HELD> *w, int first, const struct part<C> *x)
{
    PS_UNROLL_ALL
    for (int t = 0; t < ROWS; t++) {
        const int row = first + t * w->threads;
        if (row >= w->n) break;
        PS_UNROLL_ALL
        for (int c = 0; c < C; c++) w->p->score[row + c * w->n] = x->score[c][t];
    }
}

/* Values of a row of the matrix in the places of a part. */
template <int C, int G, bool HELD>
static __device__ void load_row(const struct way<C, G, HELD> *w, int64_t row, int first, float k[ROWS])
{
    const float *from = ps_smo_k(&w->p->smo, row);
    PS_UNROLL_ALL
    for (int t = 0; t < ROWS; t++) {
        const int at = first + t * w->threads;
        if (at >= w->n) break;
        k[t] = __ldcg(from + at);
    }
}

/* Bits of the variables of a part that are in group g. */
template <int C, int G> static __device__ uint32_t in_group(const struct part<C> *x, int g)
{
    return G == 1 ? ~0u : g ? x->second : ~x->second;
}

/* --- the two passes --- */

template <int C, int G, bool HELD>
static __device__ void top_of(const struct way<C, G, HELD> *w, int first, const struct part<C> *x,
                              struct top top[G])
{
    PS_UNROLL_ALL
    for (int g = 0; g < G; g++) {
        const uint32_t rise = x->rise & in_group<C, G>(x, g), fall = x->fall & in_group<C, G>(x, g);
        PS_UNROLL_ALL
        for (int c = 0; c < C; c++) PS_UNROLL_ALL
        for (int t = 0; t < ROWS; t++) {
            const uint32_t bit = 1u << (c * ROWS + t);
            const uint32_t v = (uint32_t)(first + t * w->threads + c * w->n);
            const double score = x->score[c][t];
            if ((rise & bit) && (score > top[g].up || before<C, HELD>(score == top[g].up, v, top[g].i))) {
                top[g].up = score;
                top[g].i = v;
            }
            if ((fall & bit) && score < top[g].low) top[g].low = score;
        }
    }
}

template <int G> static __device__ void no_top(struct top top[G])
{
    PS_UNROLL_ALL
    for (int g = 0; g < G; g++) top[g] = {-INFINITY, INFINITY, NOBODY};
}

/* The best partner in a part, for i of group g. */
template <int C, int G, bool HELD>
static __device__ void choose_in(const struct way<C, G, HELD> *w, int first, const struct part<C> *x,
                                 const float k[ROWS], int g, const struct top *top, double scale,
                                 struct choice *best)
{
    const float kii = w->p->smo.diagonal[ps_smo_row(&w->p->smo, top->i)];
    const uint32_t fall = x->fall & in_group<C, G>(x, g);
    const double up = scale * top->up;
    PS_UNROLL_ALL
    for (int c = 0; c < C; c++) PS_UNROLL_ALL
    for (int t = 0; t < ROWS; t++) {
        if (!(fall & 1u << (c * ROWS + t))) continue;
        const uint32_t v = (uint32_t)(first + t * w->threads + c * w->n);
        const float b = (float)ps_svm_fma(-scale, x->score[c][t], up);
        const float a = ps_svm_fmaf(-2, k[t], kii + x->diagonal[t]);
        const float worth = ps_smo_worth(b, a, w->least);
        const uint64_t key = (uint64_t)__float_as_uint(worth) << 32 | ~v;
        if (b > 0 && worth >= 0 && key > best->key) *best = {key, x->score[c][t], k[t]};
    }
}

/* The choice of j for the present top. @param k row i in the places of the held part, for `advance` */
template <int C, int G, bool HELD>
static __device__ struct choice choose(struct way<C, G, HELD> *w, struct meeting *m, const struct top top[G],
                                       double violation, float k[ROWS])
{
    const double scale = ps_smo_scale(violation);
    struct choice best = {0, 0, 0};
    struct part<C> there;
    for (int first = (int)threadIdx.x; HELD || first < w->n; first += ROWS * w->threads) {
        struct part<C> *x = HELD ? &w->held : &there;
        if (!HELD) load(w, first, x);
        PS_UNROLL_ALL
        for (int g = 0; g < G; g++) {
            if (top[g].i == NOBODY) continue;
            load_row(w, ps_smo_row(&w->p->smo, top[g].i), first, k);
            choose_in(w, first, x, k, g, &top[g], scale, &best);
        }
        if (HELD) break;
    }
    return meet(m, best);
}

/* Scores after a step, and their top. @param k row i, where it is known from the choice */
template <int C, int G, bool HELD>
static __device__ void advance(struct way<C, G, HELD> *w, struct meeting *m, const int64_t row[2],
                               const double change[2], float ki[ROWS], struct top top[G])
{
    struct part<C> there;
    float kj[ROWS];
    no_top<G>(top);
    for (int first = (int)threadIdx.x; HELD || first < w->n; first += ROWS * w->threads) {
        struct part<C> *x = HELD ? &w->held : &there;
        if (!HELD) load(w, first, x);
        if (!HELD || G > 1) load_row(w, row[0], first, ki);
        load_row(w, row[1], first, kj);
        PS_UNROLL_ALL
        for (int t = 0; t < ROWS; t++) {
            if (first + t * w->threads >= w->n) break;
            PS_UNROLL_ALL
            for (int c = 0; c < C; c++)
                x->score[c][t] = ps_smo_advanced(x->score[c][t], change, ki[t], kj[t]);
        }
        if (!HELD) store(w, first, x);
        top_of(w, first, x, top);
        if (HELD) break;
    }
    meet<G>(m, top);
}

/* --- steps --- */

/* The two variables of a step, as a problem of their own that each thread has. */
struct pair {
    double c[2], alpha[2];
    int8_t y[2];
};

/* Note which ways a variable may go. */
template <int C, int G, bool HELD>
static __device__ void mark(struct way<C, G, HELD> *w, int64_t v, bool rise, bool fall)
{
    const int64_t row = ps_smo_row(&w->p->smo, v);
    const int shift = __ffs((int)w->threads) - 1;
    if ((row & (w->threads - 1)) != threadIdx.x) return;
    if (HELD) {
        const uint32_t bit = 1u << ((v != row ? ROWS : 0) + (row >> shift));
        w->held.rise = rise ? w->held.rise | bit : w->held.rise & ~bit;
        w->held.fall = fall ? w->held.fall | bit : w->held.fall & ~bit;
    } else {
        w->p->may[v] = (uint8_t)((rise ? MAY_RISE : 0) | (fall ? MAY_FALL : 0));
    }
}

/* One step from the present top. @return whether it was made */
template <int C, int G, bool HELD>
static __device__ bool step(struct way<C, G, HELD> *w, struct meeting *m, struct top top[G], double violation)
{
    float k[ROWS];
    double change[2];
    const struct choice found = choose(w, m, top, violation, k);
    if (found.key == 0) return false;
    const int64_t j = (uint32_t)~found.key, g = G > 1 && ps_smo_group(&w->p->smo, j);
    const int64_t i = g ? top[G - 1].i : top[0].i;
    const int64_t row[2] = {ps_smo_row(&w->p->smo, i), ps_smo_row(&w->p->smo, j)};
    struct pair two = {{w->p->smo.c[i], w->p->smo.c[j]},
                       {w->p->smo.alpha[i], w->p->smo.alpha[j]},
                       {w->p->smo.y[i], w->p->smo.y[j]}};
    struct ps_svm_smo pair;
    pair.c = two.c;
    pair.alpha = two.alpha;
    pair.y = two.y;
    const double a = ps_smo_curvature(w->p->smo.diagonal[row[0]], w->p->smo.diagonal[row[1]], found.k);
    const double up = g ? top[G - 1].up : top[0].up;
    if (!ps_smo_move(&pair, 0, 1, up - found.score, a, change)) return false;
    mark(w, i, ps_smo_may_rise(&pair, 0), ps_smo_may_fall(&pair, 0));
    mark(w, j, ps_smo_may_rise(&pair, 1), ps_smo_may_fall(&pair, 1));
    advance(w, m, row, change, k, top);
    if (threadIdx.x == 0) { /* all have read them */
        w->p->smo.alpha[i] = two.alpha[0];
        w->p->smo.alpha[j] = two.alpha[1];
    }
    return true;
}

/* The largest violation. */
template <int G> static __device__ double violation_of(const struct top top[G])
{
    double violation = -INFINITY;
    PS_UNROLL_ALL
    for (int g = 0; g < G; g++) violation = fmax(violation, top[g].up - top[g].low);
    return violation;
}

/* Make up to STEPS steps. @return whether the problem is solved */
template <int C, int G, bool HELD> static __device__ bool steps(struct way<C, G, HELD> *w, struct meeting *m)
{
    struct top top[G];
    no_top<G>(top);
    for (int first = (int)threadIdx.x; HELD || first < w->n; first += ROWS * w->threads) {
        load(w, first, &w->held);
        top_of(w, first, &w->held, top);
        if (HELD) break;
    }
    meet<G>(m, top);
    for (int made = 0; made < STEPS; made++) {
        const double violation = violation_of<G>(top);
        w->violation = violation > -INFINITY ? violation : 0;
        if (violation < w->p->smo.eps || (w->p->smo.max_iter > 0 && w->iterations >= w->p->smo.max_iter))
            return true;
        if (!step(w, m, top, violation)) return true;
        w->iterations++;
    }
    return false;
}

/* --- launches --- */

/* What a launch needs of its variables; the first one makes scores and the diagonal. */
static __device__ void prepare(struct ps_svm_cu_problem *p, const struct ps_svm_smo *s)
{
    for (int64_t row = threadIdx.x; row < s->n && p->launches == 0; row += blockDim.x)
        p->diagonal[row] = ps_smo_k(s, row)[row];
    for (int64_t v = threadIdx.x; v < s->copies * s->n; v += blockDim.x) {
        if (p->launches == 0) p->score[v] = ps_smo_score(s, v);
        p->may[v] =
            (uint8_t)((ps_smo_may_rise(s, v) ? MAY_RISE : 0) | (ps_smo_may_fall(s, v) ? MAY_FALL : 0));
    }
    __syncthreads();
}

/* The least curvature that choices reckon with. */
static __device__ float least_of(const struct ps_svm_smo *s, uint32_t *shared)
{
    float largest = 0;
    for (int64_t row = threadIdx.x; row < s->n; row += blockDim.x) {
        const float k = fabsf(s->diagonal[row]);
        if (k > largest) largest = k;
    }
    const uint32_t mine = most(__float_as_uint(largest));
    if (lane() == 0) shared[threadIdx.x / WARP] = mine;
    __syncthreads();
    const uint32_t all = most(lane() < (int)blockDim.x / WARP ? shared[lane()] : 0);
    __syncthreads();
    return ps_smo_least_of((double)__uint_as_float(all));
}

/* A function of its own for each way, so that none holds registers of the other. */
template <int C, int G, bool HELD>
static __device__ __attribute__((noinline)) void launch(struct ps_svm_cu_problem *out)
{
    __shared__ struct meeting m;
    __shared__ struct ps_svm_cu_problem p;
    struct way<C, G, HELD> w;
    if (threadIdx.x == 0) p = *out;
    __syncthreads();
    prepare(&p, &p.smo);
    w.p = &p;
    w.n = (int)p.smo.n;
    w.threads = (int)blockDim.x;
    w.least = least_of(&p.smo, m.i[0]);
    w.iterations = p.smo.iterations;
    const bool done = steps(&w, &m);
    if (HELD) store(&w, (int)threadIdx.x, &w.held);
    for (int row = (int)threadIdx.x; row < w.n && done && w.iterations > 0; row += w.threads)
        p.smo.f[row] = ps_smo_f(&p.smo, row, p.score[row]);
    if (threadIdx.x > 0) return;
    out->smo.iterations = w.iterations;
    out->smo.violation = w.violation;
    out->launches++;
    out->done = done;
}

template <int C, int G>
static __global__ void __launch_bounds__(WARPS *WARP)
    go_on(struct ps_svm_cu_problem *all, const int32_t *list)
{
    struct ps_svm_cu_problem *p = &all[list[blockIdx.x]];
    if (p->smo.n <= (int64_t)ROWS * blockDim.x)
        launch<C, G, true>(p);
    else
        launch<C, G, false>(p);
}

int ps_svm_cu_smo_threads(int64_t n)
{
    int threads = 2 * WARP; /* more threads for four rows each, as steps wait for each other */
    while (threads < WARPS * WARP && 4 * threads < n) threads *= 2;
    return threads;
}

void ps_svm_cu_smo_launch(struct ps_svm_cu_problem *all, const int32_t *list, int64_t blocks, int threads,
                          int copies, bool nu)
{
    static void (*const kernel[2][2])(struct ps_svm_cu_problem *, const int32_t *) = {
        {go_on<1, 1>, go_on<1, 2>}, {go_on<2, 1>, go_on<2, 2>}};
    PS_LAUNCH(kernel[copies - 1][nu], (unsigned)blocks, (unsigned)threads, 0, all, list);
}
