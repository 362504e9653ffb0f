#include <string.h>
#include "kernels/nn/act.h"
#include "kernels/nn/conv_window.h"
#include "kernels/nn/normal.h"
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

static struct shape shape_of(const struct ps_nn_window *at)
{
    const int64_t line = (at->width + 2 * at->pad) * at->channels, across = at->kernel * at->channels;
    return (struct shape){.line = line,
                          .image = line * (at->height + 2 * at->pad),
                          .across = across,
                          .window = across * at->kernel,
                          .places = at->rows * at->cols};
}

static bool is_single(const struct ps_nn_window *at)
{
    return at->kernel == 1 && at->stride == 1;
}

/** Where the window is a single place, all places of all samples are one line of one sample, unless samples
 * are copied one by one. */
static struct ps_nn_conv flat(const struct ps_nn_conv *l, const struct ps_nn_pass *p, int64_t *n)
{
    struct ps_nn_conv f = *l;
    if (!is_single(&l->at) || p->read.a || p->moments) return f;
    f.at.width = f.at.cols = *n * l->at.rows * l->at.cols;
    f.at.height = f.at.rows = *n = 1;
    return f;
}

/** Part of n columns that do not fill vectors, as a factor of the work. */
static double filled(int64_t n)
{
    return (double)((n + PS_LANES - 1) / PS_LANES * PS_LANES) / (double)n;
}

/** The gradient of the input is a convolution of dy with the window turned round. */
static struct ps_nn_window turned(const struct ps_nn_conv *l)
{
    const struct ps_nn_window *at = &l->at;
    return (struct ps_nn_window){.height = at->rows,
                                 .width = at->cols,
                                 .channels = l->out,
                                 .rows = at->height,
                                 .cols = at->width,
                                 .kernel = at->kernel,
                                 .stride = 1,
                                 .pad = at->kernel - 1 - at->pad};
}

/** Is that how it is found? It also multiplies the zeros of borders; but the other way, by which each place
 * adds its part, takes half as long again for the same number of products. */
static bool turns(const struct ps_nn_conv *l)
{
    const struct ps_nn_window *at = &l->at;
    const double by_turning = (double)(at->height * at->width) * filled(at->channels);
    const double by_adding = (double)(at->rows * at->cols) * filled(at->kernel * at->channels);
    return at->stride == 1 && by_turning <= 1.5 * by_adding;
}

/** Gradients of weights lie the other way round where that fills vectors better. */
static bool transposes(const struct ps_nn_conv *l)
{
    return filled(l->out) < filled(l->at.kernel * l->at.channels);
}

/** Floats of images with borders, or read through a normalisation, in scratch. */
static int64_t borders(const struct ps_nn_window *at, int64_t n)
{
    return ps_panels(n * shape_of(at).image, 1);
}

struct ps_nn_size ps_window_size(const struct ps_nn_conv *l, int64_t n)
{
    const struct shape s = shape_of(&l->at);
    const struct ps_nn_window back = turned(l);
    const int64_t together = n < TOGETHER ? n : TOGETHER,
                  places = is_single(&l->at) ? n * s.places : s.places;
    int64_t backward = 0, images = borders(&l->at, 1);
    if (l->data && turns(l)) {
        backward = ps_panels(l->at.channels, shape_of(&back).window);
        if (borders(&back, 1) > images) images = borders(&back, 1);
    } else if (l->data) {
        backward = l->at.kernel * ps_panels(s.across, l->out);
        images = borders(&l->at, together);
    }
    return (struct ps_nn_size){
        .weights = l->out * s.window + (l->plain ? 0 : l->out),
        .prepared = ps_panels(l->out, s.window) + backward,
        .work = images + (transposes(l) ? s.window * l->out : ps_product_work(s.across, places))};
}

static void prepare(int64_t n, int64_t k, const float *w, int64_t row, int64_t col, float *to, int64_t panel,
                    int part, int parts)
{
    const int64_t panels = ps_panels(n, 1) / PS_PANEL_COLS;
    ps_panels_fill(n, k, w, row, col, panels * part / parts, panels * (part + 1) / parts, to, panel);
}

