/* Phases: seconds and counts by name, and their spread over the ranks. */
#include "common/run/timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/run_parts.h"

enum { PHASES_MAX = 64, COUNTS_MAX = 16 };

struct phase {
    const char *name; /* a literal */
    double seconds;
    int64_t calls;
    int ncounts;
    struct {
        const char *name; /* a literal */
        int64_t value;
    } counts[COUNTS_MAX];
};

struct ps_timer {
    double start, since; /* of the run, of the current phase */
    int n, now;          /* phases known, the current one or -1 */
    struct phase phase[PHASES_MAX];
};

double ps_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum ps_status ps_timer_make(double start, struct ps_timer **out)
{
    PS_TRY(ps_zalloc(out, 1, sizeof **out, "the phases of the run"));
    (*out)->start = start;
    (*out)->now = -1;
    return PS_OK;
}

void ps_timer_free(struct ps_timer *t)
{
    free(t);
}

double ps_elapsed(const struct ps_run *run)
{
    return run->timer ? ps_now() - run->timer->start : 0;
}

static void end_phase(struct ps_timer *t)
{
    double now = ps_now();
    if (t->now >= 0) t->phase[t->now].seconds += now - t->since;
    t->since = now;
    t->now = -1;
}

void ps_phase(struct ps_run *run, const char *name)
{
    struct ps_timer *t = run->timer;
    if (!t) return;
    end_phase(t);
    int at = 0;
    while (at < t->n && strcmp(t->phase[at].name, name) != 0) at++;
    if (at == PHASES_MAX) at = PHASES_MAX - 1; /* what is too much goes to the last one */
    if (at == t->n) t->phase[t->n++].name = name;
    t->phase[at].calls++;
    t->now = at;
}

void ps_phase_count(struct ps_run *run, const char *name, int64_t count)
{
    struct ps_timer *t = run->timer;
    if (!t || t->now < 0) return;
    struct phase *p = &t->phase[t->now];
    int at = 0;
    while (at < p->ncounts && strcmp(p->counts[at].name, name) != 0) at++;
    if (at == COUNTS_MAX) return;
    if (at == p->ncounts) p->counts[p->ncounts++].name = name;
    p->counts[at].value += count;
}

/* What all ranks must have in common before arrays are reduced. */
static int64_t signature(const struct ps_timer *t)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (int i = 0; i < t->n; i++) {
        const struct phase *p = &t->phase[i];
        for (const char *c = p->name; *c; c++) h = (h ^ (unsigned char)*c) * 1099511628211u;
        h = (h ^ (unsigned)p->ncounts) * 1099511628211u;
        for (int k = 0; k < p->ncounts; k++)
            for (const char *c = p->counts[k].name; *c; c++) h = (h ^ (unsigned char)*c) * 1099511628211u;
    }
    return (int64_t)(h >> 1);
}

/* What the ranks' phases come to, on rank 0. */
struct spread {
    struct {
        double seconds;
        int rank;
    } max[PHASES_MAX];
    double min[PHASES_MAX], sum[PHASES_MAX];
    int64_t count_sum[PHASES_MAX * COUNTS_MAX], count_max[PHASES_MAX * COUNTS_MAX];
};

static void reduce(const struct ps_run *run, struct spread *s)
{
    const struct ps_timer *t = run->timer;
    struct spread mine = {0};
    int counts = 0;
    for (int i = 0; i < t->n; i++) {
        mine.max[i].seconds = mine.min[i] = mine.sum[i] = t->phase[i].seconds;
        mine.max[i].rank = run->rank;
        for (int k = 0; k < t->phase[i].ncounts; k++) mine.count_sum[counts++] = t->phase[i].counts[k].value;
    }
    if (ps_alone(run)) {
        *s = mine;
        memcpy(s->count_max, mine.count_sum, sizeof s->count_max);
        return;
    }
    MPI_Reduce(mine.max, s->max, t->n, MPI_DOUBLE_INT, MPI_MAXLOC, 0, run->comm);
    MPI_Reduce(mine.min, s->min, t->n, MPI_DOUBLE, MPI_MIN, 0, run->comm);
    MPI_Reduce(mine.sum, s->sum, t->n, MPI_DOUBLE, MPI_SUM, 0, run->comm);
    if (!counts) return;
    MPI_Reduce(mine.count_sum, s->count_sum, counts, MPI_INT64_T, MPI_SUM, 0, run->comm);
    MPI_Reduce(mine.count_sum, s->count_max, counts, MPI_INT64_T, MPI_MAX, 0, run->comm);
}

static void tell(struct ps_run *run, const struct spread *s)
{
    const struct ps_timer *t = run->timer;
    char name[80];
    ps_debug(run, "%-24s %9s %9s %9s  %s\n", "phase", "min s", "mean s", "max s", "rank of max");
    for (int i = 0, c = 0; i < t->n; i++) {
        const struct phase *p = &t->phase[i];
        double mean = s->sum[i] / run->size;
        ps_debug(run, "%-24s %9.3f %9.3f %9.3f  %d\n", p->name, s->min[i], mean, s->max[i].seconds,
                 s->max[i].rank);
        ps_record_begin(run, "phase");
        ps_record_str(run, "name", p->name);
        ps_record_num(run, "min", s->min[i]);
        ps_record_num(run, "mean", mean);
        ps_record_num(run, "max", s->max[i].seconds);
        ps_record_int(run, "rank_of_max", s->max[i].rank);
        ps_record_int(run, "calls", p->calls);
        for (int k = 0; k < p->ncounts; k++, c++) {
            ps_record_int(run, p->counts[k].name, s->count_sum[c]);
            snprintf(name, sizeof name, "%s_max", p->counts[k].name);
            ps_record_int(run, name, s->count_max[c]);
            ps_debug(run, "  %-22s %lld, at most %lld on a rank\n", p->counts[k].name,
                     (long long)s->count_sum[c], (long long)s->count_max[c]);
        }
        ps_record_end(run);
    }
}

enum ps_status ps_phases_report(struct ps_run *run)
{
    if (!run->timer) return PS_OK;
    end_phase(run->timer);
    /* a failing run may end in different phases */
    int64_t mine = signature(run->timer), both[2] = {mine, -mine}, max[2];
    if (ps_alone(run))
        memcpy(max, both, sizeof max);
    else
        MPI_Allreduce(both, max, 2, MPI_INT64_T, MPI_MAX, run->comm);
    if (max[0] != -max[1] || run->timer->n == 0) return PS_OK;
    struct spread *s;
    PS_TRY(ps_agree(run->comm, ps_alloc(&s, 1, sizeof *s, "the spread of phases")));
    reduce(run, s);
    if (run->rank == 0) tell(run, s);
    free(s);
    return PS_OK;
}
