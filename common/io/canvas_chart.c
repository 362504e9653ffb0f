#include <math.h>
#include <stdio.h>
#include <string.h>
#include "common/io/canvas.h"
#include "common/io/canvas_axis.h"

enum { LABEL = 48, TICKS_MOST = 12, CHAR_WIDE = 6, CHAR_HIGH = 7 };
static const uint32_t ink = 0x303030, frame = 0x808080, grid = 0xe4e4e4;
static const double too_large = 1e300; /* differences of such values overflow */

/** Where the curves are drawn, and what range of values it shows. */
struct plot {
    struct ps_canvas *c;
    int m;                        /* pixels of a point of the font */
    int left, right, top, bottom; /* pixels of the frame */
    double x0, x1, y0, y1;
    struct ps_axis x, y;
};

static double x_of(const struct ps_curve *k, int64_t i)
{
    return k->x ? k->x[i] : (double)i;
}

static bool usable(double v)
{
    return fabs(v) < too_large; /* false for NaN too */
}

static double across(const struct plot *p, double x)
{
    return p->left + (x - p->x0) / (p->x1 - p->x0) * (p->right - p->left);
}

static double down(const struct plot *p, double y)
{
    return p->bottom - (y - p->y0) / (p->y1 - p->y0) * (p->bottom - p->top);
}

/** A range that has a length, also around a single value or none. */
static void widen(double *lo, double *hi)
{
    if (*lo > *hi) *lo = 0, *hi = 1;
    const double least = 1e-6 * fmax(fabs(*lo), fabs(*hi));
    if (*hi - *lo > least) return;
    const double more = *lo == 0 && *hi == 0 ? 1 : fmax(fabs(*lo), fabs(*hi)) / 20;
    *lo -= more;
    *hi += more;
}

/** Ranges of all points that are drawn. @param whole out: x has whole numbers only */
static void find_ranges(struct plot *p, const struct ps_curve *curve, int curves, bool *whole)
{
    p->x0 = p->y0 = INFINITY;
    p->x1 = p->y1 = -INFINITY;
    *whole = true;
    for (int k = 0; k < curves; k++)
        for (int64_t i = 0; i < curve[k].n; i++) {
            const double x = x_of(&curve[k], i), y = curve[k].y[i];
            if (!usable(x) || !usable(y)) continue;
            p->x0 = fmin(p->x0, x), p->x1 = fmax(p->x1, x);
            p->y0 = fmin(p->y0, y), p->y1 = fmax(p->y1, y);
            *whole = *whole && x == floor(x);
        }
    widen(&p->x0, &p->x1);
    widen(&p->y0, &p->y1);
}

static void x_label(const struct plot *p, int64_t i, void (*tick)(double x, char *text, int room), char *text)
{
    if (tick)
        tick(ps_axis_tick(&p->x, i), text, LABEL);
    else
        ps_axis_label(&p->x, i, text, LABEL);
}

/** Ticks of y, whose range is rounded up to them. @return width of the widest label in characters */
static int make_y(struct plot *p)
{
    char text[LABEL];
    size_t widest = 1;
    int most = (p->bottom - p->top) / (4 * CHAR_HIGH * p->m);
    most = most < 3 ? 3 : most > TICKS_MOST ? TICKS_MOST : most;
    ps_axis_make(p->y0, p->y1, most, false, &p->y);
    if (ps_axis_tick(&p->y, 0) > p->y0) p->y.first--, p->y.count++;
    if (ps_axis_tick(&p->y, p->y.count - 1) < p->y1) p->y.count++;
    p->y0 = fmin(p->y0, ps_axis_tick(&p->y, 0));
    p->y1 = fmax(p->y1, ps_axis_tick(&p->y, p->y.count - 1));
    for (int i = 0; i < p->y.count; i++) {
        ps_axis_label(&p->y, i, text, LABEL);
        widest = strlen(text) > widest ? strlen(text) : widest;
    }
    return (int)widest;
}

/** As many ticks of x as have room for their labels. */
static void make_x(struct plot *p, bool whole, void (*tick)(double x, char *text, int room))
{
    char text[LABEL];
    for (int most = TICKS_MOST; most >= 2; most--) {
        size_t widest = 1;
        ps_axis_make(p->x0, p->x1, most, whole, &p->x);
        for (int i = 0; i < p->x.count; i++) {
            x_label(p, i, tick, text);
            widest = strlen(text) > widest ? strlen(text) : widest;
        }
        if (p->x.count * ((int)widest + 2) * CHAR_WIDE * p->m <= p->right - p->left) return;
    }
}

/** The curves' names with a piece of their lines, from the left, in as many rows as they need; none
 * for an empty name.
 * @param paint false: only count @return the y below them */
