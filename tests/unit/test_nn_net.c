/* ranks: 1 */
#include "netcheck.h"

/* Every kind of layer, and a node that is read twice. */
static void images(struct ps_net *net, const struct ps_nn_kernels *k)
{
    ps_net_begin(net, k, (struct ps_shape){9, 8, 2, false}, PS_INIT_TORCH, 5);
    int a = ps_net_conv(net, 0, "conv1", 6, 3, 1, 1, PS_NN_LINEAR);
    a = ps_net_batch_norm(net, a, "bn1", 1e-5, 0.1, PS_NN_TANH);
    int b = ps_net_conv(net, a, "conv2", 6, 3, 1, 1, PS_NN_TANH);
    b = ps_net_sum(net, b, a);
    b = ps_net_pool(net, b, true, 2, 2, 0);
    b = ps_net_layer_norm(net, b, "ln", 1e-5);
    b = ps_net_dropout(net, b, 0.3);
    ps_net_dense(net, b, "fc", 5, PS_NN_SIGMOID);
    ck_assert_msg(ps_net_end(net) == PS_OK, "%s", ps_err_message());
}

static void series(struct ps_net *net, const struct ps_nn_kernels *k)
{
    ps_net_begin(net, k, (struct ps_shape){6, 1, 3, true}, PS_INIT_GLOROT, 6);
    int a = ps_net_lstm(net, 0, "lstm", 0, 7);
    a = ps_net_lstm(net, a, "lstm", 1, 4);
    a = ps_net_last_step(net, a);
    ps_net_dense(net, a, "out", 2, PS_NN_LINEAR);
    ck_assert_msg(ps_net_end(net) == PS_OK, "%s", ps_err_message());
}

/* Features become an image, which grows; it is the sum of two. */
static void decoder(struct ps_net *net, const struct ps_nn_kernels *k)
{
    ps_net_begin(net, k, (struct ps_shape){1, 1, 6, false}, PS_INIT_GLOROT, 7);
    int a = ps_net_dense_image(net, 0, "grow", (struct ps_shape){3, 2, 4, false}, PS_NN_TANH);
    a = ps_net_upsample(net, a, 5, 4);
    const int b = ps_net_conv(net, a, "conv1", 4, 3, 1, 1, PS_NN_SIGMOID);
    a = ps_net_sum(net, b, a);
    a = ps_net_upsample(net, a, 10, 7);
    ps_net_conv(net, a, "conv2", 2, 3, 1, 1, PS_NN_LINEAR);
    ck_assert_msg(ps_net_end(net) == PS_OK, "%s", ps_err_message());
}

START_TEST(gradients)
{
    check_gradients(images);
    check_gradients(series);
    check_gradients(decoder);
}
END_TEST

START_TEST(single)
{
    check_single(images);
    check_single(series);
    check_single(decoder);
}
END_TEST

/* Names and shapes of tensors are PyTorch's; together they are all elements, once. */
START_TEST(tensors)
{
    struct ps_net net;
    struct ps_tensor t[PS_TENSORS_MAX * 16];
    images(&net, &ps_nn_cpu);
    const int n = ps_net_tensors(&net, t);
    static const char *const names[] = {"conv1.weight",     "conv1.bias",      "bn1.weight",   "bn1.bias",
                                        "bn1.running_mean", "bn1.running_var", "conv2.weight", "conv2.bias",
                                        "ln.weight",        "ln.bias",         "fc.weight",    "fc.bias"};
    ck_assert_int_eq(n, 12);
    int64_t all = 0;
    for (int i = 0; i < n; i++) {
        int64_t size = 1;
        ck_assert_str_eq(t[i].name, names[i]);
        for (int d = 0; d < t[i].dims; d++) size *= t[i].dim[d];
        all += size;
    }
    ck_assert_int_eq(all, net.weights + net.buffers);
    ck_assert(t[0].column_channels == 2 && t[10].column_channels == 6);
    ck_assert(t[10].dims == 2 && t[10].dim[0] == 5 && t[10].dim[1] == 6 * 4 * 4);
    ps_net_free(&net);
    series(&net, &ps_nn_cpu);
    ck_assert_int_eq(ps_net_tensors(&net, t), 10);
    ck_assert_str_eq(t[4].name, "lstm.weight_ih_l1");
    ck_assert(t[4].dim[0] == 16 && t[4].dim[1] == 7);
    ps_net_free(&net);
    decoder(&net, &ps_nn_cpu);
    ck_assert_int_eq(ps_net_tensors(&net, t), 6);
    ck_assert(t[0].dims == 2 && t[0].dim[0] == 3 * 2 * 4 && t[0].dim[1] == 6);
    ck_assert(t[0].row_channels == 4 && t[1].row_channels == 4);
    ps_net_free(&net);
}
END_TEST

