#include <string.h>
#include "kernels/nn/cpu.h"
#include "kernels/nn/images.h"

/** The part of a window that lies within the image: lines and columns [lo, hi). */
struct inside {
    int64_t ylo, yhi, xlo, xhi;
};

static struct inside inside_of(const struct ps_nn_window *at, int64_t row, int64_t col)
{
    const int64_t y = row * at->stride - at->pad, x = col * at->stride - at->pad;
    return (struct inside){.ylo = y > 0 ? y : 0,
                           .yhi = y + at->kernel < at->height ? y + at->kernel : at->height,
                           .xlo = x > 0 ? x : 0,
                           .xhi = x + at->kernel < at->width ? x + at->kernel : at->width};
}

/** Element of channel k of place (v, u) of sample i. */
static inline int64_t place(const struct ps_nn_window *at, int64_t i, int64_t v, int64_t u, int64_t k)
{
    return ((i * at->height + v) * at->width + u) * at->channels + k;
}

static inline ps_vf reads(const struct ps_nn_read *r, ps_vf x, int64_t k, int64_t count)
{
    const ps_vf z = ps_image_factors(r, x, k, count);
    return r->a && r->act == PS_NN_RELU ? ps_vf_positive(z) : z;
}

/** One window of sample i, to element `to` of the output. */
static void pool(const struct ps_nn_pool *l, const struct ps_nn_pass *p, int64_t i, const struct inside *in,
                 int64_t to)
{
    const struct ps_nn_window *at = &l->at;
    const ps_vf part = ps_vf_all(1 / (float)(at->kernel * at->kernel));
    PS_EACH_VECTOR(at->channels)
    {
        ps_vf all = ps_vf_all(l->mean ? 0 : -INFINITY);
        for (int64_t v = in->ylo; v < in->yhi; v++)
            for (int64_t u = in->xlo; u < in->xhi; u++) {
                const ps_vf x = ps_image_load(p->x, place(at, i, v, u, k), count, l->half_x);
                const ps_vf z = reads(&p->read, x, k, count);
                all = l->mean ? all + z : ps_vf_larger(all, z);
            }
        ps_image_store(p->y, to + k, l->mean ? part * all : all, count, l->half_y);
    }
}

void ps_nn_pool_forward_cpu(const struct ps_nn_pool *l, const struct ps_nn_pass *p)
{
    const struct ps_nn_window *at = &l->at;
    int64_t to = 0;
    for (int64_t i = 0; i < p->n; i++)
        for (int64_t row = 0; row < at->rows; row++)
            for (int64_t col = 0; col < at->cols; col++, to += at->channels) {
                const struct inside in = inside_of(at, row, col);
                pool(l, p, i, &in, to);
            }
}

/** A gradient of the input is added to, or written. */
static inline void give(const struct ps_nn_pool *l, const struct ps_nn_pass *p, int64_t here, ps_vf d,
                        int64_t count, bool add)
{
    ps_image_store(p->dx, here, add ? ps_image_load(p->dx, here, count, l->half_x) + d : d, count, l->half_x);
}

/** The first of the largest gets the gradient. Rounding keeps order, so that the largest of what is read is
 * also the largest of what is read and rounded. */
static void to_largest(const struct ps_nn_pool *l, const struct ps_nn_pass *p, int64_t i,
                       const struct inside *in, int64_t from, bool add)
{
    const struct ps_nn_window *at = &l->at;
    PS_EACH_VECTOR(at->channels)
    {
        const ps_vf most = ps_image_load(p->y, from + k, count, l->half_y);
        ps_vf left = ps_image_load(p->dy, from + k, count, l->half_y);
        for (int64_t v = in->ylo; v < in->yhi; v++)
            for (int64_t u = in->xlo; u < in->xhi; u++) {
                const int64_t here = place(at, i, v, u, k);
                ps_vf x = reads(&p->read, ps_image_load(p->x, here, count, l->half_x), k, count);
                if (l->half_y) x = (ps_vf)ps_vf_round_half(x);
                const ps_vf mine = ps_vf_where_equal(left, x, most);
                left = (ps_vf)((ps_vu)left ^ (ps_vu)mine);
                give(l, p, here, mine, count, add);
            }
    }
}

