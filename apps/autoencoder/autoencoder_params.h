/** Parameters of autoencoder-train. */
#ifndef AUTOENCODER_PARAMS_H
#define AUTOENCODER_PARAMS_H

#include "apps/autoencoder/autoencoder_model.h"
#include "apps/autoencoder/spectra_parts.h"
#include "common/nn/train_params.h"

struct autoencoder_params {
    ps_str input, dataset, scene, image, layers, activation, code_activation, output_activation, shortcut,
        scale, labels, codes, reconstruction, plot;
    struct ps_list plot_bands;
    double outlier, test, validation, noise, mask;
    bool pca;
    struct ps_train_params train;
};

extern const struct ps_param autoencoder_rows[];
extern const int autoencoder_nrows;

/** Do parameters fit each other, and can files be written where they should go? Collective over run->comm.
 * @return (agreed) PS_OK; PS_EUSAGE; PS_EIO */
enum ps_status autoencoder_check(const struct ps_run *run, const struct autoencoder_params *p);

enum spectra_scaling autoencoder_scaling(const struct autoencoder_params *p);

/** What net is asked for, of samples of `bands` values. Local.
 * @return PS_OK; PS_EUSAGE (images of another size) */
enum ps_status autoencoder_spec(const struct ps_run *run, const struct autoencoder_params *p, int64_t bands,
                                struct autoencoder_spec *out);

#endif
