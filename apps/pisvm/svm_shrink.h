/** Rows whose f need not be kept up to date, and the way back: f from all coefficients. */
#ifndef SVM_SHRINK_H
#define SVM_SHRINK_H

#include "apps/pisvm/svm_select.h"

/** Keep f up to date for all rows that are not marked as shrunk (mark NULL: all). Columns that are kept
 * remain those of active rows. Collective over s->spec.comm. @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status svm_active_set(struct svm_large *s, const uint8_t *mark);
void svm_active_free(struct svm_large *s);

/** Count how often in a row each row was found settled: all its variables at bounds where they stay as long
 * as the extremes do; shrink those that are so for long, if there are many of them. Collective over
 * s->spec.comm. @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status svm_shrink(struct svm_large *s, const struct svm_vars *v, const struct svm_extremes *e,
                          uint8_t *mark);

/** Make all rows active, f of those that were shrunk computed from alpha. Collective over s->spec.comm.
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status svm_unshrink(struct svm_large *s, struct svm_vars *v, uint8_t *mark);

/** f = sum_v K y alpha for own rows row[0..n), over all rows with a coefficient in the order of their number.
 * Collective over s->spec.comm. @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status svm_sum(struct svm_large *s, struct svm_vars *v, const int64_t *row, int64_t n);

#endif
