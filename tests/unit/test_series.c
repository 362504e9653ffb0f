/* ranks: 1 3 */
#include "iocheck.h"
#include <math.h>
#include "apps/lstm/series_fields.h"
#include "apps/lstm/series_text.h"
#include "apps/lstm/series_windows.h"

static bool date(const char *text, int64_t *seconds)
{
    return series_time_parse(text, text + strlen(text), seconds);
}

START_TEST(times)
{
    /* seconds as `date -u -d TEXT +%s` has them */
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {{"1970-01-01", 0},
                {"2016-07-01 00:00:00", 1467331200},
                {"2016-07-01T05:06", 1467349560},
                {"2016-07-01T05:06:07Z", 1467349567},
                {"2000-02-29", 951782400},
                {"1969-12-31 23:59:59", -1},
                {"1899/3/1", -2235427200},
                {"7/31/2016 9:05", 1469955900},
                {"12/31/1999", 946598400}};
    static const char *const bad[] = {"2016-13-01",
                                      "2015-02-29",
                                      "1900-02-29",
                                      "2016-07-01 24:00",
                                      "2016-07-01 5",
                                      "2016-07-01 05:6",
                                      "31/7/2016 1:00",
                                      "2016-07/01",
                                      "2016-07-01 05:06x",
                                      "20160701",
                                      "",
                                      "7-31-2016"};
    const struct series_clock clock = {.date = true};
    char text[SERIES_TIME_TEXT];
    int64_t seconds;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(date(good[i].text, &seconds), "%s", good[i].text);
        ck_assert_msg(seconds == good[i].seconds, "%s: %lld", good[i].text, (long long)seconds);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!date(bad[i], &seconds), "%s", bad[i]);
    for (int64_t day = -200000; day < 400000; day += 17) { /* there and back */
        series_time_format(&clock, day * SERIES_DAY + 3723, text);
        ck_assert_msg(date(text, &seconds) && seconds == day * SERIES_DAY + 3723, "%s", text);
    }
    series_time_format(&clock, -1, text);
    ck_assert_str_eq(text, "1969-12-31 23:59:59");
    series_time_span(&clock, SERIES_DAY + 7200, text);
    ck_assert_str_eq(text, "1 d 2 h");
    ck_assert(series_time_of_day(-6 * 3600) == 0.75);
    ck_assert(date("2018-01-01 12:00", &seconds) && series_time_of_week(seconds) == 0.5 / 7); /* a Monday */
    ck_assert(date("2016-12-31 12:00", &seconds) && series_time_of_year(seconds) == 365.5 / 366);
}
END_TEST

START_TEST(ticks)
{
    const double number[] = {0, 0.1, 0.2, 0.30000000000000004, 1e6 + 0.4};
    const double fine[] = {0, 1e-12};
    struct series_clock clock;
    int64_t tick[5];
    char text[SERIES_TIME_TEXT];
    ck_assert(series_time_ticks(number, 5, &clock, tick) == PS_OK && !clock.date && clock.decimals == 1);
    ck_assert(tick[1] == 1 && tick[3] == 3 && tick[4] == 10000004);
    series_time_format(&clock, 3, text);
    ck_assert_str_eq(text, "0.3");
    /* what is below 1e-6 of the unit is the rounding of whoever wrote it */
    ck_assert(series_time_ticks(fine, 2, &clock, tick) == PS_OK && clock.decimals == 0);
    ck_assert(series_time_ticks((double[]){0, 1.23456789012}, 2, &clock, tick) == PS_EINPUT);
    ps_err_clear();
}
END_TEST

static struct series_wish wish(const char *columns, const char *target, bool refuse)
{
    return (struct series_wish){.path = "x.csv",
                                .dataset = "",
                                .time = "auto",
                                .columns = columns,
                                .target = target,
                                .refuse = refuse};
}

static enum ps_status parse(const char *text, struct series_wish w, struct series_table *t)
{
    size_t n = strlen(text);
    char *copy = malloc(n + SERIES_TEXT_PAD);
    memcpy(copy, text, n);
    enum ps_status rc = series_text_parse(copy, (int64_t)n, &w, t);
    free(copy);
    return rc;
}

