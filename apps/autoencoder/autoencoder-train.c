/* autoencoder-train: a net that narrows samples to a code and widens the code again; how well they come back,
 * beside principal components; codes for other programs. */
#include <stdio.h>
#include <stdlib.h>
#include "apps/autoencoder/autoencoder_output.h"
#include "apps/autoencoder/autoencoder_params.h"
#include "apps/autoencoder/autoencoder_plot.h"
#include "apps/autoencoder/autoencoder_report.h"
#include "apps/autoencoder/autoencoder_start.h"
#include "common/nn/summary.h"
#include "common/nn/train.h"
#include "common/nn/train_kernels.h"
#include "common/run/log.h"
#include "common/run/timer.h"

/* One job. */
struct job {
    const struct autoencoder_params *p;
    const struct ps_nn_kernels *kernels;
    struct ps_device device;
    struct spectra all;
    struct spectra_scale scale;
    struct spectra_part train, valid, test;
    struct autoencoder_spec spec;
    struct autoencoder model;
    struct ps_pca pca; /* of the training part; component NULL: not needed yet */
    struct ps_trained trained;
    double *label; /* of own samples; NULL: none; owned */
};

/* Data, split, scaling. Collective. */
static enum ps_status prepare(struct ps_run *run, struct job *j)
{
    const struct autoencoder_params *p = j->p;
    ps_phase(run, "read");
    PS_TRY(spectra_read(run, p->input, p->dataset, p->scene, &j->all));
    PS_TRY(autoencoder_spec(run, p, j->all.bands, &j->spec));
    if (p->outlier > 0) {
        PS_TRY(spectra_leave_out(run, &j->all, p->outlier));
        ps_print(run, "%lld of %lld samples are broken: a value is more than %g standard deviations off\n",
                 (long long)j->all.n_broken, (long long)j->all.n, p->outlier);
    }
    PS_TRY(spectra_split(&j->all, (uint64_t)run->common->seed, p->test, p->validation, &j->train, &j->valid,
                         &j->test));
    PS_TRY(spectra_keep_order(run, &j->all, (uint64_t)run->common->seed));
    if (p->codes[0]) PS_TRY(autoencoder_labels(run, p->labels, &j->all, &j->label));
    ps_phase(run, "scale");
    PS_TRY(spectra_scale_find(run, &j->train, autoencoder_scaling(p), &j->scale));
    j->train.scale = j->valid.scale = j->test.scale = &j->scale;
    j->train.noise = p->noise;
    j->train.mask = p->mask;
    return PS_OK;
}

static enum ps_status build(struct ps_run *run, struct job *j)
{
    PS_TRY(ps_agree(run->comm, autoencoder_build(&j->spec, j->kernels, &j->model)));
    ps_net_summary(run, &j->model.net, "autoencoder");
    ps_print(run, "%lld samples to train on, %lld to validate, %lld to test; a code of %lld\n",
             (long long)(j->train.hi - j->train.lo), (long long)(j->valid.hi - j->valid.lo),
             (long long)(j->test.hi - j->test.lo), (long long)j->model.code);
    return PS_OK;
}

/* Collective. */
static enum ps_status find_components(struct ps_run *run, struct job *j)
{
    if (j->pca.component) return PS_OK;
    ps_phase(run, "pca");
    return autoencoder_pca_fit(run, &j->train, j->model.code, &j->pca);
}

/* First weights. Local. */
static void begin_as_pca(const void *context, float *w)
{
    const struct job *j = context;
    autoencoder_start(&j->model, &j->pca, w);
}

static enum ps_status train(struct ps_run *run, struct job *j)
{
    const struct autoencoder_params *p = j->p;
    const bool validates = p->validation > 0;
    const struct ps_source source = spectra_source(&j->train, p->input);
    const struct ps_source valid =
        validates ? spectra_source(&j->valid, "validation part") : spectra_source(&j->test, "test part");
    const bool as_pca = j->spec.shortcut == AUTOENCODER_PCA && !p->train.weights[0];
    char describe[2 * PS_TEXT_MAX];
    if (as_pca) PS_TRY(find_components(run, j));
    snprintf(describe, sizeof describe,
             "%s %s %s %s, shortcut %s, %lld x %lld, scale %s, outlier %g, test %g, validation %g, noise %g, "
             "mask %g",
             p->layers, p->activation, p->code_activation, p->output_activation, p->shortcut,
             (long long)j->all.n, (long long)j->all.bands, p->scale, p->outlier, p->test, p->validation,
             p->noise, p->mask);
    const struct ps_train_job job = {
        .params = &p->train,
        .net = &j->model.net,
        .describe = describe,
        .loss = PS_LOSS_SQUARES,
        .same = !(p->noise > 0) && !(p->mask > 0),
        .begin = as_pca ? begin_as_pca : NULL,
        .begin_context = j,
        .train = &source,
        .valid = &valid,
        .valid_is_test = !validates,
        .score = autoencoder_score(&j->test),
        .figures = autoencoder_figures,
        .n_figures = AUTOENCODER_FIGURES,
        .figure_name = autoencoder_figure_name,
        .follow = AUTOENCODER_MSE,
    };
    return ps_train(run, &job, &j->trained);
}

