/* ranks: 1 3 */
#include "mpicheck.h"
#include <math.h>
#include <string.h>
#include "apps/autoencoder/autoencoder_model.h"
#include "apps/autoencoder/autoencoder_report.h"
#include "apps/autoencoder/autoencoder_start.h"
#include "apps/autoencoder/spectra_parts.h"
#include "common/run/err.h"

/* The names that nn.Sequential gives, with modules for activations and flattening. */
static void check_names(const char *layers, struct ps_shape input, enum ps_nn_act code, int64_t width,
                        enum autoencoder_shortcut shortcut, const char *const *want)
{
    const struct autoencoder_spec spec = {.layers = layers,
                                          .input = input,
                                          .hidden = PS_NN_RELU,
                                          .code = code,
                                          .output = PS_NN_LINEAR,
                                          .shortcut = shortcut};
    struct autoencoder a;
    ck_assert_msg(autoencoder_build(&spec, &ps_nn_ref, &a) == PS_OK, "%s", ps_err_message());
    struct ps_tensor tensor[PS_TENSORS_MAX * 16];
    const int n = ps_net_tensors(&a.net, tensor);
    for (int i = 0; i < n; i += 2)
        ck_assert_msg(want[i / 2] && !strcmp(tensor[i].name, want[i / 2]), "%s: tensor %d is %s", layers, i,
                      tensor[i].name);
    ck_assert_msg(!want[n / 2], "%s: no %s", layers, want[n / 2]);
    ck_assert_int_eq(a.code, width);
    ck_assert_int_eq(ps_shape_size(a.net.node[a.code_node].out), width);
    autoencoder_free(&a);
}

START_TEST(names)
{
    const struct ps_shape spectra = {1, 1, 20, false}, image = {12, 10, 1, false};
    check_names("bands-14-6-14-20", spectra, PS_NN_RELU, 6, AUTOENCODER_STRAIGHT,
                (const char *const[]){"encoder.0.weight", "encoder.2.weight", "decoder.0.weight",
                                      "decoder.2.weight", NULL});
    check_names("20-5-bands", spectra, PS_NN_LINEAR, 5, AUTOENCODER_STRAIGHT,
                (const char *const[]){"encoder.0.weight", "decoder.0.weight", NULL});
    check_names("bands-8-5-5-8-bands", spectra, PS_NN_LINEAR, 5,
                AUTOENCODER_STRAIGHT, /* the first of the narrowest is the code */
                (const char *const[]){"encoder.0.weight", "encoder.2.weight", "decoder.0.weight",
                                      "decoder.2.weight", "decoder.4.weight", NULL});
    check_names("bands-14-6-14-20", spectra, PS_NN_LINEAR, 6, AUTOENCODER_LINEAR,
                (const char *const[]){"encoder.0.weight", "encoder.2.weight", "encoder_linear.weight",
                                      "decoder.0.weight", "decoder.2.weight", "decoder_linear.weight", NULL});
    check_names("bands-6-bands", spectra, PS_NN_LINEAR, 6, AUTOENCODER_PCA, /* limits have no bias */
                (const char *const[]){"encoder.0.weight", "encoder_linear.weight", "encoder_gate.limit",
                                      "decoder.0.bias", "decoder_linear.bias", NULL});
    check_names("bands-conv4-conv8-30-7-30-bands", image, PS_NN_LINEAR, 7, AUTOENCODER_STRAIGHT,
                (const char *const[]){"encoder.0.weight", "encoder.2.weight", "encoder.5.weight",
                                      "encoder.7.weight", "decoder.0.weight", "decoder.2.weight", NULL});
    check_names("bands-conv4-conv8-7-30-up6-up5-bands", image, PS_NN_LINEAR, 7, AUTOENCODER_STRAIGHT,
                (const char *const[]){"encoder.0.weight", "encoder.2.weight", "encoder.5.weight",
                                      "decoder.0.weight", "decoder.2.weight", /* nn.Linear, nn.ReLU twice */
                                      "decoder.6.weight", /* after nn.Unflatten and nn.Upsample */
                                      "decoder.9.weight", "decoder.11.weight", NULL});
    check_names("bands-conv4-7-up5-bands", image, PS_NN_LINEAR, 7, AUTOENCODER_LINEAR,
                (const char *const[]){"encoder.0.weight", "encoder.3.weight", "encoder_linear.weight",
                                      "decoder.0.weight", "decoder.4.weight", "decoder.6.weight",
                                      "decoder_linear.weight", NULL});
}
END_TEST

