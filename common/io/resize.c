#include "common/io/resize.h"
#include <stdlib.h>
#include <string.h>
#include "common/io/taps.h"

/** What was found of one side. */
struct side {
    int taps;
    const int32_t *first; /* [out] */
    const float *weight;  /* [out][taps] */
};

static bool grow(void *array, int64_t *has, int64_t wanted, size_t size)
{
    void **a = array;
    if (wanted <= *has) return true;
    free(*a);
    *a = malloc((size_t)wanted * size);
    *has = *a ? wanted : 0;
    return *a != NULL;
}

/* n elements of a row as float, weighted, added to or in place of what is there. */
#define ADD_ROW(type)                                                 \
    do {                                                              \
        const type *x = (const type *)p->data + at;                   \
        if (first)                                                    \
            for (int64_t i = 0; i < n; i++) to[i] = w * (float)x[i];  \
        else                                                          \
            for (int64_t i = 0; i < n; i++) to[i] += w * (float)x[i]; \
    } while (0)

static void add_row(const struct ps_picture *p, int64_t at, int64_t n, float w, bool first,
                    float *restrict to)
{
    switch (p->type) {
    case PS_U8:
        ADD_ROW(uint8_t);
        break;
    case PS_U16:
        ADD_ROW(uint16_t);
        break;
    case PS_I16:
        ADD_ROW(int16_t);
        break;
    default:
        ADD_ROW(float);
        break;
    }
}

/** A pixel of three bands, and one number that nobody needs. */
typedef float four __attribute__((vector_size(16)));

