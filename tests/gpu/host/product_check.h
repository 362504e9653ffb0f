/** What tests of layers with products share: their oracle is the reference in double precision, and how far a
 * table may be off comes from how it rounds operands, beside the sum of absolute products. */
#ifndef PRODUCT_CHECK_H
#define PRODUCT_CHECK_H

#include "cucheck.h"

/** A table, and the largest relative error that it gives an operand of a product. Processors may cut TF32
 * instead of rounding to it. */
struct form {
    const struct ps_nn_kernels *k;
    double operand;
};

static inline std::vector<form> forms()
{
    const struct ps_cuda *p = ps_cuda_plugin();
    return {{p->nn, 0}, {p->nn_tf32, 0x1p-10}, {p->nn_bf16, HALF}};
}

/** Work of a table's kernels: on the device, whatever is there. */
static inline void *work_of(run &r, const struct ps_nn_size &size)
{
    void *const at = r.k->device->memory->alloc(size.work * (int64_t)sizeof(float));
    r.arrays.push_back({at, 0, 0});
    return at;
}

static inline numbers absolute(numbers x)
{
    for (double &v : x) v = fabs(v);
    return x;
}

/** Of a part of an array. */
static inline numbers part(const numbers &x, size_t from, size_t n)
{
    return {x.begin() + (int64_t)from, x.begin() + (int64_t)(from + n)};
}

static inline double act_of(enum ps_nn_act act, double z)
{
    return act == PS_NN_RELU      ? fmax(z, 0)
           : act == PS_NN_TANH    ? tanh(z)
           : act == PS_NN_SIGMOID ? 1 / (1 + exp(-z))
                                  : z;
}

static inline double slope_of(enum ps_nn_act act, double y)
{
    return act == PS_NN_RELU ? y > 0 : act == PS_NN_TANH ? 1 - y * y : act == PS_NN_SIGMOID ? y * (1 - y) : 1;
}

/** Each element may be off by its own bound. */
static inline void within(const char *what, const char *name, const numbers &got, const numbers &want,
                          const numbers &bound)
{
    double worst = 0;
    size_t at = 0;
    expect(got.size() == want.size(), "%s, %s: %zu elements, not %zu", what, name, got.size(), want.size());
    for (size_t i = 0; i < want.size() && i < got.size(); i++) {
        const double off = fabs(got[i] - want[i]) / (bound[i] + 1e-30);
        if (!(off <= worst)) worst = off, at = i;
    }
    expect(worst <= 1, "%s, %s[%zu]: %g, not %g, %g times what it may be off", what, name, at, got[at],
           want[at], worst);
}

/** Bounds of sums of `terms` products whose absolute values sum up to `sums`, that are stored with an error
 * of their own. */
static inline numbers bounds(const form &f, double terms, const numbers &sums, const numbers &want,
                             double stored)
{
    numbers b(want.size());
    for (size_t i = 0; i < b.size(); i++)
        b[i] = (2.1 * f.operand + (terms + 4) * SINGLE) * sums[i] + (stored + 2 * SINGLE) * fabs(want[i]) +
               (terms + 4) * SINGLE * sums[i] * stored;
    return b;
}

/** Run tests on the device twice: with algorithms that give the same bits each time, and with any. */
static inline int product_main(const char *name, const std::vector<void (*)()> &tests)
{
    const struct ps_cuda *plugin = ps_cuda_plugin();
    for (const bool exact : {true, false}) {
        char text[400];
        if (plugin->open(0, exact, text, sizeof text) != PS_OK) {
            printf("%s: no device: %s\n", name, text);
            return EXIT_FAILURE;
        }
        for (void (*const test)() : tests) test();
        expect(plugin->nn->device->memory->wait() == PS_OK, "the device: %s",
               plugin->nn->device->memory->error());
        plugin->close();
    }
    printf("%s: %zu tests, %d failures\n", name, tests.size(), failures);
    return failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
