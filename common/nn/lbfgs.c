#include "common/nn/lbfgs.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/nn/wolfe.h"
#include "common/run/err.h"

enum { BLOCK = 1024, LANES = 8 };

/* Where the vectors lie. */
enum { X, G, PAIRS };

/* Numbers of a thread; equal on all. */
struct state {
    _Alignas(64) struct ps_wolfe line;
    double f;        /* at x */
    int64_t steps;   /* accepted */
    int pairs, next; /* that are remembered; where the next one goes */
    bool begun;      /* is there an x? */
    bool turn;       /* is a new direction wanted? */
    bool stale;      /* are products of pairs to be made again? */
    int64_t round;   /* of sums of blocks */
    double *sy, *yy; /* [history] products of pairs */
    double *alpha;   /* [history] */
};

struct ps_lbfgs {
    struct ps_team *team;
    int64_t n, blocks, stride;
    int history;
    double tolerance;
    struct ps_shared memory;
    double *sum[2];      /* [blocks] in it, for every other sum */
    float *vector;       /* in it: x, g, s [history], y [history], direction */
    struct state *state; /* [own threads]; owned */
    double *numbers;     /* of states; owned */
};

static float *vector_of(const struct ps_lbfgs *l, int i)
{
    return l->vector + i * l->stride;
}

static float *s_of(const struct ps_lbfgs *l, int pair)
{
    return vector_of(l, PAIRS + pair);
}

static float *y_of(const struct ps_lbfgs *l, int pair)
{
    return vector_of(l, PAIRS + l->history + pair);
}

static float *direction_of(const struct ps_lbfgs *l)
{
    return vector_of(l, PAIRS + 2 * l->history);
}

/* Elements that a thread works on, in whole blocks. */
static struct ps_range own_part(const struct ps_lbfgs *l, int thread)
{
    return ps_team_part(l->team, thread, l->n, BLOCK);
}

/* Vectors are zeroed by the threads that will use them. */
static void begin_vectors(struct ps_lbfgs *l)
{
#pragma omp parallel for num_threads(l->team->mine) schedule(static, 1)
    for (int thread = 0; thread < l->team->mine; thread++) {
        const struct ps_range part = own_part(l, thread);
        for (int i = 0; i <= PAIRS + 2 * l->history; i++)
            memset(vector_of(l, i) + part.lo, 0, (size_t)(part.hi - part.lo) * sizeof(float));
    }
}

enum ps_status ps_lbfgs_open(struct ps_team *team, const struct ps_lbfgs_plan *plan, struct ps_lbfgs **out)
{
    const int64_t threads = team->mine, history = plan->history;
    struct ps_lbfgs *l = NULL;
    enum ps_status rc = ps_zalloc(&l, 1, sizeof *l, "L-BFGS");
    if (rc == PS_OK) rc = ps_zalloc(&l->state, threads, sizeof *l->state, "L-BFGS");
    if (rc == PS_OK) rc = ps_zalloc(&l->numbers, threads * 3 * history, sizeof *l->numbers, "L-BFGS");
    PS_TRY_DONE(ps_agree(team->comm, rc));
    l->team = team;
    l->n = plan->n;
    l->blocks = (plan->n + BLOCK - 1) / BLOCK;
    l->stride = l->blocks * BLOCK;
    l->history = plan->history;
    l->tolerance = plan->tolerance;
    for (int i = 0; i < threads; i++) {
        l->state[i].sy = l->numbers + i * 3 * history;
        l->state[i].yy = l->state[i].sy + history;
        l->state[i].alpha = l->state[i].yy + history;
    }
    const int64_t sums = 2 * l->blocks * (int64_t)sizeof(double);
    const int64_t vectors = (PAIRS + 2 * history + 1) * l->stride * (int64_t)sizeof(float);
    PS_TRY_DONE(ps_agree(team->comm, ps_shared_open(team->node, vectors + sums, &l->memory)));
    l->vector = l->memory.data;
    l->sum[0] = (double *)(l->vector + (PAIRS + 2 * history + 1) * l->stride);
    l->sum[1] = l->sum[0] + l->blocks;
    begin_vectors(l);
    MPI_Barrier(team->node);
done:
    if (rc != PS_OK) {
        ps_lbfgs_close(l);
        l = NULL;
    }
    *out = l;
    return rc;
}

void ps_lbfgs_close(struct ps_lbfgs *l)
{
    if (!l) return;
    ps_shared_close(&l->memory);
    free(l->state);
    free(l->numbers);
    free(l);
}

static double product_of(int64_t n, const float *a, const float *b)
{
    double lane[LANES] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) lane[k] += (double)a[i + k] * (double)b[i + k];
    for (; i < n; i++) lane[i % LANES] += (double)a[i] * (double)b[i];
    for (int k = 0; k < LANES; k++) sum += lane[k];
    return sum;
}

