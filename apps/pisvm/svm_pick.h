/** The best of many candidates. */
#ifndef SVM_PICK_H
#define SVM_PICK_H

#include <stdbool.h>
#include <stdint.h>
#include "kernels/status.h"

/** A row and what speaks for it. */
struct svm_candidate {
    double worth;
    uint64_t tie; /**< ps_svm_tie(row): decides between equals */
    int64_t row;
};

/** Is a better than b? Local. */
static inline bool svm_better(const struct svm_candidate *a, const struct svm_candidate *b)
{
    return a->worth > b->worth || (a->worth == b->worth && a->tie < b->tie);
}

/** A list that keeps the best `want` of what it is offered. */
struct svm_pick {
    int64_t want, room, n;
    bool cut; /**< some were left out, none of them better than any that is kept */
    struct svm_candidate worst;
    struct svm_candidate *at; /**< [room]; owned */
};

/** Begin an empty list. Local. @return PS_OK; PS_ENOMEM */
enum ps_status svm_pick_open(struct svm_pick *p, int64_t want);
void svm_pick_close(struct svm_pick *p);

/** Offer a candidate. Local. */
void svm_pick_offer(struct svm_pick *p, double worth, int64_t row);

/** Keep no more than the best `want` (at most those of the list), best first. Local. */
void svm_pick_sort(struct svm_pick *p, int64_t want);

#endif
