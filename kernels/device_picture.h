/** Pictures on their way to a device, which makes inputs of nets from them. */
#ifndef PS_DEVICE_PICTURE_H
#define PS_DEVICE_PICTURE_H

#include <stdint.h>
#include "kernels/view.h"

enum ps_device_picture_kind {
    PS_DEVICE_PICTURE_MADE,    /**< floats [height][width][bands] as they go into the net */
    PS_DEVICE_PICTURE_CUT,     /**< pixels as they are; what is outside of them is 0 */
    PS_DEVICE_PICTURE_RESIZED, /**< each output pixel is made of taps_y x taps_x pixels */
};

enum {
    PS_DEVICE_PICTURE_GROUP = 4,  /**< elements that are read at once: rows are multiples of it */
    PS_DEVICE_PICTURE_ROW = 6144, /**< elements of a row that a block of threads holds */
    PS_DEVICE_PICTURE_LINE = 16,  /**< bytes that arrays begin at multiples of */
};

/** A picture, and what is to be made of it: what ps_resize and ps_cut (common/io/resize.h) do, with the same
 * bits. It stands before all that it names; places are bytes from its beginning, which is at a multiple of
 * PS_DEVICE_PICTURE_LINE. */
struct ps_device_picture {
    int64_t bytes;            /**< of all */
    int32_t kind;             /**< enum ps_device_picture_kind */
    int32_t type;             /**< enum ps_dtype: PS_U8, PS_U16, PS_I16 or PS_F32 */
    int32_t flip_x, flip_y;   /**< left and right, top and bottom change places */
    int64_t pixels;           /**< place of [rows][pitch] elements, of which cols x bands are pixels */
    int64_t pitch;            /**< a multiple of PS_DEVICE_PICTURE_GROUP */
    int32_t rows, cols;       /**< of the part of the picture that is here */
    int32_t top, left;        /**< cut: where its first pixel lies in the output, before that is flipped */
    int32_t taps_x, taps_y;   /**< resized: pixels that make one, taps_x x bands at most a row less a group */
    int64_t first_x, first_y; /**< places of int32_t [width], [height]: the first of them */
    int64_t weight_x, weight_y; /**< places of floats [width][taps_x], [height][taps_y] */
    int64_t scale, shift;       /**< places of floats [bands] */
};

#endif
