/* ranks: 1 2 3 */
#include "mpicheck.h"
#include <math.h>
#include <string.h>
#include "common/nn/lbfgs.h"
#include "common/nn/wolfe.h"

enum { MOST = 5000, HISTORY = 6 };

/* A function to be minimised. @param g out @return f */
struct problem {
    double (*f)(int64_t n, const float *w, float *g);
    int64_t n;
    double tolerance;
    float start[2]; /* of even and odd elements */
};

/* Rosenbrock's, for each pair of elements; 0 at (1, 1). */
static double rosenbrock(int64_t n, const float *w, float *g)
{
    double f = 0;
    for (int64_t i = 0; i + 1 < n; i += 2) {
        const double x = w[i], y = w[i + 1], t = y - x * x;
        f += 100 * t * t + (1 - x) * (1 - x);
        g[i] = (float)(-400 * x * t - 2 * (1 - x));
        g[i + 1] = (float)(200 * t);
    }
    return f;
}

static double centre(int64_t i)
{
    return sin((double)i);
}

/* Four curvatures, so that four steps with exact line searches would be enough. */
static double curvature(int64_t i)
{
    static const double c[] = {1, 3, 10, 40};
    return c[i % 4];
}

static double quadratic(int64_t n, const float *w, float *g)
{
    double f = 0;
    for (int64_t i = 0; i < n; i++) {
        const double d = w[i] - centre(i);
        f += curvature(i) * d * d / 2;
        g[i] = (float)(curvature(i) * d);
    }
    return f;
}

/* w - log(w), least at 1, is no number below 0. */
static double barrier(int64_t n, const float *w, float *g)
{
    double f = 0;
    for (int64_t i = 0; i < n; i++) {
        f += w[i] - log(w[i]);
        g[i] = (float)(1 - 1 / (double)w[i]);
    }
    return f;
}

/* Its gradient has the wrong sign. */
static double liar(int64_t n, const float *w, float *g)
{
    double f = 0;
    for (int64_t i = 0; i < n; i++) {
        f += w[i] * w[i];
        g[i] = -2 * w[i];
    }
    return f;
}

struct fit {
    enum ps_lbfgs_next end;
    int steps, passes;
    float w[MOST];
};

/* Where a run was interrupted. */
struct kept {
    int after; /* steps; 0: never */
    double number[PS_LBFGS_NUMBERS];
    float vector[2 + 2 * HISTORY][MOST];
    float w[MOST];
};

/* What a thread does; all have the same numbers. */
static void minimise(struct ps_team *team, struct ps_lbfgs *l, int thread, const struct problem *p,
                     bool go_on, int stop, float *w, float *g, struct fit *fit)
{
    static _Thread_local float own[MOST];
    const struct ps_range part = ps_team_part(team, thread, p->n, 16);
    enum ps_lbfgs_next next = PS_LBFGS_STEP;
    int steps = 0, passes = 0;
    double f = 0;
    if (go_on) ps_lbfgs_try(l, thread, w);
    do {
        ps_team_wait(team);
        f = p->f(p->n, w, own);
        memcpy(g + part.lo, own + part.lo, (size_t)(part.hi - part.lo) * sizeof *g);
        passes++;
        ps_team_wait(team);
        next = ps_lbfgs_tell(l, thread, f, g, w);
        if (next == PS_LBFGS_STEP && ++steps == stop) break;
        if (next == PS_LBFGS_EVALUATE || next == PS_LBFGS_STEP) ps_lbfgs_try(l, thread, w);
    } while (next == PS_LBFGS_EVALUATE || next == PS_LBFGS_STEP);
    ps_team_wait(team);
    if (thread == 0) fit->end = next, fit->steps = steps, fit->passes = passes;
}

static void run(MPI_Comm comm, int threads, int node_ranks, const struct problem *p, struct kept *save,
                const struct kept *from, struct fit *fit)
{
    const struct ps_lbfgs_plan plan = {p->n, HISTORY, p->tolerance};
    struct ps_team team;
    struct ps_shared shared;
    struct ps_lbfgs *l;
    int bad = ps_team_open(comm, threads, node_ranks, &team) != PS_OK;
    bad += ps_shared_open(team.node, 2 * MOST * (int64_t)sizeof(float), &shared) != PS_OK;
    bad += ps_lbfgs_open(&team, &plan, &l) != PS_OK;
    mck_assert(bad == 0, "open");
    const int vectors = ps_lbfgs_vectors(l);
    const size_t bytes = (size_t)p->n * sizeof(float);
    float *w = shared.data, *g = w + MOST;
    mck_assert(vectors == 2 + 2 * HISTORY, "%d vectors", vectors);
    for (int64_t i = 0; i < p->n && team.rank == 0; i++) w[i] = p->start[i % 2];
    if (from) {
        ps_lbfgs_resume(l, from->number);
        for (int i = 0; i < vectors && team.rank == 0; i++)
            memcpy(ps_lbfgs_vector(l, i), from->vector[i], bytes);
    }
    MPI_Barrier(comm);
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int thread = 0; thread < threads; thread++)
        minimise(&team, l, thread, p, from != NULL, save ? save->after : 0, w, g, fit);
    memcpy(fit->w, w, bytes);
    if (save) {
        ps_lbfgs_numbers(l, save->number);
        for (int i = 0; i < vectors; i++) memcpy(save->vector[i], ps_lbfgs_vector(l, i), bytes);
    }
    MPI_Barrier(comm);
    ps_lbfgs_close(l);
    ps_shared_close(&shared);
    ps_team_close(&team);
}

