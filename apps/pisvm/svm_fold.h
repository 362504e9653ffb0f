/** Folds of a cross-validation: a function of seed, class and position alone. */
#ifndef SVM_FOLD_H
#define SVM_FOLD_H

#include <stdint.h>

/** The fold, in [0, folds), in which row `position` of `count` rows of class `cls` (-1: no classes) is left
 * out: a keyed permutation of the class's rows, cut into `folds` nearly equal parts (stratified). Local. */
int svm_fold(uint64_t seed, int cls, int64_t position, int64_t count, int folds);

#endif
