/** What a classifier gets right: loss and accuracy over a set, and what it said of each sample. */
#ifndef MNIST_SCORE_H
#define MNIST_SCORE_H

#include "common/nn/evaluate.h"

/** Sums over samples, and the figures that come of them. */
enum { MNIST_LOSS, MNIST_RIGHT, MNIST_SUMS };

/** What was said of a sample. */
struct mnist_answer {
    int32_t label;     /**< the most probable; -1: this rank did not see the sample */
    float probability; /**< of it */
};

/** Context of mnist_score. */
struct mnist_judge {
    int64_t classes;
    struct mnist_answer *answer; /**< [samples], or NULL: nobody wants to know; borrowed */
};

/** Cross-entropy and right answers. @param judge borrowed */
struct ps_score mnist_score(struct mnist_judge *judge);

/** Mean cross-entropy and accuracy. @param figure out [MNIST_SUMS] */
void mnist_figures(const double *sum, int64_t n, double *figure);

/** Which class got how many samples of which class: [true class][answer], summed over all ranks.
 * Collective over comm. @param label, answer [n] @param confusion out [classes][classes] on every rank */
void mnist_confusion(MPI_Comm comm, int64_t classes, int64_t n, const int32_t *label,
                     const struct mnist_answer *answer, int64_t *confusion);

/** Print loss, accuracy and the confusion matrix with each class's recall, and record them. Local. */
void mnist_report(struct ps_run *run, int64_t classes, int64_t n, const double figure[MNIST_SUMS],
                  const int64_t *confusion);

#endif
