#include "apps/tools/digits_draw.h"

#include <math.h>
#include "kernels/rng.h"

enum { STROKES = 2, POINTS = 9, STEPS = 4 };

struct point {
    double x, y; /* from the left, from above */
};

/* A line through points; round: a smooth one. */
struct stroke {
    int n;
    int round;
    struct point p[POINTS];
};

/* Ten digits in a box of height and width 1. */
static const struct stroke glyph[DIGIT_KINDS][STROKES] = {
    {{7, 1, {{.5, .1}, {.75, .3}, {.75, .7}, {.5, .9}, {.25, .7}, {.25, .3}, {.5, .1}}}},
    {{3, 0, {{.36, .28}, {.55, .1}, {.53, .9}}}},
    {{7, 1, {{.27, .3}, {.4, .12}, {.62, .12}, {.72, .3}, {.6, .5}, {.42, .7}, {.25, .88}}},
     {2, 0, {{.25, .88}, {.77, .88}}}},
    {{5, 1, {{.28, .18}, {.5, .1}, {.7, .22}, {.65, .4}, {.45, .48}}},
     {5, 1, {{.45, .48}, {.68, .55}, {.74, .72}, {.55, .9}, {.27, .82}}}},
    {{3, 0, {{.55, .1}, {.25, .6}, {.78, .6}}}, {2, 0, {{.64, .35}, {.6, .9}}}},
    {{3, 0, {{.72, .12}, {.36, .12}, {.32, .45}}},
     {6, 1, {{.32, .45}, {.52, .4}, {.72, .55}, {.68, .8}, {.45, .9}, {.27, .8}}}},
    {{9,
      1,
      {{.65, .12},
       {.42, .3},
       {.29, .6},
       {.36, .85},
       {.58, .88},
       {.7, .7},
       {.58, .52},
       {.36, .57},
       {.3, .68}}}},
    {{3, 0, {{.25, .12}, {.75, .12}, {.45, .9}}}},
    {{9, 1, {{.5, .48}, {.3, .3}, {.5, .1}, {.7, .3}, {.5, .48}, {.27, .7}, {.5, .9}, {.73, .7}, {.5, .48}}}},
    {{8, 1, {{.7, .32}, {.52, .46}, {.33, .34}, {.4, .14}, {.6, .1}, {.7, .28}, {.67, .6}, {.57, .9}}}},
};

/* What the numbers of a random stream are for. */
enum { KIND = 0x64690001, FORM, NOISE };

/* How one hand writes: a map of the box to pixels, a pen, and an unsteady line. */
struct hand {
    double xx, xy, yx, yy, x, y; /* pixels */
    double pen, ink;
    struct ps_rng rng;
    int64_t index;
};

static double between(const struct hand *h, uint32_t slot, double lo, double hi)
{
    return lo + (hi - lo) * ps_rng_uniform(h->rng, h->index, slot);
}

static struct hand hand_of(uint64_t seed, int64_t index)
{
    enum { BOX = 21 };
    struct hand h = {.rng = {seed, FORM}, .index = index};
    const double turn = between(&h, 0, -0.3, 0.3), slant = between(&h, 1, -0.4, 0.3);
    const double wide = BOX * between(&h, 2, 0.75, 1.1), high = BOX * between(&h, 3, 0.85, 1.1);
    h.xx = wide * cos(turn);
    h.yx = wide * sin(turn);
    h.xy = -high * sin(turn) + h.xx * slant;
    h.yy = high * cos(turn) + h.yx * slant;
    h.x = DIGIT_SIDE / 2.0 + between(&h, 4, -2, 2) - (h.xx + h.xy) / 2;
    h.y = DIGIT_SIDE / 2.0 + between(&h, 5, -2, 2) - (h.yx + h.yy) / 2;
    h.pen = between(&h, 6, 0.7, 1.6);
    h.ink = between(&h, 7, 0.7, 1);
    return h;
}

/* Where point k of a stroke comes to lie; stroke by stroke the hand is unsteady by itself. */
static struct point place(const struct hand *h, int stroke, const struct stroke *s, int k)
{
    enum { FIRST = 16 }; /* slots below are those of the hand */
    const double unsteady = 0.035;
    const uint32_t slot = (uint32_t)(FIRST + 2 * (stroke * POINTS + k));
    const double x = s->p[k].x + unsteady * ps_rng_normal(h->rng, h->index, slot),
                 y = s->p[k].y + unsteady * ps_rng_normal(h->rng, h->index, slot + 1);
    return (struct point){h->x + h->xx * x + h->xy * y, h->y + h->yx * x + h->yy * y};
}

/* Catmull and Rom's spline between b and c. */
static struct point between_points(const struct point p[4], double t)
{
    const double t2 = t * t, t3 = t2 * t;
    const double w[] = {(-t3 + 2 * t2 - t) / 2, (3 * t3 - 5 * t2 + 2) / 2, (-3 * t3 + 4 * t2 + t) / 2,
                        (t3 - t2) / 2};
    struct point q = {0, 0};
    for (int i = 0; i < 4; i++) {
        q.x += w[i] * p[i].x;
        q.y += w[i] * p[i].y;
    }
    return q;
}

/* A stroke as short straight lines from line[i] to line[i + 1]; @return points */
static int trace(const struct hand *h, int number, const struct stroke *s, struct point *line)
{
    struct point p[POINTS];
    int n = 0;
    for (int k = 0; k < s->n; k++) p[k] = place(h, number, s, k);
    for (int k = 0; k + 1 < s->n; k++) {
        const struct point four[] = {p[k > 0 ? k - 1 : 0], p[k], p[k + 1], p[k + 2 < s->n ? k + 2 : k + 1]};
        line[n++] = p[k];
        for (int step = 1; s->round && step < STEPS; step++)
            line[n++] = between_points(four, (double)step / STEPS);
    }
    line[n++] = p[s->n - 1];
    return n;
}

/* Distance of a place from the straight line between a and b. */
static double distance(double x, double y, struct point a, struct point b)
{
    const double dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
    double t = length > 0 ? ((x - a.x) * dx + (y - a.y) * dy) / length : 0;
    t = fmin(fmax(t, 0), 1);
    return hypot(x - a.x - t * dx, y - a.y - t * dy);
}

int digits_draw(uint64_t seed, int64_t index, uint8_t *pixel)
{
    const int kind = (int)ps_rng_below((struct ps_rng){seed, KIND}, index, 0, DIGIT_KINDS);
    const struct hand hand = hand_of(seed, index);
    const struct ps_rng noise = {seed, NOISE};
    struct point line[STROKES][POINTS * STEPS];
    int n[STROKES] = {0};
    for (int s = 0; s < STROKES && glyph[kind][s].n > 0; s++)
        n[s] = trace(&hand, s, &glyph[kind][s], line[s]);
    for (int i = 0; i < DIGIT_PIXELS; i++) {
        const double x = i % DIGIT_SIDE + 0.5, y = i / DIGIT_SIDE + 0.5;
        double nearest = DIGIT_SIDE;
        for (int s = 0; s < STROKES; s++)
            for (int k = 0; k + 1 < n[s]; k++)
                nearest = fmin(nearest, distance(x, y, line[s][k], line[s][k + 1]));
        /* an edge of the pen is one pixel wide */
        const double ink = hand.ink * fmin(fmax(hand.pen + 0.5 - nearest, 0), 1);
        const double value = ink + 0.04 * ps_rng_normal(noise, index, (uint32_t)i);
        pixel[i] = (uint8_t)lrint(UINT8_MAX * fmin(fmax(value, 0), 1));
    }
    return kind;
}
