/* ranks: 1 */
/* Fits give known laws back; runs are grouped, compared and labelled. */
#include "tests/unit/mpicheck.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "apps/results/scaling_plot.h"
#include "common/run/err.h"

static const double workers[] = {1, 2, 4, 8, 16, 32};
enum { N = sizeof workers / sizeof *workers };

START_TEST(amdahl)
{
    double t[N];
    for (int i = 0; i < N; i++) t[i] = 40 * (0.05 + 0.95 / workers[i]);
    const struct scaling_fit f = scaling_fit_amdahl(N, workers, t);
    ck_assert(f.there);
    ck_assert_double_eq_tol(f.serial, 0.05, 1e-9);
    ck_assert_double_eq_tol(scaling_model(&f, 1024), 40 * (0.05 + 0.95 / 1024), 1e-9);
    ck_assert_double_eq_tol(f.error, 0, 1e-9);
    ck_assert_double_eq_tol(f.ahead, 0, 1e-9);
    /* two points are met, but say nothing of the error; one is no law */
    const struct scaling_fit two = scaling_fit_amdahl(2, workers, t);
    ck_assert(two.there && isnan(two.error));
    ck_assert_double_eq_tol(two.serial, 0.05, 1e-9);
    ck_assert(!scaling_fit_amdahl(1, workers, t).there);
    /* faster than all workers together could be: no negative serial part */
    for (int i = 0; i < N; i++) t[i] = 1 / pow(workers[i], 1.2);
    ck_assert_double_eq(scaling_fit_amdahl(N, workers, t).serial, 0);
}
END_TEST

START_TEST(allreduce)
{
    double t[N];
    for (int i = 0; i < N; i++) t[i] = 0.5 + 12 / workers[i] + 0.25 * log2(workers[i]);
    const struct scaling_fit f = scaling_fit_allreduce(N, workers, t, false);
    ck_assert_double_eq_tol(f.a, 0.5, 1e-8);
    ck_assert_double_eq_tol(f.b, 12, 1e-8);
    ck_assert_double_eq_tol(f.c, 0.25, 1e-8);
    /* Amdahl's law does not see the growing part: it promises too little time on the most workers */
    ck_assert_double_lt(scaling_fit_amdahl(N, workers, t).ahead, -0.1);
    for (int i = 0; i < N; i++) t[i] = 3 + 0.1 * log2(workers[i]);
    const struct scaling_fit weak = scaling_fit_allreduce(N, workers, t, true);
    ck_assert_double_eq_tol(weak.a, 3, 1e-8);
    ck_assert_double_eq_tol(weak.c, 0.1, 1e-8);
}
END_TEST

START_TEST(gustafson)
{
    double s[N];
    for (int i = 0; i < N; i++) s[i] = workers[i] - 0.08 * (workers[i] - 1);
    const struct scaling_fit f = scaling_fit_gustafson(N, workers, s);
    ck_assert_double_eq_tol(f.serial, 0.08, 1e-12);
    ck_assert_double_eq_tol(f.error, 0, 1e-12);
}
END_TEST

START_TEST(spreads)
{
    double odd[] = {3, NAN, 1, 2}, even[] = {4, 1, 3, 2};
    struct scaling_spread s = scaling_spread_of(odd, 4);
    ck_assert(s.n == 3 && s.median == 2 && s.low == 1 && s.high == 3);
    s = scaling_spread_of(even, 4);
    ck_assert(s.n == 4 && s.median == 2.5);
    ck_assert(isnan(scaling_spread_of(odd, 0).median));
}
END_TEST

static char path[1024];