void ps_window_prepare(const struct ps_nn_conv *l, const void *weights, void *prepared, int part, int parts)
{
    const struct shape s = shape_of(&l->at);
    const int64_t c = l->at.channels, places = l->at.kernel * l->at.kernel;
    const float *w = weights;
    float *to = prepared, *back = to + ps_panels(l->out, s.window);
    prepare(l->out, s.window, w, 1, s.window, to, s.window * PS_PANEL_COLS, part, parts);
    if (!l->data) return;
    if (turns(l)) {
        for (int64_t i = 0; i < places; i++)
            prepare(c, l->out, w + (places - 1 - i) * c, s.window, 1, back + i * l->out * PS_PANEL_COLS,
                    places * l->out * PS_PANEL_COLS, part, parts);
        return;
    }
    for (int y = 0; y < l->at.kernel; y++)
        prepare(s.across, l->out, w + y * s.across, s.window, 1, back + y * ps_panels(s.across, l->out),
                l->out * PS_PANEL_COLS, part, parts);
}

/** An image as it is read, with borders of zeros, in scratch where that is not how it lies. */
static const float *with_borders(const struct ps_nn_window *at, const struct shape *s,
                                 const struct ps_nn_read *read, const float *x, float *scratch)
{
    const int64_t line = at->width * at->channels, side = at->pad * at->channels;
    if (at->pad == 0 && !read->a) return x;
    if (at->pad > 0) memset(scratch, 0, (size_t)s->image * sizeof *scratch);
    for (int64_t y = 0; y < at->height; y++)
        ps_nn_read_rows(read, at->width, at->channels, x + y * line, at->channels,
                        scratch + (y + at->pad) * s->line + side, at->channels);
    return scratch;
}

/** What a convolution reads and writes, for n samples. */
struct convolution {
    const struct ps_nn_window *at;
    int64_t n, out;
    const float *x, *panels, *bias;
    float *y, *scratch;
    struct ps_nn_read read; /* of x */
    bool add, relu;
    double *moments; /* of y */
};

/** Rows of a line's tiles are its places, whose windows overlap in memory. */
static void convolve(const struct convolution *v)
{
    const struct ps_nn_window *at = v->at;
    const struct shape s = shape_of(at);
    for (int64_t i = 0; i < v->n; i++) {
        ps_product(&(struct ps_product){.m = at->cols,
                                        .lines = at->rows,
                                        .n = v->out,
                                        .k = s.across,
                                        .batch = at->kernel,
                                        .a = with_borders(at, &s, &v->read,
                                                          v->x + i * at->height * at->width * at->channels,
                                                          v->scratch),
                                        .a_row = at->stride * at->channels,
                                        .a_col = 1,
                                        .a_next = s.line,
                                        .a_line = at->stride * s.line,
                                        .b = v->panels,
                                        .b_row = PS_PANEL_COLS,
                                        .b_next = s.across * PS_PANEL_COLS,
                                        .b_panel = s.window * PS_PANEL_COLS,
                                        .c = v->y + i * s.places * v->out,
                                        .c_row = v->out,
                                        .c_line = at->cols * v->out,
                                        .add = v->add,
                                        .bias = v->bias,
                                        .relu = v->relu},
                   NULL);
        if (v->moments)
            ps_nn_moments_join(i * s.places, s.places, v->out, v->y + i * s.places * v->out, v->out,
                               v->moments, v->moments + v->out);
    }
}

