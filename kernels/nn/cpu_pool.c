#include <string.h>
#include "kernels/nn/cpu.h"
#include "kernels/nn/images.h"

#define INLINE static inline __attribute__((always_inline))

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

/** Vectors of channels that go through a window together: chains of comparisons that do not wait for each
 * other.
 */
enum { TOGETHER = 4 };

/** Channels [k, ...) of a window, in `m` vectors, the last of `count` channels. Where m is a constant,
 * vectors stay in registers. */
struct vectors {
    int64_t k;
    int m;
    int64_t count;
};

INLINE int64_t count_of(const struct vectors *v, int j)
{
    return j + 1 < v->m ? PS_LANES : v->count;
}

/** A normalisation's factors of these channels. */
struct factors {
    ps_vf a[TOGETHER], b[TOGETHER];
    bool any, relu;
};

INLINE void load_factors(const struct ps_nn_read *r, const struct vectors *v, struct factors *f)
{
    *f = (struct factors){.any = r->a != NULL, .relu = r->a && r->act == PS_NN_RELU};
    for (int j = 0; f->any && j < v->m; j++) {
        const int64_t k = v->k + j * PS_LANES;
        f->a[j] = ps_vf_load_part((const float *)r->a + k, (int)count_of(v, j));
        f->b[j] = ps_vf_load_part((const float *)r->b + k, (int)count_of(v, j));
    }
}

INLINE ps_vf reads(const struct factors *f, int j, ps_vf x)
{
    if (!f->any) return x;
    const ps_vf z = ps_vf_fma(f->a[j], x, f->b[j]);
    return f->relu ? ps_vf_positive(z) : z;
}

/** One window of sample i, to element `to` of the output. */
INLINE void pool(const struct ps_nn_pool *l, const struct ps_nn_pass *p, int64_t i, const struct inside *in,
                 int64_t to, struct vectors v)
{
    const struct ps_nn_window *at = &l->at;
    const bool mean = l->mean, half = l->half_x;
    ps_vf all[TOGETHER];
    struct factors f;
    load_factors(&p->read, &v, &f);
    for (int j = 0; j < v.m; j++) all[j] = ps_vf_all(mean ? 0 : -INFINITY);
    for (int64_t y = in->ylo; y < in->yhi; y++)
        for (int64_t x = in->xlo; x < in->xhi; x++) {
            const int64_t here = place(at, i, y, x, v.k);
            for (int j = 0; j < v.m; j++) {
                const ps_vf z = reads(&f, j, ps_image_load(p->x, here + j * PS_LANES, count_of(&v, j), half));
                all[j] = mean ? all[j] + z : ps_vf_larger(all[j], z);
            }
        }
    const ps_vf part = ps_vf_all(1 / (float)(at->kernel * at->kernel));
    for (int j = 0; j < v.m; j++)
        ps_image_store(p->y, to + v.k + j * PS_LANES, mean ? part * all[j] : all[j], count_of(&v, j),
                       l->half_y);
}

/** All channels: most of them TOGETHER vectors at a time. */
#define EACH_CHANNEL(channels, call)                                            \
    for (int64_t k = 0; k < (channels);) {                                      \
        const bool many = k + TOGETHER * PS_LANES <= (channels);                \
        const int64_t left = (channels)-k < PS_LANES ? (channels)-k : PS_LANES; \
        if (many)                                                               \
            call(((struct vectors){k, TOGETHER, PS_LANES}));                    \
        else                                                                    \
            call(((struct vectors){k, 1, left}));                               \
        k += many ? TOGETHER * PS_LANES : PS_LANES;                             \
    }

void ps_nn_pool_forward_cpu(const struct ps_nn_pool *l, const struct ps_nn_pass *p)
{
    const struct ps_nn_window *at = &l->at;
    int64_t to = 0;
    for (int64_t i = 0; i < p->n; i++)
        for (int64_t row = 0; row < at->rows; row++)
            for (int64_t col = 0; col < at->cols; col++, to += at->channels) {
                const struct inside in = inside_of(at, row, col);
#define POOL(v) pool(l, p, i, &in, to, v)
                EACH_CHANNEL(at->channels, POOL)
            }
}

/** Which arrays are in bf16. */
struct types {
    bool x, y;
};

/** A gradient of the input is added to, or written. */
INLINE void give(void *dx, int64_t here, ps_vf d, int64_t count, bool add, bool half)
{
    ps_image_store(dx, here, add ? ps_image_load(dx, here, count, half) + d : d, count, half);
}

/** One window backwards: its mean's gradient goes to all places, its maximum's to the first of the largest.
 * Rounding keeps order, so that the largest of what is read is also the largest of what is read and rounded.
 */
