/** What a figure is drawn with: SVG and pixels have a pen each. */
#ifndef FIGURE_PEN_H
#define FIGURE_PEN_H

#include "apps/results/figure.h"

enum figure_ink {
    FIGURE_COLOUR,                /**< + number of a colour */
    FIGURE_TEXT = FIGURE_COLOURS, /**< text and frames */
    FIGURE_SOFT,                  /**< axes, what is ideal */
    FIGURE_GRID,
    FIGURE_PAPER,
    FIGURE_INKS
};

enum figure_anchor { FIGURE_LEFT, FIGURE_MIDDLE, FIGURE_RIGHT };

/** Height of letters in pixels: the smallest text of a page; nothing may be below 12. */
enum { FIGURE_FONT = 14 };
static const double figure_letter = 0.6 * FIGURE_FONT, figure_line = 1.25 * FIGURE_FONT;

/** Coordinates are pixels from the top left. */
struct figure_pen {
    void *to;
    int wide, high;
    double letter; /**< width of a character, at most on average */
    double line;   /**< height of a line of text */
    /** A box; `share` of the ink, 0 to 1, is laid over the paper. @param tip what it is; NULL = nothing */
    void (*box)(const struct figure_pen *p, double x, double y, double wide, double high, enum figure_ink ink,
                double share, const char *tip);
    void (*path)(const struct figure_pen *p, const double *x, const double *y, int64_t n, enum figure_ink ink,
                 double width, bool dashed);
    /** @param shape of the mark, from 0: circle, square, diamond, triangle */
    void (*mark)(const struct figure_pen *p, double x, double y, int shape, enum figure_ink ink);
    /** One line whose middle is at height y. */
    void (*text)(const struct figure_pen *p, double x, double y, enum figure_anchor anchor,
                 enum figure_ink ink, const char *text);
    /** The same, read from below to above around (x, y). */
    void (*text_up)(const struct figure_pen *p, double x, double y, enum figure_ink ink, const char *text);
};

/** Colours in print and in files of their own, 0xRRGGBB. */
extern const uint32_t figure_light[FIGURE_INKS];

void figure_draw(const struct figure *f, const struct figure_pen *p);
void figure_draw_bars(const struct figure *f, const struct figure_pen *p);
void figure_draw_cells(const struct figure *f, const struct figure_pen *p);

/** Title in the middle of the top, as much of it as fits. @return height that it takes */
double figure_draw_title(const struct figure *f, const struct figure_pen *p);

/** Legend of `n` names from the left, in as many rows as they need; empty names are left out.
 * @param sample draw what stands before a name, at (x, y); NULL: only measure
 * @return y below it */
double figure_legend(const struct figure_pen *p, double left, double right, double y, int n,
                     const char *(*name)(const struct figure *, int), const struct figure *f, bool paint,
                     void (*sample)(const struct figure_pen *, const struct figure *, int, double, double));

/** Height that the legend of curves takes, in letters of FIGURE_FONT. */
double figure_legend_height(const struct figure *f, int wide);

#endif
