/** Rates of the convolutions of ResNet-50 beside the machine's own, on one thread and generated images.
 * usage: nn-kernels [SAMPLES [SIZE]]   (a micro-batch of 8 images of 224 x 224)
 * A line per shape, each with what a residual net asks for (reading through normalisations, moments and
 * sums): how often the net has it, milliseconds and GFLOP/s of forward, gradients of weights, and gradients
 * of the input as what they add to those. At the end all 53 for one image. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bench/resnet50_shapes.h"
#include "common/run/err.h"
#include "kernels/lanes.h"
#include "kernels/nn/nn_kernels.h"

enum { TRIES = 3 }; /* at least, and for BUDGET seconds */
static const double BUDGET = 0.1;

/** What a line says, or the sum of all. */
struct times {
    double flop, forward, weights, both;
};

static double peak; /* GFLOP/s */

/** Seconds of this thread, so that others on its core do not count. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double best(void (*run)(const struct ps_nn_conv *, const struct ps_nn_pass *),
                   const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    double least = 1e9, begin = now();
    for (int t = 0; t < TRIES || now() - begin < BUDGET; t++) {
        const double start = now();
        run(l, p);
        if (now() - start < least) least = now() - start;
    }
    return least;
}

/** Independent chains in registers. */
static void fma_peak(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    enum { CHAINS = 12, ROUNDS = 500000 };
    ps_vf x[CHAINS], a = ps_vf_all(0.999f), b = ps_vf_all(0.001f);
    (void)l, (void)p;
    for (int c = 0; c < CHAINS; c++) x[c] = ps_vf_all((float)c);
    for (int r = 0; r < ROUNDS; r++)
        for (int c = 0; c < CHAINS; c++) x[c] = ps_vf_fma(x[c], a, b);
    for (int c = 1; c < CHAINS; c++) x[0] += x[c];
    if (x[0][0] == 1) puts("");
    peak = 2e-9 * CHAINS * ROUNDS * PS_LANES;
}

/** n numbers in [-1, 1), of 4 or, in bf16, 2 bytes. */
static void *numbers(int64_t n, bool half)
{
    void *p;
    if (ps_alloc(&p, n + 16, half ? 2 : 4, "an array") != PS_OK) exit(1);
    uint32_t random = 1;
    for (int64_t i = 0; i < n; i++) {
        random = random * 1664525u + 1013904223u;
        const float v = (float)random * 0x1p-31f - 1;
        if (half)
            ((uint16_t *)p)[i] = ps_round_half(v);
        else
            ((float *)p)[i] = v;
    }
    return p;
}

static struct times measure(const struct ps_nn_kernels *k, const struct ps_nn_conv *l, int64_t n, bool normal)
{
    const struct ps_nn_window *at = &l->at;
    const struct ps_nn_size size = k->conv_size(l, n);
    const int64_t in = n * at->height * at->width * at->channels, out = n * at->rows * at->cols * l->out;
    void *factors = numbers(at->channels > l->out ? at->channels : l->out, false);
    struct ps_nn_pass p = {.n = n,
                           .x = numbers(in, l->half_x),
                           .y = numbers(out, l->half_y),
                           .w = numbers(size.weights, false),
                           .prepared = numbers(size.prepared, false),
                           .work = numbers(size.work, false),
                           .moments = (double *)numbers(4 * l->out, false),
                           .sums = normal ? (double *)numbers(4 * at->channels, false) : NULL,
                           .dy = numbers(out, l->half_y),
                           .dw = numbers(size.weights, false),
                           .dw_add = true,
                           .dx_add = !normal};
    void *dx = l->data ? numbers(in, l->half_x) : NULL;
    if (normal) p.read = (struct ps_nn_read){factors, factors, factors, PS_NN_RELU};
    struct times t = {.flop = 2.0 * (double)out * (double)(at->kernel * at->kernel * at->channels)};
    k->conv_prepare(l, p.w, (void *)p.prepared, 0, 1);
    t.forward = best(k->conv_forward, l, &p);
    p.dy_read = (struct ps_nn_gradient_read){factors, factors, factors};
    t.weights = best(k->conv_backward, l, &p);
    p.dx = dx;
    t.both = best(k->conv_backward, l, &p);
    free((void *)p.x), free(p.y), free((void *)p.w), free((void *)p.prepared), free(p.work), free(p.moments);
    free(p.sums), free(p.dy), free(p.dw), free(dx), free(factors);
    return t;
}

static void tell_one(double flop, double seconds)
{
    printf("  %8.3f %6.1f %5.1f", 1e3 * seconds, 1e-9 * flop / seconds, 100e-9 * flop / seconds / peak);
}

static void tell(const char *what, const struct times *t, bool data)
{
    printf("%-30s", what);
    tell_one(t->flop, t->forward);
    tell_one(t->flop, t->weights);
    if (data) tell_one(t->flop, t->both - t->weights);
    puts("");
}

static void bench(const struct ps_nn_kernels *k, int64_t n, int64_t size, bool half)
{
    struct times all = {0}, stem = {0};
    printf("%s, %lld images\n%-30s  %22s  %22s  %22s\n", k->name, (long long)n, "", "forward: ms GFLOP/s %",
           "weights: ms GFLOP/s %", "input: ms GFLOP/s %");
    for (int i = 0; i < RESNET50_SHAPES; i++) {
        const struct resnet50_shape *s = &resnet50_shapes[i];
        const int64_t in = size / s->shrunk, pad = s->kernel / 2,
                      rows = (in + 2 * pad - s->kernel) / s->stride + 1;
        const struct ps_nn_conv l = {.at = {in, in, s->channels, rows, rows, s->kernel, s->stride, (int)pad},
                                     .out = s->out,
                                     .data = i > 0,
                                     .plain = true,
                                     .half_x = half && i > 0,
                                     .half_y = half};
        const struct times t = measure(k, &l, n, s->normal);
        char what[64];
        snprintf(what, sizeof what, "%d x %lld %d-%d %dx%d/%d%s", s->times, (long long)in, s->channels,
                 s->out, s->kernel, s->kernel, s->stride, s->normal ? " normal" : "");
        tell(what, &t, l.data);
        const double each = (double)s->times / (double)n;
        all.flop += each * t.flop, all.forward += each * t.forward;
        all.weights += each * t.weights, all.both += each * t.both;
        if (i == 0) stem = t, stem.flop /= (double)n;
    }
    tell("all, of one image", &all, true);
    const double flop = 3 * all.flop - stem.flop, seconds = all.forward + all.both;
    printf("%-30s", "  in sum");
    tell_one(flop, seconds);
    puts("\n");
}

int main(int argc, char **argv)
{
    const int64_t n = argc > 1 ? atoll(argv[1]) : 8, size = argc > 2 ? atoll(argv[2]) : 224;
    if (n < 1 || size < 32) return fputs("usage: nn-kernels [SAMPLES [SIZE]]\n", stderr), 2;
    const double seconds = best(fma_peak, NULL, NULL);
    peak /= seconds;
    printf("%d lanes, fused multiply-adds %.1f GFLOP/s\n", PS_LANES, peak);
    bench(&ps_nn_cpu, n, size, false);
    if (ps_nn_cpu_bf16.conv_forward != ps_nn_cpu.conv_forward) bench(&ps_nn_cpu_bf16, n, size, true);
    return 0;
}