INLINE void unpool(const struct ps_nn_pool *l, const struct ps_nn_pass *p, int64_t i, const struct inside *in,
                   int64_t from, bool add, struct types half, struct vectors v)
{
    const struct ps_nn_window *at = &l->at;
    const bool mean = l->mean;
    const ps_vf part = ps_vf_all(1 / (float)(at->kernel * at->kernel));
    ps_vf left[TOGETHER], most[TOGETHER];
    struct factors f;
    load_factors(&p->read, &v, &f);
    for (int j = 0; j < v.m; j++) {
        const int64_t k = from + v.k + j * PS_LANES;
        left[j] = ps_image_load(p->dy, k, count_of(&v, j), half.y);
        most[j] = ps_image_load(p->y, k, count_of(&v, j), half.y);
        if (mean) left[j] = part * left[j];
    }
    for (int64_t y = in->ylo; y < in->yhi; y++)
        for (int64_t x = in->xlo; x < in->xhi; x++)
            for (int j = 0; j < v.m; j++) {
                const int64_t here = place(at, i, y, x, v.k) + j * PS_LANES, count = count_of(&v, j);
                ps_vf mine = left[j];
                if (!mean) {
                    ps_vf z = reads(&f, j, ps_image_load(p->x, here, count, half.x));
                    if (half.y) z = (ps_vf)ps_vf_round_half(z);
                    mine = ps_vf_where_equal(left[j], z, most[j]);
                    left[j] = (ps_vf)((ps_vu)left[j] ^ (ps_vu)mine);
                }
                give(p->dx, here, mine, count, add, half.x);
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

/** Channels [k, k + count) of a line of the input that begins at element `line`, its gradient whole, where it
 * is read through a normalisation: the slope of act is put in, and sums are added to. */
INLINE void finish(const struct ps_nn_pool *l, const struct ps_nn_pass *p, int64_t line, int64_t k,
                   int64_t count, bool half)
{
    const struct ps_nn_window *at = &l->at;
    const ps_vf mean = ps_vf_load_part((const float *)p->read.mean + k, (int)count);
    ps_vf sum = ps_vf_all(0), product = ps_vf_all(0);
    for (int64_t u = 0; u < at->width; u++) {
        const int64_t here = line + u * at->channels + k;
        const ps_vf x = ps_image_load(p->x, here, count, half);
        ps_vf d = ps_image_load(p->dx, here, count, half);
        if (p->read.act == PS_NN_RELU) d = ps_image_where(d, ps_image_factors(&p->read, x, k, count));
        ps_image_store(p->dx, here, d, count, half);
        sum += d;
        product = ps_vf_fma(d, x - mean, product);
    }
    for (int64_t c = 0; c < count; c++) {
        p->sums[k + c] += sum[c];
        p->sums[at->channels + k + c] += product[c];
    }
}

INLINE void finish_line(const struct ps_nn_pool *l, const struct ps_nn_pass *p, int64_t line, bool half)
{
    int64_t k = 0;
    for (; k + PS_LANES <= l->at.channels; k += PS_LANES) finish(l, p, line, k, PS_LANES, half);
    if (k < l->at.channels) finish(l, p, line, k, l->at.channels - k, half);
}

/** Lines of the input are zeroed before the first window reaches them, and finished after the last. What
 * layer and pass say has copies, which cannot be among the numbers that are written. */
INLINE void unpool_all(const struct ps_nn_pool *layer, const struct ps_nn_pass *pass, struct types half)
{
    const struct ps_nn_pool l = *layer;
    const struct ps_nn_pass p = *pass;
    const struct ps_nn_window *at = &l.at;
    const bool add = p.dx_add || !covers(at), zero = add && !p.dx_add;
    int64_t from = 0;
    for (int64_t i = 0; i < p.n; i++) {
        int64_t zeroed = 0, finished = 0;
        for (int64_t row = 0; row < at->rows; row++) {
            const struct inside line = inside_of(at, row, 0);
            const int64_t ready = row + 1 < at->rows ? inside_of(at, row + 1, 0).ylo : at->height;
            const int64_t reached = line.yhi > ready ? line.yhi : ready;
            if (zero && reached > zeroed) zero_lines(&l, &p, i, zeroed, reached), zeroed = reached;
            for (int64_t col = 0; col < at->cols; col++, from += at->channels) {
                const struct inside in = inside_of(at, row, col);
#define UNPOOL(v) unpool(&l, &p, i, &in, from, add, half, v)
                EACH_CHANNEL(at->channels, UNPOOL)
            }
            for (; p.read.a && finished < ready; finished++)
                finish_line(&l, &p, place(at, i, finished, 0, 0), half.x);
        }
    }
}

void ps_nn_pool_backward_cpu(const struct ps_nn_pool *l, const struct ps_nn_pass *p)
{
    if (!p->dx) return;
    if (p->read.a) memset(p->sums, 0, (size_t)(2 * l->at.channels) * sizeof *p->sums);
    if (l->half_x && l->half_y)
        unpool_all(l, p, (struct types){true, true});
    else
        unpool_all(l, p, (struct types){l->half_x, l->half_y});
}
