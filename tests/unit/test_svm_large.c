/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include "apps/pisvm/svm_columns.h"
#include "apps/pisvm/svm_large.h"
#include "apps/pisvm/svm_pick.h"
#include "common/par/block.h"
#include "common/run/err.h"
#include "kernels/rng.h"
#include "kernels/svm/tie.h"
#include <math.h>
#include <omp.h>
#include <string.h>

/* A set that every rank can make any row of: two overlapping clouds, noisy values. */
struct set {
    int64_t n, cols;
    bool sparse;
    enum svm_type type;
    uint64_t seed;
};

/* How it is solved. */
struct way {
    MPI_Comm comm;
    bool last;            /* all rows on the last rank */
    int64_t memory, stop; /* stop: leave after so many outer iterations */
    int working, fresh, threads;
    bool shrinking;
};

/* All rows' part of a solution. */
struct solution {
    int64_t n;
    int copies;
    double *alpha, *f;
    uint8_t *mark;
    struct svm_large_state state;
    struct svm_result result;
    enum ps_status rc;
};

static const double EPS = 1e-3;
static const struct ps_svm_function FUNCTION = {PS_SVM_RBF, 3, 0.3, 0};

static double target(const struct set *t, int64_t row)
{
    const double x = ps_rng_normal((struct ps_rng){t->seed, 1}, row, 0);
    if (t->type == SVM_ONE_CLASS) return 1;
    return t->type == SVM_C_SVC || t->type == SVM_NU_SVC ? (row < (t->n + 1) / 2 ? 1 : -1) : x;
}

static double value(const struct set *t, int64_t row, int64_t col)
{
    const struct ps_rng r = {t->seed, 2};
    const double shift = t->type <= SVM_NU_SVC ? 0.4 * target(t, row) : 0.5 * target(t, row);
    if (t->sparse && ps_rng_uniform((struct ps_rng){t->seed, 3}, row, (uint32_t)col) < 0.7) return 0;
    return ps_rng_normal(r, row, (uint32_t)col) + (col < 2 ? shift : 0);
}

static void rows_make(const struct set *t, struct ps_range mine, struct svm_rows *r)
{
    const int64_t n = mine.hi - mine.lo;
    *r = (struct svm_rows){.n = n, .cols = t->cols};
    r->number = malloc((size_t)(n + 1) * sizeof *r->number);
    r->label = malloc((size_t)(n + 1) * sizeof *r->label);
    r->start = malloc((size_t)(n + 1) * sizeof *r->start);
    r->index = malloc((size_t)(n * t->cols + 1) * sizeof *r->index);
    r->value = malloc((size_t)(n * t->cols + 1) * sizeof *r->value);
    r->start[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = r->start[i];
        r->number[i] = mine.lo + i;
        r->label[i] = target(t, mine.lo + i);
        for (int64_t c = 0; c < t->cols; c++) {
            const double x = value(t, mine.lo + i, c);
            if (x == 0) continue;
            r->index[at] = (int32_t)c;
            r->value[at++] = x;
        }
        r->start[i + 1] = at;
    }
}

static struct svm_cost cost_of(const struct set *t)
{
    return (struct svm_cost){.type = t->type, .c = 4, .c_positive = 4, .c_negative = 2, .nu = 0.4, .p = 0.1};
}

static struct ps_range part(const struct set *t, const struct way *w)
{
    int rank, size;
    MPI_Comm_rank(w->comm, &rank);
    MPI_Comm_size(w->comm, &size);
    if (w->last) return (struct ps_range){rank == size - 1 ? 0 : t->n, t->n};
    return ps_block(t->n, size, rank);
}

static enum ps_status stop_at(void *context, const struct svm_large_state *state, const struct svm_vars *v)
{
    const struct way *w = context;
    (void)v;
    return w->stop > 0 && state->outer == w->stop ? PS_STOPPED : PS_OK;
}

