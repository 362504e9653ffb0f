/* The roofline of Williams, Waterman and Patterson (2009): what a training reached of what the machine can
 * do.
 */
#include <math.h>
#include <string.h>
#include "apps/results/report.h"

enum { POINTS = FIGURE_CURVES_MAX - 1, NAME = 64 };

struct roof {
    double flops, bytes; /* a second */
};

/* A curve of one point, and its name. */
struct point {
    double x, y;
    char name[NAME];
};

/* At most, with so many FLOP for each byte. */
static double bound(const struct roof *r, double intensity)
{
    return fmin(r->flops, r->bytes * intensity) / 1e9;
}

/* Parts of a step lie where they were measured; kinds of layers, of which no time is known, on the roof. */
static int points_of(const struct ps_recorded *r, const struct roof *roof, struct point *p)
{
    const struct ps_recorded_event *e;
    int n = 0;
    for (int64_t i = 0; n < POINTS && (e = ps_recorded_event(r, "cost", i)); i++) {
        const double flop = ps_recorded_num(e, "flop", NAN), bytes = ps_recorded_num(e, "bytes", NAN),
                     seconds = ps_recorded_num(e, "seconds", NAN);
        if (!(flop > 0 && bytes > 0) || seconds <= 0) continue;
        p[n].x = flop / bytes;
        p[n].y = isnan(seconds) ? bound(roof, p[n].x) : flop / seconds / 1e9;
        snprintf(p[n].name, NAME, "%.40s", ps_recorded_str(e, "of", "?"));
        n++;
    }
    return n;
}

void report_roofline(FILE *to, const struct ps_recorded *r)
{
    const struct ps_recorded_event *peak = ps_recorded_event(r, "peak", -1);
    const struct roof roof = {ps_recorded_num(peak, "flops", NAN),
                              ps_recorded_num(peak, "bytes_per_second", NAN)};
    struct point p[POINTS];
    char title[NAME];
    if (!(roof.flops > 0 && roof.bytes > 0)) return;
    const int n = points_of(r, &roof, p);
    if (n == 0) return;
    const double ridge = roof.flops / roof.bytes, margin = 3;
    double x[3] = {ridge, ridge, ridge}, y[3];
    for (int i = 0; i < n; i++) x[0] = fmin(x[0], p[i].x), x[2] = fmax(x[2], p[i].x);
    x[0] /= margin, x[2] *= margin;
    for (int i = 0; i < 3; i++) y[i] = bound(&roof, x[i]);
    snprintf(title, sizeof title, "roofline: %.3g GFLOP/s, %.3g GB/s", roof.flops / 1e9, roof.bytes / 1e9);
    struct figure f = {.title = title,
                       .x_name = "FLOP per byte, counted",
                       .y_name = "GFLOP/s",
                       .x_log = true,
                       .y_log = true,
                       .curves = n + 1,
                       .curve = {{.name = "roof, measured", .n = 3, .x = x, .y = y, .colour = -1}}};
    for (int i = 0; i < n; i++)
        f.curve[i + 1] = (struct figure_curve){
            .name = p[i].name, .n = 1, .x = &p[i].x, .y = &p[i].y, .bare = true, .marks = true, .colour = i};
    report_figure_said(to, &f,
                       "Passes and steps lie where they were measured; layers, whose seconds are not, on the "
                       "roof. Bytes are counted: what layers must read and write.");
}
