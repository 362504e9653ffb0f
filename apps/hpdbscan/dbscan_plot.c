#include "apps/hpdbscan/dbscan_plot.h"
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include "apps/hpdbscan/dbscan_canvas.h"
#include "apps/hpdbscan/dbscan_rows.h"
#include "common/io/pngfile.h"
#include "common/run/err.h"

/* Words per pixel of the raster. Colours are summed, so that the picture does not depend on the order of
 * points or ranks. */
enum { NOISE, POINTS, RED, GREEN, BLUE, WORDS };
enum { AREA = 1000000, LONGEST = 2400, SHORTEST = 240, MARGIN = 60, LETTER = 2 };

/* The raster and how coordinates become pixels: (x - lo) * half * scale. */
struct raster {
    int width, height;
    double half, lo[2], scale[2];
    int column[2];
    uint64_t *count; /* [height][width][WORDS], bottom row first */
};

enum ps_status dbscan_plot_columns(const char *text, int d, int column[2])
{
    char rest;
    if (d == 1) {
        column[0] = 0;
        column[1] = -1;
        return PS_OK;
    }
    PS_CHECK(sscanf(text, "%d,%d%c", column, column + 1, &rest) == 2 && column[0] >= 0 && column[0] < d &&
                 column[1] >= 0 && column[1] < d && column[0] != column[1],
             PS_EUSAGE, "plot-columns = %s: two different columns of 0 to %d are wanted, e.g. 0,1", text,
             d - 1);
    return PS_OK;
}

/* Colours of neighbouring numbers lie far apart: hues step by the golden ratio. */
static struct dbscan_colour cluster_colour(int64_t cluster)
{
    const double hue = fmod((double)cluster * 0.6180339887498949, 1) * 6;
    const double weak = 0.1 + 0.1 * (double)(cluster % 3); /* of the primaries that the hue lacks */
    double rgb[3];
    for (int c = 0; c < 3; c++) {
        const double away = fabs(fmod(hue + 2.0 * c, 6) - 3); /* 0 to 3 */
        rgb[c] = 255 * (weak + (1 - weak) * fmin(1, fmax(0, away - 1)));
    }
    /* no hue is much lighter than another: yellow on white would be hard to see */
    const double light = 0.30 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2], dim = fmin(1, 110 / light);
    return (struct dbscan_colour){(uint8_t)(rgb[0] * dim), (uint8_t)(rgb[1] * dim), (uint8_t)(rgb[2] * dim)};
}

/* Pixels for the extents: the aspect ratio is kept as long as the shorter side stays legible. */
static void raster_size(struct raster *r, const struct dbscan_domain *dom)
{
    double extent[2];
    for (int a = 0; a < 2; a++) {
        const int k = r->column[a];
        extent[a] = k < 0 ? 0 : dom->hi[k] * dom->half - dom->lo[k] * dom->half;
        r->lo[a] = k < 0 ? 0 : dom->lo[k];
    }
    const double ratio = extent[0] > 0 && extent[1] > 0 ? extent[0] / extent[1]
                         : extent[0] > 0                ? 1e9
                         : extent[1] > 0                ? 1e-9
                                                        : 1;
    double width = fmin(LONGEST, sqrt(AREA * ratio)), height = width / ratio;
    if (height > LONGEST) height = LONGEST, width = height * ratio;
    r->width = (int)fmax(SHORTEST, width);
    r->height = (int)fmax(SHORTEST, height);
    r->half = dom->half;
    for (int a = 0; a < 2; a++) {
        const double scale = ((a ? r->height : r->width) - 1) / extent[a];
        r->scale[a] = extent[a] > 0 && isfinite(scale) ? scale : 0;
    }
}

static void count_block(struct raster *r, int d, const double *x, const int64_t *label, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t at[2];
        for (int a = 0; a < 2; a++) {
            const double v = r->column[a] < 0 ? 0 : x[i * d + r->column[a]];
            at[a] = (int64_t)((v * r->half - r->lo[a] * r->half) * r->scale[a] + 0.5);
        }
        uint64_t *p = r->count + (at[1] * r->width + at[0]) * WORDS;
        if (label[i] == 0) {
            p[NOISE]++;
            continue;
        }
        const struct dbscan_colour c = cluster_colour(label[i] < 0 ? -label[i] : label[i]);
        p[POINTS]++;
        p[RED] += c.r;
        p[GREEN] += c.g;
        p[BLUE] += c.b;
    }
}

static enum ps_status count_rows(struct raster *r, const struct ps_points *p, const int64_t *label)
{
    const int64_t block = dbscan_rows_block(p->d);
    double *work;
    PS_TRY(ps_zalloc(&r->count, (int64_t)r->width * r->height * WORDS, sizeof *r->count,
                     "the raster of the picture"));
    PS_TRY(ps_alloc(&work, block * p->d, sizeof *work, "the raster of the picture"));
    for (int64_t at = 0; at < p->n; at += block) {
        const int64_t end = at + block < p->n ? at + block : p->n;
        count_block(r, p->d, dbscan_rows_double(p, at, end, work), label + at, end - at);
    }
    free(work);
    return PS_OK;
}

/* Few points would be specks: they are drawn as dots. */
static int dot_radius(const struct raster *r)
{
    int64_t used = 0, all = (int64_t)r->width * r->height;
    for (int64_t i = 0; i < all; i++) used += r->count[i * WORDS + NOISE] || r->count[i * WORDS + POINTS];
    return used * 200 < all ? 2 : used * 20 < all ? 1 : 0;
}