START_TEST(columns)
{
    struct series_table t;
    const char *prsa = "\"No\",\"year\",\"month\",\"day\",\"hour\",\"PM2.5\",\"wd\",\"T\"\r\n"
                       "1,2013,3,1,0,4,\"NNW\",-0.7\r\n\r\n# a remark\r\n"
                       "2,2013,3,1,1,NA,\"N, by E\",1e1\r\n";
    ck_assert(parse(prsa, wish("T,PM2.5", "PM2.5", false), &t) == PS_OK);
    ck_assert(t.rows == 2 && t.cols == 2 && t.targets == 1 && t.target[0] == 1 && t.clock.date);
    ck_assert(t.time[0] == 1362096000 && t.time[1] == 1362099600);
    ck_assert(t.value[0] == -0.7 && t.value[1] == 4 && t.value[2] == 10 && isnan(t.value[3]));
    ck_assert_str_eq(t.name[1], "PM2.5");
    series_table_free(&t);
    /* all columns of numbers but those of times; a target that is no input becomes one */
    ck_assert(parse(prsa, wish("", "T", false), &t) == PS_OK && t.cols == 3 && t.target[0] == 2);
    series_table_free(&t);
    ck_assert(parse(prsa, wish("0", "7", false), &t) == PS_OK && t.cols == 2 && t.target[0] == 1);
    series_table_free(&t);
    /* numbers for names in the header; dates first */
    ck_assert(parse("date,0,1\n2016-07-01,5,6\n", wish("", "1", true), &t) == PS_OK && t.cols == 2);
    ck_assert(t.value[t.target[0]] == 6 && t.clock.date);
    series_table_free(&t);
    /* no header, blanks, rows for steps */
    struct series_wish none = wish("", "2", true);
    none.time = "none";
    ck_assert(parse(" 1 2  3 \n4 5 6", none, &t) == PS_OK && t.rows == 2 && t.cols == 3);
    ck_assert(t.value[5] == 6 && t.time[1] == 1 && !t.clock.date && t.target[0] == 2);
    series_table_free(&t);
    struct series_wish named = wish("b", "b", true);
    named.time = "a";
    ck_assert(parse("a;b\n0.5;7\n1;8\n", named, &t) == PS_OK && t.clock.decimals == 1);
    ck_assert(t.time[0] == 5 && t.time[1] == 10 && t.value[1] == 8);
    series_table_free(&t);
}
END_TEST

/** Parsing must fail with a message that has this in it. */
static void fails(const char *text, struct series_wish w, enum ps_status code, const char *part)
{
    struct series_table t;
    enum ps_status rc = parse(text, w, &t);
    ck_assert_msg(rc == code && strstr(ps_err_message(), part), "%d: %s", rc, ps_err_message());
    ck_assert(!t.value && !t.time && !t.name);
    ps_err_clear();
}

START_TEST(refused)
{
    const char *two = "date,load,heat\n2016-07-01,1,2\n2016-07-02,3,4\n";
    struct series_wish w = wish("load", "load", true), none = w, other = w;
    none.time = "none";
    other.time = "load2";
    fails(two, wish("", "", true), PS_EUSAGE, "there are 2 columns; --target");
    fails(two, wish("load", "laod", true), PS_EUSAGE,
          "target = laod: x.csv has no such column; did you mean load?");
    fails(two, wish("load,7", "load", true), PS_EUSAGE, "columns = 7: x.csv has no such column");
    fails(two, wish("load", "load,load", true), PS_EUSAGE, "column load comes twice");
    fails(two, other, PS_EUSAGE, "time = load2: x.csv has no such column; did you mean load?");
    fails("load,heat\n1,2\n", w, PS_EINPUT, "no column of times was found; --time");
    fails("date,load\n2016-07-01,1\n2016-07-32,1\n", w, PS_EINPUT,
          "line 3: '2016-07-32' in column date is not a time; known are");
    fails("year,month,day,load\n2016,7,1,1\n\n2015,2,29,1\n", w, PS_EINPUT,
          "line 4: '2015-2-29 0:00' is not a time");
    fails("date,load\n2016-07-01,1\n#\n2016-07-02,1x\n", w, PS_EINPUT,
          "line 4: '1x' in column load is not a finite number");
    fails("date,load\n2016-07-01,1\n2016-07-02,inf\n", w, PS_EINPUT, "line 3: 'inf' in column load");
    fails("date,load\n2016-07-01,1\n2016-07-02,NA\n", w, PS_EINPUT,
          "line 3: column load has no value ('NA')");
    fails("date,load\n2016-07-01,1\n2016-07-02\n", w, PS_EINPUT, "line 3 has 1 columns, not 2");
    fails("date,load\n2016-07-01,1\n2016-07-02,1,2\n", w, PS_EINPUT, "line 3 has more than 2 columns");
    fails("date,load\n", w, PS_EINPUT, "a header, but no rows");
    fails("\n# nothing\n", w, PS_EINPUT, "holds no rows");
    fails("date,load\n2016-07-01,calm\n", w, PS_EINPUT, "column load of x.csv does not hold numbers");
    fails("a,b\nx,y\n", none, PS_EUSAGE, "no such column");
}
END_TEST