static double sum_of_sizes(int64_t n, const float *a, const float *b)
{
    double sum = 0;
    (void)b;
    for (int64_t i = 0; i < n; i++) sum += fabsf(a[i]);
    return sum;
}

/* Infinite where one is not a number. */
static double largest_size(int64_t n, const float *a, const float *b)
{
    float most = 0;
    (void)b;
    for (int64_t i = 0; i < n; i++)
        if (!(fabsf(a[i]) <= most)) most = isnan(a[i]) ? INFINITY : fabsf(a[i]);
    return most;
}

typedef double of_block(int64_t n, const float *a, const float *b);

/* One number of each block, for all threads. Sums take turns between two arrays: who is still at one finds it
 * as it was, as nobody comes to the next but one before all are done. @return [blocks] */
static const double *all_blocks(struct ps_lbfgs *l, int thread, of_block *of, const float *a, const float *b)
{
    const struct ps_range part = own_part(l, thread);
    double *sum = l->sum[l->state[thread].round++ % 2];
    for (int64_t lo = part.lo; lo < part.hi; lo += BLOCK) {
        const int64_t n = part.hi - lo < BLOCK ? part.hi - lo : BLOCK;
        sum[lo / BLOCK] = of(n, a + lo, b + lo);
    }
    ps_team_wait(l->team);
    return sum;
}

static double total(struct ps_lbfgs *l, int thread, of_block *of, const float *a, const float *b)
{
    const double *block = all_blocks(l, thread, of, a, b);
    double sum = 0;
    for (int64_t i = 0; i < l->blocks; i++) sum += block[i];
    return sum;
}

static double product(struct ps_lbfgs *l, int thread, const float *a, const float *b)
{
    return total(l, thread, product_of, a, b);
}

static double largest(struct ps_lbfgs *l, int thread, const float *a)
{
    const double *block = all_blocks(l, thread, largest_size, a, a);
    double most = 0;
    for (int64_t i = 0; i < l->blocks; i++) most = fmax(most, block[i]);
    return most;
}

/* to += factor * from, of this thread's part. */
static void plus(const struct ps_lbfgs *l, int thread, double factor, const float *from, float *to)
{
    const struct ps_range part = own_part(l, thread);
    for (int64_t i = part.lo; i < part.hi; i++) to[i] += (float)(factor * (double)from[i]);
}

static void scaled(const struct ps_lbfgs *l, int thread, double factor, const float *from, float *to)
{
    const struct ps_range part = own_part(l, thread);
    for (int64_t i = part.lo; i < part.hi; i++) to[i] = (float)(factor * (double)from[i]);
}

/* Products of a pair. */
static void multiply_pair(struct ps_lbfgs *l, int thread, int pair)
{
    struct state *own = &l->state[thread];
    own->sy[pair] = product(l, thread, s_of(l, pair), y_of(l, pair));
    own->yy[pair] = product(l, thread, y_of(l, pair), y_of(l, pair));
}

/* The pair that is `back` steps old. */
static int pair_of(const struct ps_lbfgs *l, const struct state *own, int back)
{
    return (own->next - 1 - back + 2 * l->history) % l->history;
}

/* Algorithm 7.4: direction = -H g. */
static void turn(struct ps_lbfgs *l, int thread)
{
    struct state *own = &l->state[thread];
    const float *g = vector_of(l, G);
    float *p = direction_of(l);
    for (int back = 0; own->stale && back < own->pairs; back++)
        multiply_pair(l, thread, pair_of(l, own, back));
    own->stale = false;
    scaled(l, thread, -1, g, p);
    for (int back = 0; back < own->pairs; back++) {
        const int i = pair_of(l, own, back);
        own->alpha[i] = product(l, thread, s_of(l, i), p) / own->sy[i];
        plus(l, thread, -own->alpha[i], y_of(l, i), p);
    }
    if (own->pairs > 0) { /* the first H: equation 7.20 */
        const int i = pair_of(l, own, 0);
        scaled(l, thread, own->sy[i] / own->yy[i], p, p);
    }
    for (int back = own->pairs - 1; back >= 0; back--) {
        const int i = pair_of(l, own, back);
        const double beta = product(l, thread, y_of(l, i), p) / own->sy[i];
        plus(l, thread, own->alpha[i] - beta, s_of(l, i), p);
    }
}

/* A new direction, along which f falls, and the first step along it. */
static void begin_line(struct ps_lbfgs *l, int thread)
{
    struct state *own = &l->state[thread];
    const float *g = vector_of(l, G);
    double a = 1;
    turn(l, thread);
    double slope = product(l, thread, g, direction_of(l));
    if (!(slope < 0) && own->pairs > 0) {
        own->pairs = 0;
        turn(l, thread);
        slope = product(l, thread, g, direction_of(l));
    }
    if (own->pairs == 0) a = fmin(1, 1 / total(l, thread, sum_of_sizes, g, g));
    ps_wolfe_begin(&own->line, own->f, slope, a);
    own->turn = false;
}

