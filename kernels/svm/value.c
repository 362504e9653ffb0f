#include "kernels/svm/svm_kernels.h"
#include <math.h>

/** Two rows' entries, walked together. */
struct pair {
    const struct ps_csr *a, *b;
    int64_t p, p_end, q, q_end;
};

static double dot(struct pair w)
{
    double sum = 0;
    while (w.p < w.p_end && w.q < w.q_end) {
        const int32_t u = w.a->index[w.p], v = w.b->index[w.q];
        if (u == v) sum += w.a->value[w.p] * w.b->value[w.q];
        w.p += u <= v;
        w.q += v <= u;
    }
    return sum;
}

static double distance2(struct pair w)
{
    double sum = 0;
    while (w.p < w.p_end || w.q < w.q_end) {
        const bool in_a = w.q == w.q_end || (w.p < w.p_end && w.a->index[w.p] <= w.b->index[w.q]);
        const bool in_b = w.p == w.p_end || (w.q < w.q_end && w.b->index[w.q] <= w.a->index[w.p]);
        const double d = (in_a ? w.a->value[w.p] : 0) - (in_b ? w.b->value[w.q] : 0);
        sum += d * d;
        w.p += in_a;
        w.q += in_b;
    }
    return sum;
}

static double power(double x, int degree)
{
    double r = 1;
    for (int d = degree; d > 0; d /= 2, x *= x)
        if (d % 2 == 1) r *= x;
    return r;
}

double ps_svm_value(const struct ps_svm_function *f, const struct ps_csr *a, int64_t i,
                    const struct ps_csr *b, int64_t j)
{
    const struct pair w = {a, b, a->start[i], a->start[i + 1], b->start[j], b->start[j + 1]};
    switch (f->form) {
    case PS_SVM_POLY:
        return power(f->gamma * dot(w) + f->coef0, f->degree);
    case PS_SVM_RBF:
        return exp(-f->gamma * distance2(w));
    case PS_SVM_SIGMOID:
        return tanh(f->gamma * dot(w) + f->coef0);
    default:
        return dot(w);
    }
}
