/** A picture of the clusters: two columns of the points, rasterised by density, coloured by cluster. */
#ifndef DBSCAN_PLOT_H
#define DBSCAN_PLOT_H

#include "apps/hpdbscan/dbscan_domain.h"
#include "common/io/shard.h"

/** What is drawn. */
struct dbscan_picture {
    const char *path; /**< of the PNG file */
    int column[2];    /**< the columns on the x and the y axis; -1: the axis is not used (1-D points) */
    int64_t clusters, noise, points;
};

/** Read "0,1". Local.
 * @return PS_OK; PS_EUSAGE (not two different numbers in [0, d)) */
enum ps_status dbscan_plot_columns(const char *text, int d, int column[2]);

/** Draw and write the picture. Collective over comm; rank 0 writes. Each rank counts its rows per pixel, the
 * counts are added up, so the work per point is small and memory does not depend on the number of points.
 * @param in    the points, as read
 * @param label [in->mine.hi - in->mine.lo] their labels
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EIO; PS_EBACKEND (built without libpng) */
enum ps_status dbscan_plot_write(MPI_Comm comm, const struct dbscan_picture *picture,
                                 const struct dbscan_domain *dom, const struct ps_shard *in,
                                 const int64_t *label);

#endif