void ps_lbfgs_try(struct ps_lbfgs *l, int thread, float *w)
{
    struct state *own = &l->state[thread];
    const struct ps_range part = own_part(l, thread);
    const float *x = vector_of(l, X), *p = direction_of(l);
    if (own->turn) begin_line(l, thread);
    for (int64_t i = part.lo; i < part.hi; i++) w[i] = (float)((double)x[i] + own->line.a * (double)p[i]);
}

/* w becomes x. */
static void accept(struct ps_lbfgs *l, int thread, double f, const float *g, const float *w)
{
    struct state *own = &l->state[thread];
    const struct ps_range part = own_part(l, thread);
    const size_t bytes = (size_t)(part.hi - part.lo) * sizeof(float);
    memcpy(vector_of(l, X) + part.lo, w + part.lo, bytes);
    memcpy(vector_of(l, G) + part.lo, g + part.lo, bytes);
    own->f = f;
    own->turn = true;
}

/* Remember the step from x to w, where f is convex along it: others would break H. */
static void remember(struct ps_lbfgs *l, int thread, const float *g, const float *w)
{
    enum { PARALLEL = 100000000 }; /* s and y are at right angles, as far as single precision can tell */
    struct state *own = &l->state[thread];
    const struct ps_range part = own_part(l, thread);
    const float *x = vector_of(l, X), *was = vector_of(l, G);
    float *s = s_of(l, own->next), *y = y_of(l, own->next);
    for (int64_t i = part.lo; i < part.hi; i++) {
        s[i] = w[i] - x[i];
        y[i] = g[i] - was[i];
    }
    multiply_pair(l, thread, own->next);
    const double ss = product(l, thread, s, s), sy = own->sy[own->next], yy = own->yy[own->next];
    if (own->pairs == l->history) own->pairs--; /* the oldest one lay here */
    if (!(sy * PARALLEL > sqrt(ss * yy))) return;
    own->pairs++;
    own->next = (own->next + 1) % l->history;
}

/* No step along this direction: forget all pairs and try the gradient, or give up. */
static enum ps_lbfgs_next fail(struct ps_lbfgs *l, int thread, float *w)
{
    struct state *own = &l->state[thread];
    own->turn = true;
    if (own->begun && own->pairs > 0) {
        own->pairs = 0;
        return PS_LBFGS_EVALUATE;
    }
    const struct ps_range part = own_part(l, thread);
    if (own->begun) memcpy(w + part.lo, vector_of(l, X) + part.lo, (size_t)(part.hi - part.lo) * sizeof *w);
    return PS_LBFGS_STUCK;
}

enum ps_lbfgs_next ps_lbfgs_tell(struct ps_lbfgs *l, int thread, double f, const float *g, float *w)
{
    struct state *own = &l->state[thread];
    const bool begun = own->begun;
    if (begun) {
        const double slope = product(l, thread, g, direction_of(l));
        const enum ps_wolfe_next next = ps_wolfe_tell(&own->line, f, slope);
        if (next == PS_WOLFE_TRY) return PS_LBFGS_EVALUATE;
        if (next == PS_WOLFE_FAIL) return fail(l, thread, w);
        remember(l, thread, g, w);
        own->steps++;
    }
    const double most = largest(l, thread, g);
    if (!isfinite(f) || !isfinite(most)) return fail(l, thread, w);
    accept(l, thread, f, g, w);
    own->begun = true;
    if (most <= l->tolerance) return PS_LBFGS_CONVERGED;
    return begun ? PS_LBFGS_STEP : PS_LBFGS_EVALUATE;
}

int ps_lbfgs_vectors(const struct ps_lbfgs *l)
{
    return PAIRS + 2 * l->history;
}

float *ps_lbfgs_vector(struct ps_lbfgs *l, int i)
{
    return vector_of(l, i);
}

void ps_lbfgs_numbers(const struct ps_lbfgs *l, double *number)
{
    const struct state *own = &l->state[0];
    number[0] = own->f;
    number[1] = (double)own->steps;
    number[2] = own->pairs;
    number[3] = own->next;
}

void ps_lbfgs_resume(struct ps_lbfgs *l, const double *number)
{
    for (int i = 0; i < l->team->mine; i++) {
        struct state *own = &l->state[i];
        own->f = number[0];
        own->steps = (int64_t)number[1];
        own->pairs = (int)number[2];
        own->next = (int)number[3];
        own->begun = own->turn = own->stale = true;
    }
}
