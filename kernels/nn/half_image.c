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
static void copy_plain(int64_t n, const void *x, bool half, int64_t at, uint16_t *to)
{
    if (half) {
        memcpy(to, (const uint16_t *)x + at, (size_t)n * sizeof *to);
        return;
    }
    int64_t i = 0;
    for (; i + PS_LANES <= n; i += PS_LANES) ps_vf_store_half(to + i, load(x, false, at + i, PS_LANES));
    if (i < n) ps_vf_store_half_part(to + i, load(x, false, at + i, (int)(n - i)), (int)(n - i));
}

/** `count` numbers of channels from k on, normalised. */
INLINE void read_lanes(const struct ps_half_source *s, bool half, bool relu, int64_t at, int64_t k, int count,
                       uint16_t *to)
{
    const ps_vf a = ps_vf_load_part((const float *)s->read.a + k, count);
    const ps_vf z =
        ps_vf_fma(a, load(s->x, half, at, count), ps_vf_load_part((const float *)s->read.b + k, count));
    ps_vf_store_half_part(to, relu ? ps_vf_positive(z) : z, count);
}

/** The same of gradients: s dy + p y + q. */
INLINE void gradient_lanes(const struct ps_half_source *s, bool half, bool relu, int64_t at, int64_t k,
                           int count, uint16_t *to)
{
    (void)relu;
    const struct ps_nn_gradient_read *g = &s->gradient;
    const ps_vf y = load(s->y, half, at, count), dy = load(s->x, half, at, count);
    const ps_vf z = ps_vf_fma(ps_vf_load_part((const float *)g->p + k, count), y,
                              ps_vf_load_part((const float *)g->q + k, count));
    ps_vf_store_half_part(to, ps_vf_fma(ps_vf_load_part((const float *)g->s + k, count), dy, z), count);
}

/* Places of c channels; full vectors apart from the last one, as they need no masks. What the source is has a
 * copy, which cannot be among the numbers that are written. */
#define PLACES_OF(name)                                                                            \
    INLINE void name##_places(const struct ps_half_source *given, bool half, bool relu, int64_t n, \
                              int64_t c, int64_t at, uint16_t *to)                                 \
    {                                                                                              \
        const struct ps_half_source s = *given;                                                    \
        for (int64_t i = 0; i < n; i++, at += c, to += c) {                                        \
            int64_t k = 0;                                                                         \
            for (; k + PS_LANES <= c; k += PS_LANES)                                               \
                name##_lanes(&s, half, relu, at + k, k, PS_LANES, to + k);                         \
            if (k < c) name##_lanes(&s, half, relu, at + k, k, (int)(c - k), to + k);              \
        }                                                                                          \
    }
PLACES_OF(read)
PLACES_OF(gradient)

/** dy act'(z) of n numbers, as y = act(z) tells it. */
static void gradient_act(const struct ps_half_source *s, int64_t n, int64_t at, uint16_t *to)
{
    enum { PART = 256 };
    float value[PART], slope[PART];
    for (int64_t i = 0; i < n; i += PART) {
        const int64_t count = n - i < PART ? n - i : PART;
        for (int64_t j = 0; j < count; j += PS_LANES) {
            const int some = lanes(count - j);
            ps_vf_store_part(value + j, load(s->y, s->half, at + i + j, some), some);
            ps_vf_store_part(slope + j, load(s->x, s->half, at + i + j, some), some);
        }
        ps_nn_act_gradient(s->act, count, value, slope);
        copy_plain(count, slope, false, 0, to + i);
    }
}

bool ps_half_same(const struct ps_half_source *s)
{
    return s->half && !s->read.a && (!s->y || (!s->gradient.s && s->act == PS_NN_LINEAR));
}

/** n places of c channels, from number `at` on. */
static void copy_places(const struct ps_half_source *s, int64_t n, int64_t c, int64_t at, uint16_t *to)
{
    const bool relu = s->read.act == PS_NN_RELU;
    if (s->y && s->gradient.s && s->half)
        gradient_places(s, true, false, n, c, at, to);
    else if (s->y && s->gradient.s)
        gradient_places(s, false, false, n, c, at, to);
    else if (s->y && s->act != PS_NN_LINEAR)
        gradient_act(s, n * c, at, to);
    else if (!s->read.a)
        copy_plain(n * c, s->x, s->half, at, to);
    else if (s->half && relu)
        read_places(s, true, true, n, c, at, to);
    else
        read_places(s, s->half, relu, n, c, at, to);
}

void ps_half_copy(const struct ps_half_border *b, int64_t n, const struct ps_half_source *s, uint16_t *to)
{
    const int64_t c = b->channels, line = (b->left + b->width + b->right) * c, image = ps_half_image(b);
    to[n * image] = 0;
    if (ps_half_borderless(b)) {
        copy_places(s, n * b->height * b->width, c, 0, to);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        memset(to, 0, (size_t)(b->above * line) * sizeof *to);
        to += b->above * line;
        for (int64_t y = 0; y < b->height; y++, to += line) {
            memset(to, 0, (size_t)(b->left * c) * sizeof *to);
            copy_places(s, b->width, c, (i * b->height + y) * b->width * c, to + b->left * c);
            memset(to + (b->left + b->width) * c, 0, (size_t)(b->right * c) * sizeof *to);
        }
        memset(to, 0, (size_t)(b->below * line) * sizeof *to);
        to += b->below * line;
    }
}
