/* ranks: 1 3 */
/* Lines of the record are read back as JSON; phases of the ranks are put together. */
#include "tests/unit/mpicheck.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/run_parts.h"
#include "common/run/stop.h"
#include "common/run/timer.h"
#include <signal.h>

static char path[1024];

/* A run with a record; the path is rank 0's. */
static struct ps_run open_run(bool record)
{
    struct ps_run run = {.comm = MPI_COMM_WORLD, .threads = 2, .name = "test"};
    MPI_Comm_rank(MPI_COMM_WORLD, &run.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &run.size);
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/test_record.%d", folder ? folder : P_tmpdir, (int)getpid());
    remove(path);
    enum ps_status rc = ps_timer_make(&run, ps_now() - 10, true, &run.timer);
    if (rc == PS_OK && record && run.rank == 0) rc = ps_record_open(path, &run.record);
    mck_assert(rc == PS_OK, "%s", ps_err_message());
    return run;
}

static void close_run(struct ps_run *run)
{
    ps_record_close(run->record);
    ps_timer_free(run->timer);
    if (run->rank == 0) remove(path);
}

/* Lines of the record so far; the caller deletes them. */
static int read_lines(cJSON **lines, int max)
{
    char text[65536];
    int n = 0;
    FILE *f = fopen(path, "r");
    while (f && n < max && fgets(text, sizeof text, f)) {
        size_t len = strlen(text);
        lines[n] = len && text[len - 1] == '\n' ? cJSON_Parse(text) : NULL;
        if (!lines[n]) return -1;
        n++;
    }
    if (f) fclose(f);
    return n;
}

static double number(const cJSON *line, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(line, name);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static const char *string(const cJSON *line, const char *name)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, name));
    return s ? s : "(none)";
}

START_TEST(fields)
{
    struct ps_run run = open_run(true);
    cJSON *line[8];
    static const double values[] = {0.1, -1e300, 3, 5e-324};
    ps_record_begin(&run, "step");
    ps_record_int(&run, "large", INT64_C(9007199254740993)); /* 2^53 + 1: no double */
    ps_record_num(&run, "tenth", 0.1);
    ps_record_num(&run, "nothing", NAN);
    ps_record_str(&run, "text", "a \"b\"\n\\ \xC3\xA4\001");
    ps_record_nums(&run, "values", values, 4);
    ps_record_end(&run);
    ps_record_begin(&run, "forgotten"); /* begin again: the line is dropped */
    ps_record_begin(&run, "epoch");
    ps_record_end(&run);
    ps_record_int(&run, "after", 1); /* without begin: nothing */
    ps_record_end(&run);
    if (run.rank == 0) {
        char text[4096] = "";
        FILE *f = fopen(path, "r");
        ck_assert_ptr_nonnull(fgets(text, sizeof text, f));
        fclose(f);
        ck_assert_ptr_nonnull(strstr(text, "\"large\":9007199254740993,"));
        ck_assert_int_eq(read_lines(line, 8), 2);
        ck_assert_str_eq(string(line[0], "event"), "step");
        ck_assert(number(line[0], "tenth") == 0.1);
        ck_assert(number(line[0], "time") >= 10 && number(line[0], "time") < 60);
        ck_assert(cJSON_IsNull(cJSON_GetObjectItem(line[0], "nothing")));
        ck_assert_str_eq(string(line[0], "text"), "a \"b\"\n\\ \xC3\xA4\001");
        const cJSON *array = cJSON_GetObjectItem(line[0], "values");
        ck_assert_int_eq(cJSON_GetArraySize(array), 4);
        for (int i = 0; i < 4; i++) ck_assert(cJSON_GetArrayItem(array, i)->valuedouble == values[i]);
        ck_assert_str_eq(string(line[1], "event"), "epoch");
        ck_assert_str_eq(string(line[1], "run"), string(line[0], "run"));
        cJSON_Delete(line[0]);
        cJSON_Delete(line[1]);
    }
    close_run(&run);
}
END_TEST

