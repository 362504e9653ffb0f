/** What a classifier of images gets right: of one class each, or of several. */
#ifndef RESNET50_SCORE_H
#define RESNET50_SCORE_H

#include "common/nn/evaluate.h"

/** Figures, which people and records read; the first is followed by best model and early stopping. */
enum { RESNET50_FIGURES = 3 };
enum { RESNET50_LOSS, RESNET50_TOP1, RESNET50_TOP5 }; /**< of images of one class */
enum { RESNET50_MICRO = 1, RESNET50_MACRO = 2 };      /**< of images of several: F1 */
enum { RESNET50_SEVERAL_MAX = (PS_SUMS_MAX - 2) / 3, RESNET50_TOP = 5 };

/** Context of the score. */
struct resnet50_judge {
    int64_t classes;
    bool several;
    int32_t *answer; /**< [samples] the class with the largest logit, of those that this rank sees; NULL:
                        nobody wants to know; borrowed */
};

/** Sums over samples. @param judge borrowed
 * Top-k is exact: the label's logit is among the k largest, of equal ones those of the smaller classes.
 * With several classes an answer is yes where the logit is above 0. */
struct ps_score resnet50_score(struct resnet50_judge *judge);

/** Mean cross-entropy, top-1, top-5. @param figure out [RESNET50_FIGURES] */
void resnet50_figures(const double *sum, int64_t n, double *figure);

/** Mean cross-entropy over samples and classes; F1 = 2 tp / (2 tp + fp + fn) of all answers together (micro),
 * and the mean of that of each class (macro), 0 where a class is neither there nor answered. */
void resnet50_figures_several(const double *sum, int64_t n, double *figure);

extern const char *const resnet50_figure_names[], *const resnet50_figure_names_several[];

#endif
