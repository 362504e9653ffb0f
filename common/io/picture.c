#include "common/io/picture.h"
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/io/picture_formats.h"

static const struct ps_picture_format *const formats[] = {&ps_picture_jpeg, &ps_picture_png,
                                                          &ps_picture_tiff};
enum { FORMATS = sizeof formats / sizeof *formats };

/* Weights of red, green and blue in grey. Source: ITU-R BT.601, rounded to 16 bits as in JPEG libraries. */
enum { RED = 19595, GREEN = 38470, BLUE = 7471, HALF = 32768, BITS = 16 };

enum ps_status ps_picture_wrong(struct ps_picture *p, enum ps_status code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(p->why, sizeof p->why, fmt, args);
    va_end(args);
    return code;
}

enum ps_status ps_picture_room(struct ps_picture *p)
{
    if (p->height < 1 || p->width < 1 || p->bands < 1)
        return ps_picture_wrong(p, PS_EINPUT, "%d x %d pixels of %d bands are no picture", p->width,
                                p->height, p->bands);
    if (p->bands > PS_PICTURE_BANDS_MAX)
        return ps_picture_wrong(p, PS_EINPUT, "%d bands, of at most %d", p->bands, PS_PICTURE_BANDS_MAX);
    const int64_t row = (int64_t)p->width * p->bands * (int64_t)ps_dtype_size(p->type);
    if (row > INT_MAX / p->height)
        return ps_picture_wrong(p, PS_EINPUT, "%d x %d pixels of %d bands take more than 2 GiB", p->width,
                                p->height, p->bands);
    const int64_t bytes = row * p->height;
    if (bytes <= p->room) return PS_OK;
    free(p->data);
    p->data = malloc((size_t)bytes);
    p->room = p->data ? bytes : 0;
    if (!p->data)
        return ps_picture_wrong(p, PS_ENOMEM, "no memory for %lld bytes of pixels", (long long)bytes);
    return PS_OK;
}

void ps_picture_free(struct ps_picture *p)
{
    free(p->data);
    *p = (struct ps_picture){.data = NULL};
}

bool ps_picture_named(const char *name)
{
    static const char *const ends[] = {".jpg", ".jpeg", ".png", ".tif", ".tiff"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
        if (strcasecmp(dot, ends[i]) == 0) return true;
    return false;
}

static const struct ps_picture_format *format_of(const void *bytes, int64_t n, struct ps_picture *p)
{
    for (int i = 0; i < FORMATS; i++) {
        if (!formats[i]->match(bytes, n)) continue;
        if (formats[i]->decode) return formats[i];
        ps_picture_wrong(p, PS_EBACKEND,
                         "%s pictures need a library that this build does not have (Debian: %s)",
                         formats[i]->name, formats[i]->package);
        return NULL;
    }
    ps_picture_wrong(p, PS_EINPUT, n == 0 ? "is empty" : "is no JPEG, PNG or TIFF picture");
    return NULL;
}

enum ps_status ps_picture_look(const void *bytes, int64_t n, struct ps_picture *out)
{
    out->why[0] = '\0';
    const struct ps_picture_format *f = format_of(bytes, n, out);
    if (!f) return out->why[0] == 'i' ? PS_EINPUT : PS_EBACKEND;
    return f->look(bytes, n, out);
}

/* Grey in place of three bands, where they stand. */
static void to_grey(struct ps_picture *p)
{
    const int64_t n = (int64_t)p->height * p->width;
    if (p->type == PS_U8) {
        uint8_t *x = p->data;
        for (int64_t i = 0; i < n; i++)
            x[i] = (uint8_t)((RED * x[3 * i] + GREEN * x[3 * i + 1] + BLUE * x[3 * i + 2] + HALF) >> BITS);
    } else if (p->type == PS_U16) {
        uint16_t *x = p->data;
        for (int64_t i = 0; i < n; i++)
            x[i] = (uint16_t)(((int64_t)RED * x[3 * i] + (int64_t)GREEN * x[3 * i + 1] +
                               (int64_t)BLUE * x[3 * i + 2] + HALF) >>
                              BITS);
    }
    p->bands = 1;
}

/* Three equal bands in place of one; from the end, as they stand in the same memory. */
static enum ps_status to_colours(struct ps_picture *p)
{
    const int64_t n = (int64_t)p->height * p->width;
    const size_t size = ps_dtype_size(p->type);
    struct ps_picture colours = *p;
    colours.bands = 3;
    colours.data = NULL;
    colours.room = 0;
    const enum ps_status rc = ps_picture_room(&colours);
    if (rc != PS_OK) return ps_picture_wrong(p, rc, "%s", colours.why);
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < 3; k++)
            memcpy((char *)colours.data + (size_t)(3 * i + k) * size, (char *)p->data + (size_t)i * size,
                   size);
    free(p->data);
    *p = colours;
    return PS_OK;
}

enum ps_status ps_picture_decode(const void *bytes, int64_t n, int bands, int shrink, struct ps_picture *out)
{
    out->why[0] = '\0';
    const struct ps_picture_format *f = format_of(bytes, n, out);
    if (!f) return out->why[0] == 'i' ? PS_EINPUT : PS_EBACKEND;
    const enum ps_status rc = f->decode(bytes, n, bands, shrink, out);
    if (rc != PS_OK || bands == 0 || out->bands == bands) return rc;
    if (bands == 1 && out->bands == 3 && (out->type == PS_U8 || out->type == PS_U16)) {
        to_grey(out);
        return PS_OK;
    }
    if (bands == 3 && out->bands == 1) return to_colours(out);
    return ps_picture_wrong(out, PS_EINPUT, "has %d bands where %d are wanted", out->bands, bands);
}