/* On the way back images have the sizes of those on the way in, odd ones too. */
START_TEST(way_back)
{
    const struct autoencoder_spec spec = {
        .layers = "bands-conv4-conv8-6-up5-up3-bands", .input = {13, 10, 2, false}, .hidden = PS_NN_RELU};
    static const int64_t want[][3] = {{7, 5, 4}, {4, 3, 8},   {1, 1, 6},   {4, 3, 8},  {7, 5, 8},
                                      {7, 5, 5}, {13, 10, 5}, {13, 10, 3}, {13, 10, 2}};
    struct autoencoder a;
    ck_assert_msg(autoencoder_build(&spec, &ps_nn_ref, &a) == PS_OK, "%s", ps_err_message());
    ck_assert_int_eq(a.net.nodes, 10);
    for (int i = 1; i < a.net.nodes; i++) {
        const struct ps_shape s = a.net.node[i].out;
        const int64_t *w = want[i - 1];
        ck_assert_msg(s.height == w[0] && s.width == w[1] && s.channels == w[2],
                      "layer %d: %lld x %lld x %lld", i, (long long)s.height, (long long)s.width,
                      (long long)s.channels);
    }
    autoencoder_free(&a);
}
END_TEST

/* Two directions of unit length and what a net that begins with them makes of a sample: at first the same as
 * they, and of a sample far off for ever. */
enum { COLS = 60, CODE = 2 };

static void make_components(struct ps_pca *pca, double *mean, double *component, double *variance)
{
    for (int j = 0; j < COLS; j++) {
        mean[j] = 0.1 * (j % 7);
        component[j * CODE] = 1 / sqrt(COLS);
        component[j * CODE + 1] = (j % 2 ? -1 : 1) / sqrt(COLS);
    }
    variance[0] = 9, variance[1] = 4;
    *pca = (struct ps_pca){
        .cols = COLS, .code = CODE, .mean = mean, .component = component, .variance = variance, .total = 16};
}

/* Largest difference from what components make of sample 0 (near) and 1 (far): codes and what comes back. */
static void differ(const struct autoencoder *a, const struct ps_pca *pca, const float *w, double *most)
{
    float x[2 * COLS], y[COLS], *prepared = aligned_alloc(64, (size_t)(a->net.prepared + 16) / 16 * 64);
    double code[CODE];
    struct ps_net_work work;
    for (int j = 0; j < COLS; j++) {
        x[j] = (float)sin(j * j);
        x[COLS + j] =
            8 + (float)cos(j); /* 8 sqrt(60) = 62 along the first; the limit is 10 sqrt(9 + 3) = 35 */
    }
    ps_net_prepare(&a->net, w, prepared, 0, 1);
    ck_assert(ps_net_work_make(&a->net, 2, false, &work) == PS_OK);
    const float *back = ps_net_forward(
        &work, &(struct ps_net_batch){.n = 2, .x = x, .sample = (int64_t[]){0, 1}}, w, prepared);
    for (int i = 0; i < 2; i++) {
        const float *c = (const float *)work.y[a->code_node] + i * CODE;
        ps_pca_encode(pca, x + i * COLS, code);
        ps_pca_decode(pca, code, y);
        most[i] = 0;
        for (int k = 0; k < CODE; k++) most[i] = fmax(most[i], fabs((double)c[k] - code[k]));
        for (int j = 0; j < COLS; j++)
            most[i] = fmax(most[i], fabs((double)back[i * COLS + j] - (double)y[j]));
    }
    ps_net_work_free(&work);
    free(prepared);
}

