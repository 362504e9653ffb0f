#include "apps/pisvm/svm_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

enum { LANES = 32, TILE = 16 };
static const double unit = 0x1p-53;

/** Panels of all columns where they take little memory, or not much more than the support vectors as read. */
static bool panels_pay(const struct svm_model *m)
{
    double panels = (double)m->sv * (double)m->cols, entries = (double)m->start[m->sv];
    return panels <= 1 << 23 || panels <= 12 * entries;
}

/** For squared distances from differences a row's zeros count as well. */
static bool differences_pay(const struct svm_model *m)
{
    return 2 * (double)m->start[m->sv] >= (double)m->sv * (double)m->cols;
}

static enum ps_status make_room(struct svm_check *c)
{
    int64_t blocks = c->m->sv / LANES + c->groups;
    PS_TRY(ps_zalloc(&c->first, c->groups + 1, sizeof *c->first, "groups of support vectors"));
    PS_TRY(ps_zalloc(&c->block, c->groups + 1, sizeof *c->block, "groups of support vectors"));
    PS_TRY(ps_zalloc(&c->largest, c->groups, sizeof *c->largest, "groups of support vectors"));
    PS_TRY(ps_zalloc(&c->longest, c->groups, sizeof *c->longest, "groups of support vectors"));
    PS_TRY(ps_zalloc(&c->weight, c->groups, sizeof *c->weight, "groups of support vectors"));
    PS_TRY(ps_zalloc(&c->norm2, c->m->sv + LANES, sizeof *c->norm2, "norms of support vectors"));
    PS_TRY(ps_zalloc(&c->coef, blocks * c->ncoef * LANES, sizeof *c->coef, "coefficients"));
    if (!panels_pay(c->m)) return PS_OK;
    c->differences = c->m->function.form == PS_SVM_RBF && differences_pay(c->m);
    return ps_zalloc(&c->panel, blocks * c->m->cols * LANES, sizeof *c->panel,
                     "support vectors in double precision");
}

/** Norms, weights, coefficients and panels of one group. */
static void fill(struct svm_check *c, int g)
{
    const struct svm_model *m = c->m;
    for (int64_t s = c->first[g]; s < c->first[g + 1]; s++) {
        int64_t at = s - c->first[g], block = c->block[g] + at / LANES, lane = at % LANES;
        double sum = 0, most = 0;
        for (int64_t e = m->start[s]; e < m->start[s + 1]; e++) {
            sum += m->value[e] * m->value[e];
            if (c->panel) c->panel[(block * m->cols + m->index[e]) * LANES + lane] = m->value[e];
        }
        for (int t = 0; t < c->ncoef; t++) {
            double coef = m->coef[t * m->sv + s];
            c->coef[(block * c->ncoef + t) * LANES + lane] = coef;
            if (fabs(coef) > most) most = fabs(coef);
        }
        c->norm2[s] = sum;
        c->weight[g] += most;
        if (sqrt(sum) > c->largest[g]) c->largest[g] = sqrt(sum);
        if (m->start[s + 1] - m->start[s] > c->longest[g]) c->longest[g] = m->start[s + 1] - m->start[s];
    }
}

enum ps_status svm_check_make(const struct svm_model *m, struct svm_check *out)
{
    *out = (struct svm_check){.m = m, .groups = m->count ? m->nclass : 1, .ncoef = m->nclass - 1};
    out->pairs = (int64_t)m->nclass * (m->nclass - 1) / 2;
    enum ps_status rc = make_room(out);
    if (rc != PS_OK) {
        svm_check_free(out);
        return rc;
    }
    for (int g = 0; g < out->groups; g++) {
        int64_t n = m->count ? m->count[g] : m->sv;
        out->first[g + 1] = out->first[g] + n;
        out->block[g + 1] = out->block[g] + (n + LANES - 1) / LANES;
    }
#pragma omp parallel for schedule(dynamic)
    for (int g = 0; g < out->groups; g++) fill(out, g);
    return PS_OK;
}

void svm_check_free(struct svm_check *c)
{
    free(c->first);
    free(c->norm2);
    free(c->largest);
    free(c->longest);
    free(c->weight);
    free(c->block);
    free(c->coef);
    free(c->panel);
    *c = (struct svm_check){0};
}

/* --- values -----------------------------------------------------------------------------------------------
 */

