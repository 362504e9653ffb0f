/* Figures as files: SVG, and pixels for PNG. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "apps/results/figure_pen.h"
#include "apps/results/resultfile.h"
#include "common/io/canvas.h"
#include "common/io/picture.h"
#include "common/run/err.h"

enum { MAGNIFY = 2 }; /* pixels of a point of the font, and of a unit of the figure */

static uint32_t mixed(uint32_t colour, double share)
{
    uint32_t out = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        const double c = (colour >> shift) & 0xff;
        out |= (uint32_t)lround(c * share + 255 * (1 - share)) << shift;
    }
    return out;
}

static void box(const struct figure_pen *p, double x, double y, double wide, double high, enum figure_ink ink,
                double share, const char *tip)
{
    (void)tip;
    const int left = (int)lround(x), top = (int)lround(y);
    ps_canvas_box(p->to, left, top, (int)lround(x + wide) - left, (int)lround(y + high) - top,
                  mixed(figure_light[ink], share));
}

/* Dashes go on from piece to piece of a path. */
static void dash(struct ps_canvas *c, const double from[2], const double to[2], double width, uint32_t colour,
                 double *gone)
{
    const double on = 5 * MAGNIFY, whole = 9 * MAGNIFY, length = hypot(to[0] - from[0], to[1] - from[1]);
    for (double at = 0; at < length;) {
        const double phase = fmod(*gone + at, whole),
                     next = fmin(length, at + (phase < on ? on : whole) - phase);
        const double a = at / length, b = next / length;
        if (phase < on)
            ps_canvas_stroke(c, from[0] + a * (to[0] - from[0]), from[1] + a * (to[1] - from[1]),
                             from[0] + b * (to[0] - from[0]), from[1] + b * (to[1] - from[1]), width, colour);
        at = next > at ? next : at + 1e-3;
    }
    *gone += length;
}

static void path(const struct figure_pen *p, const double *x, const double *y, int64_t n, enum figure_ink ink,
                 double width, bool dashed)
{
    double gone = 0;
    const uint32_t colour = figure_light[ink];
    for (int64_t i = 1; i < n; i++) {
        if (dashed)
            dash(p->to, (double[]){x[i - 1], y[i - 1]}, (double[]){x[i], y[i]}, width * MAGNIFY, colour,
                 &gone);
        else
            ps_canvas_stroke(p->to, x[i - 1], y[i - 1], x[i], y[i], width * MAGNIFY, colour);
    }
}

static void mark(const struct figure_pen *p, double x, double y, int shape, enum figure_ink ink)
{
    const double r = 4.0 * MAGNIFY;
    for (double v = -r; v <= r; v++) { /* row by row */
        double half = shape == 0 ? sqrt(fmax(0, r * r - v * v)) : 0.85 * r;
        if (shape == 2) half = r - fabs(v);
        if (shape == 3) half = (v + r) / 2;
        ps_canvas_box(p->to, (int)lround(x - half), (int)lround(y + v), (int)lround(2 * half) + 1, 1,
                      figure_light[ink]);
    }
}

static void text(const struct figure_pen *p, double x, double y, enum figure_anchor anchor,
                 enum figure_ink ink, const char *words)
{
    const double wide = ps_canvas_text_width(MAGNIFY, words);
    const double left = anchor == FIGURE_LEFT ? x : anchor == FIGURE_MIDDLE ? x - wide / 2 : x - wide;
    ps_canvas_text(p->to, (int)lround(left), (int)lround(y) - 3 * MAGNIFY - 1, MAGNIFY, figure_light[ink],
                   words);
}

static void text_up(const struct figure_pen *p, double x, double y, enum figure_ink ink, const char *words)
{
    const double wide = ps_canvas_text_width(MAGNIFY, words);
    ps_canvas_text_up(p->to, (int)lround(x) - 3 * MAGNIFY, (int)lround(y + wide / 2), MAGNIFY,
                      figure_light[ink], words);
}

static enum ps_status write_png(const struct figure *f, int wide, int high, const char *path_name)
{
    struct ps_canvas c;
    PS_TRY(ps_canvas_make(wide, high, &c));
    const struct figure_pen pen = {.to = &c,
                                   .wide = wide,
                                   .high = high,
                                   .letter = 6 * MAGNIFY,
                                   .line = 10 * MAGNIFY,
                                   .box = box,
                                   .path = path,
                                   .mark = mark,
                                   .text = text,
                                   .text_up = text_up};
    figure_draw(f, &pen);
    enum { BANDS = 3 };
    int64_t size = ps_png_room(high, wide, BANDS);
    uint8_t *bytes = NULL;
    struct resultfile file;
    enum ps_status rc = ps_alloc(&bytes, size, 1, "a PNG image");
    if (rc == PS_OK) rc = ps_png_encode(c.rgb, high, wide, BANDS, bytes, &size);
    ps_canvas_free(&c);
    if (rc == PS_OK) rc = resultfile_open(path_name, &file);
    if (rc == PS_OK) {
        fwrite(bytes, 1, (size_t)size, file.to);
        rc = resultfile_close(&file, PS_OK);
    }
    free(bytes);
    return rc;
}

enum ps_status figure_write(const struct figure *f, int wide, int high, const char *prefix)
{
    ps_str name;
    struct resultfile file;
    PS_CHECK(strlen(prefix) + 5 < sizeof name, PS_EUSAGE, "the name %.40s... is too long", prefix);
    snprintf(name, sizeof name, "%.1000s.svg", prefix);
    PS_TRY(resultfile_open(name, &file));
    figure_svg(f, wide, high, false, file.to);
    PS_TRY(resultfile_close(&file, PS_OK));
    snprintf(name, sizeof name, "%.1000s.png", prefix);
    const enum ps_status rc = write_png(f, 3 * wide / 2, 3 * high / 2, name);
    if (rc != PS_EBACKEND) return rc;
    ps_err_clear();
    return PS_OK;
}
