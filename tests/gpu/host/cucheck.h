/** What tests of the CUDA back end's kernels share. They call it as programs do, through the plugin's tables
 * and memory of its device alone, so that they run on a GPU as they are. */
#ifndef CUCHECK_H
#define CUCHECK_H

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <functional>
#include <list>
#include <vector>
#include "kernels/nn/cu.h"
extern "C" {
#include "kernels/cuda_plugin.h"
#include "kernels/rng.h"
}

typedef std::vector<double> numbers;

static int failures;

__attribute__((format(printf, 2, 3))) static inline void expect(bool holds, const char *format, ...)
{
    va_list rest;
    if (holds) return;
    failures++;
    va_start(rest, format);
    printf("not so: ");
    vprintf(format, rest);
    printf("\n");
    va_end(rest);
}

/** Numbers that bf16 holds too, where half. */
static inline numbers random_numbers(int64_t n, uint32_t stream, double lo, double hi, bool half = false)
{
    numbers x((size_t)n);
    for (int64_t i = 0; i < n; i++) {
        const float v = (float)(lo + (hi - lo) * ps_rng_uniform({5, stream}, i, 0));
        x[(size_t)i] = half ? ps_half_get(ps_half_of(v)) : v;
    }
    return x;
}

/** Arrays of one run of a table's kernels, where they want them: on the device, or on the host, where no
 * array is in bf16. */
struct run {
    const struct ps_nn_kernels *k;
    struct array {
        void *at;
        size_t n, size; /* elements, bytes of each */
    };
    std::list<array> arrays;

    explicit run(const struct ps_nn_kernels *table) : k(table) {}
    run(const run &) = delete;
    ~run()
    {
        for (const array &a : arrays)
            if (k->device)
                k->device->memory->free(a.at);
            else
                free(a.at);
    }

    /** Bytes as they are; without them all ones, which are no number. */
    void *bytes(size_t n, size_t size, const void *from)
    {
        const std::vector<char> ones(n * size, (char)0xff);
        void *at = k->device ? k->device->memory->alloc((int64_t)(n * size))
                             : aligned_alloc(64, (n * size + 127) / 64 * 64);
        if (k->device) {
            k->device->memory->put(at, from ? from : ones.data(), (int64_t)(n * size));
            k->device->memory->wait();
        } else {
            memcpy(at, from ? from : ones.data(), n * size);
        }
        arrays.push_back({at, n, size});
        return at;
    }

    size_t size_of(bool half) const
    {
        return half && k->device ? sizeof(ps_half) : k->real;
    }

    void *give(const numbers &x, bool half = false)
    {
        std::vector<char> here(x.size() * size_of(half) + 1);
        for (size_t i = 0; i < x.size(); i++)
            if (size_of(half) == sizeof(ps_half))
                ((ps_half *)here.data())[i] = ps_half_of((float)x[i]);
            else if (k->real == sizeof(float))
                ((float *)here.data())[i] = (float)x[i];
            else
                ((double *)here.data())[i] = x[i];
        return bytes(x.size(), size_of(half), here.data());
    }

    void *poisoned(int64_t n, bool half = false)
    {
        return bytes((size_t)n, size_of(half), NULL);
    }

    /** Sums of columns and moments are doubles everywhere. */
    double *doubles(int64_t n)
    {
        return (double *)bytes((size_t)n, sizeof(double), NULL);
    }

    void get(void *to, const void *from, size_t n)
    {
        if (!k->device) {
            memcpy(to, from, n);
            return;
        }
        k->device->memory->get(to, from, (int64_t)n);
        expect(k->device->memory->wait() == PS_OK, "the device: %s", k->device->memory->error());
    }

    numbers take(const void *from)
    {
        for (const array &a : arrays) {
            if (a.at != from) continue;
            std::vector<char> here(a.n * a.size + 1);
            numbers x(a.n);
            get(here.data(), from, a.n * a.size);
            for (size_t i = 0; i < a.n; i++)
                x[i] = a.size == sizeof(ps_half) ? ps_half_get(((ps_half *)here.data())[i])
                       : a.size == sizeof(float) ? ((float *)here.data())[i]
                                                 : ((double *)here.data())[i];
            return x;
        }
        expect(false, "an array that is not of this run");
        return {};
    }

    numbers take_doubles(const double *from, int64_t n)
    {
        numbers x((size_t)n);
        get(x.data(), from, (size_t)n * sizeof(double));
        return x;
    }

    /** Room for sums of columns. */
    void *columns_work(int64_t rows, int64_t channels)
    {
        return poisoned(k->columns_work ? k->columns_work(rows, channels) : 8 * channels);
    }
};

/** An output, with the largest error it may have beside its largest element (at least 1). */
struct output {
    const char *name;
    numbers x;
    double bound;
};

static inline void close_to(const char *what, const char *whom, const struct output &got, const numbers &want)
{
    double worst = 0, most = 1;
    if (got.x.size() != want.size()) {
        expect(false, "%s, %s: %zu elements, not %zu", what, got.name, got.x.size(), want.size());
        return;
    }
    for (size_t i = 0; i < want.size(); i++) {
        const double d = fabs(got.x[i] - want[i]);
        if (!(d <= worst)) worst = d;
        if (fabs(want[i]) > most) most = fabs(want[i]);
    }
    expect(worst <= got.bound * most, "%s, %s beside %s: off by %g of %g", what, got.name, whom, worst, most);
}

/** The device's table: bf16, whose kernels take images of both types. */
static const struct ps_nn_kernels *cuda;

/** The same calls by the device and by both references. */
static inline void agree(const char *what, const std::function<std::vector<output>(run &)> &go)
{
    run there(cuda), single(&ps_nn_ref), twice(&ps_nn_ref64);
    const std::vector<output> got = go(there), want = go(single), exact = go(twice);
    for (size_t i = 0; i < got.size(); i++) {
        close_to(what, "ref", got[i], want[i].x);
        close_to(what, "ref in double precision", got[i], exact[i].x);
    }
}

/** One rounding to single precision, or to bf16. */
static const double SINGLE = 0x1p-24, HALF = 0x1p-8;

/** Sums of so many terms of about 1, some hundred at a time in single precision: an addition errs by a
 * rounding of a partial sum, as a rule no larger than 32, and errors are of both signs. In bf16 terms err
 * themselves. */
static inline double summed(int64_t terms, bool half = false)
{
    return (32 * SINGLE + (half ? HALF : 0)) * sqrt((double)terms);
}

/** Open the device and run the tests; `cuda` is NULL where the plugin has no nets. @return the process's
 * status */
static inline int cu_main(const char *name, const std::vector<void (*)()> &tests)
{
    const struct ps_cuda *plugin = ps_cuda_plugin();
    char text[400];
    if (plugin->interface != PS_CUDA_INTERFACE || plugin->open(0, true, text, sizeof text) != PS_OK) {
        printf("%s: no device: %s\n", name, text);
        return EXIT_FAILURE;
    }
    cuda = plugin->nn_bf16;
    for (void (*const test)() : tests) test();
    expect(plugin->memory->wait() == PS_OK, "the device: %s", plugin->memory->error());
    plugin->close();
    printf("%s: %zu tests, %d failures\n", name, tests.size(), failures);
    return failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
