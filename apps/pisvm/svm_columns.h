/** Columns of the kernel matrix over a rank's active rows that are kept while there is room. What is kept
 * changes no bit of a result. */
#ifndef SVM_COLUMNS_H
#define SVM_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>
#include "kernels/status.h"

struct svm_columns {
    int64_t rows, stride; /**< of a column */
    int64_t room, n;      /**< columns that fit; that are there */
    int64_t bytes;        /**< of `value` */
    float *value;         /**< [room][stride]; all arrays owned */
    int64_t *number;      /**< [room] row that a column belongs to, -1: none */
    int64_t *used;        /**< [room] when last */
    int64_t *table;       /**< [mask + 1] places by hash of the number; -1: none */
    int64_t mask, slots;  /**< slots: of number and used */
    uint64_t draw;        /**< numbers of replacements */
};

/** Begin with no columns. Local. @param bytes for their values @return PS_OK; PS_ENOMEM */
enum ps_status svm_columns_open(struct svm_columns *c, int64_t bytes, int64_t rows);
void svm_columns_close(struct svm_columns *c);

/** Forget all columns; new ones have `rows` rows. Local. @return PS_OK; PS_ENOMEM */
enum ps_status svm_columns_reset(struct svm_columns *c, int64_t rows);

/** Keep only rows keep[0..n) of all columns, ascending. Local. @return PS_OK; PS_ENOMEM */
enum ps_status svm_columns_compact(struct svm_columns *c, const int64_t *keep, int64_t n);

/** A column that is there, and was so used at time `now`, or NULL. Local. */
const float *svm_columns_find(struct svm_columns *c, int64_t number, int64_t now);

/** Room for a column that is not there, which replaces one not used at `now`; NULL where there is none. The
 * caller fills it before the next call of any other function. Local. */
float *svm_columns_add(struct svm_columns *c, int64_t number, int64_t now);

#endif
