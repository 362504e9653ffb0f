/** Parameters of resnet50-train. */
#ifndef RESNET50_PARAMS_H
#define RESNET50_PARAMS_H

#include "apps/resnet50/image_data.h"

struct resnet50_params {
    ps_str model;
    bool zero_norm, new_head;
    int freeze;
    double smoothing, mixup, warm_up_epochs;
    int64_t rate_batch;
    struct image_choice image;
    struct ps_train_params train;
};

extern const struct ps_param resnet50_rows[];
extern const int resnet50_nrows;

/** What training takes once the number of its images is known: rates for the batch that is taken, and the
 * warm-up in steps. Local.
 * @return PS_OK; PS_EUSAGE (parameters do not fit each other) */
enum ps_status resnet50_train_params(const struct resnet50_params *p, int64_t images,
                                     struct ps_train_params *out);

/** Print the rate and what its schedule is in steps; say so where the test images serve as validation, and
 * where batch norms see few images. Local. @param t as resnet50_train_params made it
 * @param on_device where a rank has one grain, if their number is not set; else each thread has */
void resnet50_tell_plan(const struct ps_run *run, const struct resnet50_params *p,
                        const struct ps_train_params *t, const struct image_data *d, bool on_device);

/** All that equal bits need besides the parameters of training. Local. @param text out [size] */
void resnet50_describe(const struct resnet50_params *p, const struct image_data *d, char *text, size_t size);

#endif
