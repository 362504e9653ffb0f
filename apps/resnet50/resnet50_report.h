/** What people want to know of a trained net: the test by classes, and the speed. */
#ifndef RESNET50_REPORT_H
#define RESNET50_REPORT_H

#include "apps/resnet50/image_data.h"
#include "apps/resnet50/resnet50_score.h"
#include "common/nn/train.h"

/** Test the net, print and record figures and, where images have one class, each class's recall. Collective
 * over run->comm. @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI; what reading images returns */
enum ps_status resnet50_test(struct ps_run *run, const struct image_data *d, const struct ps_net *net,
                             const struct ps_trained *trained);

/** What the steps of a run are judged by. */
struct resnet50_speed {
    double peak;                          /**< FLOP/s of all threads of all ranks, measured; 0: unknown */
    double flop;                          /**< of an image, in training */
    int64_t images;                       /**< of an epoch */
    int64_t step;                         /**< images of a step; the last one of an epoch may have fewer */
    const struct ps_train_params *params; /**< for what is said of more ranks; NULL: nothing is */
};

/** Images in a second of a list of steps. */
struct resnet50_rates {
    double mean;                           /**< all images over all seconds */
    double median, deviation, least, most; /**< of the rates of steps */
    int64_t steps;                         /**< that are counted */
};

/** Rates of all steps but the first, unless that is the only one. Local.
 * @param seconds [steps] @param first number of the first of them since the run began
 * @return PS_OK; PS_ENOMEM */
enum ps_status resnet50_rates(const struct resnet50_speed *s, const double *seconds, int64_t steps,
                              int64_t first, struct resnet50_rates *out);

/** Print and record speed, where the time went, share of the peak and memory; the last line is
 * `total images/sec: X`. Nothing where no step was made. Collective over run->comm.
 * @return (agreed) PS_OK; PS_ENOMEM */
enum ps_status resnet50_speed(struct ps_run *run, const struct resnet50_speed *s,
                              const struct ps_trained *trained);

#endif
