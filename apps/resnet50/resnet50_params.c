#include "apps/resnet50/resnet50_params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "apps/resnet50/resnet50_model.h"
#include "common/run/err.h"
#include "common/run/log.h"

const struct ps_param resnet50_rows[] = {
    PS_PARAM(struct resnet50_params, model, .letter = 'm', .def = "resnet50", .choices = RESNET50_MODELS,
             .help = "net; 20 to 110 are the small ones for images of about 32 x 32"),
    IMAGE_ROWS(struct resnet50_params, image),
    PS_TRAIN_ROWS(struct resnet50_params, train, "90", "256", "sgd", "0.1"),
    PS_TRAIN_NORM_ROWS(struct resnet50_params, train),
    PS_TRAIN_MILESTONES_ROW(struct resnet50_params, train),
    PS_PARAM(struct resnet50_params, rate_batch, .def = "0", .range = "[0,inf)", .unit = "samples",
             .help =
                 "of a step for which the rate holds; it grows in proportion to those that a step has; 0: "
                 "the rate as it is"),
    PS_PARAM(struct resnet50_params, warm_up_epochs, .def = "0", .range = "[0,inf)", .unit = "epochs",
             .help = "in which the rate grows linearly, in place of warm_up"),
    PS_PARAM(struct resnet50_params, smoothing, .def = "0", .range = "[0,1)",
             .help = "share of a label's weight that goes to all classes"),
    PS_PARAM(struct resnet50_params, mixup, .def = "0", .range = "[0,1]",
             .help = "pairs of images are mixed, with shares from Beta(mixup, mixup); 0: they are not"),
    PS_PARAM(struct resnet50_params, zero_norm, .flag = true, .def = "no",
             .help = "the last norm of each block begins with weights of 0"),
    PS_PARAM(struct resnet50_params, freeze, .def = "0", .range = "[0,5]", .unit = "stages",
             .help = "that are not trained, from the input on: 1 is the stem, 2 the stem and layer1 ..."),
    PS_PARAM(struct resnet50_params, new_head, .flag = true, .def = "no",
             .help = "the classifier (fc) begins as random, not as in the file of --weights"),
};
const int resnet50_nrows = sizeof resnet50_rows / sizeof resnet50_rows[0];

/* Updates of an epoch. */
static int64_t steps_of(const struct ps_train_params *t, int64_t images)
{
    const int64_t step = t->batch * t->accumulate;
    return (images + step - 1) / step;
}

enum ps_status resnet50_train_params(const struct resnet50_params *p, int64_t images,
                                     struct ps_train_params *out)
{
    const int64_t step = p->train.batch * p->train.accumulate, steps = steps_of(&p->train, images);
    const double grow = p->rate_batch > 0 ? (double)step / (double)p->rate_batch : 1;
    PS_CHECK(p->warm_up_epochs <= 0 || p->train.warm_up == 0, PS_EUSAGE,
             "--warm-up and --warm-up-epochs say the same: give one of them");
    PS_CHECK(!p->new_head || p->train.weights[0], PS_EUSAGE, "--new-head needs --weights FILE");
    PS_CHECK(p->freeze <= resnet50_stages(p->model) + 1, PS_EUSAGE,
             "--freeze %d: %s has a stem and %d stages", p->freeze, p->model, resnet50_stages(p->model));
    *out = p->train;
    out->rate *= grow;
    out->last_rate *= grow;
    if (p->warm_up_epochs > 0) out->warm_up = llround(p->warm_up_epochs * (double)steps);
    return PS_OK;
}

static void tell_rate(const struct ps_run *run, const struct resnet50_params *p,
                      const struct ps_train_params *t, int64_t images)
{
    const int64_t steps = steps_of(t, images);
    ps_print(run, "rate %g", t->rate);
    if (p->rate_batch > 0)
        ps_print(run, " (%g for %lld images, and a step has %lld)", p->train.rate, (long long)p->rate_batch,
                 (long long)(t->batch * t->accumulate));
    ps_print(run, ", %s", t->schedule);
    if (t->warm_up > 0) ps_print(run, ", after a warm-up of %lld steps", (long long)t->warm_up);
    ps_print(run, "; %lld steps an epoch, %lld in all\n", (long long)steps, (long long)(steps * t->epochs));
}

/* Statistics of few images are noise, and a node with many threads comes to that without being asked. */
static void warn_norms(const struct ps_run *run, const struct ps_train_params *t, bool on_device)
{
    enum { FEW = 8 };
    const int64_t each = on_device ? 1 : run->threads;
    const int64_t grains = run->common->grains > 0 ? run->common->grains : run->size * each;
    const double images = (double)(t->batch * (t->norm_group > 1 ? t->norm_group : 1)) / (double)grains;
    if (images < FEW)
        ps_warn(run,
                "batch norms take their means over %.3g images: %d or more are advisable (a larger --batch, "
                "fewer --grains, or --norm-group)",
                images, FEW);
}

void resnet50_tell_plan(const struct ps_run *run, const struct resnet50_params *p,
                        const struct ps_train_params *t, const struct image_data *d, bool on_device)
{
    const bool by_steps = strcmp(t->optimizer, "lbfgs") != 0;
    if (by_steps) tell_rate(run, p, t, d->train.n);
    if (d->valid_is_test)
        ps_info(run, "no images are held back (--validation): val_ figures are of the test images\n");
    if (p->image.synthetic == 0 && p->freeze <= resnet50_stages(p->model)) warn_norms(run, t, on_device);
}

void resnet50_describe(const struct resnet50_params *p, const struct image_data *d, char *text, size_t size)
{
    const struct image_choice *c = &p->image;
    int at = snprintf(text, size,
                      "%.16s %dx%dx%d, %lld classes, %lld+%lld images, %.8s, smoothing %g, mixup %g"
                      ", freeze %d; %d %.17g %.17g %d %d %.8s",
                      p->model, d->height, d->width, d->bands, (long long)d->classes, (long long)d->train.n,
                      (long long)d->valid.n, c->augment, p->smoothing, p->mixup, p->freeze, c->vertical,
                      c->least, c->squeeze, c->pad, c->resize, c->broken);
    for (int i = 0; i < c->mean.n && at < (int)size; i++)
        at += snprintf(text + at, size - (size_t)at, " %.9g", c->mean.value[i]);
    for (int i = 0; i < c->std.n && at < (int)size; i++)
        at += snprintf(text + at, size - (size_t)at, " %.9g", c->std.value[i]);
}
