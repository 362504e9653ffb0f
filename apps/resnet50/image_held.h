/** The bytes of images in the memory of each node. */
#ifndef IMAGE_HELD_H
#define IMAGE_HELD_H

#include "common/io/imagelist.h"
#include "common/run/run.h"

/** A list of images, and as many of its images as memory allows. All zero: nothing was opened. */
struct image_held {
    struct ps_images list;
    struct ps_shared shared;
    int64_t *start;  /**< [held + 1] places in `byte`; shared by the node */
    uint8_t *byte;   /**< shared by the node */
    int64_t held;    /**< images [0, held) are there; the others are read when they are wanted */
    int64_t largest; /**< bytes of the largest image */
};

/** Open a source and read its images, large pieces by each rank of a node. Collective over run->comm.
 * @param most bytes of a node
 * @return (agreed) as ps_images_open; PS_EIO; PS_EINPUT; PS_ENOMEM */
enum ps_status image_held_open(struct ps_run *run, const char *source, int64_t most, struct image_held *out);
void image_held_free(struct image_held *h); /**< Collective over the communicator it was opened with. */

/** The bytes of image i. Local; several threads.
 * @param room [largest] for images that are not held; the caller's
 * @param why  out: where NULL is returned, what is wrong */
const uint8_t *image_held_bytes(struct image_held *h, int64_t i, uint8_t *room, const char **why);

#endif
