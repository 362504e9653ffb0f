/* Phases: seconds, useful work and counts by name, and their spread over the ranks. */
#include "common/run/timer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/run/energy.h"
#include "common/run/energy_gpu.h"
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/run_parts.h"
#include "common/run/waiting.h"

enum { PHASES_MAX = 64, COUNTS_MAX = 16 };

struct phase {
    const char *name; /* a literal */
    double seconds;
    double useful; /* seconds outside of waits for other ranks */
    double cpu;    /* processor seconds of the rank's threads in them */
    int64_t calls;
    int ncounts;
    struct {
        const char *name; /* a literal */
        int64_t value;
    } counts[COUNTS_MAX];
};

struct ps_timer {
    double start, since;        /* of the run, of the current phase */
    struct ps_waited waited;    /* when the current phase began */
    bool counts;                /* joules of this node */
    struct ps_energy energy;    /* of its processors, */
    struct ps_energy_gpus gpus; /* of its GPUs */
    int n, now;                 /* phases known, the current one or -1 */
    struct phase phase[PHASES_MAX];
};

double ps_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Collective. */
static bool first_of_node(const struct ps_run *run)
{
    MPI_Comm node;
    int here;
    if (ps_alone(run)) return true;
    MPI_Comm_split_type(run->comm, MPI_COMM_TYPE_SHARED, run->rank, MPI_INFO_NULL, &node);
    MPI_Comm_rank(node, &here);
    MPI_Comm_free(&node);
    return here == 0;
}

enum ps_status ps_timer_make(const struct ps_run *run, double start, bool reported, struct ps_timer **out)
{
    const bool counts = reported && first_of_node(run);
    PS_TRY(ps_zalloc(out, 1, sizeof **out, "the phases of the run"));
    (*out)->start = start;
    (*out)->now = -1;
    (*out)->counts = counts;
    if (!reported) return PS_OK; /* looking at clocks takes a microsecond a call of MPI */
    ps_wait_watch(true);
    if (!counts) return PS_OK;
    ps_energy_open("/sys/class/powercap", ps_now(), &(*out)->energy);
    ps_energy_gpus_open("/dev/nvidiactl", "libnvidia-ml.so.1", &(*out)->gpus);
    return PS_OK;
}

void ps_timer_free(struct ps_timer *t)
{
    ps_wait_watch(false);
    if (t) ps_energy_gpus_close(&t->gpus);
    free(t);
}

double ps_elapsed(const struct ps_run *run)
{
    return run->timer ? ps_now() - run->timer->start : 0;
}

static void end_phase(struct ps_timer *t)
{
    const double now = ps_now(), seldom = 1; /* seconds between looks at files */
    const struct ps_waited waited = ps_waited();
    if (t->now >= 0) {
        struct phase *p = &t->phase[t->now];
        p->seconds += now - t->since;
        p->useful += now - t->since - (waited.seconds - t->waited.seconds);
        p->cpu += waited.cpu - t->waited.cpu;
    }
    if (now - t->energy.time > seldom) ps_energy_look(now, &t->energy);
    t->since = now;
    t->waited = waited;
    t->now = -1;
}

void ps_phase(struct ps_run *run, const char *name)
{
    struct ps_timer *t = run->timer;
    if (!t) return;
    end_phase(t);
    if (!name) return;
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
    struct work {
        double seconds, useful, cpu;
    } work_sum[PHASES_MAX + 1], work_max[PHASES_MAX + 1]; /* of each phase, then of all together */
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

static void reduce_work(const struct ps_run *run, struct spread *s)
{
    const struct ps_timer *t = run->timer;
    struct work mine[PHASES_MAX + 1] = {{0}}, *all = &mine[t->n];
    const int n = 3 * (t->n + 1);
    for (int i = 0; i < t->n; i++) {
        const struct phase *p = &t->phase[i];
        mine[i] = (struct work){p->seconds, p->useful, p->cpu};
        all->seconds += p->seconds, all->useful += p->useful, all->cpu += p->cpu;
    }
    if (ps_alone(run)) {
        memcpy(s->work_sum, mine, sizeof mine);
        memcpy(s->work_max, mine, sizeof mine);
        return;
    }
    MPI_Reduce(mine, s->work_sum, n, MPI_DOUBLE, MPI_SUM, 0, run->comm);
    MPI_Reduce(mine, s->work_max, n, MPI_DOUBLE, MPI_MAX, 0, run->comm);
}

/* Joules of all nodes since the start; NaN if a node's counters cannot be read, or nobody has any. */
struct joules {
    double processors, gpus;
};

static struct joules joules(const struct ps_run *run)
{
    struct ps_timer *t = run->timer;
    enum { PROCESSORS, GPUS, DARK, DARK_GPUS, DEVICES, SUMS }; /* dark: nodes that do not know */
    double mine[SUMS] = {0}, all[SUMS] = {0};
    if (t->counts) {
        ps_energy_look(ps_now(), &t->energy);
        ps_energy_gpus_look(&t->gpus);
        mine[PROCESSORS] = t->energy.joules, mine[DARK] = t->energy.zones == 0;
        mine[GPUS] = t->gpus.joules, mine[DARK_GPUS] = t->gpus.unknown, mine[DEVICES] = t->gpus.devices;
    }
    if (ps_alone(run))
        memcpy(all, mine, sizeof all);
    else
        MPI_Reduce(mine, all, SUMS, MPI_DOUBLE, MPI_SUM, 0, run->comm);
    return (struct joules){all[DARK] > 0 ? NAN : all[PROCESSORS],
                           all[DARK_GPUS] > 0 || all[DEVICES] == 0 ? NAN : all[GPUS]};
}

static void tell_work(struct ps_run *run, const struct spread *s, const struct joules *energy)
{
    const struct work *sum = &s->work_sum[run->timer->n], *max = &s->work_max[run->timer->n];
    const double mean = sum->useful / run->size;
    ps_debug(run, "load balance %.3f, communication efficiency %.3f\n",
             max->useful > 0 ? mean / max->useful : 1, max->seconds > 0 ? max->useful / max->seconds : 1);
    ps_record_begin(run, "work");
    ps_record_num(run, "seconds", max->seconds);
    ps_record_num(run, "useful", mean);
    ps_record_num(run, "useful_max", max->useful);
    ps_record_num(run, "cpu", sum->cpu / run->size);
    ps_record_num(run, "cpu_max", max->cpu);
    if (!isnan(energy->processors)) ps_record_num(run, "joules", energy->processors);
    if (!isnan(energy->gpus)) ps_record_num(run, "gpu_joules", energy->gpus);
    ps_record_end(run);
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
        ps_record_num(run, "useful", s->work_sum[i].useful / run->size);
        ps_record_num(run, "useful_max", s->work_max[i].useful);
        ps_record_num(run, "cpu", s->work_sum[i].cpu / run->size);
        ps_record_num(run, "cpu_max", s->work_max[i].cpu);
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
    reduce_work(run, s);
    const struct joules energy = joules(run);
    if (run->rank == 0) {
        tell(run, s);
        tell_work(run, s, &energy);
    }
    free(s);
    return PS_OK;
}
