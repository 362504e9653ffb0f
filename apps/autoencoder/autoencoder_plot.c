#include "apps/autoencoder/autoencoder_plot.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/canvas.h"
#include "common/io/pngfile.h"
#include "common/par/window.h"
#include "common/run/err.h"

enum {
    GAP = 8,
    HEAD = 24,        /* pixels above pictures, for words */
    SCENE_SIDE = 400, /* smaller scenes are magnified to about this width */
    SORTED = 100000,  /* pixels, at most, from which a stretch is found */
    IMAGES = 12,
    IMAGE_SIDE = 64, /* as for scenes */
    CURVES = 3,
    CHART_WIDTH = 960,
    CHART_HEIGHT = 600
};

/* Where a value becomes black, and where white. */
struct stretch {
    double lo, hi;
};

static uint8_t grey(struct stretch s, double v)
{
    const double t = s.hi > s.lo ? (v - s.lo) / (s.hi - s.lo) : 0.5;
    return (uint8_t)lround(255 * fmin(1, fmax(0, t)));
}

/* One magnified pixel. */
static void put(struct ps_canvas *c, int x, int y, int magnify, const uint8_t rgb[3])
{
    ps_canvas_box(c, x, y, magnify, magnify, (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2]);
}

static int magnified(int64_t width, int wanted)
{
    return width < wanted ? (int)(wanted / width) : 1;
}

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Between the 2 % of the pixels that are darkest and brightest in a band. */
static enum ps_status find_stretch(const struct spectra *s, int64_t band, struct stretch *out)
{
    const int64_t step = (s->n + SORTED - 1) / SORTED, n = (s->n + step - 1) / step;
    float *v;
    PS_TRY(ps_alloc(&v, n, sizeof *v, "pixels"));
    for (int64_t i = 0; i < n; i++) v[i] = s->x[i * step * s->bands + band];
    qsort(v, (size_t)n, sizeof *v, ascending);
    *out = (struct stretch){v[n / 50], v[n - 1 - n / 50]};
    free(v);
    return PS_OK;
}

/* Red, green, blue: as given, or near infrared, red and green of a sensor from 0.4 to 2.5 micrometres. */
static enum ps_status choose_bands(const struct ps_list *given, int64_t bands, int64_t *band)
{
    static const double place[3] = {0.22, 0.13, 0.07};
    for (int c = 0; c < 3; c++) {
        band[c] = (int64_t)(given->n ? given->value[c] : place[c] * (double)bands);
        PS_CHECK(band[c] < bands, PS_EUSAGE,
                 "plot_bands: there is no band %lld: the samples have %lld, from 0", (long long)band[c],
                 (long long)bands);
    }
    return PS_OK;
}

/* @param back [pixels][3] @param band red, green, blue */
static enum ps_status draw_scene(const struct autoencoder_picture *p, const int64_t *band, const float *back)
{
    const struct spectra *s = p->shown->all;
    const int m = magnified(s->width, SCENE_SIDE), width = (int)s->width * m, height = (int)s->height * m;
    struct ps_canvas c = {.rgb = NULL};
    struct stretch stretch[3];
    enum ps_status rc = PS_OK;
    for (int k = 0; k < 3; k++) PS_TRY(find_stretch(s, band[k], &stretch[k]));
    PS_TRY(ps_canvas_make(2 * width + 3 * GAP, height + HEAD + GAP, &c));
    ps_canvas_text(&c, GAP, GAP / 2, 2, 0, "original");
    ps_canvas_text(&c, width + 2 * GAP, GAP / 2, 2, 0, "from codes");
    for (int64_t i = 0; i < s->n; i++) {
        const int x = GAP + (int)(i % s->width) * m, y = HEAD + (int)(i / s->width) * m;
        uint8_t before[3], after[3];
        for (int k = 0; k < 3; k++) {
            before[k] = grey(stretch[k], s->x[i * s->bands + band[k]]);
            after[k] = grey(stretch[k], back[i * 3 + k]);
        }
        put(&c, x, y, m, before);
        put(&c, x + width + GAP, y, m, after);
    }
    rc = ps_png_write(p->path, c.width, c.height, c.rgb);
    ps_canvas_free(&c);
    return rc;
}

/* Collective. */
static enum ps_status plot_scene(struct ps_run *run, const struct autoencoder_picture *p,
                                 const struct autoencoder_output *o)
{
    const struct spectra *s = p->shown->all;
    const struct ps_range want = {0, run->rank == 0 ? s->n : 0};
    float *own = NULL, *all = NULL;
    int64_t band[3];
    PS_TRY(choose_bands(p->bands, s->bands, band));
    const int64_t n = o->mine.hi - o->mine.lo;
    enum ps_status rc = ps_alloc(&own, 3 * n, sizeof *own, "pixels");
    if (rc == PS_OK) rc = ps_alloc(&all, 3 * want.hi, sizeof *all, "pixels");
    PS_TRY_DONE(ps_agree(run->comm, rc));
    for (int64_t i = 0; i < 3 * n; i++) own[i] = o->back[i / 3 * s->bands + band[i % 3]];
    PS_TRY_DONE(ps_window_fetch(run->comm, o->mine, own, 3 * sizeof *own, want, all));
    rc = ps_agree(run->comm, run->rank == 0 ? draw_scene(p, band, all) : PS_OK);
done:
    free(own), free(all);
    return rc;
}

/* What comes back of the first `count` samples that are shown, to rank 0. Collective. @param out
 * [count][bands] */
