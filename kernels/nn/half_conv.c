#include "kernels/nn/half_conv.h"
#include "kernels/nn/cpu.h"
#include "kernels/nn/half_lanes.h"
#include "kernels/nn/half_parts.h"
#include "kernels/nn/half_winograd.h"

enum {
    PLACES_MOST = 768,  /* whose windows go through a pass together, */
    PLACES_LEAST = 192, /* but no less than this many, */
    NUMBERS = 3 << 16   /* if copies have more numbers than stay in the second cache beside weights */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/** Others are those of single precision. */
static bool is_half(const struct ps_nn_conv *l)
{
    return l->half_x || l->half_y;
}

/** Is a window a single place? */
static bool is_place(const struct ps_nn_window *at)
{
    return at->kernel == 1 && at->stride == 1 && at->pad == 0;
}

/** The same convolution, where a window is a single place: each place is an image. */
static struct ps_nn_conv flat(const struct ps_nn_conv *l, int64_t *n)
{
    struct ps_nn_conv f = *l;
    if (!is_place(&l->at)) return f;
    *n *= f.at.height * f.at.width;
    f.at.height = f.at.width = f.at.rows = f.at.cols = 1;
    return f;
}

static struct ps_half_border border_of(const struct ps_nn_window *at)
{
    return (struct ps_half_border){.height = at->height,
                                   .width = at->width,
                                   .channels = at->channels,
                                   .above = at->pad,
                                   .below = at->pad,
                                   .left = at->pad,
                                   .right = at->pad};
}

static int64_t window_of(const struct ps_nn_conv *l)
{
    return l->at.kernel * l->at.kernel * l->at.channels;
}

/** Pairs of a line of the window. */
static int64_t pairs_of(const struct ps_nn_conv *l)
{
    return (l->at.kernel * l->at.channels + 1) / 2;
}

/** Images that go through a pass together. */
static int64_t together(const struct ps_nn_conv *l, int64_t n)
{
    const struct ps_half_border x = border_of(&l->at), d = ps_half_data_border(l);
    const int64_t fit = NUMBERS / (ps_half_image(&x) + ps_half_image(&d)), places = l->at.rows * l->at.cols;
    const int64_t most = (PLACES_MOST + places - 1) / places, few = (PLACES_LEAST + places - 1) / places;
    return least(n, fit > most ? most : fit < few ? few : fit);
}

/** Floats of a copy of images. */
static int64_t copy_of(const struct ps_nn_conv *l, int64_t n, const struct ps_half_border *b)
{
    return ps_half_floats(together(l, n) * ps_half_image(b) + 1);
}

/** Copies of x and of the gradient of y. */
static int64_t copies(const struct ps_nn_conv *l, int64_t n)
{
    const struct ps_half_border x = border_of(&l->at), d = ps_half_data_border(l);
    return copy_of(l, n, &x) + copy_of(l, n, &d);
}

static int64_t forward_prepared(const struct ps_nn_conv *l)
{
    return ps_panels(l->out, l->at.kernel * pairs_of(l));
}

struct ps_nn_size ps_half_conv_size(const struct ps_nn_conv *given, int64_t n)
{
    if (!is_half(given)) return ps_nn_conv_size_cpu(given, n);
    if (ps_half_winograd_fits(given)) return ps_half_winograd_size(given, n);
    const struct ps_nn_conv l = flat(given, &n);
    return (struct ps_nn_size){.weights = l.out * window_of(&l) + (l.plain ? 0 : l.out),
                               .prepared = forward_prepared(&l) + (l.data ? ps_half_data_prepared(&l) : 0),
                               .work = copies(&l, n) + ps_half_weights_work(&l)};
}

/** Lines of the windows of outputs [o, o + PS_LANES), to columns of a panel. */
static void fill(const struct ps_nn_conv *l, const float *w, int64_t o, float *panel, bool near)
{
    const int64_t across = l->at.kernel * l->at.channels, window = window_of(l);
    for (int run = 0; run < l->at.kernel; run++, panel += pairs_of(l) * PS_PANEL_COLS)
        for (int64_t q = 0; q < across; q += 2 * PS_LANES) {
            const int64_t rest = across - q;
            const int low = rest < PS_LANES ? (int)rest : PS_LANES;
            const int high = rest < PS_LANES ? 0 : rest < 2 * PS_LANES ? (int)rest - PS_LANES : PS_LANES;
            ps_vf x[PS_LANES];
            for (int j = 0; j < PS_LANES; j++) {
                const float *from = w + (o + j) * window + run * across + q;
                x[j] = o + j < l->out ? ps_vf_round_neighbours(ps_vf_load_part(from, low),
                                                               ps_vf_load_part(from + PS_LANES, high))
                                      : ps_vf_all(0);
            }
            ps_vf_transpose(x);
            for (int i = 0; i < PS_LANES && q / 2 + i < pairs_of(l); i++)
                ps_half_put(panel + (q / 2 + i) * PS_PANEL_COLS, x[i], near);
        }
}

void ps_half_conv_prepare(const struct ps_nn_conv *l, const void *w, void *prepared, int part, int parts)
{
    if (!is_half(l)) {
        ps_nn_conv_prepare_cpu(l, w, prepared, part, parts);
        return;
    }
    if (ps_half_winograd_fits(l)) {
        ps_half_winograd_prepare(l, w, prepared, part, parts);
        ps_vf_stream_end();
        return;
    }
    const int64_t panels = ps_panels(l->out, 1) / PS_PANEL_COLS;
    const int64_t size = l->at.kernel * pairs_of(l) * PS_PANEL_COLS;
    const bool near = ps_half_near(forward_prepared(l));
    float *to = prepared;
    for (int64_t g = panels * part / parts; g < panels * (part + 1) / parts; g++)
        for (int at = 0; at < PS_PANEL_COLS; at += PS_LANES)
            fill(l, w, g * PS_PANEL_COLS + at, to + g * size + at, near);
    if (l->data) ps_half_data_prepare(l, w, to + forward_prepared(l), part, parts);
    ps_vf_stream_end();
}

/** A number of an array in bf16 or single precision. */
static void *element(const void *x, bool half, int64_t at)
{
    return (char *)x + at * (int64_t)(half ? sizeof(uint16_t) : sizeof(float));
}

/** Images as windows are read: in scratch, unless they lie so.
 * @param line numbers of a line of the window: pairs of an odd one reach one number further */
static const uint16_t *images(const struct ps_half_border *b, int64_t n, const struct ps_half_source *s,
                              int64_t line, void *scratch)
{
    if (ps_half_borderless(b) && ps_half_same(s) && line % 2 == 0) return s->x;
    ps_half_copy(b, n, s, scratch);
    return scratch;
}

/** Images [i, i + n) of x. */
static const uint16_t *input(const struct ps_nn_conv *l, const struct ps_nn_pass *p, int64_t i, int64_t n)
{
    const struct ps_half_border b = border_of(&l->at);
    const struct ps_half_source s = {
        .x = element(p->x, l->half_x, i * l->at.height * l->at.width * l->at.channels),
        .half = l->half_x,
        .read = p->read};
    return images(&b, n, &s, l->at.kernel * l->at.channels, p->work);
}

/** The same of the gradient of y. */
static const uint16_t *gradient(const struct ps_nn_conv *l, const struct ps_nn_pass *p, int64_t i, int64_t n,
                                float *work)
{
    const struct ps_half_border b = ps_half_data_border(l);
    const int64_t from = i * l->at.rows * l->at.cols * l->out;
    const struct ps_half_source s = {.x = element(p->dy, l->half_y, from),
                                     .half = l->half_y,
                                     .y = element(p->y, l->half_y, from),
                                     .gradient = p->dy_read,
                                     .act = l->act};
    return images(&b, n, &s, l->out, work);
}

/** Numbers [from, from + n) of an array are needed soon. */
static void need(struct ps_half_soon *soon, const void *x, bool half, int64_t from, int64_t n)
{
    const int64_t size = half ? sizeof(uint16_t) : sizeof(float);
    if (n > 0) ps_half_soon_add(soon, element(x, half, from), n * size);
}

/** Images [i, i + n) of x, or of the sum that is not there yet. */
static void need_input(const struct ps_nn_conv *l, const struct ps_nn_pass *p, int64_t i, int64_t n,
                       struct ps_half_soon *soon)
{
    const int64_t image = l->at.height * l->at.width * l->at.channels;
    const struct ps_nn_joined *j = p->joined;
    if (!j) need(soon, p->x, l->half_x, i * image, n * image);
    if (j) need(soon, j->pass->x, j->sum->half_x, i * image, n * image);
    if (j) need(soon, j->pass->also, j->sum->half_also, i * image, n * image);
}

/** y and its gradient. */
static void need_gradient(const struct ps_nn_conv *l, const struct ps_nn_pass *p, int64_t i, int64_t n,
                          struct ps_half_soon *soon)
{
    const int64_t image = l->at.rows * l->at.cols * l->out;
    need(soon, p->dy, l->half_y, i * image, n * image);
    if (p->dy_read.s) need(soon, p->y, l->half_y, i * image, n * image);
}

/** What a sum's gradient meets of its inputs. */
static void need_sum(const struct ps_nn_conv *l, const struct ps_nn_joined *j, int64_t i, int64_t n,
                     struct ps_half_soon *soon)
{
    const int64_t image = l->at.height * l->at.width * l->at.channels;
    if (j->pass->read.a) need(soon, j->pass->x, j->sum->half_x, i * image, n * image);
    if (j->pass->also_read.a) need(soon, j->pass->also, j->sum->half_also, i * image, n * image);
}

/** Numbers from a line of x, as windows are read, to the next. */
static int64_t line_of(const struct ps_nn_conv *l)
{
    return (l->at.width + 2 * l->at.pad) * l->at.channels;
}

static struct ps_half_walk walk_of(const struct ps_nn_conv *l, int64_t n)
{
    const struct ps_nn_window *at = &l->at;
    const struct ps_half_border b = border_of(at);
    return (struct ps_half_walk){.images = n,
                                 .rows = at->rows,
                                 .cols = at->cols,
                                 .from_image = ps_half_image(&b),
                                 .from_line = at->stride * line_of(l),
                                 .from_place = at->stride * at->channels,
                                 .to_image = at->rows * at->cols * l->out,
                                 .to_line = at->cols * l->out,
                                 .to_place = l->out};
}

/** Sums of differences from the first place's numbers, and of squares, become the mean and the sum of squared
 * differences from it. */
static void from_mean(const struct ps_nn_conv *l, const void *y, int64_t places, double *moments)
{
    for (int64_t k = 0; k < l->out; k++) {
        const double first = l->half_y ? ps_half_value(((const uint16_t *)y)[k]) : ((const float *)y)[k];
        const double sum = moments[k], squares = moments[l->out + k] - sum * sum / (double)places;
        moments[k] = first + sum / (double)places;
        moments[l->out + k] = squares > 0 ? squares : 0;
    }
}

void ps_half_conv_forward(const struct ps_nn_conv *given, const struct ps_nn_pass *p)
{
    if (!is_half(given)) {
        ps_nn_conv_forward_cpu(given, p);
        return;
    }
    int64_t n = p->n;
    const struct ps_nn_conv l = flat(given, &n);
    const int64_t places = l.at.rows * l.at.cols, most = together(&l, n);
    if (p->moments) memset(p->moments, 0, (size_t)(2 * l.out) * sizeof *p->moments);
    const bool direct = !ps_half_winograd_fits(given);
    if (!direct) ps_half_winograd_forward(given, p);
    for (int64_t i = 0; direct && i < n; i += most) {
        const int64_t count = least(n - i, most), next = i + count;
        struct ps_half_soon soon = {.arrays = 0};
        need_input(&l, p, next, least(n - next, most), &soon);
        if (p->joined) ps_nn_sum_forward_rows(p->joined->sum, p->joined->pass, i, i + count);
        ps_half_convolve(&(struct ps_half_convolution){
            .walk = walk_of(&l, count),
            .x = input(&l, p, i, count),
            .to = i * places * l.out,
            .n = l.out,
            .window = {.panel = p->prepared, .runs = l.at.kernel, .step = line_of(&l), .pairs = pairs_of(&l)},
            .finish = {.out = p->y,
                       .half = l.half_y,
                       .bias = l.plain ? NULL : (const float *)p->w + l.out * window_of(&l),
                       .act = l.act,
                       .moments = p->moments},
            .soon = &soon});
    }
    if (p->moments) from_mean(&l, p->y, n * places, p->moments);
}

/** Gradients of the inputs of images from i on. */
static struct ps_half_finish finish_data(const struct ps_nn_conv *l, const struct ps_nn_pass *p, int64_t i)
{
    const int64_t at = i * l->at.height * l->at.width * l->at.channels;
    return (struct ps_half_finish){.out = element(p->dx, l->half_x, at),
                                   .half = l->half_x,
                                   .add = p->dx_add,
                                   .x = element(p->x, l->half_x, at),
                                   .read = p->read.a ? &p->read : NULL,
                                   .sums = p->sums};
}

/** Gradients of y are read into copies. */
bool ps_half_conv_keeps(const struct ps_nn_conv *l)
{
    return is_half(l) || ps_nn_conv_keeps_cpu(l);
}

/** Windows that are single places are read once, block by block. */
bool ps_half_conv_joins(const struct ps_nn_conv *l)
{
    return is_half(l) ? is_place(&l->at) : ps_nn_conv_joins_cpu(l);
}

void ps_half_conv_backward(const struct ps_nn_conv *given, const struct ps_nn_pass *p)
{
    if (!is_half(given)) {
        ps_nn_conv_backward_cpu(given, p);
        return;
    }
    int64_t n = p->n;
    const struct ps_nn_conv l = flat(given, &n);
    const struct ps_half_border x = border_of(&l.at), b = ps_half_data_border(&l);
    const int64_t most = together(&l, n), d_line = (b.left + b.width + b.right) * l.out;
    float *const second = (float *)p->work + copy_of(&l, n, &x), *const rest =
                                                                     (float *)p->work + copies(&l, n);
    const float *panels = (const float *)p->prepared + forward_prepared(&l);
    const int64_t inputs = l.at.height * l.at.width * l.at.channels;
    if (p->dx && p->sums) memset(p->sums, 0, (size_t)(2 * l.at.channels) * sizeof *p->sums);
    const bool direct = !ps_half_winograd_fits(given);
    if (!direct) ps_half_winograd_backward(given, p);
    for (int64_t i = 0; direct && i < n; i += most) {
        const int64_t count = least(n - i, most), next = i + count, more = least(n - next, most);
        struct ps_half_soon soon = {.arrays = 0}, later = soon;
        const uint16_t *d = gradient(&l, p, i, count, second);
        struct ps_half_walk walk = walk_of(&l, count);
        walk.to_image = ps_half_image(&b);
        walk.to_line = d_line;
        if (p->joined) need_sum(&l, p->joined, i, count, &soon);
        need_gradient(&l, p, next, more, p->joined ? &later : &soon);
        ps_half_weights(&l, &walk, input(&l, p, i, count), line_of(&l), d + b.above * d_line + b.left * l.out,
                        p->dw_add || i > 0, p->dw, rest, &soon);
        if (!p->dx) continue;
        const struct ps_half_finish finish = finish_data(&l, p, i);
        need(&later, p->x, l.half_x, next * inputs, more * inputs);
        ps_half_data(&l, count, d, panels, &finish, &later);
        if (p->joined) ps_nn_sum_backward_rows(p->joined->sum, p->joined->pass, i, i + count);
    }
}