/* Figures of the test part, the net's and those of principal components. Collective. */
static enum ps_status report(struct ps_run *run, struct job *j)
{
    const struct ps_source test = spectra_source(&j->test, "test part");
    const struct ps_score score = autoencoder_score(&j->test);
    double sum[PS_SUMS_MAX], net[AUTOENCODER_FIGURES], pca[AUTOENCODER_FIGURES];
    ps_phase(run, "test");
    PS_TRY(ps_evaluate(run, &j->model.net, &test, PS_EVALUATE_CHUNK, PS_TARGET_INPUT, j->trained.w,
                       j->trained.prepared, &score, sum));
    autoencoder_figures(sum, test.n, net);
    const bool compare = j->p->pca && ps_pca_available();
    if (compare) {
        PS_TRY(find_components(run, j));
        PS_TRY(autoencoder_pca_figures(run, &j->pca, &j->test, pca));
    } else if (j->p->pca) {
        ps_warn(run, "PCA is left out: this build has no ScaLAPACK (Debian: libscalapack-openmpi-dev)\n");
    }
    autoencoder_tell(run, &j->model, &j->test, net, compare ? pca : NULL,
                     compare ? autoencoder_explained(&j->pca) : 0);
    return PS_OK;
}

/* Files that are asked for. Collective. */
static enum ps_status write_outputs(struct ps_run *run, struct job *j)
{
    const struct autoencoder_params *p = j->p;
    struct autoencoder_output o;
    const struct autoencoder_picture picture = {.path = p->plot,
                                                .height = p->image[0] ? j->spec.input.height : 0,
                                                .width = j->spec.input.width,
                                                .channels = j->spec.input.channels,
                                                .bands = &p->plot_bands,
                                                .shown = &j->test};
    if (!p->codes[0] && !p->reconstruction[0] && !p->plot[0]) return PS_OK;
    ps_phase(run, "write");
    PS_TRY(autoencoder_apply(run, &j->model, &j->trained, &j->test, &o));
    enum ps_status rc = PS_OK;
    if (p->codes[0]) rc = autoencoder_write_codes(run, p->codes, j->label, &j->all, &j->model, &o);
    if (rc == PS_OK && p->reconstruction[0]) rc = autoencoder_write_back(run, p->reconstruction, &j->all, &o);
    if (rc == PS_OK && p->plot[0]) rc = autoencoder_plot(run, &picture, &o);
    autoencoder_output_free(&o);
    return rc;
}

static enum ps_status run_autoencoder(struct ps_run *run, const void *params)
{
    struct job j = {.p = params};
    enum ps_status rc;
    PS_TRY_DONE(ps_train_params_check(&j.p->train));
    PS_TRY_DONE(autoencoder_check(run, j.p));
    PS_TRY_DONE(ps_train_kernels(run, &j.p->train, &j.device, &j.kernels));
    PS_TRY_DONE(prepare(run, &j));
    PS_TRY_DONE(build(run, &j));
    PS_TRY_DONE(train(run, &j));
    PS_TRY_DONE(report(run, &j));
    PS_TRY_DONE(write_outputs(run, &j));
done:
    ps_train_free(&j.trained);
    ps_pca_free(&j.pca);
    autoencoder_free(&j.model);
    spectra_scale_free(&j.scale);
    spectra_free(&j.all);
    free(j.label);
    ps_device_close(&j.device);
    return rc;
}

int main(int argc, char **argv)
{
    static struct ps_program program = {
        .name = "autoencoder-train",
        .summary =
            "train a net that narrows spectra or images to a code, and compare it with principal components",
        .synopsis = "[options] [parameters.par] data",
        .rows = autoencoder_rows,
        .params_size = sizeof(struct autoencoder_params),
        .common = PS_HAS_CHECKPOINT | PS_HAS_BACKEND | PS_HAS_SEED | PS_HAS_GRAINS,
        .run = run_autoencoder,
    };
    program.nrows = autoencoder_nrows;
    return ps_main(argc, argv, &program);
}
