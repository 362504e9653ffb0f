/** Kernel matrices of single classes, kept for all problems that need them. Whichever rank of the node needs
 * one first makes it; all read it. */
#ifndef SVM_KEPT_H
#define SVM_KEPT_H

#include "common/par/shared.h"

/** All zero: none is kept. */
struct svm_kept {
    struct ps_shared memory;
    int slots;
    int32_t *state; /**< [slots] in it, read and written atomically */
    float **matrix; /**< [slots] in it, [count][count]; NULL: it has no room; owned */
};

/** What becomes of a matrix that a problem needs. */
enum svm_kept_answer {
    SVM_KEPT_NOT,   /**< it is not kept */
    SVM_KEPT_MAKE,  /**< the caller makes it, and then says svm_kept_made */
    SVM_KEPT_LATER, /**< somebody is making it */
    SVM_KEPT_THERE,
};

/** Have memory for the matrices of the classes that are wanted, as many as fit. Collective over node.
 * @param count [slots] rows of each class, the same on all ranks of the node
 * @param want  [slots] of which classes, the same
 * @param room  bytes that this rank may use; the least of all ranks counts
 * @return (agreed over node) PS_OK, also where memory cannot be shared: nothing is kept then; PS_ENOMEM */
enum ps_status svm_kept_open(MPI_Comm node, const int64_t *count, const bool *want, int slots, int64_t room,
                             struct svm_kept *out);
void svm_kept_close(struct svm_kept *k); /**< Collective over node. */

/** Ask for the matrix of a class. Local, from any thread.
 * @param matrix out: borrowed, [count][count]; where the answer is SVM_KEPT_MAKE, to be written */
enum svm_kept_answer svm_kept_ask(struct svm_kept *k, int slot, float **matrix);
void svm_kept_made(struct svm_kept *k, int slot); /**< Local, from any thread. */

#endif
