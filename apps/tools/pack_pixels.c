/* From files to the pixels that are packed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/tools/pack.h"
#include "common/io/imagestack.h"

enum ps_status pack_wrong(struct pack_room *r, enum ps_status rc, const char *why)
{
    snprintf(r->why, sizeof r->why, "%s", why);
    return rc;
}

enum ps_status pack_read(struct ps_images *list, int64_t i, struct pack_room *r)
{
    if (r->has < list->bytes[i] || !r->file) {
        free(r->file);
        r->file = malloc((size_t)list->bytes[i] + 1);
        r->has = r->file ? list->bytes[i] : 0;
    }
    if (!r->file) return pack_wrong(r, PS_ENOMEM, "no memory");
    const char *why = ps_images_read(list, i, r->file);
    return why ? pack_wrong(r, PS_EIO, why) : PS_OK;
}

/* The centre at the wanted size: shorter side to `resize`, or just as large as the size is. */
static enum ps_status shape(const struct pack *k, struct pack_room *r)
{
    const struct ps_images_head *h = &k->head;
    const struct ps_picture *p = &r->picture;
    const struct ps_tone tone = {k->scale, k->shift};
    const double least = fmax((double)h->height / p->height, (double)h->width / p->width);
    const double by =
        k->p->resize > 0 ? fmax(least, (double)k->p->resize / fmin(p->height, p->width)) : least;
    struct ps_box box = {.height = h->height / by, .width = h->width / by, .open = true};
    box.top = rint((p->height * by - h->height) / 2) / by;
    box.left = rint((p->width * by - h->width) / 2) / by;
    if (ps_resize(p, box, h->height, h->width, false, false, tone, &r->resize, r->pixels) != PS_OK)
        return pack_wrong(r, PS_ENOMEM, "no memory");
    return PS_OK;
}

/* Floats to the packed type, to nearest, `step` elements from one to the next. */
static void put(enum ps_dtype type, const float *x, int64_t n, int64_t step, void *to)
{
    if (type == PS_U8)
        for (int64_t i = 0; i < n; i++)
            ((uint8_t *)to)[i * step] = (uint8_t)(fminf(fmaxf(x[i], 0), 255) + 0.5F);
    else if (type == PS_U16)
        for (int64_t i = 0; i < n; i++)
            ((uint16_t *)to)[i * step] = (uint16_t)(fminf(fmaxf(x[i], 0), 65535) + 0.5F);
    else if (type == PS_I16)
        for (int64_t i = 0; i < n; i++)
            ((int16_t *)to)[i * step] = (int16_t)rintf(fminf(fmaxf(x[i], -32768), 32767));
    else
        for (int64_t i = 0; i < n; i++) ((float *)to)[i * step] = x[i];
}

static bool fits(const struct pack *k, const struct ps_picture *p)
{
    return p->height == k->head.height && p->width == k->head.width;
}

enum ps_status pack_put(const struct pack *k, struct pack_room *r, uint8_t *to)
{
    const struct ps_images_head *h = &k->head;
    const int64_t n = (int64_t)h->height * h->width * h->bands;
    if (fits(k, &r->picture)) {
        memcpy(to, r->picture.data, (size_t)n * ps_dtype_size(h->type));
        return PS_OK;
    }
    const enum ps_status rc = shape(k, r);
    if (rc == PS_OK) put(h->type, r->pixels, n, 1, to);
    return rc;
}

/* The picture in the room as band b of an image. */
static enum ps_status put_band(const struct pack *k, struct pack_room *r, int b, uint8_t *to)
{
    const struct ps_images_head *h = &k->head;
    const size_t size = ps_dtype_size(h->type);
    const int64_t n = (int64_t)h->height * h->width;
    uint8_t *first = to + (size_t)b * size;
    if (fits(k, &r->picture)) {
        for (int64_t i = 0; i < n; i++)
            memcpy(first + (size_t)(i * h->bands) * size, (char *)r->picture.data + (size_t)i * size, size);
        return PS_OK;
    }
    const enum ps_status rc = shape(k, r);
    if (rc == PS_OK) put(h->type, r->pixels, n, h->bands, first);
    return rc;
}

enum ps_status pack_stack(struct pack *k, int64_t i, struct pack_room *r, uint8_t *to)
{
    const struct ps_picture *p = &r->picture;
    char name[64], why[PS_PICTURE_WHY];
    enum ps_status rc = PS_OK;
    for (int b = 0; b < k->bands && rc == PS_OK; b++) {
        const int64_t file = k->list.at[i] + b;
        if (!ps_images_name(&k->files, file)[0]) {
            rc = pack_wrong(r, PS_EINPUT, "there is no file of it");
        } else {
            rc = pack_read(&k->files, file, r);
            if (rc == PS_OK) rc = ps_picture_decode(r->file, k->files.bytes[file], 0, 1, &r->picture);
            if (rc != PS_OK && rc != PS_EIO) pack_wrong(r, rc, p->why);
        }
        if (rc == PS_OK && (p->bands != 1 || p->type != k->head.type)) {
            snprintf(r->why, sizeof r->why, "has %d bands of %s where one of %s is wanted", p->bands,
                     ps_dtype_name(p->type), ps_dtype_name(k->head.type));
            rc = PS_EINPUT;
        }
        if (rc == PS_OK) rc = put_band(k, r, b, to);
        if (rc != PS_OK) {
            ps_stack_band(k->p->bands, b, name, sizeof name);
            snprintf(why, sizeof why, "band %s: %.180s", name, r->why);
            pack_wrong(r, rc, why);
        }
    }
    return rc;
}
