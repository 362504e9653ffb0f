/* ranks: 1 */
/* Grid files: which trials come out, and what is said of wrong ones. */
#include "tests/unit/mpicheck.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "apps/results/grid.h"

static struct grid g;
static struct grid_trial t;

static void parse(const char *text)
{
    ck_assert_msg(grid_parse(text, "x.grid", &g) == PS_OK, "%s", ps_err_message());
}

static const char *value(int64_t trial, int k)
{
    ck_assert_int_eq(grid_trial(&g, trial, &t), PS_OK);
    return t.value[k].text;
}

START_TEST(combinations)
{
    parse("a = 1, 2 \"x y\" # three\n\nb-c = range(16, 64, 16)\n");
    ck_assert_int_eq(g.trials, 12);
    ck_assert_str_eq(value(0, 0), "1");
    ck_assert_str_eq(value(0, 1), "16");
    ck_assert_str_eq(value(3, 1), "64");
    ck_assert_str_eq(value(4, 0), "2");
    ck_assert_str_eq(value(11, 0), "x y");
    ck_assert_int_eq(grid_find(&g, "b_c", 3), 1);
    grid_free(&g);
}
END_TEST

START_TEST(ranges)
{
    parse("a = log(1e-5, 1e-1, 5)\n");
    const char *const five[] = {"1e-05", "0.0001", "0.001", "0.01", "0.1"};
    for (int i = 0; i < 5; i++) ck_assert_str_eq(value(i, 0), five[i]);
    grid_free(&g);
    parse("a = range(0, 1, 0.1)\nb = linear(1, 2, 3)\nc = range(3, -3, -3)");
    ck_assert_int_eq(g.trials, 11 * 3 * 3);
    ck_assert_str_eq(value(3 * 9, 0), "0.3"); /* not 0.30000000000000004 */
    ck_assert_str_eq(value(98, 0), "1");
    ck_assert_str_eq(value(3, 1), "1.5");
    ck_assert_str_eq(value(2, 2), "-3");
    grid_free(&g);
}
END_TEST

START_TEST(constraints)
{
    parse("where a * (b + 1) <= 6 - -0\na = 1 2 3\nb = 1 2 3\nwhere a != b\n");
    /* a (b + 1): 1: 2 3 4; 2: 4 6 8; 3: 6 9 12; without equal ones (1,2) (1,3) (2,1) (3,1) */
    ck_assert_int_eq(g.trials, 4);
    const char *const want[][2] = {{"1", "2"}, {"1", "3"}, {"2", "1"}, {"3", "1"}};
    for (int i = 0; i < 4; i++)
        ck_assert(!strcmp(value(i, 0), want[i][0]) && !strcmp(value(i, 1), want[i][1]));
    grid_free(&g);
    parse("a = 1 2 3 4\nwhere 10 - a - 3 > 2 * 2\n"); /* from the left: 7 - a > 4 */
    ck_assert_int_eq(g.trials, 2);
    grid_free(&g);
}
END_TEST

START_TEST(draws)
{
    static const char text[] = "trials 2000\nseed 5\nr = loguniform(1e-4, 1)\nu = uniform(-1, 3)\n"
                               "n = integers(2, 5)\nm = choice(p, q)\nl = 1 2 3 4\nwhere n * l <= 12\n";
    struct grid_trial other;
    int64_t small = 0, count[6] = {0}, q = 0;
    double sum = 0;
    parse(text);
    ck_assert_int_eq(g.trials, 2000);
    for (int64_t i = 0; i < g.trials; i++) {
        ck_assert_int_eq(grid_trial(&g, i, &t), PS_OK);
        const double r = t.value[0].number, u = t.value[1].number, n = t.value[2].number;
        ck_assert(r >= 1e-4 && r <= 1 && u >= -1 && u <= 3 && n >= 2 && n <= 5 && n == floor(n));
        ck_assert(n * t.value[4].number <= 12);
        small += r < 1e-2;
        sum += u;
        count[(int)n]++;
        q += !strcmp(t.value[3].text, "q");
    }
    /* five standard deviations: of a share, 5 sqrt(1/4/2000) = 0.056; of u's mean, 5 * 1.155 / sqrt(2000) */
    ck_assert(fabs((double)small / 2000 - 0.5) < 0.056);
    ck_assert(fabs((double)q / 2000 - 0.5) < 0.056);
    ck_assert(fabs(sum / 2000 - 1) < 0.13);
    /* n: 4 of l's values at 2 and 3, 3 at 4, 2 at 5, of 13 */
    ck_assert(fabs((double)count[2] / 2000 - 4. / 13) < 0.056 &&
              fabs((double)count[5] / 2000 - 2. / 13) < 0.056);
    /* the first ones stay what they were in a longer search; another seed draws others */
    ck_assert_int_eq(grid_trial(&g, 7, &other), PS_OK);
    grid_free(&g);
    parse("trials 3000\nseed 5\nr = loguniform(1e-4, 1)\nu = uniform(-1, 3)\n"
          "n = integers(2, 5)\nm = choice(p, q)\nl = 1 2 3 4\nwhere n * l <= 12\n");
    for (int k = 0; k < g.params; k++) ck_assert_str_eq(value(7, k), other.value[k].text);
    grid_free(&g);
    parse("trials 3000\nseed 6\nr = loguniform(1e-4, 1)\n");
    ck_assert_str_ne(value(7, 0), other.value[0].text);
    grid_free(&g);
}
END_TEST

