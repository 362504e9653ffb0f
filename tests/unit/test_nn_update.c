/* ranks: 1 */
#include "mpicheck.h"
#include <math.h>
#include <string.h>
#include "kernels/nn/nn_kernels.h"
#include "kernels/rng.h"

enum { MOST = 101, STEPS = 4 };

static double number(uint32_t stream, int64_t i)
{
    return (float)(2 * ps_rng_uniform((struct ps_rng){5, stream}, i, 0) - 1);
}

static const struct ps_nn_update updates[] = {
    {.rule = PS_NN_SGD, .rate = 0.1, .scale = 1},
    {.rule = PS_NN_SGD, .rate = 0.1, .scale = 0.5, .decay = 0.01},
    {.rule = PS_NN_SGD, .rate = 0.1, .scale = 1, .momentum = 0.9, .decay = 0.01},
    {.rule = PS_NN_SGD, .rate = 0.1, .scale = 1, .momentum = 0.9, .nesterov = true},
    {.rule = PS_NN_ADAM, .rate = 0.01, .scale = 1, .decay = 0.1, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8},
    {.rule = PS_NN_ADAMW, .rate = 0.01, .scale = 2, .decay = 0.1, .beta1 = 0.8, .beta2 = 0.99, .eps = 1e-6},
    {.rule = PS_NN_RMSPROP, .rate = 0.01, .scale = 1, .beta2 = 0.9, .eps = 1e-7},
    {.rule = PS_NN_RMSPROP,
     .rate = 0.01,
     .scale = 1,
     .decay = 0.1,
     .momentum = 0.5,
     .beta2 = 0.9,
     .eps = 1e-7},
    {.rule = PS_NN_LARS, .rate = 0.1, .scale = 1, .decay = 0.01, .momentum = 0.9, .trust = 0.3},
    {.rule = PS_NN_LAMB,
     .rate = 0.1,
     .scale = 1,
     .decay = 0.01,
     .beta1 = 0.9,
     .beta2 = 0.999,
     .eps = 1e-6,
     .trust = 0.7},
};
enum { UPDATES = sizeof updates / sizeof *updates };

/* STEPS updates in single precision, in double precision: weights into w. */
static void steps32(const struct ps_nn_kernels *k, struct ps_nn_update u, int64_t n, double *w)
{
    float weights[MOST], g[MOST], a[MOST] = {0}, b[MOST] = {0};
    for (int64_t i = 0; i < n; i++) weights[i] = (float)number(1, i);
    for (u.step = 1; u.step <= STEPS; u.step++) {
        for (int64_t i = 0; i < n; i++) g[i] = (float)number(1 + (uint32_t)u.step, i);
        if (u.rule == PS_NN_LAMB) k->direction(&u, n, weights, g, a, b);
        k->update(&u, n, weights, g, a, b);
    }
    for (int64_t i = 0; i < n; i++) w[i] = weights[i];
}

static void steps64(struct ps_nn_update u, int64_t n, double *w)
{
    double g[MOST], a[MOST] = {0}, b[MOST] = {0};
    for (int64_t i = 0; i < n; i++) w[i] = number(1, i);
    for (u.step = 1; u.step <= STEPS; u.step++) {
        for (int64_t i = 0; i < n; i++) g[i] = number(1 + (uint32_t)u.step, i);
        if (u.rule == PS_NN_LAMB) ps_nn_ref64.direction(&u, n, w, g, a, b);
        ps_nn_ref64.update(&u, n, w, g, a, b);
    }
}

/* Some ten roundings a step, each of 2^-24 of numbers up to 4; quotients of Adam magnify those of its means
 * by at most 1 / (1 - beta2), which here only meets numbers that are not small: 1e-5. */
START_TEST(same_weights)
{
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_cpu};
    for (int t = 0; t < 2; t++)
        for (int u = 0; u < UPDATES; u++)
            for (int64_t n = 1; n <= MOST; n += 20) {
                double want[MOST], have[MOST];
                steps64(updates[u], n, want);
                steps32(tables[t], updates[u], n, have);
                for (int64_t i = 0; i < n; i++)
                    ck_assert_msg(fabs(want[i] - have[i]) <= 1e-5,
                                  "%s, rule %d: weight %lld is %.9g, not %.9g", tables[t]->name, u,
                                  (long long)i, have[i], want[i]);
            }
}
END_TEST

/* By hand: the first steps from w = 1 with g = 0.5. */
START_TEST(by_hand)
{
    double w = 1, g = 0.5, a = 0, b = 0;
    struct ps_nn_update u = {
        .rule = PS_NN_SGD, .rate = 0.1, .scale = 1, .momentum = 0.9, .nesterov = true, .step = 1};
    ps_nn_ref64.update(&u, 1, &w, &g, &a, &b); /* a = 0.5; step 0.5 + 0.9 * 0.5 */
    ck_assert_msg(fabs(w - 0.905) < 1e-15, "%.17g", w);
    ps_nn_ref64.update(&u, 1, &w, &g, &a, &b); /* a = 0.95; step 0.5 + 0.855 */
    ck_assert_msg(fabs(w - 0.7695) < 1e-15, "%.17g", w);
    w = 1, a = b = 0;
    u = (struct ps_nn_update){
        .rule = PS_NN_ADAM, .rate = 0.1, .scale = 1, .beta1 = 0.9, .beta2 = 0.999, .step = 1};
    ps_nn_ref64.update(&u, 1, &w, &g, &a, &b); /* the first step of Adam is the rate, whatever the gradient */
    ck_assert_msg(fabs(w - 0.9) < 1e-12, "%.17g", w);
    w = 1, a = b = 0;
    u = (struct ps_nn_update){.rule = PS_NN_RMSPROP, .rate = 0.1, .scale = 1, .beta2 = 0.75, .step = 1};
    ps_nn_ref64.update(&u, 1, &w, &g, &a, &b); /* g / sqrt(g^2 / 4) = 2 */
    ck_assert_msg(fabs(w - 0.8) < 1e-15, "%.17g", w);
    w = 1, a = b = 0;
    u = (struct ps_nn_update){
        .rule = PS_NN_ADAMW, .rate = 0.1, .scale = 1, .decay = 0.5, .beta1 = 0.9, .beta2 = 0.999, .step = 1};
    ps_nn_ref64.update(&u, 1, &w, &g, &a, &b);
    ck_assert_msg(fabs(w - (0.95 - 0.1)) < 1e-12, "%.17g", w);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {same_weights, by_hand, NULL};
    return mck_main(argc, argv, "nn_update", tests);
}
