/** Machines as arrays of numbers, as a checkpoint holds them. */
#ifndef SVM_PACKED_H
#define SVM_PACKED_H

#include "apps/pisvm/svm_machines.h"

/** Whole numbers and reals of a machine. */
enum { SVM_WHOLES = 14, SVM_REALS = 7 };

/** Machines, their numbers apart from their coefficients, which may be those of some of them. */
struct svm_packed {
    int64_t n, coefs;
    int64_t *whole; /**< [n][SVM_WHOLES]; all arrays owned */
    double *real;   /**< [n][SVM_REALS] */
    double *coef;   /**< [coefs] machine after machine */
};

/** Coefficients of a machine, or of this rank's part of it. Local. */
int64_t svm_packed_coefs(const struct svm_machine *m);

/** Copy machines into arrays. Local. @return PS_OK; PS_ENOMEM */
enum ps_status svm_packed_make(const struct svm_machine *m, int64_t n, struct svm_packed *out);
void svm_packed_free(struct svm_packed *p);

/** Machine i without its coefficients. Local. */
struct svm_machine svm_packed_get(const struct svm_packed *p, int64_t i);

/** Machines [lo, hi) again, where p->coef holds the coefficients of these. Local. @return PS_OK; PS_ENOMEM */
enum ps_status svm_packed_machines(const struct svm_packed *p, int64_t lo, int64_t hi,
                                   struct svm_machines *out);

#endif