START_TEST(pieces)
{
    /* more text than a piece holds: rows, and the line of an error, are found in later ones */
    enum { ROWS = 60000 };
    char *text = malloc(ROWS * 32), *at = text;
    struct series_table t;
    struct series_wish w = wish("load", "load", true);
    at += sprintf(at, "time,load\n");
    for (int i = 0; i < ROWS; i++) at += sprintf(at, "%d,%d.25\n", i, 3 * i);
    ck_assert(parse(text, w, &t) == PS_OK && t.rows == ROWS);
    for (int i = 0; i < ROWS; i++) ck_assert(t.time[i] == i && t.value[i] == 3 * i + 0.25);
    series_table_free(&t);
    char *place = strstr(text, "\n50000,");
    ck_assert_ptr_nonnull(place);
    place[7] = '?'; /* in place of the first digit of the value */
    fails(text, w, PS_EINPUT, "line 50002: '?50000.25'");
    free(text);
}
END_TEST

static const char *const hours = "date,a,b\n"
                                 "2016-07-01 02:00,3,30\n"
                                 "2016-07-01 00:00,1,10\n"
                                 "2016-07-01 01:00,2,NA\n"
                                 "2016-07-01 01:00,99,99\n"
                                 "2016-07-01 03:00,NA,40\n"
                                 "2016-07-01 06:00,7,70\n"
                                 "2016-07-01 07:00,8,NA\n";

START_TEST(grid)
{
    struct series_table t;
    struct series_report r;
    ck_assert(parse(hours, wish("", "a", false), &t) == PS_OK);
    ck_assert(series_grid_make("x", &t, SERIES_MISSING_PREVIOUS, false, &r) == PS_OK);
    const double previous[] = {1, 10, 2, 10, 3, 30, 3, 40, 7, 70, 8, 70};
    ck_assert(r.rows == 6 && t.rows == 6 && r.step == 3600 && r.displaced == 3 && r.duplicates == 1);
    ck_assert(r.duplicate_at == 1467334800 && r.gaps == 1 && r.gap_at == 1467342000);
    ck_assert(r.widest == 3 * 3600 && r.widest_at == r.gap_at && r.absent == 2 && r.filled == 3 &&
              r.added == 0);
    for (int i = 0; i < 12; i++) ck_assert_msg(t.value[i] == previous[i], "%d: %g", i, t.value[i]);
    series_table_free(&t);
    ck_assert(parse(hours, wish("", "a", false), &t) == PS_OK);
    ck_assert(series_grid_make("x", &t, SERIES_MISSING_LINEAR, true, &r) == PS_OK);
    const double linear[] = {1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60, 7, 70, 8, 70};
    ck_assert(r.rows == 8 && r.filled == 3 && r.added == 2);
    for (int i = 0; i < 16; i++) ck_assert_msg(fabs(t.value[i] - linear[i]) < 1e-12, "%d: %g", i, t.value[i]);
    for (int i = 0; i < 8; i++) ck_assert(t.time[i] == t.time[0] + 3600 * i);
    series_table_free(&t);
    ck_assert(parse("date,a\n2016-07-01,NA\n2016-07-02,NA\n", wish("", "a", false), &t) == PS_OK);
    ck_assert(series_grid_make("x", &t, SERIES_MISSING_LINEAR, true, &r) == PS_EINPUT);
    ck_assert_msg(strstr(ps_err_message(), "x: column a has no values"), "%s", ps_err_message());
    ps_err_clear();
    series_table_free(&t);
}
END_TEST

