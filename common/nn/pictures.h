/** Samples as pictures (kernels/device_picture.h) on their way to a device, which makes inputs of them. */
#ifndef PS_PICTURES_H
#define PS_PICTURES_H

#include "common/nn/net.h"
#include "common/nn/source.h"
#include "common/par/buffer.h"

/** Of one micro-batch. All zero: nothing was made. */
struct ps_pictures {
    struct ps_buffer bytes; /**< one after the other, as they come */
    struct ps_buffer at;    /**< int64_t [most] places of samples there */
    int64_t used;           /**< bytes */
    int64_t each;           /**< bytes of a sample at most */
    char *room;             /**< [threads][each]; owned */
};

/** Room for up to `most` samples of a source that has pictures. Local. @return PS_OK; PS_ENOMEM */
enum ps_status ps_pictures_make(const struct ps_net *net, const struct ps_source *source, int64_t most,
                                int threads, struct ps_pictures *out);
void ps_pictures_free(struct ps_pictures *p);

void ps_pictures_begin(struct ps_pictures *p); /**< Those that are here are gone. Local. */

/** Load sample number `sample` as the i-th one. Local; threads with different numbers at once.
 * @param target as the source's load has it @return what that returns */
enum ps_status ps_pictures_load(struct ps_pictures *p, int thread, const struct ps_source *source,
                                const struct ps_draw *draw, int64_t sample, int64_t i, void *target);

/** Enqueue their way there, and the making of the first n samples' inputs. Local.
 * @param x out [n][input of the net], there */
void ps_pictures_put(const struct ps_pictures *p, const struct ps_net *net, int64_t n, float *x);

#endif
