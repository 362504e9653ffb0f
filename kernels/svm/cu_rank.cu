/* The best variables by radix selection: pass after pass counts the digits of keys, from the highest one on,
 * of those keys that agree with the place that `want` falls to so far, until there is room for all that are
 * not beyond it. Keys are worth, then what decides between equals: 12 digits, of which most often two to four
 * are looked at. A pass reads 17 bytes a variable, of the second-level cache up to some millions; further
 * ones return at once. */
#include <string.h>
#include "kernels/svm/cu.h"
#include "kernels/svm/cu_order.h"
extern "C" {
#include "kernels/svm/tie.h"
}

enum { THREADS = 256, EACH = 4 /* variables of a thread, at least */ };
enum { BITS = 11, BINS = 1 << BITS, OWN = BINS / THREADS, DIGITS = (64 + BITS - 1) / BITS };

/* The larger one is better: `worth` first. */
struct key {
    uint64_t worth, tie;
};

/* A list whose best are looked for. */
struct list {
    struct key lowest; /* the digits of the place that `want` falls to, as far as they are known */
    int64_t above;     /* keys beyond those that agree with them */
    int64_t all;
    uint32_t ended; /* blocks of this pass */
    bool done;
};

struct state {
    struct list list[4];
    uint32_t bins[4][BINS]; /* the largest digit first */
};

/* A variable of a list. */
struct variable {
    struct key key;
    double worth;
    int64_t row;
};

/* --- keys --- */

static __device__ int shift_of(int digit)
{
    return max(64 - BITS * (digit + 1), 0);
}

static __device__ unsigned digit_of(uint64_t x, int digit)
{
    const int wide = digit < DIGITS - 1 ? BITS : 64 - BITS * (DIGITS - 1);
    return (unsigned)(x >> shift_of(digit)) & ((1u << wide) - 1);
}

/* Are the digits before this one the same? */
static __device__ bool agree(uint64_t x, uint64_t y, int digit)
{
    return digit == 0 || (x ^ y) >> shift_of(digit - 1) == 0;
}

/* Is variable v of the list? Then what it is there. */
static __device__ bool look(const struct ps_svm_scores &s, int list, int64_t v, bool ties,
                            struct variable *out)
{
    const unsigned may = s.may[v];
    const bool moves = may & (list % 2 ? PS_SVM_FALLS : PS_SVM_RISES), second = may & PS_SVM_SECOND;
    if (!moves || second != (list >= 2)) return false;
    out->row = v < s.n ? v : v - s.n;
    const double p = may & PS_SVM_NEGATIVE ? -s.p[v] : s.p[v], score = -__dadd_rn(s.f[out->row], p);
    out->worth = list % 2 ? -score : score;
    out->key.worth = ps_svm_ordered(out->worth);
    out->key.tie = ties ? ~ps_svm_tie(s.first + out->row) : 0;
    return !isnan(score);
}

/* --- passes --- */

/* All bins are counted: find the one that `want` falls into. All threads of one block. */
static __device__ void settle(struct list *list, uint32_t *bins, int64_t want, int64_t room, int pass)
{
    __shared__ uint32_t along[THREADS];
    const int t = (int)threadIdx.x;
    const int64_t above = list->above;
    uint32_t mine[OWN], sum = 0;
    PS_UNROLL_ALL
    for (int e = 0; e < OWN; e++) {
        mine[e] = __ldcg(&bins[t * OWN + e]);
        bins[t * OWN + e] = 0;
        sum += mine[e];
    }
    along[t] = sum;
    __syncthreads();
    for (int apart = 1; apart < THREADS; apart *= 2) {
        const uint32_t before = t >= apart ? along[t - apart] : 0;
        __syncthreads();
        along[t] += before;
        __syncthreads();
    }
    const int64_t total = along[THREADS - 1];
    int64_t before = above + along[t] - sum;
    if (t == 0) {
        list->ended = 0;
        if (pass == 0) list->all = total;
        if (above + total < want) list->done = true; /* all of them */
    }
    PS_UNROLL_ALL
    for (int e = 0; e < OWN; e++) {
        const int64_t after = before + mine[e];
        if (before < want && want <= after) { /* one bin of one thread */
            const uint64_t digit = BINS - 1 - (uint64_t)(t * OWN + e);
            list->above = before;
            (pass < DIGITS ? list->lowest.worth : list->lowest.tie) |= digit << shift_of(pass % DIGITS);
            list->done = after <= room;
        }
        before = after;
    }
}

