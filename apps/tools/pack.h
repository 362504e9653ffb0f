/** Packing labelled images into one file. Shared by data_pack.c and the pack_*.c files. */
#ifndef PACK_H
#define PACK_H

#include "common/io/imagelist.h"
#include "common/io/imagepack.h"
#include "common/io/resize.h"
#include "common/par/exactsum.h"
#include "common/run/run.h"

struct pack_params {
    ps_str source, output, keep, size, bands, split, broken;
    int64_t round;
    int resize;
    bool check;
};

/** How far packing is; the file of progress holds it. Equal on all ranks between rounds. */
struct pack_at {
    int64_t done;         /**< images */
    int64_t pixels;       /**< that were summed, of each band */
    int64_t broken;       /**< images */
    int64_t *which;       /**< [broken] their numbers; owned */
    struct ps_exact *sum; /**< [2][bands] of pixels, of their squares, over all ranks; owned */
};

struct pack {
    struct ps_run *run;
    const struct pack_params *p;
    struct ps_images list;
    struct ps_images files; /**< of bands, where they are files of their own; an image's `at` in `list` is the
                               number of its first one */
    int bands;              /**< of an image in `files`; 0: images are whole */
    struct ps_images_head head; /**< of the packed file */
    int64_t *start;             /**< [n + 1] places of files; NULL where pixels are packed; owned */
    uint64_t mark; /**< of parameters and list: progress of another packing is none of this one */
    struct pack_at at;
    struct ps_imagepack file;
    float scale[PS_PICTURE_BANDS_MAX], shift[PS_PICTURE_BANDS_MAX]; /**< 1 and 0: pixels stay as they are */
};

/* pack_split.c */

/** Put images into parts, as shares say ("train=0.9,valid=0.1"): of each class its share. Collective; the
 * list's order changes.
 * @return (agreed) PS_OK; PS_EUSAGE; PS_ENOMEM */
enum ps_status pack_split(struct ps_run *run, const char *shares, struct ps_images *list);

/* pack_progress.c */

/** A mark of the list and parameters. Local. */
uint64_t pack_mark(const struct pack *k);

/** Read what an earlier run left, if it was for the same packing. Collective. @param found out
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EIO; PS_EINPUT (it met broken images, which now are fatal) */
enum ps_status pack_resume(struct pack *k, bool *found);

/** Write it. Local; rank 0. @return PS_OK; PS_EIO */
enum ps_status pack_save(const struct pack *k);

/** The file is whole: remove what earlier runs that were stopped left beside it. Local; rank 0. */
void pack_clear(const struct pack *k);

/** Name of the file while it is written. Local. */
void pack_part_name(const struct pack *k, char *out, size_t room);

/* pack_pixels.c */

/** What a thread works with. All zero at first, but for the pixels. */
struct pack_room {
    struct ps_picture picture;
    struct ps_resize_room resize;
    uint8_t *file;
    int64_t has;
    float *pixels;            /**< [height][width][bands] */
    char why[PS_PICTURE_WHY]; /**< after a failure */
};

/** Note what is wrong. @return rc */
enum ps_status pack_wrong(struct pack_room *r, enum ps_status rc, const char *why);

/** The bytes of entry i of a list, read into the room. Local.
 * @return PS_OK; PS_EIO, PS_ENOMEM (r->why says what is wrong) */
enum ps_status pack_read(struct ps_images *list, int64_t i, struct pack_room *r);

/** Pixels of the picture in the room to where they are packed. Local. @return PS_OK; PS_ENOMEM */
enum ps_status pack_put(const struct pack *k, struct pack_room *r, uint8_t *to);

/** Read and decode the bands of image i, bring each to the size, and put them together. Local.
 * @return PS_OK; PS_EINPUT, PS_EIO (the image is broken: r->why); PS_ENOMEM */
enum ps_status pack_stack(struct pack *k, int64_t i, struct pack_room *r, uint8_t *to);

/* pack_look.c */

/** Bands, type and size from the first images that can be read. Local; rank 0.
 * @return PS_OK; PS_EINPUT (none can be read); PS_EUSAGE (size); PS_ENOMEM */
enum ps_status pack_look(struct pack *k);

/* pack_round.c */

/** Read, check or resize, and write images [lo, hi). Collective.
 * @return (agreed) PS_OK; PS_EINPUT (broken = fatal: names the image and what is wrong); PS_EIO; PS_ENOMEM */
enum ps_status pack_round(struct pack *k, int64_t lo, int64_t hi);

#endif
