/* ranks: 1 */
/* Figures: SVG that is well formed whatever the words are, marks on axes, and what stays inside the frame. */
#include "tests/unit/mpicheck.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "apps/results/figure.h"
#include "apps/results/figure_scale.h"

static char svg[1 << 16];

static void draw(const struct figure *f, int wide, int high, bool inside)
{
    FILE *to = tmpfile();
    ck_assert(to != NULL);
    figure_svg(f, wide, high, inside, to);
    rewind(to);
    svg[fread(svg, 1, sizeof svg - 1, to)] = '\0';
    fclose(to);
}

/* Every element is closed in order, every attribute quoted, no bare & or <. @return elements */
static int well_formed(const char *s)
{
    char open[32][16];
    int depth = 0, elements = 0;
    while (*s) {
        if (*s == '&') {
            const size_t n = strcspn(s, ";");
            ck_assert_msg(n < 8 && s[n] == ';', "a bare &: %.20s", s);
        }
        if (*s++ != '<') continue;
        if (*s == '/') {
            const size_t n = strcspn(++s, ">");
            ck_assert_msg(depth > 0 && strlen(open[depth - 1]) == n && strncmp(open[depth - 1], s, n) == 0,
                          "closed out of order: %.20s", s);
            depth--;
            s += n;
            continue;
        }
        const size_t n = strcspn(s, " />");
        ck_assert(n > 0 && n < 16 && depth < 32);
        snprintf(open[depth++], 16, "%.*s", (int)n, s);
        elements++;
        for (s += n; *s && *s != '>' && *s != '/'; s++)
            if (*s == '"') {
                const size_t end = strcspn(s + 1, "\"<");
                ck_assert_msg(s[1 + end] == '"', "an attribute is not closed: %.20s", s);
                s += 1 + end;
            }
        if (*s == '/') depth--, s++;
        ck_assert_int_eq(*s, '>');
    }
    ck_assert_int_eq(depth, 0);
    return elements;
}

/* The largest number that an attribute has. */
static double largest(const char *attribute)
{
    double most = -INFINITY;
    for (const char *s = strstr(svg, attribute); s; s = strstr(s + 1, attribute))
        most = fmax(most, strtod(s + strlen(attribute), NULL));
    return most;
}

static const double x[] = {1, 2, 4, 8}, y[] = {1, NAN, 3, 1e301}, low[] = {0.5, 0, 2, 0},
                    high[] = {2, 0, 4, 0};

START_TEST(curves)
{
    struct figure f = {
        .title = "a < b & \"c\" 'd' \x01>",
        .x_name = "x in <s>",
        .y_name = "y & z",
        .x_log = true,
        .curves = 2,
        .curve = {{.name = "one & <two>", .n = 4, .x = x, .y = y, .low = low, .high = high, .marks = true},
                  {.name = "th\xc3\xbc\xff\xc3", .n = 4, .x = x, .y = x, .dashed = true, .colour = -1}}};
    for (int inside = 0; inside < 2; inside++) {
        draw(&f, 400, 300, inside);
        ck_assert_int_gt(well_formed(svg), 20);
        ck_assert(strstr(svg, "a &lt; b &amp; &quot;c&quot; &#39;d&#39;  &gt;"));
        ck_assert(strstr(svg, ">one &amp; &lt;two&gt;</text>"));
        ck_assert(strstr(svg, ">th\xc3\xbc?"
                              "?</text>")); /* what is no UTF-8 */
        ck_assert(!strstr(svg, "nan") && !strstr(svg, "inf"));
        ck_assert_double_le(largest(" cx=\""), 400);
    }
    /* marks at the two points that can be drawn */
    int marks = 0;
    for (const char *s = strstr(svg, "<circle"); s; s = strstr(s + 1, "<circle")) marks++;
    ck_assert_int_eq(marks, 3); /* one in the legend */
    /* nothing to be shown: axes alone */
    f.curves = 0;
    draw(&f, 400, 300, true);
    well_formed(svg);
}
END_TEST

START_TEST(tables)
{
    const char *const names[] = {"<one>", "two", "a name that is much too long for its place in a figure"};
    const double value[] = {0, 1, 2, 3, NAN, 5, 6, 7, 8};
    struct figure f = {.kind = FIGURE_CELLS,
                       .title = "cells",
                       .x_name = "x",
                       .y_name = "y",
                       .rows = 3,
                       .columns = 3,
                       .row_name = names,
                       .column_name = names,
                       .value = value,
                       .cell_format = "%.1f",
                       .most = 8};
    draw(&f, 400, figure_height(&f, 400), true);
    well_formed(svg);
    ck_assert(strstr(svg, ">8.0</text>") && !strstr(svg, "nan"));
    ck_assert(strstr(svg, "fill-opacity=\"0.125\"")); /* one of eight */
    f.kind = FIGURE_BARS;
    draw(&f, 400, figure_height(&f, 400), true);
    well_formed(svg);
    ck_assert_double_le(largest(" width=\""), 400);
    f.rows = 0;
    draw(&f, 400, 200, true);
    well_formed(svg);
}
END_TEST

START_TEST(scales)
{
    struct figure_scale s = {.log = true, .from = 0, .to = 100};
    figure_scale_make(&s, 1, 64, 8, true, false);
    ck_assert_int_eq(s.ticks, 7);
    ck_assert_str_eq(s.label[6], "64");
    ck_assert_double_eq_tol(figure_scale_at(&s, 8), 50, 1e-9);
    ck_assert(!figure_scale_shows(&s, 0) && !figure_scale_shows(&s, NAN) && figure_scale_shows(&s, 0.1));
    figure_scale_make(&s, 0.03, 40, 8, false, true);
    ck_assert(s.lo <= 0.03 && s.hi >= 40 && s.ticks >= 3);
    s.log = false;
    figure_scale_make(&s, 0, 0.97, 6, false, true);
    ck_assert_double_eq(s.lo, 0);
    ck_assert_double_eq_tol(s.hi, 1, 1e-12);
    figure_scale_make(&s, 5, 5, 6, false, true); /* a single value has a range, too */
    ck_assert(s.lo < 5 && s.hi > 5);
    figure_scale_make(&s, INFINITY, -INFINITY, 6, false, true);
    ck_assert(s.lo == 0 && s.hi == 1);
    /* beyond the powers of ten: an axis, whatever it shows */
    for (int k = 0; k < 2; k++) {
        s.log = k;
        figure_scale_make(&s, 1e-320, 2e-320, 6, false, true);
        ck_assert(s.hi > s.lo && s.ticks > 1);
        figure_scale_make(&s, 1, INFINITY, 6, false, true);
        ck_assert(s.hi > s.lo && isfinite(s.hi));
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *tests[] = {curves, tables, scales, NULL};
    return mck_main(argc, argv, "figures", tests);
}