/* A row of blocks for each list. */
static __global__ void __launch_bounds__(THREADS)
    count(struct ps_svm_scores s, struct state *state, int64_t want, int64_t room, int pass,
          struct ps_svm_front *front)
{
    __shared__ uint32_t bins[BINS];
    __shared__ bool last;
    struct list *const list = &state->list[blockIdx.y];
    uint32_t *const all = state->bins[blockIdx.y];
    const int64_t vars = s.copies * s.n, step = (int64_t)gridDim.x * THREADS;
    const bool ties = pass >= DIGITS;
    if (list->done) return;
    const struct key lowest = list->lowest;
    if (pass == 0 && blockIdx.x == 0 && threadIdx.x == 0) front->n[blockIdx.y] = 0;
    for (int b = (int)threadIdx.x; b < BINS; b += THREADS) bins[b] = 0;
    __syncthreads();
    for (int64_t v = (int64_t)blockIdx.x * THREADS + threadIdx.x; v < vars; v += step) {
        struct variable x;
        if (!look(s, (int)blockIdx.y, v, ties, &x) || (ties && x.key.worth != lowest.worth)) continue;
        const uint64_t key = ties ? x.key.tie : x.key.worth, so_far = ties ? lowest.tie : lowest.worth;
        if (agree(key, so_far, pass % DIGITS)) atomicAdd(&bins[BINS - 1 - digit_of(key, pass % DIGITS)], 1u);
    }
    __syncthreads();
    for (int b = (int)threadIdx.x; b < BINS; b += THREADS)
        if (bins[b] > 0) atomicAdd(&all[b], bins[b]);
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) last = atomicAdd(&list->ended, 1u) == gridDim.x - 1;
    __syncthreads();
    if (last) settle(list, all, want, room, pass);
}

/* Those that are not beyond the place that was found; the last row of blocks brings f of rows. Two variables
 * of a row may be equal in all digits: `room` has a place more than is wanted. */
static __global__ void __launch_bounds__(THREADS)
    collect(struct ps_svm_scores s, const struct state *state, int64_t room, struct ps_svm_front *front,
            const int64_t *row, int64_t rows)
{
    const int list = (int)blockIdx.y, lists = (int)gridDim.y - 1;
    const int64_t vars = s.copies * s.n, step = (int64_t)gridDim.x * THREADS;
    const int64_t begin = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    struct ps_svm_candidate *const all = (struct ps_svm_candidate *)(front + 1);
    double *const f = (double *)(all + lists * room);
    if (list == lists) {
        for (int64_t i = begin; i < rows; i += step) f[i] = s.f[row[i]];
        return;
    }
    const struct key lowest = state->list[list].lowest;
    if (begin == 0) front->all[list] = state->list[list].all;
    for (int64_t v = begin; v < vars; v += step) {
        struct variable x;
        if (!look(s, list, v, true, &x) || x.key.worth < lowest.worth ||
            (x.key.worth == lowest.worth && x.key.tie < lowest.tie))
            continue;
        const int at = atomicAdd(&front->n[list], 1);
        if (at < room) all[list * room + at] = {x.worth, s.f[x.row], x.row};
    }
}

void ps_svm_rank_cu(const struct ps_svm_scores *s, const struct ps_svm_ranking *r, void *out)
{
    const int64_t bytes = (int64_t)sizeof(struct state) + r->rows * (int64_t)sizeof *r->row;
    const int64_t most = (s->copies * s->n + THREADS * EACH - 1) / (THREADS * EACH);
    const unsigned blocks = (unsigned)min(max(most, (int64_t)1), (int64_t)2 * ps_cuda_processors());
    const unsigned lists = 2 * (unsigned)s->sides;
    struct ps_svm_front *const front = (struct ps_svm_front *)out;
    struct ps_svm_stage *stage = ps_svm_stage_cu(bytes);
    if (!stage) return;
    memset(stage->here, 0, sizeof(struct state));
    if (r->rows > 0) memcpy(stage->here + sizeof(struct state), r->row, (size_t)r->rows * sizeof *r->row);
    ps_svm_stage_send_cu(stage, bytes);
    struct state *const state = (struct state *)stage->there;
    for (int pass = 0; pass < 2 * DIGITS; pass++)
        PS_LAUNCH(count, dim3(blocks, lists), THREADS, 0, *s, state, r->want, r->room, pass, front);
    PS_LAUNCH(collect, dim3(blocks, lists + 1), THREADS, 0, *s, state, r->room, front,
              (const int64_t *)(state + 1), r->rows);
    ps_svm_stage_done_cu(stage);
}

/* --- what variables may do --- */

static __global__ void __launch_bounds__(THREADS)
    set(uint8_t *to, const int64_t *at, const uint8_t *value, int64_t n)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i < n) to[at[i]] = value[i];
}

void ps_svm_set_cu(uint8_t *to, const int64_t *at, const uint8_t *value, int64_t n)
{
    const int64_t places = n * (int64_t)sizeof *at;
    if (n < 1) return;
    struct ps_svm_stage *stage = ps_svm_stage_cu(places + n);
    if (!stage) return;
    memcpy(stage->here, at, (size_t)places);
    memcpy(stage->here + places, value, (size_t)n);
    ps_svm_stage_send_cu(stage, places + n);
    PS_LAUNCH(set, (unsigned)((n + THREADS - 1) / THREADS), THREADS, 0, to, (const int64_t *)stage->there,
              (const uint8_t *)stage->there + places, n);
    ps_svm_stage_done_cu(stage);
}