typedef double lanes __attribute__((vector_size(64), aligned(8)));

/** exp of LANES numbers, within 4 units of the last place: 2^k times the Taylor polynomial of degree 13 on
 * [-ln 2 / 2, ln 2 / 2]. What is below exp(-700) counts as that. */
static void exp_lanes(double *x)
{
    static const double to_whole = 0x1.8p52, ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
    static const double inverse_factorial[] = {1.0 / 6227020800,
                                               1.0 / 479001600,
                                               1.0 / 39916800,
                                               1.0 / 3628800,
                                               1.0 / 362880,
                                               1.0 / 40320,
                                               1.0 / 5040,
                                               1.0 / 720,
                                               1.0 / 120,
                                               1.0 / 24,
                                               1.0 / 6,
                                               1.0 / 2,
                                               1.0,
                                               1.0};
#pragma omp simd
    for (int l = 0; l < LANES; l++) {
        double y = x[l] < -700 ? -700 : x[l];
        y = y > 700 ? 700 : y;
        double shifted = y * 0x1.71547652b82fep0 + to_whole, k = shifted - to_whole;
        double r = (y - k * ln2_high) - k * ln2_low, p = inverse_factorial[0];
        for (int i = 1; i < 14; i++) p = p * r + inverse_factorial[i];
        uint64_t bits;
        memcpy(&bits, &shifted, sizeof bits);
        bits = (bits + 1023) << 52; /* the low bits of `shifted` are k */
        double power;
        memcpy(&power, &bits, sizeof power);
        x[l] = p * power;
    }
}

/** Kernel values from scalar products, in place; from squared distances where norm2_sv is NULL. */
static void finish(const struct ps_svm_function *f, double norm2, const double *norm2_sv, double *k)
{
    if (f->form == PS_SVM_LINEAR) return;
    if (!norm2_sv) {
        for (int l = 0; l < LANES; l++) k[l] *= -f->gamma;
        exp_lanes(k);
        return;
    }
    if (f->form == PS_SVM_RBF) {
        for (int l = 0; l < LANES; l++) {
            double d = norm2 + norm2_sv[l] - 2 * k[l];
            k[l] = -f->gamma * (d > 0 ? d : 0);
        }
        exp_lanes(k);
        return;
    }
    for (int l = 0; l < LANES; l++) k[l] = f->gamma * k[l] + f->coef0;
    if (f->form == PS_SVM_POLY) {
        double power[LANES];
        for (int l = 0; l < LANES; l++) power[l] = 1;
        for (int d = f->degree; d > 0; d /= 2) {
            if (d % 2 == 1)
                for (int l = 0; l < LANES; l++) power[l] *= k[l];
            for (int l = 0; l < LANES; l++) k[l] *= k[l];
        }
        memcpy(k, power, sizeof power);
        return;
    }
    for (int l = 0; l < LANES; l++) k[l] *= 2;
    exp_lanes(k);
    for (int l = 0; l < LANES; l++) k[l] = 1 - 2 / (k[l] + 1); /* tanh, to an absolute error */
}

/** A row while it is worked on. */
struct current {
    int64_t lo, hi;      /**< entries in columns that the model has */
    double norm2, rest2; /**< of all columns; of those that the model lacks */
};

static struct current current_row(const struct svm_check *c, const struct ps_csr *x, int64_t row)
{
    struct current r = {x->start[row], x->start[row + 1], 0, 0};
    for (int64_t e = r.lo; e < r.hi; e++) r.norm2 += x->value[e] * x->value[e];
    for (; r.hi > r.lo && x->index[r.hi - 1] >= c->m->cols; r.hi--)
        r.rest2 += x->value[r.hi - 1] * x->value[r.hi - 1];
    return r;
}

/** Products of a row with the panel of a block. */
static void panel_products(const struct svm_check *c, const struct ps_csr *x, const struct current *r,
                           int64_t block, double *out)
{
    const double *panel = c->panel + block * c->m->cols * LANES;
    lanes sum[LANES / 8] = {{0}};
    for (int64_t e = r->lo; e < r->hi; e++) {
        const lanes *p = (const lanes *)(panel + (int64_t)x->index[e] * LANES);
        for (int q = 0; q < LANES / 8; q++) sum[q] += x->value[e] * p[q];
    }
    memcpy(out, sum, sizeof sum);
}

