#include "apps/results/scaling_plot.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

const char *const scaling_plot_name[SCALING_PLOTS] = {"speedup", "efficiency", "phases"};

enum { FITTED = 64, BLOCKS = 24, PHASES_MOST = 20 };

static double *take(double **next, int n)
{
    double *here = *next;
    *next += n;
    return here;
}

/* Points of one origin. */
static void add_points(const struct scaling_group *g, enum scaling_origin origin, enum scaling_plot plot,
                       double **next, struct figure *f)
{
    double *x = take(next, g->points), *y = take(next, g->points), *low = take(next, g->points),
           *high = take(next, g->points);
    const bool speed = plot == SCALING_SPEEDUP;
    int n = 0;
    for (int i = 0; i < g->points; i++) {
        const struct scaling_point *p = &g->point[i];
        if (p->origin != origin) continue;
        x[n] = p->workers;
        y[n] = speed ? p->speedup : p->efficiency;
        low[n] = speed ? p->speedup_low : p->efficiency * p->speedup_low / p->speedup;
        high[n++] = speed ? p->speedup_high : p->efficiency * p->speedup_high / p->speedup;
    }
    if (n == 0) return;
    f->curve[f->curves++] = (struct figure_curve){.name = scaling_origin_name[origin],
                                                  .n = n,
                                                  .x = x,
                                                  .y = y,
                                                  .low = low,
                                                  .high = high,
                                                  .marks = true,
                                                  .colour = (int)origin};
}

static void add_part(const struct scaling_group *g, bool balance, double **next, struct figure *f)
{
    double *x = take(next, g->points), *y = take(next, g->points);
    int n = 0;
    for (int i = 0; i < g->points; i++) {
        const struct scaling_point *p = &g->point[i];
        const double v = balance ? p->balance : p->communication;
        if (p->origin != g->fitted || isnan(v)) continue;
        x[n] = p->workers;
        y[n++] = v;
    }
    if (n == 0) return;
    f->curve[f->curves++] = (struct figure_curve){.name = balance ? "load balance" : "communication",
                                                  .n = n,
                                                  .x = x,
                                                  .y = y,
                                                  .marks = true,
                                                  .colour = balance ? 2 : 3};
}

static void range_of(const struct scaling_group *g, double *first, double *last)
{
    *first = INFINITY, *last = 1;
    for (int i = 0; i < g->points; i++) {
        *first = fmin(*first, g->point[i].workers);
        *last = fmax(*last, g->point[i].workers);
    }
    for (int i = 0; i < g->predicted; i++) *last = fmax(*last, g->predicted_ranks[i]);
}

/* The ideal, and the model with an allreduce up to where points end. */
static void add_models(const struct scaling_group *g, enum scaling_plot plot, double **next, struct figure *f)
{
    double first, last, *x = take(next, FITTED), *ideal = take(next, FITTED), *model = take(next, FITTED);
    const struct scaling_fit *fit = g->allreduce.there ? &g->allreduce : &g->amdahl;
    range_of(g, &first, &last);
    const struct scaling_point *from = NULL;
    for (int i = 0; i < g->points && !from; i++)
        if (g->point[i].origin == g->fitted) from = &g->point[i];
    for (int i = 0; i < FITTED; i++) {
        x[i] = first * pow(last / first, (double)i / (FITTED - 1));
        ideal[i] = plot == SCALING_SPEEDUP ? x[i] / first : 1;
        const double more = from ? x[i] / from->workers : 1;
        const double rate = from && fit->there ? from->seconds.median / scaling_model(fit, x[i]) : NAN;
        const double scaled = g->kind == SCALING_WEAK ? rate * more : rate;
        model[i] = plot == SCALING_SPEEDUP ? scaled : scaled / more;
    }
    f->curve[f->curves++] =
        (struct figure_curve){.name = "ideal", .n = FITTED, .x = x, .y = ideal, .dashed = true, .colour = -1};
    if (fit->there && fit->points > 2)
        f->curve[f->curves++] = (struct figure_curve){
            .name = "fitted", .n = FITTED, .x = x, .y = model, .dashed = true, .colour = (int)g->fitted};
}

static void add_predicted(const struct scaling_group *g, enum scaling_plot plot, double **next,
                          struct figure *f)
{
    double *y = take(next, SCALING_PREDICTED_MAX);
    for (int i = 0; i < g->predicted; i++)
        y[i] = g->predicted_efficiency[i] * (plot == SCALING_SPEEDUP ? g->predicted_ranks[i] : 1);
    if (g->predicted > 0)
        f->curve[f->curves++] = (struct figure_curve){.name = "predicted",
                                                      .n = g->predicted,
                                                      .x = g->predicted_ranks,
                                                      .y = y,
                                                      .marks = true,
                                                      .dashed = true,
                                                      .colour = 4};
}

