/** One problem on all ranks of a communicator: dual decomposition with large working sets. Source: Joachims
 * (1999); Zanghirati, Zanni (2003); Zanni, Serafini, Zanghirati (2006). */
#ifndef SVM_LARGE_H
#define SVM_LARGE_H

#include "apps/pisvm/svm_data.h"
#include "apps/pisvm/svm_type.h"

/** How to solve it. */
struct svm_large_spec {
    MPI_Comm comm;
    const struct ps_svm_kernels *kernels;
    struct ps_svm_function function;
    struct ps_svm_layout layout;
    int64_t memory;     /**< bytes per rank for columns of the kernel matrix, where the kernels are */
    int working, fresh; /**< size of the working set; most new variables per outer iteration; 0: by the number
                           of rows */
    bool shrinking;     /**< there is none on a device: it would save reads of columns, and cost packed rows,
                           kept columns, and sums over all rows at the end */
};

/** Own rows, packed, with the columns of the kernel matrix that are kept from one solution to the next. */
struct svm_large;

/** Begin. Collective. @param own rows; those of the ranks follow each other; borrowed until svm_large_close
 * @return (agreed) PS_OK; PS_ENOMEM */
enum ps_status svm_large_open(const struct svm_large_spec *spec, const struct svm_rows *own,
                              struct svm_large **out);
void svm_large_close(struct svm_large *s);

/** Compute f of a start that is not zero. Collective. @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status svm_large_start(struct svm_large *s, struct svm_vars *v);

/** Where an outer iteration stands. */
struct svm_large_state {
    int64_t outer, inner; /**< iterations so far */
    double violation;
    double checked; /**< out of svm_large_solve: largest difference between f and its value in double
                       precision from the values as read, over a sample of rows; -1 where there was no sample.
                       Above eps / 2, single precision decides where the solution ends: worth a warning */
    uint8_t *mark;  /**< [copies * n] of own variables: all that the next iteration needs to know beside alpha
                       and f (left the working set, shrunk ...); the caller's, zeros at the start */
};

/** Called after each outer iteration; a status other than PS_OK ends the solution with it. Collective. v->f
 * is what svm_large_bring brings. */
struct svm_large_hook {
    enum ps_status (*at)(void *context, const struct svm_large_state *state, const struct svm_vars *v);
    void *context;
};

/** Have f of own rows in v, in a hook: elsewhere on the way it may be a device that has it. Local.
 * @return PS_OK; PS_ENOMEM, PS_EBACKEND */
enum ps_status svm_large_bring(struct svm_large *s, struct svm_vars *v);

/** Solve from v's alpha and f until the violation, as ps_svm_smo defines it, is below eps. Collective. The
 * result has the same bits on any number of ranks and threads, whatever the memory, and a solution that goes
 * on from the alpha, f and state of a hook's call gives the same bits as one that was not stopped.
 * @param state in: zeros, or where to go on; out
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI; what the hook returned */
enum ps_status svm_large_solve(struct svm_large *s, struct svm_vars *v, double eps, int64_t max_iter,
                               const struct svm_large_hook *hook, struct svm_large_state *state);

#endif
