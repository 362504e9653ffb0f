#include "apps/autoencoder/autoencoder_model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

enum { LAYERS_MAX = 64, KERNEL = 3, STRIDE = 2, PAD = 1, WIDEST = 1 << 24 };

struct layer {
    enum { DENSE, CONV, UP } kind;
    int64_t width; /* features or channels */
};

/* One layer of the text; what follows it. NULL: it is none. */
static const char *parse_layer(const char *at, int64_t bands, struct layer *out)
{
    if (!strncmp(at, "bands", 5)) {
        *out = (struct layer){DENSE, bands};
        return at + 5;
    }
    out->kind = !strncmp(at, "conv", 4) ? CONV : !strncmp(at, "up", 2) ? UP : DENSE;
    at += out->kind == CONV ? 4 : out->kind == UP ? 2 : 0;
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

/* Convolutions stand first; what undoes them stands last, as often. */
static enum ps_status check_images(const struct autoencoder_spec *spec, const struct layer *layer, int n)
{
    const bool image = spec->input.height * spec->input.width > 1;
    int convs = 0, ups = 0;
    for (int i = 1; i < n - 1; i++) {
        PS_CHECK(layer[i].kind != CONV || convs == i - 1, PS_EUSAGE,
                 "layers = %s: convolutions stand before all other layers", spec->layers);
        PS_CHECK(layer[i].kind != CONV || image, PS_EUSAGE,
                 "layers = %s: convolutions need images; say how large they are, for example image = 28x28",
                 spec->layers);
        PS_CHECK(layer[i].kind == UP || ups == 0, PS_EUSAGE,
                 "layers = %s: after 'up' only more of them and the output may come", spec->layers);
        convs += layer[i].kind == CONV;
        ups += layer[i].kind == UP;
    }
    PS_CHECK(ups == 0 || ups == convs, PS_EUSAGE,
             "layers = %s: %d times 'up' after %d convolutions; write one for each convolution", spec->layers,
             ups, convs);
    return PS_OK;
}

/* Find the code, and what makes no autoencoder. */
static enum ps_status check(const struct autoencoder_spec *spec, const struct layer *layer, int n, int *code)
{
    static const char *const prefix[] = {"", "conv", "up"};
    const int64_t bands = ps_shape_size(spec->input);
    PS_CHECK(n >= 3, PS_EUSAGE, "layers = %s: between input and output a code is missing", spec->layers);
    for (int end = 0; end < n; end += n - 1)
        PS_CHECK(layer[end].kind == DENSE && layer[end].width == bands, PS_EUSAGE,
                 "layers = %s: the %s is %s%lld, but samples have %lld values", spec->layers,
                 end ? "output" : "input", prefix[layer[end].kind], (long long)layer[end].width,
                 (long long)bands);
    *code = 0;
    for (int i = 1; i < n - 1; i++)
        if (layer[i].kind == DENSE && (*code == 0 || layer[i].width < layer[*code].width)) *code = i;
    PS_CHECK(*code > 0 && layer[*code].width < bands, PS_EUSAGE,
             "layers = %s: no layer is narrower than the %lld values of a sample, so there is no code",
             spec->layers, (long long)bands);
    PS_CHECK(!spec->shortcut || (spec->code == PS_NN_LINEAR && spec->output == PS_NN_LINEAR), PS_EUSAGE,
             "shortcut: code and output must be linear, as what is linear is added to them");
    return check_images(spec, layer, n);
}

/* A net that is being built. */
struct build {
    const struct autoencoder_spec *spec;
    struct ps_net *net;
    int node;         /* the last one */
    const char *part; /* encoder or decoder */
    int module;       /* the next one's number in the part's nn.Sequential */
    int image;        /* nodes 0 to `image` are images on the way in to whose sizes the way back leads */
    bool up;          /* on the way back as an image */
    char name[PS_NODE_NAME_MAX];
};

/* The name of a layer with weights; its activation is a module too. */
static const char *next_name(struct build *b, enum ps_nn_act act)
{
    snprintf(b->name, sizeof b->name, "%s.%d", b->part, b->module);
    b->module += 1 + (act != PS_NN_LINEAR);
    return b->name;
}

static void add_conv(struct build *b, int64_t channels, int stride, enum ps_nn_act act)
{
    b->node = ps_net_conv(b->net, b->node, next_name(b, act), channels, KERNEL, stride, PAD, act);
}

static void add_dense(struct build *b, struct ps_shape out, enum ps_nn_act act)
{
    b->node = ps_net_dense_image(b->net, b->node, next_name(b, act), out, act);
}

/* To the size that the image had on the way in; the first one makes the smallest image of features before. */
static void add_up(struct build *b, int64_t channels, enum ps_nn_act act)
{
    if (!b->up) {
        add_dense(b, b->net->node[b->image].out, b->spec->hidden);
        b->module++; /* nn.Unflatten */
        b->up = true;
    }
    const struct ps_shape to = b->net->node[--b->image].out;
    b->node = ps_net_upsample(b->net, b->node, to.height, to.width);
    b->module++; /* nn.Upsample */
    add_conv(b, channels, 1, act);
}

static void add(struct build *b, const struct layer *layer, bool last, enum ps_nn_act act)
{
    const struct ps_shape features = {1, 1, layer->width, false};
    if (layer->kind == CONV) {
        add_conv(b, layer->width, STRIDE, act);
        b->image = b->node;
    } else if (layer->kind == UP) {
        add_up(b, layer->width, act);
    } else if (b->up) {
        add_conv(b, b->spec->input.channels, 1, act);
    } else {
        b->module += b->node > 0 && b->node == b->image; /* nn.Flatten */
        add_dense(b, last ? b->spec->input : features, act);
    }
}

/* The shortcut of the part that ends at the last node, from `from`; the part's gate goes by a code. */
static void add_shortcut(struct build *b, int from, struct autoencoder_way *way)
{
    const struct ps_shape out = b->net->node[b->node].out;
    const bool encoder = from == 0;
    char name[PS_NODE_NAME_MAX];
    way->last = b->node;
    snprintf(name, sizeof name, "%s_linear", b->part);
    if (b->spec->shortcut == AUTOENCODER_PCA) {
        way->linear = ps_net_dense_fixed(b->net, from, name, out);
        snprintf(name, sizeof name, "%s_gate", b->part);
        way->gate = ps_net_gate(b->net, way->last, encoder ? way->linear : from, name);
    } else {
        way->linear = ps_net_dense_image(b->net, from, name, out, PS_NN_LINEAR);
        way->gate = way->last;
    }
    b->node = ps_net_sum(b->net, way->gate, way->linear);
}

enum ps_status autoencoder_build(const struct autoencoder_spec *spec, const struct ps_nn_kernels *kernels,
                                 struct autoencoder *out)
{
    struct layer layer[LAYERS_MAX];
    struct build b = {.spec = spec, .net = &out->net, .part = "encoder"};
    int n = 0, code = 0;
    *out = (struct autoencoder){.code = 0};
    PS_TRY(parse(spec->layers, ps_shape_size(spec->input), layer, &n));
    PS_TRY(check(spec, layer, n, &code));
    ps_net_begin(&out->net, kernels, spec->input, spec->init, spec->seed);
    for (int i = 1; i < n && out->net.status == PS_OK; i++) {
        const bool last = i == n - 1;
        add(&b, &layer[i], last, last ? spec->output : i == code ? spec->code : spec->hidden);
        if (i != code) continue;
        if (spec->shortcut) add_shortcut(&b, 0, &out->way[0]);
        out->code_node = b.node;
        ps_net_keep(&out->net, out->code_node);
        b.part = "decoder";
        b.module = 0;
    }
    if (spec->shortcut && out->net.status == PS_OK) add_shortcut(&b, out->code_node, &out->way[1]);
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