enum { STEPS = 400, WINDOW = 5, HORIZON = 3, SEASON = 7 };

/** A file with rows 0 ... STEPS - 1 but for one, that have value i^2 and a second column. */
static void write_series(const char *path, int left_out)
{
    char *text = malloc(STEPS * 40), *at = text;
    at += sprintf(at, "time,a,b\n");
    for (int i = 0; i < STEPS; i++)
        if (i != left_out) at += sprintf(at, "%d,%d,%d\n", i, i * i, i % 10);
    if (io_rank() == 0) {
        FILE *f = fopen(path, "w");
        fputs(text, f);
        fclose(f);
    }
    free(text);
    MPI_Barrier(MPI_COMM_WORLD);
}

static struct series_plan plan(enum series_base base)
{
    return (struct series_plan){.share = {0.5, 0.25, 0.25},
                                .scaling = SERIES_PLAIN,
                                .base = base,
                                .window = WINDOW,
                                .horizon = HORIZON,
                                .season = SEASON};
}

/** Every window of a part against the definition; rows are times, as none is left out. */
static void check_windows(const struct series *s, enum series_part part, int64_t stride)
{
    struct series_windows w;
    float x[WINDOW * 2], y[HORIZON];
    mck_assert(series_windows_make(s, part, stride, "some", &w) == PS_OK, "%s", ps_err_message());
    int64_t at = 0, last = -STEPS;
    for (int64_t origin = 0; origin < s->rows; origin++) {
        const struct ps_range r = s->part[part];
        bool fits = origin + 1 - SEASON >= 0 && origin + 1 >= r.lo && origin + HORIZON < r.hi;
        if (!fits || origin - last < stride) continue;
        mck_assert(series_windows_origin(&w, at) == origin, "window %lld", (long long)at);
        mck_assert(w.source.load(&w.source, at, NULL, x, y) == PS_OK, "load");
        for (int64_t i = 0; i < WINDOW; i++) {
            int64_t row = origin + 1 - WINDOW + i;
            mck_assert(x[2 * i] == (float)(row * row) && x[2 * i + 1] == (float)(row % 10), "input");
        }
        for (int64_t h = 1; h <= HORIZON; h++) {
            int64_t row = origin + h, back = row - SEASON;
            double base = s->plan.base == SERIES_BASE_NONE   ? 0
                          : s->plan.base == SERIES_BASE_LAST ? (double)(origin * origin)
                                                             : (double)(back * back);
            float want = (float)(((double)(row * row) - base) / s->scale[0]);
            mck_assert(y[h - 1] == want, "target %g, not %g", (double)y[h - 1], (double)want);
        }
        last = origin;
        at++;
    }
    mck_assert(w.n == at && w.source.n == at, "%lld windows, not %lld", (long long)w.n, (long long)at);
    series_windows_free(&w);
}

START_TEST(windows)
{
    const char *path = io_path("steps.csv");
    write_series(path, -1);
    struct series_wish wish = {.path = path, .dataset = "", .time = "auto", .columns = "", .target = "a"};
    for (int base = SERIES_BASE_NONE; base <= SERIES_BASE_SEASON; base++) {
        struct series s;
        struct series_plan p = plan((enum series_base)base);
        mck_assert(series_open(MPI_COMM_WORLD, &wish, &p, &s) == PS_OK, "%s", ps_err_message());
        mck_assert(s.rows == STEPS && s.inputs == 2 && s.part[1].lo == 200 && s.part[2].lo == 300, "parts");
        for (int part = 0; part < SERIES_PARTS; part++) {
            check_windows(&s, (enum series_part)part, 1);
            check_windows(&s, (enum series_part)part, 4);
        }
        /* mean of i^2 - (i - 7)^2 = 14 i - 49 over i = 7 ... 199 */
        mck_assert(fabs(s.naive[0] - (14 * 103.0 - 49)) < 1e-9, "unit of MASE: %g", s.naive[0]);
        series_close(&s);
    }
}
END_TEST

