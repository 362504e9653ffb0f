/* ranks: 1 */
#include "mpicheck.h"
#include <math.h>
#include <string.h>
#include "apps/resnet50/resnet50_model.h"
#include "apps/resnet50/resnet50_params.h"
#include "apps/resnet50/resnet50_report.h"
#include "common/nn/cost.h"
#include "common/run/err.h"

static enum ps_status make(const char *model, int64_t side, int64_t outputs, bool zero, struct ps_net *net)
{
    const struct resnet50_plan plan = {.model = model,
                                       .height = side,
                                       .width = side,
                                       .bands = 3,
                                       .outputs = outputs,
                                       .zero_norm = zero,
                                       .init = PS_INIT_HE,
                                       .seed = 1};
    return resnet50_model(&plan, &ps_nn_ref, net);
}

/* Numbers of parameters and tensors that torchvision's nets have; those for CIFAR by table 6 of the paper,
 * with shortcuts of 16 x 32 and 32 x 64 weights and their norms. */
START_TEST(sizes)
{
    static const struct {
        const char *name;
        int64_t side, outputs, weights;
        int tensors; /* with running means and variances */
    } want[] = {{"resnet18", 224, 1000, 11689512, 102},  {"resnet34", 224, 1000, 21797672, 182},
                {"resnet50", 224, 1000, 25557032, 267},  {"resnet101", 224, 1000, 44549160, 522},
                {"resnet152", 224, 1000, 60192808, 777}, {"resnet20", 32, 10, 272474, 107},
                {"resnet56", 32, 10, 855770, 287}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        static struct ps_tensor tensor[4096];
        struct ps_net net;
        ck_assert_msg(make(want[i].name, want[i].side, want[i].outputs, false, &net) == PS_OK, "%s",
                      ps_err_message());
        ck_assert_msg(net.weights == want[i].weights, "%s: %lld weights", want[i].name,
                      (long long)net.weights);
        const int n = ps_net_tensors(&net, tensor);
        ck_assert_msg(n == want[i].tensors, "%s: %d tensors", want[i].name, n);
        ps_net_free(&net);
    }
}
END_TEST

static const struct ps_node *node_of(const struct ps_net *net, const char *name)
{
    for (int i = 0; i < net->nodes; i++)
        if (strcmp(net->node[i].name, name) == 0) return &net->node[i];
    ck_abort_msg("there is no layer %s", name);
    return NULL;
}

/* Version 1.5: a bottleneck's stride is in its 3 x 3 convolution; shortcuts have strides where stages begin.
 */
START_TEST(strides)
{
    struct ps_net net;
    ck_assert(make("resnet50", 224, 1000, false, &net) == PS_OK);
    static const struct {
        const char *name;
        int kernel, stride;
        int64_t rows, out;
    } want[] = {{"conv1", 7, 2, 112, 64},
                {"layer1.0.conv2", 3, 1, 56, 64},
                {"layer1.0.downsample.0", 1, 1, 56, 256},
                {"layer2.0.conv1", 1, 1, 56, 128},
                {"layer2.0.conv2", 3, 2, 28, 128},
                {"layer2.0.downsample.0", 1, 2, 28, 512},
                {"layer4.2.conv3", 1, 1, 7, 2048}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct ps_nn_conv *c = &node_of(&net, want[i].name)->as.conv;
        ck_assert_msg(c->at.kernel == want[i].kernel && c->at.stride == want[i].stride &&
                          c->at.rows == want[i].rows && c->out == want[i].out && c->plain,
                      "%s: %d x %d, stride %d, to %lld x %lld", want[i].name, c->at.kernel, c->at.kernel,
                      c->at.stride, (long long)c->at.rows, (long long)c->out);
    }
    ps_net_free(&net);
}
END_TEST

/* 4,089,184,256 and 1,814,073,344 multiplications, as torchvision's pages have them; training takes three
 * times that, but for the gradient of the image, 112 x 112 x 64 x 7 x 7 x 3. */
START_TEST(cost)
{
    struct ps_net net;
    const double image = 2 * 112.0 * 112 * 64 * 7 * 7 * 3;
    ck_assert(make("resnet50", 224, 1000, false, &net) == PS_OK);
    ck_assert_msg(ps_net_flop(&net, false) == 2 * 4089184256.0, "%.0f", ps_net_flop(&net, false));
    ck_assert_msg(ps_net_flop(&net, true) == 6 * 4089184256.0 - image, "%.0f", ps_net_flop(&net, true));
    ps_net_free(&net);
    ck_assert(make("resnet18", 224, 1000, false, &net) == PS_OK);
    ck_assert_msg(ps_net_flop(&net, false) == 2 * 1814073344.0, "%.0f", ps_net_flop(&net, false));
    ps_net_free(&net);
}
END_TEST

