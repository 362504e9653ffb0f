/** f of own rows brought up to date with changed coefficients. */
#ifndef SVM_APPLY_H
#define SVM_APPLY_H

#include "apps/pisvm/svm_large_parts.h"

/** Rows whose coefficients change. */
struct svm_change {
    const struct svm_working *rows;
    int64_t n;
    const int64_t *at;  /**< [n] ascending places among rows */
    const double *coef; /**< [n] what y alpha grows by */
};

/** Own rows whose f is wanted. */
struct svm_target {
    int64_t n;
    const int64_t *row; /**< [n] */
    const struct ps_svm_pack *pack;
};

/** f[row] += sum_k coef_k K(row, row at_k) for own rows `to`, in the order of k. Kernel values are computed
 * and used tile after tile, in the cache of a core, or column after column on a device. Local; uses all
 * threads.
 * @param columns kept ones of these rows, in use at time `now`; NULL: none
 * @param f [own rows]; not looked at on a device, where `to` is all own rows and s->there.f is brought up to
 * date instead
 * @return PS_OK; PS_ENOMEM; PS_EBACKEND */
enum ps_status svm_apply(struct svm_large *s, const struct svm_change *change, const struct svm_target *to,
                         struct svm_columns *columns, int64_t now, double *f);

#endif
