/** Decision values of own rows on a device: chunks of support vectors pass, and what they give stays there
 * until all have passed. */
#ifndef SVM_VALIDATE_DEVICE_H
#define SVM_VALIDATE_DEVICE_H

#include "apps/pisvm/svm_validate_decide.h"

/** A chunk of support vectors of one class. */
struct svm_given {
    const struct ps_svm_pack *support;
    int64_t n;
    int others;                       /**< classes that its own one is paired with */
    const int32_t *pair;              /**< [others] */
    const struct ps_svm_terms *terms; /**< [folds][others] */
};

/** Values of pieces [lo, hi) of a decider. */
struct svm_there;

/** Begin with zeros. Local. @param chunk most support vectors of a chunk @return PS_OK; PS_ENOMEM */
enum ps_status svm_there_open(const struct svm_decider *d, int64_t lo, int64_t hi, int64_t chunk,
                              struct svm_there **out);
void svm_there_close(struct svm_there *t); /**< NULL is fine. */

/** Add what a chunk gives. Local. @return PS_OK; PS_ENOMEM, PS_EBACKEND: the device failed */
enum ps_status svm_there_add(struct svm_there *t, const struct svm_given *g);

/** Bring the values here. Local. @param value out, in the places of svm_decider_places(d, hi - lo)
 * @return as svm_there_add */
enum ps_status svm_there_get(struct svm_there *t, double *value);

#endif
