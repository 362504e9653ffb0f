/** Predictions of rows, chunk by chunk. */
#ifndef PREDICT_ROWS_H
#define PREDICT_ROWS_H

#include "apps/pisvm/predict_model.h"

/** What is wanted. */
struct predict_job {
    const struct predict_model *model;
    struct ps_csr x;
    bool probability; /**< of the classes */
    bool decision;    /**< all decision values in double precision, and those near 0 as LIBSVM's */
};

/** How often values were computed. */
struct predict_counts {
    int64_t values;  /**< wanted */
    int64_t doubled; /**< in double precision */
    int64_t exact;   /**< in LIBSVM's order */
};

/** A chunk of rows and what is predicted. */
struct predict_chunk {
    int64_t room; /**< rows */
    struct ps_svm_pack *pack;
    int64_t lo, hi;
    double *value;       /**< [room][stride] decision values; all arrays owned */
    double *result;      /**< [room] label, +1 or -1, or value */
    double *probability; /**< [room][nclass], or NULL */
    uint8_t *need;       /**< [room][groups] */
    int64_t *list;       /**< [room] */
    struct predict_counts counts;
};

/** Rows of a chunk. Local. */
int64_t predict_chunk_rows(const struct predict_job *job);

/** Make room. Local. @return PS_OK; PS_ENOMEM */
enum ps_status predict_chunk_make(const struct predict_job *job, struct predict_chunk *out);
void predict_chunk_free(const struct predict_job *job, struct predict_chunk *c);

/** Predict rows [lo, hi), at most c->room. Labels, signs and values to 6 digits are those of LIBSVM's
 * arithmetic: where the error bound of faster ways leaves them open, slower ones follow. Local; uses all
 * threads; results of a row depend on that row, model and layout alone.
 * @return PS_OK; PS_ENOMEM */
enum ps_status predict_rows(const struct predict_job *job, int64_t lo, int64_t hi, struct predict_chunk *c);

#endif
