/* Newton's method on the free variables, those strictly between their bounds, with all others fixed. Where
 * their part of the kernel matrix is ill conditioned, as at a large C, pairs take very many steps to the
 * minimum over them, while one solution of a linear system points there.
 *
 * In terms of u = y alpha the direction d minimises 1/2 d'Ad - s'd with sum d = 0, where s are the scores and
 * A = K + delta: single precision leaves eigenvalues of K a little below 0, and with delta above the rounding
 * each step lowers the objective all the same (a proximal point; Rockafellar 1976). The way along d ends at
 * the first bound; the variable that meets it is taken off, d becomes the direction to the minimum over the
 * others, and so on. With P the inverse of A on the directions that are left, p = Pe_j gives both: taking j
 * off makes P - pp'/p_j of P, and d - p d_j/p_j of d. Source: Nocedal, Wright (2006), "Numerical
 * Optimization", 2nd ed., section 16.5 (active sets); Scheinberg (2006), "An efficient implementation of an
 * active set method for SVMs". */
#include "kernels/svm/smo_newton.h"
#include <stdlib.h>
#include "kernels/svm/cholesky.h"

/* How many variables may be taken off before the matrix had better be factored without them, how many
 * directions are followed with one factor, and how often delta grows where it was too small. */
enum { OFF = 256, DIRECTIONS = 4, TRIES = 4 };

/* The first delta, in units of the kernel values, and by how much it grows. */
static const double DELTA = 6e-5, GROWTH = 4;

/* Sets of solutions that are kept, PS_SOLVES each. */
enum { SETS = 4 };

/* Costs, in units of a multiplication in a product of matrices: one of a set of solutions, which waits for
 * memory. */
static const double SOLUTIONS = 12;

struct newton { /* all arrays are borrowed from the caller's room */
    struct ps_smo_state *t;
    int64_t free, n; /**< variables that were free in the beginning; the same in whole panels */
    int64_t *var;    /**< [free] */
    double *factor;  /**< of A */
    double *ones;    /**< [n] A^-1 1, whose sum is sum_ones */
    double sum_ones;
    double *d;             /**< [n] direction */
    double *moved;         /**< [n] change of u along directions */
    double *off;           /**< [OFF][n] p of each variable taken off, when it was */
    int64_t *off_at, offs; /**< [OFF] its place */
    double *ready;         /**< [SETS][n][PS_SOLVES] A^-1 e_j of variables that may be taken off */
    int64_t ready_at[SETS * PS_SOLVES]; /**< their places; -1: none */
    int sets;                           /**< that were made */
    const float **col;                  /**< [n] of the matrix */
    double *coef;
    double cost;
};

/** `count` entries of `size` bytes from the memory at `*next`, aligned to vectors; NULL: they are only
 * counted.
 */
static void *cut(char *memory, size_t *next, int64_t count, size_t size)
{
    void *const at = memory ? memory + *next : NULL;
    *next += ((size_t)count * size + 63) / 64 * 64;
    return at;
}

/** Lay out the arrays for w->n places. @return their size */
static size_t lay_out(struct newton *w, char *memory)
{
    size_t next = 0;
    w->var = cut(memory, &next, w->n, sizeof *w->var);
    w->factor = cut(memory, &next, ps_panel_start(w->n), sizeof *w->factor);
    w->ones = cut(memory, &next, w->n, sizeof *w->ones);
    w->d = cut(memory, &next, w->n, sizeof *w->d);
    w->moved = cut(memory, &next, w->n, sizeof *w->moved);
    w->ready = cut(memory, &next, SETS * PS_SOLVES * w->n, sizeof *w->ready);
    w->col = cut(memory, &next, w->n, sizeof *w->col);
    w->coef = cut(memory, &next, w->n, sizeof *w->coef);
    w->off_at = cut(memory, &next, OFF, sizeof *w->off_at);
    w->off = cut(memory, &next, OFF * w->n, sizeof *w->off);
    return next;
}

