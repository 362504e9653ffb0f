/* ranks: 1 2 3 */
#include "iocheck.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <time.h>
#include "common/io/trace.h"

enum { THREADS = 3 };

static struct ps_run make_run(void)
{
    struct ps_run run = {.comm = MPI_COMM_WORLD, .threads = THREADS};
    MPI_Comm_rank(run.comm, &run.rank);
    MPI_Comm_size(run.comm, &run.size);
    return run;
}

static void rest(double ms)
{
    nanosleep(&(struct timespec){0, (long)(ms * 1e6)}, NULL);
}

/** Rank 0 parses the file; NULL elsewhere. */
static cJSON *parse(const char *path)
{
    static char text[1 << 20];
    if (io_rank()) return NULL;
    FILE *f = fopen(path, "rb");
    ck_assert(f != NULL);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    cJSON *json = cJSON_ParseWithOpts(text, NULL, 1);
    ck_assert_msg(json != NULL, "not JSON: %s", text);
    return json;
}

static double number(const cJSON *event, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(event, name);
    ck_assert_msg(cJSON_IsNumber(item), "no %s", name);
    return item->valuedouble;
}

/** The k-th span of a name on a rank and thread; NULL where there is none. */
static const cJSON *span(const cJSON *json, const char *name, int rank, int thread, int k)
{
    const cJSON *e;
    cJSON_ArrayForEach(e, cJSON_GetObjectItem(json, "traceEvents"))
    {
        if (strcmp(cJSON_GetObjectItem(e, "ph")->valuestring, "X")) continue;
        if (strcmp(cJSON_GetObjectItem(e, "name")->valuestring, name)) continue;
        if (number(e, "pid") == rank && number(e, "tid") == thread && k-- == 0) return e;
    }
    return NULL;
}

/** Has a rank a line of this name? */
static bool has_line(const cJSON *json, int rank, const char *name)
{
    const cJSON *e;
    cJSON_ArrayForEach(e, cJSON_GetObjectItem(json, "traceEvents"))
    {
        if (strcmp(cJSON_GetObjectItem(e, "name")->valuestring, "thread_name") || number(e, "pid") != rank)
            continue;
        if (!strcmp(cJSON_GetObjectItem(cJSON_GetObjectItem(e, "args"), "name")->valuestring, name))
            return true;
    }
    return false;
}

/** The argument of a rank's metadata event. */
static const char *meta(const cJSON *json, const char *name, const char *argument, int rank)
{
    const cJSON *e;
    cJSON_ArrayForEach(e, cJSON_GetObjectItem(json, "traceEvents"))
    {
        if (!strcmp(cJSON_GetObjectItem(e, "name")->valuestring, name) && number(e, "pid") == rank)
            return cJSON_GetObjectItem(cJSON_GetObjectItem(e, "args"), argument)->valuestring;
    }
    return NULL;
}

/** Spans nest, last as long as they did, and follow each other over the ranks as they did. */
START_TEST(spans)
{
    struct ps_run run = make_run();
    struct ps_trace *t;
    const char *path = io_path("trace.json");
    mck_assert(ps_trace_open(&run, path, 100, &t) == PS_OK && t, "%s", ps_err_message());
    for (int turn = 0; turn < run.size; turn++) { /* one rank after the other */
        MPI_Barrier(run.comm);
        if (turn == run.rank) {
            ps_trace_begin(t, 0, "step");
            rest(3);
            ps_trace_begin(t, 0, "inner");
            ps_trace_begin(t, 2, "load");
            rest(5);
            ps_trace_end(t, 2);
            ps_trace_end(t, 0);
            rest(3);
            ps_trace_end(t, 0);
        }
    }
    ps_trace_begin(t, 1, "left open");
    const int64_t end_there = ps_trace_now(), begin_there = end_there - 1000000;
    if (run.rank > 0) ps_trace_add(t, "pass", begin_there, end_there);
    MPI_Barrier(run.comm);
    mck_assert(ps_trace_close(t) == PS_OK, "%s", ps_err_message());
    cJSON *json = parse(path);
    for (int r = 0; json && r < run.size; r++) {
        const cJSON *step = span(json, "step", r, 0, 0), *inner = span(json, "inner", r, 0, 0),
                    *load = span(json, "load", r, 2, 0), *open = span(json, "left open", r, 1, 0);
        ck_assert(step && inner && load && open);
        const double begin = number(step, "ts"), end = begin + number(step, "dur"), b = number(inner, "ts"),
                     e = b + number(inner, "dur");
        ck_assert(begin >= 0 && b >= begin + 2999 && e >= b + 4999 && e <= end - 2999);
        ck_assert(number(load, "ts") >= b && number(load, "ts") + number(load, "dur") <= e);
        ck_assert(end - begin < 10e6 && number(open, "dur") >= 0);
        /* a barrier lies between: the next begins later, give or take half a round trip */
        const cJSON *next = span(json, "step", r + 1, 0, 0);
        ck_assert(!next == (r + 1 == run.size) && (!next || number(next, "ts") > end - 1000));
        const char *name = meta(json, "process_name", "name", r);
        char want[32];
        snprintf(want, sizeof want, "rank %d on ", r);
        ck_assert(name && !strncmp(name, want, strlen(want)) && strlen(name) > strlen(want));
        ck_assert(!meta(json, "process_labels", "labels", r) && !span(json, "step", r, 0, 1));
        /* a device has a line where something was added: a millisecond, over when "left open" had begun */
        const cJSON *pass = span(json, "pass", r, THREADS, 0);
        ck_assert(!pass == (r == 0) && has_line(json, r, "device") == (r > 0));
        if (!pass) continue;
        const double over = number(pass, "ts") + number(pass, "dur");
        ck_assert(fabs(number(pass, "dur") - 1000) < 1 && over >= number(open, "ts") && over > end);
    }
    cJSON_Delete(json);
}
END_TEST

