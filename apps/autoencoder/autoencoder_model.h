/** The net: an encoder that narrows to a code, and a decoder that widens again. */
#ifndef AUTOENCODER_MODEL_H
#define AUTOENCODER_MODEL_H

#include "common/nn/net.h"

struct autoencoder_spec {
    /** Widths from input to output: "bands-140-60-140-bands". `bands` stands for the values of a sample;
     * "conv16" is a convolution of 3 x 3 with 16 channels and stride 2; "up16" brings the image back to the
     * size that it had before such a convolution, followed by one of 3 x 3 with 16 channels and stride 1.
     * Before the first "up" a dense layer makes the image that the last "conv" made; after the last one the
     * output is a convolution too. */
    const char *layers;
    struct ps_shape input;
    enum ps_nn_act hidden, code, output; /**< activations */
    bool shortcut; /**< a linear layer from the input to the code, and one from the code to the output, are
                      added: they learn what principal components can tell, the others what is left (residual
                      learning: He et al. 2016) */
    enum ps_init init;
    uint64_t seed;
};

struct autoencoder {
    struct ps_net net;
    int code_node; /**< the narrowest layer; of several, the first */
    int64_t code;  /**< its width */
};

/** Build it. Names of weights are those of two nn.Sequential in PyTorch, `encoder` and `decoder`, in which
 * each activation, nn.Flatten, nn.Unflatten and nn.Upsample are modules of their own: encoder.0.weight,
 * encoder.2.weight ...; those of shortcuts are encoder_linear and decoder_linear. Local.
 * @param kernels borrowed
 * @return PS_OK; PS_EUSAGE (the layers make no autoencoder of this input, with the reason); PS_ENOMEM */
enum ps_status autoencoder_build(const struct autoencoder_spec *spec, const struct ps_nn_kernels *kernels,
                                 struct autoencoder *out);
void autoencoder_free(struct autoencoder *a);

#endif
