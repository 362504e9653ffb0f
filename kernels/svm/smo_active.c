/* Sequential minimal optimization within working sets of rows. At a large C most steps are made by the same
 * few hundred variables, while rows of the whole matrix come from memory at every one of them. So a set is
 * chosen: all free variables, and of the others those that are next to violating optimality, from both sides.
 * Its part of the matrix is gathered, the program with all other variables fixed is solved, and scores of all
 * rows are brought up to date. The pair that violates most is always in the set, which is what convergence
 * needs. Source: Joachims (1999), "Making large-scale SVM learning practical"; Lin (2001). */
#include "kernels/svm/smo_active.h"
#include <stdlib.h>
#include "kernels/svm/smo_newton.h"
#include "kernels/svm/smo_single.h"

/* From how many rows on there are working sets; their largest size; how many rows beyond 9/8 of the free ones
 * a set has, so that few variables outside begin to violate while it is solved; and how many of these there
 * must be. */
enum { FROM = 512, MOST = 4096, SPARE = 128, LEAST_SPARE = 64 };

/* A set is solved to this fraction of the violation over all, as its neighbourhood changes anyway. */
static const double FRACTION = 0.1;

/* What a step counts for one row, in the unit of ps_smo_newton: twice its cost, so that Newton's method,
 * which gains more for it as a rule, gets two thirds. */
static const double STEP = 16;

/* Scores in single precision are compared with exact ones after so many steps for each row of a set, and not
 * used any more where they are off by more than this fraction of the tolerance. */
enum { BETWEEN = 16 };
static const double ERROR = 0.25;

struct active {
    struct ps_smo_state *t; /**< the whole program */
    struct ps_svm_smo part; /**< that of the set; its arrays are owned */
    int64_t *row;           /**< [m] rows of the set, ascending */
    uint8_t *in;            /**< [n] is a row in the set? */
    uint8_t *have;          /**< [m] is a row of the part's matrix gathered? */
    float *k, *diagonal;    /**< of the part; k has `room` values */
    int64_t room;
    int8_t *y;
    double *p, *c;
    double *key, *select; /**< [n] how near a row is to violating */
    const float **col;    /**< [m] rows of the matrix whose variables changed, */
    double *coef;         /**< and by how much f takes part in it, with its sign turned */
    double spent, due;    /**< cost of steps since Newton's method was tried, and at which it is again */
    double wait;          /**< by how much longer than it took */
    double *last_alpha, *last_score; /**< [n] of the part, when its gain was found */
    bool newton;                     /**< was Newton's method tried in this set? */
    struct ps_smo_single single;     /**< of the part, */
    void *memory;                    /**< its arrays; NULL: not taken */
    struct ps_smo_room newton_room;
};

int64_t ps_smo_active_from(const struct ps_svm_smo *s)
{
    return s->n < FROM ? INT64_MAX : s->n / 8;
}

static void dispose(struct active *a)
{
    void *const owned[] = {a->row,         a->in,   a->have,       a->k,         a->diagonal,   a->y,
                           a->p,           a->c,    a->key,        a->select,    a->part.alpha, a->part.f,
                           (void *)a->col, a->coef, a->last_alpha, a->last_score};
    for (size_t o = 0; o < sizeof owned / sizeof *owned; o++) free(owned[o]);
    free(a->memory);
    free(a->newton_room.at);
}

/** Arrays for sets of any size up to n rows; but the matrix. */
static bool make(struct ps_smo_state *t, struct active *a)
{
    size_t n = (size_t)t->s->n, vars = n * (size_t)t->s->copies;
    *a = (struct active){.t = t, .wait = 1};
    a->row = malloc(n * sizeof *a->row);
    a->in = malloc(n);
    a->have = malloc(n);
    a->diagonal = malloc(n * sizeof *a->diagonal);
    a->y = malloc(vars);
    a->p = malloc(vars * sizeof *a->p);
    a->c = malloc(vars * sizeof *a->c);
    a->key = malloc(n * sizeof *a->key);
    a->select = malloc(n * sizeof *a->select);
    a->part.alpha = malloc(vars * sizeof *a->part.alpha);
    a->part.f = malloc(n * sizeof *a->part.f);
    a->col = malloc(n * sizeof *a->col);
    a->coef = malloc(n * sizeof *a->coef);
    a->last_alpha = malloc(n * sizeof *a->last_alpha);
    a->last_score = malloc(n * sizeof *a->last_score);
    if (ps_smo_single_can(t->s) && !(a->memory = ps_smo_single_make(t->s->n, t->s->copies, &a->single)))
        return false;
    return a->row && a->in && a->have && a->diagonal && a->y && a->p && a->c && a->key && a->select &&
           a->part.alpha && a->part.f && a->col && a->coef && a->last_alpha && a->last_score;
}

