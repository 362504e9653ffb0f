/* Sequential minimal optimization, two passes over the rows a step: one applies the step before and finds the
 * pair that violates most, which is the stopping test too; one finds the partner of its upper half. */
#include <stdlib.h>
#include "kernels/svm/smo_active.h"
#if defined(__AVX512F__) && defined(__AVX512DQ__)
#    include "kernels/svm/smo_avx512.h"
#elif defined(__AVX2__) && defined(__FMA__)
#    include "kernels/svm/smo_avx2.h"
#else
#    include "kernels/svm/smo_plain.h"
#endif

static void mark(uint8_t *bits, int64_t q, bool on)
{
    uint8_t bit = (uint8_t)(1u << q % 8);
    bits[q / 8] = (uint8_t)(on ? bits[q / 8] | bit : bits[q / 8] & ~bit);
}

void ps_smo_mark(struct ps_smo_state *t, int64_t v)
{
    int g = ps_smo_group(t->s, v);
    int64_t q = ps_smo_slot(t, v);
    mark(t->rise[g], q, ps_smo_may_rise(t->s, v));
    mark(t->fall[g], q, ps_smo_may_fall(t->s, v));
}

/** Take over what the caller gave. */
static void load(struct ps_smo_state *t)
{
    struct ps_svm_smo *s = t->s;
    for (int64_t r = 0; r < s->n; r++) t->diagonal[r] = ps_smo_diagonal(s, r);
    t->least = ps_smo_least(s);
    for (int64_t v = 0; v < s->copies * s->n; v++) {
        int64_t q = ps_smo_slot(t, v);
        int g = ps_smo_group(s, v);
        t->score[q] = ps_smo_score(s, v);
        t->rise[g][q / 8] |= (uint8_t)(ps_smo_may_rise(s, v) << q % 8);
        t->fall[g][q / 8] |= (uint8_t)(ps_smo_may_fall(s, v) << q % 8);
    }
}

/** Lay out the arrays in one piece of memory. */
static void *make(struct ps_svm_smo *s, struct ps_smo_state *t)
{
    int64_t rows = ps_smo_padded(s->n), slots = s->copies * rows, bytes = (slots / 8 + 63) / 64 * 64;
    *t = (struct ps_smo_state){.s = s, .padded = rows, .groups = ps_smo_groups(s)};
    size_t size = (size_t)slots * sizeof(double) + (size_t)rows * sizeof(float) + 4 * (size_t)bytes;
    char *memory = aligned_alloc(64, (size + 63) / 64 * 64), *at = memory;
    if (!memory) return NULL;
    memset(memory, 0, size);
    t->score = (double *)at;
    at += (size_t)slots * sizeof(double);
    t->diagonal = (float *)at;
    at += (size_t)rows * sizeof(float);
    for (int g = 0; g < 2; g++, at += 2 * bytes) {
        t->rise[g] = (uint8_t *)at;
        t->fall[g] = (uint8_t *)at + bytes;
    }
    return memory;
}

/** The best pair over the groups, as variables; false where there is none. */
static bool choose(const struct ps_smo_state *t, const struct ps_smo_top top[2], double violation, int64_t *i,
                   int64_t *j)
{
    double scale = ps_smo_scale(violation);
    struct ps_smo_partner best = {-1, -1};
    for (int g = 0; g < t->groups; g++) {
        if (top[g].i < 0) continue;
        int64_t v = ps_smo_variable(t, top[g].i);
        ps_smo_want(t->s, ps_smo_row(t->s, v));
        struct ps_smo_partner p = ps_smo_choose(t, g, ps_smo_row(t->s, v), top[g].up, scale);
        if (p.j < 0 || p.worth < best.worth || (p.worth == best.worth && p.j > best.j)) continue;
        best = p;
        *i = v;
    }
    *j = ps_smo_variable(t, best.j);
    return best.j >= 0;
}

bool ps_smo_steps(struct ps_smo_state *t, int64_t most)
{
    struct ps_svm_smo *s = t->s;
    const float *ki = t->diagonal, *kj = t->diagonal; /* no step before the first: any numbers, by nothing */
    double w[2] = {0, 0};
    for (int64_t made = 0;; made++) {
        struct ps_smo_top top[2] = {{0}};
        int64_t i = -1, j;
        ps_smo_advance(t, ki, kj, w, top);
        double violation = top[0].up - top[0].low;
        if (t->groups == 2 && top[1].up - top[1].low > violation) violation = top[1].up - top[1].low;
        s->violation = violation > -INFINITY ? violation : 0;
        if (violation < s->eps || (s->max_iter > 0 && s->iterations >= s->max_iter)) return false;
        if (made >= most) return true;
        if (!choose(t, top, violation, &i, &j)) return false;
        int64_t ri = ps_smo_row(s, i), rj = ps_smo_row(s, j);
        ps_smo_want(s, rj);
        ki = ps_smo_k(s, ri);
        kj = ps_smo_k(s, rj);
        double a = ps_smo_curvature(t->diagonal[ri], t->diagonal[rj], ki[rj]);
        if (!ps_smo_move(s, i, j, t->score[ps_smo_slot(t, i)] - t->score[ps_smo_slot(t, j)], a, w))
            return false;
        s->iterations++;
        ps_smo_mark(t, i);
        ps_smo_mark(t, j);
    }
}

void *ps_smo_begin(struct ps_svm_smo *s, struct ps_smo_state *t)
{
    void *memory = make(s, t);
    s->iterations = 0;
    s->violation = 0;
    if (memory) load(t);
    return memory;
}

enum ps_status ps_svm_smo_cpu(struct ps_svm_smo *s)
{
    struct ps_smo_state t;
    s->iterations = 0;
    s->violation = 0;
    if (s->n == 0) return PS_OK;
    void *memory = ps_smo_begin(s, &t);
    if (!memory) return PS_ENOMEM;
    enum ps_status rc = PS_OK;
    int64_t most = ps_smo_active_from(s);
    while (rc == PS_OK && ps_smo_steps(&t, most)) {
        rc = ps_smo_active(&t);
        most = s->n;
    }
    for (int64_t r = 0; r < s->n && s->iterations > 0; r++) s->f[r] = ps_smo_f(s, r, t.score[r]);
    free(memory);
    return rc;
}
