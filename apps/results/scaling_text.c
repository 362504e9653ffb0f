/* Scaling studies as Markdown, CSV, and in the text format of Extra-P (Calotoiu et al. 2013). */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "apps/results/scaling.h"
#include "common/run/err.h"

void scaling_title(const struct scaling_group *g, char *text, size_t room)
{
    const double size = g->points > 0 ? g->point[0].size : NAN;
    if (isnan(size))
        snprintf(text, room, "%s, %s", g->program, scaling_kind_name[g->kind]);
    else
        snprintf(text, room, "%s, %s, %.0f samples%s", g->program, scaling_kind_name[g->kind], size,
                 g->kind == SCALING_STRONG ? "" : " at first");
}

/* A number, or a dash where there is none. */
static void put(FILE *to, const char *format, double v)
{
    if (isnan(v))
        fputs(" - |", to);
    else
        fprintf(to, format, v);
}

static void points(const struct scaling_group *g, FILE *to)
{
    bool joules = false, gpus = false; /* columns only where counters could be read */
    for (int i = 0; i < g->points; i++) {
        joules = joules || !isnan(g->point[i].joules);
        gpus = gpus || !isnan(g->point[i].gpu_joules);
    }
    fprintf(to,
            "| ranks | threads | time | runs | seconds | from | to | speed-up | efficiency | load balance | "
            "communication |%s%s\n|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|%s%s\n",
            joules ? " joules |" : "", gpus ? " GPU joules |" : "", joules ? "--:|" : "", gpus ? "--:|" : "");
    for (int i = 0; i < g->points; i++) {
        const struct scaling_point *p = &g->point[i];
        fprintf(to, "| %d | %d | %s | %d | %.4g | %.4g | %.4g | %.2f | %.3f |", p->ranks, p->threads,
                scaling_origin_name[p->origin], p->seconds.n, p->seconds.median, p->seconds.low,
                p->seconds.high, p->speedup, p->efficiency);
        put(to, " %.3f |", p->balance);
        put(to, " %.3f |", p->communication);
        if (joules) put(to, " %.4g |", p->joules);
        if (gpus) put(to, " %.4g |", p->gpu_joules);
        fputs("\n", to);
    }
    for (int i = 0; i < g->predicted; i++)
        fprintf(to, "| %.0f | | predicted | | | | | %.2f | %.3f | - | - |%s%s\n", g->predicted_ranks[i],
                g->predicted_ranks[i] * g->predicted_efficiency[i], g->predicted_efficiency[i],
                joules ? " - |" : "", gpus ? " - |" : "");
}

static void error_of(const struct scaling_fit *f, FILE *to)
{
    if (isnan(f->error)) {
        fputs("; too few points to say how far off it is.\n", to);
        return;
    }
    fprintf(to, "; points left out one by one are off by %.1f %%", 100 * f->error);
    if (!isnan(f->ahead))
        fprintf(to, ", the largest number of workers, fitted without it, by %+.1f %%", 100 * f->ahead);
    fputs(".\n", to);
}

static void extrapolated(const struct scaling_group *g, const struct scaling_fit *f, FILE *to)
{
    int most = 1;
    for (int i = 0; i < g->points; i++)
        if (g->point[i].origin == g->fitted && g->point[i].workers > most) most = g->point[i].workers;
    fputs("  Extrapolated:", to);
    for (int k = 2; k <= 8; k *= 2)
        fprintf(to, "%s %.4g s on %d", k > 2 ? "," : "", scaling_model(f, (double)k * most), k * most);
    fputs(".\n", to);
}

static void fits(const struct scaling_group *g, FILE *to)
{
    if (g->amdahl.there || g->gustafson.there || g->allreduce.there)
        fprintf(to, "\nFitted to %s times:\n\n", scaling_origin_name[g->fitted]);
    if (g->amdahl.there) {
        fprintf(to, "- Amdahl: serial fraction %.4f, t = %.4g + %.4g / p s", g->amdahl.serial, g->amdahl.a,
                g->amdahl.b);
        error_of(&g->amdahl, to);
        extrapolated(g, &g->amdahl, to);
    }
    if (g->gustafson.there) {
        fprintf(to, "- Gustafson: serial fraction %.4f", g->gustafson.serial);
        error_of(&g->gustafson, to);
    }
    if (g->allreduce.there) {
        const struct scaling_fit *f = &g->allreduce;
        fprintf(to, "- with an allreduce: t = %.4g + %.4g / p + %.4g log2 p s", f->a, f->b, f->c);
        error_of(f, to);
        extrapolated(g, f, to);
    }
}

