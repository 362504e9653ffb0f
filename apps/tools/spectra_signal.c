/* Spectra are sums of Gaussian bumps and dips over a wavelength axis [0, 1], with the water vapour bands of
 * the atmosphere at the same places for all. */
#include "apps/tools/spectra_signal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"
#include "kernels/rng.h"

enum { FAMILY = 3, BUMPS = 5, SLOTS = 3 * BUMPS + 8, BYTES = 16 };

/* reflectances, unless said otherwise */
static const double apart = 0.02;       /* between classes of a family, per shape */
static const double field_apart = 0.01; /* between fields of a class, per shape */
static const double soil_share = 0.25;  /* of a field, at most */
static const double other_share = 0.10; /* of a pixel, at most */
static const double field_light = 0.12, hill_light = 0.08, pixel_light = 0.02; /* relative */
static const double hill = 97;   /* pixels from crest to crest */
static const double white = 0.5; /* noise of a band, in units of the noise of a shape */

static struct ps_rng rng(const struct scene_spec *s, enum scene_stream stream)
{
    return (struct ps_rng){.seed = s->seed, .stream = (uint32_t)stream};
}

void signal_free(struct signal *s)
{
    free(s->crop), free(s->soil), free(s->shape);
    *s = (struct signal){0};
}

static double bump(double t, double centre, double width)
{
    double d = (t - centre) / width;
    return exp(-0.5 * d * d);
}

static double between(struct ps_rng r, int64_t index, uint32_t slot, double lo, double hi)
{
    return lo + (hi - lo) * ps_rng_uniform(r, index, slot);
}

/** The spectrum of a family of classes; family -1 is soil. */
static void base(struct ps_rng r, int64_t family, int bands, double *out)
{
    double level = between(r, family, 0, 0.25, 0.5), slope = between(r, family, 1, -0.15, 0.15);
    for (int b = 0; b < bands; b++) {
        double t = (b + 0.5) / bands, v = level + slope * (t - 0.5);
        for (uint32_t k = 0; k < BUMPS; k++)
            v += between(r, family, 2 + 3 * k, -0.12, 0.15) *
                 bump(t, between(r, family, 3 + 3 * k, 0, 1), between(r, family, 4 + 3 * k, 0.04, 0.2));
        double water = 0.75 * bump(t, 0.47, 0.02) + 0.85 * bump(t, 0.71, 0.03);
        out[b] = fmax(v, 0.05) * (1 - water);
    }
}

enum ps_status signal_make(const struct scene_spec *spec, int bands, double noise, struct signal *out)
{
    *out = (struct signal){.bands = bands, .classes = spec->classes, .noise = noise};
    PS_TRY(ps_alloc(&out->crop, (int64_t)spec->classes * bands, sizeof(double), "spectra of classes"));
    PS_TRY(ps_alloc(&out->soil, bands, sizeof(double), "the spectrum of soil"));
    PS_TRY(ps_alloc(&out->shape, (int64_t)SIGNAL_SHAPES * bands, sizeof(double), "shapes of spectra"));
    struct ps_rng r = rng(spec, SCENE_CLASS);
    for (int k = 0; k < SIGNAL_SHAPES; k++)
        for (int b = 0; b < bands; b++)
            out->shape[k * bands + b] =
                bump((b + 0.5) / bands, (k + 0.5) / SIGNAL_SHAPES, 0.7 / SIGNAL_SHAPES);
    base(r, -1, bands, out->soil);
    for (int64_t c = 0; c < spec->classes; c++) {
        double *to = out->crop + c * bands;
        base(r, c / FAMILY, bands, to);
        for (uint32_t k = 0; k < SIGNAL_SHAPES; k++) {
            double by = apart * ps_rng_normal(r, c, SLOTS + k);
            for (int b = 0; b < bands; b++) to[b] += by * out->shape[(int)k * bands + b];
        }
    }
    return PS_OK;
}

/** Light on a pixel: of its field (slope and time), of the hills, its own. */
static double light(const struct scene_spec *spec, int64_t field, int64_t line, int64_t sample)
{
    const double turn = 6.283185307179586 / hill;
    double of_field = field_light * (2 * ps_rng_uniform(rng(spec, SCENE_FIELD), field, 0) - 1);
    double of_hills = hill_light * sin(turn * (double)line) * cos(turn * (double)sample);
    double own = pixel_light * ps_rng_normal(rng(spec, SCENE_PIXEL), line * spec->width + sample, 0);
    return (1 + of_field) * (1 + of_hills) * (1 + own);
}

/** Sixteen bytes of noise give four values of mean 0 and variance 1: sums of four bytes are nearly normal. */
static void four_normals(const struct scene_spec *spec, int64_t pixel, uint32_t slot, double out[4])
{
    const double mean = 510, scale = 1 / 147.8005413; /* variance of a byte: (256^2 - 1) / 12 */
    uint64_t at = (uint64_t)pixel;
    const uint32_t counter[4] = {(uint32_t)at, (uint32_t)(at >> 32), slot, SCENE_NOISE};
    const uint32_t key[2] = {(uint32_t)spec->seed, (uint32_t)(spec->seed >> 32)};
    uint32_t word[4];
    ps_philox(counter, key, word);
    for (int k = 0; k < 4; k++) {
        uint32_t w = word[k];
        out[k] = ((double)((w & 255) + (w >> 8 & 255) + (w >> 16 & 255) + (w >> 24)) - mean) * scale;
    }
}

/** The pixel's spectrum without light and noise of the bands. */
static void mixture(const struct signal *s, const struct scene_spec *spec, int64_t field, int crop,
                    int64_t pixel, double *out)
{
    struct ps_rng of_field = rng(spec, SCENE_FIELD), own = rng(spec, SCENE_PIXEL);
    double soil = soil_share * ps_rng_uniform(of_field, field, 1);
    double other = other_share * ps_rng_uniform(own, pixel, 1);
    int64_t second = ps_rng_below(of_field, field, 2, s->classes);
    const double *a = s->crop + (int64_t)crop * s->bands, *b = s->crop + second * s->bands;
    for (int k = 0; k < s->bands; k++) out[k] = (1 - soil - other) * a[k] + soil * s->soil[k] + other * b[k];
    for (uint32_t k = 0; k < SIGNAL_SHAPES; k++) {
        double by =
            field_apart * ps_rng_normal(of_field, field, 3 + k) + s->noise * ps_rng_normal(own, pixel, 2 + k);
        const double *shape = s->shape + (int64_t)k * s->bands;
        for (int i = 0; i < s->bands; i++) out[i] += by * shape[i];
    }
}

void signal_pixel(const struct signal *s, const struct scene *scene, int64_t at, double *work, uint16_t *out)
{
    const struct scene_spec *spec = &scene->spec;
    int64_t line = scene->line.lo + at / spec->width, sample = at % spec->width, field = scene->field[at];
    int64_t pixel = line * spec->width + sample;
    double bright = light(spec, field, line, sample), sigma = white * s->noise;
    mixture(s, spec, field, scene->crop[field], pixel, work);
    for (int k = 0; k < s->bands; k += 4) {
        double normal[4];
        four_normals(spec, pixel, (uint32_t)k / 4, normal);
        for (int i = k; i < k + 4 && i < s->bands; i++) {
            double v = (work[i] * bright + sigma * normal[i - k]) * SIGNAL_STEPS;
            out[i] = (uint16_t)fmin(fmax(rint(v), 0), 65535);
        }
    }
}
