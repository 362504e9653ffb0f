#include "apps/pisvm/svm_score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/log.h"
#include "common/run/record.h"

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/** Sort and keep one of each. @return how many */
static int64_t distinct(double *x, int64_t n)
{
    int64_t kept = 0;
    qsort(x, (size_t)n, sizeof *x, compare);
    for (int64_t i = 0; i < n; i++)
        if (i == 0 || x[i] != x[kept - 1]) x[kept++] = x[i];
    return kept;
}

/** Keep own labels that differ, and not more of them than can be sent. */
static int64_t own_labels(const double *label, const double *predicted, int64_t n, double *own)
{
    int64_t kept = 0, step = SVM_SCORE_LABELS;
    for (int64_t lo = 0; lo < n && kept <= SVM_SCORE_LABELS; lo += step) {
        int64_t m = n - lo < step ? n - lo : step;
        memcpy(own + kept, label + lo, (size_t)m * sizeof *own);
        memcpy(own + kept + m, predicted + lo, (size_t)m * sizeof *own);
        kept = distinct(own, kept + 2 * m);
    }
    return kept;
}

/** The labels of all ranks. Collective over comm. */
static enum ps_status all_labels(MPI_Comm comm, const char *what, const double *label,
                                 const double *predicted, int64_t n, struct svm_score *out)
{
    int size, mine = 0;
    double *own = NULL, *all = NULL;
    int *count = NULL;
    MPI_Comm_size(comm, &size);
    enum ps_status rc = ps_alloc(&own, 3 * SVM_SCORE_LABELS + 1, sizeof *own, "labels");
    if (rc == PS_OK) rc = ps_alloc(&all, (int64_t)size * SVM_SCORE_LABELS, sizeof *all, "labels");
    if (rc == PS_OK) rc = ps_alloc(&count, 2 * (int64_t)size, sizeof *count, "labels");
    if (rc == PS_OK) {
        mine = (int)own_labels(label, predicted, n, own);
        if (mine > SVM_SCORE_LABELS)
            rc = ps_fail(PS_EINPUT, "%s: more than %d different labels: too many for a report of classes",
                         what, SVM_SCORE_LABELS);
    }
    PS_TRY_DONE(ps_agree(comm, rc));
    MPI_Allgather(&mine, 1, MPI_INT, count, 1, MPI_INT, comm);
    count[size] = 0; /* the second half: where each rank's part begins */
    for (int r = 0; r + 1 < size; r++) count[size + r + 1] = count[size + r] + count[r];
    MPI_Allgatherv(own, mine, MPI_DOUBLE, all, count, count + size, MPI_DOUBLE, comm);
    int64_t total = distinct(all, (int64_t)count[2 * size - 1] + count[size - 1]);
    PS_CHECK_DONE(total <= SVM_SCORE_LABELS, PS_EINPUT,
                  "%s: more than %d different labels: too many for a report of classes", what,
                  SVM_SCORE_LABELS);
    out->n = (int)total;
    rc = ps_alloc(&out->label, total, sizeof *out->label, "labels");
    if (rc == PS_OK) memcpy(out->label, all, (size_t)total * sizeof *all);
    rc = ps_agree(comm, rc);
done:
    free(own);
    free(all);
    free(count);
    return rc;
}

static int index_of(const struct svm_score *s, double label)
{
    const double *at = bsearch(&label, s->label, (size_t)s->n, sizeof label, compare);
    return (int)(at - s->label);
}

static int64_t row_sum(const struct svm_score *s, int i)
{
    int64_t sum = 0;
    for (int j = 0; j < s->n; j++) sum += s->count[(int64_t)i * s->n + j];
    return sum;
}

static int64_t column_sum(const struct svm_score *s, int j)
{
    int64_t sum = 0;
    for (int i = 0; i < s->n; i++) sum += s->count[(int64_t)i * s->n + j];
    return sum;
}

struct svm_score_label svm_score_of(const struct svm_score *s, int i)
{
    int64_t support = row_sum(s, i), predicted = column_sum(s, i), right = s->count[(int64_t)i * s->n + i];
    return (struct svm_score_label){.precision = predicted ? (double)right / (double)predicted : NAN,
                                    .recall = support ? (double)right / (double)support : NAN,
                                    .f1 = 2 * (double)right / (double)(support + predicted),
                                    .support = support};
}

static void sum_up(struct svm_score *s)
{
    double chance = 0, recall = 0, n;
    int present = 0;
    for (int i = 0; i < s->n; i++) {
        int64_t support = row_sum(s, i), right = s->count[(int64_t)i * s->n + i];
        s->rows += support;
        s->right += right;
        chance += (double)support * (double)column_sum(s, i);
        if (!support) continue;
        recall += (double)right / (double)support;
        present++;
    }
    n = (double)s->rows;
    s->accuracy = (double)s->right / n;
    s->average_accuracy = recall / present;
    s->kappa = n * n > chance ? (n * (double)s->right - chance) / (n * n - chance) : 1;
}