/* Bring all ranks' parts together. */
static void gather(const struct way *w, const struct svm_vars *v, const struct svm_large_state *state,
                   struct solution *s)
{
    int size, *count, *at, own = (int)v->n, all = 0;
    MPI_Comm_size(w->comm, &size);
    count = malloc(2 * (size_t)size * sizeof *count);
    at = count + size;
    MPI_Allgather(&own, 1, MPI_INT, count, 1, MPI_INT, w->comm);
    for (int r = 0; r < size; r++) {
        at[r] = all;
        all += count[r];
    }
    s->n = all;
    s->copies = v->copies;
    s->alpha = malloc((size_t)(2 * all + 1) * sizeof *s->alpha);
    s->f = malloc((size_t)(all + 1) * sizeof *s->f);
    s->mark = malloc((size_t)(2 * all + 1));
    for (int copy = 0; copy < v->copies; copy++) {
        MPI_Allgatherv(v->alpha + copy * v->n, own, MPI_DOUBLE, s->alpha + copy * all, count, at, MPI_DOUBLE,
                       w->comm);
        MPI_Allgatherv(state->mark + copy * v->n, own, MPI_UINT8_T, s->mark + copy * all, count, at,
                       MPI_UINT8_T, w->comm);
    }
    MPI_Allgatherv(v->f, own, MPI_DOUBLE, s->f, count, at, MPI_DOUBLE, w->comm);
    free(count);
}

static void solution_free(struct solution *s)
{
    free(s->alpha), free(s->f), free(s->mark);
}

/* Take up own part of where another solution was left. */
static void take_up(const struct solution *from, struct ps_range mine, struct svm_vars *v,
                    struct svm_large_state *state)
{
    const size_t n = (size_t)v->n;
    for (int copy = 0; copy < v->copies; copy++) {
        memcpy(v->alpha + copy * v->n, from->alpha + copy * from->n + mine.lo, n * sizeof *v->alpha);
        memcpy(state->mark + copy * v->n, from->mark + copy * from->n + mine.lo, n);
    }
    memcpy(v->f, from->f + mine.lo, n * sizeof *v->f);
    state->outer = from->state.outer;
    state->inner = from->state.inner;
}

static struct solution solve(const struct set *t, const struct way *w, const struct solution *from,
                             int64_t max_iter)
{
    struct solution s = {0};
    const struct ps_range mine = part(t, w);
    const int64_t n = mine.hi - mine.lo;
    const struct svm_cost cost = cost_of(t);
    const struct svm_large_spec spec = {.comm = w->comm,
                                        .kernels = &ps_svm_cpu,
                                        .function = FUNCTION,
                                        .layout = {.cols = t->cols, .dense = !t->sparse},
                                        .memory = w->memory,
                                        .working = w->working,
                                        .fresh = w->fresh,
                                        .shrinking = w->shrinking};
    const struct svm_large_hook hook = {stop_at, (void *)(uintptr_t)w};
    struct svm_large_state state = {.mark = calloc((size_t)(2 * n + 1), 1)};
    struct svm_row *row = malloc((size_t)(n + 1) * sizeof *row);
    double *coef = malloc((size_t)(n + 1) * sizeof *coef);
    struct svm_rows rows;
    struct svm_vars v;
    struct svm_large *large = NULL;
    bool start;
    const int threads = omp_get_max_threads();
    omp_set_num_threads(w->threads);
    rows_make(t, mine, &rows);
    for (int64_t i = 0; i < n; i++) row[i] = (struct svm_row){rows.label[i], (mine.lo + i) % 11 == 7};
    s.rc = svm_vars_make(w->comm, &cost, row, n, &v, &start);
    if (s.rc == PS_OK) s.rc = svm_large_open(&spec, &rows, &large);
    if (s.rc == PS_OK && start && !from) s.rc = svm_large_start(large, &v);
    if (from) take_up(from, mine, &v, &state);
    if (s.rc == PS_OK) s.rc = svm_large_solve(large, &v, EPS, max_iter, &hook, &state);
    s.state = state;
    gather(w, &v, &state, &s);
    s.result.violation = state.violation;
    svm_vars_result(w->comm, &cost, &v, &s.result, coef);
    omp_set_num_threads(threads);
    svm_large_close(large);
    svm_rows_free(&rows);
    svm_vars_free(&v);
    free(row), free(coef), free(state.mark);
    return s;
}