static const struct problem hard = {rosenbrock, 100, 1e-3, {-1.2f, 1}};
static const struct problem easy = {quadratic, MOST, 1e-4, {3, -2}};

/* At (1, 1) the smallest curvature is 0.4: a gradient within 1e-3 is at most 1e-3 sqrt(2) / 0.4 away. A
 * memory of six pairs needs about 40 steps. */
START_TEST(valley)
{
    static struct fit fit;
    run(MPI_COMM_SELF, 1, 0, &hard, NULL, NULL, &fit);
    ck_assert_msg(fit.end == PS_LBFGS_CONVERGED, "ended with %d", fit.end);
    for (int64_t i = 0; i < hard.n; i++) ck_assert_msg(fabs(fit.w[i] - 1) <= 4e-3, "%g", fit.w[i]);
    ck_assert_msg(fit.steps <= 40 && fit.passes <= 60, "%d steps, %d passes", fit.steps, fit.passes);
}
END_TEST

START_TEST(bowl)
{
    static struct fit fit;
    run(MPI_COMM_SELF, 1, 0, &easy, NULL, NULL, &fit);
    ck_assert_msg(fit.end == PS_LBFGS_CONVERGED, "ended with %d", fit.end);
    for (int64_t i = 0; i < easy.n; i++)
        ck_assert_msg(fabs(fit.w[i] - centre(i)) <= 1e-4 / curvature(i) + 1e-6, "%lld: %g", (long long)i,
                      fit.w[i]);
    ck_assert_msg(fit.steps <= 20 && fit.passes <= 28, "%d steps, %d passes", fit.steps, fit.passes);
}
END_TEST

START_TEST(beyond_numbers)
{
    static struct fit fit;
    const struct problem p = {barrier, 3, 1e-4, {5, 30}};
    run(MPI_COMM_SELF, 1, 0, &p, NULL, NULL, &fit);
    ck_assert_msg(fit.end == PS_LBFGS_CONVERGED, "ended with %d", fit.end);
    for (int i = 0; i < 3; i++) ck_assert_msg(fabs(fit.w[i] - 1) <= 2e-4, "%g", fit.w[i]);
    const struct problem nowhere = {barrier, 3, 1e-4, {-1, 1}};
    run(MPI_COMM_SELF, 1, 0, &nowhere, NULL, NULL, &fit);
    ck_assert_msg(fit.end == PS_LBFGS_STUCK && fit.passes == 1 && fit.w[0] == -1, "ended with %d", fit.end);
}
END_TEST

START_TEST(stuck)
{
    static struct fit fit;
    const struct problem p = {liar, 10, 1e-4, {1, -2}};
    run(MPI_COMM_SELF, 1, 0, &p, NULL, NULL, &fit);
    ck_assert_msg(fit.end == PS_LBFGS_STUCK && fit.steps == 0, "ended with %d", fit.end);
    for (int i = 0; i < 10; i++) ck_assert_msg(fit.w[i] == p.start[i % 2], "%g", fit.w[i]);
}
END_TEST

static void check_same(const struct problem *p)
{
    static struct fit want, have;
    run(MPI_COMM_SELF, 1, 0, p, NULL, NULL, &want);
    for (int threads = 1; threads <= 2; threads++)
        for (int ranks = 0; ranks <= 2; ranks++) {
            run(MPI_COMM_WORLD, threads, ranks, p, NULL, NULL, &have);
            mck_assert(have.passes == want.passes && have.end == want.end, "%d passes, not %d", have.passes,
                       want.passes);
            mck_assert(memcmp(have.w, want.w, (size_t)p->n * sizeof *want.w) == 0, "other bits");
        }
}

START_TEST(same_bits)
{
    check_same(&hard);
    check_same(&easy);
}
END_TEST

