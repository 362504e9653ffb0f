/* resnet50-train: residual nets on labelled images. */
#include <string.h>
#include "apps/resnet50/resnet50_model.h"
#include "apps/resnet50/resnet50_params.h"
#include "apps/resnet50/resnet50_report.h"
#include "common/nn/cost.h"
#include "common/nn/roofline.h"
#include "common/nn/summary.h"
#include "common/nn/train_kernels.h"
#include "common/run/log.h"
#include "common/run/timer.h"

static enum ps_status build(const struct ps_run *run, const struct resnet50_params *p,
                            const struct image_data *d, const struct ps_nn_kernels *kernels,
                            struct ps_net *net)
{
    const bool glorot = ps_train_init(&p->train) == PS_INIT_GLOROT;
    const struct resnet50_plan plan = {.model = p->model,
                                       .height = d->height,
                                       .width = d->width,
                                       .bands = d->bands,
                                       .outputs = d->classes,
                                       .zero_norm = p->zero_norm,
                                       .freeze = p->freeze,
                                       .init = glorot ? PS_INIT_GLOROT : PS_INIT_HE,
                                       .seed = (uint64_t)run->common->seed};
    PS_CHECK(!d->several || d->classes <= RESNET50_SEVERAL_MAX, PS_EUSAGE,
             "%lld classes: images of several classes may have %d of them", (long long)d->classes,
             RESNET50_SEVERAL_MAX);
    return resnet50_model(&plan, kernels, net);
}

/* Train, then test, then tell how fast it was. Collective. */
static enum ps_status train(struct ps_run *run, const struct resnet50_params *p,
                            const struct ps_train_params *params, const struct image_data *d,
                            const struct ps_net *net)
{
    struct resnet50_judge judge = {.classes = d->classes, .several = d->several};
    struct ps_trained trained = {0};
    char describe[2048];
    resnet50_describe(p, d, describe, sizeof describe);
    const struct ps_train_job job = {.params = params,
                                     .net = net,
                                     .describe = describe,
                                     .loss = d->several ? PS_LOSS_SIGMOID : PS_LOSS_SOFTMAX,
                                     .smoothing = p->smoothing,
                                     .mixup = p->mixup,
                                     .train = &d->train,
                                     .valid = d->has_valid ? &d->valid : NULL,
                                     .valid_is_test = d->valid_is_test,
                                     .score = resnet50_score(&judge),
                                     .figures = d->several ? resnet50_figures_several : resnet50_figures,
                                     .n_figures = RESNET50_FIGURES,
                                     .figure_name =
                                         d->several ? resnet50_figure_names_several : resnet50_figure_names,
                                     .follow = d->several ? RESNET50_MICRO : RESNET50_TOP1,
                                     .larger = true,
                                     .anew = p->new_head ? "fc" : NULL,
                                     .record_steps = true};
    const bool half = strcmp(params->precision, "bf16") == 0;
    const struct resnet50_speed speed = {.peak = net->kernels->device ? 0 : ps_roofline_flops(run, half),
                                         .flop = ps_net_flop(net, true),
                                         .images = d->train.n,
                                         .step = params->batch * params->accumulate,
                                         .params = params};
    PS_TRY(ps_train(run, &job, &trained));
    enum ps_status rc = PS_OK;
    image_data_tell_loader(run, d);
    if (d->test.n > 0) {
        ps_phase(run, "test");
        rc = resnet50_test(run, d, net, &trained);
    }
    if (rc == PS_OK) rc = resnet50_speed(run, &speed, &trained);
    ps_train_free(&trained);
    return rc;
}

static enum ps_status run_resnet50(struct ps_run *run, const void *params)
{
    const struct resnet50_params *p = params;
    const int64_t ahead = p->image.prefetch * p->train.batch / run->size + 1;
    struct ps_train_params train_params;
    const struct ps_nn_kernels *kernels;
    struct ps_device device;
    struct image_data d = {0};
    struct ps_net net = {0};
    enum ps_status rc;
    PS_TRY(ps_train_kernels(run, &p->train, &device, &kernels));
    ps_phase(run, "read");
    PS_TRY_DONE(image_data_open(run, &p->image, ahead, &d));
    PS_CHECK_DONE(!p->train.eval_only || d.has_valid, PS_EUSAGE,
                  "%s: no images for a test: name some with --test (those of --data may be it)", d.test.name);
    PS_TRY_DONE(resnet50_train_params(p, d.train.n, &train_params));
    PS_TRY_DONE(ps_agree(run->comm, build(run, p, &d, kernels, &net)));
    ps_net_summary(run, &net, p->model);
    image_data_tell(run, &d);
    if (p->new_head) ps_print(run, "fc begins as random: that of %s is not read\n", p->train.weights);
    if (!p->train.eval_only) resnet50_tell_plan(run, p, &train_params, &d, device.cuda);
    ps_phase(run, "train");
    rc = train(run, p, &train_params, &d, &net);
    if (rc == PS_OK || rc == PS_STOPPED) image_data_tell_broken(run, &d);
done:
    ps_net_free(&net);
    image_data_free(&d);
    ps_device_close(&device);
    return rc;
}

int main(int argc, char **argv)
{
    static struct ps_program program = {
        .name = "resnet50-train",
        .summary = "train residual nets on labelled images",
        .synopsis = "[options] [parameters.par] [data]",
        .rows = resnet50_rows,
        .params_size = sizeof(struct resnet50_params),
        .common = PS_HAS_CHECKPOINT | PS_HAS_BACKEND | PS_HAS_SEED | PS_HAS_GRAINS,
        .run = run_resnet50,
    };
    program.nrows = resnet50_nrows;
    return ps_main(argc, argv, &program);
}
