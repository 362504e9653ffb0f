/* ranks: 1 */
/* What a net computes and moves, beside figures counted by hand: 4 bytes a number. */
#include "mpicheck.h"
#include "common/nn/op.h"
#include "common/nn/cost.h"

static void begin(struct ps_net *net, struct ps_shape in, const struct ps_nn_kernels *k)
{
    ps_net_begin(net, k, in, PS_INIT_TORCH, 1);
}

static void check(const struct ps_net *net, int i, bool backward, double flop, double bytes,
                  double step_bytes)
{
    const struct ps_cost c = ps_net_cost(net, i, backward);
    ck_assert_msg(c.flop == flop && c.bytes == bytes && c.step_bytes == step_bytes,
                  "node %d, %s: %g FLOP, %g bytes, %g a step", i, backward ? "backward" : "forward", c.flop,
                  c.bytes, c.step_bytes);
}

/* 4 x 4 x 2 numbers (128 bytes) become 4 x 4 x 3 (192), which the pool reads through the batch norm. */
START_TEST(normalised)
{
    struct ps_net net;
    begin(&net, (struct ps_shape){4, 4, 2, false}, &ps_nn_ref);
    const int conv = ps_net_conv_plain(&net, 0, "conv", 3, 3, 1, 1);
    const int norm = ps_net_batch_norm(&net, conv, "norm", 1e-5, 0.1, PS_NN_RELU);
    const int pool = ps_net_pool(&net, norm, true, 4, 4, 0);
    const int dense = ps_net_dense(&net, pool, "dense", 2, PS_NN_LINEAR);
    ck_assert(ps_net_end(&net) == PS_OK);
    ck_assert(net.node[norm].unwritten);
    check(&net, conv, false, 2 * 4 * 4 * 3 * 3 * 3 * 2, 128 + 192, 54 * 4);
    check(&net, conv, true, 2 * 4 * 4 * 3 * 3 * 3 * 2, 128 + 192, 54 * 4); /* nobody wants dx */
    check(&net, norm, false, 0, 0, 6 * 4);
    check(&net, norm, true, 0, 192, 2 * 6 * 4);
    check(&net, pool, false, 0, 192 + 12, 0);
    check(&net, pool, true, 0, 192 + 12, 0);
    check(&net, dense, false, 2 * 3 * 2, 12 + 8, 8 * 4);
    check(&net, dense, true, 2 * 2 * 3 * 2, 12 + 12 + 8, 2 * 8 * 4);
    ck_assert(ps_net_flop(&net, true) == 2 * 1728 + 3 * 12);
    ps_net_free(&net);
}
END_TEST

static void residual(struct ps_net *net, const struct ps_nn_kernels *k, int frozen)
{
    begin(net, (struct ps_shape){2, 2, 2, false}, k);
    const int one = ps_net_conv_plain(net, 0, "one", 2, 1, 1, 0);
    const int two = ps_net_conv_plain(net, one, "two", 2, 1, 1, 0);
    ps_net_dense(net, ps_net_sum(net, two, one), "dense", 1, PS_NN_RELU);
    ps_net_freeze(net, frozen);
    ck_assert(ps_net_end(net) == PS_OK);
}

/* All images are 8 numbers, 32 bytes. The sum hands its gradient on to `two` as it is. */
START_TEST(sums)
{
    struct ps_net net;
    residual(&net, &ps_nn_ref, 0);
    check(&net, 2, false, 2 * 4 * 4, 32 + 32, 16);
    check(&net, 2, true, 2 * 2 * 4 * 4, 32 + 32 + 2 * 32, 2 * 16); /* adds to the gradient of `one` */
    check(&net, 3, false, 0, 3 * 32, 0);
    check(&net, 3, true, 0, 32 + 32, 0);
    check(&net, 4, false, 2 * 8, 32 + 4, 9 * 4);
    check(&net, 4, true, 2 * 2 * 8, 32 + 32 + 2 * 4, 2 * 9 * 4);
    ps_net_free(&net);
    residual(&net, &ps_nn_ref, 1);
    check(&net, 1, false, 2 * 4 * 4, 32 + 32, 16);
    check(&net, 1, true, 0, 0, 0);
    check(&net, 2, true, 2 * 4 * 4, 32 + 32, 16);
    check(&net, 3, true, 0, 0, 0);
    ps_net_free(&net);
}
END_TEST

/* Images that convolutions and sums read are half as large where kernels store them in bf16. */
START_TEST(half)
{
    struct ps_net net;
    if (!ps_nn_cpu_bf16.half_images) return;
    residual(&net, &ps_nn_cpu_bf16, 0);
    check(&net, 1, false, 2 * 4 * 4, 32 + 16, 16);
    check(&net, 2, false, 2 * 4 * 4, 16 + 16, 16);
    check(&net, 3, false, 0, 16 + 16 + 32, 0);
    ps_net_free(&net);
}
END_TEST

/* 5 steps of 3 numbers, 4 cells: each step keeps four gates and the cell. */
START_TEST(recurrent)
{
    struct ps_net net;
    begin(&net, (struct ps_shape){5, 1, 3, true}, &ps_nn_ref);
    const int lstm = ps_net_lstm(&net, 0, "lstm", 0, 4);
    ps_net_last_step(&net, lstm);
    ck_assert(ps_net_end(&net) == PS_OK);
    const double flop = 2 * 5 * 16 * (3 + 4), weights = 16 * (3 + 4 + 2) * 4;
    check(&net, lstm, false, flop, 60 + 80 + 400, weights);
    check(&net, lstm, true, flop, 60 + 80 + 400, weights);
    ps_net_free(&net);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {normalised, sums, half, recurrent, NULL};
    return mck_main(argc, argv, "nn_cost", tests);
}
