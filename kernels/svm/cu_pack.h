/** Packed rows on the device. */
#ifndef PS_SVM_CU_PACK_H
#define PS_SVM_CU_PACK_H

#include "kernels/svm/cu.h"
#include "kernels/svm/pack.h"

/** As on the host, with arrays on the device. */
struct ps_svm_pack_cu {
    struct ps_svm_pack rows; /**< the first: what callers see */
    char *memory;            /**< that holds all arrays */
};

#endif