static four load4(const float *x)
{
    four v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* Three bands: a pixel is one short vector, whose last number the next pixel takes the place of. */
static void across_colours(const struct side *t, const float *row, int width, bool flip, struct ps_tone tone,
                           float *out)
{
    const four scale = {tone.scale[0], tone.scale[1], tone.scale[2], 0};
    const four shift = {tone.shift[0], tone.shift[1], tone.shift[2], 0};
    for (int i = 0; i < width; i++) {
        const int j = flip ? width - 1 - i : i;
        const float *x = row + (int64_t)t->first[j] * 3, *w = t->weight + (int64_t)j * t->taps;
        four sum = {0};
        for (int k = 0; k < t->taps; k++) sum += w[k] * load4(x + 3 * k);
        sum = sum * scale + shift;
        memcpy(out + 3 * i, &sum, i + 1 < width ? sizeof sum : 3 * sizeof *out);
    }
}

/* A row of the output from the row of the box. */
static void across(const struct side *t, const float *row, int width, int bands, bool flip,
                   struct ps_tone tone, float *out)
{
    if (bands == 3) {
        across_colours(t, row, width, flip, tone, out);
        return;
    }
    for (int j = 0; j < width; j++) {
        const float *x = row + (int64_t)t->first[j] * bands, *w = t->weight + (int64_t)j * t->taps;
        float *to = out + (int64_t)(flip ? width - 1 - j : j) * bands;
        for (int b = 0; b < bands; b++) {
            float sum = 0;
            for (int k = 0; k < t->taps; k++) sum += w[k] * x[(int64_t)k * bands + b];
            to[b] = sum * tone.scale[b] + tone.shift[b];
        }
    }
}

enum ps_status ps_resize(const struct ps_picture *p, struct ps_box box, int height, int width, bool flip_x,
                         bool flip_y, struct ps_tone tone, struct ps_resize_room *room, float *out)
{
    const struct ps_taps x = ps_taps_of(box.left, box.width, box.open, p->width, width);
    const struct ps_taps y = ps_taps_of(box.top, box.height, box.open, p->height, height);
    const int64_t n = (int64_t)(x.hi - x.lo) * p->bands, stride = (int64_t)p->width * p->bands;
    const int64_t weights = (int64_t)x.taps * width + (int64_t)y.taps * height;
    if (!grow(&room->row, &room->has_row, n + 1, sizeof *room->row) ||
        !grow(&room->first, &room->has_first, (int64_t)width + height, sizeof *room->first) ||
        !grow(&room->weight, &room->has_weight, weights, sizeof *room->weight))
        return PS_ENOMEM;
    const struct side columns = {x.taps, room->first, room->weight};
    const struct side rows = {y.taps, room->first + width, room->weight + (int64_t)x.taps * width};
    ps_taps_find(&x, room->first, room->weight);
    ps_taps_find(&y, room->first + width, room->weight + (int64_t)x.taps * width);
    for (int i = 0; i < height; i++) {
        const float *w = rows.weight + (int64_t)i * y.taps;
        bool first = true;
        for (int k = 0; k < y.taps; k++) {
            if (w[k] > 0)
                add_row(p, (y.lo + rows.first[i] + k) * stride + (int64_t)x.lo * p->bands, n, w[k], first,
                        room->row);
            if (w[k] > 0) first = false;
        }
        across(&columns, room->row, width, p->bands, flip_x, tone,
               out + (int64_t)(flip_y ? height - 1 - i : i) * width * p->bands);
    }
    return PS_OK;
}

/* n pixels of a row, by type and number of bands. */
#define TONE_ROW(type)                                                                                     \
    do {                                                                                                   \
        const type *x = (const type *)p->data + at;                                                        \
        if (flip)                                                                                          \
            for (int64_t j = 0; j < n; j++)                                                                \
                for (int k = 0; k < bands; k++)                                                            \
                    to[(n - 1 - j) * bands + k] = (float)x[j * bands + k] * tone.scale[k] + tone.shift[k]; \
        else                                                                                               \
            for (int64_t j = 0; j < n; j++)                                                                \
                for (int k = 0; k < bands; k++)                                                            \
                    to[j * bands + k] = (float)x[j * bands + k] * tone.scale[k] + tone.shift[k];           \
    } while (0)

/* Three bands of bytes, the usual case, 16 pixels at once: scale and shift repeat after three vectors. */
static void tone_bytes(const uint8_t *x, int64_t n, struct ps_tone tone, float *restrict to)
{
    enum { AT_ONCE = 48 };
    float scale[AT_ONCE], shift[AT_ONCE];
    int64_t i = 0;
    for (int k = 0; k < AT_ONCE; k++) scale[k] = tone.scale[k % 3], shift[k] = tone.shift[k % 3];
    for (; i + AT_ONCE <= 3 * n; i += AT_ONCE)
        for (int k = 0; k < AT_ONCE; k++) to[i + k] = (float)x[i + k] * scale[k] + shift[k];
    for (; i < 3 * n; i++) to[i] = (float)x[i] * tone.scale[i % 3] + tone.shift[i % 3];
}

static void tone_row(const struct ps_picture *p, int64_t at, int64_t n, bool flip, struct ps_tone tone,
                     float *restrict to)
{
    const int bands = p->bands;
    switch (p->type) {
    case PS_U8:
        if (bands == 3 && !flip) {
            tone_bytes((const uint8_t *)p->data + at, n, tone, to);
        } else if (bands == 3) {
            const uint8_t *x = (const uint8_t *)p->data + at;
            for (int64_t j = 0; j < n; j++)
                for (int k = 0; k < 3; k++)
                    to[(n - 1 - j) * 3 + k] = (float)x[j * 3 + k] * tone.scale[k] + tone.shift[k];
        } else {
            TONE_ROW(uint8_t);
        }
        break;
    case PS_U16:
        TONE_ROW(uint16_t);
        break;
    case PS_I16:
        TONE_ROW(int16_t);
        break;
    default:
        TONE_ROW(float);
        break;
    }
}

void ps_cut(const struct ps_picture *p, int top, int left, int height, int width, bool flip_x, bool flip_y,
            struct ps_tone tone, float *out)
{
    const int lo = left < 0 ? 0 : left, hi = left + width > p->width ? p->width : left + width;
    const int before = flip_x ? left + width - hi : lo - left;
    for (int i = 0; i < height; i++) {
        const int y = top + i;
        float *to = out + (int64_t)(flip_y ? height - 1 - i : i) * width * p->bands;
        if (hi - lo < width || y < 0 || y >= p->height)
            for (int j = 0; j < width; j++)
                for (int k = 0; k < p->bands; k++) to[j * p->bands + k] = tone.shift[k];
        if (y < 0 || y >= p->height || hi <= lo) continue;
        tone_row(p, ((int64_t)y * p->width + lo) * p->bands, hi - lo, flip_x, tone,
                 to + (int64_t)before * p->bands);
    }
}

void ps_resize_free(struct ps_resize_room *room)
{
    free(room->row);
    free(room->first);
    free(room->weight);
    *room = (struct ps_resize_room){.row = NULL};
}