static bool make(struct newton *w, struct ps_smo_state *t, struct ps_smo_room *room)
{
    const struct ps_svm_smo *s = t->s;
    *w = (struct newton){.t = t};
    for (int64_t v = 0; v < s->n; v++) w->free += ps_smo_may_rise(s, v) && ps_smo_may_fall(s, v);
    w->n = ps_panel_rows(w->free);
    const size_t size = lay_out(w, NULL);
    if (size > room->size) {
        free(room->at);
        room->size = size + size / 4 / 64 * 64; /* the next call is likely to want a little more */
        room->at = aligned_alloc(64, room->size);
        if (!room->at) room->size = 0;
    }
    if (!room->at) return false;
    lay_out(w, room->at);
    for (int64_t v = 0, i = 0; v < s->n; v++)
        if (ps_smo_may_rise(s, v) && ps_smo_may_fall(s, v)) w->var[i++] = v;
    for (int k = 0; k < SETS * PS_SOLVES; k++) w->ready_at[k] = -1;
    return true;
}

/** Upper triangle of A by panels; places beyond the free variables are of the identity. */
static void fill(struct newton *w, double delta)
{
    const struct ps_svm_smo *s = w->t->s;
    for (int64_t i = 0; i < w->n; i++) {
        const float *k = i < w->free ? ps_smo_k(s, w->var[i]) : NULL;
        for (int64_t j = i / PS_PANEL * PS_PANEL; j < w->n; j += PS_PANEL) {
            double *to = w->factor + ps_panel_at(i, j);
            for (int64_t c = j; c < j + PS_PANEL; c++)
                to[c - j] = (k && c < w->free ? (double)k[w->var[c]] : c == i) + (c == i ? delta : 0);
        }
    }
}

static bool factor(struct newton *w)
{
    const struct ps_svm_smo *s = w->t->s;
    double most = 0;
    for (int64_t i = 0; i < w->free; i++) {
        ps_smo_want(s, w->var[i]);
        most = fmax(most, fabs((double)w->t->diagonal[w->var[i]]));
    }
    for (int try = 0; try < TRIES; try++) {
        fill(w, DELTA * pow(GROWTH, try) / ps_smo_scale(most));
        w->cost += (double)w->n * (double)w->n * (double)w->n / 6;
        if (ps_cholesky(w->n, w->factor)) return true;
    }
    return false;
}

static double sum_of(const double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    return sum;
}

/** x -= q p */
static void subtract(double *restrict x, double q, const double *restrict p, int64_t n)
{
    for (int64_t i = 0; i < n; i++) x[i] = ps_svm_fma(-q, p[i], x[i]);
}

/** A set of right-hand sides, all 0. */
static double *open_set(struct newton *w, int64_t **at)
{
    const int set = w->sets++ % SETS;
    double *x = w->ready + set * w->n * PS_SOLVES;
    memset(x, 0, (size_t)(w->n * PS_SOLVES) * sizeof *x);
    *at = w->ready_at + set * PS_SOLVES;
    for (int s = 0; s < PS_SOLVES; s++) (*at)[s] = -1;
    return x;
}

static void solve(struct newton *w, int64_t first, double *x)
{
    ps_cholesky_solve(w->n, w->factor, first, x);
    w->cost += SOLUTIONS * (double)w->n * (double)w->n;
}

/** From A^-1 x to P x. */
static void project(struct newton *w, double *x)
{
    subtract(x, sum_of(x, w->free) / w->sum_ones, w->ones, w->n);
    for (int64_t o = 0; o < w->offs; o++) {
        const double *p = w->off + o * w->n;
        subtract(x, x[w->off_at[o]] / p[w->off_at[o]], p, w->n);
    }
    for (int64_t o = 0; o < w->offs; o++) x[w->off_at[o]] = 0; /* to the bit */
    w->cost += (double)w->offs * (double)w->n;
}

