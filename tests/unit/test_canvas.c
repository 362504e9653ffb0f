/* ranks: 1 */
#include "iocheck.h"
#include <math.h>
#include "common/io/canvas.h"
#include "common/io/canvas_axis.h"

static uint32_t at(const struct ps_canvas *c, int x, int y)
{
    const uint8_t *p = &c->rgb[3 * (y * c->width + x)];
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

/** How many pixels have a colour. */
static int count(const struct ps_canvas *c, uint32_t colour)
{
    int n = 0;
    for (int y = 0; y < c->height; y++)
        for (int x = 0; x < c->width; x++) n += at(c, x, y) == colour;
    return n;
}

static struct ps_canvas blank(int width, int height)
{
    struct ps_canvas c;
    ck_assert_int_eq(ps_canvas_make(width, height, &c), PS_OK);
    ck_assert_int_eq(count(&c, 0xffffff), width * height);
    return c;
}

START_TEST(boxes)
{
    struct ps_canvas c = blank(10, 8);
    ps_canvas_box(&c, 2, 3, 4, 2, 0x123456);
    ck_assert_int_eq(count(&c, 0x123456), 8);
    ck_assert(at(&c, 2, 3) == 0x123456 && at(&c, 5, 4) == 0x123456 && at(&c, 6, 4) == 0xffffff);
    ps_canvas_box(&c, -100, 7, 1000, 1000, 0x00ff00); /* cut at three borders */
    ck_assert_int_eq(count(&c, 0x00ff00), 10);
    ps_canvas_box(&c, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, 0);
    ps_canvas_box(&c, 3, 3, -2, 5, 0);
    ck_assert_int_eq(count(&c, 0), 0);
    ps_canvas_free(&c);
}
END_TEST

/** Along pixels a line is sharp; elsewhere it has as much ink as its length, in any direction. */
START_TEST(lines)
{
    struct ps_canvas c = blank(40, 40);
    ps_canvas_line(&c, 5, 7, 14, 7, 0);
    ps_canvas_line(&c, 20, 30, 20, 21, 0);
    ck_assert_int_eq(count(&c, 0), 20);
    ck_assert_int_eq(count(&c, 0xffffff), 1600 - 20);
    ck_assert(at(&c, 5, 7) == 0 && at(&c, 14, 7) == 0 && at(&c, 20, 21) == 0 && at(&c, 20, 30) == 0);
    ps_canvas_free(&c);
    for (int turn = 0; turn < 360; turn += 15) {
        c = blank(40, 40);
        double ink = 0, a = turn * 3.14159265358979 / 180;
        ps_canvas_stroke(&c, 20, 20, 20 + 15 * cos(a), 20 + 15 * sin(a), 3, 0);
        for (int y = 0; y < 40; y++)
            for (int x = 0; x < 40; x++) ink += (255 - (double)(at(&c, x, y) & 255)) / 255;
        /* 15 long, 3 wide, half a disc of radius 1.5 at each end: 52.1; sampling errs by a few per cent */
        ck_assert_msg(ink > 49.5 && ink < 54.5, "%d degrees: %g", turn, ink);
        ps_canvas_free(&c);
    }
}
END_TEST

START_TEST(lines_are_cut)
{
    struct ps_canvas c = blank(20, 10);
    ps_canvas_line(&c, NAN, 1, 2, 3, 0);
    ps_canvas_line(&c, 1, INFINITY, 2, 3, 0);
    ps_canvas_line(&c, 100, 100, 200, 300, 0);
    ck_assert_int_eq(count(&c, 0xffffff), 200);
    ps_canvas_line(&c, -1e18, 4, 1e18, 4, 0); /* and ends soon */
    ck_assert_int_eq(count(&c, 0), 20);
    ps_canvas_line(&c, 7, -1e300, 7, 1e300, 0xff0000);
    ck_assert_int_eq(count(&c, 0xff0000), 10);
    ps_canvas_free(&c);
}
END_TEST

/** Letters keep to their cells, and no two look the same; what is not ASCII is a question mark. */
START_TEST(font)
{
    static uint8_t seen[95][9 * 6 * 3];
    for (int k = 0; k < 95; k++) {
        const char s[] = {(char)(32 + k), 0};
        struct ps_canvas c = blank(8, 12);
        ck_assert_int_eq(ps_canvas_text(&c, 1, 1, 1, 0, s), 6);
        for (int y = 0; y < 12; y++)
            for (int x = 0; x < 8; x++)
                ck_assert(at(&c, x, y) == 0xffffff || (x >= 1 && x < 6 && y >= 1 && y < 10));
        for (int y = 0; y < 9; y++) memcpy(&seen[k][y * 18], &c.rgb[3 * ((y + 1) * 8 + 1)], 18);
        for (int j = 0; j < k; j++) {
            const bool alike = !memcmp(seen[j], seen[k], sizeof seen[k]);
            ck_assert_msg(alike == (j == '0' - 32 && k == 'O' - 32), "%c and %c", 32 + j, 32 + k);
        }
        ps_canvas_free(&c);
    }
    struct ps_canvas a = blank(20, 12), b = blank(20, 12);
    ps_canvas_text(&a, 1, 1, 1, 0, "\xc3\n");
    ps_canvas_text(&b, 1, 1, 1, 0, "??");
    ck_assert_mem_eq(a.rgb, b.rgb, 20 * 12 * 3);
    ps_canvas_free(&a);
    ps_canvas_free(&b);
}
END_TEST

/** Magnified, slanting strokes become smooth, and straight ones and corners stay as they are. */
START_TEST(magnified)
{
    struct ps_canvas small = blank(10, 10), large = blank(40, 40);
    ps_canvas_text(&small, 1, 1, 1, 0, "L");
    ps_canvas_text(&large, 4, 4, 4, 0, "L");
    ck_assert_int_eq(count(&large, 0), 16 * count(&small, 0));
    ck_assert_int_eq(count(&large, 0xffffff), 1600 - 16 * count(&small, 0));
    ps_canvas_free(&large);
    large = blank(40, 40);
    ps_canvas_text(&large, 4, 4, 4, 0, "/"); /* its top right point, and the second at the left below */
    ck_assert(at(&large, 20, 4) == 0 && at(&large, 23, 11) == 0 && at(&large, 19, 12) == 0);
    ck_assert(at(&large, 19, 11) < 0x808080 && at(&large, 20, 12) < 0x808080);
    ck_assert(at(&large, 16, 8) == 0xffffff && at(&large, 23, 15) == 0xffffff);
    ps_canvas_free(&large);
    ps_canvas_free(&small);
}
END_TEST

/** Text that goes upwards is the same, turned. */
START_TEST(upwards)
{
    struct ps_canvas a = blank(60, 40), b = blank(40, 60);
    ck_assert_int_eq(ps_canvas_text(&a, 3, 5, 2, 0, "Fg,7"), 48);
    ps_canvas_text_up(&b, 5, 56, 2, 0, "Fg,7");
    ck_assert_int_eq(count(&a, 0), count(&b, 0));
    for (int y = 0; y < 40; y++)
        for (int x = 0; x < 60; x++) ck_assert(at(&a, x, y) == at(&b, y, 59 - x));
    ps_canvas_free(&a);
    ps_canvas_free(&b);
}
END_TEST

START_TEST(greys)
{
    const float v[] = {-1, 0, 0.5f, 1, 2, NAN};
    struct ps_canvas c = blank(8, 8);
    ps_canvas_grey(&c, 1, 1, 3, 2, 2, v, 0, 1);
    ck_assert(at(&c, 0, 0) == 0xffffff && at(&c, 7, 1) == 0xffffff && at(&c, 1, 5) == 0xffffff);
    ck_assert(at(&c, 1, 1) == 0 && at(&c, 2, 2) == 0 && at(&c, 4, 1) == 0 && at(&c, 5, 2) == 0x808080);
    ck_assert(at(&c, 1, 3) == 0xffffff && at(&c, 4, 4) == 0xffffff && at(&c, 6, 4) == 0xff00ff);
    ps_canvas_free(&c);
}
END_TEST

static void axis(double lo, double hi, int most, bool whole, const char *want)
{
    struct ps_axis a;
    char text[1000] = "", label[48];
    ps_axis_make(lo, hi, most, whole, &a);
    for (int i = 0; i < a.count; i++) {
        ps_axis_label(&a, i, label, sizeof label);
        strcat(strcat(text, i ? " " : ""), label);
    }
    ck_assert_str_eq(text, want);
}

START_TEST(axes)
{
    axis(0, 1, 6, false, "0.0 0.2 0.4 0.6 0.8 1.0");
    axis(0, 1, 11, false, "0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0");
    axis(-0.35, 0.41, 5, false, "-0.2 0.0 0.2 0.4");
    axis(1, 20, 10, true, "2 4 6 8 10 12 14 16 18 20");
    axis(1, 3, 10, true, "1 2 3");
    axis(0, 3, 10, false, "0.0 0.5 1.0 1.5 2.0 2.5 3.0");
    axis(97.3, 99.9, 4, false, "98 99");
    axis(0, 145000, 4, false, "0 50000 100000");
    axis(0, 3e7, 4, false, "0 1e7 2e7 3e7");
    axis(0, 25e6, 6, false, "0 5e6 1.0e7 1.5e7 2.0e7 2.5e7");
    axis(-4e-9, 4e-9, 5, false, "-4e-9 -2e-9 0 2e-9 4e-9");
    axis(1e-5, 5e-5, 5, false, "0.00001 0.00002 0.00003 0.00004 0.00005");
    axis(1000000.1, 1000000.4, 4, false, "1000000.1 1000000.2 1000000.3 1000000.4");
    axis(-1e300, 1e300, 5, false, "-1.0e300 -5e299 0 5e299 1.0e300");
    static const double tenths[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7};
    struct ps_axis a;
    ps_axis_make(0.1, 0.7, 7, false, &a);
    for (int i = 0; i < 7; i++) ck_assert(ps_axis_tick(&a, i) == tenths[i]);
}
END_TEST

static const uint32_t red = 0xd00000;

/** Rows of a column that have at least some of the curve's colour. */
static int tinted(const struct ps_canvas *c, int x)
{
    int n = 0;
    for (int y = 0; y < c->height; y++) n += (at(c, x, y) & 255) + 20 < (at(c, x, y) >> 16);
    return n;
}

/** A gap stays white; a spike of one in a million points is seen; the range of y reaches round values. */
START_TEST(charts)
{
    enum { N = 1000000 };
    double *y = malloc(sizeof *y * N);
    struct ps_canvas c = blank(640, 400), other = blank(640, 400);
    for (int i = 0; i < N; i++) y[i] = i >= 400000 && i < 600000 ? NAN : 1;
    const struct ps_curve k = {.name = "", .y = y, .n = N, .colour = red};
    ps_canvas_chart(&c, "", "", "", &k, 1, NULL);
    int first = 640, last = 0, gaps = 0;
    for (int x = 0; x < 640; x++)
        if (tinted(&c, x)) first = x < first ? x : first, last = x;
    for (int x = first; x <= last; x++) gaps += tinted(&c, x) == 0;
    ck_assert_msg(abs(gaps - (last - first) / 5) <= 2, "a gap of %d in %d", gaps, last - first);
    y[777777] = 1000;
    ps_canvas_chart(&other, "", "", "", &k, 1, NULL);
    int tall = 0;
    for (int x = first; x <= last; x++) tall += tinted(&other, x) > 200;
    ck_assert_msg(tall >= 1 && tall <= 3, "the spike is %d wide", tall);
    ps_canvas_free(&c);
    ps_canvas_free(&other);
    free(y);
}
END_TEST

/** Nothing to show, single points, huge values, a tiny canvas: something is drawn, nothing breaks. */
START_TEST(odd_charts)
{
    const double one[] = {3}, none[] = {NAN, INFINITY}, huge[] = {-1e299, 1e299, 1e308, 5};
    const struct ps_curve k[] = {{.name = "one", .y = one, .n = 1, .colour = red},
                                 {.name = "none", .y = none, .n = 2, .colour = red},
                                 {.name = "huge", .y = huge, .n = 4, .colour = red},
                                 {.name = "empty", .y = NULL, .n = 0, .colour = red}};
    for (int i = 0; i < 4; i++)
        for (int size = 1; size < 1000; size = size * 3 + 1) {
            struct ps_canvas c = blank(size, size);
            ps_canvas_chart(&c, "title", "x", "y", &k[i], 1, NULL);
            if (size > 300) ck_assert(count(&c, 0x303030) > 50);
            ps_canvas_free(&c);
        }
    struct ps_canvas c = blank(300, 200);
    ps_canvas_chart(&c, "", "", "", NULL, 0, NULL);
    ps_canvas_free(&c);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {boxes, lines, lines_are_cut, font,       magnified, upwards,
                                  greys, axes,  charts,        odd_charts, NULL};
    return mck_main(argc, argv, "canvas", tests);
}
