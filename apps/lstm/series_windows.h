/** Windows of a series as samples: what is seen up to an origin, and what follows it. */
#ifndef SERIES_WINDOWS_H
#define SERIES_WINDOWS_H

#include "apps/lstm/series_data.h"
#include "common/nn/source.h"

/** Windows whose origins follow each other without a gap. */
struct series_run {
    int64_t origin; /**< row of the first origin */
    int64_t at;     /**< number of the first window */
    int64_t begin;  /**< first row that these windows, and what is before them, may see */
};

/** All windows of a part: those whose steps ahead lie in it. In validation and test, what is seen may lie
 * before the part; in training all of it lies within. Simple forecasts need a season before the origin, so
 * there is one everywhere. */
struct series_windows {
    const struct series *series; /**< borrowed */
    int64_t n, stride;
    int64_t runs;
    struct series_run *run;  /**< [runs]; owned */
    int64_t left;            /**< windows that are in no stream */
    struct ps_source source; /**< of samples for a net: x [window][inputs], target float [horizon][targets] */
};

/** Find them. Local.
 * @param stride steps from window to window @param name of the part, for messages; borrowed
 * @param out must stay where it is while `source` is in use
 * @return PS_OK; PS_EINPUT (no window fits the part); PS_ENOMEM */
enum ps_status series_windows_make(const struct series *s, enum series_part part, int64_t stride,
                                   const char *name, struct series_windows *out);
/** State is carried from window to window (common/nn/source). For training, the windows, which must follow
 * each other window by window, are cut into streams of as many each, in order of time; sample i is then
 * window i / streams of stream i % streams, and what is left over at the end is left out. Local.
 * @param streams 0: none, for evaluation @param run_up windows before each one, in evaluation
 * @return PS_OK; PS_EINPUT (more streams than windows) */
enum ps_status series_windows_carry(struct series_windows *w, int64_t streams, int64_t run_up);
void series_windows_free(struct series_windows *w); /**< Local. */

/** Row of the last step that sample i sees. Local. */
int64_t series_windows_origin(const struct series_windows *w, int64_t i);

#endif
