#include "cudnn_conv_on_host.h"
#include <vector>
#include "rounding_on_host.h"

static int64_t place(const struct ps_host_image *a, int64_t n, int64_t c, int64_t h, int64_t w)
{
    return ((n * a->size[2] + h) * a->size[3] + w) * a->size[1] + c;
}

static int64_t elements(const struct ps_host_image *a)
{
    return a->size[0] * a->size[1] * a->size[2] * a->size[3];
}

static double operand(const struct ps_host_conv *p, const struct ps_host_image *a, int64_t i)
{
    return ps_host_operand(ps_host_get(a->at, i, a->half), p->tf32);
}

/** Sums of products into `sum`, of each element of what is computed. */
static void add_up(const struct ps_host_conv *p, std::vector<double> &sum)
{
    const struct ps_host_image *x = &p->x, *w = &p->w, *y = &p->y;
    const bool to_y = p->way == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
               to_x = p->way == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR;
    for (int64_t i = 0; i < elements(y); i++) {
        const int64_t o = i % y->size[1], at = i / y->size[1], col = at % y->size[3],
                      row = at / y->size[3] % y->size[2], n = at / y->size[3] / y->size[2];
        for (int64_t k = 0; k < w->size[1] * w->size[2] * w->size[3]; k++) {
            const int64_t c = k % w->size[1], u = k / w->size[1] % w->size[3],
                          v = k / w->size[1] / w->size[3];
            const int64_t h = row * p->step - p->pad + v, l = col * p->step - p->pad + u;
            if (h < 0 || h >= x->size[2] || l < 0 || l >= x->size[3]) continue;
            const int64_t in = place(x, n, c, h, l), weight = place(w, o, c, v, u);
            if (to_y)
                sum[(size_t)i] += operand(p, x, in) * operand(p, w, weight);
            else if (to_x)
                sum[(size_t)in] += operand(p, y, i) * operand(p, w, weight);
            else
                sum[(size_t)weight] += operand(p, y, i) * operand(p, x, in);
        }
    }
}

/** One after the other in single precision, which is as bad as an order can be. */
static void make_statistics(const struct ps_host_conv *p)
{
    const int64_t channels = p->y.size[1];
    for (int64_t k = 0; k < channels; k++) p->sums[k] = p->squares[k] = 0;
    for (int64_t i = 0; i < elements(&p->y); i++) {
        const float v = (float)ps_host_get(p->y.at, i, p->y.half);
        p->sums[i % channels] += v;
        p->squares[i % channels] += v * v;
    }
}

void ps_host_conv_compute(const struct ps_host_conv *p)
{
    const struct ps_host_image *const to =
        p->way == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR         ? &p->y
        : p->way == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR ? &p->x
                                                                                 : &p->w;
    std::vector<double> sum((size_t)elements(to), 0);
    if (p->bytes > 0) memset(p->work, 0xff, (size_t)p->bytes);
    add_up(p, sum);
    for (int64_t i = 0; i < elements(to); i++) {
        const double was = p->beta != 0 ? p->beta * ps_host_get(to->at, i, to->half) : 0;
        ps_host_put(to->at, i, to->half, p->alpha * sum[(size_t)i] + was);
    }
    if (p->sums) make_statistics(p);
}