void ps_window_forward(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    int64_t n = p->n;
    const struct ps_nn_conv f = flat(l, p, &n);
    const struct shape s = shape_of(&f.at);
    convolve(&(struct convolution){.at = &f.at,
                                   .n = n,
                                   .out = l->out,
                                   .x = p->x,
                                   .panels = p->prepared,
                                   .bias = l->plain ? NULL : (const float *)p->w + l->out * s.window,
                                   .y = p->y,
                                   .scratch = p->work,
                                   .read = p->read,
                                   .relu = l->act == PS_NN_RELU,
                                   .moments = p->moments});
    if (l->act != PS_NN_RELU) ps_nn_act_apply(l->act, n * s.places * l->out, p->y);
}

/** Windows are columns, places the depth. */
static void weights_by_windows(const struct ps_nn_conv *l, const struct shape *s, const float *image,
                               const float *dy, bool add, float *dw, float *work)
{
    const struct ps_nn_window *at = &l->at;
    for (int y = 0; y < at->kernel; y++)
        ps_product(&(struct ps_product){.m = l->out,
                                        .n = s->across,
                                        .k = at->cols,
                                        .batch = at->rows,
                                        .a = dy,
                                        .a_row = 1,
                                        .a_col = l->out,
                                        .a_next = at->cols * l->out,
                                        .b = image + y * s->line,
                                        .b_row = at->stride * at->channels,
                                        .b_next = at->stride * s->line,
                                        .c = dw + y * s->across,
                                        .c_row = s->window,
                                        .add = add},
                   work);
}

/** Windows are rows: [window][out]. */
static void weights_by_outputs(const struct ps_nn_conv *l, const struct shape *s, const float *image,
                               const float *dy, bool add, float *transposed)
{
    const struct ps_nn_window *at = &l->at;
    ps_product(&(struct ps_product){.m = s->across,
                                    .lines = at->kernel,
                                    .n = l->out,
                                    .k = at->cols,
                                    .batch = at->rows,
                                    .a = image,
                                    .a_row = 1,
                                    .a_col = at->stride * at->channels,
                                    .a_next = at->stride * s->line,
                                    .a_line = s->line,
                                    .b = dy,
                                    .b_row = l->out,
                                    .b_next = at->cols * l->out,
                                    .c = transposed,
                                    .c_row = l->out,
                                    .c_line = s->across * l->out,
                                    .add = add},
               NULL);
}

/** Gradients of weights and biases, sample by sample while it is in a core's cache. */
static void weights(const struct ps_nn_conv *l, const struct shape *s, const struct ps_nn_pass *p, int64_t n)
{
    const struct ps_nn_window *at = &l->at;
    const int64_t size = s->places * l->out;
    const bool transposed = transposes(l);
    float *dw = p->dw, *db = dw + l->out * s->window, *dy = p->dy;
    float *work = (float *)p->work + borders(at, 1);
    for (int64_t i = 0; i < n; i++, dy += size) {
        const float *x = (const float *)p->x + i * at->height * at->width * at->channels;
        const float *image = with_borders(at, s, &p->read, x, p->work);
        ps_nn_read_gradient_rows(&p->dy_read, s->places, l->out, dy, (const float *)p->y + i * size, l->out,
                                 dy, l->out);
        ps_nn_act_gradient(l->act, size, (const float *)p->y + i * size, dy);
        if (!l->plain) ps_nn_bias_gradient(s->places, l->out, dy, l->out, p->dw_add || i > 0, db);
        if (transposed)
            weights_by_outputs(l, s, image, dy, i > 0, work);
        else
            weights_by_windows(l, s, image, dy, p->dw_add || i > 0, dw, work);
    }
    for (int64_t o = 0; transposed && o < l->out; o++)
        for (int64_t k = 0; k < s->window; k++) {
            const float d = work[k * l->out + o];
            dw[o * s->window + k] = p->dw_add ? dw[o * s->window + k] + d : d;
        }
}

/** Add images with borders to those without. */
static void add_without_borders(const struct ps_nn_window *at, const struct shape *s, int64_t n,
                                const float *from, bool add, float *dx)
{
    const int64_t line = at->width * at->channels, side = at->pad * at->channels;
    for (int64_t i = 0; i < n; i++)
        for (int64_t y = 0; y < at->height; y++) {
            const float *f = from + i * s->image + (y + at->pad) * s->line + side;
            float *to = dx + (i * at->height + y) * line;
            for (int64_t j = 0; j < line; j++) to[j] = add ? to[j] + f[j] : f[j];
        }
}