static enum ps_status curves(const struct scaling_group *g, enum scaling_plot plot,
                             struct scaling_figure *out)
{
    struct figure *f = &out->figure;
    PS_TRY(ps_alloc(&out->numbers, BLOCKS * (int64_t)(g->points + FITTED), sizeof *out->numbers, "a figure"));
    double *next = out->numbers;
    f->x_name = "ranks x threads";
    f->y_name = plot == SCALING_SPEEDUP ? "speed-up" : "efficiency";
    f->x_log = true;
    f->y_log = plot == SCALING_SPEEDUP;
    f->y_zero = !f->y_log;
    add_points(g, SCALING_MEASURED, plot, &next, f);
    add_points(g, SCALING_SIMULATED, plot, &next, f);
    if (f->curves == 0) return PS_OK;
    if (plot == SCALING_EFFICIENCY) {
        add_part(g, true, &next, f);
        add_part(g, false, &next, f);
    }
    add_predicted(g, plot, &next, f);
    add_models(g, plot, &next, f);
    return PS_OK;
}

/* The longest phases, the others together. */
static int main_phases(const struct ps_recorded *r, const char **name)
{
    const struct ps_recorded_event *e;
    double time[PHASES_MOST];
    int n = 0;
    for (int64_t i = 0; (e = ps_recorded_event(r, "phase", i)) && n < PHASES_MOST; i++) {
        const double t = ps_recorded_num(e, "mean", 0);
        int at = n++;
        for (; at > 0 && time[at - 1] < t; at--) time[at] = time[at - 1], name[at] = name[at - 1];
        time[at] = t;
        name[at] = ps_recorded_str(e, "name", "?");
    }
    return n < FIGURE_COLOURS - 1 ? n : FIGURE_COLOURS - 1;
}

/* Means over ranks of the phases of the repetition whose time is nearest to the median, into out[parts + 1].
 */
static void phases_of(const struct scaling *s, int group, const struct scaling_point *p,
                      const char *const *name, int parts, double *out)
{
    const struct scaling_run *middle = NULL;
    for (int i = 0; i < s->runs; i++) {
        const struct scaling_run *r = &s->run[i];
        if (r->group != group || r->ranks != p->ranks || r->threads != p->threads || r->crowded) continue;
        if (!middle || fabs(r->seconds - p->seconds.median) < fabs(middle->seconds - p->seconds.median))
            middle = r;
    }
    for (int k = 0; k <= parts; k++) out[k] = 0;
    const struct ps_recorded_event *e;
    for (int64_t k = 0; middle && (e = ps_recorded_event(middle->record, "phase", k)); k++) {
        int at = 0;
        while (at < parts && strcmp(name[at], ps_recorded_str(e, "name", "?")) != 0) at++;
        out[at] += ps_recorded_num(e, "mean", 0);
    }
}

static enum ps_status bars(const struct scaling *s, int group, struct scaling_figure *out)
{
    const struct scaling_group *g = &s->group[group];
    struct figure *f = &out->figure;
    const struct ps_recorded *widest = NULL; /* the run with the most phases */
    int64_t most = 0;
    for (int i = 0; i < s->runs; i++) {
        int64_t n = 0;
        while (ps_recorded_event(s->run[i].record, "phase", n)) n++;
        if (s->run[i].group == group && n > most) most = n, widest = s->run[i].record;
    }
    if (!widest) return PS_OK;
    PS_TRY(
        ps_zalloc(&out->numbers, (int64_t)(g->points + 1) * PHASES_MOST, sizeof *out->numbers, "a figure"));
    PS_TRY(ps_zalloc(&out->text, g->points + 1, sizeof *out->text, "a figure"));
    PS_TRY(ps_zalloc(&out->names, g->points + PHASES_MOST + 1, sizeof *out->names, "a figure"));
    const char **part = out->names + g->points;
    const int parts = main_phases(widest, part);
    part[parts] = "others";
    f->kind = FIGURE_BARS;
    f->x_name = "seconds (mean over ranks)";
    f->y_name = "";
    f->columns = parts + 1;
    for (int i = 0; i < g->points; i++) {
        if (g->point[i].origin != SCALING_MEASURED) continue;
        snprintf(out->text[f->rows], sizeof *out->text, "%d x %d", g->point[i].ranks, g->point[i].threads);
        out->names[f->rows] = out->text[f->rows];
        phases_of(s, group, &g->point[i], part, parts, &out->numbers[f->rows * f->columns]);
        f->rows++;
    }
    f->row_name = out->names;
    f->column_name = part;
    f->value = out->numbers;
    return PS_OK;
}

enum ps_status scaling_figure_make(const struct scaling *s, int group, enum scaling_plot plot,
                                   struct scaling_figure *out)
{
    static const char *const words[] = {"speed-up", "efficiency", "time by phase"};
    *out = (struct scaling_figure){.numbers = NULL};
    snprintf(out->title, sizeof out->title, "%s: %s, %s", s->group[group].program, words[plot],
             scaling_kind_name[s->group[group].kind]);
    out->figure.title = out->title;
    return plot == SCALING_PHASES ? bars(s, group, out) : curves(&s->group[group], plot, out);
}

void scaling_figure_free(struct scaling_figure *f)
{
    free(f->numbers);
    free(f->text);
    free(f->names);
    *f = (struct scaling_figure){.numbers = NULL};
}