static enum ps_status fetch(struct ps_run *run, const struct autoencoder_picture *p,
                            const struct autoencoder_output *o, int64_t count, float *out)
{
    const int64_t bands = p->shown->all->bands;
    for (int64_t k = 0; k < count * bands; k++) out[k] = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t at = spectra_sample(p->shown, i);
        if (at >= o->mine.lo && at < o->mine.hi)
            memcpy(out + i * bands, o->back + (at - o->mine.lo) * bands, (size_t)bands * sizeof *out);
    }
    /* each is zero on all ranks but one */
    const int rc = MPI_Allreduce(MPI_IN_PLACE, out, (int)(count * bands), MPI_FLOAT, MPI_SUM, run->comm);
    PS_CHECK(rc == MPI_SUCCESS, PS_EMPI, "samples for the picture were not collected");
    return PS_OK;
}

/* An image of one channel or three; of more, the first is shown. */
static void draw_image(struct ps_canvas *c, int x, int y, int m, const struct autoencoder_picture *p,
                       struct stretch stretch, const float *v)
{
    for (int64_t i = 0; i < p->height * p->width; i++, v += p->channels) {
        const int colour = p->channels == 3;
        const uint8_t rgb[3] = {grey(stretch, v[0]), grey(stretch, v[colour]), grey(stretch, v[2 * colour])};
        put(c, x + (int)(i % p->width) * m, y + (int)(i / p->width) * m, m, rgb);
    }
}

/* @param back [count][bands] */
static enum ps_status draw_images(const struct autoencoder_picture *p, int count, const float *back)
{
    const struct spectra *s = p->shown->all;
    const int m = magnified(p->width, IMAGE_SIDE), width = (int)p->width * m, height = (int)p->height * m;
    struct ps_canvas c = {.rgb = NULL};
    PS_TRY(ps_canvas_make(GAP + count * (width + GAP), HEAD + 2 * (height + GAP), &c));
    ps_canvas_text(&c, GAP, GAP / 2, 2, 0, "originals, and from codes");
    for (int i = 0; i < count; i++) {
        const float *x = s->x + spectra_sample(p->shown, i) * s->bands;
        struct stretch stretch = {(double)x[0], (double)x[0]};
        for (int64_t k = 0; k < s->bands; k++) {
            stretch.lo = fmin(stretch.lo, x[k]);
            stretch.hi = fmax(stretch.hi, x[k]);
        }
        draw_image(&c, GAP + i * (width + GAP), HEAD, m, p, stretch, x);
        draw_image(&c, GAP + i * (width + GAP), HEAD + height + GAP, m, p, stretch, back + i * s->bands);
    }
    const enum ps_status rc = ps_png_write(p->path, c.width, c.height, c.rgb);
    ps_canvas_free(&c);
    return rc;
}

/* @param back [count][bands] */
static enum ps_status draw_spectra(const struct autoencoder_picture *p, int count, const float *back)
{
    static const uint32_t dark[CURVES] = {0x1f4e9e, 0xa02020, 0x207030};
    static const uint32_t light[CURVES] = {0x7fb0ff, 0xff8080, 0x70d080};
    static const char *const name[CURVES] = {"sample 1", "sample 2", "sample 3"};
    const struct spectra *s = p->shown->all;
    struct ps_curve curve[2 * CURVES];
    struct ps_canvas c = {.rgb = NULL};
    double *v;
    PS_TRY(ps_alloc(&v, 2 * count * s->bands, sizeof *v, "curves"));
    for (int i = 0; i < count; i++) {
        double *x = v + 2 * i * s->bands, *y = x + s->bands;
        const int64_t at = spectra_sample(p->shown, i);
        for (int64_t k = 0; k < s->bands; k++) {
            x[k] = s->x[at * s->bands + k];
            y[k] = back[i * s->bands + k];
        }
        curve[2 * i] = (struct ps_curve){.name = name[i], .y = x, .n = s->bands, .colour = dark[i]};
        curve[2 * i + 1] =
            (struct ps_curve){.name = "from its code", .y = y, .n = s->bands, .colour = light[i]};
    }
    enum ps_status rc = ps_canvas_make(CHART_WIDTH, CHART_HEIGHT, &c);
    if (rc == PS_OK) {
        ps_canvas_chart(&c, "samples of the test part, and what comes back", "band", "value", curve,
                        2 * count, NULL);
        rc = ps_png_write(p->path, c.width, c.height, c.rgb);
    }
    ps_canvas_free(&c);
    free(v);
    return rc;
}

enum ps_status autoencoder_plot(struct ps_run *run, const struct autoencoder_picture *p,
                                const struct autoencoder_output *o)
{
    const struct spectra *s = p->shown->all;
    const int64_t there = p->shown->hi - p->shown->lo, most = p->height ? IMAGES : CURVES;
    const int count = (int)(there < most ? there : most);
    float *back = NULL;
    if (!p->height && s->height) return plot_scene(run, p, o);
    enum ps_status rc =
        ps_agree(run->comm, ps_alloc(&back, count * s->bands, sizeof *back, "samples to draw"));
    if (rc == PS_OK) rc = ps_agree(run->comm, fetch(run, p, o, count, back));
    if (rc == PS_OK && run->rank == 0)
        rc = p->height ? draw_images(p, count, back) : draw_spectra(p, count, back);
    free(back);
    return ps_agree(run->comm, rc);
}
