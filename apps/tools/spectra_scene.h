/** The plan of a synthetic scene: fields, what grows on them, and which pixels have a label. */
#ifndef SPECTRA_SCENE_H
#define SPECTRA_SCENE_H

#include <mpi.h>
#include <stdint.h>
#include "common/par/block.h"
#include "kernels/status.h"

/** What the numbers of a random stream are for; a new use takes a new number, or files change. */
enum scene_stream {
    SCENE_SEED_POINT = 20,
    SCENE_FIELD_ORDER,
    SCENE_BACKGROUND,
    SCENE_DEPTH,
    SCENE_CLASS,
    SCENE_FIELD,
    SCENE_PIXEL,
    SCENE_NOISE
};

struct scene_spec {
    int64_t height, width; /**< pixels */
    int64_t labelled;      /**< pixels with a label: at least 4 per class, at most 0.8 of all */
    int classes;
    double field; /**< mean side of a field, pixels */
    uint64_t seed;
};

/** Own lines of a scene. Fields are the Voronoi cells of one random point in each square of a grid. */
struct scene {
    struct scene_spec spec;
    int64_t down, across; /**< squares of the grid */
    double side;          /**< of a square */
    struct ps_range line; /**< own lines */
    int32_t *crop;  /**< [down * across] class of each field; fields of the background have one, too; owned */
    int32_t *field; /**< [own pixels] number of its field; owned */
    int32_t *label; /**< [own pixels] class from 1, 0 = without a label; owned */
};

/** Share `rows` out over classes: 16 classes like the ground truth of Indian Pines, other numbers of classes
 * by Zipf's law; every class gets at least 2. Local.
 * @param count out [classes] */
void scene_class_sizes(int64_t rows, int classes, int64_t *count);

/** Plan a scene: a function of the specification alone, whatever the ranks. Collective over comm.
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EUSAGE (too few pixels for so many classes or labels) */
enum ps_status scene_make(MPI_Comm comm, const struct scene_spec *spec, struct scene *out);
void scene_free(struct scene *s);

#endif