START_TEST(start)
{
    static const char *const layers[] = {"bands-7-2-9-bands", "bands-2-bands", "bands-conv4-2-up3-bands"};
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_cpu};
    double mean[COLS], component[COLS * CODE], variance[CODE], most[2];
    struct ps_pca pca;
    make_components(&pca, mean, component, variance);
    for (int t = 0; t < 6; t++) {
        const struct autoencoder_spec spec = {.layers = layers[t % 3],
                                              .input = {5, 6, 2, false},
                                              .hidden = PS_NN_TANH,
                                              .shortcut = AUTOENCODER_PCA};
        struct autoencoder a;
        ck_assert_msg(autoencoder_build(&spec, tables[t / 3], &a) == PS_OK, "%s", ps_err_message());
        float *w = malloc((size_t)a.net.weights * sizeof *w);
        ps_net_init(&a.net, w);
        autoencoder_start(&a, &pca, w);
        differ(&a, &pca, w, most); /* of 60 products of numbers up to 62 in single precision */
        ck_assert_msg(most[0] < 1e-4 && most[1] < 1e-4, "%s: %g %g", spec.layers, most[0], most[1]);
        for (int p = 0; p < 2; p++) {
            const struct ps_node *last = &a.net.node[a.way[p].last];
            for (int64_t i = 0; i < last->weights; i++) w[last->weights_at + i] = 0.3f;
        }
        differ(&a, &pca, w, most);
        ck_assert_msg(most[0] > 0.1 && most[1] < 1e-4, "%s, another: %g %g", spec.layers, most[0], most[1]);
        free(w);
        autoencoder_free(&a);
    }
}
END_TEST

enum { N = 103, BANDS = 3 };

static void make(struct spectra *s, float *x)
{
    for (int i = 0; i < N; i++) {
        x[i * BANDS] = (float)(100 + i);
        x[i * BANDS + 1] = (float)(-0.5 * i);
        x[i * BANDS + 2] = 7; /* does not vary */
    }
    *s = (struct spectra){.n = N, .bands = BANDS, .x = x, .path = "made"};
}

START_TEST(split)
{
    float x[N * BANDS];
    struct spectra s;
    struct spectra_part part[3];
    int count[N] = {0};
    make(&s, x);
    ck_assert(spectra_split(&s, 5, 0.2, 0.1, &part[0], &part[1], &part[2]) == PS_OK);
    const int64_t want[3] = {N - 21 - 10, 10, 21};
    for (int p = 0; p < 3; p++) {
        ck_assert_int_eq(part[p].hi - part[p].lo, want[p]);
        for (int64_t i = 0; i < want[p]; i++) count[spectra_sample(&part[p], i)]++;
    }
    for (int i = 0; i < N; i++) ck_assert_int_eq(count[i], 1);
    ck_assert(spectra_split(&s, 5, 0.001, 0, &part[0], &part[1], &part[2]) == PS_EUSAGE);
    ps_err_clear();
    ck_assert(spectra_split(&s, 5, 0.9, 0.1, &part[0], &part[1], &part[2]) == PS_EUSAGE);
    ps_err_clear();
}
END_TEST

