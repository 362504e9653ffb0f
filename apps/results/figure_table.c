/* Figures that are tables: stacked bars, and cells of colour. */
#include <math.h>
#include <string.h>
#include "apps/results/figure_pen.h"
#include "apps/results/figure_scale.h"

static const char *part_name(const struct figure *f, int i)
{
    return f->column_name[i];
}

static enum figure_ink part_ink(int i)
{
    return (enum figure_ink)(FIGURE_COLOUR + i % FIGURE_COLOURS);
}

/* From the eighth part on colours come again, lighter. */
static double part_share(int i)
{
    return i / FIGURE_COLOURS % 2 ? 0.5 : 1;
}

static void part_sample(const struct figure_pen *p, const struct figure *f, int i, double x, double y)
{
    (void)f;
    p->box(p, x + p->line, y - 0.4 * p->line, 1.2 * p->line, 0.8 * p->line, part_ink(i), part_share(i), NULL);
}

/* Characters of the longest name, at most `most`. */
static double longest(const char *const *name, int n, double most)
{
    size_t longest = 1;
    for (int i = 0; i < n; i++) longest = strlen(name[i]) > longest ? strlen(name[i]) : longest;
    return fmin((double)longest, most);
}

static void cut_text(char *out, size_t room, const char *text, double letters)
{
    const size_t most = letters < 4 ? 4 : (size_t)letters;
    snprintf(out, room, "%s", text);
    if (strlen(out) > most) memcpy(out + most - 2, "..", 3);
}

static void bar(const struct figure *f, const struct figure_pen *p, const struct figure_scale *x, int row,
                double y, double high)
{
    char tip[160];
    double sum = 0;
    for (int i = 0; i < f->columns; i++) {
        const double v = f->value[row * f->columns + i];
        if (!(v > 0 && sum + v <= x->hi)) continue; /* also what is too large for any axis */
        const double from = figure_scale_at(x, sum), to = figure_scale_at(x, sum + v);
        snprintf(tip, sizeof tip, "%.60s: %.60s %.4g", f->row_name[row], f->column_name[i], v);
        p->box(p, from, y, to - from, high, part_ink(i), part_share(i), tip);
        sum += v;
    }
}

void figure_draw_bars(const struct figure *f, const struct figure_pen *p)
{
    char name[64];
    struct figure_scale x = {.log = false};
    const double letters = longest(f->row_name, f->rows, 0.4 * p->wide / p->letter),
                 right = p->wide - 4.5 * p->letter; /* half of the longest label */
    double most = 0, top = figure_draw_title(f, p);
    for (int r = 0; r < f->rows; r++) {
        double sum = 0;
        for (int i = 0; i < f->columns; i++) sum += fmax(0, f->value[r * f->columns + i]);
        most = fmax(most, sum);
    }
    const double below = figure_legend(p, p->letter, right, top, f->columns, part_name, f, false, NULL);
    figure_legend(p, p->letter, right, top, f->columns, part_name, f, true, part_sample);
    top = below + 0.3 * p->line;
    const double bottom = p->high - 2.9 * p->line, left = (letters + 1.5) * p->letter;
    for (int marks = 8; marks >= 2; marks--) {
        figure_scale_make(&x, 0, most > 0 ? most : 1, marks, false, false);
        if (x.ticks * 6 * p->letter <= right - left) break;
    }
    x.from = left, x.to = right;
    for (int i = 0; i < x.ticks; i++) {
        const double at = figure_scale_at(&x, x.tick[i]);
        p->path(p, (double[]){at, at}, (double[]){top, bottom}, 2, FIGURE_GRID, 1, false);
        p->text(p, at, bottom + 0.8 * p->line, FIGURE_MIDDLE, FIGURE_TEXT, x.label[i]);
    }
    const double step = (bottom - top) / (f->rows > 0 ? f->rows : 1);
    for (int r = 0; r < f->rows; r++) {
        cut_text(name, sizeof name, f->row_name[r], letters);
        p->text(p, left - 0.7 * p->letter, top + (r + 0.5) * step, FIGURE_RIGHT, FIGURE_TEXT, name);
        bar(f, p, &x, r, top + (r + 0.15) * step, 0.7 * step);
    }
    p->path(p, (double[]){left, left, right}, (double[]){top, bottom, bottom}, 3, FIGURE_SOFT, 1, false);
    p->text(p, (left + right) / 2, bottom + 2.1 * p->line, FIGURE_MIDDLE, FIGURE_TEXT, f->x_name);
}