/* Before and after the memory of pairs is full. */
START_TEST(interrupted)
{
    static struct fit want, first, second;
    static struct kept kept;
    run(MPI_COMM_SELF, 1, 0, &hard, NULL, NULL, &want);
    for (int after = 1; after < want.steps; after += 4) {
        kept.after = after;
        run(MPI_COMM_WORLD, 2, 1, &hard, &kept, NULL, &first);
        run(MPI_COMM_WORLD, 1, 0, &hard, NULL, &kept, &second);
        mck_assert(first.passes + second.passes == want.passes && first.steps == after, "%d and %d passes",
                   first.passes, second.passes);
        mck_assert(memcmp(second.w, want.w, (size_t)hard.n * sizeof *want.w) == 0, "other bits after %d",
                   after);
    }
}
END_TEST

/* The second direction is that of BFGS (equations 6.17 and 6.20), in matrices: from H0 = s'y / y'y I. */
START_TEST(second_direction)
{
    enum { D = 3 };
    const struct ps_lbfgs_plan plan = {D, HISTORY, 0};
    static const double c[D] = {1, 4, 9};
    struct ps_team team;
    struct ps_lbfgs *l;
    float w[2][D] = {{1, 1, 1}}, g[2][D], next[D];
    double f[2] = {0, 0}, s[D], y[D], v[D], sy = 0, yy = 0, sg = 0, yv = 0;
    mck_assert(ps_team_open(MPI_COMM_SELF, 1, 0, &team) == PS_OK, "team");
    mck_assert(ps_lbfgs_open(&team, &plan, &l) == PS_OK, "open");
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < D; i++) f[k] += c[i] * w[k][i] * w[k][i] / 2, g[k][i] = (float)(c[i] * w[k][i]);
        const enum ps_lbfgs_next is = ps_lbfgs_tell(l, 0, f[k], g[k], w[k]);
        ck_assert_msg(is == (k ? PS_LBFGS_STEP : PS_LBFGS_EVALUATE), "%d", is);
        ps_lbfgs_try(l, 0, k ? next : w[1]);
    }
    for (int i = 0; i < D; i++) {
        ck_assert_msg(fabs(w[1][i] - (1 - c[i] / 14)) < 1e-6, "the first step is of length 1 / |g|: %g",
                      w[1][i]);
        s[i] = (double)w[1][i] - w[0][i], y[i] = (double)g[1][i] - g[0][i];
        sy += s[i] * y[i], yy += y[i] * y[i], sg += s[i] * g[1][i];
    }
    for (int i = 0; i < D; i++) v[i] = sy / yy * (g[1][i] - sg / sy * y[i]), yv += y[i] * v[i];
    for (int i = 0; i < D; i++) {
        const double want = w[1][i] - (v[i] - yv / sy * s[i] + sg / sy * s[i]);
        ck_assert_msg(fabs(next[i] - want) < 1e-6, "%d: %.9g, not %.9g", i, next[i], want);
    }
    ps_lbfgs_close(l);
    ps_team_close(&team);
}
END_TEST

/* Steps that the search accepts fulfil both conditions, from first steps that are far too long or too short.
 */
START_TEST(conditions)
{
    for (double a = 1e-6; a < 1e7; a *= 7)
        for (double at = -3; at <= 2.5; at += 0.5) { /* phi = (x^2 - 1)^2 + x / 2, along the way downhill */
            const double slope = 4 * at * (at * at - 1) + 0.5, sign = slope > 0 ? -1 : 1;
            const double f0 = (at * at - 1) * (at * at - 1) + at / 2;
            struct ps_wolfe s;
            enum ps_wolfe_next next;
            double f, d;
            int tries = 0;
            ps_wolfe_begin(&s, f0, sign * slope, a);
            do {
                const double x = at + sign * s.a;
                f = (x * x - 1) * (x * x - 1) + x / 2;
                d = sign * (4 * x * (x * x - 1) + 0.5);
                next = ps_wolfe_tell(&s, f, d);
                tries++;
            } while (next == PS_WOLFE_TRY);
            ck_assert_msg(next == PS_WOLFE_ACCEPT && tries <= 25, "from %g by %g: %d after %d", at, a, next,
                          tries);
            ck_assert_msg(f <= f0 + 1e-4 * s.a * sign * slope && fabs(d) <= 0.9 * fabs(slope),
                          "from %g by %g: step %g, slope %g", at, a, s.a, d);
        }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {conditions, second_direction, valley,      bowl, beyond_numbers,
                                  stuck,      same_bits,        interrupted, NULL};
    return mck_main(argc, argv, "nn_lbfgs", tests);
}
