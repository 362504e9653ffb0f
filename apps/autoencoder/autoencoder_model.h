/** The net: an encoder that narrows to a code, and a decoder that widens again. */
#ifndef AUTOENCODER_MODEL_H
#define AUTOENCODER_MODEL_H

#include "common/nn/net.h"

/** Linear layers past the encoder and past the decoder, whose outputs are added to theirs (residual learning:
 * He et al. 2016): the others learn what is left. */
enum autoencoder_shortcut {
    AUTOENCODER_STRAIGHT, /**< none */
    AUTOENCODER_LINEAR,   /**< they are trained like all others */
    /** They are principal components and stay so. The others begin with outputs of zero, and are left out of
     * samples whose code lies far from all that was seen. */
    AUTOENCODER_PCA,
};

struct autoencoder_spec {
    /** Widths from input to output: "bands-140-60-140-bands". `bands` stands for the values of a sample;
     * "conv16" is a convolution of 3 x 3 with 16 channels and stride 2; "up16" brings the image back to the
     * size that it had before such a convolution, followed by one of 3 x 3 with 16 channels and stride 1.
     * Before the first "up" a dense layer makes the image that the last "conv" made; after the last one the
     * output is a convolution too. */
    const char *layers;
    struct ps_shape input;
    enum ps_nn_act hidden, code, output; /**< activations */
    enum autoencoder_shortcut shortcut;
    enum ps_init init;
    uint64_t seed;
};

/** Nodes of the encoder or the decoder; with a shortcut only, and a gate with AUTOENCODER_PCA only. */
struct autoencoder_way {
    int last, linear, gate;
};

struct autoencoder {
    struct ps_net net;
    int code_node; /**< the narrowest layer; of several, the first; with its shortcut */
    int64_t code;  /**< its width */
    struct autoencoder_way way[2];
};

/** Build it. Names of weights are those of two nn.Sequential in PyTorch, `encoder` and `decoder`, in which
 * each activation, nn.Flatten, nn.Unflatten and nn.Upsample are modules of their own: encoder.0.weight,
 * encoder.2.weight ...; those of shortcuts are encoder_linear and decoder_linear, those of gates encoder_gate
 * and decoder_gate. Local.
 * @param kernels borrowed
 * @return PS_OK; PS_EUSAGE (the layers make no autoencoder of this input, with the reason); PS_ENOMEM */
enum ps_status autoencoder_build(const struct autoencoder_spec *spec, const struct ps_nn_kernels *kernels,
                                 struct autoencoder *out);
void autoencoder_free(struct autoencoder *a);

#endif