enum ps_status svm_score_make(MPI_Comm comm, const char *what, const double *label, const double *predicted,
                              int64_t n, struct svm_score *out)
{
    *out = (struct svm_score){0};
    enum ps_status rc = all_labels(comm, what, label, predicted, n, out);
    PS_TRY_DONE(rc);
    rc = ps_zalloc(&out->count, (int64_t)out->n * out->n, sizeof *out->count, "a confusion matrix");
    PS_TRY_DONE(ps_agree(comm, rc));
    for (int64_t i = 0; i < n; i++)
        out->count[(int64_t)index_of(out, label[i]) * out->n + index_of(out, predicted[i])]++;
    MPI_Allreduce(MPI_IN_PLACE, out->count, out->n * out->n, MPI_INT64_T, MPI_SUM, comm);
    sum_up(out);
done:
    if (rc != PS_OK) svm_score_free(out);
    return rc;
}

void svm_score_free(struct svm_score *s)
{
    free(s->label);
    free(s->count);
    *s = (struct svm_score){0};
}

/** Characters of the widest count or label. */
static int width_of(const struct svm_score *s)
{
    int width = snprintf(NULL, 0, "%lld", (long long)s->rows);
    for (int i = 0; i < s->n; i++) {
        int w = snprintf(NULL, 0, "%.10g", s->label[i]);
        if (w > width) width = w;
    }
    return width;
}

static void print_share(const struct ps_run *run, double share)
{
    if (isnan(share))
        ps_print(run, "  %9s", "-");
    else
        ps_print(run, "  %9.4f", share);
}

void svm_score_print(const struct ps_run *run, const struct svm_score *s)
{
    int width = width_of(s);
    ps_print(run, "Confusion matrix (rows: labels of the data, columns: predicted)\n%*s", width, "");
    for (int i = 0; i < s->n; i++) ps_print(run, " %*.10g", width, s->label[i]);
    ps_print(run, "\n");
    for (int i = 0; i < s->n; i++) {
        ps_print(run, "%*.10g", width, s->label[i]);
        for (int j = 0; j < s->n; j++)
            ps_print(run, " %*lld", width, (long long)s->count[(int64_t)i * s->n + j]);
        ps_print(run, "\n");
    }
    ps_print(run, "Overall accuracy = %.4f%% (%lld/%lld)\n", 100 * s->accuracy, (long long)s->right,
             (long long)s->rows);
    ps_print(run, "Average accuracy = %.4f%%\n", 100 * s->average_accuracy);
    ps_print(run, "Kappa = %.4f\n", s->kappa);
    if (width < 5) width = 5;
    ps_print(run, "%*s  %9s  %9s  %9s  %*s\n", width, "label", "precision", "recall", "F1",
             width < 7 ? 7 : width, "support");
    for (int i = 0; i < s->n; i++) {
        struct svm_score_label l = svm_score_of(s, i);
        ps_print(run, "%*.10g", width, s->label[i]);
        print_share(run, l.precision);
        print_share(run, l.recall);
        print_share(run, l.f1);
        ps_print(run, "  %*lld\n", width < 7 ? 7 : width, (long long)l.support);
    }
}

enum ps_status svm_score_record(struct ps_run *run, const struct svm_score *s)
{
    int n = s->n;
    double *x;
    PS_TRY(ps_alloc(&x, (int64_t)n * (n + 4), sizeof *x, "the numbers of a report"));
    double *precision = x + (int64_t)n * n, *recall = precision + n, *f1 = recall + n, *support = f1 + n;
    for (int i = 0; i < n; i++) {
        struct svm_score_label l = svm_score_of(s, i);
        precision[i] = l.precision;
        recall[i] = l.recall;
        f1[i] = l.f1;
        support[i] = (double)l.support;
    }
    for (int64_t i = 0; i < (int64_t)n * n; i++) x[i] = (double)s->count[i];
    ps_record_begin(run, "report");
    ps_record_num(run, "overall_accuracy", s->accuracy);
    ps_record_num(run, "average_accuracy", s->average_accuracy);
    ps_record_num(run, "kappa", s->kappa);
    ps_record_nums(run, "labels", s->label, n);
    ps_record_nums(run, "confusion", x, n * n);
    ps_record_nums(run, "precision", precision, n);
    ps_record_nums(run, "recall", recall, n);
    ps_record_nums(run, "f1", f1, n);
    ps_record_nums(run, "support", support, n);
    ps_record_end(run);
    free(x);
    return PS_OK;
}
