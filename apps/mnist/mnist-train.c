/* mnist-train: the nets of the lectures on handwritten digits, or on any labelled grey images. */
#include <stdio.h>
#include <stdlib.h>
#include "apps/mnist/mnist_data.h"
#include "apps/mnist/mnist_model.h"
#include "apps/mnist/mnist_score.h"
#include "apps/mnist/mnist_wrong.h"
#include "common/io/pngfile.h"
#include "common/nn/summary.h"
#include "common/nn/train.h"
#include "common/nn/train_kernels.h"
#include "common/run/log.h"
#include "common/run/timer.h"

struct params {
    ps_str model, wrong;
    double smoothing;
    struct mnist_choice choice;
    struct ps_train_params train;
};

/* A row of what is said about the data. */
#define DATA_ROW(x, ...) PS_TRAIN_ROW(struct params, choice, x, __VA_ARGS__)

static const struct ps_param rows[] = {
    DATA_ROW(data, .letter = 'i', .positional = 1, .def = "",
             .help = "folder of the four IDX files of MNIST and its like (also .gz), or a file of the arrays "
                     "x_train, y_train, x_test, y_test (.npz, HDF5)"),
    PS_PARAM(struct params, model, .letter = 'm', .def = "perceptron", .choices = "perceptron|ann|cnn",
             .help = "net"),
    PS_TRAIN_ROWS(struct params, train, "20", "128", "sgd", "0.01"),
    PS_PARAM(struct params, smoothing, .def = "0", .range = "[0,1)",
             .help = "share of a label's weight that goes to all classes"),
    DATA_ROW(validation, .def = "0", .range = "[0,1)",
             .help =
                 "share of the training samples that is held back for validation; 0: the test set is used"),
    DATA_ROW(train_images, .def = "", .help = "file, in place of the one that data gives"),
    DATA_ROW(train_labels, .def = "", .help = "file, in place of the one that data gives"),
    DATA_ROW(test_images, .def = "", .help = "file, in place of the one that data gives"),
    DATA_ROW(test_labels, .def = "", .help = "file, in place of the one that data gives"),
    DATA_ROW(train_limit, .def = "0", .range = "[0,inf)", .unit = "samples",
             .help = "of the training set that are taken, from its beginning; 0: all"),
    DATA_ROW(test_limit, .def = "0", .range = "[0,inf)", .unit = "samples",
             .help = "of the test set that are taken; 0: all"),
    DATA_ROW(height, .def = "0", .range = "[0,1000000]", .unit = "pixels",
             .help = "of images, in place of what the file says; 0: what it says, or else they are square"),
    DATA_ROW(classes, .def = "0", .range = "[0,1024]",
             .help = "labels are below it; 0: below the largest of the training set plus 1"),
    PS_PARAM(struct params, wrong, .def = "",
             .help = "PNG file for the test images that were not recognised, at most 100"),
};

/* Test the trained net, tell what came out, and draw the mistakes. Collective. */
static enum ps_status test(struct ps_run *run, const struct params *p, const struct mnist_data *d,
                           const struct ps_net *net, const struct ps_trained *trained)
{
    struct mnist_judge judge = {.classes = d->classes};
    const struct ps_score score = mnist_score(&judge);
    const int64_t n = d->test.n;
    int64_t *confusion = NULL;
    double sum[MNIST_SUMS], figure[MNIST_SUMS];
    enum ps_status rc = ps_alloc(&judge.answer, n, sizeof *judge.answer, "the answers");
    if (rc == PS_OK)
        rc = ps_alloc(&confusion, d->classes * d->classes, sizeof *confusion, "the confusion matrix");
    PS_TRY_DONE(ps_agree(run->comm, rc));
    for (int64_t i = 0; i < n; i++) judge.answer[i].label = -1;
    PS_TRY_DONE(ps_evaluate(run, net, &d->test, PS_EVALUATE_CHUNK, PS_TARGET_LABELS, trained->w,
                            trained->prepared, &score, sum));
    mnist_figures(sum, n, figure);
    mnist_confusion(run->comm, d->classes, n, d->test_set.label, judge.answer, confusion);
    mnist_report(run, d->classes, n, figure, confusion);
    if (p->wrong[0]) rc = mnist_wrong_write(run, p->wrong, &d->test_set, judge.answer);
done:
    free(judge.answer);
    free(confusion);
    return rc;
}

/* Collective. */
static enum ps_status train(struct ps_run *run, const struct params *p, const struct mnist_data *d,
                            const struct ps_net *net)
{
    static const char *const figure_name[] = {"val_loss", "val_accuracy"};
    struct mnist_judge judge = {.classes = d->classes};
    struct ps_trained trained = {0};
    char describe[128];
    snprintf(describe, sizeof describe, "%.16s %lldx%lld, %lld classes, %lld+%lld samples, smoothing %g",
             p->model, (long long)d->train_set.height, (long long)d->train_set.width, (long long)d->classes,
             (long long)d->train.n, (long long)d->valid.n, p->smoothing);
    const struct ps_train_job job = {.params = &p->train,
                                     .net = net,
                                     .describe = describe,
                                     .loss = PS_LOSS_SOFTMAX,
                                     .smoothing = p->smoothing,
                                     .train = &d->train,
                                     .valid = &d->valid,
                                     .valid_is_test = !(p->choice.validation > 0),
                                     .score = mnist_score(&judge),
                                     .figures = mnist_figures,
                                     .n_figures = MNIST_SUMS,
                                     .figure_name = figure_name,
                                     .follow = MNIST_RIGHT,
                                     .larger = true};
    enum ps_status rc = ps_train(run, &job, &trained);
    if (rc == PS_OK) {
        ps_phase(run, "test");
        rc = test(run, p, d, net, &trained);
    }
    ps_train_free(&trained);
    return rc;
}

static enum ps_status run_mnist(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    const struct ps_nn_kernels *kernels;
    struct ps_device device;
    struct mnist_data d = {0};
    struct ps_net net = {0};
    enum ps_status rc;
    if (p->wrong[0]) PS_TRY(ps_png_try(run->comm, p->wrong));
    PS_TRY(ps_train_kernels(run, &p->train, &device, &kernels));
    ps_phase(run, "read");
    PS_TRY_DONE(mnist_data_read(run, &p->choice, &d));
    PS_TRY_DONE(
        ps_agree(run->comm, mnist_model(p->model, kernels, d.train_set.height, d.train_set.width, d.classes,
                                        ps_train_init(&p->train), (uint64_t)run->common->seed, &net)));
    ps_net_summary(run, &net, p->model);
    ps_phase(run, "train");
    rc = train(run, p, &d, &net);
done:
    ps_net_free(&net);
    mnist_data_free(&d);
    ps_device_close(&device);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct ps_program program = {
        .name = "mnist-train",
        .summary = "train a perceptron, a dense or a convolutional net on handwritten digits and their like",
        .synopsis = "[options] [parameters.par] [data]",
        .rows = rows,
        .nrows = sizeof rows / sizeof rows[0],
        .params_size = sizeof(struct params),
        .common = PS_HAS_CHECKPOINT | PS_HAS_BACKEND | PS_HAS_SEED | PS_HAS_GRAINS,
        .run = run_mnist,
    };
    return ps_main(argc, argv, &program);
}
