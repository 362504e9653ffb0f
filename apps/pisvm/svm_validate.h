/** Cross-validation: predictions of the rows that were left out, and what they are worth. */
#ifndef SVM_VALIDATE_H
#define SVM_VALIDATE_H

#include "apps/pisvm/svm_machines.h"

/** Worth of the predictions of one C. */
struct svm_worth {
    double
        accuracy; /**< percent; classification (one-class: rows that are accepted, by their label's sign) */
    double mse, correlation2; /**< regression */
    double seconds;           /**< wall time that this point cost: training and its share of the voting */
};

/** Train all folds of a sweep (folds >= 2) and predict each row by the machines that left it out. Collective
 * over run->comm.
 * @param out [sweep->ncost]
 * @return (agreed) as svm_train */
enum ps_status svm_validate(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                            struct svm_worth *out);

#endif