static void cell(const struct figure *f, const struct figure_pen *p, int r, int c, const double at[4])
{
    char text[32], tip[200];
    const double v = f->value[r * f->columns + c], range = f->most - f->least, dark = 0.55;
    const double shade = f->shade ? f->shade[r * f->columns + c] : v;
    if (isnan(v)) return;
    const double share = range > 0 ? fmin(1, fmax(0, (shade - f->least) / range)) : 0;
    snprintf(text, sizeof text, f->cell_format, v);
    snprintf(tip, sizeof tip, "%.40s %.40s, %.40s %.40s: %s", f->y_name, f->row_name[r], f->x_name,
             f->column_name[c], text);
    p->box(p, at[0], at[1], at[2] - 1, at[3] - 1, FIGURE_COLOUR, share, tip);
    if (((double)strlen(text) + 0.4) * p->letter > at[2] || p->line > at[3])
        return; /* no room: colour says it */
    p->text(p, at[0] + at[2] / 2, at[1] + at[3] / 2, FIGURE_MIDDLE, share > dark ? FIGURE_PAPER : FIGURE_TEXT,
            text);
}

void figure_draw_cells(const struct figure *f, const struct figure_pen *p)
{
    char name[64];
    const double letters = longest(f->row_name, f->rows, 0.25 * p->wide / p->letter);
    const double top = figure_draw_title(f, p), right = p->wide - p->letter;
    const double bottom = p->high - 2.9 * p->line, left = 1.5 * p->line + (letters + 1) * p->letter;
    const double wide = (right - left) / (f->columns > 0 ? f->columns : 1);
    const double high = (bottom - top) / (f->rows > 0 ? f->rows : 1);
    const int every_row = 1 + (int)(p->line / high);
    const int every = 1 + (int)((longest(f->column_name, f->columns, 12) + 0.8) * p->letter / wide);
    for (int r = 0; r < f->rows; r++) {
        cut_text(name, sizeof name, f->row_name[r], letters);
        if (r % every_row == 0)
            p->text(p, left - 0.7 * p->letter, top + (r + 0.5) * high, FIGURE_RIGHT, FIGURE_TEXT, name);
        for (int c = 0; c < f->columns; c++)
            cell(f, p, r, c, (double[]){left + c * wide, top + r * high, wide, high});
    }
    for (int c = 0; c < f->columns; c += every) {
        cut_text(name, sizeof name, f->column_name[c], 12);
        p->text(p, left + (c + 0.5) * wide, bottom + 0.8 * p->line, FIGURE_MIDDLE, FIGURE_TEXT, name);
    }
    p->text(p, (left + right) / 2, bottom + 2.1 * p->line, FIGURE_MIDDLE, FIGURE_TEXT, f->x_name);
    p->text_up(p, 0.8 * p->line, (top + bottom) / 2, FIGURE_TEXT, f->y_name);
}

int figure_height(const struct figure *f, int wide)
{
    const int around = 110, least = 20, most = 44;
    if (f->kind == FIGURE_CURVES) return wide * 3 / 4 + (int)figure_legend_height(f, wide);
    const int row = f->kind == FIGURE_BARS ? 28 : (wide - 60) / (f->columns > 0 ? f->columns : 1);
    return around +
           f->rows * (row < least  ? least
                      : row > most ? most
                                   : row) +
           (f->kind == FIGURE_BARS ? 70 : 0);
}
