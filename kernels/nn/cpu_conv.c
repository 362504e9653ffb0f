#include <string.h>
#include "kernels/nn/act.h"
#include "kernels/nn/cpu.h"
#include "kernels/nn/product.h"

/* Samples whose gradients of the input are found together: rows of tiles, which stay in a core's cache. */
enum { TOGETHER = 24 };

/** Lengths that all passes need. */
struct shape {
    int64_t line;   /* floats of a line of the input, borders included */
    int64_t image;  /* and of all its lines */
    int64_t across; /* floats of a line of the window */
    int64_t window; /* and of all its lines */
    int64_t places; /* of the window, in a sample */
};

static struct shape shape_of(const struct ps_nn_conv *l)
{
    const struct ps_nn_window *at = &l->at;
    const int64_t line = (at->width + 2 * at->pad) * at->channels, across = at->kernel * at->channels;
    return (struct shape){.line = line,
                          .image = line * (at->height + 2 * at->pad),
                          .across = across,
                          .window = across * at->kernel,
                          .places = at->rows * at->cols};
}

struct ps_nn_size ps_nn_conv_size_cpu(const struct ps_nn_conv *l, int64_t n)
{
    const struct shape s = shape_of(l);
    const int64_t together = n < TOGETHER ? n : TOGETHER;
    const int64_t backward = l->data ? l->at.kernel * ps_panels(s.across, l->out) : 0;
    return (struct ps_nn_size){.weights = l->out * s.window + l->out,
                               .prepared = ps_panels(l->out, s.window) + backward,
                               .work = l->at.pad > 0 ? together * s.image : 0};
}

void ps_nn_conv_prepare_cpu(const struct ps_nn_conv *l, const void *w, void *prepared, int part, int parts)
{
    const struct shape s = shape_of(l);
    const int64_t forward = ps_panels(l->out, 1) / PS_PANEL_COLS;
    const int64_t backward = ps_panels(s.across, 1) / PS_PANEL_COLS, line = ps_panels(s.across, l->out);
    float *to = prepared;
    ps_panels_fill(l->out, s.window, w, 1, s.window, forward * part / parts, forward * (part + 1) / parts,
                   to);
    to += ps_panels(l->out, s.window);
    for (int y = 0; l->data && y < l->at.kernel; y++)
        ps_panels_fill(s.across, l->out, (const float *)w + y * s.across, s.window, 1,
                       backward * part / parts, backward * (part + 1) / parts, to + y * line);
}

/** An image with borders of zeros, in scratch where it has borders. */
static const float *with_borders(const struct ps_nn_conv *l, const struct shape *s, const float *x,
                                 float *scratch)
{
    const struct ps_nn_window *at = &l->at;
    const int64_t line = at->width * at->channels, side = at->pad * at->channels;
    if (at->pad == 0) return x;
    memset(scratch, 0, (size_t)s->image * sizeof *scratch);
    for (int64_t y = 0; y < at->height; y++)
        memcpy(scratch + (y + at->pad) * s->line + side, x + y * line, (size_t)line * sizeof *x);
    return scratch;
}

void ps_nn_conv_forward_cpu(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    const struct ps_nn_window *at = &l->at;
    const struct shape s = shape_of(l);
    const float *x = p->x;
    float *y = p->y;
    for (int64_t i = 0; i < p->n; i++) {
        const float *image = with_borders(l, &s, x + i * at->height * at->width * at->channels, p->work);
        for (int64_t row = 0; row < at->rows; row++)
            ps_product(&(struct ps_product){.m = at->cols,
                                            .n = l->out,
                                            .k = s.across,
                                            .batch = at->kernel,
                                            .a = image + row * at->stride * s.line,
                                            .a_row = at->stride * at->channels,
                                            .a_col = 1,
                                            .a_next = s.line,
                                            .b = p->prepared,
                                            .b_row = PS_PANEL_COLS,
                                            .b_next = s.across * PS_PANEL_COLS,
                                            .b_panel = s.window * PS_PANEL_COLS,
                                            .c = y + (i * s.places + row * at->cols) * l->out,
                                            .c_row = l->out,
                                            .bias = (const float *)p->w + l->out * s.window},
                       NULL);
    }
    ps_nn_act_apply(l->act, p->n * s.places * l->out, y);
}

