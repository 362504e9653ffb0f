#include "kernels/nn/conv_blocked.h"
#include "kernels/nn/conv_window.h"
#include "kernels/nn/cpu.h"
#include "kernels/nn/winograd.h"

/** A way to do convolutions: its functions, as in struct ps_nn_kernels. */
struct way {
    struct ps_nn_size (*size)(const struct ps_nn_conv *l, int64_t n);
    void (*prepare)(const struct ps_nn_conv *l, const void *w, void *prepared, int part, int parts);
    void (*forward)(const struct ps_nn_conv *l, const struct ps_nn_pass *p);
    void (*backward)(const struct ps_nn_conv *l, const struct ps_nn_pass *p);
};

static const struct way winograd = {ps_winograd_size, ps_winograd_prepare, ps_winograd_forward,
                                    ps_winograd_backward};
static const struct way blocked = {ps_blocked_size, ps_blocked_prepare, ps_blocked_forward,
                                   ps_blocked_backward};
static const struct way window = {ps_window_size, ps_window_prepare, ps_window_forward, ps_window_backward};

/** The way of a layer, whatever the number of samples, as prepared weights serve any. */
static const struct way *way_of(const struct ps_nn_conv *l)
{
    return ps_winograd_fits(l) ? &winograd : ps_blocked_fits(l) ? &blocked : &window;
}

struct ps_nn_size ps_nn_conv_size_cpu(const struct ps_nn_conv *l, int64_t n)
{
    return way_of(l)->size(l, n);
}

void ps_nn_conv_prepare_cpu(const struct ps_nn_conv *l, const void *w, void *prepared, int part, int parts)
{
    way_of(l)->prepare(l, w, prepared, part, parts);
}

void ps_nn_conv_forward_cpu(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    way_of(l)->forward(l, p);
}

bool ps_nn_conv_keeps_cpu(const struct ps_nn_conv *l)
{
    const struct way *way = way_of(l);
    const bool single = l->at.kernel == 1 && l->at.stride == 1;
    return l->plain && l->act == PS_NN_LINEAR && (way == &winograd || (way == &blocked && single));
}

/** Windows that are single places are read once, block by block. */
bool ps_nn_conv_joins_cpu(const struct ps_nn_conv *l)
{
    return way_of(l) == &blocked && l->at.kernel == 1 && l->at.stride == 1 && l->at.pad == 0;
}

void ps_nn_conv_backward_cpu(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    way_of(l)->backward(l, p);
}