static bool is_ready(const struct newton *w, int64_t at)
{
    for (int s = 0; s < SETS * PS_SOLVES; s++)
        if (w->ready_at[s] == at) return true;
    return false;
}

/** The variables that meet a bound next along the direction as it is, the first of equals, `hit` before
 * them. */
static void next_to_meet(const struct newton *w, int64_t hit, int64_t at[PS_SOLVES])
{
    const struct ps_svm_smo *s = w->t->s;
    double part[PS_SOLVES] = {-1};
    int n = 1;
    at[0] = hit;
    for (int64_t i = 0; i < w->free; i++) {
        if (w->d[i] == 0 || i == hit) continue;
        const int64_t v = w->var[i];
        const double d = s->y[v] * w->d[i], t = (d > 0 ? s->c[v] - s->alpha[v] : s->alpha[v]) / fabs(d);
        if ((n == PS_SOLVES && t >= part[n - 1]) || is_ready(w, i)) continue;
        int k = n < PS_SOLVES ? n++ : n - 1;
        for (; part[k - 1] > t; k--) {
            part[k] = part[k - 1];
            at[k] = at[k - 1];
        }
        part[k] = t;
        at[k] = i;
    }
}

/** x = A^-1 e_hit. Where it is not ready, those of variables that are likely to be the next come with it. */
static void column(struct newton *w, int64_t hit, double *x)
{
    if (!is_ready(w, hit)) {
        int64_t *at, first = hit;
        double *e = open_set(w, &at);
        next_to_meet(w, hit, at);
        for (int s = 0; s < PS_SOLVES && at[s] >= 0; s++) {
            e[at[s] * PS_SOLVES + s] = 1;
            first = at[s] < first ? at[s] : first;
        }
        solve(w, first, e);
    }
    int s = 0;
    while (w->ready_at[s] != hit) s++;
    const double *e = w->ready + s / PS_SOLVES * w->n * PS_SOLVES + s % PS_SOLVES;
    for (int64_t i = 0; i < w->n; i++) x[i] = e[i * PS_SOLVES];
}

/** x = A^-1 x */
static void solve_one(struct newton *w, double *x)
{
    int64_t *at;
    double *e = open_set(w, &at);
    for (int64_t i = 0; i < w->n; i++) e[i * PS_SOLVES] = x[i];
    solve(w, 0, e);
    for (int64_t i = 0; i < w->n; i++) x[i] = e[i * PS_SOLVES];
}

/** The largest difference of scores of the free variables; and put them into the direction. */
static double residual(struct newton *w)
{
    const struct ps_smo_state *t = w->t;
    double up = -INFINITY, low = INFINITY;
    memset(w->d, 0, (size_t)w->n * sizeof *w->d);
    for (int64_t i = 0; i < w->free; i++) {
        const int64_t v = w->var[i];
        w->d[i] = t->score[v];
        if (!ps_smo_may_rise(t->s, v) || !ps_smo_may_fall(t->s, v)) continue;
        up = fmax(up, w->d[i]);
        low = fmin(low, w->d[i]);
    }
    return up - low;
}

/** Along the direction, to the first bound at most, which is then met to the bit.
 * @param part out: of the whole length
 * @return the place that met it; -1: none */
static int64_t walk(struct newton *w, double *part)
{
    struct ps_svm_smo *s = w->t->s;
    double t = 1;
    int64_t hit = -1;
    for (int64_t i = 0; i < w->free; i++) {
        const int64_t v = w->var[i];
        const double d = s->y[v] * w->d[i], room = d > 0 ? s->c[v] - s->alpha[v] : s->alpha[v];
        if (!(fabs(d) * t > room)) continue;
        t = room / fabs(d);
        hit = i;
    }
    for (int64_t i = 0; i < w->free; i++) {
        if (w->d[i] == 0) continue;
        const int64_t v = w->var[i];
        const double d = s->y[v] * w->d[i], bound = d > 0 ? s->c[v] : 0, old = s->alpha[v];
        const double to = ps_svm_fma(t, d, old);
        s->alpha[v] = i == hit || (d > 0 ? to > bound : to < bound) ? bound : to;
        w->moved[i] += s->y[v] * (s->alpha[v] - old);
    }
    *part = t;
    return hit;
}