/** Squared distances of a row, spread over all columns, from the panel of a block. */
static void panel_distances(const struct svm_check *c, const double *spread, double rest2, int64_t block,
                            double *out)
{
    const lanes *p = (const lanes *)(c->panel + block * c->m->cols * LANES);
    lanes sum[LANES / 8];
    for (int q = 0; q < LANES / 8; q++) sum[q] = (lanes){0} + rest2;
    for (int64_t k = 0; k < c->m->cols; k++, p += LANES / 8)
        for (int q = 0; q < LANES / 8; q++) {
            lanes d = spread[k] - p[q];
            sum[q] += d * d;
        }
    memcpy(out, sum, sizeof sum);
}

/** Products of a row, spread over all columns, with the support vectors of a block. */
static void spread_products(const struct svm_check *c, const double *spread, int64_t s, int64_t n,
                            double *out)
{
    const struct svm_model *m = c->m;
    for (int64_t l = 0; l < n; l++) {
        double sum = 0;
        for (int64_t e = m->start[s + l]; e < m->start[s + l + 1]; e++)
            sum += m->value[e] * spread[m->index[e]];
        out[l] = sum;
    }
    for (int64_t l = n; l < LANES; l++) out[l] = 0;
}

/** Add the share of one block of support vectors to a row's sums [ncoef][8]. */
static void add_block(const struct svm_check *c, const struct ps_csr *x, const struct current *r, int g,
                      int64_t block, const double *spread, double *sums)
{
    double k[LANES];
    int64_t s = c->first[g] + (block - c->block[g]) * LANES, n = c->first[g + 1] - s;
    if (c->differences)
        panel_distances(c, spread, r->rest2, block, k);
    else if (c->panel)
        panel_products(c, x, r, block, k);
    else
        spread_products(c, spread, s, n < LANES ? n : LANES, k);
    finish(&c->m->function, r->norm2, c->differences ? NULL : c->norm2 + s, k);
    const lanes *coef = (const lanes *)(c->coef + block * c->ncoef * LANES), *value = (const lanes *)k;
    lanes *sum = (lanes *)sums;
    for (int t = 0; t < c->ncoef; t++, coef += LANES / 8)
        for (int q = 0; q < LANES / 8; q++) sum[t] += coef[q] * value[q];
}

/** Add a group's share to the values of a row. */
static void add_sums(const struct svm_check *c, int g, const double *sums, double *value)
{
    for (int t = 0; t < c->ncoef; t++) {
        const double *s = sums + (int64_t)t * 8;
        int other = t < g ? t : t + 1;
        int64_t pair =
            c->groups == 1 ? 0 : svm_pair_number(c->groups, g < other ? g : other, g < other ? other : g);
        value[pair] += ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
    }
}

static int64_t tile_rows(const struct svm_check *c)
{
    return c->panel ? TILE : 1;
}

/** Are a tile's rows spread over all columns, behind its sums? */
static bool spreads(const struct svm_check *c)
{
    return !c->panel || c->differences;
}

int64_t svm_check_work(const struct svm_check *c)
{
    return tile_rows(c) * (c->ncoef * 8 + (spreads(c) ? c->m->cols : 0));
}

/** Put a row's values to their columns, or zeros. */
static void spread_row(const struct ps_csr *x, const struct current *r, bool on, double *spread)
{
    for (int64_t e = r->lo; e < r->hi; e++) spread[x->index[e]] = on ? x->value[e] : 0;
}

/** A tile of rows, from number `at` of the list on, against one group. */
static void tile_group(const struct svm_check *c, const struct svm_check_rows *r, int64_t at,
                       const struct current *tile, int64_t n, int g, double *work)
{
    const double *spread = work + tile_rows(c) * c->ncoef * 8;
    bool wanted[TILE];
    for (int64_t i = 0; i < n; i++) wanted[i] = !r->need || r->need[(at + i) * c->groups + g];
    memset(work, 0, (size_t)(n * c->ncoef * 8) * sizeof *work);
    for (int64_t b = c->block[g]; b < c->block[g + 1]; b++)
        for (int64_t i = 0; i < n; i++)
            if (wanted[i])
                add_block(c, r->x, &tile[i], g, b, spread + i * c->m->cols * spreads(c),
                          work + i * c->ncoef * 8);
    for (int64_t i = 0; i < n; i++)
        if (wanted[i]) add_sums(c, g, work + i * c->ncoef * 8, r->value + (at + i) * r->stride);
}