/** The first spans are kept, also the one around those that have no room; the others are counted. */
START_TEST(full)
{
    struct ps_run run = make_run();
    struct ps_trace *t;
    const char *path = io_path("trace.json");
    mck_assert(ps_trace_open(&run, path, 10, &t) == PS_OK, "%s", ps_err_message());
    ps_trace_begin(t, 0, "around");
    for (int i = 0; i < 20; i++) {
        ps_trace_begin(t, 0, "one");
        ps_trace_end(t, 0);
    }
    rest(2);
    ps_trace_end(t, 0);
    for (int i = 0; i < 100; i++) ps_trace_begin(t, 1, "deep");
    for (int i = 0; i < 101; i++) ps_trace_end(t, 1);
    mck_assert(ps_trace_close(t) == PS_OK, "%s", ps_err_message());
    cJSON *json = parse(path);
    for (int r = 0; json && r < run.size; r++) {
        ck_assert(span(json, "one", r, 0, 8) && !span(json, "one", r, 0, 9));
        ck_assert(number(span(json, "around", r, 0, 0), "dur") >= 2000);
        ck_assert(span(json, "deep", r, 1, 9) && !span(json, "deep", r, 1, 10));
        ck_assert_str_eq(meta(json, "process_labels", "labels", r), "101 later spans had no room");
    }
    cJSON_Delete(json);
}
END_TEST

/** More text than is written at once. */
START_TEST(long_one)
{
    enum { SPANS = 4000 };
    struct ps_run run = make_run();
    struct ps_trace *t;
    const char *path = io_path("trace.json");
    mck_assert(ps_trace_open(&run, path, SPANS, &t) == PS_OK, "%s", ps_err_message());
#pragma omp parallel for num_threads(THREADS)
    for (int thread = 0; thread < THREADS; thread++)
        for (int i = 0; i < SPANS; i++) {
            ps_trace_begin(
                t, thread,
                "a span with a name that is not short: it fills the pieces in which text is written");
            ps_trace_end(t, thread);
        }
    mck_assert(ps_trace_close(t) == PS_OK, "%s", ps_err_message());
    struct stat st = {0};
    int64_t lines = 0;
    FILE *f = io_rank() ? NULL : fopen(path, "rb");
    for (int ch; f && (ch = fgetc(f)) != EOF;) lines += ch == '\n';
    if (f) {
        fclose(f);
        ck_assert_int_eq(lines, 2 + run.size * (2 + THREADS * (SPANS + 1)));
        ck_assert(stat(path, &st) == 0 && st.st_size > 3 << 19);
    }
}
END_TEST

/** After a failure the timeline is written and the message stays; where it cannot be written this is told. */
START_TEST(failures)
{
    struct ps_run run = make_run();
    struct ps_trace *t;
    const char *path = io_path("trace.json");
    mck_assert(ps_trace_open(&run, "", 10, &t) == PS_OK && !t, "no name, no trace");
    ps_trace_begin(t, 0, "nothing");
    ps_trace_end(t, 0);
    mck_assert(ps_trace_close(t) == PS_OK, "nothing is closed");
    mck_assert(ps_trace_open(&run, path, 10, &t) == PS_OK, "%s", ps_err_message());
    ps_trace_begin(t, 0, "step");
    enum ps_status rc =
        ps_agree(run.comm, run.rank == run.size - 1 ? ps_fail(PS_EINPUT, "sample 7 is NaN") : PS_OK);
    mck_assert(rc == PS_EINPUT && ps_trace_close(t) == PS_OK, "%s", ps_err_message());
    mck_assert(!strcmp(ps_err_message(), "sample 7 is NaN") && ps_err_rank() == run.size - 1,
               "'%s' of rank %d", ps_err_message(), ps_err_rank());
    ps_err_clear();
    mck_assert(ps_trace_open(&run, "/nonexistent/trace.json", 10, &t) == PS_OK, "%s", ps_err_message());
    rc = ps_trace_close(t);
    mck_assert(rc == PS_EIO && strstr(ps_err_message(), "/nonexistent/trace.json"), "%s", ps_err_message());
    cJSON *json = parse(path);
    ck_assert(!json || span(json, "step", run.size - 1, 0, 0));
    cJSON_Delete(json);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {spans, full, long_one, failures, NULL};
    return mck_main(argc, argv, "trace", tests);
}
