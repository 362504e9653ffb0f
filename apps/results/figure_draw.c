#include <math.h>
#include <string.h>
#include "apps/results/figure_pen.h"
#include "apps/results/figure_scale.h"

const uint32_t figure_light[FIGURE_INKS] = {
    /* Okabe and Ito (2008): told apart by people who do not see red and green */
    0x0072b2, 0xd55e00, 0x009e73, 0xa8508a, 0x8a6d00, 0x3a8fc4,
    0x6b6b6b, 0x1c1c1c, 0x6b6b6b, 0xe2e2e2, 0xffffff};

struct plot {
    const struct figure *f;
    const struct figure_pen *p;
    double left, right, top, bottom;
    struct figure_scale x, y;
};

double figure_draw_title(const struct figure *f, const struct figure_pen *p)
{
    char text[256];
    if (!f->title[0]) return p->line / 2;
    snprintf(text, sizeof text, "%s", f->title);
    const size_t room = (size_t)(p->wide / p->letter);
    if (strlen(text) > room && room > 3) memcpy(text + room - 3, "...", 4);
    p->text(p, p->wide / 2.0, 0.8 * p->line, FIGURE_MIDDLE, FIGURE_TEXT, text);
    return 1.6 * p->line;
}

double figure_legend(const struct figure_pen *p, double left, double right, double y, int n,
                     const char *(*name)(const struct figure *, int), const struct figure *f, bool paint,
                     void (*sample)(const struct figure_pen *, const struct figure *, int, double, double))
{
    const double before = 2.6 * p->line, after = 2 * p->letter, row = 1.25 * p->line;
    double x = left;
    bool any = false;
    for (int i = 0; i < n; i++) {
        if (!name(f, i)[0]) continue;
        const double wide = before + (double)strlen(name(f, i)) * p->letter + after;
        if (x > left && x + wide > right) x = left, y += row;
        if (paint) {
            sample(p, f, i, x, y + row / 2);
            p->text(p, x + before, y + row / 2, FIGURE_LEFT, FIGURE_TEXT, name(f, i));
        }
        any = true;
        x += wide;
    }
    return any ? y + row : y;
}

static const char *curve_name(const struct figure *f, int i)
{
    return f->curve[i].name;
}

/* Where curves and legend end. */
static double right_of(const struct figure_pen *p)
{
    return p->wide - 4.5 * p->letter; /* half of the longest label */
}

double figure_legend_height(const struct figure *f, int wide)
{
    const struct figure_pen p = {.wide = wide, .letter = figure_letter, .line = figure_line};
    return figure_legend(&p, p.line, right_of(&p), 0, f->curves, curve_name, f, false, NULL);
}

static enum figure_ink ink_of(const struct figure_curve *c)
{
    return c->colour < 0 ? FIGURE_SOFT : (enum figure_ink)(FIGURE_COLOUR + c->colour % FIGURE_COLOURS);
}

static int shape_of(const struct figure_curve *c)
{
    return c->colour < 0 ? 0 : c->colour % 4;
}

static void curve_sample(const struct figure_pen *p, const struct figure *f, int i, double x, double y)
{
    const struct figure_curve *c = &f->curve[i];
    const double ends[2] = {x, x + 2.2 * p->line}, level[2] = {y, y};
    if (!c->bare) p->path(p, ends, level, 2, ink_of(c), 2, c->dashed);
    if (c->marks) p->mark(p, (ends[0] + ends[1]) / 2, y, shape_of(c), ink_of(c));
}

static void widen(double v, const struct figure_scale *s, double *lo, double *hi)
{
    if (!figure_scale_shows(s, v)) return;
    *lo = fmin(*lo, v);
    *hi = fmax(*hi, v);
}

/* Ranges of all that is drawn. @return x has whole numbers only, but for curves that are fitted */
static bool find_ranges(const struct plot *g, double x[2], double y[2])
{
    bool whole = true;
    x[0] = y[0] = INFINITY;
    x[1] = y[1] = -INFINITY;
    if (g->f->y_zero) y[0] = 0;
    for (int k = 0; k < g->f->curves; k++) {
        const struct figure_curve *c = &g->f->curve[k];
        for (int64_t i = 0; i < c->n; i++) {
            if (!figure_scale_shows(&g->x, c->x[i]) || !figure_scale_shows(&g->y, c->y[i])) continue;
            widen(c->x[i], &g->x, &x[0], &x[1]);
            widen(c->y[i], &g->y, &y[0], &y[1]);
            if (c->low) widen(c->low[i], &g->y, &y[0], &y[1]);
            if (c->high) widen(c->high[i], &g->y, &y[0], &y[1]);
            whole = whole && (c->dashed || c->x[i] == floor(c->x[i]));
        }
    }
    return whole;
}

static double widest(const struct figure_scale *s)
{
    size_t most = 1;
    for (int i = 0; i < s->ticks; i++) most = strlen(s->label[i]) > most ? strlen(s->label[i]) : most;
    return (double)most;
}

/* As many marks of x as have room for their labels. */
static void make_x(struct plot *g, const double x[2], bool whole)
{
    for (int most = 12; most >= 2; most--) {
        figure_scale_make(&g->x, x[0], x[1], most, whole, false);
        if (g->x.ticks * (widest(&g->x) + 1.5) * g->p->letter <= g->right - g->left) return;
    }
}

