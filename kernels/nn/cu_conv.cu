#include "kernels/nn/cu_conv_plan.h"
#include "kernels/nn/cu_edge.h"

/* Where y is bf16, so are all operands of products; else all are floats, rounded to TF32 where products are
 * bf16 or TF32. Arrays of the other type are converted. */

/** A layer, as its products see it. */
struct seen {
    bool half;
    int64_t channels; /**< more than there are where x is converted to bf16 */
    int64_t x, y, w;  /**< rows of channels, of outputs, of a window of channels */
    int64_t to_x, to_dy, to_dw, to_dx, to_rest, end; /**< bytes from the start of work */
};

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/** Room for an array. @return where it begins */
static int64_t take(struct seen *s, int64_t bytes)
{
    const int64_t at = s->end;
    s->end += (bytes + 255) / 256 * 256;
    return at;
}

static struct ps_conv_shape shape_of(const struct ps_nn_conv *l, int64_t n, const struct seen *s,
                                     enum ps_conv_way way, enum ps_nn_products products)
{
    struct ps_conv_shape shape = {way, s->half, products != PS_NN_FP32, l->at, n, l->out};
    shape.at.channels = s->channels;
    return shape;
}

static struct seen see(const struct ps_nn_conv *l, int64_t n, enum ps_nn_products products)
{
    const struct ps_nn_window *at = &l->at;
    struct seen s = {};
    s.half = products == PS_NN_BF16 && l->half_y;
    s.channels = s.half && !l->half_x ? ps_edge_wide(at->channels) : at->channels;
    s.x = n * at->height * at->width;
    s.y = n * at->rows * at->cols;
    s.w = l->out * at->kernel * at->kernel;
    const int64_t real = s.half ? sizeof(ps_half) : sizeof(float);
    if (s.half != l->half_x) s.to_x = take(&s, s.x * s.channels * real);
    s.to_dy = take(&s, s.y * l->out * real);
    s.to_dw = take(&s, s.w * s.channels * real);
    if (l->data) s.to_dx = take(&s, s.x * s.channels * real);
    const struct ps_conv_shape shape = shape_of(l, n, &s, PS_CONV_FORWARD, products);
    const int64_t sums = larger(ps_nn_moments_work_cu(s.y, l->out), ps_nn_moments_work_cu(s.x, at->channels));
    s.to_rest = take(&s, larger(ps_conv_plan_work(&shape), sums * (int64_t)sizeof(double)));
    return s;
}

/** Floats that hold so many elements. */
static int64_t floats(int64_t n, bool half)
{
    return half ? (n + 1) / 2 : n;
}

/* An engine that makes moments with its product adds squares of y in single precision, not those of
 * differences from a number near the mean. With r = |mean| / sigma of a channel, and sums that err by c
 * roundings (they are of both signs: the square root of as many additions), its sum of squared differences is
 * off by c 2^-24 (1 + r^2) of itself, and what is normalised by half of that. As y is stored in bf16 that is
 * off by 2^-9 (1 + r) anyway, which is more as long as c r < 2^16: up to r = 60 even for the 1000 roundings
 * of 10^6 additions one after the other. Floats would be worse off. */
static bool may_make_moments(const struct ps_nn_conv *l, const struct seen *s)
{
    return s->half && l->plain && l->act == PS_NN_LINEAR;
}

/** Plans of a layer's products, before any call is recorded. */
static void plan(const struct ps_nn_conv *l, int64_t n, const struct seen *s, enum ps_nn_products products)
{
    for (int way = PS_CONV_FORWARD; way <= PS_CONV_MOMENTS; way++) {
        if (way == PS_CONV_MOMENTS && !may_make_moments(l, s)) continue;
        if (!l->data && (way == PS_CONV_DATA || way == PS_CONV_DATA_ADD)) continue;
        const struct ps_conv_shape shape = shape_of(l, n, s, (enum ps_conv_way)way, products);
        ps_conv_plan_make(&shape);
    }
}

struct ps_nn_size ps_nn_conv_size_cu(const struct ps_nn_conv *l, int64_t n, enum ps_nn_products products)
{
    const struct seen s = see(l, n, products);
    if (n > 1) plan(l, n, &s, products); /* of one sample, nets ask for the weights alone */
    struct ps_nn_size size = {};
    size.weights = s.w * l->at.channels + (l->plain ? 0 : l->out);
    size.prepared = floats(s.w * s.channels, s.half);
    size.kept = l->reads ? floats(s.x * l->at.channels, l->half_x) : 0;
    size.work = s.end / (int64_t)sizeof(float);
    return size;
}

void ps_nn_conv_prepare_cu(const struct ps_nn_conv *l, const void *w, void *prepared,
                           enum ps_nn_products products)
{
    const struct seen s = see(l, 1, products);
    if (s.half)
        ps_edge_in(s.w, l->at.channels, s.channels, (const float *)w, (ps_half *)prepared);
    else
        ps_nn_copy_cu(s.w * s.channels * (int64_t)sizeof(float), w, prepared);
}

bool ps_nn_conv_keeps_cu(const struct ps_nn_conv *l)
{
    return l->act == PS_NN_LINEAR;
}

bool ps_nn_conv_joins_cu(const struct ps_nn_conv *l)
{
    (void)l;
    return false;
}

static char *work_at(const struct ps_nn_pass *p, int64_t bytes)
{
    return (char *)p->work + bytes;
}