START_TEST(runs_append)
{
    struct ps_run run = open_run(true);
    struct ps_record *first = run.record;
    cJSON *line[8];
    if (run.rank == 0) {
        struct ps_record *second;
        ck_assert_int_eq(ps_record_open(path, &second), PS_OK);
        for (int i = 0; i < 4; i++) {
            run.record = i % 2 ? second : first;
            ps_record_begin(&run, "step");
            ps_record_int(&run, "i", i);
            ps_record_end(&run);
        }
        run.record = first;
        ps_record_close(second);
        ck_assert_int_eq(read_lines(line, 8), 4);
        for (int i = 0; i < 4; i++) ck_assert(number(line[i], "i") == i);
        ck_assert_str_eq(string(line[0], "run"), string(line[2], "run"));
        ck_assert_str_ne(string(line[0], "run"), string(line[1], "run"));
        for (int i = 0; i < 4; i++) cJSON_Delete(line[i]);
    }
    close_run(&run);
}
END_TEST

START_TEST(places_that_refuse)
{
    struct ps_record *r = NULL;
    ps_err_clear();
    ck_assert_int_eq(ps_record_open("/nowhere/at/all", &r), PS_EIO);
    ck_assert_ptr_null(r);
    ck_assert_ptr_nonnull(strstr(ps_err_message(), "/nowhere/at/all"));
    ps_err_clear();
    ck_assert_int_eq(ps_record_open("/", &r), PS_EIO);
    /* without a record every call does nothing */
    struct ps_run run = open_run(false);
    ps_record_begin(&run, "step");
    ps_record_num(&run, "x", 1);
    ps_record_end(&run);
    ck_assert_int_ne(access(path, F_OK), 0);
    close_run(&run);
    ps_err_clear();
}
END_TEST

struct params {
    int n;
    double C;
    ps_str kind, none;
    bool flag;
};
static const struct ps_param rows[] = {
    PS_PARAM(struct params, n, .def = "1", .choices = "one|two|three", .help = "n"),
    PS_PARAM(struct params, C, .letter = 'c', .def = "0.1", .help = "C"),
    PS_PARAM(struct params, kind, .def = "x", .help = "kind"),
    PS_PARAM(struct params, none, .def = "", .help = "none"),
    PS_PARAM(struct params, flag, .def = "false", .flag = true, .help = "flag"),
};
static const struct ps_program program = {
    .name = "test", .rows = rows, .nrows = 5, .params_size = sizeof(struct params), .common = PS_HAS_SEED};

START_TEST(start_line)
{
    struct ps_run run = open_run(true);
    struct ps_setup s;
    cJSON *line[8];
    char *argv[] = {"test", "-c", "2", "--flag", "--n", "three"};
    mck_assert(ps_setup_make(&s, &program) == PS_OK, "%s", ps_err_message());
    mck_assert(ps_setup_read(&s, 6, argv, true) == PS_OK, "%s", ps_err_message());
    ps_record_start(&run, &s, 6, argv, 0.25);
    if (run.rank == 0) {
        ck_assert_int_eq(read_lines(line, 8), 1);
        ck_assert_str_eq(string(line[0], "event"), "start");
        ck_assert(number(line[0], "schema") == 1);
        ck_assert_str_eq(string(line[0], "program"), "test");
        ck_assert(number(line[0], "ranks") == run.size && number(line[0], "threads") == 2);
        ck_assert(number(line[0], "time_to_mpi") == 0.25);
        ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(line[0], "hosts")), 1);
        const cJSON *args = cJSON_GetObjectItem(line[0], "argv");
        ck_assert_int_eq(cJSON_GetArraySize(args), 6);
        ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetArrayItem(args, 5)), "three");
        const cJSON *params = cJSON_GetObjectItem(line[0], "params");
        ck_assert_str_eq(string(cJSON_GetObjectItemCaseSensitive(params, "n"), "value"), "three");
        ck_assert_str_eq(string(cJSON_GetObjectItemCaseSensitive(params, "n"), "origin"), "command");
        ck_assert(number(cJSON_GetObjectItemCaseSensitive(params, "C"), "value") == 2);
        ck_assert_str_eq(string(cJSON_GetObjectItemCaseSensitive(params, "kind"), "origin"), "default");
        ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(cJSON_GetObjectItem(params, "flag"), "value")));
        ck_assert(number(cJSON_GetObjectItemCaseSensitive(params, "seed"), "value") == 1);
        ck_assert_ptr_null(cJSON_GetObjectItem(params, "checkpoint")); /* this program has none */
        cJSON_Delete(line[0]);
    }
    ps_setup_free(&s);
    close_run(&run);
}
END_TEST

