/* What a net makes of a batch, for a comparison with PyTorch. In a folder it reads before.safetensors
 * (weights) and batch.safetensors (x [n][...], channels last; label [n] or target [n][out]), and writes
 * logits.safetensors (logits, loss), gradients.safetensors and, after --epochs updates on that batch,
 * after.safetensors and curve.safetensors (the loss before each). usage: nn-golden FOLDER --net NAME
 * --optimizer NAME [--precision fp32|bf16] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/resnet50/resnet50_model.h"
#include "common/io/safetensors.h"
#include "common/nn/gradients.h"
#include "common/nn/optimizer.h"
#include "common/nn/train_params.h"
#include "common/nn/weights.h"
#include "common/run/log.h"

enum { STEPS_MAX = 64 };

struct params {
    ps_str folder, net;
    struct ps_train_params train;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, folder, .positional = 1, .help = "folder of the files"),
    PS_PARAM(struct params, net,
             .choices = "dense|image|residual|bottleneck|decoder|series|resnet18|resnet50|resnet20",
             .help = "which net"),
    PS_TRAIN_ROWS(struct params, train, "10", "1", "sgd", "0.01"),
};

/* --- the nets; nets.py has the same ------------------------------------------------------------------- */
static void dense(struct ps_net *net)
{
    ps_net_begin(net, &ps_nn_cpu, (struct ps_shape){1, 1, 30, false}, PS_INIT_TORCH, 1);
    int a = ps_net_dense(net, 0, "fc1", 70, PS_NN_RELU);
    a = ps_net_dense(net, a, "fc2", 33, PS_NN_TANH);
    a = ps_net_layer_norm(net, a, "norm", 1e-5);
    a = ps_net_dense(net, a, "fc3", 17, PS_NN_SIGMOID);
    ps_net_dense(net, a, "fc4", 10, PS_NN_LINEAR);
}

static void image(struct ps_net *net)
{
    ps_net_begin(net, &ps_nn_cpu, (struct ps_shape){28, 28, 1, false}, PS_INIT_TORCH, 1);
    int a = ps_net_conv(net, 0, "conv1", 20, 5, 1, 2, PS_NN_RELU);
    a = ps_net_pool(net, a, false, 2, 2, 0);
    a = ps_net_conv(net, a, "conv2", 50, 5, 1, 2, PS_NN_RELU);
    a = ps_net_pool(net, a, false, 2, 2, 0);
    a = ps_net_dense(net, a, "fc1", 500, PS_NN_RELU);
    ps_net_dense(net, a, "fc2", 10, PS_NN_LINEAR);
}

static void residual(struct ps_net *net)
{
    ps_net_begin(net, &ps_nn_cpu, (struct ps_shape){17, 15, 3, false}, PS_INIT_TORCH, 1);
    int a = ps_net_conv(net, 0, "conv1", 16, 7, 2, 3, PS_NN_LINEAR);
    a = ps_net_batch_norm(net, a, "bn1", 1e-5, 0.1, PS_NN_RELU);
    a = ps_net_pool(net, a, false, 3, 2, 1);
    int b = ps_net_conv(net, a, "conv2", 16, 3, 1, 1, PS_NN_LINEAR);
    b = ps_net_batch_norm(net, b, "bn2", 1e-5, 0.1, PS_NN_RELU);
    b = ps_net_conv(net, b, "conv3", 16, 1, 1, 0, PS_NN_LINEAR);
    a = ps_net_sum(net, b, a);
    a = ps_net_pool(net, a, true, 2, 2, 0);
    ps_net_dense(net, a, "fc", 10, PS_NN_LINEAR);
}

static int conv_norm(struct ps_net *net, int from, const char *name, int64_t out, int kernel, int stride,
                     enum ps_nn_act act)
{
    char text[32];
    snprintf(text, sizeof text, "conv%s", name);
    const int a = ps_net_conv_plain(net, from, text, out, kernel, stride, kernel / 2);
    snprintf(text, sizeof text, "bn%s", name);
    return ps_net_batch_norm(net, a, text, 1e-5, 0.1, act);
}

static void bottleneck(struct ps_net *net)
{
    ps_net_begin(net, &ps_nn_cpu, (struct ps_shape){22, 19, 3, false}, PS_INIT_TORCH, 1);
    int a = conv_norm(net, 0, "0", 16, 7, 2, PS_NN_RELU);
    a = ps_net_pool(net, a, false, 3, 2, 1);
    int b = conv_norm(net, a, "1", 16, 1, 1, PS_NN_RELU);
    b = conv_norm(net, b, "2", 16, 3, 2, PS_NN_RELU);
    b = conv_norm(net, b, "3", 64, 1, 1, PS_NN_LINEAR);
    a = ps_net_sum_act(net, b, conv_norm(net, a, "4", 64, 1, 2, PS_NN_LINEAR), PS_NN_RELU);
    b = conv_norm(net, a, "5", 16, 1, 1, PS_NN_RELU);
    b = conv_norm(net, b, "6", 16, 3, 1, PS_NN_RELU);
    b = conv_norm(net, b, "7", 64, 1, 1, PS_NN_LINEAR);
    a = ps_net_sum_act(net, b, a, PS_NN_RELU);
    a = ps_net_pool(net, a, true, 3, 3, 0);
    ps_net_dense(net, a, "fc", 10, PS_NN_LINEAR);
}

