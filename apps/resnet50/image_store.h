/** What is behind struct image_data. Shared by the image_*.c files. */
#ifndef IMAGE_STORE_H
#define IMAGE_STORE_H

#include "apps/resnet50/image_data.h"
#include "apps/resnet50/image_sample.h"
#include "common/nn/ahead.h"

/** Images of a list that serve one purpose. */
struct image_part {
    struct image_store *store;
    struct image_held *held;
    int64_t n;
    int64_t *image; /**< [n] their numbers; owned */
    const int32_t
        *class; /**< [classes of the list] their numbers in the training set's; NULL: the same; borrowed */
};

enum { IMAGE_SOURCES = 3 };

struct image_store {
    struct image_held held[IMAGE_SOURCES]; /**< data, valid, test */
    bool opened[IMAGE_SOURCES];
    int32_t *class_map[IMAGE_SOURCES]; /**< owned */
    struct image_part train, valid, test;
    int32_t *valid_label, *test_label; /**< owned */
    const char **class_name;           /**< [classes]; owned */
    int64_t classes;
    bool several, skip;
    struct image_maker maker;
    struct ps_source inner; /**< of training, without loader threads */
    struct ps_ahead *ahead;
    uint64_t
        *broken[IMAGE_SOURCES]; /**< images that were replaced, a bit each; NULL where that is fatal; owned */
    float *noise;               /**< of synthetic images; owned */
    char *noise_names;          /**< of their classes; owned */
};

/* image_parts.c */

/** Which images serve training, validation and test. Local, the same on all ranks.
 * @return PS_OK; PS_EUSAGE; PS_EINPUT; PS_ENOMEM */
enum ps_status image_parts(struct ps_run *run, const struct image_choice *choice, struct image_store *s);

/* image_tell.c */

/** Room to keep which images are broken. Local. @return PS_OK; PS_ENOMEM */
enum ps_status image_broken_room(struct image_store *s);

/** Image `image` of p's list is broken, and another takes its place. Local; several threads. */
void image_broken_note(const struct image_part *p, int64_t image);

/* image_load.c */

enum ps_status image_load(const struct ps_source *source, int64_t i, const struct ps_draw *draw, float *x,
                          void *target);
enum ps_status image_load_noise(const struct ps_source *source, int64_t i, const struct ps_draw *draw,
                                float *x, void *target);

/** Images of noise in place of a list. Local. @return PS_OK; PS_ENOMEM */
enum ps_status image_make_noise(const struct image_choice *choice, struct image_store *s);

#endif
