#include "kernels/svm/block.h"
#include "kernels/lanes.h"
#include "kernels/lanes_exp.h"

#define INLINE static inline __attribute__((always_inline))

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
        return ps_vf_decay(raw, f->rate, f->rate_rest, f->limit);
    case PS_SVM_SIGMOID:
        return ps_vf_tanh(ps_vf_fma(ps_vf_all(f->gamma), raw, ps_vf_all(f->coef0)));
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
