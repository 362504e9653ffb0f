/** Pictures drawn in memory: boxes, lines, text, and charts, for ps_png_write. Everything is local, and cut
 * at the borders. Pixel (0, 0) is at the top left; a line's coordinates are those of centres of pixels. */
#ifndef PS_CANVAS_H
#define PS_CANVAS_H

#include <stdint.h>
#include "kernels/status.h"

struct ps_canvas {
    int width, height;
    uint8_t *rgb; /**< [height][width][3], top row first; owned */
};

/** White. @return PS_OK; PS_ENOMEM */
enum ps_status ps_canvas_make(int width, int height, struct ps_canvas *out);
void ps_canvas_free(struct ps_canvas *c);

/** Mix a colour into a pixel. @param colour 0xRRGGBB @param share 0 to 1 of the colour */
void ps_canvas_blend(struct ps_canvas *c, int x, int y, uint32_t colour, double share);

/** A filled box. */
void ps_canvas_box(struct ps_canvas *c, int x, int y, int width, int height, uint32_t colour);

/** A straight line with smooth edges, one pixel wide, or `width`. Nothing where a coordinate is no number. */
void ps_canvas_line(struct ps_canvas *c, double x0, double y0, double x1, double y1, uint32_t colour);
void ps_canvas_stroke(struct ps_canvas *c, double x0, double y0, double x1, double y1, double width,
                      uint32_t colour);

/** ASCII in a font of 5 x 7 points, some letters reaching 2 points lower; a character takes 6 points. Others
 * are shown as a question mark. Where it is magnified, slanting strokes are smooth. `_up` goes from (x, y),
 * the bottom left as the text is read, upwards.
 * @param x,y     top left of the first character
 * @param magnify pixels of a point
 * @return width in pixels */
int ps_canvas_text(struct ps_canvas *c, int x, int y, int magnify, uint32_t colour, const char *text);
int ps_canvas_text_up(struct ps_canvas *c, int x, int y, int magnify, uint32_t colour, const char *text);

/** Width that a text would take. */
int ps_canvas_text_width(int magnify, const char *text);

/** Grey values [height][width] from `lo` (black) to `hi` (white), magnified; magenta where there is no
 * number. */
void ps_canvas_grey(struct ps_canvas *c, int x, int y, int width, int height, int magnify, const float *value,
                    double lo, double hi);

/** One line of a chart: [n] values. NaN, infinity and what is beyond 1e300 leave a gap. */
struct ps_curve {
    const char *name;    /**< "": not in the legend */
    const double *x, *y; /**< borrowed; x NULL: 0, 1, ... */
    int64_t n;
    uint32_t colour;
};

/** A chart with axes, round tick marks and a legend, over the whole canvas. Where several points of a curve
 * fall into one column of pixels, all from the smallest to the largest is drawn.
 * @param tick NULL, or how a value of x is written (dates) */
void ps_canvas_chart(struct ps_canvas *c, const char *title, const char *x_name, const char *y_name,
                     const struct ps_curve *curve, int curves, void (*tick)(double x, char *text, int room));

#endif
