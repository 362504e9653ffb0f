#include "apps/autoencoder/autoencoder_params.h"
#include <string.h>
#include "common/io/outfile.h"
#include "common/io/pngfile.h"
#include "common/io/shard.h"
#include "common/linalg/pca.h"
#include "common/run/err.h"

#define ROW(member, ...) PS_PARAM(struct autoencoder_params, member, __VA_ARGS__)

const struct ps_param autoencoder_rows[] = {
    ROW(input, .letter = 'i', .positional = 1,
        .help = "samples, one a row: cube (.mat), HDF5, netCDF, NumPy, text, LIBSVM text, or IDX images"),
    ROW(dataset, .def = "", .help = "name inside the file; empty: DATA, or the only one there is"),
    ROW(scene, .def = "",
        .help = "lines and samples of a line of the scene, as 145x145; empty: what the file says"),
    ROW(image, .def = "",
        .help = "size of each sample that is an image, as 28x28 or 32x32x3; empty: spectra"),
    ROW(layers, .letter = 'l', .def = "bands-128-16-128-bands",
        .help =
            "widths from input to output; bands: values of a sample; conv16: 3 x 3 convolution, stride 2, 16 "
            "channels; up16: back to the size before, 3 x 3 convolution, 16 channels; the narrowest layer is "
            "the code"),
    ROW(activation, .def = "relu", .choices = "relu|tanh|sigmoid|linear", .help = "of layers between"),
    ROW(code_activation, .def = "linear", .choices = "linear|relu|tanh|sigmoid", .help = "of the code"),
    ROW(output_activation, .def = "linear", .choices = "linear|sigmoid|tanh|relu", .help = "of the output"),
    ROW(shortcut, .def = "none", .choices = "none|linear|pca",
        .help = "linear layers from input to code and from code to output are added, so that the rest learns "
                "what "
                "is not linear; pca: they are principal components and stay so"),
    ROW(scale, .def = "standard", .choices = "none|minmax|minmax-bands|standard",
        .help = "values are scaled by the training part: to [0,1] all alike or each band, or each band to "
                "mean 0 and "
                "deviation 1"),
    ROW(outlier, .def = "0", .range = "[0,inf)", .unit = "deviations",
        .help = "samples with a value so far from its band's mean are broken, and in no part; 0: none"),
    ROW(test, .def = "0.2", .range = "(0,1)", .help = "share of the samples that only the report sees"),
    ROW(validation, .def = "0", .range = "[0,1)",
        .help = "share for choosing the best weights and early stopping; 0: each epoch shows the test part"),
    ROW(noise, .def = "0", .range = "[0,inf)", .unit = "scaled",
        .help = "denoising: standard deviation of what is added to inputs in training"),
    ROW(mask, .def = "0", .range = "[0,1)",
        .help = "denoising: share of the inputs that are set to 0 in training"),
    ROW(pca, .flag = true, .def = "yes", .help = "compare with as many principal components"),
    ROW(codes, .def = "",
        .help = "file for the codes of all samples; the name's end is the format, .svm with labels"),
    ROW(labels, .def = "", .help = "file of the samples' labels, to go with the codes"),
    ROW(reconstruction, .def = "", .help = "file for what comes back of all samples"),
    ROW(plot, .def = "", .help = "PNG file for a picture of samples beside what comes back"),
    ROW(plot_bands, .def = "", .values = 0, .range = "[0,inf)",
        .help = "red, green, blue of a scene's picture, counted from 0; empty: chosen"),
    PS_TRAIN_ROWS(struct autoencoder_params, train, "100", "128", "adam", "0.001"),
};
const int autoencoder_nrows = sizeof autoencoder_rows / sizeof *autoencoder_rows;

/* Whether a file can be written is known before hours of training. Collective. */
static enum ps_status try_table(const struct ps_run *run, const char *name, const char *path)
{
    struct ps_outfile f;
    if (!path[0]) return PS_OK;
    PS_CHECK(ps_shard_format_named(path)[0], PS_EUSAGE,
             "%s = %s: no format has this end; .h5, .nc, .npy, .csv are some", name, path);
    PS_TRY(ps_outfile_open(run->comm, path, false, &f));
    ps_outfile_close(&f, PS_STOPPED); /* nothing is left, and a file that exists stays */
    ps_err_clear();
    return PS_OK;
}