START_TEST(gap)
{
    const char *path = io_path("gap.csv");
    write_series(path, 250);
    struct series_wish wish = {.path = path, .dataset = "", .time = "auto", .columns = "", .target = "a"};
    struct series_plan p = plan(SERIES_BASE_NONE);
    struct series s;
    struct series_windows w;
    mck_assert(series_open(MPI_COMM_WORLD, &wish, &p, &s) == PS_OK, "%s", ps_err_message());
    mck_assert(s.rows == STEPS - 1 && s.found.gaps == 1 && s.found.gap_at == 249, "gap");
    mck_assert(series_windows_make(&s, SERIES_VALID, 1, "validation", &w) == PS_OK, "windows");
    mck_assert(w.runs == 2, "%lld runs", (long long)w.runs);
    for (int64_t i = 0; i < w.n; i++) {
        int64_t o = series_windows_origin(&w, i);
        mck_assert(s.time[o + HORIZON] - s.time[o + 1 - SEASON] == HORIZON + SEASON - 1, "across the gap");
    }
    /* rows 200 ... 298 as all are one early behind the gap; a gap costs a season and a horizon of origins
     * less one */
    int64_t all = s.part[SERIES_VALID].hi - s.part[SERIES_VALID].lo - HORIZON + 1;
    mck_assert(w.n == all - (SEASON + HORIZON - 1), "%lld of %lld", (long long)w.n, (long long)all);
    series_windows_free(&w);
    p.window = 2 * STEPS;
    series_close(&s);
    mck_assert(series_open(MPI_COMM_WORLD, &wish, &p, &s) == PS_OK, "%s", ps_err_message());
    mck_assert(series_windows_make(&s, SERIES_TRAIN, 1, "training", &w) == PS_EINPUT, "too long");
    mck_assert(strstr(ps_err_message(), "the training part has 200 rows"), "%s", ps_err_message());
    ps_err_clear();
    series_close(&s);
}
END_TEST

/* Streams of the training part: consecutive windows, those of a stream one after the other; before each is
 * the one of the batch before, but for the first of a stream or behind a gap. */
START_TEST(streams)
{
    enum { COUNT = 3 };
    const char *path = io_path("streams.csv");
    write_series(path, 77);
    struct series_wish wish = {.path = path, .dataset = "", .time = "auto", .columns = "", .target = "a"};
    struct series_plan p = plan(SERIES_BASE_NONE);
    struct series s;
    struct series_windows w, plain;
    float x[WINDOW * 2], y[HORIZON], earlier[WINDOW * 2];
    int64_t cut = 0;
    mck_assert(series_open(MPI_COMM_WORLD, &wish, &p, &s) == PS_OK, "%s", ps_err_message());
    mck_assert(series_windows_make(&s, SERIES_TRAIN, WINDOW, "training", &w) == PS_OK, "windows");
    mck_assert(series_windows_make(&s, SERIES_TRAIN, WINDOW, "training", &plain) == PS_OK, "windows");
    mck_assert(series_windows_carry(&w, COUNT, 0) == PS_OK, "%s", ps_err_message());
    mck_assert(w.n % COUNT == 0 && w.n + w.left == plain.n && w.left < COUNT && w.source.n == w.n, "all");
    for (int64_t i = 0; i < w.n; i++) {
        const int64_t number = i % COUNT * (w.n / COUNT) + i / COUNT, origin = series_windows_origin(&w, i);
        mck_assert(origin == series_windows_origin(&plain, number), "window %lld", (long long)i);
        mck_assert(w.source.load(&w.source, i, NULL, x, y) == PS_OK, "load");
        mck_assert(x[0] == (float)((double)s.y[origin + 1 - WINDOW]), "input");
        if (i < COUNT) continue;
        const bool follows = series_windows_origin(&w, i - COUNT) + WINDOW == origin;
        mck_assert(w.source.before(&w.source, i, 1, NULL) == follows, "before %lld", (long long)i);
        cut += !follows;
        if (!follows) continue;
        mck_assert(w.source.load(&w.source, i - COUNT, NULL, x, y) == PS_OK, "load");
        mck_assert(w.source.before(&w.source, i, 1, earlier), "before");
        mck_assert(memcmp(x, earlier, sizeof x) == 0, "what is before window %lld", (long long)i);
    }
    mck_assert(cut == 1, "%lld gaps", (long long)cut);
    mck_assert(series_windows_carry(&plain, plain.n + 1, 0) == PS_EINPUT, "too many streams");
    ps_err_clear();
    series_windows_free(&w), series_windows_free(&plain);
    series_close(&s);
}
END_TEST

