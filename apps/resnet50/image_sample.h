/** From the bytes of an image to the input of the net. */
#ifndef IMAGE_SAMPLE_H
#define IMAGE_SAMPLE_H

#include <pthread.h>
#include "apps/resnet50/image_augment.h"
#include "apps/resnet50/image_held.h"

/** What a thread works with while it makes a sample. */
struct image_room {
    struct ps_picture picture;
    struct ps_resize_room resize;
    uint8_t *bytes; /**< of an image that is not held */
    int64_t has;
    struct image_room *next;
};

/** Rooms that nobody uses now. */
struct image_rooms {
    pthread_mutex_t lock;
    struct image_room *first;
};

/** How all images of a run are made into samples. */
struct image_maker {
    struct image_plan plan;
    int bands;
    float scale[PS_PICTURE_BANDS_MAX], shift[PS_PICTURE_BANDS_MAX]; /**< [bands] */
    struct image_rooms rooms;
};

/** Make the sample of image i. Local; several threads at once. Without a message of ps_fail.
 * @param x out [height][width][bands], or what struct ps_source says of pictures
 * @param why out [PS_PICTURE_WHY]: where it failed, what is wrong
 * @return PS_OK; PS_EINPUT (the image is broken); PS_EIO; PS_ENOMEM; PS_EBACKEND */
enum ps_status image_sample(struct image_maker *maker, struct image_held *held, int64_t i,
                            const struct ps_draw *draw, float *x, char *why);

void image_rooms_free(struct image_rooms *rooms);

#endif
