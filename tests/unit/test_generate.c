/* ranks: 1 3 */
#include "mpicheck.h"
#include "apps/tools/data_commands.h"
#include "apps/tools/generate.h"
#include "common/io/shard.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char folder[500];

/** Generate on the first `size` ranks of the world; other ranks wait. Options are split at blanks. */
static enum ps_status generate(int size, const char *options, const char *path)
{
    char text[600], *argv[32] = {"generate"};
    int argc = 1, rank;
    enum ps_status rc = PS_OK;
    struct ps_common common = {.seed = 42, .log = "quiet"};
    struct ps_run run = {.common = &common};
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_split(MPI_COMM_WORLD, rank < size ? 0 : MPI_UNDEFINED, rank, &run.comm);
    if (run.comm != MPI_COMM_NULL) {
        ps_str params_file = "";
        const struct ps_program *p = &ps_data_generate;
        void *values = calloc(1, p->params_size);
        enum ps_origin origin[32];
        struct ps_table table = {p->rows, p->nrows, values, origin, NULL};
        MPI_Comm_rank(run.comm, &run.rank);
        MPI_Comm_size(run.comm, &run.size);
        snprintf(text, sizeof text, "%s %s", options, path);
        for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) argv[argc++] = word;
        rc = ps_table_defaults(&table, 1);
        if (rc == PS_OK) rc = ps_table_args(&table, 1, argc, argv, params_file);
        if (rc == PS_OK) rc = ps_table_check(&table, 1);
        if (rc == PS_OK) rc = p->run(&run, values);
        free(values);
        MPI_Comm_free(&run.comm);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    return rc;
}

static int same_bytes(const char *a, const char *b)
{
    FILE *fa = fopen(a, "rb"), *fb = fopen(b, "rb");
    int same = fa && fb;
    for (int ca = 0, cb = 0; same && ca != EOF;) {
        ca = getc(fa), cb = getc(fb);
        same = ca == cb;
    }
    if (fa) fclose(fa);
    if (fb) fclose(fb);
    return same;
}

START_TEST(same_file)
{
    static const char *const sets[] = {
        "uniform -n 1001 -d 3 --type float64",
        "blobs -n 5000 -d 5 --noise 0.2",
        "moons -n 777 --noise 0.1",
        "geo -n 20000 --scale 1e6 --type int32",
        "scan -n 3000",
        "spreader -n 30011 -d 7",
        "spreader -n 2 -d 2",
    };
    int size, rank;
    char one[600], many[600];
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    snprintf(one, sizeof one, "%s/one.npy", folder);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        mck_assert(generate(1, sets[i], one) == PS_OK, "%s: %s", sets[i], ps_err_message());
        for (int ranks = 2; ranks <= size; ranks++) {
            snprintf(many, sizeof many, "%s/many.npy", folder);
            mck_assert(generate(ranks, sets[i], many) == PS_OK, "%s: %s", sets[i], ps_err_message());
            mck_assert(same_bytes(one, many), "%s: other bytes on %d ranks", sets[i], ranks);
            MPI_Barrier(MPI_COMM_WORLD);
            if (rank == 0) unlink(many);
        }
        struct ps_shard s;
        mck_assert(ps_shard_read(MPI_COMM_WORLD, one, "", &s) == PS_OK && s.rows > 0, "%s", ps_err_message());
        ps_shard_free(&s);
        MPI_Barrier(MPI_COMM_WORLD);
        if (rank == 0) unlink(one);
    }
}
END_TEST

START_TEST(refused)
{
    static const char *const sets[] = {
        "blobs -d 65",         "geo -d 3",          "spreader -d 17",          "spreader --extent 100",
        "uniform --noise 0.1", "uniform --parts 3", "geo --extent 4",          "galaxies",
        "blobs -n 0",          "blobs --noise 1",   "scan -n 500 --type int8", "uniform --sigma 2",
    };
    char path[600];
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    snprintf(path, sizeof path, "%s/none.npy", folder);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        mck_assert(generate(size, sets[i], path) == PS_EUSAGE, "%s: accepted", sets[i]);
        mck_assert(access(path, F_OK) != 0, "%s: a file was written", sets[i]);
    }
}
END_TEST