/** The k-th largest of n values, k from 1; they are put in another order. Source: Hoare (1961), "Find". */
static double kth_largest(double *x, int64_t n, int64_t k)
{
    int64_t lo = 0, hi = n - 1;
    while (lo < hi) {
        double pivot = x[lo + (hi - lo) / 2];
        int64_t i = lo, j = hi;
        while (i <= j) {
            while (x[i] > pivot) i++;
            while (x[j] < pivot) j--;
            if (i > j) break;
            double swap = x[i];
            x[i++] = x[j];
            x[j--] = swap;
        }
        if (k - 1 <= j)
            hi = j;
        else if (k - 1 >= i)
            lo = i;
        else
            break;
    }
    return x[k - 1];
}

/** Take the `count` rows of the largest keys into the set, the first of equals; keys of -INFINITY: none. */
static void take(struct active *a, int64_t count)
{
    const int64_t n = a->t->s->n;
    int64_t candidates = 0, above = 0;
    for (int64_t r = 0; r < n; r++)
        if (a->key[r] > -INFINITY) a->select[candidates++] = a->key[r];
    if (count > candidates) count = candidates;
    if (count <= 0) return;
    double least = kth_largest(a->select, candidates, count);
    for (int64_t r = 0; r < n; r++) above += a->key[r] > least;
    int64_t equal = count - above;
    for (int64_t r = 0; r < n; r++)
        if (a->key[r] > least || (a->key[r] == least && equal-- > 0)) a->in[r] = 1;
}

/** Half way between the highest score that may rise and the lowest that may fall, by group; and the
 * violation. */
static double find_middle(const struct ps_smo_state *t, double middle[2])
{
    double up[2] = {-INFINITY, -INFINITY}, low[2] = {INFINITY, INFINITY}, violation = -INFINITY;
    for (int64_t v = 0; v < t->s->copies * t->s->n; v++) {
        int g = ps_smo_group(t->s, v);
        double score = t->score[ps_smo_slot(t, v)];
        if (ps_smo_may_rise(t->s, v) && score > up[g]) up[g] = score;
        if (ps_smo_may_fall(t->s, v) && score < low[g]) low[g] = score;
    }
    for (int g = 0; g < t->groups; g++) {
        middle[g] = 0.5 * (up[g] + low[g]);
        violation = up[g] - low[g] > violation ? up[g] - low[g] : violation;
    }
    return violation;
}

/** Keys of rows that are not in the set: how far scores are beyond the middle on one side. */
static void find_keys(struct active *a, const double middle[2], bool rise)
{
    const struct ps_svm_smo *s = a->t->s;
    for (int64_t r = 0; r < s->n; r++) {
        a->key[r] = -INFINITY;
        for (int64_t v = r; v < s->copies * s->n && !a->in[r]; v += s->n) {
            if (!(rise ? ps_smo_may_rise(s, v) : ps_smo_may_fall(s, v))) continue;
            double beyond = a->t->score[ps_smo_slot(a->t, v)] - middle[ps_smo_group(s, v)];
            if (!rise) beyond = -beyond;
            if (beyond > a->key[r]) a->key[r] = beyond;
        }
    }
}

/** Choose the rows of a set.
 * @return how many; 0: it would be too large to pay */
