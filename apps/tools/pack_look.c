/* What images are like, from some of them. */
#include <stdio.h>
#include <stdlib.h>
#include "apps/tools/pack.h"
#include "common/run/err.h"

enum { LOOKS = 100 };

/* "64x48". */
static enum ps_status parse_size(const char *text, struct ps_images_head *h)
{
    char behind;
    const int n = sscanf(text, "%dx%d%c", &h->height, &h->width, &behind);
    PS_CHECK(n == 2 && h->height >= 1 && h->width >= 1 && h->height <= 65536 && h->width <= 65536, PS_EUSAGE,
             "size: '%s' is no height x width such as 64x64", text);
    return PS_OK;
}

/* The head of one file. @return can it be read? PS_ENOMEM */
static enum ps_status look_at(struct ps_images *l, int64_t i, struct pack_room *r)
{
    enum ps_status rc = PS_EINPUT;
    if (ps_images_name(l, i)[0]) rc = pack_read(l, i, r);
    return rc == PS_OK ? ps_picture_look(r->file, l->bytes[i], &r->picture) : rc;
}

/* Of images that are one file each: the size of the first, and the most bands, as a grey one may be the first
 * of many in colours. */
static enum ps_status look_whole(struct pack *k, struct pack_room *r)
{
    struct ps_images_head *h = &k->head;
    const struct ps_picture *p = &r->picture;
    for (int64_t j = 0; j < LOOKS; j++) {
        const enum ps_status rc = look_at(&k->list, j * h->n / LOOKS, r);
        if (rc == PS_ENOMEM) return rc;
        if (rc != PS_OK) continue;
        if (h->bands == 0) h->height = p->height, h->width = p->width;
        if (p->bands > h->bands) h->bands = p->bands, h->type = p->type;
    }
    return PS_OK;
}

/* Of bands in files of their own: the size of the finest of the first image that has a band. */
static enum ps_status look_stack(struct pack *k, struct pack_room *r)
{
    struct ps_images_head *h = &k->head;
    const struct ps_picture *p = &r->picture;
    h->height = h->width = 0;
    for (int64_t j = 0; j < LOOKS && h->bands == 0; j++)
        for (int b = 0; b < k->bands; b++) {
            const enum ps_status rc = look_at(&k->files, k->list.at[j * h->n / LOOKS] + b, r);
            if (rc == PS_ENOMEM) return rc;
            if (rc != PS_OK) continue;
            h->bands = k->bands, h->type = p->type;
            if ((int64_t)p->height * p->width > (int64_t)h->height * h->width)
                h->height = p->height, h->width = p->width;
        }
    return PS_OK;
}

enum ps_status pack_look(struct pack *k)
{
    struct pack_room r = {.has = 0};
    k->head.bands = 0;
    enum ps_status rc = k->bands > 0 ? look_stack(k, &r) : look_whole(k, &r);
    if (rc == PS_ENOMEM) rc = ps_fail(rc, "no memory for an image");
    if (rc == PS_OK && k->head.bands == 0)
        rc = ps_fail(PS_EINPUT, "%s: none of the images can be read, one because it %s", k->p->source,
                     r.picture.why[0] ? r.picture.why : "cannot be opened");
    ps_picture_free(&r.picture);
    free(r.file);
    if (rc != PS_OK) return rc;
    return k->p->size[0] && k->head.pixels ? parse_size(k->p->size, &k->head) : PS_OK;
}
