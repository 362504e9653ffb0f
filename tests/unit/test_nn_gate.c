/* ranks: 1 */
#include "netcheck.h"

/* Layers that training leaves as they are; with these weights the gate is open to some samples only. */
static void fixed(struct ps_net *net, const struct ps_nn_kernels *k)
{
    ps_net_begin(net, k, (struct ps_shape){1, 1, 6, false}, PS_INIT_GLOROT, 8);
    const int a = ps_net_dense(net, 0, "fc1", 5, PS_NN_TANH);
    const int b = ps_net_dense_fixed(net, a, "fixed", (struct ps_shape){2, 2, 1, false});
    const int c = ps_net_dense_image(net, 0, "fc2", (struct ps_shape){2, 2, 1, false}, PS_NN_SIGMOID);
    const int wide = ps_net_dense_fixed(net, 0, "wide", (struct ps_shape){1, 1, 5, false});
    const int gate = ps_net_gate(net, c, wide, "gate");
    ps_net_dense(net, ps_net_sum(net, gate, b), "fc3", 3, PS_NN_LINEAR);
    ck_assert_msg(ps_net_end(net) == PS_OK, "%s", ps_err_message());
}

/* The gate goes by a node that is read on. */
static void goes_by_what_is_read(struct ps_net *net, const struct ps_nn_kernels *k)
{
    ps_net_begin(net, k, (struct ps_shape){1, 1, 6, false}, PS_INIT_GLOROT, 8);
    const int a = ps_net_dense(net, 0, "fc1", 5, PS_NN_LINEAR);
    const int b = ps_net_dense(net, a, "fc2", 5, PS_NN_TANH);
    ps_net_dense(net, ps_net_sum(net, ps_net_gate(net, b, a, "gate"), a), "fc3", 3, PS_NN_LINEAR);
    ck_assert_msg(ps_net_end(net) == PS_OK, "%s", ps_err_message());
}

START_TEST(gradients)
{
    check_gradients(fixed);
    check_gradients(goes_by_what_is_read);
    check_single(fixed);
    check_single(goes_by_what_is_read);
}
END_TEST

/* The limit itself is within; one element beyond it, or one that is no number, shuts the gate for its sample.
 */
START_TEST(gate)
{
    struct ps_net net;
    struct ps_net_work work;
    const float x[N][2] = {{0.5f, -3}, {0.5f, 3.01f}, {-2.5f, 0}, {(float)NAN, 0}};
    float w[64], prepared[1024];
    ps_net_begin(&net, &ps_nn_ref, (struct ps_shape){1, 1, 2, false}, PS_INIT_GLOROT, 9);
    const int from = ps_net_dense(&net, 0, "fc", 3, PS_NN_SIGMOID), last = ps_net_gate(&net, from, 0, "gate");
    ps_net_keep(&net, from);
    ck_assert_msg(ps_net_end(&net) == PS_OK, "%s", ps_err_message());
    ck_assert(net.weights <= 64 && net.prepared <= 1024);
    ps_net_init(&net, w);
    float *limit = w + net.node[last].weights_at;
    ck_assert(limit[0] == 1 && limit[1] == 1);
    limit[0] = 2, limit[1] = 3;
    ps_net_prepare(&net, w, prepared, 0, 1);
    ck_assert(ps_net_work_make(&net, N, false, &work) == PS_OK);
    const struct ps_net_batch batch = {.n = N, .x = x, .sample = samples};
    const float *y = ps_net_forward(&work, &batch, w, prepared);
    const float *before = work.y[from];
    for (int i = 0; i < 3 * N; i++) {
        ck_assert(i >= 9 || before[i] > 0);
        ck_assert_msg(y[i] == (i < 3 ? before[i] : 0), "output %d is %g", i, (double)y[i]);
    }
    ps_net_work_free(&work);
    ps_net_free(&net);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {gradients, gate, NULL};
    return mck_main(argc, argv, "nn_gate", tests);
}
