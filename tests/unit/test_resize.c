/* ranks: 1 */
#include <math.h>
#include "mpicheck.h"
#include "common/io/resize.h"

enum { HEIGHT = 40, WIDTH = 30, BANDS = 3 };

static uint8_t pixels[HEIGHT][WIDTH][BANDS];
static struct ps_picture picture = {
    .height = HEIGHT, .width = WIDTH, .bands = BANDS, .type = PS_U8, .data = pixels};
static const float one[BANDS] = {1, 1, 1}, zero[BANDS];
static const struct ps_tone as_is = {one, zero};

static void fill(void)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int b = 0; b < BANDS; b++) pixels[y][x][b] = (uint8_t)(37 * y + 17 * x * x + 91 * b);
}

/* Sums of at most 13 x 9 products in single precision: errors below 255 x 22 x 2^-24. */
static const double TOLERANCE = 4e-4;

/* tests/golden/resize.py prints these: first pixel's band 0, one in the middle, the last pixel's band 2, the
 * mean. */
START_TEST(as_pytorch)
{
    static const struct {
        int top, left, height, width, high, wide;
        double value[4];
    } want[] = {{0, 0, 40, 30, 7, 9, {119.357292, 130.338963, 130.587316, 127.646618}},
                {5, 3, 20, 21, 33, 40, {82.000000, 101.462500, 79.000000, 127.666006}},
                {1, 2, 39, 8, 13, 8, {151.250000, 79.000000, 139.750000, 128.049858}}};
    struct ps_resize_room room = {.row = NULL};
    static float out[HEIGHT * WIDTH * 8 * BANDS], turned[HEIGHT * WIDTH * 8 * BANDS];
    fill();
    for (int i = 0; i < 3; i++) {
        const int h = want[i].high, w = want[i].wide;
        const struct ps_box box = {want[i].top, want[i].left, want[i].height, want[i].width, false};
        double sum = 0;
        ck_assert(ps_resize(&picture, box, h, w, false, false, as_is, &room, out) == PS_OK);
        for (int k = 0; k < h * w * BANDS; k++) sum += out[k];
        const double is[4] = {out[0], out[(h / 2 * w + w / 3) * BANDS + 1], out[h * w * BANDS - 1],
                              sum / (h * w * BANDS)};
        for (int k = 0; k < 4; k++)
            ck_assert_msg(fabs(is[k] - want[i].value[k]) < TOLERANCE, "box %d: %.6f is not %.6f", i, is[k],
                          want[i].value[k]);
        ck_assert(ps_resize(&picture, box, h, w, true, true, as_is, &room, turned) == PS_OK);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w * BANDS; x++) {
                const float there = turned[((h - 1 - y) * w + (w - 1 - x / BANDS)) * BANDS + x % BANDS];
                ck_assert(out[y * w * BANDS + x] <= there && out[y * w * BANDS + x] >= there);
            }
    }
    ps_resize_free(&room);
}
END_TEST

/* The centre of the picture at half its size is that of the whole picture at half its size, borders too. */
START_TEST(open_box)
{
    static const struct {
        int band, y, x;
        double value;
    } want[] = {{0, 4, 3, 145.5}, {1, 9, 8, 104.5}, {2, 15, 12, 119.5}};
    struct ps_resize_room room = {.row = NULL};
    const struct ps_box box = {8, 6, 24, 20, true};
    float out[12 * 10 * BANDS];
    fill();
    ck_assert(ps_resize(&picture, box, 12, 10, false, false, as_is, &room, out) == PS_OK);
    for (int i = 0; i < 3; i++) {
        const double is = out[((want[i].y - 4) * 10 + want[i].x - 3) * BANDS + want[i].band];
        ck_assert_msg(fabs(is - want[i].value) < TOLERANCE, "%.6f is not %.6f", is, want[i].value);
    }
    ps_resize_free(&room);
}
END_TEST

/* Each type; a picture of a constant stays one; scale and shift. */
START_TEST(types)
{
    enum { SIDE = 5 };
    static uint16_t u16[SIDE * SIDE];
    static int16_t i16[SIDE * SIDE];
    static float f32[SIDE * SIDE];
    const float scale = 0.5F, shift = -3;
    const struct ps_tone tone = {&scale, &shift};
    struct ps_resize_room room = {.row = NULL};
    void *const data[] = {u16, i16, f32};
    static const enum ps_dtype type[] = {PS_U16, PS_I16, PS_F32};
    static const double value[] = {60000, -12345, 0.25};
    for (int k = 0; k < SIDE * SIDE; k++) u16[k] = 60000, i16[k] = -12345, f32[k] = 0.25F;
    for (int t = 0; t < 3; t++) {
        const struct ps_picture p = {
            .height = SIDE, .width = SIDE, .bands = 1, .type = type[t], .data = data[t]};
        float out[64];
        ck_assert(ps_resize(&p, (struct ps_box){0, 0, SIDE, SIDE, false}, 3, 8, true, false, tone, &room,
                            out) == PS_OK);
        for (int k = 0; k < 24; k++)
            ck_assert(fabs(out[k] - (0.5 * value[t] - 3)) < 1e-6 * fabs(value[t]) + 1e-6);
        ps_cut(&p, 0, 0, SIDE, SIDE, false, true, tone, out);
        for (int k = 0; k < SIDE * SIDE; k++)
            ck_assert(fabs(out[k] - (0.5 * value[t] - 3)) < 1e-6 * fabs(value[t]) + 1e-6);
    }
    ps_resize_free(&room);
}
END_TEST

/* A window that reaches beyond each border: pixels of 0 there, which scale and shift change too. */
START_TEST(beyond)
{
    const float scale[BANDS] = {1, 2, 3}, shift[BANDS] = {-1, -2, -4};
    const struct ps_tone tone = {scale, shift};
    static float out[44 * 34 * BANDS];
    static const int at[][2] = {{-2, -3}, {1, 4}, {-4, 2}, {-50, 0}};
    fill();
    for (int i = 0; i < 4; i++)
        for (int flip = 0; flip < 4; flip++) {
            const int h = 41, w = 33;
            ps_cut(&picture, at[i][0], at[i][1], h, w, flip & 1, flip & 2, tone, out);
            for (int y = 0; y < h; y++)
                for (int x = 0; x < w; x++)
                    for (int b = 0; b < BANDS; b++) {
                        const int py = at[i][0] + (flip & 2 ? h - 1 - y : y),
                                  px = at[i][1] + (flip & 1 ? w - 1 - x : x);
                        const bool inside = py >= 0 && py < HEIGHT && px >= 0 && px < WIDTH;
                        const double want = scale[b] * (inside ? pixels[py][px][b] : 0) + shift[b];
                        ck_assert(fabs(out[(y * w + x) * BANDS + b] - want) < 1e-4);
                    }
        }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {as_pytorch, open_box, types, beyond, NULL};
    return mck_main(argc, argv, "resize", tests);
}
