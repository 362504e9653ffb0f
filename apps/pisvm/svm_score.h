/** What predictions are worth: a confusion matrix of labels and what follows from it. */
#ifndef SVM_SCORE_H
#define SVM_SCORE_H

#include "common/run/run.h"

enum { SVM_SCORE_LABELS = 1000 /**< at most */ };

/** Counts over all ranks, the same on each. */
struct svm_score {
    int n;          /**< labels that stand in the data or were predicted */
    double *label;  /**< [n] ascending; owned */
    int64_t *count; /**< [n][n] rows with a label (row) that were predicted another (column); owned */
    int64_t rows, right;
    double accuracy;         /**< overall: share of rows that are right */
    double average_accuracy; /**< mean of the recall of the labels that stand in the data */
    double kappa; /**< Cohen (1960): agreement beyond that by chance; 1 where all is right and chance too */
};

/** One label's part. Shares of nothing are NaN. */
struct svm_score_label {
    double precision, recall, f1;
    int64_t support; /**< rows with this label */
};

/** Compare own rows. Collective over comm.
 * @param what named in the message when there are too many labels
 * @return (agreed) PS_OK; PS_EINPUT: more than SVM_SCORE_LABELS labels; PS_ENOMEM */
enum ps_status svm_score_make(MPI_Comm comm, const char *what, const double *label, const double *predicted,
                              int64_t n, struct svm_score *out);
void svm_score_free(struct svm_score *s);

struct svm_score_label svm_score_of(const struct svm_score *s, int i);

/** Print the report. Local. */
void svm_score_print(const struct ps_run *run, const struct svm_score *s);

/** One line `report` for the record. Local. @return PS_OK; PS_ENOMEM */
enum ps_status svm_score_record(struct ps_run *run, const struct svm_score *s);

#endif
