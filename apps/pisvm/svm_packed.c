#include "apps/pisvm/svm_packed.h"
#include <stdlib.h>
#include <string.h>

/* Places of the numbers of a machine in a checkpoint. */
enum { PAIR, A, B, COST, FOLD, FIRST, SECOND = FIRST + 3, SV = SECOND + 3, BOUNDED, STEPS };
enum { OBJECTIVE, RHO, NU, R, VIOLATION, PROB_A, PROB_B };

_Static_assert(STEPS + 1 == SVM_WHOLES && PROB_B + 1 == SVM_REALS, "places of the numbers of a machine");

int64_t svm_packed_coefs(const struct svm_machine *m)
{
    return m->part[0].hi - m->part[0].lo + m->part[1].hi - m->part[1].lo;
}

static void put_part(const struct svm_want *w, int64_t *to)
{
    to[0] = w->cls;
    to[1] = w->lo;
    to[2] = w->hi;
}

static struct svm_want get_part(const int64_t *from)
{
    return (struct svm_want){(int)from[0], from[1], from[2]};
}

static void put_machine(const struct svm_machine *m, int64_t *whole, double *real)
{
    const struct svm_result *r = &m->result;
    whole[PAIR] = m->pair;
    whole[A] = m->a;
    whole[B] = m->b;
    whole[COST] = m->cost;
    whole[FOLD] = m->fold;
    put_part(&m->part[0], whole + FIRST);
    put_part(&m->part[1], whole + SECOND);
    whole[SV] = r->sv;
    whole[BOUNDED] = r->bounded;
    whole[STEPS] = r->iterations;
    real[OBJECTIVE] = r->objective;
    real[RHO] = r->rho;
    real[NU] = r->nu;
    real[R] = r->r;
    real[VIOLATION] = r->violation;
    real[PROB_A] = m->prob_a;
    real[PROB_B] = m->prob_b;
}

struct svm_machine svm_packed_get(const struct svm_packed *p, int64_t i)
{
    const int64_t *whole = p->whole + i * SVM_WHOLES;
    const double *real = p->real + i * SVM_REALS;
    struct svm_machine m = {.pair = (int)whole[PAIR],
                            .a = (int)whole[A],
                            .b = (int)whole[B],
                            .cost = (int)whole[COST],
                            .fold = (int)whole[FOLD],
                            .prob_a = real[PROB_A],
                            .prob_b = real[PROB_B]};
    m.part[0] = get_part(whole + FIRST);
    m.part[1] = get_part(whole + SECOND);
    m.result = (struct svm_result){.objective = real[OBJECTIVE],
                                   .rho = real[RHO],
                                   .nu = real[NU],
                                   .r = real[R],
                                   .sv = whole[SV],
                                   .bounded = whole[BOUNDED],
                                   .iterations = whole[STEPS],
                                   .violation = real[VIOLATION]};
    return m;
}

void svm_packed_free(struct svm_packed *p)
{
    free(p->whole);
    free(p->real);
    free(p->coef);
}

enum ps_status svm_packed_make(const struct svm_machine *m, int64_t n, struct svm_packed *out)
{
    *out = (struct svm_packed){.n = n};
    for (int64_t i = 0; i < n; i++) out->coefs += svm_packed_coefs(&m[i]);
    PS_TRY(ps_alloc(&out->whole, n * SVM_WHOLES, sizeof *out->whole, "machines of a checkpoint"));
    PS_TRY(ps_alloc(&out->real, n * SVM_REALS, sizeof *out->real, "machines of a checkpoint"));
    PS_TRY(ps_alloc(&out->coef, out->coefs, sizeof *out->coef, "machines of a checkpoint"));
    double *to = out->coef;
    for (int64_t i = 0; i < n; i++) {
        const int64_t len = svm_packed_coefs(&m[i]);
        put_machine(&m[i], out->whole + i * SVM_WHOLES, out->real + i * SVM_REALS);
        memcpy(to, m[i].coef, (size_t)len * sizeof *to);
        to += len;
    }
    return PS_OK;
}

enum ps_status svm_packed_machines(const struct svm_packed *p, int64_t lo, int64_t hi,
                                   struct svm_machines *out)
{
    const double *from = p->coef;
    *out = (struct svm_machines){0};
    PS_TRY(ps_zalloc(&out->machine, hi - lo, sizeof *out->machine, "machines"));
    for (int64_t i = lo; i < hi; i++) {
        struct svm_machine *m = &out->machine[out->n];
        *m = svm_packed_get(p, i);
        const int64_t len = svm_packed_coefs(m);
        PS_TRY(ps_alloc(&m->coef, len, sizeof *m->coef, "coefficients"));
        memcpy(m->coef, from, (size_t)len * sizeof *from);
        from += len;
        out->n++;
    }
    return PS_OK;
}
