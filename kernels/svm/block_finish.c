#include "kernels/svm/block.h"
#include "kernels/svm/block_lanes.h"

#define INLINE static inline __attribute__((always_inline))

static const double LOG2E = 1.4426950408889634;

struct ps_svm_finish ps_svm_finish_of(const struct ps_svm_function *f, const struct ps_svm_pack *a)
{
    double rate = -f->gamma * LOG2E;
    struct ps_svm_finish r = {.form = f->form,
                              .distance = f->form == PS_SVM_RBF && a->differences,
                              .degree = f->degree,
                              .gamma = (float)f->gamma,
                              .coef0 = (float)f->coef0,
                              .rate = (float)rate,
                              .limit = (float)(-125 / rate)};
    r.rate_rest = (float)(rate - (double)r.rate);
    return r;
}

/** 2^(x (rate + rest)) for x >= 0, rate <= 0; 0 where x > limit = -125 / rate. With n + r = x (rate + rest),
 * n whole: 2^r is a polynomial (Chebyshev interpolation of (2^r - 1) / r on [-1/2, 1/2], error 2^-28), and n
 * goes to the exponent. x = 0 gives 1. */
INLINE ps_vf decay(ps_vf x, float rate, float rest, float limit)
{
    const ps_vf magic = ps_vf_all(0x1.8p23f); /* added, it leaves n in the lowest bits */
    ps_vf shifted = ps_vf_fma(x, ps_vf_all(rate), magic);
    ps_vf r = ps_vf_fma_exact(x, ps_vf_all(rate), magic - shifted);
    r = ps_vf_fma(x, ps_vf_all(rest), r);
    ps_vf p = ps_vf_all(0x1.44138ap-13f);
    p = ps_vf_fma(p, r, ps_vf_all(0x1.5f0890p-10f));
    p = ps_vf_fma(p, r, ps_vf_all(0x1.3b2a54p-7f));
    p = ps_vf_fma(p, r, ps_vf_all(0x1.c6af6cp-5f));
    p = ps_vf_fma(p, r, ps_vf_all(0x1.ebfbe0p-3f));
    p = ps_vf_fma(p, r, ps_vf_all(0x1.62e430p-1f));
    p = ps_vf_fma(p, r, ps_vf_all(1));
    p = (ps_vf)((ps_vu)p + ((ps_vu)shifted << 23));
    return ps_vf_up_to(p, x, ps_vf_all(limit));
}

/** (1 - e) / (1 + e) with e = exp(-2 |x|); near 0, where that cancels, x + x^3 P(x^2) (Chebyshev
 * interpolation on [0, 5/8]^2). */
INLINE ps_vf tanh_of(ps_vf x)
{
    const ps_vu sign_bit = (ps_vu)ps_vf_all(-0.0f);
    const ps_vu sign = (ps_vu)x & sign_bit;
    const ps_vf size = (ps_vf)((ps_vu)x & ~sign_bit), one = ps_vf_all(1);
    const float rate = (float)(-2 * LOG2E), rest = (float)(-2 * LOG2E - (double)rate);
    ps_vf e = decay(size, rate, rest, 43);
    ps_vf far = (one - e) / (one + e);
    ps_vf s = size * size, p = ps_vf_all(-0x1.8f6b1ap-8f);
    p = ps_vf_fma(p, s, ps_vf_all(0x1.57fe92p-6f));
    p = ps_vf_fma(p, s, ps_vf_all(-0x1.b924eap-5f));
    p = ps_vf_fma(p, s, ps_vf_all(0x1.110e1ap-3f));
    p = ps_vf_fma(p, s, ps_vf_all(-0x1.555552p-2f));
    ps_vf near = ps_vf_fma(p * s, size, size);
    ps_vu is_near = (ps_vu)(size < ps_vf_all(0.625f));
    return (ps_vf)(((ps_vu)near & is_near) | ((ps_vu)far & ~is_near) | sign);
}

/** By repeated squaring, in the order of LIBSVM. */
INLINE ps_vf power(ps_vf x, int degree)
{
    ps_vf r = ps_vf_all(1);
    for (int d = degree; d > 0; d /= 2, x = x * x)
        if (d & 1) r = r * x;
    return r;
}

INLINE ps_vf value(const struct ps_svm_finish *f, enum ps_svm_form form, bool distance, ps_vf raw, ps_vf na,
                   ps_vf nb)
{
    switch (form) {
    case PS_SVM_POLY:
        return power(ps_vf_fma(ps_vf_all(f->gamma), raw, ps_vf_all(f->coef0)), f->degree);
    case PS_SVM_RBF:
        if (!distance) raw = ps_vf_positive(ps_vf_fma(raw, ps_vf_all(-2), na + nb));
        return decay(raw, f->rate, f->rate_rest, f->limit);
    case PS_SVM_SIGMOID:
        return tanh_of(ps_vf_fma(ps_vf_all(f->gamma), raw, ps_vf_all(f->coef0)));
    default:
        return raw;
    }
}

INLINE void finish(const struct ps_svm_finish *f, const struct ps_svm_tile *t, enum ps_svm_form form,
                   bool distance)
{
    const int64_t whole = t->cols / PS_LANES * PS_LANES;
    for (int64_t i = 0; i < t->rows; i++) {
        const float *raw = t->raw + i * t->raw_stride;
        float *out = t->out + i * t->stride;
        const ps_vf na = ps_vf_all(t->a_norm[i]);
        for (int64_t j = 0; j < whole; j += PS_LANES) {
            ps_vf nb = ps_vf_load(t->b_norm + j);
            ps_vf v = value(f, form, distance, ps_vf_load(raw + j), na, nb);
            if (t->stream)
                ps_vf_stream(out + j, v);
            else
                ps_vf_store(out + j, v);
        }
        if (whole < t->cols) {
            ps_vf v = value(f, form, distance, ps_vf_load(raw + whole), na, ps_vf_load(t->b_norm + whole));
            ps_vf_store_part(out + whole, v, (int)(t->cols - whole));
        }
    }
}

void ps_svm_finish_tile(const struct ps_svm_finish *f, const struct ps_svm_tile *t)
{
    if (f->form == PS_SVM_LINEAR)
        finish(f, t, PS_SVM_LINEAR, false);
    else if (f->form == PS_SVM_POLY)
        finish(f, t, PS_SVM_POLY, false);
    else if (f->form == PS_SVM_SIGMOID)
        finish(f, t, PS_SVM_SIGMOID, false);
    else if (f->distance)
        finish(f, t, PS_SVM_RBF, true);
    else
        finish(f, t, PS_SVM_RBF, false);
}
