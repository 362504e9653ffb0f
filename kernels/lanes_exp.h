/** Exponentials of vectors. */
#ifndef PS_LANES_EXP_H
#define PS_LANES_EXP_H

#include "kernels/lanes.h"

#define PS_LOG2E 1.4426950408889634

/** 2^(x (rate + rest)) for x >= 0, rate <= 0; 0 where x > limit = -125 / rate. With n + r = x (rate + rest),
 * n whole: 2^r is a polynomial (Chebyshev interpolation of (2^r - 1) / r on [-1/2, 1/2], error 2^-28), and n
 * goes to the exponent. x = 0 gives 1. */
static inline ps_vf ps_vf_decay(ps_vf x, float rate, float rest, float limit)
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
static inline ps_vf ps_vf_tanh(ps_vf x)
{
    const ps_vu sign_bit = (ps_vu)ps_vf_all(-0.0f);
    const ps_vu sign = (ps_vu)x & sign_bit;
    const ps_vf size = (ps_vf)((ps_vu)x & ~sign_bit), one = ps_vf_all(1);
    const float rate = (float)(-2 * PS_LOG2E), rest = (float)(-2 * PS_LOG2E - (double)rate);
    ps_vf e = ps_vf_decay(size, rate, rest, 43);
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

/** exp(x) for x <= 0. */
static inline ps_vf ps_vf_exp_falling(ps_vf x)
{
    const float rate = (float)-PS_LOG2E, rest = (float)(-PS_LOG2E - (double)rate);
    return ps_vf_decay(ps_vf_all(0) - x, rate, rest, 86);
}

/** 1 / (1 + exp(-x)). */
static inline ps_vf ps_vf_sigmoid(ps_vf x)
{
    const ps_vu sign_bit = (ps_vu)ps_vf_all(-0.0f), negative = (ps_vu)(x < ps_vf_all(0));
    const ps_vf one = ps_vf_all(1), e = ps_vf_exp_falling((ps_vf)((ps_vu)x | sign_bit));
    const ps_vf top = (ps_vf)(((ps_vu)e & negative) | ((ps_vu)one & ~negative));
    return top / (one + e);
}

/** x P(x^2) / Q(x^2) for |x| <= 8, which is tanh(x) to within 4e-7 of its size on all of the line (a minimax
 * approximation by iterated weights: Lawson 1961). Two vectors share a division; NaN stays. */
static inline void ps_vf_tanh_parts(ps_vf x, ps_vf *over, ps_vf *under)
{
    x = ps_vf_within(x, 8);
    const ps_vf s = x * x;
    ps_vf p = ps_vf_all(0x1.05a7eap-26f), q = ps_vf_all(0x1.c98b6ap-21f);
    p = ps_vf_fma(p, s, ps_vf_all(0x1.6f54cp-16f));
    q = ps_vf_fma(q, s, ps_vf_all(0x1.65b31cp-12f));
    p = ps_vf_fma(p, s, ps_vf_all(0x1.d422e6p-9f));
    q = ps_vf_fma(q, s, ps_vf_all(0x1.acad9cp-6f));
    p = ps_vf_fma(p, s, ps_vf_all(0x1.1357e2p-3f));
    q = ps_vf_fma(q, s, ps_vf_all(0x1.df0142p-2f));
    *over = x * ps_vf_fma(p, s, ps_vf_all(1));
    *under = ps_vf_fma(q, s, ps_vf_all(1));
}

static inline ps_vf ps_vf_tanh_quick(ps_vf x)
{
    ps_vf over, under;
    ps_vf_tanh_parts(x, &over, &under);
    return over / under;
}

static inline void ps_vf_tanh_both(ps_vf *x, ps_vf *y)
{
    ps_vf over_x, under_x, over_y, under_y;
    ps_vf_tanh_parts(*x, &over_x, &under_x);
    ps_vf_tanh_parts(*y, &over_y, &under_y);
    const ps_vf r = ps_vf_all(1) / (under_x * under_y);
    *x = over_x * (under_y * r);
    *y = over_y * (under_x * r);
}

#endif
