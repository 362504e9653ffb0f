#include <string.h>
#include "kernels/nn/cpu.h"
#include "kernels/nn/images.h"

#define INLINE static inline __attribute__((always_inline))

enum {
    BLOCK = 32,  /* rows that are summed in single precision before they are added to double ones, */
    TOGETHER = 4 /* in so many vectors of channels at a time, whose sums stay in registers */
};

/** Which arrays are in bf16. */
struct types {
    bool x, also, y;
};

/** Channels [k, k + count) of a row that begins at element `at`. */
INLINE void forward(const struct ps_nn_sum *l, const struct ps_nn_pass *p, struct types half, int64_t at,
                    int64_t k, int64_t count)
{
    const ps_vf x = ps_image_load(p->x, at + k, count, half.x);
    const ps_vf also = ps_image_load(p->also, at + k, count, half.also);
    const ps_vf z = ps_image_factors(&p->read, x, k, count) + ps_image_factors(&p->also_read, also, k, count);
    ps_image_store(p->y, at + k, l->act == PS_NN_RELU ? ps_vf_positive(z) : z, count, half.y);
}

/** Rows [lo, hi). What the pass says has a copy, which cannot be among the numbers that are written. */
INLINE void forward_rows(const struct ps_nn_sum *given, const struct ps_nn_pass *pass, struct types half,
                         int64_t lo, int64_t hi)
{
    const struct ps_nn_sum l = *given;
    const struct ps_nn_pass p = *pass;
    for (int64_t row = lo; row < hi; row++) {
        int64_t k = 0;
        for (; k + PS_LANES <= l.channels; k += PS_LANES)
            forward(&l, &p, half, row * l.channels, k, PS_LANES);
        if (k < l.channels) forward(&l, &p, half, row * l.channels, k, l.channels - k);
    }
}

/** Sums of a few rows: of d, and of d times each input's distance from its mean. */
struct part {
    ps_vf sum[TOGETHER], x[TOGETHER], also[TOGETHER];
};

INLINE void pass_on(void *to, int64_t at, ps_vf d, int64_t count, bool add, bool half)
{
    ps_image_store(to, at, add ? ps_image_load(to, at, count, half) + d : d, count, half);
}

/** to += d times an input's distance from its mean, which of channels from k on is at mean. */
INLINE ps_vf product(const void *x, bool half, int64_t at, const float *mean, int64_t count, ps_vf d,
                     ps_vf to)
{
    return ps_vf_fma(d, ps_image_load(x, at, count, half) - ps_vf_load_part(mean, (int)count), to);
}

/** `vecs` vectors of channels from k on, each of `count`, of rows [lo, hi). */
INLINE struct part backward(const struct ps_nn_sum *l, const struct ps_nn_pass *p, struct types half,
                            int64_t lo, int64_t hi, int64_t k, int vecs, int64_t count)
{
    const float *mean = p->read.a ? (const float *)p->read.mean + k : NULL,
                *also_mean = p->also_read.a ? (const float *)p->also_read.mean + k : NULL;
    struct part part;
    for (int v = 0; v < vecs; v++) part.sum[v] = part.x[v] = part.also[v] = ps_vf_all(0);
    for (int64_t at = lo * l->channels + k; at < hi * l->channels + k; at += l->channels)
        for (int v = 0; v < vecs; v++) {
            const int64_t here = at + v * PS_LANES;
            ps_vf d = ps_image_load(p->dy, here, count, half.y);
            if (l->act == PS_NN_RELU) {
                d = ps_image_where(d, ps_image_load(p->y, here, count, half.y));
                ps_image_store(p->dy, here, d, count, half.y);
            }
            if (p->dx) pass_on(p->dx, here, d, count, p->dx_add, half.x);
            if (p->dalso) pass_on(p->dalso, here, d, count, p->dalso_add, half.also);
            part.sum[v] += d;
            if (mean) part.x[v] = product(p->x, half.x, here, mean + v * PS_LANES, count, d, part.x[v]);
            if (also_mean)
                part.also[v] =
                    product(p->also, half.also, here, also_mean + v * PS_LANES, count, d, part.also[v]);
        }
    return part;
}

