/** Checkpoints of a sweep: machines that are ready, and the large problem that is being solved. */
#ifndef SVM_RESUME_H
#define SVM_RESUME_H

#include "apps/pisvm/svm_plan.h"
#include "apps/pisvm/svm_tasks.h"
#include "common/io/checkpoint.h"

/** Where the solution of a large problem stands. */
struct svm_under_way {
    bool any;
    int pair, fold, inner, cost; /**< what is being solved; fold is an index, inner -1 for no inner fold */
    int64_t rows;                /**< of all ranks */
    struct ps_range mine;        /**< own ones */
    int copies;
    double *alpha[2], *f; /**< [own rows] of the present solution; of alpha `copies`; arrays owned */
    uint8_t *mark[2];
    int64_t outer, steps;
    double violation;
    double *coef;              /**< [own rows][ncost] of the costs before; without inner fold or after them */
    double *decision;          /**< [own rows][ncost] from inner folds so far */
    struct svm_result *result; /**< [ncost] that belong to coef */
};
void svm_under_way_free(struct svm_under_way *w);

/** A sweep that is being trained. */
struct svm_job {
    const struct svm_train_spec *spec;
    const struct svm_sweep *sweep;
    struct svm_plan plan;
    struct svm_store store;
    struct svm_tasks *tasks;    /**< NULL: there is none yet */
    uint8_t *done;              /**< [pairs][folds] ready when the job began or since, as a large problem */
    struct svm_machines held;   /**< whole ones, from a checkpoint */
    struct svm_machines pieces; /**< of large problems: own rows, the same list on all ranks */
    struct svm_under_way way;   /**< from a checkpoint */
    double saved;               /**< ps_elapsed of the last checkpoint */
    char tag[PS_CKPT_TAG_MAX];
};

/** Seconds of work between checkpoints. */
enum { SVM_SAVE_SECONDS = 600 };

/** Name what a resuming run must have in common. Collective. */
void svm_resume_tag(struct svm_job *j);

/** Write a checkpoint. Collective. @param way the large problem under way, or NULL
 * @return (agreed) PS_OK; PS_EIO; PS_ENOMEM; PS_EMPI; PS_EINTERNAL */
enum ps_status svm_resume_write(struct svm_job *j, const struct svm_under_way *way);

/** Read the checkpoint, if there is one: held, done and way are set. Collective.
 * @return (agreed) PS_OK; PS_EIO; PS_EUSAGE; PS_EINPUT; PS_ENOMEM */
enum ps_status svm_resume_read(struct svm_job *j);

/** Is it time for a checkpoint, or to stop? Collective; equal on all ranks.
 * @param stop out: a signal came; false where no checkpoint is named
 * @return true: write one */
bool svm_resume_due(const struct svm_job *j, bool *stop);

#endif