/* Only the last norms of blocks begin with 0, if asked for. */
START_TEST(zero)
{
    struct ps_net net;
    ck_assert(make("resnet18", 64, 10, true, &net) == PS_OK);
    float *w = malloc((size_t)(net.weights + net.buffers) * sizeof *w);
    ps_net_init(&net, w);
    ck_assert(w[node_of(&net, "layer2.1.bn2")->weights_at] == 0);
    ck_assert(w[node_of(&net, "layer2.1.bn1")->weights_at] == 1 && w[node_of(&net, "bn1")->weights_at] == 1);
    ck_assert(w[node_of(&net, "layer2.0.downsample.1")->weights_at] == 1);
    free(w);
    ps_net_free(&net);
}
END_TEST

/* Images that are too small or not square. */
START_TEST(refused)
{
    struct ps_net net;
    const struct resnet50_plan wide = {
        .model = "resnet18", .height = 64, .width = 128, .bands = 3, .outputs = 10, .init = PS_INIT_HE};
    ck_assert(resnet50_model(&wide, &ps_nn_ref, &net) == PS_EUSAGE);
    ck_assert_msg(strstr(ps_err_message(), "2 x 4 places"), "%s", ps_err_message());
    ps_err_clear();
    ps_net_free(&net);
    ck_assert(make("resnet50", 1, 10, false, &net) == PS_OK); /* borders make up for it */
    ps_net_free(&net);
}
END_TEST

/* What a score makes of logits and targets. */
static void score_of(struct resnet50_judge *judge, int64_t n, const float *logits, const void *target,
                     double *figure)
{
    struct ps_node last = {.out = {1, 1, judge->classes, false}};
    const struct ps_net net = {.kernels = &ps_nn_ref, .node = &last, .nodes = 1};
    void *y[] = {(void *)(uintptr_t)logits};
    const struct ps_net_work work = {.net = &net, .y = y};
    int64_t sample[16];
    for (int64_t i = 0; i < n; i++) sample[i] = i;
    const struct ps_net_batch batch = {.n = n, .sample = sample};
    const struct ps_score score = resnet50_score(judge);
    double sum[PS_SUMS_MAX] = {0};
    ck_assert(score.sums <= PS_SUMS_MAX);
    score.add(score.context, &work, &batch, target, sum);
    (judge->several ? resnet50_figures_several : resnet50_figures)(sum, n, figure);
}

/* Seven classes: a label that is first; fifth; sixth; equal to a smaller class's and to a larger one's; NaN.
 */
START_TEST(top)
{
    static const float logits[6][7] = {{9, 1, 2, 3, 4, 5, 6}, {3, 1, 7, 6, 5, 4, 2}, {2, 1, 7, 6, 5, 4, 3},
                                       {5, 5, 0, 0, 0, 0, 0}, {5, 5, 0, 0, 0, 0, 0}, {1, NAN, 0, 0, 0, 0, 0}};
    static const int32_t label[6] = {0, 0, 0, 1, 0, 1};
    double figure[RESNET50_FIGURES];
    int32_t answer[6];
    struct resnet50_judge judge = {.classes = 7, .answer = answer};
    score_of(&judge, 6, &logits[0][0], label, figure);
    ck_assert_msg(fabs(figure[RESNET50_TOP1] - 2.0 / 6) < 1e-15, "top-1 %g", figure[RESNET50_TOP1]);
    ck_assert_msg(fabs(figure[RESNET50_TOP5] - 4.0 / 6) < 1e-15, "top-5 %g", figure[RESNET50_TOP5]);
    ck_assert(answer[0] == 0 && answer[1] == 2 && answer[3] == 0 && answer[4] == 0);
}
END_TEST

/* Two classes: 2 found, 1 missed, 1 wrong; nothing found of one, missed 1. Micro: 4 / (4 + 1 + 2); macro: (4
 * / 6
 * + 0) / 2. The loss of logits of 0 is log 2. */
