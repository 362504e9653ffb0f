/** The model file: LIBSVM's text, written in parallel and read by all ranks. */
#ifndef SVM_MODEL_H
#define SVM_MODEL_H

#include "apps/pisvm/svm_machines.h"

/** A model in memory: all support vectors on each rank. */
struct svm_model {
    enum svm_type type;
    struct ps_svm_function function;
    int nclass;              /**< regression and one-class: 2, as in the file */
    int64_t sv;              /**< support vectors */
    int32_t *label;          /**< [nclass] or NULL; all arrays owned */
    int64_t *count;          /**< [nclass] support vectors per class, or NULL */
    double *rho;             /**< [pairs] */
    double *prob_a, *prob_b; /**< [pairs] or NULL */
    double *coef;            /**< [nclass - 1][sv] coefficients, as LIBSVM's sv_coef */
    int64_t cols;            /**< largest index */
    int64_t *start;          /**< [sv + 1] */
    int32_t *index;          /**< from 0 */
    double *value;
};

/** Write the model of machines that were trained on all rows (fold -1, one cost). Collective over run->comm;
 * machines may lie anywhere; support vectors are formatted by the ranks that read their rows. Bytes do not
 * depend on the number of ranks.
 * @param sv out: number of support vectors (rows), for `Total nSV`
 * @return (agreed) PS_OK; PS_EIO; PS_ENOMEM; PS_EMPI */
enum ps_status svm_model_write(struct ps_run *run, const char *path, const struct svm_data *d,
                               enum svm_type type, const struct ps_svm_function *f, bool probability,
                               const struct svm_machines *m, int64_t *sv);

/** Read a model that piSVM, LIBSVM or svm_model_write wrote, in either order of classes. Each rank parses a
 * part of the support vectors, all get all. Collective over comm.
 * @return (agreed) PS_OK; PS_EIO; PS_EINPUT with file and line: no such file of ours, unknown or missing key,
 * counts that do not fit, truncated, a number that is none; PS_ENOMEM */
enum ps_status svm_model_read(MPI_Comm comm, const char *path, struct svm_model *out);
void svm_model_free(struct svm_model *m);

#endif
