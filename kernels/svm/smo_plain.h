/** The two passes of a step in plain C. */
#ifndef PS_SVM_SMO_PLAIN_H
#define PS_SVM_SMO_PLAIN_H

#include "kernels/svm/smo_state.h"

static inline bool ps_smo_bit(const uint8_t *bits, int64_t q)
{
    return bits[q / 8] >> q % 8 & 1;
}

/** Advance all scores by a step, and find the tops of all groups on the way. */
static inline void ps_smo_advance(const struct ps_smo_state *t, const float *ki, const float *kj,
                                  const double w[2], struct ps_smo_top top[2])
{
    for (int g = 0; g < t->groups; g++) top[g] = (struct ps_smo_top){-INFINITY, INFINITY, -1};
    for (int copy = 0; copy < t->s->copies; copy++) {
        double *restrict score = t->score + copy * t->padded;
        for (int64_t r = 0; r < t->s->n; r++) score[r] = ps_smo_advanced(score[r], w, ki[r], kj[r]);
        for (int g = 0; g < t->groups; g++)
            for (int64_t r = 0, q = copy * t->padded; r < t->s->n; r++, q++) {
                if (ps_smo_bit(t->rise[g], q) && score[r] > top[g].up) {
                    top[g].up = score[r];
                    top[g].i = q;
                }
                if (ps_smo_bit(t->fall[g], q) && score[r] < top[g].low) top[g].low = score[r];
            }
    }
}

/** Find the partner in group g of a variable of row ri with score `up`; scores are multiplied by `scale`. */
static inline struct ps_smo_partner ps_smo_choose(const struct ps_smo_state *t, int g, int64_t ri, double up,
                                                  double scale)
{
    struct ps_smo_partner best = {-1, -1};
    const float *ki = ps_smo_k(t->s, ri);
    for (int copy = 0; copy < t->s->copies; copy++)
        for (int64_t r = 0, q = copy * t->padded; r < t->s->n; r++, q++) {
            float b = (float)ps_svm_fma(-scale, t->score[q], scale * up);
            float a = ps_svm_fmaf(-2, ki[r], t->diagonal[ri] + t->diagonal[r]);
            float worth = ps_smo_worth(b, a, t->least);
            if (ps_smo_bit(t->fall[g], q) && b > 0 && worth > best.worth)
                best = (struct ps_smo_partner){worth, q};
        }
    return best;
}

#endif
