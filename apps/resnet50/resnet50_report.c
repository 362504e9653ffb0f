#include "apps/resnet50/resnet50_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/log.h"
#include "common/run/record.h"

enum { SHOWN = 30 /* classes that are listed on a terminal */ };

/** How the images of each class fared: [classes] each. */
struct tally {
    int64_t *images, *right;
};

/* Collective. @param answer -1 where another rank saw the image */
static void count(MPI_Comm comm, int64_t classes, int64_t n, const int32_t *label, const int32_t *answer,
                  struct tally *out)
{
    memset(out->images, 0, (size_t)classes * sizeof *out->images);
    memset(out->right, 0, (size_t)classes * sizeof *out->right);
    for (int64_t i = 0; i < n; i++) {
        if (answer[i] < 0) continue;
        out->images[label[i]]++;
        out->right[label[i]] += answer[i] == label[i];
    }
    MPI_Allreduce(MPI_IN_PLACE, out->images, (int)classes, MPI_INT64_T, MPI_SUM, comm);
    MPI_Allreduce(MPI_IN_PLACE, out->right, (int)classes, MPI_INT64_T, MPI_SUM, comm);
}

static void print_classes(const struct ps_run *run, const struct image_data *d, const struct tally *t)
{
    if (d->classes > SHOWN) return;
    ps_print(run, "%-30s %8s  recall\n", "class", "images");
    for (int64_t k = 0; k < d->classes; k++) {
        ps_print(run, "%-30s %8lld", d->class_name[k], (long long)t->images[k]);
        if (t->images[k] > 0)
            ps_print(run, "  %.4f\n", (double)t->right[k] / (double)t->images[k]);
        else
            ps_print(run, "       -\n");
    }
}

/* Recall of each class, as numbers of the record. */
static void record_classes(struct ps_run *run, int64_t classes, const struct tally *t, double *number)
{
    for (int64_t k = 0; k < classes; k++) number[k] = (double)t->right[k] / (double)t->images[k];
    ps_record_nums(run, "recall", number, (int)classes);
}

static void tell(struct ps_run *run, const struct image_data *d, const double *figure)
{
    const char *const *name = d->several ? resnet50_figure_names_several : resnet50_figure_names;
    ps_print(run, "test: %lld images, loss %.4f", (long long)d->test.n, figure[RESNET50_LOSS]);
    if (d->several)
        ps_print(run, ", F1 %.4f micro, %.4f macro\n", figure[RESNET50_MICRO], figure[RESNET50_MACRO]);
    else
        ps_print(run, ", top-1 %.4f, top-5 %.4f\n", figure[RESNET50_TOP1], figure[RESNET50_TOP5]);
    ps_record_begin(run, "result");
    ps_record_int(run, "images", d->test.n);
    ps_record_int(run, "classes", d->classes);
    for (int i = 0; i < RESNET50_FIGURES; i++) { /* test_top1 of val_top1 */
        char word[32] = "test";
        strncat(word, name[i] + strlen("val"), sizeof word - strlen(word) - 1);
        ps_record_num(run, word, figure[i]);
    }
}

enum ps_status resnet50_test(struct ps_run *run, const struct image_data *d, const struct ps_net *net,
                             const struct ps_trained *trained)
{
    struct resnet50_judge judge = {.classes = d->classes, .several = d->several};
    struct tally tally = {NULL, NULL};
    double sum[PS_SUMS_MAX], figure[RESNET50_FIGURES], *number = NULL;
    enum ps_status rc = ps_alloc(&judge.answer, d->test.n, sizeof *judge.answer, "the answers");
    if (rc == PS_OK) rc = ps_alloc(&tally.images, d->classes, sizeof *tally.images, "counts of classes");
    if (rc == PS_OK) rc = ps_alloc(&tally.right, d->classes, sizeof *tally.right, "counts of classes");
    if (rc == PS_OK) rc = ps_alloc(&number, d->classes, sizeof *number, "figures of classes");
    PS_TRY_DONE(ps_agree(run->comm, rc));
    const struct ps_score score = resnet50_score(&judge);
    for (int64_t i = 0; i < d->test.n; i++) judge.answer[i] = -1;
    PS_TRY_DONE(ps_evaluate(run, net, &d->test, PS_EVALUATE_CHUNK,
                            d->several ? PS_TARGET_VALUES : PS_TARGET_LABELS, trained->w, trained->prepared,
                            &score, sum));
    (d->several ? resnet50_figures_several : resnet50_figures)(sum, d->test.n, figure);
    tell(run, d, figure);
    if (!d->several) {
        count(run->comm, d->classes, d->test.n, d->test_label, judge.answer, &tally);
        print_classes(run, d, &tally);
        record_classes(run, d->classes, &tally, number);
    }
    ps_record_end(run);
done:
    free(judge.answer);
    free(tally.images);
    free(tally.right);
    free(number);
    return rc;
}
