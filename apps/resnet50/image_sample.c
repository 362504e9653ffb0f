#include "apps/resnet50/image_sample.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct image_room *take_room(struct image_rooms *rooms)
{
    pthread_mutex_lock(&rooms->lock);
    struct image_room *r = rooms->first;
    if (r) rooms->first = r->next;
    pthread_mutex_unlock(&rooms->lock);
    return r ? r : calloc(1, sizeof *r);
}

static void give_room(struct image_rooms *rooms, struct image_room *r)
{
    pthread_mutex_lock(&rooms->lock);
    r->next = rooms->first;
    rooms->first = r;
    pthread_mutex_unlock(&rooms->lock);
}

void image_rooms_free(struct image_rooms *rooms)
{
    while (rooms->first) {
        struct image_room *r = rooms->first;
        rooms->first = r->next;
        ps_picture_free(&r->picture);
        ps_resize_free(&r->resize);
        free(r->bytes);
        free(r);
    }
}

/* How much smaller a picture may be decoded, so that the box is not smaller than the input. */
static int shrink_of(const struct image_plan *plan, const struct image_window *w)
{
    int shrink = 8;
    while (shrink > 1 &&
           (w->box.height < (double)shrink * plan->height || w->box.width < (double)shrink * plan->width))
        shrink /= 2;
    return w->whole ? 1 : shrink;
}

/* Decode, at the size that the window leaves open; then the window is one of that size. */
static enum ps_status decode(const struct image_maker *m, const uint8_t *bytes, int64_t n, int64_t image,
                             const struct ps_draw *draw, struct image_window *w, struct ps_picture *p)
{
    enum ps_status rc = ps_picture_look(bytes, n, p);
    if (rc != PS_OK) return rc;
    const int height = p->height, width = p->width, colours = m->bands == 1 || m->bands == 3 ? m->bands : 0;
    *w = image_window_of(&m->plan, draw, image, height, width);
    rc = ps_picture_decode(bytes, n, colours, shrink_of(&m->plan, w), p);
    if (rc != PS_OK) return rc;
    if (p->bands != m->bands) {
        snprintf(p->why, sizeof p->why, "has %d bands where the others have %d", p->bands, m->bands);
        return PS_EINPUT;
    }
    const double y = (double)p->height / height, x = (double)p->width / width;
    w->box.top *= y, w->box.height *= y;
    w->box.left *= x, w->box.width *= x;
    return PS_OK;
}

static enum ps_status put(struct image_maker *m, const struct ps_picture *p, const struct image_window *w,
                          struct ps_resize_room *room, float *x)
{
    const struct ps_tone tone = {m->scale, m->shift};
    const struct image_plan *plan = &m->plan;
    if (!w->whole)
        return ps_resize(p, w->box, plan->height, plan->width, w->flip_x, w->flip_y, tone, room, x);
    ps_cut(p, (int)rint(w->box.top), (int)rint(w->box.left), plan->height, plan->width, w->flip_x, w->flip_y,
           tone, x);
    return PS_OK;
}

/* As a picture for a device, or as floats in one where it is larger than they are. */
static enum ps_status put_picture(struct image_maker *m, const struct ps_picture *p,
                                  const struct image_window *w, struct ps_resize_room *room,
                                  struct ps_device_picture *out)
{
    const struct ps_tone tone = {m->scale, m->shift};
    const int height = m->plan.height, width = m->plan.width;
    const bool fits = w->whole
                          ? ps_cut_for_device(p, (int)rint(w->box.top), (int)rint(w->box.left), height, width,
                                              w->flip_x, w->flip_y, tone, out)
                          : ps_resize_for_device(p, w->box, height, width, w->flip_x, w->flip_y, tone, out);
    return fits ? PS_OK : put(m, p, w, room, ps_made_for_device(height, width, m->bands, out));
}

static enum ps_status give(struct image_maker *m, const struct ps_picture *p, const struct image_window *w,
                           const struct ps_draw *draw, struct ps_resize_room *room, float *x)
{
    return draw->picture ? put_picture(m, p, w, room, (struct ps_device_picture *)x) : put(m, p, w, room, x);
}

static enum ps_status make(struct image_maker *m, struct image_held *held, int64_t i,
                           const struct ps_draw *draw, struct image_room *room, float *x, char *why)
{
    const struct ps_images_head *h = &held->list.head;
    const int64_t n = held->list.bytes[i];
    const char *wrong = "no memory";
    if (i >= held->held && room->has < n) {
        free(room->bytes);
        room->bytes = malloc((size_t)n);
        room->has = room->bytes ? n : 0;
    }
    const uint8_t *bytes =
        i < held->held || room->bytes || n == 0 ? image_held_bytes(held, i, room->bytes, &wrong) : NULL;
    if (!bytes) {
        snprintf(why, PS_PICTURE_WHY, "%s", wrong);
        return PS_EIO;
    }
    struct image_window w;
    enum ps_status rc;
    if (h->pixels) {
        const struct ps_picture p = {.height = h->height,
                                     .width = h->width,
                                     .bands = h->bands,
                                     .type = h->type,
                                     .data = (void *)(uintptr_t)bytes};
        w = image_window_of(&m->plan, draw, i, h->height, h->width);
        rc = give(m, &p, &w, draw, &room->resize, x);
    } else {
        rc = decode(m, bytes, n, i, draw, &w, &room->picture);
        if (rc == PS_OK) rc = give(m, &room->picture, &w, draw, &room->resize, x);
    }
    if (rc != PS_OK)
        snprintf(why, PS_PICTURE_WHY, "%s", room->picture.why[0] ? room->picture.why : "no memory");
    return rc;
}

enum ps_status image_sample(struct image_maker *maker, struct image_held *held, int64_t i,
                            const struct ps_draw *draw, float *x, char *why)
{
    struct image_room *room = take_room(&maker->rooms);
    if (!room) {
        snprintf(why, PS_PICTURE_WHY, "no memory");
        return PS_ENOMEM;
    }
    const enum ps_status rc = make(maker, held, i, draw, room, x, why);
    give_room(&maker->rooms, room);
    return rc;
}