void svm_check_values(const struct svm_check *c, const struct svm_check_rows *r, int64_t lo, int64_t hi,
                      double *work)
{
    struct current tile[TILE];
    double *spread = work + tile_rows(c) * c->ncoef * 8;
    for (int64_t at = lo; at < hi; at += tile_rows(c)) {
        int64_t n = hi - at < tile_rows(c) ? hi - at : tile_rows(c);
        for (int64_t i = 0; i < n; i++) {
            tile[i] = current_row(c, r->x, r->row[at + i]);
            memset(r->value + (at + i) * r->stride, 0, (size_t)c->pairs * sizeof *r->value);
        }
        for (int64_t i = 0; i < n && spreads(c); i++)
            spread_row(r->x, &tile[i], true, spread + i * c->m->cols);
        for (int g = 0; g < c->groups; g++) tile_group(c, r, at, tile, n, g, work);
        for (int64_t i = 0; i < n && spreads(c); i++)
            spread_row(r->x, &tile[i], false, spread + i * c->m->cols);
        for (int64_t i = at; i < at + n; i++)
            for (int64_t p = 0; p < c->pairs; p++) r->value[i * r->stride + p] -= c->m->rho[p];
    }
}

double svm_check_exact(const struct svm_check *c, const struct ps_csr *x, int64_t row, int a, int b)
{
    const struct svm_model *m = c->m;
    struct ps_csr sv = {m->sv, m->cols, m->start, m->index, m->value};
    double sum = 0;
    for (int part = 0; part < (a == b ? 1 : 2); part++) {
        int g = part == 0 ? a : b;
        const double *coef = m->coef + (a == b ? 0 : part == 0 ? b - 1 : a) * m->sv;
        for (int64_t s = c->first[g]; s < c->first[g + 1]; s++)
            sum += coef[s] * ps_svm_value(&m->function, x, row, &sv, s);
    }
    return sum - m->rho[svm_pair_number(c->groups, a, b)];
}

/* --- bounds -----------------------------------------------------------------------------------------------
 */

double svm_kernel_error(const struct ps_svm_function *f, double a, double b, int64_t n, double u,
                        double *largest)
{
    double dot = a * b, length = (double)n, error = (length + 4) * u * dot;
    *largest = dot;
    if (f->form == PS_SVM_LINEAR) return error;
    if (f->form == PS_SVM_RBF) {
        *largest = 1;
        if (!(f->gamma >= 0)) return INFINITY;
        return expm1(f->gamma * (length + 12) * u * (a + b) * (a + b)) + 8 * u;
    }
    double base = fabs(f->gamma) * dot + fabs(f->coef0);
    error = fabs(f->gamma) * error + 3 * u * base;
    *largest = 1;
    if (f->form == PS_SVM_SIGMOID) return error + 16 * u;
    double d = f->degree;
    *largest = pow(base, d);
    return d == 0 ? 0 : d * pow(base + error, d - 1) * error + 2 * d * u * *largest;
}

/** The share of one group: errors of kernel values and sums, here and in LIBSVM. */
static double group_bound(const struct svm_check *c, double norm, int64_t entries, int g)
{
    const struct ps_svm_function *f = &c->m->function;
    double largest, error, theirs;
    int64_t n = entries > c->longest[g] ? entries : c->longest[g];
    if (c->weight[g] == 0) return 0;
    error = theirs = svm_kernel_error(f, norm, c->largest[g], n, unit, &largest);
    if (f->form == PS_SVM_RBF) { /* of at most as many columns as both have entries */
        theirs = ((double)(entries + c->longest[g]) / 2 + 24) * unit;
        if (c->differences) error = theirs;
    }
    double sums = (double)(c->first[g + 1] - c->first[g] + 64) * unit * (largest + error);
    return c->weight[g] * (error + theirs + 2 * sums);
}

double svm_check_bound(const struct svm_check *c, double norm, int64_t entries, int a, int b)
{
    double bound = group_bound(c, norm, entries, a);
    if (b != a) bound += group_bound(c, norm, entries, b);
    return bound + 8 * unit * fabs(c->m->rho[svm_pair_number(c->groups, a, b)]);
}
