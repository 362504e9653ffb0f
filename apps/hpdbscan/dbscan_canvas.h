/** An RGB image to draw on: pixels, lines and small text. */
#ifndef DBSCAN_CANVAS_H
#define DBSCAN_CANVAS_H

#include <stdint.h>
#include "kernels/status.h"

/** [height][width][3], top row first. */
struct dbscan_canvas {
    int width, height;
    uint8_t *rgb; /**< owned */
};

struct dbscan_colour {
    uint8_t r, g, b;
};

/** A white canvas. Local. PS_OK; PS_ENOMEM. */
enum ps_status dbscan_canvas_make(struct dbscan_canvas *c, int width, int height);
void dbscan_canvas_free(struct dbscan_canvas *c);

/** Set a pixel; outside of the canvas nothing happens. Local. */
void dbscan_canvas_set(struct dbscan_canvas *c, int x, int y, struct dbscan_colour colour);

/** Draw a frame of one pixel around [x, x + width) x [y, y + height). Local. */
void dbscan_canvas_frame(struct dbscan_canvas *c, int x, int y, int width, int height,
                         struct dbscan_colour colour);

/** Write printable ASCII text, its top left corner at (x, y), every dot of the 5x7 letters `size` pixels
 * wide. Local.
 * @return the text's width in pixels */
int dbscan_canvas_text(struct dbscan_canvas *c, int x, int y, int size, const char *text,
                       struct dbscan_colour colour);

/** The width that a text would have. Local. */
int dbscan_canvas_text_width(int size, const char *text);

#endif
