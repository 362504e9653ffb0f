/* ranks: 1 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "common/io/number.h"
#include "kernels/rng.h"
#include "mpicheck.h"

/** Our reading must be strtod's, bit for bit, and end where it ends. */
static void same(const char *text)
{
    char *end;
    double want = strtod(text, &end), got = 7;
    const char *after = ps_number_parse(text, text + strlen(text), &got);
    ck_assert_msg(after == end, "'%s': stopped at '%s', strtod at '%s'", text, after ? after : "nothing",
                  end);
    ck_assert_msg(!memcmp(&want, &got, sizeof got) || (isnan(want) && isnan(got)), "'%s': %.17g, not %.17g",
                  text, got, want);
}

START_TEST(chosen)
{
    static const char *const list[] = {
        "0",
        "-0",
        "+0.0",
        "1",
        "-1",
        "1.",
        ".5",
        "-.5e1",
        "1e",
        "1e+",
        "2e3x",
        "1e22",
        "1e23",
        "1e-22",
        "1e-23",
        "9007199254740993",
        "9007199254740992.5",
        "9007199254740993.00000000000000000000000000000001",
        "123456789012345678901234567890",
        "0.000000000000000000000000000000000000000000000000000000000000001",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "1e400",
        "-1e400",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "1e-400",
        "2.2250738585072011e-308",
        "1e-9999999999999",
        "0e99999999999",
        "00000000000000000000000000001.5",
        "0.1",
        "0.30000000000000004",
        "5e-324",
        "18446744073709551615",
        "18446744073709551616",
        "36893488147419103233",
        "1e27",
        "1e28",
        "3.5e27",
        "1.0000000000000002220446049250313e0",
        "1.00000000000000011102230246251565404e0",
        "nan",
        "NaN",
        "inf",
        "-Infinity",
        "+INF",
        "0.00000000000000000000000000000000000000000000012345678901234567890123",
        "12345678901234567890123456789012345678901234567890e-50",
        "8.5e15",
        "4503599627370496.5",
        "4503599627370497.5",
        "6.02214076E23"};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) same(list[i]);
}
END_TEST

START_TEST(no_numbers)
{
    static const char *const list[] = {"", "-", "+", ".", "e5", "-.e5", "x", "na", "-n", "in", "--1", "#"};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        double v;
        ck_assert_msg(!ps_number_parse(list[i], list[i] + strlen(list[i]), &v), "'%s' was read", list[i]);
    }
    double v = 0; /* nothing at or behind the end is read */
    ck_assert(ps_number_parse("123456", (const char *)"123456" + 0, &v) == NULL);
    const char *text = "12e34";
    ck_assert(ps_number_parse(text, text + 2, &v) == text + 2 && v == 12);
    ck_assert(ps_number_parse(text, text + 3, &v) == text + 2 && v == 12);
    ck_assert(ps_number_parse(text, text + 4, &v) == text + 4 && v == 12e3);
}
END_TEST

START_TEST(random_texts)
{
    struct ps_rng r = {42, 1};
    char text[64];
    for (int64_t i = 0; i < 300000; i++) {
        uint64_t bits = ps_rng_u64(r, i, 0);
        double v;
        memcpy(&v, &bits, sizeof v);
        if (isfinite(v)) {
            snprintf(text, sizeof text, "%.*g", (int)(ps_rng_u64(r, i, 1) % 25), v);
            same(text);
        }
        v = (double)(int64_t)bits / pow(10, (double)(ps_rng_u64(r, i, 2) % 30));
        snprintf(text, sizeof text, "%.*g", 15 + (int)(bits % 6), v);
        same(text);
        snprintf(text, sizeof text, "%llde%d", (long long)bits, (int)(ps_rng_u64(r, i, 3) % 60) - 30);
        same(text);
    }
}
END_TEST

/** Texts exactly half way between two doubles: the hardest to round. */
START_TEST(ties)
{
    struct ps_rng r = {43, 1};
    char text[64];
    for (int64_t i = 0; i < 100000; i++) {
        uint64_t odd = ((uint64_t)1 << 53) | (ps_rng_u64(r, i, 0) >> 11);
        snprintf(text, sizeof text, "%llu", (unsigned long long)(2 * odd + 1));
        same(text);
        snprintf(text, sizeof text, "%llu.5", (unsigned long long)odd);
        same(text);
        snprintf(text, sizeof text, "%llu.25", (unsigned long long)(odd >> 1));
        same(text);
    }
}
END_TEST

START_TEST(shortest)
{
    struct ps_rng r = {44, 1};
    char text[PS_NUMBER_TEXT];
    for (int64_t i = 0; i < 100000; i++) {
        uint64_t bits = ps_rng_u64(r, i, 0);
        double v, back;
        float f;
        memcpy(&v, &bits, sizeof v);
        memcpy(&f, &bits, sizeof f);
        int n = ps_number_format(v, text);
        ck_assert(n < PS_NUMBER_TEXT && ps_number_parse(text, text + n, &back) == text + n);
        ck_assert_msg(back == v || (isnan(v) && isnan(back)), "%s", text);
        n = ps_number_format_f32(f, text);
        ck_assert(n < PS_NUMBER_TEXT && ps_number_parse(text, text + n, &back) == text + n);
        ck_assert_msg((float)back == f || (isnan(f) && isnan(back)), "%s", text);
    }
    ps_number_format(0.1, text);
    ck_assert_str_eq(text, "0.1");
    ps_number_format_f32(0.1f, text);
    ck_assert_str_eq(text, "0.1");
    ps_number_format(-0.0, text);
    ck_assert_str_eq(text, "-0");
    ps_number_format(-INFINITY, text);
    ck_assert_str_eq(text, "-inf");
}
END_TEST

/** What printf writes, byte for byte. */
static void as_printf(double v, int digits)
{
    char ours[PS_NUMBER_TEXT], want[64];
    int n = ps_number_format_g(v, digits, ours), m = snprintf(want, sizeof want, "%.*g", digits, v);
    ck_assert_msg(n == m && !strcmp(ours, want), "%a with %d digits: %s, not %s", v, digits, ours, want);
}

START_TEST(digits_of_printf)
{
    struct ps_rng r = {45, 1};
    static const double list[] = {0.0,  -0.0,   1,    0.5,    9.9999995, 9.99999949999, 99999.95, 999999.5,
                                  1e-5, 1e22,   1e23, 123456, 1234567,   0.0001,        0.00001,  INFINITY,
                                  NAN,  5e-324, 2.5,  3.5};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        for (int p = 1; p <= 17; p++) as_printf(list[i], p), as_printf(-list[i], p);
    for (int64_t i = 0; i < 300000; i++) {
        uint64_t u = ps_rng_u64(r, i, 0);
        int p = 1 + (int)(ps_rng_u64(r, i, 1) % 17), small = (int)(ps_rng_u64(r, i, 2) % 30);
        double v;
        memcpy(&v, &u, sizeof v);
        as_printf(v, p);
        v = ((double)(u % 2000000) + 0.5) * ldexp(1, -small); /* ties */
        as_printf(v, p), as_printf(v, 6);
        v = nextafter(pow(10, small - 15), u & 1 ? 0 : 1e300);
        as_printf(v, p);
        v = ps_rng_uniform(r, i, 3) * 2 - 1;
        as_printf(v, 6), as_printf(v, 17);
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {chosen, no_numbers, random_texts, ties, shortest, digits_of_printf, NULL};
    return mck_main(argc, argv, "number", tests);
}