static void decoder(struct ps_net *net)
{
    ps_net_begin(net, &ps_nn_cpu, (struct ps_shape){1, 1, 30, false}, PS_INIT_TORCH, 1);
    int a = ps_net_dense_image(net, 0, "fc1", (struct ps_shape){4, 3, 24, false}, PS_NN_RELU);
    a = ps_net_upsample(net, a, 7, 6);
    a = ps_net_conv(net, a, "conv1", 20, 3, 1, 1, PS_NN_RELU);
    a = ps_net_upsample(net, a, 14, 12);
    a = ps_net_conv(net, a, "conv2", 3, 3, 1, 1, PS_NN_SIGMOID);
    ps_net_dense(net, a, "fc2", 10, PS_NN_LINEAR);
}

static void series(struct ps_net *net)
{
    ps_net_begin(net, &ps_nn_cpu, (struct ps_shape){12, 1, 5, true}, PS_INIT_TORCH, 1);
    int a = ps_net_lstm(net, 0, "lstm", 0, 40);
    a = ps_net_lstm(net, a, "lstm", 1, 40);
    a = ps_net_last_step(net, a);
    ps_net_dense(net, a, "fc", 3, PS_NN_LINEAR);
}

static void images(struct ps_net *net, const char *model, int64_t side)
{
    const struct resnet50_plan plan = {.model = model,
                                       .height = side,
                                       .width = side,
                                       .bands = 3,
                                       .outputs = 10,
                                       .init = PS_INIT_HE,
                                       .seed = 1};
    resnet50_model(&plan, &ps_nn_cpu, net);
}

static void resnet18(struct ps_net *net)
{
    images(net, "resnet18", 64);
}

static void resnet50(struct ps_net *net)
{
    images(net, "resnet50", 64);
}

static void resnet20(struct ps_net *net)
{
    images(net, "resnet20", 32);
}

static const struct {
    const char *name;
    void (*build)(struct ps_net *net);
    bool labels;
} nets[] = {{"dense", dense, true},           {"image", image, true},       {"residual", residual, true},
            {"bottleneck", bottleneck, true}, {"decoder", decoder, true},   {"series", series, false},
            {"resnet18", resnet18, true},     {"resnet50", resnet50, true}, {"resnet20", resnet20, true}};

/* --- a batch and its passes ------------------------------------------------------------------------- */
struct state {
    struct ps_net net;
    struct ps_net_work work;
    struct ps_safetensors file;
    bool labels;
    int64_t n, out;
    const float *x, *target;
    int32_t *label;
    float *w, *prepared, *gradient;
};

static const struct ps_safe_tensor *find(const struct ps_safetensors *s, const char *name)
{
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->tensor[i].name, name) == 0) return &s->tensor[i];
    return NULL;
}

static enum ps_status read_batch(const char *folder, struct state *s)
{
    char path[PS_STR_MAX + 64];
    snprintf(path, sizeof path, "%s/batch.safetensors", folder);
    PS_TRY(ps_safetensors_read(path, &s->file));
    const struct ps_safe_tensor *x = find(&s->file, "x"), *y = find(&s->file, s->labels ? "label" : "target");
    PS_CHECK(x && y && x->type == PS_SAFE_F32 && y->type == (s->labels ? PS_SAFE_I64 : PS_SAFE_F32),
             PS_EINPUT, "%s: x and label or target are not there", path);
    s->n = x->dim[0];
    s->x = x->data;
    PS_TRY(ps_alloc(&s->label, s->n, sizeof *s->label, "labels"));
    if (s->labels)
        for (int64_t i = 0; i < s->n; i++) s->label[i] = (int32_t)((const int64_t *)y->data)[i];
    else
        s->target = y->data;
    return PS_OK;
}