/** x as products read it; what a normalisation made of it is kept already. */
static const void *input(const struct ps_nn_conv *l, const struct ps_nn_pass *p, const struct seen *s)
{
    const void *const x = p->read.a ? p->kept : p->x;
    char *const to = work_at(p, s->to_x);
    if (s->half == l->half_x) return x;
    if (s->half)
        ps_edge_in(s->x, l->at.channels, s->channels, (const float *)x, (ps_half *)to);
    else
        ps_nn_from_half_cu(s->x * l->at.channels, (const ps_half *)x, (float *)to, false);
    return to;
}

/** @return whether an engine computes it */
static bool product(const struct ps_nn_conv *l, const struct ps_nn_pass *p, const struct seen *s,
                    enum ps_conv_way way, enum ps_nn_products products, const void *x, const void *w,
                    const void *y)
{
    const struct ps_conv_shape shape = shape_of(l, p->n, s, way, products);
    const struct ps_conv_arrays arrays = {x, w, y, p->moments, work_at(p, s->to_rest)};
    return ps_conv_plan_run(&shape, &arrays);
}

/** The same, of a product that must be had. */
static void must(bool computed)
{
    if (!computed) ps_cuda_fail(PS_EBACKEND, "cuDNN", "it has no engine for a convolution of this net");
}

void ps_nn_conv_forward_cu(const struct ps_nn_conv *l, const struct ps_nn_pass *p,
                           enum ps_nn_products products)
{
    const struct seen s = see(l, p->n, products);
    if (p->read.a) ps_nn_read_cu(&p->read, s.x, l->at.channels, l->half_x, p->x, p->kept);
    const void *const x = input(l, p, &s);
    if (p->moments && may_make_moments(l, &s) &&
        product(l, p, &s, PS_CONV_MOMENTS, products, x, p->prepared, p->y))
        return;
    must(product(l, p, &s, PS_CONV_FORWARD, products, x, p->prepared, p->y));
    const float *const b = l->plain ? NULL : (const float *)p->w + s.w * l->at.channels;
    if (b || l->act != PS_NN_LINEAR) ps_nn_bias_act_cu(s.y, l->out, l->act, l->half_y, b, p->y);
    if (p->moments)
        ps_nn_moments_cu(s.y, l->out, l->half_y, p->y, p->moments, (double *)work_at(p, s.to_rest));
}

/** The gradient of the sum, and of the biases. */
static const void *gradient(const struct ps_nn_conv *l, const struct ps_nn_pass *p, const struct seen *s)
{
    float *const db = l->plain ? NULL : (float *)p->dw + s->w * l->at.channels;
    char *const read = work_at(p, s->to_dy);
    const void *dy = p->dy;
    if (p->dy_read.s) {
        ps_nn_gradient_read_cu(&p->dy_read, s->y, l->out, l->half_y, p->dy, p->y, read);
        dy = read;
    }
    if (db || l->act != PS_NN_LINEAR)
        ps_nn_bias_act_back_cu(s->y, l->out, l->act, l->half_y, p->y, (void *)dy, db, p->dw_add,
                               (double *)work_at(p, s->to_rest));
    return dy;
}

/** Gradients of engines' arrays to the floats that they are of. */
static void weights(const struct ps_nn_conv *l, const struct ps_nn_pass *p, const struct seen *s,
                    const void *dw)
{
    const int64_t c = l->at.channels;
    if (s->half)
        ps_edge_out(s->w, c, s->channels, (const ps_half *)dw, (float *)p->dw, p->dw_add);
    else if (p->dw_add)
        ps_nn_add_cu(s->w * c, dw, p->dw);
    else
        ps_nn_copy_cu(s->w * c * (int64_t)sizeof(float), dw, p->dw);
}

/** From x as products see it to x as it is. */
static void data(const struct ps_nn_conv *l, const struct ps_nn_pass *p, const struct seen *s, const void *dx)
{
    const int64_t c = l->at.channels;
    if (s->half && !l->half_x)
        ps_edge_out(s->x, c, s->channels, (const ps_half *)dx, (float *)p->dx, p->dx_add);
    else if (s->half)
        ps_edge_add(s->x * c, (const ps_half *)dx, (ps_half *)p->dx);
    else if (l->half_x && p->dx_add)
        ps_edge_add_floats(s->x * c, (const float *)dx, (ps_half *)p->dx);
    else if (l->half_x)
        ps_nn_to_half_cu(s->x * c, (const float *)dx, (ps_half *)p->dx);
    else
        ps_nn_add_cu(s->x * c, dx, p->dx);
}

void ps_nn_conv_backward_cu(const struct ps_nn_conv *l, const struct ps_nn_pass *p,
                            enum ps_nn_products products)
{
    const struct seen s = see(l, p->n, products);
    const void *const dy = gradient(l, p, &s);
    char *const dw = work_at(p, s.to_dw), *const dx = work_at(p, s.to_dx);
    must(product(l, p, &s, PS_CONV_WEIGHTS, products, input(l, p, &s), dw, dy));
    weights(l, p, &s, dw);
    if (!p->dx) return;
    const enum ps_conv_way way = p->dx_add ? PS_CONV_DATA_ADD : PS_CONV_DATA;
    const bool direct = s.half == l->half_x && product(l, p, &s, way, products, p->dx, p->prepared, dy);
    if (!direct) {
        must(product(l, p, &s, PS_CONV_DATA, products, dx, p->prepared, dy));
        data(l, p, &s, dx);
    }
    if (p->read.a)
        ps_nn_read_back_cu(&p->read, s.x, l->at.channels, l->half_x, p->x, p->dx, p->sums,
                           (double *)work_at(p, s.to_rest));
}

void ps_nn_conv_close_cu(void)
{
    ps_conv_plans_close();
    ps_dnn_close();
}
