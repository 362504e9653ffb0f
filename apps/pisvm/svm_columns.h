/** Columns of the kernel matrix over a rank's active rows that are kept while there is room. What is kept
 * changes no bit of a result. */
#ifndef SVM_COLUMNS_H
#define SVM_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/par/buffer.h"

struct svm_columns {
    int64_t rows, stride;   /**< of a column */
    int64_t room, n;        /**< columns that fit into `in_use`; that are there */
    int64_t bytes, in_use;  /**< of `value`: in all; that are made use of so far */
    float *value;           /**< [room][stride]; all arrays owned */
    struct ps_buffer there; /**< that `value` is in where columns are on a device */
    int64_t *number;        /**< [room] row that a column belongs to, -1: none */
    int64_t *used;          /**< [room] when last */
    int64_t *table;         /**< [mask + 1] places by hash of the number; -1: none */
    int64_t mask, slots;    /**< slots: of number and used */
    uint64_t draw;          /**< numbers of replacements */
    int64_t next, left;     /**< place to be replaced next; how many in a row from there */
    uint8_t *seen;          /**< [all / 8 + 1] bits of rows whose columns were there once */
    int64_t again;          /**< columns that came again since room was last made */
};

/** Floats from one column of so many rows to the next. Local. */
int64_t svm_columns_stride(int64_t rows);

/** Begin with no columns. Local.
 * @param memory of the device that they are on; NULL: they are on the host
 * @param bytes most memory for their values
 * @param first of them, to begin with; more is taken as columns come again that had to go
 * @param all rows of which there are columns
 * @return PS_OK; PS_ENOMEM */
enum ps_status svm_columns_open(struct svm_columns *c, const struct ps_device_memory *memory, int64_t bytes,
                                int64_t first, int64_t rows, int64_t all);
void svm_columns_close(struct svm_columns *c);

/** Forget all columns; new ones have `rows` rows. Local. @return PS_OK; PS_ENOMEM */
enum ps_status svm_columns_reset(struct svm_columns *c, int64_t rows);

/** Keep only rows keep[0..n) of all columns, ascending; those on a device are forgotten. Local.
 * @return PS_OK; PS_ENOMEM */
enum ps_status svm_columns_compact(struct svm_columns *c, const int64_t *keep, int64_t n);

/** A column that is there, and was so used at time `now`, or NULL. Local. */
const float *svm_columns_find(struct svm_columns *c, int64_t number, int64_t now);

/** Take more memory if that pays. Local. @return PS_OK; PS_ENOMEM */
enum ps_status svm_columns_grow(struct svm_columns *c);

/** Room for a column that is not there, which replaces one not used at `now`; NULL where there is none. On a
 * device most often behind the one before, as columns are computed together there. The caller fills it before
 * it reads any other column. Local. */
float *svm_columns_add(struct svm_columns *c, int64_t number, int64_t now);

#endif