static int legend(const struct plot *p, int y, const struct ps_curve *curve, int curves, bool paint)
{
    const int sample = 4 * CHAR_WIDE * p->m, line = (CHAR_HIGH + 4) * p->m;
    int x = p->left;
    bool any = false;
    for (int k = 0; k < curves; k++) {
        if (!curve[k].name[0]) continue;
        any = true;
        const int wide = sample + ps_canvas_text_width(p->m, curve[k].name) + 3 * CHAR_WIDE * p->m;
        if (x > p->left && x + wide > p->right) x = p->left, y += line;
        if (paint) {
            const double middle = y + (CHAR_HIGH * p->m - 1) / 2.0;
            ps_canvas_stroke(p->c, x, middle, x + sample - CHAR_WIDE * p->m, middle, 2 * p->m,
                             curve[k].colour);
            ps_canvas_text(p->c, x + sample, y, p->m, ink, curve[k].name);
        }
        x += wide;
    }
    return any ? y + line : y;
}

static void draw_axes(const struct plot *p, void (*tick)(double x, char *text, int room))
{
    char text[LABEL];
    const int m = p->m;
    for (int i = 0; i < p->y.count; i++) {
        const double y = down(p, ps_axis_tick(&p->y, i));
        ps_axis_label(&p->y, i, text, LABEL);
        ps_canvas_line(p->c, p->left, round(y), p->right, round(y), grid);
        ps_canvas_text(p->c, p->left - 4 * m - ps_canvas_text_width(m, text),
                       (int)round(y) - CHAR_HIGH * m / 2, m, ink, text);
    }
    for (int i = 0; i < p->x.count; i++) {
        const double x = across(p, ps_axis_tick(&p->x, i));
        x_label(p, i, tick, text);
        ps_canvas_line(p->c, round(x), p->top, round(x), p->bottom, grid);
        ps_canvas_text(p->c, (int)round(x) - (ps_canvas_text_width(m, text) - m) / 2, p->bottom + 3 * m, m,
                       ink, text);
    }
    ps_canvas_box(p->c, p->left, p->top, 1, p->bottom - p->top + 1, frame);
    ps_canvas_box(p->c, p->left, p->bottom, p->right - p->left + 1, 1, frame);
}

/** Points of one column of pixels, in their order. */
struct column {
    double x, last, lo, hi; /* pixels; last: of the last one */
    bool any;
};

static void draw_column(const struct plot *p, const struct column *c, uint32_t colour)
{
    if (c->any) ps_canvas_stroke(p->c, c->x, c->lo, c->x, c->hi, p->m, colour);
}

/** A curve: within a column from its highest to its lowest point, and lines from column to column. */
static void draw_curve(const struct plot *p, const struct ps_curve *k)
{
    struct column c = {0};
    for (int64_t i = 0; i < k->n; i++) {
        const double x = x_of(k, i), y = k->y[i];
        if (!usable(x) || !usable(y)) {
            draw_column(p, &c, k->colour);
            c.any = false;
            continue;
        }
        const double px = across(p, x), py = down(p, y);
        if (c.any && floor(px) == floor(c.x)) {
            c.last = py;
            c.lo = fmin(c.lo, py);
            c.hi = fmax(c.hi, py);
            continue;
        }
        if (c.any) {
            if (c.hi > c.lo) draw_column(p, &c, k->colour);
            ps_canvas_stroke(p->c, c.x, c.last, px, py, p->m, k->colour);
        }
        c = (struct column){.x = px, .last = py, .lo = py, .hi = py, .any = true};
    }
    draw_column(p, &c, k->colour);
}

void ps_canvas_chart(struct ps_canvas *c, const char *title, const char *x_name, const char *y_name,
                     const struct ps_curve *curve, int curves, void (*tick)(double x, char *text, int room))
{
    struct plot p = {.c = c, .m = c->width >= 900 && c->height >= 450 ? 2 : 1};
    const int m = p.m, line = (CHAR_HIGH + 4) * m;
    bool whole;
    find_ranges(&p, curve, curves, &whole);
    p.top = (title[0] ? 2 * line : line) + 2 * m;
    p.bottom = c->height - (x_name[0] ? 5 * line / 2 : 3 * line / 2) - 4 * m;
    p.left = 2 * m + (y_name[0] ? line : 0) + make_y(&p) * CHAR_WIDE * m + 5 * m;
    p.right = c->width - 4 * CHAR_WIDE * m;
    make_x(&p, whole, tick);
    const int names = p.top;
    p.top = legend(&p, names, curve, curves, false) + 2 * m;
    legend(&p, names, curve, curves, true);
    draw_axes(&p, tick);
    for (int k = 0; k < curves; k++) draw_curve(&p, &curve[k]);
    ps_canvas_text(c, (p.left + p.right - ps_canvas_text_width(m, title)) / 2, line / 2, m, ink, title);
    ps_canvas_text(c, (p.left + p.right - ps_canvas_text_width(m, x_name)) / 2, c->height - line - m, m, ink,
                   x_name);
    ps_canvas_text_up(c, 2 * m, (p.top + p.bottom + ps_canvas_text_width(m, y_name)) / 2, m, ink, y_name);
}
