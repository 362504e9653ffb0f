/* ranks: 1 */
#include "layercheck.h"

START_TEST(conv)
{
    const struct ps_nn_conv convs[] = {
        {.at = window(12, 12, 1, 5, 1, 0), .out = 20, .act = PS_NN_RELU, .data = true},
        {.at = window(12, 10, 20, 5, 1, 0), .out = 50, .act = PS_NN_LINEAR, .data = true},
        {.at = window(7, 9, 3, 3, 1, 1), .out = 17, .act = PS_NN_TANH, .data = true},
        {.at = window(9, 9, 4, 3, 2, 1), .out = 5, .act = PS_NN_SIGMOID, .data = true},
        {.at = window(8, 8, 16, 1, 1, 0), .out = 33, .act = PS_NN_RELU, .data = true},
        {.at = window(11, 11, 2, 7, 2, 3), .out = 64, .act = PS_NN_LINEAR, .data = true},
        {.at = window(5, 5, 70, 2, 2, 0), .out = 65, .act = PS_NN_RELU, .data = true},
    };
    for (size_t i = 0; i < sizeof convs / sizeof *convs; i++)
        check(&(struct layer){.kind = CONV, .conv = convs[i], .name = "convolution"});
}
END_TEST

START_TEST(pool)
{
    for (int mean = 0; mean < 2; mean++) {
        check(&(struct layer){
            .kind = POOL, .pool = {.at = window(8, 6, 20, 2, 2, 0), .mean = mean}, .name = "pooling"});
        check(&(struct layer){
            .kind = POOL, .pool = {.at = window(9, 7, 70, 3, 2, 1), .mean = mean}, .name = "pooling"});
        check(&(struct layer){
            .kind = POOL, .pool = {.at = window(4, 4, 3, 3, 1, 1), .mean = mean}, .name = "pooling"});
    }
}
END_TEST

/* Of equal values in a window the first gets the gradient, in both back ends; a number that is none comes
 * out. */
START_TEST(ties)
{
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_cpu};
    const struct ps_nn_pool l = {.at = window(2, 4, 1, 2, 2, 0)};
    for (int t = 0; t < 2; t++) {
        float x[8] = {1, 1, 0, NAN, 1, 1, 0, 0}, y[2], dy[2] = {3, 0}, dx[8];
        const struct ps_nn_pass p = {.n = 1, .x = x, .y = y, .dy = dy, .dx = dx};
        tables[t]->pool_forward(&l, &p);
        tables[t]->pool_backward(&l, &p);
        ck_assert_msg(y[0] == 1 && isnan(y[1]), "%s: %g %g", tables[t]->name, y[0], y[1]);
        ck_assert_msg(dx[0] == 3 && dx[1] == 0 && dx[4] == 0 && dx[5] == 0, "%s: %g %g %g %g",
                      tables[t]->name, dx[0], dx[1], dx[4], dx[5]);
    }
}
END_TEST

START_TEST(upsample)
{
    static const struct ps_nn_upsample sizes[] = {
        {3, 4, 20, 6, 8}, {4, 1, 1, 7, 1}, {2, 5, 70, 3, 12}, {5, 3, 3, 2, 4}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check(&(struct layer){.kind = UPSAMPLE, .upsample = sizes[i], .name = "upsampling"});
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {conv, pool, ties, upsample, NULL};
    return mck_main(argc, argv, "nn_images", tests);
}