START_TEST(refused)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "no parameter"},
        {"a = 1\nb\n", "x.grid:2: 'b' is neither"},
        {"a = 1\na = 2\n", "x.grid:2: a is there twice, first in line 1"},
        {"b-c = 1\nb_c = 2\n", "x.grid:2: b_c is there twice"},
        {"a =\n", "x.grid:1: a has no values"},
        {"a = 1 2 1\n", "has the value 1 twice"},
        {"a = 1 \"2\n", "a quote is not closed"},
        {"a = range(1, 2)\n", "write range(FIRST, LAST, STEP)"},
        {"a = range(1, 2, -1)\n", "has no steps of -1"},
        {"a = range(0, 1, 1e-9)\n", "more than 100000 values"},
        {"a = log(0, 1, 3)\n", "above 0"},
        {"a = log(1, 2, 2.5)\n", "whole one"},
        {"a = lag(1, 2, 2)\n", "'lag' is none of"},
        {"a = uniform(1, 0)\n", "lowest value is below"},
        {"a = 1\nb = uniform(0, 1)\n", "x.grid:2: b is drawn at random"},
        {"seed 3\na = 1\n", "a seed is for a random search"},
        {"trials 0\na = 1\n", "whole number from 1"},
        {"trials 9\ntrials 9\na = 1\n", "trials is there twice"},
        {"a = 1\nwhere a < b\n", "x.grid:2: no parameter 'b'"},
        {"a = x\nwhere a < 1\n", "a may be 'x'"},
        {"a = 1\nwhere a\n", "compares by"},
        {"a = 1\nwhere (a < 1\n", "bracket is not closed"},
        {"a = 1\nwhere a < 1 < 2\n", "is too much"},
        {"a = 1\nwhere a <\n", "is missing"},
        {"a = 1 2\nwhere a > 2\n", "no combination meets"},
        {"1a = 1\n", "is no name"},
        {"a = range(1, 2000, 1)\nb = range(1, 2000, 1)\n", "more than 1000000 combinations"},
        {"a = 1\x01\n", "not a text file"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ps_err_clear();
        ck_assert_int_eq(grid_parse(bad[i].text, "x.grid", &g), PS_EINPUT);
        ck_assert_msg(strstr(ps_err_message(), bad[i].message) != NULL, "'%s': %s", bad[i].text,
                      ps_err_message());
    }
    ps_err_clear();
    parse("trials 3\na = uniform(0, 1)\nwhere a > 2\n");
    ck_assert_int_eq(grid_trial(&g, 1, &t), PS_EINPUT);
    grid_free(&g);
}
END_TEST

START_TEST(digest)
{
    parse("a = 1, 2\nb = 3\n");
    const uint64_t d = grid_digest(&g);
    grid_free(&g);
    parse("# more\n  a = 1 2 # x\n\nb=3");
    ck_assert(grid_digest(&g) == d);
    grid_free(&g);
    const char *const others[] = {"a = 1, 3\nb = 3\n", "a = 12\nb = 3\n", "a = 1, 2\nc = 3\n",
                                  "trials 2\na = 1, 2\nb = 3\n", "a = 1, 2\nb = 3\nwhere a < 3\n"};
    for (int i = 0; i < 5; i++) {
        parse(others[i]);
        ck_assert(grid_digest(&g) != d);
        grid_free(&g);
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {combinations, ranges, constraints, draws, refused, digest, NULL};
    return mck_main(argc, argv, "grid", tests);
}