/* The pixel's colour: points over noise, darker the more there are, by the logarithm. */
static struct dbscan_colour shade(const uint64_t *p, double log_points, double log_noise)
{
    const bool noise = p[POINTS] == 0;
    const double n = (double)(noise ? p[NOISE] : p[POINTS]);
    const double most = noise ? log_noise : log_points;
    const double depth = (noise ? 0.35 : 0.55) + (noise ? 0.35 : 0.45) * (most > 0 ? log(n) / most : 1);
    uint8_t out[3];
    for (int c = 0; c < 3; c++) {
        const double ink = noise ? 140 : (double)p[RED + c] / n;
        out[c] = (uint8_t)(255 + (ink - 255) * depth + 0.5);
    }
    return (struct dbscan_colour){out[0], out[1], out[2]};
}

static void draw_points(const struct raster *r, struct dbscan_canvas *canvas, int left, int top)
{
    uint64_t points = 1, noise = 1;
    const int radius = dot_radius(r);
    for (int64_t i = 0; i < (int64_t)r->width * r->height; i++) {
        if (r->count[i * WORDS + POINTS] > points) points = r->count[i * WORDS + POINTS];
        if (r->count[i * WORDS + NOISE] > noise) noise = r->count[i * WORDS + NOISE];
    }
    for (int over = 0; over < 2; over++) /* noise first, so that clusters lie on top */
        for (int64_t i = 0; i < (int64_t)r->width * r->height; i++) {
            const uint64_t *p = r->count + i * WORDS;
            if (over ? p[POINTS] == 0 : p[POINTS] != 0 || p[NOISE] == 0) continue;
            const struct dbscan_colour c = shade(p, log((double)points), log((double)noise));
            const int x = left + (int)(i % r->width), y = top + r->height - 1 - (int)(i / r->width);
            for (int dy = -radius; dy <= radius; dy++)
                for (int dx = -radius; dx <= radius; dx++)
                    if (dx * dx + dy * dy <= radius * radius + 1)
                        dbscan_canvas_set(canvas, x + dx, y + dy, c);
        }
}

static void draw_words(const struct raster *r, const struct dbscan_picture *picture,
                       const struct dbscan_domain *dom, struct dbscan_canvas *canvas)
{
    const struct dbscan_colour ink = {60, 60, 60};
    const int right = MARGIN + r->width, below = MARGIN + r->height + 8;
    char text[160];
    snprintf(text, sizeof text, "%lld clusters; %lld of %lld points are noise", (long long)picture->clusters,
             (long long)picture->noise, (long long)picture->points);
    dbscan_canvas_text(canvas, MARGIN, 12, LETTER, text, ink);
    for (int a = 0; a < 2; a++) {
        const int k = picture->column[a];
        if (k < 0) continue;
        for (int end = 0; end < 2; end++) {
            snprintf(text, sizeof text, "%.6g", end ? dom->hi[k] : dom->lo[k]);
            const int width = dbscan_canvas_text_width(LETTER, text);
            if (a == 0)
                dbscan_canvas_text(canvas, end ? right - width : MARGIN, below, LETTER, text, ink);
            else /* above and below the left edge: numbers of any width fit */
                dbscan_canvas_text(canvas, 4, end ? MARGIN - 20 : below + 18, LETTER, text, ink);
        }
        snprintf(text, sizeof text, a ? "column %d up" : "column %d to the right", k);
        const int width = dbscan_canvas_text_width(LETTER, text);
        dbscan_canvas_text(canvas, MARGIN + (r->width - width) / 2, a ? below + 18 : below, LETTER, text,
                           ink);
    }
    dbscan_canvas_frame(canvas, MARGIN, MARGIN, r->width, r->height, ink);
}

static enum ps_status draw(const struct raster *r, const struct dbscan_picture *picture,
                           const struct dbscan_domain *dom)
{
    struct dbscan_canvas canvas;
    PS_TRY(dbscan_canvas_make(&canvas, r->width + 2 * MARGIN, r->height + 2 * MARGIN));
    draw_points(r, &canvas, MARGIN, MARGIN);
    draw_words(r, picture, dom, &canvas);
    const enum ps_status rc = ps_png_write(picture->path, canvas.width, canvas.height, canvas.rgb);
    dbscan_canvas_free(&canvas);
    return rc;
}

enum ps_status dbscan_plot_write(MPI_Comm comm, const struct dbscan_picture *picture,
                                 const struct dbscan_domain *dom, const struct ps_shard *in,
                                 const int64_t *label)
{
    const struct ps_points p = {in->data, in->mine.hi - in->mine.lo, dom->d, in->type};
    struct raster r = {.column = {picture->column[0], picture->column[1]}};
    int rank;
    MPI_Comm_rank(comm, &rank);
    raster_size(&r, dom);
    enum ps_status rc = ps_agree(comm, count_rows(&r, &p, label));
    if (rc == PS_OK) {
        MPI_Reduce(rank ? r.count : MPI_IN_PLACE, r.count, r.width * r.height * WORDS, MPI_UINT64_T, MPI_SUM,
                   0, comm);
        rc = ps_agree(comm, rank == 0 ? draw(&r, picture, dom) : PS_OK);
    }
    free(r.count);
    return rc;
}
