/** Samples of a data set, as training and evaluation want them. */
#ifndef PS_SOURCE_H
#define PS_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include "kernels/status.h"

/** What the output of a net is compared with. */
enum ps_target {
    PS_TARGET_VALUES, /**< float [output of the net] */
    PS_TARGET_LABELS, /**< int32_t, in [0, output of the net) */
    PS_TARGET_INPUT,  /**< the input itself: nothing is loaded for it */
};

/** For what a sample is read. All that is random about it is a function of this and of its number. */
struct ps_draw {
    uint64_t seed;
    int64_t epoch;
    bool training; /**< else nothing is random */
    bool picture;  /**< inputs are wanted as pictures, of which a device makes them */
};

struct ps_source {
    int64_t n;        /**< samples */
    const char *name; /**< for messages: of the file or the part of it */
    const void *data; /**< what `load` needs; borrowed */
    /** Bytes of a sample as a picture at most, a multiple of PS_DEVICE_PICTURE_LINE; 0: there are none. */
    int64_t picture;
    /** Write sample i. Local; several threads call it at once.
     * @param x out [input of the net]; where draw->picture a struct ps_device_picture
     * @param target out: one target; NULL where that is the input itself
     * @return PS_OK; PS_EIO, PS_EINPUT (with a message that names file and sample) */
    enum ps_status (*load)(const struct ps_source *s, int64_t i, const struct ps_draw *draw, float *x,
                           void *target);

    /** These samples will be loaded soon, for the same draw: prepare them meanwhile. A hint, which may be
     * given again. NULL: there is nothing to gain. Local; several threads call it at once, each for samples
     * that it loads itself. */
    void (*ahead)(const struct ps_source *s, const int64_t *sample, int64_t n, const struct ps_draw *draw);
    int64_t batches; /**< how many batches before they are loaded `ahead` should be told; 0 without it */

    /* of series: state of recurrent layers goes on from sample to sample; zero and NULL where each begins
     * anew */
    int64_t streams; /**< training: samples come in order, a batch is `streams` of them, and sample i goes on
                        where i - streams ended, unless that is in another epoch or nothing is before it */
    int64_t
        run_up; /**< evaluation: pieces before each sample, from which the state that it begins with comes */
    /** Is there a piece as long as a sample that ends `back` - 1 pieces before sample i, without a gap
     * between them? Its input is written to x, unless that is NULL. Local; several threads call it at once.
     */
    bool (*before)(const struct ps_source *s, int64_t i, int64_t back, float *x);
};

#endif