static void notes(const struct scaling *s, const struct scaling_group *g, FILE *to)
{
    if (s->fastest) fputs("\nOf repetitions the fastest is taken.\n", to);
    bool simulated = false;
    for (int i = 0; i < g->points; i++) simulated = simulated || g->point[i].origin == SCALING_SIMULATED;
    if (simulated)
        fputs("\nSimulated: more workers than cores; the time is the largest processor time of a rank "
              "outside of "
              "MPI and of waits. Messages cost nothing in it.\n",
              to);
    if (g->predicted > 0)
        fputs(
            "\nPredicted: efficiency with as many samples a rank and step as in the run, from the network's "
            "latency and bandwidth.\n",
            to);
}

void scaling_markdown(const struct scaling *s, FILE *to)
{
    char title[256];
    for (int g = 0; g < s->groups; g++) {
        scaling_title(&s->group[g], title, sizeof title);
        fprintf(to, "%s## %s", g ? "\n" : "", title);
        if (s->phase[0]) fprintf(to, ", phase %s", s->phase);
        fputs("\n\n", to);
        points(&s->group[g], to);
        fits(&s->group[g], to);
        notes(s, &s->group[g], to);
    }
    if (s->left > 0) fprintf(to, "\n%d runs that did not end well are left out.\n", s->left);
}

static void csv_number(FILE *to, double v)
{
    if (isnan(v))
        fputc(',', to);
    else
        fprintf(to, ",%.9g", v);
}

void scaling_csv(const struct scaling *s, FILE *to)
{
    fputs("program,kind,origin,ranks,threads,runs,size,seconds,seconds_low,seconds_high,speedup,efficiency,"
          "load_balance,communication_efficiency,joules,gpu_joules\n",
          to);
    for (int k = 0; k < s->groups; k++) {
        const struct scaling_group *g = &s->group[k];
        for (int i = 0; i < g->points; i++) {
            const struct scaling_point *p = &g->point[i];
            const double numbers[] = {p->size,    p->seconds.median, p->seconds.low, p->seconds.high,
                                      p->speedup, p->efficiency,     p->balance,     p->communication,
                                      p->joules,  p->gpu_joules};
            fprintf(to, "%s,%s,%s,%d,%d,%d", g->program, scaling_kind_name[g->kind],
                    scaling_origin_name[p->origin], p->ranks, p->threads, p->seconds.n);
            for (size_t c = 0; c < sizeof numbers / sizeof *numbers; c++) csv_number(to, numbers[c]);
            fputc('\n', to);
        }
        for (int i = 0; i < g->predicted; i++)
            fprintf(to, "%s,weak scaling,predicted,%.0f,,,,,,,%.9g,%.9g,,,,\n", g->program,
                    g->predicted_ranks[i], g->predicted_ranks[i] * g->predicted_efficiency[i],
                    g->predicted_efficiency[i]);
    }
}

/* Mean over the ranks of a phase's seconds; the time of the whole run for NULL. */
static double time_of(const struct scaling_run *r, const char *phase)
{
    const struct ps_recorded_event *e;
    if (!phase) return r->seconds;
    for (int64_t i = 0; (e = ps_recorded_event(r->record, "phase", i)); i++)
        if (strcmp(ps_recorded_str(e, "name", ""), phase) == 0) return ps_recorded_num(e, "mean", 0);
    return 0;
}

/* Lines of one region. Extra-P's numbers have no exponent. */
static void region(const struct scaling *s, int group, const char *phase, FILE *to)
{
    const struct scaling_group *g = &s->group[group];
    fputs("\nREGION run", to);
    if (phase) {
        fputs("->", to);
        for (const char *c = phase; *c; c++) fputc(*c == ' ' ? '_' : *c, to);
    }
    for (int k = 0; k < g->points; k++) {
        const struct scaling_point *p = &g->point[k];
        if (p->origin != SCALING_MEASURED) continue;
        fputs("\nDATA", to);
        for (int i = 0; i < s->runs; i++) {
            const struct scaling_run *r = &s->run[i];
            if (r->group == group && r->ranks == p->ranks && r->threads == p->threads && !r->crowded)
                fprintf(to, " %.9f", time_of(r, phase));
        }
    }
    fputc('\n', to);
}

enum ps_status scaling_extrap(const struct scaling *s, int group, FILE *to)
{
    const struct scaling_group *g = &s->group[group];
    const struct scaling_run *first = NULL;
    for (int i = 0; i < s->runs && !first; i++)
        if (s->run[i].group == group) first = &s->run[i];
    PS_CHECK(first && g->points > 0, PS_EINPUT, "%s: no point to write", g->program);
    fputs("PARAMETER ranks\nPARAMETER threads\nPOINTS", to);
    for (int k = 0; k < g->points; k++)
        if (g->point[k].origin == SCALING_MEASURED)
            fprintf(to, " (%d %d)", g->point[k].ranks, g->point[k].threads);
    fputs("\nMETRIC time", to);
    region(s, group, NULL, to);
    const struct ps_recorded_event *e;
    for (int64_t i = 0; (e = ps_recorded_event(first->record, "phase", i)); i++)
        region(s, group, ps_recorded_str(e, "name", "?"), to);
    return PS_OK;
}
