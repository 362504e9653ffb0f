/** Charts: said once as data, drawn as SVG (for pages and papers) or into pixels. Everything is local. */
#ifndef FIGURE_H
#define FIGURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "kernels/status.h"

enum figure_kind {
    FIGURE_CURVES, /**< points and lines over x */
    FIGURE_BARS,   /**< a bar each, of stacked parts, from the top down */
    FIGURE_CELLS   /**< a table of colour */
};

enum { FIGURE_CURVES_MAX = 16, FIGURE_COLOURS = 7 };

/** Points of a curve. Where x or y is no number (or not above 0 on a logarithmic axis), it has a gap. */
struct figure_curve {
    const char *name;         /**< "": not in the legend */
    int64_t n;                /**< points */
    const double *x, *y;      /**< [n], borrowed */
    const double *low, *high; /**< [n] ends of error bars, in units of y; NULL = none */
    bool marks;               /**< a mark at each point */
    bool bare;                /**< no line */
    bool dashed;              /**< for what is fitted, predicted or ideal */
    int colour;               /**< from 0; -1: that of the axes */
};

struct figure {
    enum figure_kind kind;
    const char *title;
    const char *x_name, *y_name; /**< with the unit, as in "time in s" */
    bool x_log, y_log;
    bool y_zero; /**< the axis of y begins at 0 */

    struct figure_curve curve[FIGURE_CURVES_MAX];
    int curves;

    int rows, columns;              /**< of bars (a row) and their parts, or of cells */
    const char *const *row_name;    /**< [rows], borrowed */
    const char *const *column_name; /**< [columns], borrowed */
    const double *value;            /**< [rows][columns], borrowed; NaN: none */
    const double *shade;            /**< [rows][columns] what the colour of cells says; NULL: value */
    const char *cell_format;        /**< of one value, for printf: "%.0f" */
    double least, most;             /**< values of the lightest and the darkest cell */
};

/** Text with & < > " ' and control characters made harmless for SVG and HTML; a byte that is not UTF-8
 * is shown as a question mark. */
void figure_escape(FILE *to, const char *text);

/** The `svg` element.
 * @param wide,high size in units that are pixels unless a page scales it
 * @param inside true: part of a page, whose style gives colours by variables (figure_style); false: a file of
 * its own, in light colours */
void figure_svg(const struct figure *f, int wide, int high, bool inside, FILE *to);

/** Rules of CSS for figures inside a page, light and dark, in print always light. */
const char *figure_style(void);

/** Height that a figure wants at that width: rows of cells or bars are as high as they are wide or as their
 * text; curves have room below their legend. */
int figure_height(const struct figure *f, int wide);

/** Write PREFIX.svg and PREFIX.png. Where PNG is not built in, SVG alone is written.
 * @return PS_OK; PS_EIO, PS_ENOMEM */
enum ps_status figure_write(const struct figure *f, int wide, int high, const char *prefix);

#endif
