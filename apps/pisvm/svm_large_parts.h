/** What the parts of svm_large share. */
#ifndef SVM_LARGE_PARTS_H
#define SVM_LARGE_PARTS_H

#include "apps/pisvm/svm_columns.h"
#include "apps/pisvm/svm_large.h"

/** What state->mark holds of a row (of its first variable; marks of second variables stay 0). */
enum {
    SVM_MARK_IN = 0x80,     /**< in the last working set; the count: for how many outer iterations */
    SVM_MARK_SHRUNK = 0x40, /**< f is not kept up to date */
    SVM_MARK_COUNT = 0x3f   /**< neither: how often in a row it was found settled */
};

/** Own rows that f is kept up to date for. */
struct svm_active {
    int64_t n, all;           /**< own ones; those of all ranks */
    int64_t *row;             /**< [own rows] the first n: own rows, ascending; owned */
    struct ps_svm_pack *pack; /**< of them; owned */
};

/** Rows whose features are on all ranks: where one rank has all rows only their numbers. */
struct svm_working {
    int64_t n;
    int64_t *number; /**< [n] among the rows of all ranks, ascending; all arrays owned */
    int64_t *start;  /**< [n + 1] or NULL */
    int32_t *index;
    double *value;
};

/** Own rows of the last working set. */
struct svm_members {
    int64_t n;
    int64_t *row; /**< [working] the first n: own rows, ascending; owned */
};

/** What is on a device, where the kernels are one's. There all rows are active, and f is up to date nowhere
 * else while a problem is solved. */
struct svm_large_there {
    struct ps_buffer f;      /**< [own rows] doubles */
    struct ps_buffer p;      /**< [2 * own rows] doubles, as in struct svm_vars */
    struct ps_buffer may;    /**< [2 * own rows] what variables may do, as in struct ps_svm_scores */
    struct ps_buffer front;  /**< own candidates, and f of members */
    struct ps_buffer column; /**< of active rows, those that are not kept: SVM_COLUMNS at a time */
    struct ps_buffer matrix; /**< of a working set */
};
enum { SVM_COLUMNS = 64 };

struct svm_large {
    struct svm_large_spec spec;
    struct ps_csr own;
    int rank, size;
    int64_t n, first, total; /**< own rows; number of the first one; rows of all ranks */
    int64_t *begin;          /**< [size + 1] number of each rank's first row; owned */
    int working, fresh;      /**< sizes in use */
    struct svm_active active;
    struct svm_members member;
    struct svm_working work; /**< the working set of the last outer iteration, or nothing */
    struct svm_columns columns;
    struct svm_large_there there;
    float *matrix;    /**< of a working set; owned, or there.matrix */
    int64_t computed; /**< kernel values that this rank computed for columns */
    int64_t applied;  /**< kernel values of all ranks that went into f, whatever the cut */
};

#endif