static bool same(const struct solution *a, const struct solution *b)
{
    const size_t n = (size_t)a->n;
    return a->rc == b->rc && a->n == b->n && a->state.outer == b->state.outer &&
           a->state.inner == b->state.inner &&
           memcmp(a->alpha, b->alpha, n * (size_t)a->copies * sizeof *a->alpha) == 0 &&
           memcmp(a->f, b->f, n * sizeof *a->f) == 0 &&
           memcmp(a->mark, b->mark, n * (size_t)a->copies) == 0 &&
           memcmp(&a->state.violation, &b->state.violation, sizeof(double)) == 0;
}

/* The whole problem, by double precision and without any of the code under test. */
struct whole {
    int64_t n;
    int copies;
    double *k; /* [n][n] */
    struct svm_vars v;
};

static void whole_make(const struct set *t, struct whole *w)
{
    struct svm_rows rows;
    bool start;
    const struct svm_cost cost = cost_of(t);
    struct svm_row *row = malloc((size_t)t->n * sizeof *row);
    rows_make(t, (struct ps_range){0, t->n}, &rows);
    const struct ps_csr x = svm_rows_csr(&rows);
    w->n = t->n;
    w->k = malloc((size_t)(t->n * t->n) * sizeof *w->k);
    for (int64_t i = 0; i < t->n; i++) {
        row[i] = (struct svm_row){rows.label[i], i % 11 == 7};
        for (int64_t j = 0; j < t->n; j++) w->k[i * t->n + j] = ps_svm_value(&FUNCTION, &x, i, &x, j);
    }
    svm_vars_make(MPI_COMM_NULL, &cost, row, t->n, &w->v, &start);
    w->copies = w->v.copies;
    free(row);
    svm_rows_free(&rows);
}

static void whole_free(struct whole *w)
{
    svm_vars_free(&w->v);
    free(w->k);
}

static void whole_f(const struct whole *w, const double *alpha, double *f)
{
    for (int64_t i = 0; i < w->n; i++) {
        f[i] = 0;
        for (int64_t v = 0; v < w->copies * w->n; v++)
            f[i] += w->k[i * w->n + v % w->n] * w->v.y[v] * alpha[v];
    }
}

/* 1/2 a'Qa + p'a, and the sum of alpha. */
static double objective(const struct whole *w, const double *alpha, double *sum)
{
    double *f = malloc((size_t)w->n * sizeof *f), o = 0;
    whole_f(w, alpha, f);
    *sum = 0;
    for (int64_t v = 0; v < w->copies * w->n; v++) {
        o += alpha[v] * (0.5 * w->v.y[v] * f[v % w->n] + w->v.p[v]);
        *sum += alpha[v];
    }
    free(f);
    return o;
}

/* The violation of alpha, and its largest distance from the constraints. */
static double violation(const struct whole *w, const double *alpha, double *outside)
{
    double *f = malloc((size_t)w->n * sizeof *f), up[2] = {-INFINITY, -INFINITY};
    double low[2] = {INFINITY, INFINITY}, sum[2] = {0, 0};
    whole_f(w, alpha, f);
    *outside = 0;
    for (int64_t v = 0; v < w->copies * w->n; v++) {
        const int y = w->v.y[v], g = w->v.nu && y < 0;
        const double c = w->v.c[v], score = -f[v % w->n] - y * w->v.p[v];
        *outside = fmax(*outside, fmax(-alpha[v], alpha[v] - c));
        sum[g] += y * (alpha[v] - w->v.alpha[v]); /* the start keeps the constraints */
        if (c > 0 && (y > 0 ? alpha[v] < c : alpha[v] > 0)) up[g] = fmax(up[g], score);
        if (c > 0 && (y > 0 ? alpha[v] > 0 : alpha[v] < c)) low[g] = fmin(low[g], score);
    }
    *outside = fmax(*outside, fmax(fabs(sum[0]), fabs(sum[1])));
    free(f);
    return fmax(up[0] - low[0], up[1] - low[1]);
}

