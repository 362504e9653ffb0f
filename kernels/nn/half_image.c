#include "kernels/nn/half_image.h"
#include "kernels/nn/act.h"
#include "kernels/nn/half_lanes.h"

#define INLINE static inline __attribute__((always_inline))

int64_t ps_half_image(const struct ps_half_border *b)
{
    return (b->above + b->height + b->below) * (b->left + b->width + b->right) * b->channels;
}

bool ps_half_borderless(const struct ps_half_border *b)
{
    return b->above + b->below + b->left + b->right == 0;
}

static inline int lanes(int64_t rest)
{
    return rest < PS_LANES ? (int)rest : PS_LANES;
}

INLINE ps_vf load(const void *x, bool half, int64_t at, int count)
{
    return half ? ps_vf_load_half_part((const uint16_t *)x + at, count)
                : ps_vf_load_part((const float *)x + at, count);
}

/** n numbers, as they are but for their type. */
static void copy_plain(int64_t n, const void *x, bool half, uint16_t *to)
{
    if (half) {
        memcpy(to, x, (size_t)n * sizeof *to);
        return;
    }
    for (int64_t i = 0; i < n; i += PS_LANES)
        ps_vf_store_half_part(to + i, load(x, false, i, lanes(n - i)), lanes(n - i));
}

/** Places of c channels, normalised. */
INLINE void copy_read(int64_t places, int64_t c, const void *x, bool half, const struct ps_nn_read *read,
                      bool relu, uint16_t *to)
{
    const float *a = read->a, *b = read->b;
    for (int64_t i = 0; i < places * c; i += c) {
        int64_t k = 0;
        for (; k + PS_LANES <= c; k += PS_LANES) {
            const ps_vf z = ps_vf_fma(ps_vf_load(a + k), load(x, half, i + k, PS_LANES), ps_vf_load(b + k));
            ps_vf_store_half(to + i + k, relu ? ps_vf_positive(z) : z);
        }
        if (k == c) continue;
        const int rest = (int)(c - k);
        const ps_vf z =
            ps_vf_fma(ps_vf_load_part(a + k, rest), load(x, half, i + k, rest), ps_vf_load_part(b + k, rest));
        ps_vf_store_half_part(to + i + k, relu ? ps_vf_positive(z) : z, rest);
    }
}

static void copy_places(int64_t places, int64_t c, const void *x, bool half, const struct ps_nn_read *read,
                        uint16_t *to)
{
    const bool relu = read->act == PS_NN_RELU;
    if (!read->a)
        copy_plain(places * c, x, half, to);
    else if (half && relu)
        copy_read(places, c, x, true, read, true, to);
    else
        copy_read(places, c, x, half, read, relu, to);
}

void ps_half_copy(const struct ps_half_border *b, int64_t n, const void *x, bool half,
                  const struct ps_nn_read *read, uint16_t *to)
{
    const int64_t c = b->channels, line = (b->left + b->width + b->right) * c, image = ps_half_image(b);
    const size_t size = half ? sizeof(uint16_t) : sizeof(float);
    const char *from = x;
    to[n * image] = 0;
    if (ps_half_borderless(b)) {
        copy_places(n * b->height * b->width, c, x, half, read, to);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        memset(to, 0, (size_t)(b->above * line) * sizeof *to);
        to += b->above * line;
        for (int64_t y = 0; y < b->height; y++, to += line, from += (size_t)(b->width * c) * size) {
            memset(to, 0, (size_t)(b->left * c) * sizeof *to);
            copy_places(b->width, c, from, half, read, to + b->left * c);
            memset(to + (b->left + b->width) * c, 0, (size_t)(b->right * c) * sizeof *to);
        }
        memset(to, 0, (size_t)(b->below * line) * sizeof *to);
        to += b->below * line;
    }
}

/** s dy + p y + q of places. */
INLINE void gradient_read(int64_t n, int64_t c, bool half, const struct ps_nn_gradient_read *read,
                          const void *y, const void *from, uint16_t *to)
{
    const float *s = read->s, *p = read->p, *q = read->q;
    for (int64_t i = 0; i < n * c; i += c)
        for (int64_t k = 0; k < c; k += PS_LANES) {
            const int count = lanes(c - k);
            const ps_vf z = ps_vf_fma(ps_vf_load_part(p + k, count), load(y, half, i + k, count),
                                      ps_vf_load_part(q + k, count));
            ps_vf_store_half_part(to + i + k,
                                  ps_vf_fma(ps_vf_load_part(s + k, count), load(from, half, i + k, count), z),
                                  count);
        }
}

/** dy act'(z) of n numbers, as y = act(z) tells it. */
static void gradient_act(int64_t n, enum ps_nn_act act, bool half, const void *y, const void *from,
                         uint16_t *to)
{
    enum { PART = 256 };
    float value[PART], slope[PART];
    for (int64_t i = 0; i < n; i += PART) {
        const int64_t count = n - i < PART ? n - i : PART;
        for (int64_t j = 0; j < count; j += PS_LANES) {
            ps_vf_store_part(value + j, load(y, half, i + j, lanes(count - j)), lanes(count - j));
            ps_vf_store_part(slope + j, load(from, half, i + j, lanes(count - j)), lanes(count - j));
        }
        ps_nn_act_gradient(act, count, value, slope);
        copy_plain(count, slope, false, to + i);
    }
}

void ps_half_gradient(int64_t n, int64_t channels, enum ps_nn_act act, bool half,
                      const struct ps_nn_gradient_read *read, const void *y, const void *from, uint16_t *to)
{
    if (read->s && half)
        gradient_read(n, channels, true, read, y, from, to);
    else if (read->s)
        gradient_read(n, channels, false, read, y, from, to);
    else if (act != PS_NN_LINEAR)
        gradient_act(n * channels, act, half, y, from, to);
    else if (!half)
        copy_plain(n * channels, from, false, to);
}
