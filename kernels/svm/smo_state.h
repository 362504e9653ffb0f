/** The tuned solver's data: variables by slots, each copy rounded up to whole vectors. */
#ifndef PS_SVM_SMO_STATE_H
#define PS_SVM_SMO_STATE_H

#include "kernels/svm/smo_step.h"

enum { PS_SMO_LANES = 16 };

struct ps_smo_state {
    struct ps_svm_smo *s;
    int64_t padded; /**< slots of a copy: n rounded up; slot q of copy 1 is padded + row */
    int groups;
    double *score;              /**< [copies * padded] */
    float *diagonal;            /**< [padded] of the kernel matrix */
    float least;                /**< curvature */
    uint8_t *rise[2], *fall[2]; /**< [copies * padded / 8] by group: bit of a slot that may rise, fall; ends
                                   of copies are 0 */
};

/** The highest score that may rise, its slot, the first of equals (-1: none), and the lowest that may fall.
 */
struct ps_smo_top {
    double up, low;
    int64_t i;
};

/** The partner of most worth: its slot, the first of equals; -1: none. */
struct ps_smo_partner {
    float worth;
    int64_t j;
};

static inline int64_t ps_smo_slot(const struct ps_smo_state *t, int64_t v)
{
    return v < t->s->n ? v : v - t->s->n + t->padded;
}
static inline int64_t ps_smo_variable(const struct ps_smo_state *t, int64_t q)
{
    return q < t->padded ? q : q - t->padded + t->s->n;
}

static inline int64_t ps_smo_padded(int64_t n)
{
    return (n + PS_SMO_LANES - 1) / PS_SMO_LANES * PS_SMO_LANES;
}

/** Note which way a variable may go, after it was moved. */
void ps_smo_mark(struct ps_smo_state *t, int64_t v);

/** Take over a program and set its counts to 0.
 * @param t out; the caller frees what is returned
 * @return the memory of t's arrays; NULL: none */
void *ps_smo_begin(struct ps_svm_smo *s, struct ps_smo_state *t);

/** Up to `most` steps. Sets the violation.
 * @return are there more to be made: false where the violation is below eps, max_iter was reached, or no step
 * leads on */
bool ps_smo_steps(struct ps_smo_state *t, int64_t most);

#endif