/** A kind's points, [n][d]. */
static double *points(const struct gen_kind *kind, struct gen_spec *s, int64_t n, int d)
{
    void *state;
    *s = kind->usual;
    s->n = n, s->seed = 1;
    if (d) s->d = d;
    double *x = malloc((size_t)(n * s->d) * sizeof *x);
    ck_assert(kind->create(s, (struct ps_range){0, n}, &state) == PS_OK);
    for (int64_t i = 0; i < n; i++) kind->point(s, state, i, x + i * s->d);
    kind->destroy(state);
    return x;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/** Points within r of point i. */
static int64_t around(const double *x, int64_t n, int d, int64_t i, double r)
{
    int64_t count = 0;
    for (int64_t j = 0; j < n; j++) {
        double sum = 0;
        for (int k = 0; k < d; k++) sum += (x[i * d + k] - x[j * d + k]) * (x[i * d + k] - x[j * d + k]);
        count += sum <= r * r;
    }
    return count;
}

START_TEST(plain_kinds)
{
    enum { N = 20000 };
    struct gen_spec s;
    double *x = points(&gen_uniform, &s, N, 2), sum = 0;
    for (int i = 0; i < 2 * N; i++) {
        ck_assert(x[i] >= 0 && x[i] < 1);
        sum += x[i];
    }
    mck_assert(fabs(sum / (2 * N) - 0.5) < 0.01, "mean of uniform %g", sum / (2 * N));
    free(x);
    x = points(&gen_moons, &s, N, 0);
    int64_t far = 0;
    for (int i = 0; i < N; i++) {
        double upper = fabs(hypot(x[2 * i], x[2 * i + 1]) - 1),
               lower = fabs(hypot(x[2 * i] - 1, x[2 * i + 1] - 0.5) - 1);
        far += fmin(upper, lower) > 4 * s.sigma;
    }
    mck_assert(far < 20, "%lld points off the moons", (long long)far);
    free(x);
    x = points(&gen_blobs, &s, N, 3);
    int64_t lonely = 0; /* noise has few others within 4 sigma; members have hundreds */
    for (int64_t i = 0; i < 1000; i++) lonely += around(x, N, 3, i, 4) < 100;
    mck_assert(lonely > 20 && lonely < 80, "%lld of 1000 points are noise, expected 50", (long long)lonely);
    free(x);
}
END_TEST

START_TEST(geo_is_skewed)
{
    enum { N = 200000, BINS = 512 };
    struct gen_spec s;
    double *x = points(&gen_geo, &s, N, 0);
    int64_t *bin = calloc(BINS * BINS, sizeof *bin), largest = 0, empty = 0, inside = 0;
    for (int64_t i = 0; i < N; i++) {
        inside += x[2 * i] > -12 && x[2 * i] < 21 && x[2 * i + 1] > 34 && x[2 * i + 1] < 61;
        int column = (int)((x[2 * i] + 12) / 33 * BINS), row = (int)((x[2 * i + 1] - 34) / 27 * BINS);
        if (column >= 0 && column < BINS && row >= 0 && row < BINS) bin[row * BINS + column]++;
    }
    for (int64_t b = 0; b < BINS * BINS; b++) {
        if (bin[b] > bin[largest]) largest = b;
        empty += bin[b] == 0;
    }
    mck_assert(inside == N, "%lld points outside Europe", (long long)(N - inside));
    mck_assert(empty > BINS * BINS / 2, "towns leave most of the land empty: %lld bins", (long long)empty);
    /* all bins within half a degree of the largest town */
    double at[2] = {((double)(largest % BINS) + 0.5) * 33 / BINS - 12,
                    ((double)(largest / BINS) + 0.5) * 27 / BINS + 34};
    int64_t town = 0;
    for (int64_t i = 0; i < N; i++) town += hypot(x[2 * i] - at[0], x[2 * i + 1] - at[1]) < 0.5;
    double share = 0, expected;
    for (int64_t k = 1; k <= s.parts; k++) share += pow((double)k, -s.exponent);
    expected = (1 - s.noise) / share;
    mck_assert((double)town / N > 0.9 * expected && (double)town / N < 1.3 * expected,
               "the largest town holds %.3f, Zipf's law says %.3f", (double)town / N, expected);
    free(bin), free(x);
}
END_TEST

START_TEST(scan_thins_with_distance)
{
    enum { N = 100000 };
    struct gen_spec s;
    void *state;
    s = gen_scan.usual;
    s.n = N, s.seed = 3, s.parts = 1;
    ck_assert(gen_scan.create(&s, (struct ps_range){0, N}, &state) == PS_OK);
    double(*x)[3] = malloc(N * sizeof *x), lo = INFINITY, hi = -INFINITY, mean[2] = {0, 0};
    int64_t ground = 0, near = 0, far = 0;
    for (int64_t i = 0; i < N; i++) {
        gen_scan.point(&s, state, i, x[i]);
        lo = fmin(lo, x[i][2]), hi = fmax(hi, x[i][2]);
        ground += fabs(x[i][2]) < 3;
    }
    gen_scan.destroy(state);
    mck_assert(lo > -10 && hi < 8000 && hi > 300, "heights %g to %g cm", lo, hi);
    mck_assert(ground > N / 4 && ground < N * 95 / 100, "%lld points on the ground", (long long)ground);
    /* the station stands at the median of the ground points nearest to it: the densest place */
    double *column = malloc(N * sizeof *column);
    for (int k = 0; k < 2; k++) {
        int64_t m = 0;
        for (int64_t i = 0; i < N; i++)
            if (fabs(x[i][2]) < 3) column[m++] = x[i][k];
        qsort(column, (size_t)m, sizeof *column, by_value);
        mean[k] = column[m / 2];
    }
    for (int64_t i = 0; i < N; i++) {
        double r = hypot(x[i][0] - mean[0], x[i][1] - mean[1]);
        if (fabs(x[i][2]) < 3) near += r < 500, far += r >= 1500 && r < 1581; /* rings of equal area */
    }
    mck_assert(near > 10 * far && far > 0, "ground points near %lld, far %lld", (long long)near,
               (long long)far);
    free(column), free(x);
}
END_TEST

START_TEST(spreader_walks)
{
    enum { N = 100000, D = 5 };
    struct gen_spec s;
    double *x = points(&gen_spreader, &s, N, D);
    int64_t jumps = 0, noise = 0, shifts = 0, between = 0;
    int inside = 1;
    double before[D] = {0};
    for (int64_t i = 0; i < N; i++) {
        double step = 0;
        for (int k = 0; k < D; k++) {
            inside = inside && x[i * D + k] >= 0 && x[i * D + k] < 1e5;
            if (i) step += (x[i * D + k] - before[k]) * (x[i * D + k] - before[k]);
        }
        if (gen_is_noise(&s, i)) {
            noise++;
            if (i) continue;
        }
        memcpy(before, x + i * D, sizeof before);
        step = sqrt(step);
        jumps += step > 1000;
        shifts +=
            step > 200 && step <= 1000; /* two points of one ball are at most 200 apart; a shift is 250 */
        between += step > 450 && step <= 1000;
    }
    mck_assert(inside, "points outside the domain");
    mck_assert(between == 0, "%lld steps are longer than a shift and two radii", (long long)between);
    mck_assert(noise < 30, "%lld noise points, expected 10", (long long)noise);
    mck_assert(jumps >= 2 && jumps <= 25, "%lld restarts, expected 10", (long long)jumps);
    mck_assert(shifts > N / 100 / 3 && shifts <= N / 100, "%lld shifts are seen", (long long)shifts);
    free(x);
}
END_TEST

START_TEST(a_part_alone)
{
    /* a rank that prepares for its block only gets the same points */
    struct gen_spec s;
    double *all = points(&gen_spreader, &s, 5000, 4), x[4];
    for (int64_t lo = 0; lo < 5000; lo += 777) {
        void *state;
        ck_assert(gen_spreader.create(&s, (struct ps_range){lo, lo + 223}, &state) == PS_OK);
        for (int64_t i = lo; i < lo + 223; i++) {
            gen_spreader.point(&s, state, i, x);
            mck_assert(memcmp(x, all + 4 * i, sizeof x) == 0, "point %lld", (long long)i);
        }
        gen_spreader.destroy(state);
    }
    free(all);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        same_file,      refused,      plain_kinds, geo_is_skewed, scan_thins_with_distance,
        spreader_walks, a_part_alone, NULL};
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.400s", tmp ? tmp : "/tmp");
    return mck_main(argc, argv, "generate", tests);
}
