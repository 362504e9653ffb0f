/** Kernel values from scalar products, operation by operation as the host's (block_finish.c, lanes_exp.h), so
 * that bits are the same. */
#ifndef PS_SVM_CU_FINISH_H
#define PS_SVM_CU_FINISH_H

#include "kernels/cuda.h"
#include "kernels/svm/finish.h"

__device__ static inline float ps_svm_decay_cu(float x, float rate, float rest, float limit)
{
    const float magic = 0x1.8p23f, shifted = fmaf(x, rate, magic);
    float r = fmaf(x, rate, __fsub_rn(magic, shifted)), p = 0x1.44138ap-13f;
    r = fmaf(x, rest, r);
    p = fmaf(p, r, 0x1.5f0890p-10f);
    p = fmaf(p, r, 0x1.3b2a54p-7f);
    p = fmaf(p, r, 0x1.c6af6cp-5f);
    p = fmaf(p, r, 0x1.ebfbe0p-3f);
    p = fmaf(p, r, 0x1.62e430p-1f);
    p = fmaf(p, r, 1.0f);
    p = __uint_as_float(__float_as_uint(p) + (__float_as_uint(shifted) << 23));
    return x <= limit ? p : 0;
}

__device__ static inline float ps_svm_tanh_cu(float x)
{
    const float size = fabsf(x), rate = (float)(-2 * M_LOG2E), rest = (float)(-2 * M_LOG2E - (double)rate);
    const float e = ps_svm_decay_cu(size, rate, rest, 43), s = __fmul_rn(size, size);
    const float far = __fdiv_rn(__fsub_rn(1, e), __fadd_rn(1, e));
    float p = -0x1.8f6b1ap-8f;
    p = fmaf(p, s, 0x1.57fe92p-6f);
    p = fmaf(p, s, -0x1.b924eap-5f);
    p = fmaf(p, s, 0x1.110e1ap-3f);
    p = fmaf(p, s, -0x1.555552p-2f);
    return copysignf(size < 0.625f ? fmaf(__fmul_rn(p, s), size, size) : far, x);
}

/** By repeated squaring, in the order of LIBSVM. */
__device__ static inline float ps_svm_power_cu(float x, int degree)
{
    float r = 1;
    for (int d = degree; d > 0; d /= 2, x = __fmul_rn(x, x))
        if (d & 1) r = __fmul_rn(r, x);
    return r;
}

/** @param na, nb |u|^2 and |v|^2 */
__device__ static inline float ps_svm_finish_cu(const struct ps_svm_finish &f, float raw, float na, float nb)
{
    switch (f.form) {
    case PS_SVM_POLY:
        return ps_svm_power_cu(fmaf(f.gamma, raw, f.coef0), f.degree);
    case PS_SVM_RBF:
        if (!f.distance) {
            raw = fmaf(raw, -2, __fadd_rn(na, nb));
            raw = raw < 0 ? 0 : raw;
        }
        return ps_svm_decay_cu(raw, f.rate, f.rate_rest, f.limit);
    case PS_SVM_SIGMOID:
        return ps_svm_tanh_cu(fmaf(f.gamma, raw, f.coef0));
    default:
        return raw;
    }
}

#endif