static void lay_out(struct plot *g)
{
    const struct figure_pen *p = g->p;
    double x[2], y[2];
    const bool whole = find_ranges(g, x, y);
    g->top = figure_draw_title(g->f, p);
    g->right = right_of(p);
    g->bottom = p->high - (g->f->x_name[0] ? 2.9 : 1.6) * p->line;
    const double names = g->top;
    g->top = figure_legend(p, p->line, g->right, names, g->f->curves, curve_name, g->f, false, NULL);
    figure_legend(p, p->line, g->right, names, g->f->curves, curve_name, g->f, true, curve_sample);
    g->top += 0.6 * p->line;
    figure_scale_make(&g->y, y[0], y[1], (int)fmin(8, (g->bottom - g->top) / (2 * p->line)), false, true);
    g->left = (g->f->y_name[0] ? 1.5 * p->line : 0) + (widest(&g->y) + 1.2) * p->letter;
    make_x(g, x, whole);
    g->x.from = g->left, g->x.to = g->right;
    g->y.from = g->bottom, g->y.to = g->top;
}

static void axes(const struct plot *g)
{
    const struct figure_pen *p = g->p;
    for (int i = 0; i < g->y.ticks; i++) {
        const double at = figure_scale_at(&g->y, g->y.tick[i]);
        p->path(p, (double[]){g->left, g->right}, (double[]){at, at}, 2, FIGURE_GRID, 1, false);
        p->text(p, g->left - 0.8 * p->letter, at, FIGURE_RIGHT, FIGURE_TEXT, g->y.label[i]);
    }
    for (int i = 0; i < g->x.ticks; i++) {
        const double at = figure_scale_at(&g->x, g->x.tick[i]);
        p->path(p, (double[]){at, at}, (double[]){g->top, g->bottom}, 2, FIGURE_GRID, 1, false);
        p->text(p, at, g->bottom + 0.8 * p->line, FIGURE_MIDDLE, FIGURE_TEXT, g->x.label[i]);
    }
    p->path(p, (double[]){g->left, g->left, g->right}, (double[]){g->top, g->bottom, g->bottom}, 3,
            FIGURE_SOFT, 1, false);
    p->text(p, (g->left + g->right) / 2, g->bottom + 2.1 * p->line, FIGURE_MIDDLE, FIGURE_TEXT, g->f->x_name);
    p->text_up(p, 0.8 * p->line, (g->top + g->bottom) / 2, FIGURE_TEXT, g->f->y_name);
}

/* A piece of a curve without gaps, in pixels. */
enum { PIECE = 512 };
struct piece {
    double x[PIECE], y[PIECE];
    int64_t n;
};

static void end_piece(const struct plot *g, const struct figure_curve *c, struct piece *s, bool goes_on)
{
    if (s->n > 1) g->p->path(g->p, s->x, s->y, s->n, ink_of(c), 2, c->dashed);
    if (goes_on) {
        s->x[0] = s->x[s->n - 1];
        s->y[0] = s->y[s->n - 1];
    }
    s->n = goes_on;
}

static void error_bar(const struct plot *g, const struct figure_curve *c, int64_t i, double x)
{
    if (!c->low || !c->high || !(c->high[i] > c->low[i])) return;
    if (!figure_scale_shows(&g->y, c->low[i]) || !figure_scale_shows(&g->y, c->high[i])) return;
    const double lo = figure_scale_at(&g->y, c->low[i]), hi = figure_scale_at(&g->y, c->high[i]), end = 4;
    g->p->path(g->p, (double[]){x - end, x + end, x, x, x - end, x + end}, (double[]){lo, lo, lo, hi, hi, hi},
               6, ink_of(c), 1, false);
}

static void curve(const struct plot *g, const struct figure_curve *c)
{
    struct piece s = {.n = 0};
    for (int64_t i = 0; i < c->n; i++) {
        if (!figure_scale_shows(&g->x, c->x[i]) || !figure_scale_shows(&g->y, c->y[i])) {
            if (!c->bare) end_piece(g, c, &s, false);
            continue;
        }
        const double x = figure_scale_at(&g->x, c->x[i]), y = figure_scale_at(&g->y, c->y[i]);
        if (s.n == PIECE) end_piece(g, c, &s, true);
        s.x[s.n] = x;
        s.y[s.n] = y;
        if (!c->bare) s.n++;
        error_bar(g, c, i, x);
        if (c->marks) g->p->mark(g->p, x, y, shape_of(c), ink_of(c));
    }
    if (!c->bare) end_piece(g, c, &s, false);
}

void figure_draw(const struct figure *f, const struct figure_pen *p)
{
    if (f->kind == FIGURE_BARS) {
        figure_draw_bars(f, p);
        return;
    }
    if (f->kind == FIGURE_CELLS) {
        figure_draw_cells(f, p);
        return;
    }
    struct plot g = {.f = f, .p = p, .x.log = f->x_log, .y.log = f->y_log};
    lay_out(&g);
    axes(&g);
    for (int k = 0; k < f->curves; k++) curve(&g, &f->curve[k]);
}
