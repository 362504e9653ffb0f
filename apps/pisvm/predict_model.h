/** A model ready to predict: support vectors packed in single precision beside those in double precision. */
#ifndef PREDICT_MODEL_H
#define PREDICT_MODEL_H

#include "apps/pisvm/svm_check.h"
#include "apps/pisvm/svm_decide.h"
#include "common/par/buffer.h"

struct predict_model {
    const struct svm_model *m; /**< borrowed */
    const struct ps_svm_kernels *kernels;
    struct ps_svm_layout layout;
    double *centre; /**< what layout.centre points to, or NULL; all arrays owned */
    double centre_norm2;
    struct svm_check check;
    struct ps_svm_pack *pack;
    int64_t stride;          /**< numbers per row: pairs, then for an RBF one per group */
    struct svm_group *group; /**< [groups]; the last column of an RBF's: the largest |coefficient| of each
                                support vector, so that its sum tells how much a relative error of kernel
                                values weighs in this row */
    float *coef;             /**< what the groups point to, */
    struct ps_buffer there;  /**< or here, on a device */
    int32_t *column;
    double *largest; /**< [groups] largest norm of centred support vectors */
};

/** Prepare for the rows of a data set. Collective over comm.
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EBACKEND */
enum ps_status predict_model_make(MPI_Comm comm, const struct svm_model *m, const struct svm_data *rows,
                                  const struct ps_svm_kernels *kernels, struct predict_model *out);
void predict_model_free(struct predict_model *p);

/** What the bounds of a row are made of. */
struct predict_reach {
    double norm, plain_norm; /**< of the row less the centre; of the row */
    int64_t entries;
};
struct predict_reach predict_reach_of(const struct predict_model *p, const struct ps_csr *x, int64_t row);

/** Bound of the error of the values in single precision: the share of one group. Local.
 * @param value [stride] of the row, as svm_decide summed it */
double predict_group_bound(const struct predict_model *p, const struct predict_reach *r, const double *value,
                           int g);

#endif
