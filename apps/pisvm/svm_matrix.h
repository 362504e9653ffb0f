/** The kernel matrix of a small problem: whole, or rows as the solver wants them. Few rows of a large matrix
 * are ever read where few become support vectors. */
#ifndef SVM_MATRIX_H
#define SVM_MATRIX_H

#include "apps/pisvm/svm_store.h"

/** A matrix. Values do not depend on when they are made. */
struct svm_matrix {
    struct svm_store *store; /**< borrowed, as `problem` and `k` */
    const struct svm_problem *problem;
    float *k; /**< [rows][stride]; those that are wanted one after the other, then all in their order */
    int64_t stride;
    float *diagonal;     /**< [rows], owned; NULL: the matrix is whole from the beginning */
    const float **place; /**< [rows] where rows are in k; NULL: not there yet; owned. NULL with `diagonal` */
    int64_t rows;        /**< that are there */
};

/** Begin a matrix in the caller's memory: whole where that is what costs least, or where `whole` asks for it
 * (threads may then share it). Local; a whole one is made by the threads of the caller.
 * @param k [rows][stride], stride as svm_problem_stride
 * @return PS_OK; PS_ENOMEM */
enum ps_status svm_matrix_make(struct svm_store *store, const struct svm_problem *p, float *k, bool whole,
                               struct svm_matrix *out);
void svm_matrix_free(struct svm_matrix *m);

/** See to it that a row is there; `matrix` is a struct svm_matrix, as ps_svm_smo.want takes it. When a
 * quarter of the rows was wanted the rest is made too, which is cheaper for many at once, and rows move.
 * Local, one thread. */
void svm_matrix_want(void *matrix, int64_t row);

#endif
