/** Labelled images in one netCDF file (CDF-5, by PnetCDF), as pixels of one size or as the bytes of their own
 * files.
 *
 * Variables: pixels (image, height, width, band), or bytes (byte) and start (image + 1); label (image), -1
 * where an image could not be packed and its place is empty; labels (image, class), 0 or 1, where an image
 * has several; name_start (image) and names, class_start (class) and class_names: texts that end with a zero.
 * Attributes: train, valid, test: first image and the one behind the last; mean and std of each band over all
 * pixels. */
#ifndef PS_IMAGEPACK_H
#define PS_IMAGEPACK_H

#include "common/io/imagelist.h"

/** A file that is being written. Every rank has it open. */
struct ps_imagepack {
    MPI_Comm comm; /**< borrowed */
    const char *path;
    int nc, data; /**< PnetCDF's file, and variable of pixels or bytes */
    bool open;
    struct ps_images_head head;
};

/** Begin a file at `path`, or go on with one that was begun. Collective over comm.
 * @param list  what will be packed; head.pixels and shape in `head`, not in the list
 * @param start [n + 1] where each image's bytes begin; NULL where head.pixels
 * @return (agreed) PS_OK; PS_EIO (no permission, disk full ...); PS_EBACKEND (no PnetCDF) */
enum ps_status ps_imagepack_begin(MPI_Comm comm, const char *path, const struct ps_images *list,
                                  const struct ps_images_head *head, const int64_t *start, bool go_on,
                                  struct ps_imagepack *out);

/** Write own images [lo, hi) of pixels, or own bytes [lo, hi); each rank its own, which may be none. What was
 * written before the call ends is on disk. Collective. @return (agreed) PS_OK; PS_EIO */
enum ps_status ps_imagepack_put(struct ps_imagepack *p, int64_t lo, int64_t hi, const void *data);

/** Write what is known only at the end. Collective; rank 0's arguments count.
 * @param label [n] @param mean, std [bands], NULL: not known
 * @return (agreed) PS_OK; PS_EIO (also where fewer bytes arrived than should have) */
enum ps_status ps_imagepack_end(struct ps_imagepack *p, const int32_t *label, const double *mean,
                                const double *std);

/** Close the file as it is; fine if it was never begun. Collective. */
void ps_imagepack_close(struct ps_imagepack *p);

#endif
