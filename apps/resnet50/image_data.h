/** Images with labels, held on each node, as sources of samples. */
#ifndef IMAGE_DATA_H
#define IMAGE_DATA_H

#include "apps/resnet50/image_params.h"
#include "common/nn/source.h"
#include "common/run/run.h"

struct image_store; /**< all that is behind it */

/** All zero: nothing was opened. It must stay where it was opened: sources point into it. */
struct image_data {
    int height, width, bands; /**< of the input of the net */
    int64_t classes;
    bool several;                            /**< an image may have several labels, or none */
    const char *const *class_name;           /**< [classes] */
    struct ps_source train, valid;           /**< training goes through loader threads */
    struct ps_source test;                   /**< n = 0: there is none; valid may be the same */
    bool has_valid;                          /**< else valid.n = 0 */
    bool valid_is_test;                      /**< no images are held back: valid is the test */
    const int32_t *test_label, *valid_label; /**< [n]; NULL where `several` */
    int64_t bytes;                           /**< of this node's memory that hold images */
    struct image_store *store;
};

/** Open what `choice` names. Collective over run->comm.
 *
 * A sample's input is float [height][width][bands], (pixel - mean) / std; its target an int32_t label or,
 * where `several`, float [classes] of 0 and 1. Everything random about a sample is a function of (seed,
 * epoch, number of the image).
 * @param prefetched samples that are prepared ahead at most: prefetch x batch / ranks
 * @return (agreed) PS_OK; PS_EUSAGE (nothing is named; parameters contradict the data); PS_EIO, PS_EINPUT
 * (names file and reason); PS_ENOMEM; PS_EBACKEND (a library is not built in) */
enum ps_status image_data_open(struct ps_run *run, const struct image_choice *choice, int64_t prefetched,
                               struct image_data *out);

/** Say how many images there are, and how much of them is held. Local. */
void image_data_tell(struct ps_run *run, const struct image_data *d);

/** Say how many training samples were there when they were wanted, since the last call of it, and how many
 * were waited for or made by the threads that wanted them. Nothing is said without loader threads. Collective
 * over run->comm. */
void image_data_tell_loader(struct ps_run *run, const struct image_data *d);

/** Name the images that could not be decoded and were replaced by others, each once, with the reason; the
 * record has their number. Nothing is said where there are none. The message of a failure stays as it is.
 * Collective over run->comm. @return how many of them were met by any rank */
int64_t image_data_tell_broken(struct ps_run *run, const struct image_data *d);

void image_data_free(struct image_data *d); /**< Collective over the communicator it was opened with. */

#endif
