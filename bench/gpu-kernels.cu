/* Where the time of ResNet-50 goes on a GPU: rates of the CUDA back end's kernels on its shapes, images in
 * bf16. usage: gpu-kernels [IMAGES [SIZE]]   (a batch of 256 of 224 x 224) A line for each convolution: how
 * often the net has it, milliseconds and TFLOP/s of forward, gradient of weights, and what the gradient of
 * the input adds; then kernels that move memory, with GB/s and their share of a copy's; then blocks
 * of kernel values of support vector machines, with TFLOP/s, and updates of their gradients; then the steps
 * of DBSCAN, copies from and to the host among them, with points/s, and distances/s of all together. */
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>
#include "bench/gpu_numbers.h"
#include "bench/resnet50_shapes.h"
#include "kernels/cuda_plugin.h"
#include "kernels/dbscan/cu.h"
#include "kernels/nn/cu.h"
#include "kernels/svm/cu.h"

static const struct ps_nn_device *const gpu = &ps_nn_device_cu;
static const struct ps_nn_kernels *const nn = &ps_nn_cu_bf16;
static const double SHORTEST = 0.02; /* seconds that are timed */
static double copy_rate;             /* bytes/s */

static void good(void)
{
    if (gpu->memory->wait() == PS_OK) return;
    std::fprintf(stderr, "gpu-kernels: %s\n", gpu->memory->error());
    std::exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

template <typename F> static double several(int64_t times, F what)
{
    const double start = now();
    for (int64_t i = 0; i < times; i++) what();
    good();
    return (now() - start) / (double)times;
}

/* Seconds of a call, the least of three series of calls that wait for nothing in between. */
template <typename F> static double seconds(F what)
{
    several(2, what);
    double once = several(3, what), least = once;
    for (int i = 0; i < 3; i++) {
        const double s = several((int64_t)(SHORTEST / once) + 1, what);
        if (s < least) least = s;
    }
    return least;
}

/* n random elements on the device. */
template <typename T> static T *numbers(int64_t n)
{
    const int64_t blocks = n / 256 + 1;
    T *x = (T *)gpu->memory->alloc((n + 16) * (int64_t)sizeof(T));
    if (!x) {
        std::fprintf(stderr, "gpu-kernels: no memory for %lld MB\n",
                     (long long)(n * (int64_t)sizeof(T) / 1000000));
        std::exit(1);
    }
    PS_LAUNCH(gpu_numbers<T>, (unsigned)(blocks < 1024 ? blocks : 1024), 256, 0, n, 1u, x);
    return x;
}

/* --- convolutions --- */

struct conv_times {
    double flop, forward, weights, both;
};

static struct conv_times measure_conv(const struct ps_nn_conv *l, int64_t n, bool normal)
{
    const struct ps_nn_window *at = &l->at;
    const struct ps_nn_size size = nn->conv_size(l, n);
    const int64_t in = n * at->height * at->width * at->channels, out = n * at->rows * at->cols * l->out;
    float *factors = numbers<float>(at->channels > l->out ? at->channels : l->out);
    void *x = l->half_x ? (void *)numbers<ps_half>(in) : numbers<float>(in), *y = numbers<ps_half>(out);
    void *dx = l->data ? numbers<ps_half>(in) : NULL, *dy = numbers<ps_half>(out);
    void *w = numbers<float>(size.weights), *prepared = numbers<float>(size.prepared);
    void *kept = numbers<float>(size.kept), *work = numbers<float>(size.work),
         *dw = numbers<float>(size.weights);
    double *moments = (double *)numbers<float>(4 * l->out),
           *sums = (double *)numbers<float>(4 * at->channels);
    struct ps_nn_pass p = {};
    p.n = n, p.x = x, p.y = y, p.w = w, p.prepared = prepared, p.kept = kept, p.work = work,
    p.moments = moments;
    if (normal) p.read = {factors, factors, factors, PS_NN_RELU};
    nn->conv_prepare(l, w, prepared, 0, 1);
    struct conv_times t = {2.0 * (double)out * (double)(at->kernel * at->kernel * at->channels), 0, 0, 0};
    t.forward = seconds([&] { nn->conv_forward(l, &p); });
    p.dy = dy, p.dw = dw, p.dw_add = true, p.dx_add = !normal, p.dy_read = {factors, factors, factors};
    if (normal) p.sums = sums;
    t.weights = seconds([&] { nn->conv_backward(l, &p); });
    p.dx = dx;
    t.both = dx ? seconds([&] { nn->conv_backward(l, &p); }) : t.weights;
    for (void *array :
         {(void *)factors, x, y, dx, dy, w, prepared, kept, work, dw, (void *)moments, (void *)sums})
        gpu->memory->free(array);
    return t;
}

static void tell_conv(const char *what, const struct conv_times *t, bool data)
{
    std::printf("%-30s %8.3f %6.1f %8.3f %6.1f", what, 1e3 * t->forward, 1e-12 * t->flop / t->forward,
                1e3 * t->weights, 1e-12 * t->flop / t->weights);
    if (data)
        std::printf(" %8.3f %6.1f", 1e3 * (t->both - t->weights), 1e-12 * t->flop / (t->both - t->weights));
    std::printf("\n");
    std::fflush(stdout);
}

static void convolutions(int64_t n, int64_t size)
{
    struct conv_times all = {0, 0, 0, 0};
    std::printf("%-30s %15s %15s %15s\n", "convolutions, ms and TFLOP/s", "forward", "weights", "input");
    for (int i = 0; i < RESNET50_SHAPES; i++) {
        const struct resnet50_shape *s = &resnet50_shapes[i];
        const int64_t in = size / s->shrunk, rows = (in + s->kernel / 2 * 2 - s->kernel) / s->stride + 1;
        struct ps_nn_conv l = {};
        l.at = {in, in, s->channels, rows, rows, s->kernel, s->stride, s->kernel / 2};
        l.out = s->out, l.data = i > 0, l.plain = true, l.half_x = i > 0, l.half_y = true,
        l.reads = s->normal;
        const struct conv_times t = measure_conv(&l, n, s->normal);
        char what[64];
        std::snprintf(what, sizeof what, "%d x %lld %d-%d %dx%d/%d%s", s->times, (long long)in, s->channels,
                      s->out, s->kernel, s->kernel, s->stride, s->normal ? " normal" : "");
        tell_conv(what, &t, l.data);
        all.flop += s->times * t.flop, all.forward += s->times * t.forward;
        all.weights += s->times * t.weights, all.both += s->times * t.both;
    }
    tell_conv("all", &all, true);
    std::printf("%-30s %8.0f images/s, were there nothing else\n\n", "",
                (double)n / (all.forward + all.both));
}

/* --- kernels that move memory --- */

static void tell(const char *what, int64_t rows, int64_t channels, double bytes, double s)
{
    std::printf("%-14s %10lld x %-8lld %8.1f MB %8.4f ms %6.0f GB/s %5.1f %%\n", what, (long long)rows,
                (long long)channels, 1e-6 * bytes, 1e3 * s, 1e-9 * bytes / s, 100 * bytes / s / copy_rate);
    std::fflush(stdout);
}

static void copies(int64_t bytes)
{
    void *from = numbers<float>(bytes / 4), *to = numbers<float>(bytes / 4);
    const double s = seconds([&] { nn->copy(bytes, from, to); });
    copy_rate = 2.0 * (double)bytes / s;
    tell("copy", bytes, 1, 2.0 * (double)bytes, s);
    gpu->memory->free(from), gpu->memory->free(to);
}

/* Passes over images between convolutions; bytes as if each array were moved once. */
static void images(int64_t rows, int64_t channels)
{
    const int64_t n = rows * channels;
    const double once = 2.0 * (double)n; /* bytes */
    ps_half *x = numbers<ps_half>(n), *y = numbers<ps_half>(n), *z = numbers<ps_half>(n);
    float *factors = numbers<float>(channels);
    double *sums = (double *)numbers<float>(4 * channels);
    double *work = (double *)numbers<float>(2 * ps_nn_moments_work_cu(rows, channels));
    void *columns = numbers<float>(nn->columns_work(rows, channels));
    const struct ps_nn_read read = {factors, factors, factors, PS_NN_RELU};
    const struct ps_nn_gradient_read gradient = {factors, factors, factors};
    tell("read", rows, channels, 2 * once,
         seconds([&] { ps_nn_read_cu(&read, rows, channels, true, x, y); }));
    tell("moments", rows, channels, once,
         seconds([&] { ps_nn_moments_cu(rows, channels, true, x, sums, work); }));
    tell("read back", rows, channels, 3 * once,
         seconds([&] { ps_nn_read_back_cu(&read, rows, channels, true, x, y, sums, work); }));
    tell("gradient read", rows, channels, 3 * once,
         seconds([&] { ps_nn_gradient_read_cu(&gradient, rows, channels, true, x, y, z); }));
    struct ps_nn_sum sum = {rows, channels, PS_NN_RELU, true, true, true};
    struct ps_nn_pass p = {};
    p.n = 1, p.x = x, p.also = y, p.y = z, p.read = {factors, factors, factors, PS_NN_LINEAR},
    p.work = columns;
    tell("sum", rows, channels, 3 * once, seconds([&] { nn->sum_forward(&sum, &p); }));
    p.dy = y, p.dx = x, p.dalso = y, p.sums = sums;
    tell("sum back", rows, channels, 4 * once, seconds([&] { nn->sum_backward(&sum, &p); }));
    for (void *array :
         {(void *)x, (void *)y, (void *)z, (void *)factors, (void *)sums, (void *)work, columns})
        gpu->memory->free(array);
}

static void pool(int64_t n, int64_t height)
{
    const int64_t rows = (height - 1) / 2 + 1, channels = 64, in = n * height * height * channels,
                  out = n * rows * rows * channels;
    struct ps_nn_pool l = {};
    l.at = {height, height, channels, rows, rows, 3, 2, 1}, l.half_x = l.half_y = true;
    struct ps_nn_pass p = {};
    float *factors = numbers<float>(channels);
    void *x = numbers<ps_half>(in), *y = numbers<ps_half>(out), *dx = numbers<ps_half>(in),
         *dy = numbers<ps_half>(out);
    void *work = numbers<float>(nn->columns_work(n * height * height, channels)),
         *sums = numbers<float>(4 * channels);
    p.n = n, p.x = x, p.y = y, p.work = work, p.read = {factors, factors, factors, PS_NN_RELU};
    tell("pool", n * height * height, channels, 2.0 * (double)(in + out),
         seconds([&] { nn->pool_forward(&l, &p); }));
    p.dx = dx, p.dy = dy, p.sums = (double *)sums;
    tell("pool back", n * height * height, channels, 4.0 * (double)(in + out),
         seconds([&] { nn->pool_backward(&l, &p); }));
    for (void *array : {(void *)factors, x, y, dx, dy, work, sums}) gpu->memory->free(array);
}

/* An update of all weights by SGD with momentum: w, g and the state are read, w and the state written. */
static void update(int64_t weights)
{
    const struct ps_nn_tensor tensor = {0, weights, true};
    struct ps_nn_optimizer_plan plan = {};
    struct ps_nn_optimizer *o = NULL;
    float *w = numbers<float>(weights), *g = numbers<float>(weights);
    plan.update.rule = PS_NN_SGD, plan.update.momentum = 0.9, plan.update.decay = 5e-5;
    plan.weights = weights, plan.tensor = &tensor, plan.tensors = 1;
    const struct ps_nn_step step = {0, 1e-6};
    gpu->set_step(&step);
    if (gpu->optimizer_open(&plan, &o) != PS_OK) return good();
    tell("update", weights, 1, 20.0 * (double)weights, seconds([&] { gpu->optimizer_step(o, g, w); }));
    gpu->optimizer_close(o);
    gpu->memory->free(w), gpu->memory->free(g);
}

/* --- DBSCAN --- */

/* Points spread evenly over a cube. */
static float *spread(int64_t n, int d, double side)
{
    float *x = numbers<float>(n * d), *here = (float *)std::malloc((size_t)(n * d) * sizeof *here);
    if (!here) std::fputs("gpu-kernels: no memory for points\n", stderr), std::exit(1);
    gpu->memory->get(here, x, n * d * (int64_t)sizeof *x);
    good();
    gpu->memory->free(x);
    for (int64_t i = 0; i < n * d; i++) here[i] *= (float)(side / 2);
    return here;
}

/* A round of all steps; every component is a cluster. @param seconds out: of the four steps */
static struct ps_dbscan_work dbscan_round(const struct ps_dbscan_spec *spec, double *seconds)
{
    const int64_t n = spec->points.n;
    struct ps_dbscan *s = NULL;
    uint8_t *core = (uint8_t *)std::malloc((size_t)n);
    uint32_t *component = (uint32_t *)std::malloc((size_t)n * sizeof *component), components = 0;
    int64_t *label = (int64_t *)std::malloc((size_t)n * sizeof *label),
            *cluster = (int64_t *)std::malloc((size_t)n * sizeof *cluster);
    struct ps_dbscan_work work = {};
    if (!core || !component || !label || !cluster)
        std::fputs("gpu-kernels: no memory\n", stderr), std::exit(1);
    for (int64_t i = 0; i < n; i++) core[i] = 0, component[i] = 0, label[i] = 0, cluster[i] = i + 1;
    enum ps_status rc = PS_OK;
    auto step = [&](int i, auto what) {
        const double start = now();
        if (rc == PS_OK) rc = what();
        seconds[i] = now() - start;
    };
    step(0, [&] { return ps_dbscan_cu.create(spec, &s); });
    step(1, [&] { return ps_dbscan_cu.core(s, core); });
    step(2, [&] { return ps_dbscan_cu.connect(s, core, component, &components); });
    step(3, [&] { return ps_dbscan_cu.label(s, cluster, label); });
    if (rc != PS_OK) std::fprintf(stderr, "gpu-kernels: DBSCAN failed (%d)\n", (int)rc), std::exit(1);
    work = ps_dbscan_cu.work(s);
    ps_dbscan_cu.destroy(s);
    for (void *memory : {(void *)core, (void *)component, (void *)label, (void *)cluster}) std::free(memory);
    return work;
}

/* @param side of the cube, eps = 1 */
static void dbscan(int64_t n, int d, double side)
{
    static const char *const steps[] = {"index", "core points", "connect", "label"};
    float *x = spread(n, d, side);
    const struct ps_dbscan_spec spec = {{x, n, d, PS_F32}, n, 1, 10, PS_INDEX_AUTO};
    double seconds[4], all = 0;
    dbscan_round(&spec, seconds);
    const struct ps_dbscan_work work = dbscan_round(&spec, seconds);
    for (int i = 0; i < 4; i++) {
        std::printf("%-14s %10lld x %-8d %8.3f ms %8.1f Mpoints/s\n", steps[i], (long long)n, d,
                    1e3 * seconds[i], 1e-6 * (double)n / seconds[i]);
        all += seconds[i];
    }
    std::printf("%-14s %10lld x %-8d %8.3f ms %8.1f Mpoints/s %8.2f Gdistances/s\n", "DBSCAN", (long long)n,
                d, 1e3 * all, 1e-6 * (double)n / all, 1e-9 * (double)work.distances / all);
    std::fflush(stdout);
    std::free(x);
}

/* --- support vector machines --- */

/* Rows of which all columns are there. */
static struct ps_svm_pack *pack(int64_t n, int64_t cols)
{
    const struct ps_svm_layout layout = {cols, true, false, NULL};
    struct ps_svm_pack *p = NULL;
    std::vector<int64_t> start;
    std::vector<int32_t> index;
    std::vector<double> value;
    for (int64_t i = 0; i <= n; i++) start.push_back(i * cols);
    for (int64_t e = 0; e < n * cols; e++) index.push_back((int32_t)(e % cols));
    for (int64_t e = 0; e < n * cols; e++) value.push_back(1e-3 * (double)(e * 7919 % 1000));
    const struct ps_csr x = {n, cols, start.data(), index.data(), value.data()};
    ps_svm_cu.pack(&x, NULL, n, &layout, &p);
    good();
    return p;
}

/* The first `rows` rows of a pack with the first n; if these are the same, half of the products are made. */
static void kernel_values(const struct ps_svm_pack *p, int64_t rows, int64_t n, int64_t cols, float *out)
{
    const struct ps_svm_function f = {PS_SVM_RBF, 0, 1 / (double)cols, 0};
    const double values = (double)rows * (double)n, products = rows == n ? values / 2 : values;
    const double s = seconds([&] { ps_svm_cu.block(&f, p, 0, rows, p, 0, n, out, n); });
    std::printf("block  %6lld x %-6lld of %4lld columns %8.3f ms %6.1f TFLOP/s %6.0f GB/s written\n",
                (long long)rows, (long long)n, (long long)cols, 1e3 * s, 2e-12 * products * (double)cols / s,
                4e-9 * values / s);
}

static void gradients(int64_t columns, int64_t n, const float *k)
{
    double *f = (double *)numbers<float>(2 * n);
    std::vector<const float *> col;
    const std::vector<double> coef((size_t)columns, 1e-3);
    for (int64_t w = 0; w < columns; w++) col.push_back(k + w * n);
    tell("gradients", columns, n, 4.0 * (double)columns * (double)n + 16.0 * (double)n,
         seconds([&] { ps_svm_cu.update(col.data(), coef.data(), columns, n, f); }));
    gpu->memory->free(f);
}

static void support_vectors(int64_t n)
{
    const int64_t side = n / 2; /* of a whole matrix */
    float *k = numbers<float>(side * side);
    std::printf("\n");
    for (const int64_t cols : {784, 100}) {
        struct ps_svm_pack *p = pack(n, cols);
        kernel_values(p, side, side, cols, k);
        for (const int64_t rows : {1024, 64, 8, 1}) kernel_values(p, rows, n, cols, k);
        ps_svm_cu.unpack(p);
    }
    for (const int64_t columns : {1024, 64, 2}) gradients(columns, n, k);
    gpu->memory->free(k);
}

int main(int argc, char **argv)
{
    static const struct {
        int shrunk, channels;
    } images_of[] = {{2, 64},   {4, 64},    {4, 256},  {8, 128},  {8, 512},
                     {16, 256}, {16, 1024}, {32, 512}, {32, 2048}};
    const int64_t n = argc > 1 ? std::atoll(argv[1]) : 256, size = argc > 2 ? std::atoll(argv[2]) : 224;
    const struct ps_cuda *cuda = ps_cuda_plugin();
    char text[256];
    if (n < 1 || size < 32) return std::fputs("usage: gpu-kernels [IMAGES [SIZE]]\n", stderr), 2;
    if (cuda->devices(text, sizeof text) < 1 || cuda->open(0, false, text, sizeof text) != PS_OK)
        return std::fprintf(stderr, "gpu-kernels: %s\n", text), 1;
    std::printf("%s, %lld images of %lld x %lld in bf16\n\n", text, (long long)n, (long long)size,
                (long long)size);
    convolutions(n, size);
    copies(n * size * size * 64);
    for (auto at : images_of) images(n * (size / at.shrunk) * (size / at.shrunk), at.channels);
    pool(n, size / 2);
    update(25557032); /* ResNet-50's */
    support_vectors(60000);
    std::printf("\n");
    /* about 20 points within eps of each, and hardly any: nearly all pairs are looked at */
    dbscan(10000000, 2, sqrt(10000000 * 3.14159 / 20));
    dbscan(10000000, 3, cbrt(10000000 * 4.18879 / 20));
    dbscan(100000, 20, 3);
    cuda->close();
    return 0;
}
