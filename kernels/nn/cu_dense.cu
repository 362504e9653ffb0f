#include "kernels/nn/cu_edge.h"
#include "kernels/nn/cu_product.h"

/* Prepared: weights as products read them, then biases, each at a multiple of 256 bytes. Work: copies of
 * operands in bf16, then work of the products or of sums. */

static int64_t lines(int64_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

static bool in_half(enum ps_nn_products products)
{
    return products == PS_NN_BF16;
}

static int64_t real(enum ps_nn_products products)
{
    return in_half(products) ? sizeof(ps_half) : sizeof(float);
}

static int64_t biases_at(const struct ps_nn_dense *l, enum ps_nn_products products)
{
    return lines(l->out * l->in * real(products));
}

/** Bytes of the copies of x and dy, of n samples. */
static int64_t copy_x(const struct ps_nn_dense *l, int64_t n, enum ps_nn_products products)
{
    return in_half(products) ? lines(n * l->in * (int64_t)sizeof(ps_half)) : 0;
}

static int64_t copy_dy(const struct ps_nn_dense *l, int64_t n, enum ps_nn_products products)
{
    return in_half(products) ? lines(n * l->out * (int64_t)sizeof(ps_half)) : 0;
}

static struct ps_product_shape shape(int64_t m, int64_t n, int64_t k, enum ps_nn_products products)
{
    struct ps_product_shape s = {};
    s.m = m;
    s.n = n;
    s.k = k;
    s.half = in_half(products);
    s.tf32 = products == PS_NN_TF32;
    s.aligned = true;
    return s;
}

/** y = x w', and what is added to it. */
static struct ps_product_shape forward(const struct ps_nn_dense *l, int64_t n, enum ps_nn_products products)
{
    struct ps_product_shape s = shape(n, l->out, l->in, products);
    s.turn_b = true;
    s.end = l->act == PS_NN_RELU ? PS_PRODUCT_BIAS_RELU : PS_PRODUCT_BIAS;
    return s;
}

/** dx = dy w */
static struct ps_product_shape data(const struct ps_nn_dense *l, int64_t n, bool add,
                                    enum ps_nn_products products)
{
    struct ps_product_shape s = shape(n, l->in, l->out, products);
    s.add = add;
    return s;
}

/** dw = dy' x. Weights of a layer start anywhere among those of a net. */
static struct ps_product_shape weights(const struct ps_nn_dense *l, int64_t n, bool add, bool aligned,
                                       enum ps_nn_products products)
{
    struct ps_product_shape s = shape(l->out, l->in, n, products);
    s.turn_a = true;
    s.add = add;
    s.aligned = aligned;
    return s;
}

struct ps_nn_size ps_nn_dense_size_cu(const struct ps_nn_dense *l, int64_t n, enum ps_nn_products products)
{
    int64_t rest = ps_nn_moments_work_cu(n, l->out) * (int64_t)sizeof(double);
    for (const int64_t work :
         {ps_product_work(n, l->out), ps_product_work(n, l->in), ps_product_work(l->out, l->in)})
        if (work > rest) rest = work;
    struct ps_nn_size size = {};
    size.weights = l->out * (l->in + 1);
    size.prepared =
        (biases_at(l, products) + lines(l->out * (int64_t)sizeof(float))) / (int64_t)sizeof(float);
    size.work = (copy_x(l, n, products) + copy_dy(l, n, products) + lines(rest)) / (int64_t)sizeof(float);
    for (int add = 0; add < 2; add++) {
        const struct ps_product_shape made[] = {forward(l, n, products), data(l, n, add, products),
                                                weights(l, n, add, true, products),
                                                weights(l, n, add, false, products)};
        for (const struct ps_product_shape &s : made) ps_product_plan_cu(&s);
    }
    return size;
}

void ps_nn_dense_prepare_cu(const struct ps_nn_dense *l, const void *w, void *prepared,
                            enum ps_nn_products products)
{
    const int64_t size = l->out * l->in;
    if (in_half(products))
        ps_nn_to_half_cu(size, (const float *)w, (ps_half *)prepared);
    else
        ps_nn_copy_cu(size * (int64_t)sizeof(float), w, prepared);
    ps_nn_copy_cu(l->out * (int64_t)sizeof(float), (const float *)w + size,
                  (char *)prepared + biases_at(l, products));
}

/** An operand as products read it, in `copy` where it is converted. */
static const void *operand(const void *x, int64_t size, enum ps_nn_products products, char *copy)
{
    if (!in_half(products)) return x;
    ps_nn_to_half_cu(size, (const float *)x, (ps_half *)copy);
    return copy;
}

void ps_nn_dense_forward_cu(const struct ps_nn_dense *l, const struct ps_nn_pass *p,
                            enum ps_nn_products products)
{
    const float *const b = (const float *)((const char *)p->prepared + biases_at(l, products));
    char *const copy = (char *)p->work, *const work = copy + copy_x(l, p->n, products);
    const void *const x = operand(p->x, p->n * l->in, products, copy);
    struct ps_product_shape s = forward(l, p->n, products);
    if (ps_product_cu(&s, x, p->prepared, (float *)p->y, b, work)) {
        if (l->act != PS_NN_LINEAR && l->act != PS_NN_RELU)
            ps_nn_bias_act_cu(p->n, l->out, l->act, false, NULL, p->y);
        return;
    }
    s.end = PS_PRODUCT_PLAIN;
    ps_product_cu(&s, x, p->prepared, (float *)p->y, NULL, work);
    ps_nn_bias_act_cu(p->n, l->out, l->act, false, b, p->y);
}

void ps_nn_dense_backward_cu(const struct ps_nn_dense *l, const struct ps_nn_pass *p,
                             enum ps_nn_products products)
{
    float *const dw = (float *)p->dw;
    char *const copy = (char *)p->work, *const second = copy + copy_x(l, p->n, products),
                *const work = second + copy_dy(l, p->n, products);
    ps_nn_bias_act_back_cu(p->n, l->out, l->act, false, p->y, p->dy, dw + l->out * l->in, p->dw_add,
                           (double *)work);
    const void *const x = operand(p->x, p->n * l->in, products, copy);
    const void *const dy = operand(p->dy, p->n * l->out, products, second);
    const struct ps_product_shape w = weights(l, p->n, p->dw_add, (uintptr_t)dw % 16 == 0, products);
    ps_product_cu(&w, dy, x, dw, NULL, work);
    if (!p->dx) return;
    const struct ps_product_shape d = data(l, p->n, p->dx_add, products);
    ps_product_cu(&d, dy, p->prepared, (float *)p->dx, NULL, work);
}

void ps_nn_dense_close_cu(void)
{
    ps_products_close();
}
