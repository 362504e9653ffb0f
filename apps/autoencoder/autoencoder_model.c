#include "apps/autoencoder/autoencoder_model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

enum { LAYERS_MAX = 64, KERNEL = 3, STRIDE = 2, PAD = 1, WIDEST = 1 << 24 };

struct layer {
    bool conv;
    int64_t width; /* features or channels */
};

/* One layer of the text; what follows it. NULL: it is none. */
static const char *parse_layer(const char *at, int64_t bands, struct layer *out)
{
    if (!strncmp(at, "bands", 5)) {
        *out = (struct layer){.width = bands};
        return at + 5;
    }
    out->conv = !strncmp(at, "conv", 4);
    if (out->conv) at += 4;
    char *end = NULL;
    out->width = *at >= '0' && *at <= '9' ? strtoll(at, &end, 10) : 0;
    return out->width >= 1 && out->width <= WIDEST ? end : NULL;
}

/* @param n out: layers, the input too */
static enum ps_status parse(const char *text, int64_t bands, struct layer *layer, int *n)
{
    const char *at = text;
    for (*n = 0;; at++) {
        PS_CHECK(*n < LAYERS_MAX, PS_EUSAGE, "layers = %s: more than %d", text, LAYERS_MAX);
        at = parse_layer(at, bands, &layer[*n]);
        PS_CHECK(at && (*at == '-' || *at == 0), PS_EUSAGE,
                 "layers = %s: layer %d is none; write widths from input to output, such as "
                 "bands-140-60-140-bands",
                 text, *n + 1);
        ++*n;
        if (*at == 0) return PS_OK;
    }
}

/* Find the code, and what makes no autoencoder. */
static enum ps_status check(const struct autoencoder_spec *spec, const struct layer *layer, int n, int *code)
{
    const int64_t bands = ps_shape_size(spec->input);
    const bool image = spec->input.height * spec->input.width > 1;
    PS_CHECK(n >= 3, PS_EUSAGE, "layers = %s: between input and output a code is missing", spec->layers);
    for (int end = 0; end < n; end += n - 1)
        PS_CHECK(!layer[end].conv && layer[end].width == bands, PS_EUSAGE,
                 "layers = %s: the %s is %s%lld, but samples have %lld values", spec->layers,
                 end ? "output" : "input", layer[end].conv ? "conv" : "", (long long)layer[end].width,
                 (long long)bands);
    *code = 0;
    for (int i = 1; i < n - 1; i++)
        if (!layer[i].conv && (*code == 0 || layer[i].width < layer[*code].width)) *code = i;
    PS_CHECK(*code > 0 && layer[*code].width < bands, PS_EUSAGE,
             "layers = %s: no layer is narrower than the %lld values of a sample, so there is no code",
             spec->layers, (long long)bands);
    PS_CHECK(!spec->shortcut || (spec->code == PS_NN_LINEAR && spec->output == PS_NN_LINEAR), PS_EUSAGE,
             "shortcut: code and output must be linear, as what is linear is added to them");
    for (int i = 1, dense = 0; i < n; i++) {
        dense |= !layer[i].conv;
        PS_CHECK(!layer[i].conv || !dense, PS_EUSAGE,
                 "layers = %s: convolutions stand before all other layers", spec->layers);
        PS_CHECK(!layer[i].conv || image, PS_EUSAGE,
                 "layers = %s: convolutions need images; say how large they are, for example image = 28x28",
                 spec->layers);
    }
    return PS_OK;
}

/* Layer i, after node `from`. @param module number in its nn.Sequential; counted on @return its node */
static int add(const struct autoencoder_spec *spec, struct ps_net *net, const struct layer *layer, int i,
               int code, int last, int from, int *module)
{
    char name[PS_NODE_NAME_MAX];
    const enum ps_nn_act act = i == last ? spec->output : i == code ? spec->code : spec->hidden;
    if (!layer[i].conv && i > 1 && layer[i - 1].conv) ++*module; /* nn.Flatten */
    snprintf(name, sizeof name, "%s.%d", i <= code ? "encoder" : "decoder", *module);
    *module = i == code ? 0 : *module + 1 + (act != PS_NN_LINEAR);
    return layer[i].conv ? ps_net_conv(net, from, name, layer[i].width, KERNEL, STRIDE, PAD, act)
                         : ps_net_dense(net, from, name, layer[i].width, act);
}

/* A linear layer from `from`, whose output is added to that of `node`. @return the sum */
static int add_linear(struct ps_net *net, int from, int node, int64_t width, const char *name)
{
    return ps_net_sum(net, node, ps_net_dense(net, from, name, width, PS_NN_LINEAR));
}

enum ps_status autoencoder_build(const struct autoencoder_spec *spec, const struct ps_nn_kernels *kernels,
                                 struct autoencoder *out)
{
    struct layer layer[LAYERS_MAX];
    int n = 0, code = 0, node = 0, module = 0;
    *out = (struct autoencoder){.code = 0};
    PS_TRY(parse(spec->layers, ps_shape_size(spec->input), layer, &n));
    PS_TRY(check(spec, layer, n, &code));
    ps_net_begin(&out->net, kernels, spec->input, spec->init, spec->seed);
    for (int i = 1; i < n; i++) {
        node = add(spec, &out->net, layer, i, code, n - 1, node, &module);
        if (spec->shortcut && i == code)
            node = add_linear(&out->net, 0, node, layer[i].width, "encoder_linear");
        if (i == code) out->code_node = node;
    }
    if (spec->shortcut) add_linear(&out->net, out->code_node, node, layer[n - 1].width, "decoder_linear");
    out->code = layer[code].width;
    const enum ps_status rc = ps_net_end(&out->net);
    if (rc != PS_OK) autoencoder_free(out);
    return rc;
}

void autoencoder_free(struct autoencoder *a)
{
    ps_net_free(&a->net);
    *a = (struct autoencoder){.code = 0};
}
