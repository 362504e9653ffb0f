/** Columns of the kernel matrix that a change of coefficients wants: those that are kept, and those that are
 * to be computed. */
#ifndef SVM_WANTED_H
#define SVM_WANTED_H

#include "apps/pisvm/svm_apply.h"

/** All arrays owned. */
struct svm_wanted {
    const float **there;      /**< [n] column that was kept, or NULL */
    float **keep;             /**< [n] where a computed column is kept, or NULL */
    int64_t *before;          /**< [n + 1] columns that are computed before */
    struct ps_svm_pack *pack; /**< rows of the columns that are computed */
};

/** See which columns are there; pack the rows of the others, and find room for those. Local.
 * @param columns kept ones, in use at time `now`; NULL: none
 * @return PS_OK; PS_ENOMEM; what failed on a device */
enum ps_status svm_wanted_make(const struct svm_large *s, const struct svm_change *change,
                               struct svm_columns *columns, int64_t now, struct svm_wanted *out);
void svm_wanted_free(const struct svm_large *s, struct svm_wanted *w);

/** svm_apply with the columns wanted, on the device of the kernels, to f that lies there. Local; failures of
 * the device show when it is waited for. @return PS_OK; PS_ENOMEM */
enum ps_status svm_apply_there(const struct svm_large *s, const struct svm_change *change,
                               const struct svm_target *to, const struct svm_wanted *w);

#endif