/** A line of the window at all places of a row, for n samples. Where windows overlap, rows of tiles are
 * samples, and lines are places one after the other; else rows are places. */
static void add_row(const struct ps_nn_conv *l, const struct shape *s, int64_t n, const float *dy,
                    const float *panels, float *to)
{
    const struct ps_nn_window *at = &l->at;
    const bool overlap = at->kernel > at->stride;
    const int64_t place = at->stride * at->channels, sample = s->places * l->out;
    ps_product(&(struct ps_product){.m = overlap ? n : at->cols,
                                    .lines = overlap ? at->cols : n,
                                    .n = s->across,
                                    .k = l->out,
                                    .batch = 1,
                                    .a = dy,
                                    .a_row = overlap ? sample : l->out,
                                    .a_col = 1,
                                    .a_line = overlap ? l->out : sample,
                                    .b = panels,
                                    .b_row = PS_PANEL_COLS,
                                    .b_panel = l->out * PS_PANEL_COLS,
                                    .c = to,
                                    .c_row = overlap ? s->image : place,
                                    .c_line = overlap ? place : s->image,
                                    .add = true},
               NULL);
}

/** Gradients of the inputs of samples [i, i + n): each line of the window adds its part. */
static void data_by_adding(const struct ps_nn_conv *l, const struct shape *s, const struct ps_nn_pass *p,
                           const float *panels, int64_t i, int64_t n)
{
    const struct ps_nn_window *at = &l->at;
    const float *dy = (const float *)p->dy + i * s->places * l->out;
    float *dx = (float *)p->dx + i * at->height * at->width * at->channels, *to = at->pad > 0 ? p->work : dx;
    if (at->pad > 0 || !p->dx_add) memset(to, 0, (size_t)(n * s->image) * sizeof *to);
    for (int y = 0; y < at->kernel; y++, panels += ps_panels(s->across, l->out))
        for (int64_t row = 0; row < at->rows; row++)
            add_row(l, s, n, dy + row * at->cols * l->out, panels, to + (row * at->stride + y) * s->line);
    if (at->pad > 0) add_without_borders(at, s, n, to, p->dx_add, dx);
}

/** Gradients of the inputs. @param f l, or its flat form with n samples */
static void data(const struct ps_nn_conv *l, const struct ps_nn_conv *f, const struct ps_nn_pass *p,
                 int64_t n, const float *panels)
{
    const struct shape s = shape_of(&f->at);
    if (!turns(l)) {
        for (int64_t i = 0; i < n; i += TOGETHER)
            data_by_adding(f, &s, p, panels, i, n - i < TOGETHER ? n - i : TOGETHER);
        return;
    }
    const struct ps_nn_window back = turned(f);
    convolve(&(struct convolution){.at = &back,
                                   .n = n,
                                   .out = l->at.channels,
                                   .x = p->dy,
                                   .panels = panels,
                                   .y = p->dx,
                                   .scratch = p->work,
                                   .add = p->dx_add});
}

void ps_window_backward(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    int64_t n = p->n;
    const struct ps_nn_conv f = flat(l, p, &n);
    const struct shape s = shape_of(&f.at);
    const float *panels = (const float *)p->prepared + ps_panels(l->out, s.window);
    weights(&f, &s, p, n);
    if (!p->dx) return;
    data(l, &f, p, n, panels);
    if (!p->read.a) return;
    const int64_t c = l->at.channels, rows = p->n * l->at.height * l->at.width;
    double *sums = p->sums;
    if (sums) memset(sums, 0, (size_t)(2 * c) * sizeof *sums);
    ps_nn_read_slope(&p->read, rows, c, p->x, p->dx, c, sums, sums ? sums + c : NULL);
}
