/* Classes that are one region: a straight line across it divides training from testing. */
#include <stdlib.h>
#include <string.h>
#include "apps/tools/data_select.h"
#include "apps/tools/split_assign.h"
#include "common/run/err.h"
#include "kernels/rng.h"

enum { FIRST_LINE, FIRST_SAMPLE, LAST_LINE, LAST_SAMPLE, SIDES };

/** Boxes about the classes; the last line and sample are negative, so that all are minima. Collective over
 * comm.
 * @param box out [classes][SIDES] */
static void find_boxes(MPI_Comm comm, const struct split_pixels *p, int classes, int64_t *box)
{
    for (int i = 0; i < classes * SIDES; i++) box[i] = INT64_MAX;
    for (int64_t i = 0; i < p->n; i++) {
        int64_t line = p->at[i] / p->width, sample = p->at[i] % p->width;
        int64_t side[SIDES] = {line, sample, -line, -sample}, *of = box + (int64_t)p->class_of[i] * SIDES;
        for (int k = 0; k < SIDES; k++)
            if (side[k] < of[k]) of[k] = side[k];
    }
    MPI_Allreduce(MPI_IN_PLACE, box, classes * SIDES, MPI_INT64_T, MPI_MIN, comm);
}

/** The larger, the earlier it goes to training: along the longer side of the box, from an end that the seed
 * chooses.
 */
static uint64_t key_of(const struct split_pixels *p, int64_t i, const int64_t *box, uint64_t seed)
{
    int64_t line = p->at[i] / p->width, sample = p->at[i] % p->width;
    bool tall = -box[LAST_LINE] - box[FIRST_LINE] >= -box[LAST_SAMPLE] - box[FIRST_SAMPLE];
    uint64_t along = (uint64_t)(tall ? line : sample), across = (uint64_t)(tall ? sample : line);
    struct ps_rng r = {.seed = seed, .stream = SPLIT_CUT};
    bool from_last = ps_rng_u64(r, p->class_of[i], 0) >> 63;
    return (from_last ? along : UINT32_MAX - along) << 32 | across;
}

enum ps_status split_cut(MPI_Comm comm, const struct split_pixels *p, int classes, const uint8_t *cut,
                         const int64_t *want, uint64_t seed, uint8_t *train)
{
    int64_t *box = NULL;
    int32_t *class_of = NULL;
    uint64_t *key = NULL;
    uint8_t *taken = NULL;
    enum ps_status rc = ps_alloc(&box, (int64_t)classes * SIDES, sizeof *box, "boxes of classes");
    if (rc == PS_OK) rc = ps_alloc(&class_of, p->n, sizeof *class_of, "classes of pixels");
    if (rc == PS_OK) rc = ps_alloc(&key, p->n, sizeof *key, "places of pixels");
    if (rc == PS_OK) rc = ps_alloc(&taken, p->n, 1, "parts of pixels");
    PS_TRY_DONE(ps_agree(comm, rc));
    find_boxes(comm, p, classes, box);
    for (int64_t i = 0; i < p->n; i++) {
        int c = p->class_of[i];
        class_of[i] = cut[c] ? c : -1;
        key[i] = cut[c] ? key_of(p, i, box + (int64_t)c * SIDES, seed) : 0;
    }
    PS_TRY_DONE(data_select(comm, p->n, class_of, key, classes, want, taken));
    for (int64_t i = 0; i < p->n; i++)
        if (class_of[i] >= 0) train[i] = taken[i];
done:
    free(box), free(class_of), free(key), free(taken);
    return rc;
}
