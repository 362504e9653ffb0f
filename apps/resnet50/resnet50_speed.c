/* How fast training was. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "apps/resnet50/resnet50_report.h"
#include "common/nn/scaling.h"
#include "common/run/log.h"
#include "common/run/record.h"

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Images of a step, by its number since the run began. */
static int64_t images_of(const struct resnet50_speed *s, int64_t step)
{
    const int64_t steps = (s->images + s->step - 1) / s->step, left = s->images - step % steps * s->step;
    return left < s->step ? left : s->step;
}

enum ps_status resnet50_rates(const struct resnet50_speed *s, const double *seconds, int64_t steps,
                              int64_t first, struct resnet50_rates *out)
{
    const int64_t from = steps > 1, n = steps - from; /* the first one touches memory that is not there yet */
    double *rate, images = 0, time = 0, squares = 0;
    *out = (struct resnet50_rates){.steps = n};
    if (n == 0) return PS_OK;
    PS_TRY(ps_alloc(&rate, n, sizeof *rate, "the rates of steps"));
    for (int64_t i = 0; i < n; i++) {
        const double here = (double)images_of(s, first + from + i);
        rate[i] = here / seconds[from + i];
        images += here;
        time += seconds[from + i];
    }
    out->mean = images / time;
    for (int64_t i = 0; i < n; i++) squares += (rate[i] - out->mean) * (rate[i] - out->mean);
    qsort(rate, (size_t)n, sizeof *rate, compare);
    out->median = n % 2 ? rate[n / 2] : (rate[n / 2 - 1] + rate[n / 2]) / 2;
    out->deviation = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
    out->least = rate[0];
    out->most = rate[n - 1];
    free(rate);
    return PS_OK;
}

/** Parts of a step, as people know them. */
static const struct part {
    const char *title, *name;
    enum ps_train_span span[2];
    int spans;
} parts[] = {{"data wait", "data_seconds", {PS_SPAN_LOAD}, 1},
             {"forward", "forward_seconds", {PS_SPAN_FORWARD}, 1},
             {"backward", "backward_seconds", {PS_SPAN_BACKWARD}, 1},
             {"exchange", "exchange_seconds", {PS_SPAN_SUM, PS_SPAN_WAIT}, 2},
             {"update", "update_seconds", {PS_SPAN_UPDATE, PS_SPAN_PREPARE}, 2}};
enum { PARTS = sizeof parts / sizeof *parts };

static double seconds_of(const struct part *p, const double *span)
{
    double sum = 0;
    for (int i = 0; i < p->spans; i++) sum += span[p->span[i]];
    return sum;
}

/* A device that does nothing else waits for data; what its host does meanwhile is no part of a step. */
static void of_device(const struct ps_train_times *times, double *span)
{
    double left = 0;
    for (int64_t i = 0; i < times->steps; i++) left += times->step[i];
    span[PS_SPAN_LOAD] = span[PS_SPAN_WAIT] = 0;
    for (int i = 0; i < PS_SPANS; i++) left -= span[i];
    if (left > 0) span[PS_SPAN_LOAD] = left;
}

static void split(struct ps_run *run, const struct ps_train_times *times)
{
    double span[PS_SPANS], all = 0;
    memcpy(span, times->span, sizeof span);
    if (span[PS_SPAN_FORWARD] == 0) return; /* of a device, whose times are not known */
    if (times->device) of_device(times, span);
    for (int i = 0; i < PARTS; i++) all += seconds_of(&parts[i], span);
    ps_print(run, "time of steps:");
    for (int i = 0; i < PARTS; i++) {
        const double here = seconds_of(&parts[i], span);
        ps_print(run, "%s %s %.1f %%", i ? "," : "", parts[i].title, 100 * here / all);
        ps_record_num(run, parts[i].name, here);
    }
    ps_print(run, "\n");
}

/* Collective. */
static void memory(struct ps_run *run)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    int64_t mine = (int64_t)usage.ru_maxrss * 1024, most = 0, sum = 0;
    MPI_Reduce(&mine, &most, 1, MPI_INT64_T, MPI_MAX, 0, run->comm);
    MPI_Reduce(&mine, &sum, 1, MPI_INT64_T, MPI_SUM, 0, run->comm);
    ps_print(run, "memory: %.0f MB at most on a rank, %.0f MB together\n", (double)most / 1e6,
             (double)sum / 1e6);
    ps_record_int(run, "memory_max", most);
    ps_record_int(run, "memory_sum", sum);
}

enum ps_status resnet50_speed(struct ps_run *run, const struct resnet50_speed *s,
                              const struct ps_trained *trained)
{
    const struct ps_train_times *times = &trained->times;
    struct resnet50_rates r;
    PS_TRY(
        ps_agree(run->comm, resnet50_rates(s, times->step, times->steps, trained->steps - times->steps, &r)));
    if (r.steps == 0) return PS_OK;
    const double flops = r.mean * s->flop;
    if (s->params) PS_TRY(ps_scaling_tell(run, s->params, times));
    ps_record_begin(run, "speed");
    ps_print(run, "images/s over %lld steps: mean %.2f, median %.2f, deviation %.2f, from %.2f to %.2f\n",
             (long long)r.steps, r.mean, r.median, r.deviation, r.least, r.most);
    split(run, times);
    ps_print(run, "model: %.3g GFLOP an image, %.4g GFLOP/s", s->flop / 1e9, flops / 1e9);
    if (s->peak > 0)
        ps_print(run, ", %.1f %% of the measured peak of %.4g GFLOP/s", 100 * flops / s->peak, s->peak / 1e9);
    ps_print(run, "\n");
    memory(run);
    ps_print(run, "total images/sec: %.2f\n", r.mean);
    ps_record_int(run, "steps", r.steps);
    ps_record_num(run, "images_per_second", r.mean);
    ps_record_num(run, "median", r.median);
    ps_record_num(run, "deviation", r.deviation);
    ps_record_num(run, "least", r.least);
    ps_record_num(run, "most", r.most);
    ps_record_num(run, "flop_per_image", s->flop);
    ps_record_num(run, "flops", flops);
    if (s->peak > 0) ps_record_num(run, "peak_flops", s->peak);
    ps_record_end(run);
    return PS_OK;
}
