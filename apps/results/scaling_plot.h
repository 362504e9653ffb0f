/** Figures of scaling studies. Local. */
#ifndef SCALING_PLOT_H
#define SCALING_PLOT_H

#include "apps/results/figure.h"
#include "apps/results/scaling.h"

enum scaling_plot { SCALING_SPEEDUP, SCALING_EFFICIENCY, SCALING_PHASES, SCALING_PLOTS };
extern const char *const scaling_plot_name[SCALING_PLOTS];

/** A figure with what it borrows. */
struct scaling_figure {
    struct figure figure;
    char title[256];
    double *numbers;    /**< owned */
    char (*text)[64];   /**< owned */
    const char **names; /**< owned */
};

/** @return PS_OK; PS_ENOMEM. figure.rows and figure.curves are 0 where there is nothing to be shown. */
enum ps_status scaling_figure_make(const struct scaling *s, int group, enum scaling_plot plot,
                                   struct scaling_figure *out);
void scaling_figure_free(struct scaling_figure *f);

#endif
