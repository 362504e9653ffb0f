/* Pictures for devices: the pixels that are needed, and the weights that ps_resize would find. */
#include <string.h>
#include "common/io/resize.h"
#include "common/io/taps.h"
#include "kernels/device_picture.h"

/* Room for an array behind what is there. @return its place */
static int64_t take(struct ps_device_picture *d, int64_t bytes)
{
    enum { LINE = PS_DEVICE_PICTURE_LINE };
    const int64_t at = d->bytes;
    d->bytes = (at + bytes + LINE - 1) / LINE * LINE;
    return at;
}

static struct ps_device_picture made(int height, int width, int bands)
{
    struct ps_device_picture d = {.kind = PS_DEVICE_PICTURE_MADE};
    take(&d, (int64_t)sizeof d);
    d.pixels = take(&d, (int64_t)height * width * bands * (int64_t)sizeof(float));
    return d;
}

int64_t ps_device_picture_most(int height, int width, int bands)
{
    return made(height, width, bands).bytes;
}

float *ps_made_for_device(int height, int width, int bands, struct ps_device_picture *out)
{
    *out = made(height, width, bands);
    return (float *)((char *)out + out->pixels);
}

/* Room for pixels and tone. */
static struct ps_device_picture plan(const struct ps_picture *p, int rows, int cols, bool flip_x, bool flip_y)
{
    enum { GROUP = PS_DEVICE_PICTURE_GROUP };
    struct ps_device_picture d = {
        .type = (int32_t)p->type, .flip_x = flip_x, .flip_y = flip_y, .rows = rows, .cols = cols};
    take(&d, (int64_t)sizeof d);
    d.scale = take(&d, p->bands * (int64_t)sizeof(float));
    d.shift = take(&d, p->bands * (int64_t)sizeof(float));
    d.pitch = ((int64_t)cols * p->bands + GROUP - 1) / GROUP * GROUP;
    d.pixels = take(&d, rows * d.pitch * (int64_t)ps_dtype_size(p->type));
    return d;
}

/* Pixels from (top, left) on, and tone. */
static void fill(const struct ps_picture *p, int top, int left, struct ps_tone tone,
                 const struct ps_device_picture *d, struct ps_device_picture *out)
{
    const size_t size = ps_dtype_size(p->type), n = (size_t)d->cols * (size_t)p->bands * size;
    const char *from = (const char *)p->data;
    char *base = (char *)out;
    *out = *d;
    memcpy(base + d->scale, tone.scale, (size_t)p->bands * sizeof *tone.scale);
    memcpy(base + d->shift, tone.shift, (size_t)p->bands * sizeof *tone.shift);
    for (int64_t i = 0; i < d->rows; i++)
        memcpy(base + d->pixels + i * d->pitch * (int64_t)size,
               from + (size_t)(((top + i) * p->width + left) * p->bands) * size, n);
}

bool ps_resize_for_device(const struct ps_picture *p, struct ps_box box, int height, int width, bool flip_x,
                          bool flip_y, struct ps_tone tone, struct ps_device_picture *out)
{
    const struct ps_taps x = ps_taps_of(box.left, box.width, box.open, p->width, width);
    const struct ps_taps y = ps_taps_of(box.top, box.height, box.open, p->height, height);
    struct ps_device_picture d = plan(p, y.hi - y.lo, x.hi - x.lo, flip_x, flip_y);
    char *base = (char *)out;
    d.kind = PS_DEVICE_PICTURE_RESIZED;
    d.taps_x = x.taps, d.taps_y = y.taps;
    d.first_x = take(&d, width * (int64_t)sizeof(int32_t));
    d.first_y = take(&d, height * (int64_t)sizeof(int32_t));
    d.weight_x = take(&d, (int64_t)width * x.taps * (int64_t)sizeof(float));
    d.weight_y = take(&d, (int64_t)height * y.taps * (int64_t)sizeof(float));
    if (d.bytes > ps_device_picture_most(height, width, p->bands)) return false;
    if ((int64_t)x.taps * p->bands > PS_DEVICE_PICTURE_ROW - PS_DEVICE_PICTURE_GROUP) return false;
    fill(p, y.lo, x.lo, tone, &d, out);
    ps_taps_find(&x, (int32_t *)(base + d.first_x), (float *)(base + d.weight_x));
    ps_taps_find(&y, (int32_t *)(base + d.first_y), (float *)(base + d.weight_y));
    return true;
}

/* The part of pixels [from, from + n) that a picture of `pixels` has: *from becomes the first of them, if
 * there are any. @return how many */
static int overlap(int *from, int n, int pixels)
{
    const int lo = *from < 0 ? 0 : *from, hi = *from + n > pixels ? pixels : *from + n;
    *from = lo;
    return hi > lo ? hi - lo : 0;
}

bool ps_cut_for_device(const struct ps_picture *p, int top, int left, int height, int width, bool flip_x,
                       bool flip_y, struct ps_tone tone, struct ps_device_picture *out)
{
    int first_row = top, first_col = left;
    const int rows = overlap(&first_row, height, p->height), cols = overlap(&first_col, width, p->width);
    struct ps_device_picture d = plan(p, rows, cols, flip_x, flip_y);
    d.kind = PS_DEVICE_PICTURE_CUT;
    d.top = first_row - top, d.left = first_col - left;
    if (d.bytes > ps_device_picture_most(height, width, p->bands)) return false;
    fill(p, first_row, first_col, tone, &d, out);
    return true;
}