/* A run of `toy`: its time, useful time of its ranks (mean, largest), processor time of the slowest rank. */
static void put(FILE *f, int id, int ranks, int n, double seconds, double useful, double useful_max,
                double cpu)
{
    fprintf(f,
            "{\"event\":\"start\",\"run\":\"%d\",\"time\":0,\"program\":\"toy\",\"ranks\":%d,\"threads\":1,"
            "\"cores\":4,\"params\":{\"n\":{\"value\":%d,\"origin\":\"file\"},\"record\":{\"value\":\"r%d\","
            "\"origin\":\"command\"}}}\n",
            id, ranks, n, id);
    fprintf(f, "{\"event\":\"result\",\"run\":\"%d\",\"time\":1,\"rows\":%d}\n", id, n);
    fprintf(f,
            "{\"event\":\"phase\",\"run\":\"%d\",\"time\":1,\"name\":\"walk\",\"min\":1,\"mean\":%g,\"max\":%"
            "g}\n",
            id, seconds, seconds);
    fprintf(f,
            "{\"event\":\"work\",\"run\":\"%d\",\"time\":1,\"seconds\":%g,\"useful\":%g,\"useful_max\":%g,"
            "\"cpu\":%g,\"cpu_max\":%g}\n",
            id, seconds, useful, useful_max, cpu, cpu);
    fprintf(f, "{\"event\":\"end\",\"run\":\"%d\",\"time\":1,\"status\":\"ok\",\"elapsed\":%g}\n", id,
            seconds + 1);
}

/* What a run says of more ranks, with as many samples on each. */
static void predict(FILE *f, int id)
{
    fprintf(f,
            "{\"event\":\"scaling\",\"run\":\"%d\",\"time\":1,\"ranks\":[2,4],\"predicted_efficiency\":[0.9,"
            "0.7]}\n",
            id);
}

static void study(void (*fill)(FILE *f), struct ps_records *records, struct scaling *s)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/test_results_scaling.%d", folder ? folder : P_tmpdir, (int)getpid());
    FILE *f = fopen(path, "w");
    ck_assert(f != NULL);
    fill(f);
    ck_assert(fclose(f) == 0);
    *records = (struct ps_records){.runs = 0};
    ck_assert_int_eq(ps_records_read(records, path), PS_OK);
    ck_assert_int_eq(scaling_make(records, "", false, s), PS_OK);
    remove(path);
}

static void strong(FILE *f)
{
    put(f, 1, 1, 1000, 8, 8, 8, 8);
    put(f, 2, 1, 1000, 8.4, 8, 8, 8); /* a slower repetition, and a faster one */
    put(f, 3, 1, 1000, 7.9, 8, 8, 8);
    put(f, 4, 4, 1000, 2.5, 1.8, 2, 2);
    predict(f, 4);                        /* not of the same size: no point of this study */
    put(f, 5, 8, 1000, 50, 1, 1.1, 1.25); /* on four cores: its time means nothing */
    put(f, 6, 2, 3000, 9, 9, 9, 9);       /* another size, which does not follow the ranks */
    fprintf(f,
            "{\"event\":\"start\",\"run\":\"7\",\"time\":0,\"program\":\"toy\",\"ranks\":1,\"threads\":1}\n");
}

START_TEST(strong_scaling)
{
    struct ps_records records;
    struct scaling s;
    study(strong, &records, &s);
    ck_assert_int_eq(s.left, 1);
    ck_assert_int_eq(s.groups, 2);
    const struct scaling_group *g = &s.group[0];
    ck_assert_int_eq(g->kind, SCALING_STRONG);
    ck_assert_int_eq(g->predicted, 0);
    ck_assert_int_eq(g->points, 5); /* measured on 1 and 4; simulated on 1, 4 and 8 */
    const struct scaling_point *p = &g->point[1];
    ck_assert(p->origin == SCALING_MEASURED && p->workers == 4);
    ck_assert_double_eq_tol(p->speedup, 8 / 2.5, 1e-12);
    ck_assert_double_eq_tol(p->efficiency, 0.8, 1e-12);
    ck_assert_double_eq_tol(p->balance, 0.9, 1e-12);
    ck_assert_double_eq_tol(p->communication, 0.8, 1e-12);
    ck_assert_double_eq_tol(g->point[0].speedup_low, 8 / 8.4, 1e-12);
    p = &g->point[4];
    ck_assert(p->origin == SCALING_SIMULATED && p->workers == 8);
    ck_assert_double_eq_tol(p->seconds.median, 1.25, 1e-12);
    ck_assert_double_eq_tol(p->speedup, 6.4, 1e-12);
    ck_assert(isnan(p->communication));
    scaling_free(&s);
    ps_records_free(&records);
}
END_TEST