START_TEST(f1)
{
    static const float logits[4][2] = {{1, -1}, {2, -1}, {-1, -2}, {3, -3}};
    static const float truth[4][2] = {{1, 0}, {1, 1}, {1, 0}, {0, 0}}, zero[2] = {0, 0};
    double figure[RESNET50_FIGURES];
    struct resnet50_judge judge = {.classes = 2, .several = true};
    score_of(&judge, 4, &logits[0][0], truth, figure);
    ck_assert_msg(fabs(figure[RESNET50_MICRO] - 4.0 / 7) < 1e-15, "micro %g", figure[RESNET50_MICRO]);
    ck_assert_msg(fabs(figure[RESNET50_MACRO] - 1.0 / 3) < 1e-15, "macro %g", figure[RESNET50_MACRO]);
    score_of(&judge, 1, zero, truth, figure);
    ck_assert_msg(fabs(figure[RESNET50_LOSS] - log(2)) < 1e-7, "loss %g", figure[RESNET50_LOSS]);
    judge.classes = RESNET50_SEVERAL_MAX;
    ck_assert(resnet50_score(&judge).sums <= PS_SUMS_MAX);
}
END_TEST

/* 10 images an epoch in steps of 4, 4 and 2; the run went on after two steps, so that the first of these has
 * 2 images and is not counted. */
START_TEST(rates)
{
    const struct resnet50_speed s = {.images = 10, .step = 4};
    const double seconds[] = {100, 1, 2, 0.5};
    struct resnet50_rates r;
    ck_assert(resnet50_rates(&s, seconds, 4, 2, &r) == PS_OK);
    ck_assert_msg(r.steps == 3 && fabs(r.mean - 10 / 3.5) < 1e-14, "mean %g", r.mean);
    ck_assert_msg(r.least == 2 && r.most == 4 && r.median == 4, "%g %g %g", r.least, r.median, r.most);
    ck_assert(resnet50_rates(&s, seconds, 1, 2, &r) == PS_OK && r.steps == 1 && r.mean == 0.02);
    ck_assert(resnet50_rates(&s, seconds, 0, 2, &r) == PS_OK && r.steps == 0);
}
END_TEST

/* 1024 images an update, four times those that the rate is for; 10,000 images take ten updates. */
START_TEST(params)
{
    static struct resnet50_params p = {.model = "resnet20", .rate_batch = 256, .warm_up_epochs = 1.5};
    static struct ps_train_params t;
    p.train.batch = 512, p.train.accumulate = 2, p.train.rate = 0.1, p.train.last_rate = 0.001;
    ck_assert(resnet50_train_params(&p, 10000, &t) == PS_OK);
    ck_assert_msg(t.rate == 0.4 && t.last_rate == 0.004 && t.warm_up == 15, "%g %g %lld", t.rate, t.last_rate,
                  (long long)t.warm_up);
    p.rate_batch = 0, p.warm_up_epochs = 0, p.train.warm_up = 7, p.freeze = 4;
    ck_assert(resnet50_train_params(&p, 10000, &t) == PS_OK && t.rate == 0.1 && t.warm_up == 7);
    p.freeze = 5; /* a stem and three stages */
    ck_assert(resnet50_train_params(&p, 10000, &t) == PS_EUSAGE);
    ps_err_clear();
    p.freeze = 0, p.warm_up_epochs = 1;
    ck_assert(resnet50_train_params(&p, 10000, &t) == PS_EUSAGE);
    ps_err_clear();
    p.warm_up_epochs = 0, p.new_head = true;
    ck_assert(resnet50_train_params(&p, 10000, &t) == PS_EUSAGE);
    ps_err_clear();
}
END_TEST

/* Frozen layers cost a forward pass, the first one that is trained no gradient of its input. */
START_TEST(frozen)
{
    struct ps_net net;
    struct resnet50_plan plan = {
        .model = "resnet18", .height = 64, .width = 64, .bands = 3, .outputs = 10, .init = PS_INIT_HE};
    ck_assert(resnet50_model(&plan, &ps_nn_ref, &net) == PS_OK && net.frozen_weights == 0);
    const double forward = ps_net_flop(&net, false);
    ps_net_free(&net);
    plan.freeze = 5; /* all but fc: 512 x 10 weights and 10 biases */
    ck_assert(resnet50_model(&plan, &ps_nn_ref, &net) == PS_OK);
    ck_assert_msg(net.weights - net.frozen_weights == 5130, "%lld", (long long)net.frozen_weights);
    ck_assert_msg(ps_net_flop(&net, true) == forward + 2 * 5120, "%.0f", ps_net_flop(&net, true));
    ps_net_free(&net);
    plan.freeze = 1; /* conv1 and bn1 */
    ck_assert(resnet50_model(&plan, &ps_nn_ref, &net) == PS_OK);
    ck_assert_msg(net.frozen_weights == 64 * 3 * 7 * 7 + 128, "%lld", (long long)net.frozen_weights);
    ps_net_free(&net);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {sizes, strides, cost, zero, refused, top, f1, rates, params, frozen, NULL};
    return mck_main(argc, argv, "resnet50", tests);
}