START_TEST(phases)
{
    struct ps_run run = open_run(true);
    cJSON *line[8];
    int last = run.size - 1;
    ps_phase(&run, "read");
    ps_phase_count(&run, "bytes", 100 + run.rank);
    ps_phase_count(&run, "bytes", 1);
    ps_phase(&run, "work");
    if (run.rank == last) usleep(60000);
    ps_phase(&run, "read");
    ps_phase_count(&run, "bytes", 1000);
    enum ps_status rc = ps_phases_report(&run);
    mck_assert(rc == PS_OK, "%s", ps_err_message());
    if (run.rank == 0) {
        ck_assert_int_eq(read_lines(line, 8), 3);
        ck_assert_str_eq(string(line[0], "name"), "read");
        ck_assert(number(line[0], "calls") == 2);
        ck_assert(number(line[0], "bytes") == 1101 * run.size + last * run.size / 2.0);
        ck_assert(number(line[0], "bytes_max") == 1101 + last);
        ck_assert_str_eq(string(line[1], "name"), "work");
        ck_assert(number(line[1], "max") >= 0.06 && number(line[1], "rank_of_max") == last);
        ck_assert(number(line[1], "min") <= number(line[1], "mean"));
        ck_assert(number(line[1], "mean") <= number(line[1], "max"));
        ck_assert(number(line[1], "mean") >= 0.06 / run.size);
        /* nothing was sent: all is useful; the time asleep is no processor time */
        ck_assert_double_eq_tol(number(line[1], "useful_max"), number(line[1], "max"), 1e-9);
        ck_assert(number(line[1], "cpu_max") < 0.06);
        ck_assert_str_eq(string(line[2], "event"), "work");
        ck_assert(number(line[2], "seconds") >= number(line[1], "max"));
        ck_assert(number(line[2], "useful") <= number(line[2], "useful_max"));
        ck_assert(number(line[2], "useful_max") <= number(line[2], "seconds") + 1e-9);
        for (int i = 0; i < 3; i++) cJSON_Delete(line[i]);
    }
    close_run(&run);
}
END_TEST

/* A pause of 60 ms on every rank belongs to no phase. */
START_TEST(outside)
{
    struct ps_run run = open_run(true);
    cJSON *line[8];
    double all = -ps_elapsed(&run);
    ps_phase(&run, "read");
    ps_phase(&run, NULL);
    usleep(60000);
    ps_phase(&run, "read");
    ps_phase(&run, NULL);
    all += ps_elapsed(&run);
    MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    const enum ps_status rc = ps_phases_report(&run);
    mck_assert(rc == PS_OK, "%s", ps_err_message());
    if (run.rank == 0) {
        ck_assert_int_eq(read_lines(line, 8), 2);
        ck_assert(number(line[0], "calls") == 2);
        ck_assert_str_eq(string(line[1], "event"), "work");
        ck_assert(number(line[1], "seconds") <= all - 0.06);
        for (int i = 0; i < 2; i++) cJSON_Delete(line[i]);
    }
    close_run(&run);
}
END_TEST

START_TEST(phases_that_differ)
{
    /* a failing run: nothing is reported, nothing hangs */
    struct ps_run run = open_run(true);
    cJSON *line[8];
    ps_phase(&run, "read");
    if (run.rank != 0) ps_phase(&run, "work");
    mck_assert(ps_phases_report(&run) == PS_OK, "%s", ps_err_message());
    if (run.rank == 0) {
        int n = read_lines(line, 8);
        ck_assert_int_eq(n, run.size == 1 ? 2 : 0);
        for (int i = 0; i < n; i++) cJSON_Delete(line[i]);
    }
    close_run(&run);
}
END_TEST

START_TEST(stop_signals)
{
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    ps_stop_watch(false);
    raise(SIGUSR1); /* ignored */
    ps_stop_watch(true);
    mck_assert(!ps_stop_seen(), "a signal was seen");
    mck_assert(!ps_stop_agree(MPI_COMM_WORLD), "a signal was seen");
    if (rank == size - 1) raise(SIGUSR1);
    mck_assert(ps_stop_seen() == (rank == size - 1), "rank %d", rank);
    mck_assert(ps_stop_agree(MPI_COMM_WORLD), "rank %d", rank);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *tests[] = {fields,  runs_append,        places_that_refuse, start_line, phases,
                            outside, phases_that_differ, stop_signals,       NULL};
    return mck_main(argc, argv, "record", tests);
}