/* The objective that sequential minimal optimization finds on the full matrix. */
static double by_smo(const struct whole *w, double *sum)
{
    float *k = malloc((size_t)(w->n * w->n) * sizeof *k);
    double *alpha = malloc((size_t)(w->n * w->copies) * sizeof *alpha);
    double *f = malloc((size_t)w->n * sizeof *f);
    for (int64_t i = 0; i < w->n * w->n; i++) k[i] = (float)w->k[i];
    memcpy(alpha, w->v.alpha, (size_t)(w->n * w->copies) * sizeof *alpha);
    whole_f(w, alpha, f);
    struct ps_svm_smo smo = {.n = w->n,
                             .copies = w->copies,
                             .nu = w->v.nu,
                             .k = k,
                             .stride = w->n,
                             .y = w->v.y,
                             .p = w->v.p,
                             .c = w->v.c,
                             .alpha = alpha,
                             .f = f,
                             .eps = EPS};
    ps_svm_ref.smo(&smo);
    const double o = objective(w, alpha, sum);
    free(k), free(alpha), free(f);
    return o;
}

static const enum svm_type TYPES[] = {SVM_C_SVC, SVM_NU_SVC, SVM_ONE_CLASS, SVM_EPSILON_SVR, SVM_NU_SVR};
enum { NTYPES = sizeof TYPES / sizeof *TYPES };

static void optimal_of(int kind)
{
    const struct set t = {400, 6, kind >= NTYPES, TYPES[kind % NTYPES], 7};
    struct whole w;
    double sum_large, sum_smo, outside;
    whole_make(&t, &w);
    for (int shrinking = 0; shrinking < 2; shrinking++) {
        const struct way way = {.comm = MPI_COMM_WORLD,
                                .memory = 100 * 400,
                                .working = 32,
                                .fresh = 16,
                                .threads = 1,
                                .shrinking = shrinking};
        struct solution s = solve(&t, &way, NULL, 0);
        mck_assert(s.rc == PS_OK, "%s", ps_err_message());
        /* values in single precision are off by 1e-7 of the sum of alpha at most */
        const double large = objective(&w, s.alpha, &sum_large), smo = by_smo(&w, &sum_smo);
        const double most = violation(&w, s.alpha, &outside);
        mck_assert(most < EPS + 1e-6 * sum_large, "violation %g", most);
        mck_assert(outside < 1e-9 * (1 + sum_large), "outside by %g", outside);
        /* f is convex: a solution within eps is above the optimum by half of eps |alpha - optimum| at most */
        mck_assert(fabs(large - smo) <= EPS * (sum_large + sum_smo) / 2, "%g, %g", large, smo);
        mck_assert(fabs(s.result.objective * (t.type == SVM_NU_SVC ? s.result.r : 1) - large) <
                           1e-5 * (1 + fabs(large)) ||
                       t.type == SVM_NU_SVC,
                   "objective %g, %g", s.result.objective, large);
        solution_free(&s);
    }
    whole_free(&w);
}

START_TEST(optimal)
{
    for (int kind = 0; kind < 2 * NTYPES; kind++) optimal_of(kind);
}
END_TEST

/* Ranks, threads, memory and the cut change no bit. */
static void same_bits_of(int kind)
{
    /* once with so many new rows at a time that a rank with all of them is asked twice */
    const bool many = kind < NTYPES;
    const struct set t = {many ? 1200 : 500, 5, kind >= NTYPES, TYPES[kind % NTYPES], 11};
    const struct way alone = {.comm = MPI_COMM_SELF,
                              .memory = 1 << 20,
                              .working = many ? 400 : 48,
                              .fresh = many ? 200 : 20,
                              .threads = 1,
                              .shrinking = true};
    struct solution a = solve(&t, &alone, NULL, 0);
    for (int k = 0; k < 5; k++) {
        struct way way = alone;
        way.comm = MPI_COMM_WORLD;
        way.memory = (const int64_t[]){0, 1 << 20, 9 * 2000, 70 * 2000, 1 << 30}[k];
        way.threads = 1 + k % 3;
        way.last = k == 2;
        struct solution b = solve(&t, &way, NULL, 0);
        mck_assert(b.rc == PS_OK && same(&a, &b), "other bits in way %d", k);
        solution_free(&b);
    }
    solution_free(&a);
}