/* Loss and gradients of the weights as they are. */
static double pass(struct state *s, const float **logits)
{
    const struct ps_nn_kernels *k = s->net.kernels;
    const struct ps_net_batch batch = {.n = s->n, .x = s->x, .training = true};
    const struct ps_net_gradient g = {.dw = s->gradient};
    ps_net_prepare(&s->net, s->w, s->prepared, 0, 1);
    *logits = ps_net_forward(&s->work, &batch, s->w, s->prepared);
    void *dy = ps_net_output_gradient(&s->work);
    const double scale = 1 / (double)(s->labels ? s->n : s->n * s->out);
    const struct ps_nn_softmax softmax = {.classes = s->out};
    const double loss = s->labels ? k->softmax_loss(&softmax, s->n, *logits, s->label, scale, dy)
                                  : k->square_loss(s->n * s->out, *logits, s->target, scale, dy);
    ps_net_backward(&s->work, &batch, s->w, s->prepared, &g);
    return loss * scale;
}

static enum ps_status write_logits(const char *path, const struct state *s, const float *logits, double loss)
{
    const float value = (float)loss;
    const struct ps_safe_tensor out[] = {
        {.name = "logits", .type = PS_SAFE_F32, .dims = 2, .dim = {s->n, s->out}, .data = logits},
        {.name = "loss", .type = PS_SAFE_F32, .dims = 1, .dim = {1}, .data = &value}};
    return ps_safetensors_write(path, out, 2, NULL);
}

static enum ps_status steps(struct ps_run *run, const struct params *p, struct state *s)
{
    const struct ps_optimizer_plan plan = ps_train_optimizer(&p->train);
    struct ps_optimizer *optimizer = NULL;
    struct ps_team team = {0};
    char path[PS_STR_MAX + 64];
    const float *logits;
    float curve[STEPS_MAX];
    const int64_t last = p->train.epochs < STEPS_MAX ? p->train.epochs : STEPS_MAX;
    const struct ps_safe_tensor losses = {
        .name = "curve", .type = PS_SAFE_F32, .dims = 1, .dim = {last}, .data = curve};
    enum ps_status rc = PS_OK;
    PS_TRY_DONE(ps_team_open(run->comm, 1, 0, &team));
    PS_TRY_DONE(ps_optimizer_open(&team, &s->net, &plan, &optimizer));
    for (int64_t step = 1; step <= last; step++) {
        const double loss = pass(s, &logits);
        curve[step - 1] = (float)loss;
        if (step == 1) {
            snprintf(path, sizeof path, "%s/logits.safetensors", p->folder);
            PS_TRY_DONE(write_logits(path, s, logits, loss));
            snprintf(path, sizeof path, "%s/gradients.safetensors", p->folder);
            PS_TRY_DONE(ps_weights_write(run, path, &s->net, s->gradient));
        }
        ps_optimizer_step(optimizer, 0, (struct ps_range){0, s->net.weights}, step, p->train.rate,
                          s->gradient, s->w);
        ps_net_buffers_follow(&s->net, s->gradient, 1, s->w);
    }
    snprintf(path, sizeof path, "%s/after.safetensors", p->folder);
    PS_TRY_DONE(ps_weights_write(run, path, &s->net, s->w));
    snprintf(path, sizeof path, "%s/curve.safetensors", p->folder);
    rc = ps_safetensors_write(path, &losses, 1, NULL);
done:
    ps_optimizer_close(optimizer);
    ps_team_close(&team);
    return rc;
}

static enum ps_status golden(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    struct state s = {.n = 0};
    char path[PS_STR_MAX + 64];
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        if (strcmp(nets[i].name, p->net) != 0) continue;
        nets[i].build(&s.net);
        s.labels = nets[i].labels;
    }
    enum ps_status rc = ps_net_end(&s.net);
    PS_TRY_DONE(rc);
    s.out = ps_shape_size(s.net.node[s.net.nodes - 1].out);
    PS_TRY_DONE(read_batch(p->folder, &s));
    PS_TRY_DONE(ps_net_work_make(&s.net, s.n, true, &s.work));
    PS_TRY_DONE(ps_alloc(&s.w, s.net.weights + s.net.buffers, sizeof *s.w, "weights"));
    PS_TRY_DONE(ps_alloc(&s.prepared, s.net.prepared, sizeof *s.prepared, "prepared weights"));
    PS_TRY_DONE(ps_alloc(&s.gradient, s.net.weights + s.net.buffers, sizeof *s.gradient, "gradients"));
    snprintf(path, sizeof path, "%s/before.safetensors", p->folder);
    PS_TRY_DONE(ps_weights_read(run, path, &s.net, s.w));
    rc = steps(run, p, &s);
done:
    ps_safetensors_free(&s.file);
    ps_net_work_free(&s.work);
    ps_net_free(&s.net);
    free(s.label);
    free(s.w);
    free(s.prepared);
    free(s.gradient);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct ps_program program = {
        .name = "nn-golden",
        .summary = "what a net makes of a batch",
        .synopsis = "FOLDER --net NAME",
        .rows = rows,
        .nrows = sizeof rows / sizeof rows[0],
        .params_size = sizeof(struct params),
        .run = golden,
    };
    return ps_main(argc, argv, &program);
}
