/** How tiles read vectors of places: as they are, through a normalisation, or as gradients through one. */
#ifndef PS_NN_WINOGRAD_READING_H
#define PS_NN_WINOGRAD_READING_H

#include "kernels/lanes.h"
#include "kernels/nn/nn_kernels.h"

/** Constant in the loops over places, which are compiled once for each. */
enum ps_reading { PS_AS_THEY_ARE, PS_NORMALISED, PS_RECTIFIED, PS_GRADIENTS };

/** Where gradient->s, places are gradients; else where read->a, they are normalised. */
static inline enum ps_reading ps_reading_of(const struct ps_nn_read *read,
                                            const struct ps_nn_gradient_read *gradient)
{
    if (gradient->s) return PS_GRADIENTS;
    if (!read->a) return PS_AS_THEY_ARE;
    return read->act == PS_NN_RELU ? PS_RECTIFIED : PS_NORMALISED;
}

/** A vector of channels becomes a x + b, act'd or not, or a x + p y + b. */
struct ps_reading_factors {
    ps_vf a, b, p;
};

/** Factors of `count` channels from c. */
PS_INLINE struct ps_reading_factors ps_reading_factors(const struct ps_nn_read *read,
                                                       const struct ps_nn_gradient_read *gradient,
                                                       enum ps_reading reading, int64_t c, int count)
{
    struct ps_reading_factors k = {ps_vf_all(0), ps_vf_all(0), ps_vf_all(0)};
    if (reading == PS_NORMALISED || reading == PS_RECTIFIED) {
        k.a = ps_vf_load_part((const float *)read->a + c, count);
        k.b = ps_vf_load_part((const float *)read->b + c, count);
    }
    if (reading == PS_GRADIENTS) {
        k.a = ps_vf_load_part((const float *)gradient->s + c, count);
        k.b = ps_vf_load_part((const float *)gradient->q + c, count);
        k.p = ps_vf_load_part((const float *)gradient->p + c, count);
    }
    return k;
}

/** What is read where x lies. @param y what lies there in the normalised array; of gradients only */
PS_INLINE ps_vf ps_reading_place(const struct ps_reading_factors *k, enum ps_reading reading, ps_vf x,
                                 ps_vf y)
{
    switch (reading) {
    case PS_NORMALISED:
        return ps_vf_fma(k->a, x, k->b);
    case PS_RECTIFIED:
        return ps_vf_positive(ps_vf_fma(k->a, x, k->b));
    case PS_GRADIENTS:
        return ps_vf_fma(k->a, x, ps_vf_fma(k->p, y, k->b));
    default:
        return x;
    }
}

#endif
