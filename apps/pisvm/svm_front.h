/** What a device does of the choice of a working set: f stays there, only the best candidates come here. */
#ifndef SVM_FRONT_H
#define SVM_FRONT_H

#include "apps/pisvm/svm_large_parts.h"

/** Lists of candidates: of each side those that may rise and those that may fall. */
enum { SVM_LISTS = 4 };

/** Room on the device of s->spec.kernels. Local. @return PS_OK; PS_ENOMEM */
enum ps_status svm_front_open(struct svm_large *s);
void svm_front_close(struct svm_large *s);

/** Send f; for a solution also what is needed of the variables. Local; failures show when f is brought. */
void svm_front_send_f(struct svm_large *s, const struct svm_vars *v);
enum ps_status svm_front_begin(struct svm_large *s, const struct svm_vars *v);

/** Bring f of own rows. Local. @return PS_OK; PS_ENOMEM, PS_EBACKEND */
enum ps_status svm_front_bring_f(struct svm_large *s, struct svm_vars *v);

/** Find own candidates, for svm_extremes_find and svm_select. Local.
 * @param v out: f of candidates, and of own rows of the last working set
 * @return PS_OK; PS_ENOMEM, PS_EBACKEND */
enum ps_status svm_front_find(struct svm_large *s, struct svm_vars *v);

/** What was found of a list, in any order. */
struct svm_front_list {
    const struct ps_svm_candidate *at;
    int64_t n;
    bool more; /**< there are others, none of them better; then n is at least s->fresh */
};

/** @param list as in struct ps_svm_front. Local. */
struct svm_front_list svm_front_list(const struct svm_large *s, int list);

/** alpha of own rows of the working set has changed. Local. @return PS_OK; PS_ENOMEM */
enum ps_status svm_front_changed(struct svm_large *s, const struct svm_vars *v);

#endif
