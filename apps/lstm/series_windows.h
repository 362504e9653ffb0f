/** Windows of a series as samples: what is seen up to an origin, and what follows it. */
#ifndef SERIES_WINDOWS_H
#define SERIES_WINDOWS_H

#include "apps/lstm/series_data.h"
#include "common/nn/source.h"

/** Windows whose origins follow each other without a gap. */
struct series_run {
    int64_t origin; /**< row of the first origin */
    int64_t at;     /**< number of the first window */
};

/** All windows of a part: those whose steps ahead lie in it. In validation and test, what is seen may lie
 * before the part; in training all of it lies within. Simple forecasts need a season before the origin, so
 * there is one everywhere. */
struct series_windows {
    const struct series *series; /**< borrowed */
    int64_t n, stride;
    int64_t runs;
    struct series_run *run;  /**< [runs]; owned */
    struct ps_source source; /**< of samples for a net: x [window][inputs], target float [horizon][targets] */
};

/** Find them. Local.
 * @param stride steps from window to window @param name of the part, for messages; borrowed
 * @param out must stay where it is while `source` is in use
 * @return PS_OK; PS_EINPUT (no window fits the part); PS_ENOMEM */
enum ps_status series_windows_make(const struct series *s, enum series_part part, int64_t stride,
                                   const char *name, struct series_windows *out);
void series_windows_free(struct series_windows *w); /**< Local. */

/** Row of the last step that window i sees. Local. */
int64_t series_windows_origin(const struct series_windows *w, int64_t i);

#endif
