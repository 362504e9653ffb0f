/** Samples of a data set, spectra or images, in memory that the ranks of a node share. */
#ifndef SPECTRA_H
#define SPECTRA_H

#include "common/par/shared.h"
#include "common/run/run.h"

/** All zero: nothing was read. */
struct spectra {
    int64_t n, bands;      /**< samples, values of each */
    int64_t height, width; /**< of the scene whose pixels they are, line by line; 0: of none that is known */
    const float *x;        /**< [n][bands] as in the file; on every node once */
    int64_t *broken, n_broken; /**< samples that no part has, ascending; owned */
    const int64_t *order;      /**< [n - n_broken] intact samples in the order of parts; NULL: not kept */
    const char *path;          /**< borrowed */
    MPI_Comm node;             /**< owned */
    struct ps_shared memory, order_memory;
    bool open;
};

/** Read a data set of any format that ps_shard_read takes. Every rank reads its rows; a node has all of them
 * in the end. Collective over run->comm.
 * @param dataset name inside the file; "": DATA, or else the only one
 * @param scene "": what the file says, or else "HEIGHTxWIDTH"
 * @return (agreed) PS_OK; PS_EIO; PS_EINPUT (also: a value is not finite, with its row and column); PS_EUSAGE
 * (the scene has another number of pixels); PS_ENOMEM; PS_EMPI */
enum ps_status spectra_read(struct ps_run *run, const char *path, const char *dataset, const char *scene,
                            struct spectra *out);
void spectra_free(struct spectra *s); /**< Collective over run->comm. */

/** Parse "28x28" or "28x28x3". Local. @param size out [count] @return whether it is so many positive numbers
 */
bool spectra_sizes(const char *text, int count, int64_t *size);

#endif