/* What does not fit is told in one sentence, by the last call. */
START_TEST(misfits)
{
    struct ps_net net;
    ps_net_begin(&net, &ps_nn_cpu, (struct ps_shape){4, 4, 1, false}, PS_INIT_TORCH, 1);
    int a = ps_net_conv(&net, 0, "conv", 3, 5, 1, 0, PS_NN_RELU);
    ps_net_dense(&net, a, "fc", 2, PS_NN_LINEAR);
    ck_assert(ps_net_end(&net) == PS_EUSAGE && strstr(ps_err_message(), "5 x 5"));
    ps_net_free(&net);
    ps_err_clear();
    ps_net_begin(&net, &ps_nn_cpu, (struct ps_shape){4, 4, 1, false}, PS_INIT_TORCH, 1);
    ps_net_upsample(&net, 0, 8, 3);
    ck_assert(ps_net_end(&net) == PS_EUSAGE && strstr(ps_err_message(), "8 x 3 does not fit"));
    ps_net_free(&net);
    ps_err_clear();
    ps_net_begin(&net, &ps_nn_cpu, (struct ps_shape){1, 1, 8, false}, PS_INIT_TORCH, 1);
    ps_net_lstm(&net, 0, "lstm", 0, 4);
    ck_assert(ps_net_end(&net) == PS_EUSAGE && strstr(ps_err_message(), "series"));
    ps_net_free(&net);
    ps_err_clear();
    ps_net_begin(&net, &ps_nn_cpu, (struct ps_shape){1, 1, 8, false}, PS_INIT_TORCH, 1);
    a = ps_net_dense(&net, 0, "one", 4, PS_NN_RELU);
    ps_net_dense(&net, 0, "two", 4, PS_NN_RELU);
    ck_assert(ps_net_end(&net) == PS_EUSAGE && strstr(ps_err_message(), "read by no other"));
    ps_net_free(&net);
    ps_err_clear();
}
END_TEST

/* Places are those of nn.Upsample(size = (3, 5)) with mode = 'nearest'. */
START_TEST(neighbours)
{
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_cpu};
    const struct ps_nn_upsample l = {2, 3, 1, 3, 5};
    const float want[15] = {1, 1, 2, 2, 3, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6};
    for (int t = 0; t < 2; t++) {
        const float x[6] = {1, 2, 3, 4, 5, 6};
        float y[15];
        tables[t]->upsample_forward(&l, &(struct ps_nn_pass){.n = 1, .x = x, .y = y});
        for (int i = 0; i < 15; i++)
            ck_assert_msg(y[i] == want[i], "%s: place %d is %g", tables[t]->name, i, y[i]);
    }
}
END_TEST

/* Running means follow: after one step of two grains. */
START_TEST(buffers)
{
    struct ps_net net;
    images(&net, &ps_nn_ref64);
    double *w = calloc((size_t)(net.weights + net.buffers), sizeof *w),
           *dw = calloc((size_t)(net.weights + net.buffers), sizeof *dw);
    ps_net_init(&net, w);
    ck_assert(w[net.weights] == 0 && w[net.weights + 6] == 1);
    dw[net.weights] = 5, dw[net.weights + 6] = 6;
    ps_net_buffers_follow(&net, dw, 2, w);
    ck_assert_msg(fabs(w[net.weights] - 0.25) < 1e-15 && fabs(w[net.weights + 6] - 1.2) < 1e-15, "%g %g",
                  w[net.weights], w[net.weights + 6]);
    free(w), free(dw);
    ps_net_free(&net);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {gradients, single, tensors, misfits, neighbours, buffers, NULL};
    return mck_main(argc, argv, "nn_net", tests);
}
