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

#endif