START_TEST(same_bits)
{
    for (int kind = 0; kind < 2 * NTYPES; kind++) same_bits_of(kind);
}
END_TEST

/* A solution that was stopped goes on, on other ranks too, to the same bits. */
static void goes_on_of(int kind)
{
    const struct set t = {500, 5, false, TYPES[kind % NTYPES], 13};
    struct way way = {.comm = MPI_COMM_SELF,
                      .memory = 60 * 2000,
                      .working = 40,
                      .fresh = 16,
                      .threads = 1,
                      .shrinking = true};
    struct solution whole = solve(&t, &way, NULL, 0);
    const int64_t outer = whole.state.outer;
    for (int64_t stop = 1; stop < outer; stop += outer / 5 + 1) {
        struct way first = way;
        first.stop = stop;
        first.comm = stop % 2 ? MPI_COMM_WORLD : MPI_COMM_SELF;
        way.comm = stop % 2 ? MPI_COMM_SELF : MPI_COMM_WORLD;
        way.memory = stop * 1000;
        struct solution half = solve(&t, &first, NULL, 0);
        mck_assert(half.rc == PS_STOPPED && half.state.outer == stop, "not stopped");
        struct solution rest = solve(&t, &way, &half, 0);
        mck_assert(same(&whole, &rest), "other bits after a stop at %d", (int)stop);
        solution_free(&half);
        solution_free(&rest);
    }
    solution_free(&whole);
}

START_TEST(goes_on)
{
    for (int kind = 0; kind < NTYPES; kind++) goes_on_of(kind);
}
END_TEST

/* Fewer rows than ranks, than a working set. */
static void few_rows_of(int kind)
{
    for (int64_t n = 2; n < 9; n++) {
        const struct set t = {n, 3, n % 2, TYPES[kind % NTYPES], 17};
        struct way way = {.comm = MPI_COMM_SELF, .memory = 1 << 20, .threads = 1, .shrinking = true};
        struct solution a = solve(&t, &way, NULL, 0);
        way.comm = MPI_COMM_WORLD;
        struct solution b = solve(&t, &way, NULL, 0);
        mck_assert(same(&a, &b), "other bits, %d rows", (int)n);
        mck_assert(a.rc == PS_OK && a.state.violation < EPS, "violation %g", a.state.violation);
        solution_free(&a);
        solution_free(&b);
    }
}

START_TEST(few_rows)
{
    for (int kind = 0; kind < NTYPES; kind++) few_rows_of(kind);
}
END_TEST

START_TEST(no_more_steps)
{
    const struct set t = {300, 5, false, SVM_C_SVC, 19};
    const struct way way = {
        .comm = MPI_COMM_WORLD, .working = 16, .fresh = 8, .threads = 1, .shrinking = true};
    struct whole w;
    double outside;
    whole_make(&t, &w);
    for (int64_t steps = 1; steps < 400; steps = 3 * steps + 7) {
        struct solution s = solve(&t, &way, NULL, steps);
        mck_assert(s.rc == PS_OK && s.state.inner == steps, "%d steps", (int)s.state.inner);
        const double most = violation(&w, s.alpha, &outside);
        mck_assert(fabs(most - s.state.violation) < 1e-4, "violation %g, %g", most, s.state.violation);
        solution_free(&s);
    }
    whole_free(&w);
}
END_TEST

/* The sample finds f as it is. */
START_TEST(sample)
{
    const struct set t = {1500, 4, false, SVM_C_SVC, 23};
    const struct way way = {
        .comm = MPI_COMM_WORLD, .working = 16, .fresh = 8, .threads = 1, .shrinking = true};
    struct solution s = solve(&t, &way, NULL, 0);
    mck_assert(s.rc == PS_OK && s.state.checked >= 0 && s.state.checked < 1e-4, "checked %g",
               s.state.checked);
    solution_free(&s);
}
END_TEST