static void weak(FILE *f)
{
    put(f, 1, 1, 1000, 4, 4, 4, 4);
    put(f, 2, 2, 2000, 4.2, 4, 4, 4);
    put(f, 3, 4, 4000, 5, 4, 4, 4);
    predict(f, 3);
}

START_TEST(weak_scaling)
{
    struct ps_records records;
    struct scaling s;
    study(weak, &records, &s);
    ck_assert_int_eq(s.groups, 1);
    const struct scaling_group *g = &s.group[0];
    ck_assert_int_eq(g->kind, SCALING_WEAK);
    ck_assert_double_eq_tol(g->point[2].efficiency, 0.8, 1e-12);
    ck_assert_double_eq_tol(g->point[2].speedup, 3.2, 1e-12);
    ck_assert(g->predicted == 2 && g->predicted_ranks[1] == 4 && g->predicted_efficiency[1] == 0.7);
    ck_assert(g->gustafson.there && g->gustafson.serial > 0 && g->gustafson.serial < 0.3);
    scaling_free(&s);
    ps_records_free(&records);
}
END_TEST

/* All that is written, in one text. */
static void text_of(void (*write)(const struct scaling *, FILE *), const struct scaling *s, char *out,
                    size_t room)
{
    FILE *f = tmpfile();
    ck_assert(f != NULL);
    write(s, f);
    rewind(f);
    out[fread(out, 1, room - 1, f)] = '\0';
    fclose(f);
}

static void write_extrap(const struct scaling *s, FILE *to)
{
    ck_assert_int_eq(scaling_extrap(s, 0, to), PS_OK);
}

START_TEST(texts)
{
    struct ps_records records;
    struct scaling s;
    struct scaling_figure f;
    char text[8192];
    study(strong, &records, &s);
    text_of(scaling_markdown, &s, text, sizeof text);
    ck_assert(strstr(text, "## toy, strong scaling, 1000 samples"));
    ck_assert(strstr(text, "| 4 | 1 | measured | 1 | 2.5 | 2.5 | 2.5 | 3.20 | 0.800 | 0.900 | 0.800 |\n"));
    ck_assert(strstr(text, "| 8 | 1 | simulated |") && strstr(text, "\nSimulated: more workers than cores;"));
    text_of(scaling_csv, &s, text, sizeof text);
    ck_assert(strstr(text, "toy,strong scaling,measured,4,1,1,1000,2.5,2.5,2.5,3.2,0.8,0.9,0.8,,\n"));
    text_of(write_extrap, &s, text, sizeof text);
    ck_assert_str_eq(text, "PARAMETER ranks\nPARAMETER threads\nPOINTS (1 1) (4 1)\nMETRIC time\nREGION run\n"
                           "DATA 8.000000000 8.400000000 7.900000000\nDATA 2.500000000\n\nREGION run->walk\n"
                           "DATA 8.000000000 8.400000000 7.900000000\nDATA 2.500000000\n");
    for (int plot = 0; plot < SCALING_PLOTS; plot++) {
        ck_assert_int_eq(scaling_figure_make(&s, 0, (enum scaling_plot)plot, &f), PS_OK);
        ck_assert(f.figure.curves > 0 || f.figure.rows == 2);
        scaling_figure_free(&f);
    }
    scaling_free(&s);
    ps_records_free(&records);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *tests[] = {amdahl, allreduce, gustafson, spreads, strong_scaling, weak_scaling, texts, NULL};
    return mck_main(argc, argv, "scaling", tests);
}
