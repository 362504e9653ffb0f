/** A series, normalised and cut into parts for training, validation and test, held once a node. */
#ifndef SERIES_DATA_H
#define SERIES_DATA_H

#include "apps/lstm/series_grid.h"
#include "common/par/block.h"
#include "common/par/shared.h"

enum series_scaling { SERIES_STANDARD, SERIES_MINMAX, SERIES_PLAIN };

/** What a net is asked for: the value itself, or its difference to a simple forecast. */
enum series_base { SERIES_BASE_NONE, SERIES_BASE_LAST, SERIES_BASE_SEASON };

enum series_part { SERIES_TRAIN, SERIES_VALID, SERIES_TEST, SERIES_PARTS };

struct series_plan {
    enum series_missing missing;
    bool fill; /**< gaps, or else windows that cross one are left out */
    double share[SERIES_PARTS];
    enum series_scaling scaling;
    enum series_base base;
    bool day, week, year;    /**< inputs: sine and cosine of where in them a time is */
    int64_t window, horizon; /**< steps that a forecast sees, and that it tells */
    int64_t season;          /**< steps; 0: those of a day, or seven where a step is a day */
};

/** Equal on all ranks. Arrays lie in memory that the ranks of a node share. */
struct series {
    struct series_plan plan; /**< season settled: 1 where none was found */
    struct series_report found;
    struct series_clock clock;
    struct ps_range part[SERIES_PARTS]; /**< rows */
    int64_t rows;
    int columns; /**< of the file that are inputs */
    int inputs;  /**< with those of the calendar */
    int targets;
    uint64_t mark; /**< of all times and values: other data have another one */

    const int64_t *time;  /**< [rows] ticks */
    const double *y;      /**< [rows][targets] in units of the data */
    const double *centre; /**< [targets] an output of the net is (y - base - centre) / scale */
    const double *scale;  /**< [targets] */
    const double *naive;  /**< [targets] mean |y_t - y_(t - season)| of the training part: the unit of MASE */
    const series_name *name; /**< [targets] */
    const float *x;          /**< [rows][inputs] normalised by the training part */
    struct ps_shared memory;
    MPI_Comm node; /**< owned */
};

/** Read, put into order, normalise. Rank 0 reads; each node gets a copy. Collective over comm.
 * @param wish, plan equal on all ranks
 * @return (agreed) PS_OK; as series_table_read and series_grid_make; PS_EUSAGE (shares, a calendar of times
 * that are no dates); PS_EMPI */
enum ps_status series_open(MPI_Comm comm, const struct series_wish *wish, const struct series_plan *plan,
                           struct series *out);
void series_close(struct series *s); /**< Collective; a zeroed one is fine. */

/** The simple forecasts of target k, `step` >= 1 steps after row `origin`: the last value, or that of the
 * last season. Local. */
static inline double series_last(const struct series *s, int64_t origin, int k)
{
    return s->y[origin * s->targets + k];
}
static inline double series_seasonal(const struct series *s, int64_t origin, int64_t step, int k)
{
    int64_t back = (step + s->plan.season - 1) / s->plan.season * s->plan.season;
    return s->y[(origin + step - back) * s->targets + k];
}

/** What an output of the net is added to, after it was scaled. Local. */
static inline double series_base(const struct series *s, int64_t origin, int64_t step, int k)
{
    return s->centre[k] + (s->plan.base == SERIES_BASE_LAST     ? series_last(s, origin, k)
                           : s->plan.base == SERIES_BASE_SEASON ? series_seasonal(s, origin, step, k)
                                                                : 0);
}

#endif