static int64_t choose(struct active *a, const double middle[2])
{
    const struct ps_svm_smo *s = a->t->s;
    int64_t count = 0;
    memset(a->in, 0, (size_t)s->n);
    for (int64_t v = 0; v < s->copies * s->n; v++)
        if (ps_smo_may_rise(s, v) && ps_smo_may_fall(s, v)) a->in[ps_smo_row(s, v)] = 1;
    for (int64_t r = 0; r < s->n; r++) count += a->in[r];
    int64_t most = count + count / 8 + SPARE;
    if (most > s->n / 2) most = s->n / 2;
    if (most > MOST) most = MOST;
    if (count + LEAST_SPARE > most) return 0;
    for (int rise = 1; rise >= 0; rise--) {
        find_keys(a, middle, rise);
        take(a, rise ? (most - count) / 2 : most - count - (most - count) / 2);
    }
    count = 0;
    for (int64_t r = 0; r < s->n; r++)
        if (a->in[r]) a->row[count++] = r;
    return count;
}

/** ps_svm_smo.want of the part: gather a row of its matrix when it is wanted. */
static void gather(void *active, int64_t i)
{
    struct active *a = active;
    const struct ps_svm_smo *s = a->t->s;
    if (a->have[i]) return;
    ps_smo_want(s, a->row[i]);
    const float *k = ps_smo_k(s, a->row[i]);
    float *part = a->k + i * a->part.stride;
    for (int64_t j = 0; j < a->part.n; j++) part[j] = k[a->row[j]];
    for (int64_t j = a->part.n; j < a->part.stride; j++) part[j] = 0;
    a->have[i] = 1;
}

/** The program of a set of m rows. */
static bool begin(struct active *a, int64_t m)
{
    const struct ps_svm_smo *s = a->t->s;
    const int64_t stride = ps_smo_single_padded(m);
    if (m * stride > a->room) {
        free(a->k);
        a->room = m * stride + m * stride / 4 / PS_SMO_LANES * PS_SMO_LANES; /* sets grow little by little */
        a->k = aligned_alloc(64, (size_t)a->room * sizeof *a->k);
        if (!a->k) return false;
    }
    memset(a->have, 0, (size_t)m);
    for (int64_t i = 0; i < m; i++) {
        int64_t r = a->row[i];
        a->diagonal[i] = a->t->diagonal[r];
        a->part.f[i] = ps_smo_f(s, r, a->t->score[r]);
        for (int copy = 0; copy < s->copies; copy++) {
            int64_t v = copy * s->n + r, w = copy * m + i;
            a->y[w] = s->y[v];
            a->p[w] = s->p[v];
            a->c[w] = s->c[v];
            a->part.alpha[w] = s->alpha[v];
        }
    }
    a->part = (struct ps_svm_smo){.n = m,
                                  .copies = s->copies,
                                  .nu = s->nu,
                                  .k = a->k,
                                  .stride = stride,
                                  .want = gather,
                                  .source = a,
                                  .diagonal = a->diagonal,
                                  .y = a->y,
                                  .p = a->p,
                                  .c = a->c,
                                  .alpha = a->part.alpha,
                                  .f = a->part.f};
    return true;
}

/** Take over what the set's variables have become, and bring all scores up to date. */
static void finish(struct active *a)
{
    const struct ps_svm_smo *s = a->t->s;
    const int64_t m = a->part.n;
    int64_t ncol = 0;
    for (int64_t i = 0; i < m; i++) {
        double change = 0;
        for (int copy = 0; copy < s->copies; copy++) {
            int64_t v = copy * s->n + a->row[i];
            change += s->y[v] * (a->part.alpha[copy * m + i] - s->alpha[v]);
            s->alpha[v] = a->part.alpha[copy * m + i];
            ps_smo_mark(a->t, v);
        }
        if (change == 0) continue;
        a->coef[ncol] = -change;
        a->col[ncol++] = ps_smo_k(s, a->row[i]);
    }
    for (int copy = 0; copy < s->copies; copy++)
        ps_svm_update_cpu(a->col, a->coef, ncol, s->n, a->t->score + copy * a->t->padded);
}

