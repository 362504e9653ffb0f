#include "apps/lstm/series_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "apps/lstm/series_scale.h"
#include "common/run/err.h"

enum { PIECE = 1 << 30 };

/** Steps of a season where nobody named them. */
static int64_t usual_season(const struct series_clock *clock, int64_t step)
{
    if (!clock->date) return 1;
    if (step == SERIES_DAY) return 7;
    return step < SERIES_DAY && SERIES_DAY % step == 0 ? SERIES_DAY / step : 1;
}

static enum ps_status cut_parts(const struct series_plan *p, int64_t rows, struct ps_range *part)
{
    double sum = 0, end = 0;
    for (int k = 0; k < SERIES_PARTS; k++) sum += p->share[k];
    PS_CHECK(p->share[SERIES_TRAIN] > 0 && p->share[SERIES_VALID] >= 0 && p->share[SERIES_TEST] > 0 &&
                 fabs(sum - 1) < 1e-9,
             PS_EUSAGE,
             "split = %g %g %g: the shares of training, validation and test must add up to 1, and only "
             "validation may have none",
             p->share[0], p->share[1], p->share[2]);
    for (int k = 0; k < SERIES_PARTS; k++) {
        part[k].lo = k ? part[k - 1].hi : 0;
        end += p->share[k];
        part[k].hi = k == SERIES_TEST ? rows : (int64_t)floor(end * (double)rows + 0.5);
    }
    return PS_OK;
}

/** All but the arrays. */
static enum ps_status settle(const struct series_table *t, const struct series_report *found,
                             const struct series_plan *plan, struct series *s)
{
    s->plan = *plan;
    s->found = *found;
    s->clock = t->clock;
    s->rows = t->rows;
    s->columns = t->cols;
    s->inputs = t->cols + 2 * (plan->day + plan->week + plan->year);
    s->targets = t->targets;
    s->mark = series_scale_mark(t);
    if (!plan->season) s->plan.season = usual_season(&t->clock, found->step);
    PS_CHECK(t->clock.date || !(plan->day || plan->week || plan->year), PS_EUSAGE,
             "calendar: the times of this series are no dates; use --calendar none");
    return cut_parts(plan, t->rows, s->part);
}

/** Places in the shared block. @return bytes */
static int64_t lay_out(struct series *s)
{
    char *base = s->memory.data;
    int64_t numbers = s->rows * s->targets, n = s->targets, at = 0;
#define PLACE(member, count)                                         \
    do {                                                             \
        s->member = (const void *)(base ? base + at : NULL);         \
        at += ((count) * (int64_t)sizeof *s->member + 63) / 64 * 64; \
    } while (0)
    PLACE(time, s->rows);
    PLACE(y, numbers);
    PLACE(centre, n);
    PLACE(scale, n);
    PLACE(naive, n);
    PLACE(name, n);
    PLACE(x, s->rows * s->inputs);
#undef PLACE
    return at;
}

/** Numbers of target k. */
static void measure(const struct series *s, const struct series_table *t, int k, double column_centre,
                    double column_scale)
{
    double *centre = (double *)s->centre + k, *scale = (double *)s->scale + k;
    double *naive = (double *)s->naive + k, mean, rms;
    int64_t rows = s->part[SERIES_TRAIN].hi, step = s->found.step;
    series_scale_lag(t, t->target[k], rows, step, s->plan.season, naive, &rms);
    *centre = column_centre, *scale = column_scale;
    if (s->plan.base == SERIES_BASE_NONE) return;
    if (s->plan.base == SERIES_BASE_LAST)
        series_scale_lag(t, t->target[k], rows, step, s->plan.horizon, &mean, &rms);
    *centre = 0, *scale = rms > 0 ? rms : 1;
}

/** Write the arrays. */
static enum ps_status write_arrays(const struct series *s, const struct series_table *t)
{
    double *centre;
    PS_TRY(ps_alloc(&centre, 2 * (int64_t)t->cols, sizeof *centre, "centres and scales"));
    double *scale = centre + t->cols, *y = (double *)s->y;
    float *x = (float *)s->x;
    for (int c = 0; c < t->cols; c++)
        series_scale_column(t, c, s->part[SERIES_TRAIN].hi, s->plan.scaling, &centre[c], &scale[c]);
    for (int k = 0; k < s->targets; k++) {
        measure(s, t, k, centre[t->target[k]], scale[t->target[k]]);
        memcpy((char *)s->name[k], t->name[t->target[k]], SERIES_NAME);
    }
    memcpy((int64_t *)s->time, t->time, (size_t)t->rows * sizeof *t->time);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < s->rows; i++) {
        for (int k = 0; k < s->targets; k++) y[i * s->targets + k] = t->value[i * t->cols + t->target[k]];
        series_scale_row(s, t, centre, scale, i, x + i * s->inputs);
    }
    free(centre);
    return PS_OK;
}

/** From rank 0 to the first rank of each node. Collective over comm. */
static enum ps_status spread(MPI_Comm comm, MPI_Comm node, char *data, int64_t bytes)
{
    int first;
    MPI_Comm firsts;
    MPI_Comm_rank(node, &first);
    if (MPI_Comm_split(comm, first ? MPI_UNDEFINED : 0, 0, &firsts) != MPI_SUCCESS)
        return ps_fail(PS_EMPI, "the first ranks of the nodes could not be found");
    if (first == 0) {
        for (int64_t at = 0; at < bytes; at += PIECE)
            MPI_Bcast(data + at, (int)(bytes - at < PIECE ? bytes - at : PIECE), MPI_BYTE, 0, firsts);
        MPI_Comm_free(&firsts);
    }
    MPI_Barrier(node);
    return PS_OK;
}

enum ps_status series_open(MPI_Comm comm, const struct series_wish *wish, const struct series_plan *plan,
                           struct series *out)
{
    int rank;
    struct series_table t = {.rows = 0};
    struct series_report found;
    struct series s = {.node = MPI_COMM_NULL};
    enum ps_status rc = PS_OK;
    MPI_Comm_rank(comm, &rank);
    if (rank == 0) {
        rc = series_table_read(wish, &t);
        if (rc == PS_OK) rc = series_grid_make(wish->path, &t, plan->missing, plan->fill, &found);
        if (rc == PS_OK) rc = settle(&t, &found, plan, &s);
    }
    PS_TRY_DONE(ps_agree(comm, rc));
    MPI_Bcast(&s, sizeof s, MPI_BYTE, 0, comm);
    s.node = MPI_COMM_NULL;
    if (MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &s.node) != MPI_SUCCESS)
        rc = ps_fail(PS_EMPI, "the ranks of a node could not be found");
    PS_TRY_DONE(ps_agree(comm, rc));
    int64_t bytes = lay_out(&s);
    PS_TRY_DONE(ps_agree(comm, ps_shared_open(s.node, bytes, &s.memory)));
    lay_out(&s);
    rc = rank == 0 ? write_arrays(&s, &t) : PS_OK;
    PS_TRY_DONE(ps_agree(comm, rc));
    rc = ps_agree(comm, spread(comm, s.node, s.memory.data, bytes));
done:
    series_table_free(&t);
    if (rc != PS_OK) series_close(&s);
    *out = s;
    return rc;
}

void series_close(struct series *s)
{
    if (s->memory.data) ps_shared_close(&s->memory);
    if (s->rows && s->node != MPI_COMM_NULL) MPI_Comm_free(&s->node);
    *s = (struct series){.rows = 0};
}
