/* ranks: 1 */
/* Records of several runs in one file, mixed, cut off, and of no run at all. */
#include "tests/unit/mpicheck.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/run/err.h"
#include "common/run/recordfile.h"

static char path[1024];

static void put(const char *text)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/test_recordfile.%d", folder ? folder : P_tmpdir, (int)getpid());
    FILE *f = fopen(path, "w");
    ck_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static const char mixed[] =
    "{\"event\":\"start\",\"run\":\"a\",\"time\":0.5,\"ranks\":2,\"params\":{\"rate\":{\"value\":0.1,"
    "\"origin\":"
    "\"file\"},\"data\":{\"value\":\"x.nc\",\"origin\":\"command\"},\"fast\":{\"value\":true,\"origin\":"
    "\"default\"}}}\n"
    "{\"event\":\"start\",\"run\":\"b\",\"time\":0}\n"
    "{\"event\":\"epoch\",\"run\":\"a\",\"time\":1,\"loss\":2.5,\"step_seconds\":[1,null,3]}\n"
    "{\"event\":\"epoch\",\"run\":\"b\",\"time\":1,\"loss\":null}\n"
    "\n"
    "{\"event\":\"epoch\",\"run\":\"a\",\"time\":2,\"loss\":1.5}\n"
    "{\"event\":\"end\",\"run\":\"a\",\"ti";

START_TEST(runs)
{
    struct ps_records r = {.runs = 0};
    put(mixed);
    ck_assert_int_eq(ps_records_read(&r, path), PS_OK);
    ck_assert_int_eq(r.runs, 2);
    ck_assert_int_eq(r.cut, 1);
    ck_assert_str_eq(r.run[0].id, "a");
    ck_assert_int_eq(r.run[0].events, 3);
    ck_assert_int_eq(r.run[1].events, 2);
    ck_assert_str_eq(r.run[1].file, path);
    /* the same file again: runs of their own */
    ck_assert_int_eq(ps_records_read(&r, path), PS_OK);
    ck_assert_int_eq(r.runs, 4);
    ck_assert_str_eq(r.run[2].id, "a");
    ck_assert_int_eq(r.run[0].events, 3);
    ps_records_free(&r);
    remove(path);
}
END_TEST

START_TEST(events)
{
    struct ps_records r = {.runs = 0};
    double s[2] = {0, 0};
    put(mixed);
    ck_assert_int_eq(ps_records_read(&r, path), PS_OK);
    const struct ps_recorded *a = &r.run[0];
    const struct ps_recorded_event *first = ps_recorded_event(a, "epoch", 0),
                                   *last = ps_recorded_event(a, "epoch", -1);
    ck_assert(first && last && first != last && last == ps_recorded_event(a, "epoch", 1));
    ck_assert(!ps_recorded_event(a, "epoch", 2) && !ps_recorded_event(a, "epoch", -3) &&
              !ps_recorded_event(a, "end", 0));
    ck_assert(first->time == 1 && ps_recorded_num(first, "loss", -1) == 2.5);
    ck_assert(ps_recorded_num(last, "other", -1) == -1);
    ck_assert(isnan(ps_recorded_num(ps_recorded_event(&r.run[1], "epoch", 0), "loss", -1)));
    ck_assert_str_eq(ps_recorded_str(first, "run", ""), "a");
    ck_assert_str_eq(ps_recorded_str(first, "loss", "none"), "none");
    ck_assert_int_eq(ps_recorded_nums(first, "step_seconds", s, 2), 3);
    ck_assert(s[0] == 1 && isnan(s[1]));
    ck_assert_int_eq(ps_recorded_nums(first, "loss", s, 2), 0);
    ck_assert_str_eq(ps_recorded_field(first, 3), "loss");
    ck_assert(!ps_recorded_field(first, 5));
    ps_records_free(&r);
    remove(path);
}
END_TEST

START_TEST(parameters)
{
    struct ps_records r = {.runs = 0};
    char text[64];
    const char *origin;
    put(mixed);
    ck_assert_int_eq(ps_records_read(&r, path), PS_OK);
    ck_assert_int_eq(ps_recorded_param(&r.run[0], "rate", text, sizeof text), PS_OK);
    ck_assert_str_eq(text, "0.1");
    ck_assert_int_eq(ps_recorded_param(&r.run[0], "data", text, sizeof text), PS_OK);
    ck_assert_str_eq(text, "x.nc");
    ck_assert_int_eq(ps_recorded_param(&r.run[0], "fast", text, sizeof text), PS_OK);
    ck_assert_str_eq(text, "true");
    ck_assert_int_eq(ps_recorded_param(&r.run[0], "none", text, sizeof text), PS_EINPUT);
    ck_assert_int_eq(ps_recorded_param(&r.run[1], "rate", text, sizeof text),
                     PS_EINPUT); /* no parameters at all */
    ck_assert_str_eq(ps_recorded_param_name(&r.run[0], 1, &origin), "data");
    ck_assert_str_eq(origin, "command");
    ck_assert(!ps_recorded_param_name(&r.run[0], 3, &origin));
    ps_records_free(&r);
    remove(path);
}
END_TEST

START_TEST(bad)
{
    struct ps_records r = {.runs = 0};
    put("a,b\n1,2\n");
    ck_assert_int_eq(ps_records_read(&r, path), PS_EINPUT);
    ck_assert(strstr(ps_err_message(), path));
    put("");
    ck_assert_int_eq(ps_records_read(&r, path), PS_OK); /* a run that was stopped before its first line */
    remove(path);
    ck_assert_int_eq(ps_records_read(&r, path), PS_EIO);
    ck_assert_int_eq(r.runs, 0);
    ps_records_free(&r);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *tests[] = {runs, events, parameters, bad, NULL};
    return mck_main(argc, argv, "recordfile", tests);
}