/* Columns: what was added is found until it is replaced; compacting keeps rows. */
START_TEST(columns)
{
    struct svm_columns c;
    int64_t keep[40], found = 0;
    mck_assert(svm_columns_open(&c, NULL, 20 * 112 * 4, 1 << 20, 100, 1000) == PS_OK, "no memory");
    mck_assert(c.room == 20, "room %d", (int)c.room);
    for (int64_t k = 0; k < 300; k++) {
        mck_assert(svm_columns_find(&c, k, k) == NULL, "found what is not there");
        float *to = svm_columns_add(&c, k, k);
        mck_assert(to != NULL, "no room");
        for (int64_t i = 0; i < 100; i++) to[i] = (float)(1000 * k + i);
    }
    for (int64_t i = 0; i < 40; i++) keep[i] = 2 * i + (i > 20);
    mck_assert(svm_columns_compact(&c, keep, 40) == PS_OK && c.n == 20 && c.room == 46, "compact");
    for (int64_t k = 0; k < 300; k++) {
        const float *at = svm_columns_find(&c, k, 1000);
        found += at != NULL;
        for (int64_t i = 0; at && i < 40; i++)
            mck_assert(at[i] == (float)(1000 * k + keep[i]), "row %d of column %d", (int)i, (int)k);
    }
    mck_assert(found == 20, "%d columns", (int)found);
    for (int64_t k = 300; k < 326; k++) mck_assert(svm_columns_add(&c, k, 1000) != NULL, "no room");
    mck_assert(svm_columns_add(&c, 400, 1000) == NULL, "all are in use");
    mck_assert(svm_columns_reset(&c, 30) == PS_OK && svm_columns_find(&c, 310, 1) == NULL, "not forgotten");
    svm_columns_close(&c);
    mck_assert(svm_columns_open(&c, NULL, 100, 100, 100, 2) == PS_OK && !svm_columns_add(&c, 1, 1),
               "no column fits");
    svm_columns_close(&c);
}
END_TEST

static int by_worth(const void *a, const void *b)
{
    const struct svm_candidate *x = a, *y = b;
    return svm_better(x, y) ? -1 : svm_better(y, x);
}

/* Worth of few values, of many and of both signs. */
static double worth_of(int64_t i, bool many)
{
    const double x = 2 * ps_rng_uniform((struct ps_rng){3, 1}, i, 0) - 1;
    if (many) return i % 50 == 0 ? INFINITY : x * pow(10, (double)(i % 600) - 300);
    return i % 3 == 0 ? -0.0 : floor(10 * x);
}

/* The best of a list are those that sorting finds, equals too. */
START_TEST(pick)
{
    enum { N = 1000 };
    static struct svm_candidate all[N];
    for (int64_t want = 0, k = 0; want < N + 100; k++, want = k % 2 ? want : 2 * want + 1) {
        struct svm_pick p;
        mck_assert(svm_pick_open(&p, want) == PS_OK, "no memory");
        for (int64_t i = 0; i < N; i++) {
            const double worth = worth_of(i, k % 2);
            all[i] = (struct svm_candidate){worth, ps_svm_tie(i), i};
            svm_pick_offer(&p, worth, i);
        }
        qsort(all, N, sizeof *all, by_worth);
        svm_pick_sort(&p, want);
        mck_assert(p.n == (want < N ? want : N) && p.cut == (want < N), "%d of %d", (int)p.n, (int)want);
        for (int64_t i = 0; i < p.n; i++) mck_assert(p.at[i].row == all[i].row, "place %d", (int)i);
        for (int64_t i = 1; i < N; i++)
            mck_assert(all[i - 1].worth > all[i].worth || all[i - 1].tie < all[i].tie, "not sorted");
        svm_pick_close(&p);
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {columns,  pick,          optimal, same_bits, goes_on,
                                  few_rows, no_more_steps, sample,  NULL};
    return mck_main(argc, argv, "svm_large", tests);
}
