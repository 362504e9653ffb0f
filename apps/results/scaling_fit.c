/* Models of the time on p workers, by least squares of relative errors with terms that are not below 0: of
 * all choices of terms, the best one whose terms are so. */
#include <math.h>
#include "apps/results/scaling.h"

enum { TERMS = 3, POINTS_MOST = 256 };
enum { CONSTANT = 1, SHARED = 2, TREE = 4 }; /* which terms a model has */

static double term(int k, double p)
{
    return k == 0 ? 1 : k == 1 ? 1 / p : log2(p);
}

/* Solve the normal equations of the terms in `mask` by elimination with pivots. @return false: they have no
 * single solution */
static bool solve(int n, const double *p, const double *t, int skip, int mask, double x[TERMS])
{
    double m[TERMS][TERMS + 1] = {{0}};
    int which[TERMS], k = 0;
    for (int i = 0; i < TERMS; i++)
        if (mask & 1 << i) which[k++] = i;
    for (int i = 0; i < n; i++) {
        if (i == skip) continue;
        for (int r = 0; r < k; r++) {
            const double row = term(which[r], p[i]) / t[i];
            for (int c = 0; c < k; c++) m[r][c] += row * term(which[c], p[i]) / t[i];
            m[r][k] += row;
        }
    }
    for (int c = 0; c < k; c++) {
        int best = c;
        for (int r = c + 1; r < k; r++)
            if (fabs(m[r][c]) > fabs(m[best][c])) best = r;
        for (int j = 0; j <= k; j++) {
            const double swap = m[c][j];
            m[c][j] = m[best][j];
            m[best][j] = swap;
        }
        if (!(fabs(m[c][c]) > 1e-12 * fabs(m[0][0]))) return false;
        for (int r = 0; r < k; r++) {
            if (r == c) continue;
            const double f = m[r][c] / m[c][c];
            for (int j = c; j <= k; j++) m[r][j] -= f * m[c][j];
        }
    }
    for (int i = 0; i < TERMS; i++) x[i] = 0;
    for (int i = 0; i < k; i++) x[which[i]] = m[i][k] / m[i][i];
    return true;
}

static double model(const double x[TERMS], double p)
{
    return x[0] + x[1] / p + x[2] * log2(p);
}

static bool best_fit(int n, const double *p, const double *t, int skip, int terms, double x[TERMS])
{
    double least = INFINITY, here[TERMS];
    for (int mask = 1; mask < 1 << TERMS; mask++) {
        if ((mask & terms) != mask || !solve(n, p, t, skip, mask, here)) continue;
        if (here[0] < 0 || here[1] < 0 || here[2] < 0) continue;
        double sum = 0;
        for (int i = 0; i < n; i++)
            if (i != skip) sum += pow(model(here, p[i]) / t[i] - 1, 2);
        if (sum >= least * (1 - 1e-9)) continue;
        least = sum;
        for (int i = 0; i < TERMS; i++) x[i] = here[i];
    }
    return isfinite(least);
}

static int different(int n, const double *p)
{
    int k = 0;
    for (int i = 0; i < n; i++) {
        bool seen = false;
        for (int j = 0; j < i; j++) seen = seen || p[j] == p[i];
        k += !seen;
    }
    return k;
}

static struct scaling_fit fit(int n, const double *p, const double *t, int terms)
{
    struct scaling_fit f = {.points = n, .error = NAN, .ahead = NAN, .serial = NAN};
    double x[TERMS];
    const int wanted = (terms & CONSTANT) + (terms & SHARED) / SHARED + (terms & TREE) / TREE;
    const int have = different(n, p);
    if (n > POINTS_MOST || have < wanted || !best_fit(n, p, t, -1, terms, x)) return f;
    f.there = true;
    f.a = x[0], f.b = x[1], f.c = x[2];
    if (f.a + f.b > 0) f.serial = f.a / (f.a + f.b);
    if (have <= wanted) return f;
    double sum = 0;
    int last = 0, left = 0;
    for (int i = 0; i < n; i++) {
        if (p[i] > p[last]) last = i;
        if (!best_fit(n, p, t, i, terms, x)) continue;
        sum += pow(model(x, p[i]) / t[i] - 1, 2);
        left++;
    }
    if (left > 0) f.error = sqrt(sum / left);
    if (best_fit(n, p, t, last, terms, x)) f.ahead = model(x, p[last]) / t[last] - 1;
    return f;
}

struct scaling_fit scaling_fit_amdahl(int n, const double *p, const double *t)
{
    return fit(n, p, t, CONSTANT | SHARED);
}

struct scaling_fit scaling_fit_allreduce(int n, const double *p, const double *t, bool weak)
{
    return fit(n, p, t, weak ? CONSTANT | TREE : CONSTANT | SHARED | TREE);
}

struct scaling_fit scaling_fit_gustafson(int n, const double *p, const double *scaled)
{
    struct scaling_fit f = {.points = n, .error = NAN, .ahead = NAN, .serial = NAN};
    double up = 0, down = 0, sum = 0;
    int left = 0;
    for (int i = 0; i < n; i++) {
        up += (p[i] - 1) * (p[i] - scaled[i]);
        down += (p[i] - 1) * (p[i] - 1);
    }
    if (!(down > 0)) return f;
    f.there = true;
    f.serial = fmin(1, fmax(0, up / down));
    for (int i = 0; i < n; i++) {
        const double rest = down - (p[i] - 1) * (p[i] - 1);
        if (p[i] == 1 || !(rest > 0)) continue;
        const double s = (up - (p[i] - 1) * (p[i] - scaled[i])) / rest;
        sum += pow((p[i] - s * (p[i] - 1)) / scaled[i] - 1, 2);
        left++;
    }
    if (left > 0) f.error = sqrt(sum / left);
    return f;
}

double scaling_model(const struct scaling_fit *f, double p)
{
    return model((const double[TERMS]){f->a, f->b, f->c}, p);
}
