/** Cutting a box out of a picture and bringing it to another size, as floats. */
#ifndef PS_RESIZE_H
#define PS_RESIZE_H

#include "common/io/picture.h"

/** Part of a picture, in its pixels. */
struct ps_box {
    double top, left, height, width;
    bool open; /**< pixels around it serve interpolation, as if the whole picture were resized and cut then */
};

/** What becomes of a pixel: band k of it is scale[k] x + shift[k]. */
struct ps_tone {
    const float *scale, *shift; /**< [bands]; borrowed */
};

/** Work space of ps_resize, all zero at first; one for each thread. */
struct ps_resize_room {
    float *row;     /**< [width of the box][bands] and one more */
    int32_t *first; /**< [width] first pixel of each output pixel, and in tap_first of each row ... */
    float *weight;
    int64_t has_row, has_first, has_weight;
};

/** Bring a box to height x width by bilinear interpolation, with antialiasing where it shrinks: the triangle
 * is as wide as an output pixel. Same as PyTorch's interpolate(mode = "bilinear", antialias = True) of the
 * box's pixels and, up to its rounding, as PIL's resize. Local.
 * @param p      of bands bands
 * @param box    inside the picture
 * @param flip_x, flip_y left and right, top and bottom change places
 * @param out    [height][width][bands]; the caller's
 * @return PS_OK; PS_ENOMEM (without a message) */
enum ps_status ps_resize(const struct ps_picture *p, struct ps_box box, int height, int width, bool flip_x,
                         bool flip_y, struct ps_tone tone, struct ps_resize_room *room, float *out);

/** Cut a window of the output's size out at whole pixels, without a change of size; what is outside of the
 * picture becomes 0. Local. */
void ps_cut(const struct ps_picture *p, int top, int left, int height, int width, bool flip_x, bool flip_y,
            struct ps_tone tone, float *out);

void ps_resize_free(struct ps_resize_room *room);

/* resize_device.c: the same, left to a device */

struct ps_device_picture;

/** Bytes of a picture for a device that make so many floats, at most: what takes more than the floats
 * themselves is made here. Local. */
int64_t ps_device_picture_most(int height, int width, int bands);

/** What ps_resize and ps_cut do, for a device to do. Local.
 * @param out room of ps_device_picture_most; the caller's
 * @return false: it does not fit, or no block of threads holds it */
bool ps_resize_for_device(const struct ps_picture *p, struct ps_box box, int height, int width, bool flip_x,
                          bool flip_y, struct ps_tone tone, struct ps_device_picture *out);
bool ps_cut_for_device(const struct ps_picture *p, int top, int left, int height, int width, bool flip_x,
                       bool flip_y, struct ps_tone tone, struct ps_device_picture *out);

/** For floats that are made here. Local. @return where they go, [height][width][bands] */
float *ps_made_for_device(int height, int width, int bands, struct ps_device_picture *out);

#endif