/** To sums of c channels, [2][c], are added those of channels from k on. */
INLINE void add_part(double *sums, int64_t c, int64_t k, int64_t count, ps_vf sum, ps_vf product)
{
    for (int64_t i = 0; i < count; i++) {
        sums[k + i] += sum[i];
        sums[c + k + i] += product[i];
    }
}

INLINE void backward_vectors(const struct ps_nn_sum *l, const struct ps_nn_pass *p, struct types half,
                             int64_t lo, int64_t hi, int64_t k, int vecs, int64_t count)
{
    const struct part part = backward(l, p, half, lo, hi, k, vecs, count);
    for (int v = 0; v < vecs; v++) {
        const int64_t from = k + v * PS_LANES;
        if (p->read.a) add_part(p->sums, l->channels, from, count, part.sum[v], part.x[v]);
        if (p->also_read.a) add_part(p->also_sums, l->channels, from, count, part.sum[v], part.also[v]);
    }
}

INLINE void backward_rows(const struct ps_nn_sum *given, const struct ps_nn_pass *pass, struct types half,
                          int64_t lo, int64_t hi)
{
    const struct ps_nn_sum l = *given;
    const struct ps_nn_pass p = *pass;
    for (int64_t next; lo < hi; lo = next) {
        int64_t k = 0;
        next = lo + BLOCK < hi ? lo + BLOCK : hi;
        for (; k + TOGETHER * PS_LANES <= l.channels; k += TOGETHER * PS_LANES)
            backward_vectors(&l, &p, half, lo, next, k, TOGETHER, PS_LANES);
        for (; k + PS_LANES <= l.channels; k += PS_LANES)
            backward_vectors(&l, &p, half, lo, next, k, 1, PS_LANES);
        if (k < l.channels) backward_vectors(&l, &p, half, lo, next, k, 1, l.channels - k);
    }
}

static const struct types all_half = {true, true, true}, no_half = {false, false, false};

/** One function each for the types that most sums have. */
#define ROWS(name, l, p, lo, hi)                                                          \
    do {                                                                                  \
        if ((l)->half_x && (l)->half_also && (l)->half_y)                                 \
            name(l, p, all_half, lo, hi);                                                 \
        else if (!(l)->half_x && !(l)->half_also && !(l)->half_y)                         \
            name(l, p, no_half, lo, hi);                                                  \
        else                                                                              \
            name(l, p, (struct types){(l)->half_x, (l)->half_also, (l)->half_y}, lo, hi); \
    } while (0)

void ps_nn_sum_forward_rows(const struct ps_nn_sum *l, const struct ps_nn_pass *p, int64_t lo, int64_t hi)
{
    ROWS(forward_rows, l, p, lo, hi);
}

void ps_nn_sum_backward_rows(const struct ps_nn_sum *l, const struct ps_nn_pass *p, int64_t lo, int64_t hi)
{
    const size_t sums = (size_t)(2 * l->channels) * sizeof(double);
    if (l->act == PS_NN_LINEAR && !p->dx && !p->dalso && !p->read.a && !p->also_read.a) return;
    if (p->read.a && lo == 0) memset(p->sums, 0, sums);
    if (p->also_read.a && lo == 0) memset(p->also_sums, 0, sums);
    ROWS(backward_rows, l, p, lo, hi);
}

void ps_nn_sum_forward_cpu(const struct ps_nn_sum *l, const struct ps_nn_pass *p)
{
    ps_nn_sum_forward_rows(l, p, 0, p->n * l->places);
}

void ps_nn_sum_backward_cpu(const struct ps_nn_sum *l, const struct ps_nn_pass *p)
{
    ps_nn_sum_backward_rows(l, p, 0, p->n * l->places);
}
