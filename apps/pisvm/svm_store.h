/** Packed rows of the classes that this rank needs, and kernel matrices made of them. */
#ifndef SVM_STORE_H
#define SVM_STORE_H

#include "apps/pisvm/svm_kept.h"
#include "apps/pisvm/svm_plan.h"

/** Classes that are here, and the kernel matrices of single classes that are kept. */
struct svm_store {
    const struct svm_train_spec *spec;
    struct ps_svm_function function;
    struct ps_svm_layout layout;
    double *centre; /**< of the layout; owned */
    int slots;
    const int64_t *count;      /**< [slots] rows; borrowed */
    struct ps_svm_pack **pack; /**< [slots] NULL: not here; all arrays owned */
    double **target;           /**< [slots] labels, where they are values */
    struct svm_kept kept;
    int64_t paid, saved; /**< what rows of matrices cost that were made as wanted, and what whole ones
                              would have, in rows of a whole one */
    double products;     /**< multiplications of one scalar product */
};

/** Begin, with the layout of the rows. Collective over spec->run->comm.
 * @param cost out: what a row costs
 * @return (agreed) PS_OK; PS_ENOMEM */
enum ps_status svm_store_open(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                              struct svm_store *out, struct svm_rows_cost *cost);
void svm_store_close(struct svm_store *s);

/** Have the rows of classes want[slots] here, and no others. Collective.
 * @param count [slots] rows of all ranks; borrowed until the store is closed
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status svm_store_load(struct svm_store *s, const int64_t *count, const bool *want);

/** Keep kernel matrices of single classes, where that pays, until svm_store_forget. Collective over node,
 * whose ranks have the same classes here.
 * @param room bytes that are free for it
 * @return (agreed over node) PS_OK; PS_ENOMEM */
enum ps_status svm_store_keep(struct svm_store *s, MPI_Comm node, int64_t room);
void svm_store_forget(struct svm_store *s); /**< Collective over node. */

/** The kernel matrix of a problem, rows of its first class first. Local; uses the threads of its caller; may
 * be called by several threads at once, where the kernels have no device.
 * @param k out [rows][stride], stride as svm_problem_stride; on the kernels' device, if they have one */
void svm_store_matrix(struct svm_store *s, const struct svm_problem *p, float *k);

/** One row of it, and its diagonal, to the same bits. Local, one thread.
 * @param k out [stride]
 * @param diagonal out [rows] */
void svm_store_row(const struct svm_store *s, const struct svm_problem *p, int64_t row, float *k);
void svm_store_diagonal(const struct svm_store *s, const struct svm_problem *p, float *diagonal);

#endif