/** How far the objective fell since the last call, or since the part began. */
static double find_gain(struct active *a, const struct ps_smo_state *t)
{
    const struct ps_svm_smo *s = t->s;
    double gain = 0;
    for (int64_t v = 0; v < s->n; v++) {
        gain += 0.5 * s->y[v] * (s->alpha[v] - a->last_alpha[v]) * (t->score[v] + a->last_score[v]);
        a->last_alpha[v] = s->alpha[v];
        a->last_score[v] = t->score[v];
    }
    return gain;
}

/** Cost of a factor of the free variables' matrix. */
static double cost_of_factor(const struct ps_svm_smo *s)
{
    double n = 0;
    for (int64_t v = 0; v < s->n; v++) n += ps_smo_may_rise(s, v) && ps_smo_may_fall(s, v);
    return n * n * n / 6;
}

/** As ps_smo_steps, on scores in single precision until they are off by too much. */
static bool make_steps(struct active *a, struct ps_smo_state *t, int64_t most)
{
    while (a->memory) {
        const int64_t before = t->s->iterations, turn = BETWEEN * t->s->n;
        double error;
        const bool more = ps_smo_single_steps(t, &a->single, most < turn ? most : turn, &error);
        most -= t->s->iterations - before;
        if (error > ERROR * t->s->eps) {
            free(a->memory);
            a->memory = NULL;
        } else if (!more || most <= 0)
            return more;
    }
    return ps_smo_steps(t, most);
}

/** Steps and Newton's method by turns, which share the cost; the less Newton's method lowers the objective
 * for it, the longer are the turns of steps. */
static enum ps_status alternate(struct active *a, struct ps_smo_state *t)
{
    const struct ps_svm_smo *s = &a->part;
    const double step = STEP * (double)s->n;
    if (a->due == 0) a->due = 2 * cost_of_factor(s);
    memcpy(a->last_alpha, s->alpha, (size_t)s->n * sizeof *s->alpha);
    memcpy(a->last_score, t->score, (size_t)s->n * sizeof *t->score);
    for (enum ps_status rc = PS_OK; rc == PS_OK;) {
        const int64_t before = s->iterations;
        const bool more = make_steps(a, t, (int64_t)fmin(1e15, fmax(1, (a->due - a->spent) / step)));
        const double turn = step * (double)(s->iterations - before);
        a->spent += turn;
        if (!more) return PS_OK;
        const double by_steps = find_gain(a, t);
        double cost;
        rc = ps_smo_newton(t, &a->newton_room, &cost);
        const bool better = find_gain(a, t) * turn > by_steps * cost;
        a->wait = better ? fmax(1, a->wait / 2) : 2 * a->wait;
        a->due = a->wait * fmax(cost, step * (double)s->n);
        a->spent = 0;
        a->newton = true;
    }
    return PS_ENOMEM;
}

/** Solve within one set.
 * @param pays out: is another one likely to pay? */
static enum ps_status solve(struct active *a, bool *pays)
{
    struct ps_svm_smo *s = a->t->s;
    struct ps_smo_state t;
    double middle[2], violation = find_middle(a->t, middle);
    *pays = false;
    if (violation < s->eps || (s->max_iter > 0 && s->iterations >= s->max_iter)) return PS_OK;
    int64_t m = choose(a, middle);
    if (m == 0) return PS_OK;
    if (!begin(a, m)) return PS_ENOMEM;
    void *memory = ps_smo_begin(&a->part, &t);
    if (!memory) return PS_ENOMEM;
    a->part.eps = fmax(FRACTION * violation, 0.5 * s->eps);
    if (s->max_iter > 0) a->part.max_iter = s->max_iter - s->iterations;
    a->newton = false;
    enum ps_status rc = PS_OK;
    if (ps_smo_newton_can(&a->part))
        rc = alternate(a, &t);
    else
        make_steps(a, &t, INT64_MAX);
    free(memory);
    finish(a);
    s->iterations += a->part.iterations;
    *pays = a->part.iterations > m || a->newton;
    return rc;
}

enum ps_status ps_smo_active(struct ps_smo_state *t)
{
    struct active a;
    enum ps_status rc = make(t, &a) ? PS_OK : PS_ENOMEM;
    for (bool pays = true; rc == PS_OK && pays;) rc = solve(&a, &pays);
    dispose(&a);
    return rc;
}
