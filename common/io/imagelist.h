/** Labelled pictures wherever they lie: in folders, tar files, packed files. One list for all of a node's
 * ranks says where the bytes of each are. */
#ifndef PS_IMAGELIST_H
#define PS_IMAGELIST_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>
#include "common/io/picture.h"
#include "common/par/block.h"
#include "common/par/shared.h"

enum ps_images_part { PS_IMAGES_TRAIN, PS_IMAGES_VALID, PS_IMAGES_TEST, PS_IMAGES_PARTS };

/** What all ranks know alike; broadcast as bytes. */
struct ps_images_head {
    int64_t n, classes, files, text;       /**< text: bytes of names */
    int64_t strip;                         /**< bytes of folders that all names have in front */
    bool several;                          /**< an image has any number of labels, not one */
    struct ps_range part[PS_IMAGES_PARTS]; /**< images of each; a set without parts has all in the first */
    bool parted;
    bool pixels; /**< bytes are pixels of this shape and type, or else files of JPEG, PNG, TIFF */
    int height, width, bands;
    enum ps_dtype type;
    bool swap; /**< they stand in the other byte order */
    bool has_moments;
    double mean[PS_PICTURE_BANDS_MAX], std[PS_PICTURE_BANDS_MAX]; /**< [bands] where has_moments */
};

/** A list; all zero: nothing was opened. Arrays are shared by the node. Images of a part follow each other,
 * sorted by label and name. */
struct ps_images {
    struct ps_images_head head;
    int64_t *at, *bytes; /**< [n] place in its file */
    int64_t *name;       /**< [n] place in text */
    int64_t *class_name; /**< [classes] places in text */
    int64_t *file_name;  /**< [files] */
    int32_t *file;       /**< [n] which of the files; -1: the name is that of a file of its own */
    int32_t *label;      /**< [n] in [0, classes); -1: the place of an image that could not be packed */
    uint8_t *labels;     /**< several: [n][classes] 0 or 1; else NULL */
    char *text;
    int *fd; /**< [files] opened when it is first read; -1; this rank's own; owned */
    struct ps_shared shared;
    MPI_Comm node; /**< owned where shared.data */
};

/** Name of a part: "train", "valid", "test". */
const char *ps_images_part_name(enum ps_images_part part);

static inline const char *ps_images_name(const struct ps_images *l, int64_t i)
{
    return l->text + l->name[i];
}

static inline const char *ps_images_class(const struct ps_images *l, int64_t c)
{
    return l->text + l->class_name[c];
}

/** List what `source` names. Collective over comm; rank 0 looks, with its threads.
 * @param source a folder whose folders are classes, tar files of such folders ("a.tar,b*.tar"), a CSV of
 * path, label or labels and perhaps part, a file that ps_imagepack wrote, or HDF5 with a group for each part
 * that holds `images` and `targets`. Folders called train, val (valid, validation) and test above those of
 * classes are parts.
 * @return (agreed) PS_OK; PS_EIO; PS_EINPUT (names what is wrong and where); PS_EUSAGE (nothing known);
 * PS_ENOMEM; PS_EMPI; PS_EBACKEND */
enum ps_status ps_images_open(MPI_Comm comm, const char *source, struct ps_images *out);
void ps_images_free(struct ps_images *l); /**< Collective over the communicator it was opened with. */

/** Read the bytes of image i. Local; several threads at once; without a message of ps_fail.
 * @param buf out [bytes[i]]
 * @return NULL, or what is wrong: behind the name and a colon; a constant or strerror's */
const char *ps_images_read(struct ps_images *l, int64_t i, void *buf);

/** The same of images [lo, hi), which follow each other in one file, at once. */
const char *ps_images_read_run(struct ps_images *l, int64_t lo, int64_t hi, void *buf);

/* for those who make lists */

/** Bytes of all arrays, and the arrays' places in a block of so many. Local. */
int64_t ps_images_block(const struct ps_images_head *head);
void ps_images_lay_out(struct ps_images *l, void *block);

/** Give rank 0's list to all ranks. Collective over comm.
 * @param first of rank 0: its head, and its block of arrays, which is freed; others: anything
 * @param rc    of rank 0
 * @return (agreed) */
enum ps_status ps_images_share(MPI_Comm comm, struct ps_images *first, void *block, enum ps_status rc,
                               struct ps_images *out);

#endif