/** Take a variable off, which met a bound when `part` of the direction was done.
 * @return false where there is no room for it, or nothing is left */
static bool take_off(struct newton *w, int64_t at, double part)
{
    double *p = w->off + w->offs * w->n;
    if (w->offs == OFF) return false;
    column(w, at, p);
    project(w, p);
    if (!(p[at] > 0)) return false;
    const double q = (1 - part) * w->d[at] / p[at];
    for (int64_t i = 0; i < w->n; i++) w->d[i] = ps_svm_fma(-q, p[i], (1 - part) * w->d[i]);
    w->off_at[w->offs++] = at;
    for (int64_t o = 0; o < w->offs; o++) w->d[w->off_at[o]] = 0;
    w->cost += (double)w->n;
    return true;
}

/** Rounding of sums goes to the variable that has most room. */
static void balance(struct newton *w)
{
    struct ps_svm_smo *s = w->t->s;
    const double excess = sum_of(w->moved, w->free);
    double most = 0;
    int64_t at = -1;
    for (int64_t i = 0; i < w->free; i++) {
        const int64_t v = w->var[i];
        const double room = fmin(s->alpha[v], s->c[v] - s->alpha[v]);
        if (room <= most) continue;
        most = room;
        at = i;
    }
    if (at < 0 || most <= fabs(excess)) return;
    const int64_t v = w->var[at];
    const double old = s->alpha[v];
    s->alpha[v] -= s->y[v] * excess;
    w->moved[at] += s->y[v] * (s->alpha[v] - old);
}

/** Bring scores up to date. */
static void finish(struct newton *w)
{
    const struct ps_svm_smo *s = w->t->s;
    int64_t ncol = 0;
    balance(w);
    for (int64_t i = 0; i < w->free; i++) {
        if (w->moved[i] == 0) continue;
        w->coef[ncol] = -w->moved[i];
        w->col[ncol++] = ps_smo_k(s, w->var[i]);
        ps_smo_mark(w->t, w->var[i]);
    }
    ps_svm_update_cpu(w->col, w->coef, ncol, s->n, w->t->score);
    w->cost += (double)ncol * (double)s->n;
}

/** Along one direction, with variables taken off where they meet bounds.
 * @return is another direction worth it? */
static bool follow(struct newton *w)
{
    double part;
    bool more = true;
    if (residual(w) < 0.25 * w->t->s->eps) return false;
    solve_one(w, w->d);
    project(w, w->d);
    memset(w->moved, 0, (size_t)w->n * sizeof *w->moved);
    for (int64_t hit; more && (hit = walk(w, &part)) >= 0;) more = take_off(w, hit, part);
    finish(w);
    return more;
}

bool ps_smo_newton_can(const struct ps_svm_smo *s)
{
    return s->copies == 1 && !s->nu;
}

enum ps_status ps_smo_newton(struct ps_smo_state *t, struct ps_smo_room *room, double *cost)
{
    struct newton w;
    *cost = 0;
    if (!make(&w, t, room)) return PS_ENOMEM;
    if (w.free > 1 && factor(&w)) {
        for (int64_t i = 0; i < w.n; i++) w.ones[i] = i < w.free;
        solve_one(&w, w.ones);
        w.sum_ones = sum_of(w.ones, w.free);
        for (int i = 0; i < DIRECTIONS && follow(&w);) i++;
        t->s->iterations++;
    }
    *cost = w.cost;
    return PS_OK;
}
