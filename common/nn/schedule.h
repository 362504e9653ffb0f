/** The rate of learning, step by step. */
#ifndef PS_SCHEDULE_H
#define PS_SCHEDULE_H

#include <stdint.h>

enum { PS_MILESTONES_MAX = 64 };

enum ps_schedule_kind {
    PS_RATE_CONSTANT,
    PS_RATE_STEP,   /**< times `factor` after every `every` steps, or at each milestone, if there are any */
    PS_RATE_COSINE, /**< half a cosine from rate to `last` (Loshchilov, Hutter 2017) */
    PS_RATE_POLYNOMIAL, /**< (1 - t)^power from rate to `last` */
    PS_RATE_INVERSE,    /**< rate / (1 + factor step), as `decay` in Keras */
};

struct ps_schedule {
    enum ps_schedule_kind kind;
    double rate; /**< after the warm-up */
    double last; /**< at the end */
    double factor, power;
    int64_t every;
    int64_t milestone[PS_MILESTONES_MAX]; /**< steps of the whole run, ascending */
    int milestones;
    int64_t warm_up; /**< steps in which the rate grows linearly, from rate / warm_up (Goyal et al. 2017) */
    int64_t steps;   /**< of the whole run, those of the warm-up too */
};

/** Rate of a step, from 0. Steps of the warm-up are not counted by what follows it, but by milestones, as in
 * Goyal et al. 2017. */
double ps_schedule_rate(const struct ps_schedule *s, int64_t step);

#endif
