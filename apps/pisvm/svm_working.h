/** Rows of a large problem that all ranks get: their features, and what is known of their variables. */
#ifndef SVM_WORKING_H
#define SVM_WORKING_H

#include "apps/pisvm/svm_large_parts.h"

/** Have the features of some rows on all ranks. Those that w has already are kept, others come from the ranks
 * that own them. Collective over s->spec.comm.
 * @param number [n] ascending, equal on all ranks
 * @param w in: rows that all ranks have, or zeros; out: the rows wanted
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status svm_working_fetch(struct svm_large *s, const int64_t *number, int64_t n,
                                 struct svm_working *w);
void svm_working_free(struct svm_working *w);

/** Where their features are, and which row of these is the k-th. Local. */
static inline struct ps_csr svm_working_csr(const struct svm_large *s, const struct svm_working *w)
{
    return w->start ? (struct ps_csr){w->n, s->own.cols, w->start, w->index, w->value} : s->own;
}
static inline int64_t svm_working_place(const struct svm_working *w, int64_t k)
{
    return w->start ? k : w->number[k];
}

/** Pack rows w->number[at[0..n)] (at NULL: the first n). Local.
 * @return PS_OK; PS_ENOMEM, PS_EBACKEND, with a message */
enum ps_status svm_working_pack(const struct svm_large *s, const struct svm_working *w, const int64_t *at,
                                int64_t n, struct ps_svm_pack **out);

/** Gather records of rows from their owners. Collective over s->spec.comm.
 * @param number [n] ascending, equal on all ranks
 * @param mine records of the own ones, in order
 * @param out [n] records
 * @return PS_OK; PS_EMPI; PS_ENOMEM. Agreed */
enum ps_status svm_working_gather(struct svm_large *s, const int64_t *number, int64_t n, const void *mine,
                                  int64_t size, void *out);

/** The part of an ascending list of row numbers that is own. Local. */
struct ps_range svm_working_own(const struct svm_large *s, const int64_t *number, int64_t n);

#endif