enum ps_status autoencoder_check(const struct ps_run *run, const struct autoencoder_params *p)
{
    const struct ps_train_params *t = &p->train;
    const bool chooses = t->best[0] || t->patience > 0;
    PS_CHECK(!chooses || p->validation > 0, PS_EUSAGE,
             "best weights and early stopping are chosen by a validation part: add --validation 0.1");
    PS_CHECK(strcmp(t->optimizer, "lbfgs") != 0 || (!(p->noise > 0) && !(p->mask > 0)), PS_EUSAGE,
             "lbfgs needs the same samples in every step: no noise and no mask");
    PS_CHECK(strcmp(p->shortcut, "pca") != 0 || !(t->decay > 0), PS_EUSAGE,
             "shortcut = pca: decay would shrink the principal components; leave it out");
    PS_CHECK(strcmp(p->shortcut, "pca") != 0 || t->weights[0] || ps_pca_available(), PS_EBACKEND,
             "shortcut = pca: this build has no ScaLAPACK (Debian: libscalapack-openmpi-dev)");
    PS_CHECK(p->plot_bands.n == 0 || p->plot_bands.n == 3, PS_EUSAGE,
             "plot_bands: a picture needs three bands, not %d", p->plot_bands.n);
    PS_CHECK(!p->labels[0] || p->codes[0], PS_EUSAGE, "labels go with codes: add --codes FILE");
    PS_CHECK(!run->common->resume || run->common->checkpoint[0], PS_EUSAGE,
             "--resume needs --checkpoint FILE");
    PS_TRY(try_table(run, "codes", p->codes));
    PS_TRY(try_table(run, "reconstruction", p->reconstruction));
    return p->plot[0] ? ps_png_try(run->comm, p->plot) : PS_OK;
}

enum spectra_scaling autoencoder_scaling(const struct autoencoder_params *p)
{
    return !strcmp(p->scale, "none")           ? SPECTRA_PLAIN
           : !strcmp(p->scale, "minmax")       ? SPECTRA_MINMAX
           : !strcmp(p->scale, "minmax-bands") ? SPECTRA_MINMAX_BANDS
                                               : SPECTRA_STANDARD;
}

static enum ps_nn_act act_named(const char *word)
{
    return !strcmp(word, "relu")      ? PS_NN_RELU
           : !strcmp(word, "tanh")    ? PS_NN_TANH
           : !strcmp(word, "sigmoid") ? PS_NN_SIGMOID
                                      : PS_NN_LINEAR;
}

static enum autoencoder_shortcut shortcut_named(const char *word)
{
    return !strcmp(word, "linear") ? AUTOENCODER_LINEAR
           : !strcmp(word, "pca")  ? AUTOENCODER_PCA
                                   : AUTOENCODER_STRAIGHT;
}

enum ps_status autoencoder_spec(const struct ps_run *run, const struct autoencoder_params *p, int64_t bands,
                                struct autoencoder_spec *out)
{
    int64_t size[3] = {1, 1, bands};
    if (p->image[0]) {
        size[2] = 1;
        PS_CHECK(spectra_sizes(p->image, 3, size) || spectra_sizes(p->image, 2, size), PS_EUSAGE,
                 "image = %s: not of the form 28x28 or 32x32x3", p->image);
        PS_CHECK(size[0] * size[1] <= bands && size[0] * size[1] * size[2] == bands, PS_EUSAGE,
                 "image = %s: the samples of %s have %lld values", p->image, p->input, (long long)bands);
    }
    *out = (struct autoencoder_spec){.layers = p->layers,
                                     .input = {size[0], size[1], size[2], false},
                                     .hidden = act_named(p->activation),
                                     .code = act_named(p->code_activation),
                                     .output = act_named(p->output_activation),
                                     .shortcut = shortcut_named(p->shortcut),
                                     .init = ps_train_init(&p->train),
                                     .seed = (uint64_t)run->common->seed};
    return PS_OK;
}
