#include "apps/resnet50/image_augment.h"
#include <math.h>
#include <string.h>
#include "kernels/rng.h"

/* Random numbers of this purpose, and draws of one image. */
static const uint32_t STREAM = 0x696d6167;
enum { FLIP_X, FLIP_Y, SHIFT_X, SHIFT_Y, CROP, PER_TRIAL = 4, TRIALS = 10 };

struct image_plan image_plan_of(const struct image_choice *c, int height, int width)
{
    static const char *const names[] = {"none", "flip", "shift", "crop"};
    struct image_plan plan = {.height = height,
                              .width = width,
                              .resize = c->resize,
                              .pad = c->pad,
                              .vertical = c->vertical,
                              .least = c->least,
                              .squeeze = c->squeeze};
    for (int k = 0; k < 4; k++)
        if (strcmp(c->augment, names[k]) == 0) plan.kind = (enum image_kind)k;
    return plan;
}

/* The centre, after the shorter side was brought to its size. */
static struct image_window centre(const struct image_plan *p, int height, int width)
{
    struct image_window w = {.whole = true};
    const int shorter = height < width ? height : width, longer = p->height > p->width ? p->height : p->width;
    int side = p->resize;
    if (side == 0) side = height == p->height && width == p->width ? shorter : (longer * 256 + 112) / 224;
    double high = height == shorter ? side : floor((double)side * height / width);
    double wide = width == shorter ? side : floor((double)side * width / height);
    if (high < p->height || wide < p->width) { /* the input is longer than the image, which so fits just */
        const double by = fmax(p->height / high, p->width / wide);
        high = fmax(p->height, rint(high * by));
        wide = fmax(p->width, rint(wide * by));
    }
    const double y = height / high, x = width / wide;
    w.whole = high >= height && high <= height && wide >= width && wide <= width;
    w.box = (struct ps_box){.top = y * rint((high - p->height) / 2),
                            .left = x * rint((wide - p->width) / 2),
                            .height = y * p->height,
                            .width = x * p->width,
                            .open = true};
    return w;
}

static double clamp(double x, double most)
{
    return x < 0 ? 0 : x > most ? most : x;
}

/* Some pixels of the input to the side: beyond the image where it is as large as the input. */
static void shift(const struct image_plan *p, struct ps_rng r, int64_t at, int height, int width,
                  struct image_window *w)
{
    const double down = (double)ps_rng_below(r, at, SHIFT_Y, 2 * p->pad + 1) - p->pad;
    const double right = (double)ps_rng_below(r, at, SHIFT_X, 2 * p->pad + 1) - p->pad;
    w->box.top += down * w->box.height / p->height;
    w->box.left += right * w->box.width / p->width;
    if (w->whole) return;
    w->box.top = clamp(w->box.top, height - w->box.height);
    w->box.left = clamp(w->box.left, width - w->box.width);
}

static struct image_window crop(const struct image_plan *p, struct ps_rng r, int64_t at, int height,
                                int width)
{
    const double area = (double)height * width, narrow = log(1 / p->squeeze), wide = log(p->squeeze);
    struct image_window w = {.whole = false};
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        const uint32_t slot = CROP + trial * PER_TRIAL;
        const double part = area * (p->least + (1 - p->least) * ps_rng_uniform(r, at, slot));
        const double ratio = exp(narrow + (wide - narrow) * ps_rng_uniform(r, at, slot + 1));
        const double x = rint(sqrt(part * ratio)), y = rint(sqrt(part / ratio));
        if (x < 1 || y < 1 || x > width || y > height) continue;
        w.box = (struct ps_box){.height = y, .width = x};
        w.box.top = (double)ps_rng_below(r, at, slot + 2, height - (int64_t)y + 1);
        w.box.left = (double)ps_rng_below(r, at, slot + 3, width - (int64_t)x + 1);
        return w;
    }
    const double ratio = (double)width / height; /* the centre, as near to the whole as the ratio may be */
    const double x = ratio > p->squeeze ? rint(height * p->squeeze) : width;
    const double y = ratio < 1 / p->squeeze ? rint(width * p->squeeze) : height;
    w.box = (struct ps_box){floor((height - y) / 2), floor((width - x) / 2), y, x, false};
    return w;
}

struct image_window image_window_of(const struct image_plan *p, const struct ps_draw *draw, int64_t image,
                                    int height, int width)
{
    enum { EPOCH_AT = 40 }; /* images are fewer than 2^40 */
    const struct ps_rng r = {.seed = draw->seed, .stream = STREAM};
    const int64_t at = (draw->epoch << EPOCH_AT) + image;
    if (!draw->training || p->kind == IMAGE_PLAIN) return centre(p, height, width);
    struct image_window w = p->kind == IMAGE_CROP ? crop(p, r, at, height, width) : centre(p, height, width);
    if (p->kind == IMAGE_SHIFT && p->pad > 0) shift(p, r, at, height, width, &w);
    w.flip_x = ps_rng_below(r, at, FLIP_X, 2) == 1;
    w.flip_y = p->vertical && ps_rng_below(r, at, FLIP_Y, 2) == 1;
    return w;
}
