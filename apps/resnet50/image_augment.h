/** What becomes of an image before it goes into the net. */
#ifndef IMAGE_AUGMENT_H
#define IMAGE_AUGMENT_H

#include "apps/resnet50/image_params.h"
#include "common/io/resize.h"
#include "common/nn/source.h"

enum image_kind { IMAGE_PLAIN, IMAGE_FLIP, IMAGE_SHIFT, IMAGE_CROP };

/** How training images are varied, and the size of the net's input. */
struct image_plan {
    enum image_kind kind;
    int height, width; /**< of the input */
    int resize; /**< shorter side before the centre is cut out; 0: images of just the input's size as they
                   are, others 256/224 of it */
    int pad;
    bool vertical;
    double least, squeeze;
};

/** What is cut out of one image. */
struct image_window {
    struct ps_box box; /**< that is resized to the input's size */
    bool whole; /**< nothing is to be resized: box begins at whole pixels, and may reach beyond the image */
    bool flip_x, flip_y;
};

/** The plan that parameters stand for. Local. */
struct image_plan image_plan_of(const struct image_choice *choice, int height, int width);

/** Choose for an image of so many pixels: a function of the draw and the image's number. Local.
 * Source: for IMAGE_CROP, Szegedy et al. (2015), "Going deeper with convolutions", as torchvision's
 * RandomResizedCrop; else shorter side to `resize`, centre, as torchvision's references evaluate. */
struct image_window image_window_of(const struct image_plan *plan, const struct ps_draw *draw, int64_t image,
                                    int height, int width);

#endif