/** Windows are the columns, places the depth, one sample after the other. */
static void weights(const struct ps_nn_conv *l, const struct shape *s, const struct ps_nn_pass *p)
{
    const struct ps_nn_window *at = &l->at;
    const float *x = p->x, *dy = p->dy;
    for (int64_t i = 0; i < p->n; i++) {
        const float *image = with_borders(l, s, x + i * at->height * at->width * at->channels, p->work);
        for (int y = 0; y < at->kernel; y++)
            ps_product(&(struct ps_product){.m = l->out,
                                            .n = s->across,
                                            .k = at->cols,
                                            .batch = at->rows,
                                            .a = dy + i * s->places * l->out,
                                            .a_row = 1,
                                            .a_col = l->out,
                                            .a_next = at->cols * l->out,
                                            .b = image + y * s->line,
                                            .b_row = at->stride * at->channels,
                                            .b_next = at->stride * s->line,
                                            .c = (float *)p->dw + y * s->across,
                                            .c_row = s->window,
                                            .add = p->dw_add || i > 0},
                       NULL);
    }
}

/** Add images with borders to those without. */
static void add_without_borders(const struct ps_nn_conv *l, const struct shape *s, int64_t n,
                                const float *from, bool add, float *dx)
{
    const struct ps_nn_window *at = &l->at;
    const int64_t line = at->width * at->channels, side = at->pad * at->channels;
    for (int64_t i = 0; i < n; i++)
        for (int64_t y = 0; y < at->height; y++) {
            const float *f = from + i * s->image + (y + at->pad) * s->line + side;
            float *to = dx + (i * at->height + y) * line;
            for (int64_t j = 0; j < line; j++) to[j] = add ? to[j] + f[j] : f[j];
        }
}

/** One place of several samples is one product: windows of neighbouring places overlap, those of samples do
 * not. */
static void data(const struct ps_nn_conv *l, const struct shape *s, const struct ps_nn_pass *p, int64_t i,
                 int64_t n)
{
    const struct ps_nn_window *at = &l->at;
    const int64_t image = at->height * at->width * at->channels, panels = ps_panels(s->across, l->out);
    const float *dy = (const float *)p->dy + i * s->places * l->out;
    const float *backward = (const float *)p->prepared + ps_panels(l->out, s->window);
    float *to = at->pad > 0 ? p->work : (float *)p->dx + i * image;
    if (at->pad > 0 || !p->dx_add) memset(to, 0, (size_t)(n * s->image) * sizeof *to);
    for (int64_t place = 0; place < s->places; place++)
        for (int y = 0; y < at->kernel; y++)
            ps_product(&(struct ps_product){.m = n,
                                            .n = s->across,
                                            .k = l->out,
                                            .batch = 1,
                                            .a = dy + place * l->out,
                                            .a_row = s->places * l->out,
                                            .a_col = 1,
                                            .b = backward + y * panels,
                                            .b_row = PS_PANEL_COLS,
                                            .b_panel = l->out * PS_PANEL_COLS,
                                            .c = to + (place / at->cols * at->stride + y) * s->line +
                                                 place % at->cols * at->stride * at->channels,
                                            .c_row = s->image,
                                            .add = true},
                       NULL);
    if (at->pad > 0) add_without_borders(l, s, n, to, p->dx_add, (float *)p->dx + i * image);
}

void ps_nn_conv_backward_cpu(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    const struct shape s = shape_of(l);
    ps_nn_act_gradient(l->act, p->n * s.places * l->out, p->y, p->dy);
    ps_nn_bias_gradient(p->n * s.places, l->out, p->dy, l->out, p->dw_add,
                        (float *)p->dw + l->out * s.window);
    weights(l, &s, p);
    for (int64_t i = 0; p->dx && i < p->n; i += TOGETHER)
        data(l, &s, p, i, p->n - i < TOGETHER ? p->n - i : TOGETHER);
}
