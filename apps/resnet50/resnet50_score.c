#include "apps/resnet50/resnet50_score.h"

const char *const resnet50_figure_names[] = {"val_loss", "val_top1", "val_top5"};
const char *const resnet50_figure_names_several[] = {"val_loss", "val_f1_micro", "val_f1_macro"};

/* Sums of images of several classes: loss, answers, and of each class: */
enum { SEVERAL_LOSS, SEVERAL_ANSWERS, SEVERAL_CLASSES };
enum { RIGHT, WRONG, MISSED, COUNTS };

/* Classes that come before the label's; NaN come before all. */
static int64_t place_of(const float *logit, int64_t classes, int32_t label)
{
    int64_t before = 0;
    for (int64_t k = 0; k < label; k++) before += !(logit[k] < logit[label]);
    for (int64_t k = label + 1; k < classes; k++) before += !(logit[k] <= logit[label]);
    return before;
}

static int32_t largest(const float *logit, int64_t classes)
{
    int64_t best = 0;
    for (int64_t k = 1; k < classes; k++)
        if (logit[k] > logit[best]) best = k;
    return (int32_t)best;
}

static void add_one(void *context, const struct ps_net_work *work, const struct ps_net_batch *batch,
                    const void *target, double *sum)
{
    const struct resnet50_judge *judge = context;
    const struct ps_net *net = work->net;
    const struct ps_nn_softmax loss = {.classes = judge->classes};
    const float *logit = ps_net_output(work, net->nodes - 1);
    const int32_t *label = target;
    sum[RESNET50_LOSS] += ps_net_on_host(net)->softmax_loss(&loss, batch->n, logit, label, 1, NULL);
    for (int64_t i = 0; i < batch->n; i++, logit += judge->classes) {
        const int64_t place = place_of(logit, judge->classes, label[i]);
        sum[RESNET50_TOP1] += place == 0;
        sum[RESNET50_TOP5] += place < RESNET50_TOP;
        if (judge->answer) judge->answer[batch->sample[i]] = largest(logit, judge->classes);
    }
}

static void add_several(void *context, const struct ps_net_work *work, const struct ps_net_batch *batch,
                        const void *target, double *sum)
{
    const struct resnet50_judge *judge = context;
    const struct ps_net *net = work->net;
    const float *logit = ps_net_output(work, net->nodes - 1), *truth = target;
    sum[SEVERAL_LOSS] += ps_net_on_host(net)->sigmoid_loss(batch->n * judge->classes, logit, truth, 1, NULL);
    sum[SEVERAL_ANSWERS] += (double)(batch->n * judge->classes);
    for (int64_t i = 0; i < batch->n; i++)
        for (int64_t k = 0; k < judge->classes; k++, logit++, truth++) {
            double *count = sum + SEVERAL_CLASSES + k * COUNTS;
            const bool yes = *logit > 0, is = *truth > 0.5F;
            count[RIGHT] += yes && is;
            count[WRONG] += yes && !is;
            count[MISSED] += !yes && is;
        }
}

struct ps_score resnet50_score(struct resnet50_judge *judge)
{
    const int several = SEVERAL_CLASSES + COUNTS * (int)judge->classes;
    return (struct ps_score){.sums = judge->several ? several : RESNET50_FIGURES,
                             .add = judge->several ? add_several : add_one,
                             .context = judge};
}

void resnet50_figures(const double *sum, int64_t n, double *figure)
{
    for (int i = 0; i < RESNET50_FIGURES; i++) figure[i] = sum[i] / (double)n;
}

/* F1 of counts; 0 where there is nothing to find and nothing was found. */
static double f1(const double *count)
{
    const double all = 2 * count[RIGHT] + count[WRONG] + count[MISSED];
    return all > 0 ? 2 * count[RIGHT] / all : 0;
}

void resnet50_figures_several(const double *sum, int64_t n, double *figure)
{
    const int64_t classes = (int64_t)(sum[SEVERAL_ANSWERS] / (double)n);
    double all[COUNTS] = {0}, mean = 0;
    for (int64_t k = 0; k < classes; k++) {
        const double *count = sum + SEVERAL_CLASSES + k * COUNTS;
        for (int c = 0; c < COUNTS; c++) all[c] += count[c];
        mean += f1(count) / (double)classes;
    }
    figure[RESNET50_LOSS] = sum[SEVERAL_LOSS] / sum[SEVERAL_ANSWERS];
    figure[RESNET50_MICRO] = f1(all);
    figure[RESNET50_MACRO] = mean;
}
