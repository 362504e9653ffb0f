/** Decision values of own rows by the machines that did not see them: support vectors of all ranks stream
 * past in chunks of one class. */
#ifndef SVM_VALIDATE_DECIDE_H
#define SVM_VALIDATE_DECIDE_H

#include "apps/pisvm/svm_machines.h"

/** Rows of a piece: what one thread works on at a time, all of one fold. */
enum { SVM_PIECE = 64 };

/** Own rows in pieces. */
struct svm_held {
    int folds;
    int64_t pieces;
    int *fold;        /**< [pieces] that leaves the rows out; owned */
    int *rows;        /**< [pieces]; owned */
    int64_t *row;     /**< [pieces][SVM_PIECE] own row; beyond a piece's rows the last one again; owned */
    int64_t *trained; /**< [folds][nclass, or 1 without classes] rows of all ranks that a fold keeps; owned */
};

/** Find out which fold leaves out which row. Collective over spec->run->comm.
 * @return (agreed) PS_OK; PS_ENOMEM */
enum ps_status svm_held_make(const struct svm_train_spec *spec, int folds, struct svm_held *out);
void svm_held_free(struct svm_held *h);

/** True where the type tells classes apart. Local. */
bool svm_has_classes(enum svm_type type);

/** Everything that the values of own rows depend on. */
struct svm_decider {
    const struct svm_train_spec *spec;
    const struct svm_sweep *sweep;
    const struct svm_machines *machines; /**< of this rank */
    const struct svm_held *held;
    int pairs;
    struct ps_svm_layout layout;
    double *centre;          /**< owned */
    struct ps_svm_pack *own; /**< own rows as held->row has them; owned */
};

/** Pack own rows. Collective over spec->run->comm; the arguments are borrowed.
 * @return (agreed) PS_OK; PS_ENOMEM */
enum ps_status svm_decider_make(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                                const struct svm_machines *machines, const struct svm_held *held,
                                struct svm_decider *out);
void svm_decider_free(struct svm_decider *d);

/** Where decision values of pieces are: of row i of piece p, pair k and C c at p * piece +
 * (k * ncost + c) * column + i. A thread writes a piece, a device a column. */
struct svm_places {
    int64_t piece, column;
};
struct svm_places svm_decider_places(const struct svm_decider *d, int64_t pieces); /**< Local. */

/** Sums over support vectors, without rho, of own rows in pieces [lo, hi), each by the machines of its own
 * fold. Collective over spec->run->comm; ranks may have ranges of different lengths. The bits depend on data
 * and machines alone.
 * @param value out (hi - lo) pairs ncost SVM_PIECE doubles, as svm_decider_places(d, hi - lo) says; aligned
 * to 64 bytes
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI; PS_EBACKEND */
enum ps_status svm_decider_run(const struct svm_decider *d, int64_t lo, int64_t hi, double *value);

#endif
