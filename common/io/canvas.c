#include "common/io/canvas.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

enum ps_status ps_canvas_make(int width, int height, struct ps_canvas *out)
{
    const int64_t bytes = 3 * (int64_t)width * height;
    *out = (struct ps_canvas){.width = width, .height = height};
    PS_TRY(ps_alloc(&out->rgb, bytes, 1, "a picture"));
    memset(out->rgb, 255, (size_t)bytes);
    return PS_OK;
}

void ps_canvas_free(struct ps_canvas *c)
{
    free(c->rgb);
    *c = (struct ps_canvas){0};
}

void ps_canvas_blend(struct ps_canvas *c, int x, int y, uint32_t colour, double share)
{
    if (x < 0 || y < 0 || x >= c->width || y >= c->height) return;
    uint8_t *pixel = &c->rgb[3 * ((int64_t)y * c->width + x)];
    for (int i = 0; i < 3; i++) {
        const double wanted = (double)(colour >> (16 - 8 * i) & 255);
        pixel[i] = (uint8_t)(pixel[i] + share * (wanted - pixel[i]) + 0.5);
    }
}

void ps_canvas_box(struct ps_canvas *c, int x, int y, int width, int height, uint32_t colour)
{
    const int64_t right = (int64_t)x + width, bottom = (int64_t)y + height;
    for (int64_t row = y > 0 ? y : 0; row < bottom && row < c->height; row++)
        for (int64_t col = x > 0 ? x : 0; col < right && col < c->width; col++)
            ps_canvas_blend(c, (int)col, (int)row, colour, 1);
}

static double within(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/** A line whose longer side goes along u, from u0 to u1 >= u0. */
struct segment {
    double u0, v0, u1, v1, slope;
};

/** Distance of a point from it; nothing is squared that may be large. */
static double distance(const struct segment *s, double u, double v)
{
    const double stretch = 1 + s->slope * s->slope, along = u - s->u0 + s->slope * (v - s->v0);
    if (along <= 0) return hypot(u - s->u0, v - s->v0);
    if (along >= stretch * (s->u1 - s->u0)) return hypot(u - s->u1, v - s->v1);
    return fabs(v - s->v0 - s->slope * (u - s->u0)) / sqrt(stretch);
}

/** A pixel is covered by as much as its centre is inside, half a pixel more or less. */
void ps_canvas_stroke(struct ps_canvas *c, double x0, double y0, double x1, double y1, double width,
                      uint32_t colour)
{
    if (!isfinite(x0) || !isfinite(y0) || !isfinite(x1) || !isfinite(y1)) return;
    const bool steep = fabs(y1 - y0) > fabs(x1 - x0);
    struct segment s = steep ? (struct segment){y0, x0, y1, x1, 0} : (struct segment){x0, y0, x1, y1, 0};
    if (s.u0 > s.u1) s = (struct segment){s.u1, s.v1, s.u0, s.v0, 0};
    if (s.u1 > s.u0) s.slope = (s.v1 - s.v0) / (s.u1 - s.u0);
    const double half = width / 2 + 0.5, reach = half * sqrt(1 + s.slope * s.slope);
    const int us = steep ? c->height : c->width, vs = steep ? c->width : c->height;
    const int from = (int)within(ceil(s.u0 - half), 0, us), to = (int)within(floor(s.u1 + half), -1, us - 1);
    for (int u = from; u <= to; u++) {
        const double middle = s.v0 + s.slope * (within(u, s.u0, s.u1) - s.u0);
        const int lo = (int)within(ceil(middle - reach), 0, vs),
                  hi = (int)within(floor(middle + reach), -1, vs - 1);
        for (int v = lo; v <= hi; v++) {
            const double share = half - distance(&s, u, v);
            if (share > 0) ps_canvas_blend(c, steep ? v : u, steep ? u : v, colour, share < 1 ? share : 1);
        }
    }
}

void ps_canvas_line(struct ps_canvas *c, double x0, double y0, double x1, double y1, uint32_t colour)
{
    ps_canvas_stroke(c, x0, y0, x1, y1, 1, colour);
}

void ps_canvas_grey(struct ps_canvas *c, int x, int y, int width, int height, int magnify, const float *value,
                    double lo, double hi)
{
    for (int row = 0; row < height; row++)
        for (int col = 0; col < width; col++) {
            const double v = value[(int64_t)row * width + col],
                         share = hi > lo ? (v - lo) / (hi - lo) : v > lo;
            const uint32_t grey = isnan(v) ? 0 : (uint32_t)(within(share, 0, 1) * 255 + 0.5);
            ps_canvas_box(c, x + col * magnify, y + row * magnify, magnify, magnify,
                          isnan(v) ? 0xff00ff : grey << 16 | grey << 8 | grey);
        }
}