/* Before a window of another part is what the series has there, back to its beginning or to a gap. */
START_TEST(run_up)
{
    const char *path = io_path("run_up.csv");
    write_series(path, 250);
    struct series_wish wish = {.path = path, .dataset = "", .time = "auto", .columns = "", .target = "a"};
    struct series_plan p = plan(SERIES_BASE_NONE);
    struct series s;
    struct series_windows w;
    float x[WINDOW * 2];
    mck_assert(series_open(MPI_COMM_WORLD, &wish, &p, &s) == PS_OK, "%s", ps_err_message());
    mck_assert(series_windows_make(&s, SERIES_VALID, 1, "validation", &w) == PS_OK, "windows");
    mck_assert(series_windows_carry(&w, 0, 5) == PS_OK && w.source.run_up == 5 && w.left == 0, "carry");
    for (int64_t i = 0; i < w.n; i++)
        for (int64_t back = 1; back < 60; back++) {
            const int64_t origin = series_windows_origin(&w, i), first = origin + 1 - (back + 1) * WINDOW;
            const bool fits = first >= (origin >= 250 ? 250 : 0);
            mck_assert(w.source.before(&w.source, i, back, x) == fits, "%lld before window %lld",
                       (long long)back, (long long)i);
            mck_assert(!fits || x[0] == (float)s.y[first], "input");
        }
    series_windows_free(&w);
    series_close(&s);
}
END_TEST

START_TEST(scaling)
{
    const char *path = io_path("scale.csv");
    write_series(path, -1);
    struct series_wish wish = {.path = path, .dataset = "", .time = "auto", .columns = "b", .target = "a"};
    struct series_plan p = plan(SERIES_BASE_NONE);
    struct series s;
    p.scaling = SERIES_STANDARD;
    mck_assert(series_open(MPI_COMM_WORLD, &wish, &p, &s) == PS_OK, "%s", ps_err_message());
    double sum = 0, squares = 0, sum_b = 0;
    for (int64_t i = 0; i < 200; i++) {
        sum += s.x[2 * i + 1];
        squares += (double)s.x[2 * i + 1] * s.x[2 * i + 1];
        sum_b += s.x[2 * i];
    }
    /* 200 values of rounding 6e-8 of at most 2.3 */
    mck_assert(fabs(sum) < 3e-5 && fabs(sum_b) < 3e-5 && fabs(squares / 200 - 1) < 1e-6, "%g %g", sum,
               squares);
    mck_assert(s.x[2 * 399 + 1] > 4, "the test part is not in it: %g", (double)s.x[2 * 399 + 1]);
    series_close(&s);
    p.scaling = SERIES_MINMAX;
    mck_assert(series_open(MPI_COMM_WORLD, &wish, &p, &s) == PS_OK, "%s", ps_err_message());
    mck_assert(s.x[1] == 0 && s.x[2 * 199 + 1] == 1 && s.x[2 * 9] == 1, "0 to 1");
    series_close(&s);
    p.day = true;
    mck_assert(series_open(MPI_COMM_WORLD, &wish, &p, &s) == PS_EUSAGE, "a calendar without dates");
    ps_err_clear();
    p.day = false;
    p.share[0] = 0.6;
    mck_assert(series_open(MPI_COMM_WORLD, &wish, &p, &s) == PS_EUSAGE, "shares");
    mck_assert(strstr(ps_err_message(), "must add up to 1"), "%s", ps_err_message());
    ps_err_clear();
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {times,   ticks, columns, refused, pieces,  grid,
                                  windows, gap,   streams, run_up,  scaling, NULL};
    return mck_main(argc, argv, "series", tests);
}
