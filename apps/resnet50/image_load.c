/* Samples from held images, and from noise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/resnet50/image_store.h"
#include "common/run/err.h"
#include "kernels/rng.h"

enum { NOISES = 8 }; /* different images of noise */

static const uint32_t NOISE = 0x6e6f6973;

static void put_target(const struct image_part *p, int64_t image, void *target)
{
    const struct ps_images *l = &p->held->list;
    const struct image_store *s = p->store;
    if (!s->several) {
        const int32_t label = l->label[image];
        const int32_t class = p->class ? p->class[label] : label;
        memcpy(target, &class, sizeof class);
        return;
    }
    float *to = target;
    memset(to, 0, (size_t)s->classes * sizeof *to);
    for (int64_t k = 0; k < l->head.classes; k++)
        if (l->labels[image * l->head.classes + k]) to[p->class ? p->class[k] : k] = 1;
}

enum ps_status image_load(const struct ps_source *source, int64_t i, const struct ps_draw *draw, float *x,
                          void *target)
{
    const struct image_part *p = source->data;
    char why[PS_PICTURE_WHY] = "";
    for (int64_t tried = 0; tried < p->n; tried++) {
        const int64_t image = p->image[(i + tried) % p->n];
        const enum ps_status rc = image_sample(&p->store->maker, p->held, image, draw, x, why);
        if (rc == PS_OK) {
            put_target(p, image, target);
            return PS_OK;
        }
        if (rc != PS_EINPUT || !p->store->skip)
            return ps_fail(rc, "%s: %s: %s", source->name, ps_images_name(&p->held->list, image), why);
        image_broken_note(p, image);
    }
    return ps_fail(PS_EINPUT, "%s: no image can be decoded", source->name);
}

enum ps_status image_make_noise(const struct image_choice *c, struct image_store *s)
{
    enum { NAME = 24 };
    const int64_t n = (int64_t)s->maker.plan.height * s->maker.plan.width * s->maker.bands;
    s->classes = c->classes;
    PS_TRY(ps_alloc(&s->noise, NOISES * n, sizeof *s->noise, "images of noise"));
    PS_TRY(ps_alloc(&s->noise_names, s->classes, NAME, "names of classes"));
    PS_TRY(ps_alloc(&s->class_name, s->classes, sizeof *s->class_name, "names of classes"));
    const struct ps_rng r = {.seed = 0, .stream = NOISE};
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < NOISES * n; i++) s->noise[i] = (float)(2 * ps_rng_uniform(r, i, 0) - 1);
    for (int64_t k = 0; k < s->classes; k++) {
        snprintf(s->noise_names + k * NAME, NAME, "%lld", (long long)k);
        s->class_name[k] = s->noise_names + k * NAME;
    }
    s->train = (struct image_part){.store = s, .n = c->synthetic};
    return PS_OK;
}

enum ps_status image_load_noise(const struct ps_source *source, int64_t i, const struct ps_draw *draw,
                                float *x, void *target)
{
    const struct image_part *p = source->data;
    const struct image_store *s = p->store;
    const int64_t n = (int64_t)s->maker.plan.height * s->maker.plan.width * s->maker.bands;
    const int32_t class = (int32_t)(i % s->classes);
    (void)draw;
    memcpy(x, s->noise + i % NOISES * n, (size_t)n * sizeof *x);
    memcpy(target, &class, sizeof class);
    return PS_OK;
}
