/** Connected regions of equal class in a ground truth whose pixels are spread over the ranks. */
#ifndef SPLIT_REGIONS_H
#define SPLIT_REGIONS_H

#include <mpi.h>
#include <stddef.h>
#include <stdint.h>
#include "common/par/block.h"
#include "kernels/status.h"

/** Own labelled pixels: ranks hold them in the order of the picture, row-major. Arrays [n]; borrowed. */
struct split_pixels {
    int64_t n;
    int64_t width;     /**< of the picture */
    const int64_t *at; /**< number of the pixel, ascending */
    const int32_t *class_of;
};

/** First of n elements that is not before pixel `at`. Local.
 * @param list ascending by the int64_t with which each element begins @param size bytes of an element */
static inline int64_t split_lower(const void *list, size_t size, int64_t n, int64_t at)
{
    int64_t lo = 0, hi = n;
    while (lo < hi) {
        const int64_t mid = lo + (hi - lo) / 2;
        if (*(const int64_t *)((const char *)list + (size_t)mid * size) < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/** A region: pixels of one class that are connected through neighbours of that class. */
struct split_region {
    int64_t first; /**< its smallest pixel number: its name */
    int64_t count;
    int32_t class_of;
};

/** Regions of the whole picture, ascending by first pixel, on every rank alike. */
struct split_regions {
    struct split_region *list; /**< owned */
    int64_t n;
    int64_t *of; /**< [own pixels] place in the list of each one's region; owned */
};

/** Find the regions: DBSCAN of (line, sample, class) with one point as core, on each rank; regions that meet
 * at the borders of ranks are joined. Memory grows with the regions and the width of the picture. Collective
 * over comm.
 * @param corners do pixels that touch at a corner only belong together
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status split_regions_find(MPI_Comm comm, const struct split_pixels *p, int corners,
                                  struct split_regions *out);
void split_regions_free(struct split_regions *r);

/** Is there a pixel of the given kind within a distance? Marks own pixels that have one. Collective over
 * comm.
 * @param kind  [n] of own pixels
 * @param which the kind that is looked for
 * @param distance Euclidean, in pixels, at least 0
 * @param near  out [n]: 1 where a pixel of kind `which` lies within the distance; the caller's
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status split_near(MPI_Comm comm, const struct split_pixels *p, const uint8_t *kind, uint8_t which,
                          double distance, uint8_t *near);

#endif