/* The training part's bands after scaling, and the way back. */
START_TEST(scale)
{
    float x[N * BANDS], y[BANDS];
    struct spectra s;
    struct spectra_part part[3];
    struct ps_run run = {.comm = MPI_COMM_WORLD, .threads = 1};
    MPI_Comm_rank(run.comm, &run.rank);
    MPI_Comm_size(run.comm, &run.size);
    make(&s, x);
    ck_assert(spectra_split(&s, 5, 0.2, 0, &part[0], &part[1], &part[2]) == PS_OK);
    const int64_t n = part[0].hi - part[0].lo;
    for (enum spectra_scaling kind = SPECTRA_PLAIN; kind <= SPECTRA_STANDARD; kind++) {
        struct spectra_scale scale;
        double mean[BANDS] = {0}, square[BANDS] = {0}, lo[BANDS], hi[BANDS];
        mck_assert(spectra_scale_find(&run, &part[0], kind, &scale) == PS_OK, "%s", ps_err_message());
        for (int k = 0; k < BANDS; k++) lo[k] = 1e9, hi[k] = -1e9;
        for (int64_t i = 0; i < n; i++) {
            const int64_t at = spectra_sample(&part[0], i);
            spectra_scaled(&s, &scale, at, y);
            for (int k = 0; k < BANDS; k++) {
                mean[k] += y[k] / (double)n;
                square[k] += (double)y[k] * y[k] / (double)n;
                lo[k] = fmin(lo[k], y[k]), hi[k] = fmax(hi[k], y[k]);
            }
            spectra_unscale(&scale, BANDS, y);
            for (int k = 0; k < BANDS; k++) ck_assert(fabsf(y[k] - x[at * BANDS + k]) < 1e-4f);
        }
        for (int k = 0; k < 2; k++) {
            if (kind == SPECTRA_PLAIN) ck_assert(fabs(hi[k] - lo[k]) > 20);
            if (kind == SPECTRA_MINMAX_BANDS) ck_assert(fabs(lo[k]) < 1e-6 && fabs(hi[k] - 1) < 1e-6);
            if (kind == SPECTRA_STANDARD) ck_assert(fabs(mean[k]) < 1e-6 && fabs(square[k] - 1) < 1e-6);
        }
        if (kind == SPECTRA_MINMAX) ck_assert(fabs(hi[0] - 1) < 1e-6 && fabs(lo[1]) < 1e-6 && lo[0] > 0.5);
        ck_assert(isfinite(y[2]));
        spectra_scale_free(&scale);
    }
}
END_TEST

/* Figures of one sample that is known to come back wrong. */
START_TEST(figures)
{
    float x[] = {3, 4, 0}, shift[] = {0, 0, 0}, factor[] = {2, 2, 2};
    const struct spectra s = {.n = 1, .bands = 3, .x = x};
    const struct spectra_scale scale = {shift, factor, 10};
    const struct spectra_part part = {.all = &s, .scale = &scale, .hi = 1};
    const struct ps_score score = autoencoder_score(&part);
    float scaled[] = {6, 8, 0}, back[] = {0, 0, 10}; /* 10 in the file's unit is 5: a right angle */
    void *y[] = {NULL, back};
    struct ps_net net = {.nodes = 2};
    const struct ps_net_work work = {.net = &net, .y = y};
    const struct ps_net_batch batch = {.n = 1};
    double sum[16] = {0}, figure[AUTOENCODER_FIGURES];
    score.add(score.context, &work, &batch, scaled, sum);
    autoencoder_figures(sum, 1, figure);
    ck_assert(fabs(figure[AUTOENCODER_MSE] - 200 / 3.0) < 1e-12);
    ck_assert(fabs(figure[AUTOENCODER_RMSE] - sqrt(50 / 3.0)) < 1e-12);
    ck_assert(fabs(figure[AUTOENCODER_ANGLE] - 90) < 1e-12);
    ck_assert(fabs(figure[AUTOENCODER_PSNR] - 10 * log10(100 * 3 / 50.0)) < 1e-12);
}
END_TEST

START_TEST(sizes)
{
    int64_t size[3];
    ck_assert(spectra_sizes("28x30", 2, size) && size[0] == 28 && size[1] == 30);
    ck_assert(spectra_sizes("2x3x4", 3, size) && size[2] == 4);
    const char *const wrong[] = {"",     "28",     "28x",    "x28",          "28x-3",
                                 "28x0", "28x3x1", "28 x 3", "99999999999x1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) ck_assert(!spectra_sizes(wrong[i], 2, size));
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {names, way_back, start, split, scale, figures, sizes, NULL};
    return mck_main(argc, argv, "autoencoder", tests);
}
