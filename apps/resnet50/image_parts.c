/* Which images serve training, validation and test. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "apps/resnet50/image_store.h"
#include "common/nn/order.h"
#include "common/run/err.h"

/* Orders by which images are chosen; those of training epochs count from 0. */
enum { SPLIT = -1, FEWER = -2 };

/* All images of a part of a list that could be packed. */
static enum ps_status all_of(struct image_store *s, int which, enum ps_images_part part,
                             struct image_part *out)
{
    struct image_held *h = &s->held[which];
    const struct ps_range r = h->list.head.part[part];
    *out = (struct image_part){.store = s, .held = h, .class = s->class_map[which]};
    PS_TRY(ps_alloc(&out->image, r.hi - r.lo, sizeof *out->image, "the numbers of images"));
    for (int64_t i = r.lo; i < r.hi; i++)
        if (h->list.label[i] >= 0) out->image[out->n++] = i;
    return PS_OK;
}

/* `limit` of them, drawn, in the order of the list; the others to `rest`, where that is wanted. */
static enum ps_status draw(struct image_part *p, uint64_t seed, int64_t epoch, int64_t limit,
                           struct image_part *rest)
{
    uint8_t *drawn;
    int64_t kept = 0;
    if (rest) {
        *rest = *p;
        rest->n = 0;
        PS_TRY(ps_alloc(&rest->image, p->n, sizeof *rest->image, "the numbers of images"));
    }
    PS_TRY(ps_zalloc(&drawn, p->n, 1, "images that are drawn"));
    for (int64_t i = 0; i < limit; i++) drawn[ps_order(p->n, seed, epoch, i)] = 1;
    for (int64_t i = 0; i < p->n; i++) {
        if (drawn[i])
            p->image[kept++] = p->image[i];
        else if (rest)
            rest->image[rest->n++] = p->image[i];
    }
    p->n = kept;
    free(drawn);
    return PS_OK;
}

/* Numbers of a list's classes in the training list, by name. */
static enum ps_status map_classes(const struct image_choice *c, struct image_store *s, int which)
{
    const struct ps_images *train = &s->held[0].list, *l = &s->held[which].list;
    const char *path = which == 1 ? c->valid : c->test;
    PS_CHECK(l->head.several == s->several, PS_EINPUT, "%s: images have %s labels, those of %s have %s", path,
             l->head.several ? "several" : "single", c->data, s->several ? "several" : "single ones");
    PS_TRY(ps_alloc(&s->class_map[which], l->head.classes, sizeof(int32_t), "numbers of classes"));
    for (int64_t k = 0; k < l->head.classes; k++) {
        int64_t found = 0;
        while (found < s->classes && strcmp(ps_images_class(train, found), ps_images_class(l, k)) != 0)
            found++;
        PS_CHECK(found < s->classes, PS_EINPUT, "%s: class '%s' is none of the training images of %s", path,
                 ps_images_class(l, k), c->data);
        s->class_map[which][k] = (int32_t)found;
    }
    return PS_OK;
}

static enum ps_status labels_of(const struct image_part *p, bool several, int32_t **out)
{
    if (several) return PS_OK;
    PS_TRY(ps_alloc(out, p->n, sizeof **out, "labels"));
    for (int64_t i = 0; i < p->n; i++) {
        const int32_t label = p->held->list.label[p->image[i]];
        (*out)[i] = p->class ? p->class[label] : label;
    }
    return PS_OK;
}

enum ps_status image_parts(struct ps_run *run, const struct image_choice *c, struct image_store *s)
{
    const uint64_t seed = (uint64_t)run->common->seed;
    const struct ps_images *l = &s->held[0].list;
    s->classes = l->head.classes;
    s->several = l->head.several;
    PS_TRY(ps_alloc(&s->class_name, s->classes, sizeof *s->class_name, "names of classes"));
    for (int64_t k = 0; k < s->classes; k++) s->class_name[k] = ps_images_class(l, k);
    for (int k = 1; k < IMAGE_SOURCES; k++)
        if (s->opened[k]) PS_TRY(map_classes(c, s, k));
    PS_TRY(all_of(s, 0, PS_IMAGES_TRAIN, &s->train));
    PS_TRY(s->opened[1] ? all_of(s, 1, PS_IMAGES_TRAIN, &s->valid)
                        : all_of(s, 0, PS_IMAGES_VALID, &s->valid));
    PS_TRY(s->opened[2] ? all_of(s, 2, PS_IMAGES_TRAIN, &s->test) : all_of(s, 0, PS_IMAGES_TEST, &s->test));
    PS_CHECK(s->train.n > 0, PS_EINPUT, "%s: holds no training images", c->data);
    const int64_t held = s->valid.n > 0 ? 0 : (int64_t)ceil(c->validation * (double)s->train.n);
    PS_CHECK(held < s->train.n, PS_EUSAGE, "%s: validation = %g leaves none of %lld images for training",
             c->data, c->validation, (long long)s->train.n);
    if (held > 0) {
        free(s->valid.image);
        PS_TRY(draw(&s->train, seed, SPLIT, s->train.n - held, &s->valid));
    }
    if (c->train_limit > 0 && c->train_limit < s->train.n)
        PS_TRY(draw(&s->train, seed, FEWER, c->train_limit, NULL));
    if (c->test_limit > 0 && c->test_limit < s->test.n)
        PS_TRY(draw(&s->test, seed, FEWER, c->test_limit, NULL));
    PS_TRY(labels_of(&s->valid, s->several, &s->valid_label));
    return labels_of(&s->test, s->several, &s->test_label);
}