static void to_all(const struct ps_nn_pool *l, const struct ps_nn_pass *p, int64_t i, const struct inside *in,
                   int64_t from, bool add)
{
    const struct ps_nn_window *at = &l->at;
    const ps_vf part = ps_vf_all(1 / (float)(at->kernel * at->kernel));
    PS_EACH_VECTOR(at->channels)
    {
        const ps_vf d = part * ps_image_load(p->dy, from + k, count, l->half_y);
        for (int64_t v = in->ylo; v < in->yhi; v++)
            for (int64_t u = in->xlo; u < in->xhi; u++) give(l, p, place(at, i, v, u, k), d, count, add);
    }
}

/** Is every place of the input in exactly one window? */
static bool covers(const struct ps_nn_window *at)
{
    return at->pad == 0 && at->stride == at->kernel && at->rows * at->stride == at->height &&
           at->cols * at->stride == at->width;
}

static void zero_lines(const struct ps_nn_pool *l, const struct ps_nn_pass *p, int64_t i, int64_t lo,
                       int64_t hi)
{
    const int64_t from = place(&l->at, i, lo, 0, 0), n = (hi - lo) * l->at.width * l->at.channels;
    const size_t bytes = l->half_x ? sizeof(uint16_t) : sizeof(float);
    memset((char *)p->dx + (size_t)from * bytes, 0, (size_t)n * bytes);
}

/** A line of the input whose gradient is whole, where it is read through a normalisation: the slope of act is
 * put in, and sums are added to. */
static void finish_line(const struct ps_nn_pool *l, const struct ps_nn_pass *p, int64_t i, int64_t v)
{
    const struct ps_nn_window *at = &l->at;
    PS_EACH_VECTOR(at->channels)
    {
        const ps_vf mean = ps_vf_load_part((const float *)p->read.mean + k, (int)count);
        ps_vf sum = ps_vf_all(0), product = ps_vf_all(0);
        for (int64_t u = 0; u < at->width; u++) {
            const int64_t here = place(at, i, v, u, k);
            const ps_vf x = ps_image_load(p->x, here, count, l->half_x);
            ps_vf d = ps_image_load(p->dx, here, count, l->half_x);
            if (p->read.act == PS_NN_RELU) d = ps_image_where(d, ps_image_factors(&p->read, x, k, count));
            ps_image_store(p->dx, here, d, count, l->half_x);
            sum += d;
            product = ps_vf_fma(d, x - mean, product);
        }
        for (int64_t c = 0; c < count; c++) {
            p->sums[k + c] += sum[c];
            p->sums[at->channels + k + c] += product[c];
        }
    }
}

/** Lines of the input are zeroed before the first window reaches them, and finished after the last. */
void ps_nn_pool_backward_cpu(const struct ps_nn_pool *l, const struct ps_nn_pass *p)
{
    const struct ps_nn_window *at = &l->at;
    const bool add = p->dx_add || !covers(at), zero = add && !p->dx_add;
    int64_t from = 0;
    if (!p->dx) return;
    if (p->read.a) memset(p->sums, 0, (size_t)(2 * at->channels) * sizeof *p->sums);
    for (int64_t i = 0; i < p->n; i++) {
        int64_t zeroed = 0, finished = 0;
        for (int64_t row = 0; row < at->rows; row++) {
            const struct inside line = inside_of(at, row, 0);
            const int64_t ready = row + 1 < at->rows ? inside_of(at, row + 1, 0).ylo : at->height;
            const int64_t reached = line.yhi > ready ? line.yhi : ready;
            if (zero && reached > zeroed) zero_lines(l, p, i, zeroed, reached), zeroed = reached;
            for (int64_t col = 0; col < at->cols; col++, from += at->channels) {
                const struct inside in = inside_of(at, row, col);
                if (l->mean)
                    to_all(l, p, i, &in, from, add);
                else
                    to_largest(l, p, i, &in, from, add);
            }
            for (; p->read.a && finished < ready; finished++) finish_line(l, p, i, finished);
        }
    }
}
