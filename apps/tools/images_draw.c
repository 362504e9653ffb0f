#include "apps/tools/images_draw.h"
#include <math.h>
#include "kernels/rng.h"

static const uint32_t STREAM = 0x74657874;
enum { PHASE, CONTRAST, LIGHT, TURN, STRETCH, NOISE }; /* draws of a picture; noise takes all from there on */
enum { BYTES = 8 };                                    /* of a draw */

/** Two waves of one picture. */
struct waves {
    double x[2], y[2], phase[2]; /* per pixel */
    double light, contrast;
    double colour[3]; /* share of the waves that each band has */
};

static struct waves waves_of(struct ps_rng r, int64_t index, int class, int classes)
{
    static const double pi = 3.14159265358979323846, golden = 0.61803398874989485;
    struct waves w;
    const double turn = 0.15 * (ps_rng_uniform(r, index, TURN) - 0.5);
    const double stretch = 0.9 + 0.2 * ps_rng_uniform(r, index, STRETCH);
    const double angle = pi * ((double)class / classes) + turn, hue = 2 * pi * golden * class;
    for (int k = 0; k < 2; k++) { /* the second is across the first, and shorter in every third class */
        const double length = stretch * (k == 0 ? 5 + 3 * (class % 4) : 4 + 6 * (class % 3));
        const double a = angle + (k == 0 ? 0 : pi / 2);
        w.x[k] = 2 * pi * cos(a) / length;
        w.y[k] = 2 * pi * sin(a) / length;
    }
    w.phase[0] = 2 * pi * ps_rng_uniform(r, index, PHASE);
    w.phase[1] = 3 * w.phase[0];
    w.contrast = 25 + 35 * ps_rng_uniform(r, index, CONTRAST);
    w.light = 90 + 70 * ps_rng_uniform(r, index, LIGHT);
    for (int b = 0; b < 3; b++) w.colour[b] = cos(hue + 2 * pi * b / 3);
    return w;
}

void images_draw(uint64_t seed, int64_t index, int class, int classes, int height, int width, uint8_t *pixels)
{
    enum { GRAIN = 32 }; /* greys that noise spans */
    const struct ps_rng r = {.seed = seed, .stream = STREAM};
    const struct waves w = waves_of(r, index, class, classes);
    const int64_t n = (int64_t)height * width;
    uint64_t noise = 0;
    for (int64_t i = 0; i < n; i++) {
        const double x = (double)(i % width), y = (double)(i / width);
        if (i % BYTES == 0) noise = ps_rng_u64(r, index, (uint32_t)(NOISE + i / BYTES));
        const double grain = (double)(noise >> (8 * (i % BYTES)) & 0xFF) / 255 * GRAIN - GRAIN / 2.0;
        const float a = sinf((float)(x * w.x[0] + y * w.y[0] + w.phase[0]));
        const float b = sinf((float)(x * w.x[1] + y * w.y[1] + w.phase[1]));
        const double wave = w.contrast * (a + 0.5 * b);
        for (int k = 0; k < 3; k++) {
            const double v = w.light + wave * w.colour[k] + 15 * w.colour[k] + grain;
            pixels[3 * i + k] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
    }
}
