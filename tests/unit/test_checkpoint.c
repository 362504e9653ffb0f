/* ranks: 1 2 3 */
#include "mpicheck.h"
#include "common/io/checkpoint.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N = 1003, M = 17 };
static char path[600], previous[620], tmp[620];
static struct ps_common quiet = {.log = "quiet"};

/** What a run would hold. */
struct state {
    int64_t step;
    double momentum[M];
    double *weight;
    int8_t *flag;
    struct ps_range mine;
};

/** A run on the first `size` ranks of the world; comm is MPI_COMM_NULL elsewhere. */
static struct ps_run run_on(int size)
{
    struct ps_run run = {.common = &quiet};
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_split(MPI_COMM_WORLD, rank < size ? 0 : MPI_UNDEFINED, rank, &run.comm);
    if (run.comm == MPI_COMM_NULL) return run;
    MPI_Comm_rank(run.comm, &run.rank);
    MPI_Comm_size(run.comm, &run.size);
    return run;
}

static struct state state_at(const struct ps_run *run, int64_t step)
{
    struct state s = {.step = step, .mine = ps_block(N, run->size, run->rank)};
    int64_t own = s.mine.hi - s.mine.lo;
    s.weight = malloc((size_t)own * sizeof *s.weight + 1);
    s.flag = malloc((size_t)own + 1);
    for (int i = 0; i < M; i++) s.momentum[i] = step ? 1.0 / (double)(step + i) : -1;
    for (int64_t i = 0; i < own; i++) {
        s.weight[i] = step ? (double)(s.mine.lo + i) / 7 + (double)step : -1;
        s.flag[i] = (int8_t)(step ? (s.mine.lo + i) * step % 5 : -1);
    }
    return s;
}

enum { PARTS = 4 };
static void table(struct state *s, struct ps_ckpt_part part[PARTS])
{
    part[0] = ps_ckpt_all("step", PS_I64, 1, &s->step);
    part[1] = ps_ckpt_all("momentum", PS_F64, M, s->momentum);
    part[2] = ps_ckpt_cut("weight", PS_F64, N, s->mine, s->weight);
    part[3] = ps_ckpt_cut("flag", PS_I8, N, s->mine, s->flag);
}

static enum ps_status save_keep(const struct ps_run *run, int64_t step, int keep)
{
    struct ps_ckpt_part part[PARTS];
    struct state s = state_at(run, step);
    table(&s, part);
    enum ps_status rc = ps_checkpoint_write(run, path, "test n=1003", part, PARTS, keep);
    free(s.weight), free(s.flag);
    return rc;
}

static enum ps_status save(const struct ps_run *run, int64_t step)
{
    return save_keep(run, step, 2);
}

/** Load in another order of parts; *step receives the step if everything belongs to that step, else -1. */
static enum ps_status load(const struct ps_run *run, const char *tag, int64_t *step)
{
    struct ps_ckpt_part part[PARTS], turned[PARTS];
    struct state s = state_at(run, 0);
    table(&s, part);
    for (int i = 0; i < PARTS; i++) turned[i] = part[PARTS - 1 - i];
    enum ps_status rc = ps_checkpoint_read(run, path, tag, turned, PARTS);
    *step = s.step;
    if (rc == PS_OK) {
        struct state want = state_at(run, s.step);
        size_t own = (size_t)(s.mine.hi - s.mine.lo);
        if (memcmp(want.momentum, s.momentum, sizeof s.momentum) != 0 ||
            memcmp(want.weight, s.weight, own * sizeof *s.weight) != 0 || memcmp(want.flag, s.flag, own) != 0)
            *step = -1;
        free(want.weight), free(want.flag);
    }
    free(s.weight), free(s.flag);
    return rc;
}

/** PATH.age. Two names at a time. */
static const char *older(int age)
{
    static char name[2][620];
    static int turn;
    turn = !turn;
    snprintf(name[turn], sizeof name[turn], "%s.%d", path, age);
    return name[turn];
}

static void clean(void)
{
    int rank;
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank == 0) {
        unlink(path), unlink(tmp);
        for (int age = 1; age < 5; age++) unlink(older(age));
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

/** Flip one bit of a file, or cut it, on rank 0. */
static void spoil(const char *name, int64_t at, int64_t cut)
{
    int rank;
    char byte;
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    int fd = rank == 0 ? open(name, O_RDWR) : -1;
    if (fd >= 0) {
        if (cut >= 0) ck_assert(ftruncate(fd, cut) == 0);
        if (cut < 0) ck_assert(pread(fd, &byte, 1, at) == 1 && (byte ^= 4, pwrite(fd, &byte, 1, at) == 1));
        close(fd);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

START_TEST(other_rank_counts)
{
    int world;
    MPI_Comm_size(MPI_COMM_WORLD, &world);
    for (int from = 1; from <= world; from++) {
        for (int to = 1; to <= world; to++) {
            int right = 1;
            int64_t step = 0;
            struct ps_run writer = run_on(from);
            if (writer.comm != MPI_COMM_NULL) {
                right = save(&writer, 40 + from) == PS_OK;
                MPI_Comm_free(&writer.comm);
            }
            mck_assert(right, "written on %d ranks: %s", from, ps_err_message());
            struct ps_run reader = run_on(to);
            if (reader.comm != MPI_COMM_NULL) {
                right = load(&reader, "test n=1003", &step) == PS_OK && step == 40 + from;
                MPI_Comm_free(&reader.comm);
            }
            mck_assert(right, "from %d to %d ranks: step %lld, %s", from, to, (long long)step,
                       ps_err_message());
            mck_assert(access(tmp, F_OK) != 0, "a temporary file is left");
        }
    }
    clean();
}
END_TEST

START_TEST(spoiled)
{
    int world;
    int64_t step, size;
    struct stat info;
    MPI_Comm_size(MPI_COMM_WORLD, &world);
    struct ps_run run = run_on(world);
    mck_assert(!ps_checkpoint_exists(&run, path), "nothing is there yet");
    mck_assert(load(&run, "test n=1003", &step) == PS_EIO, "nothing to read");
    mck_assert(save(&run, 1) == PS_OK && ps_checkpoint_exists(&run, path), "first");
    stat(path, &info);
    size = info.st_size;
    /* header: magic, tag, an entry; data: a weight, the last byte; and cuts in the header and the data */
    int64_t at[] = {0, 30, 290, size - N - 4000, size - 1}, cut[] = {0, 100, size - 1};
    for (int i = 0; i < 8; i++) {
        mck_assert(save(&run, 1) == PS_OK && save(&run, 2) == PS_OK, "two checkpoints");
        spoil(path, i < 5 ? at[i] : 0, i < 5 ? -1 : cut[i - 5]);
        enum ps_status rc = load(&run, "test n=1003", &step);
        mck_assert(rc == PS_OK && step == 1, "case %d: status %d step %lld", i, rc, (long long)step);
        spoil(previous, size - 2, -1);
        rc = load(&run, "test n=1003", &step);
        mck_assert(rc == PS_EINPUT, "case %d: both are spoiled, status %d", i, rc);
        mck_assert(
            strstr(ps_err_message(), previous) && strstr(ps_err_message(), "orrupted") ? 1 : i >= 5 || i == 0,
            "message: %s", ps_err_message());
    }
    clean();
    MPI_Comm_free(&run.comm);
}
END_TEST

START_TEST(previous_alone)
{
    int world;
    int64_t step;
    MPI_Comm_size(MPI_COMM_WORLD, &world);
    struct ps_run run = run_on(world);
    mck_assert(save(&run, 3) == PS_OK && save(&run, 4) == PS_OK, "two checkpoints");
    if (run.rank == 0) unlink(path); /* as if the machine stopped between the two renames */
    MPI_Barrier(MPI_COMM_WORLD);
    mck_assert(ps_checkpoint_exists(&run, path), "the previous one counts");
    mck_assert(load(&run, "test n=1003", &step) == PS_OK && step == 3, "step %lld", (long long)step);
    clean();
    MPI_Comm_free(&run.comm);
}
END_TEST

/** As many as are asked for stay; a torn one is passed over, and the warning names it. */
START_TEST(several)
{
    int world;
    int64_t step;
    MPI_Comm_size(MPI_COMM_WORLD, &world);
    struct ps_run run = run_on(world);
    for (int i = 1; i <= 5; i++) mck_assert(save_keep(&run, i, 3) == PS_OK, "%s", ps_err_message());
    mck_assert(access(older(2), F_OK) == 0 && access(older(3), F_OK) != 0, "three stay");
    mck_assert(load(&run, "test n=1003", &step) == PS_OK && step == 5, "step %lld", (long long)step);
    spoil(path, 30, -1);
    mck_assert(load(&run, "test n=1003", &step) == PS_OK && step == 4, "step %lld", (long long)step);
    spoil(older(1), 0, 100);
    mck_assert(load(&run, "test n=1003", &step) == PS_OK && step == 3, "step %lld", (long long)step);
    spoil(older(2), 30, -1);
    mck_assert(load(&run, "test n=1003", &step) == PS_EINPUT, "all are spoiled");
    for (int age = 0; age < 3; age++)
        mck_assert(strstr(ps_err_message(), age ? older(age) : path), "message: %s", ps_err_message());
    mck_assert(save_keep(&run, 6, 1) == PS_OK && save_keep(&run, 7, 1) == PS_OK, "one");
    mck_assert(load(&run, "test n=1003", &step) == PS_OK && step == 7, "step %lld", (long long)step);
    spoil(path, 30, -1);
    mck_assert(load(&run, "test n=1003", &step) == PS_EINPUT, "nothing was kept beside it");
    clean();
    MPI_Comm_free(&run.comm);
}
END_TEST

/** A run that was killed between two renames leaves a gap; it is filled by what is newer. */
START_TEST(gap)
{
    int world;
    int64_t step;
    MPI_Comm_size(MPI_COMM_WORLD, &world);
    struct ps_run run = run_on(world);
    for (int i = 1; i <= 4; i++) mck_assert(save_keep(&run, i, 4) == PS_OK, "%s", ps_err_message());
    if (run.rank == 0) unlink(older(1));
    MPI_Barrier(MPI_COMM_WORLD);
    mck_assert(save_keep(&run, 5, 4) == PS_OK, "%s", ps_err_message());
    static const int want[] = {5, 4, 2, 1};
    for (int age = 0; age < 4; age++) {
        mck_assert(load(&run, "test n=1003", &step) == PS_OK && step == want[age], "age %d: step %lld", age,
                   (long long)step);
        spoil(age ? older(age) : path, 0, 0);
    }
    clean();
    MPI_Comm_free(&run.comm);
}
END_TEST

START_TEST(not_ours)
{
    int world;
    int64_t step;
    double few[3] = {0};
    MPI_Comm_size(MPI_COMM_WORLD, &world);
    struct ps_run run = run_on(world);
    mck_assert(save(&run, 5) == PS_OK, "write");
    mck_assert(load(&run, "test n=7", &step) == PS_EUSAGE && strstr(ps_err_message(), "test n=1003"), "%s",
               ps_err_message());
    struct ps_ckpt_part absent = ps_ckpt_all("velocity", PS_F64, 3, few),
                        longer = ps_ckpt_all("momentum", PS_F64, 3, few),
                        other = ps_ckpt_all("step", PS_F64, 1, few);
    mck_assert(ps_checkpoint_read(&run, path, "test n=1003", &absent, 1) == PS_EUSAGE, "absent");
    mck_assert(ps_checkpoint_read(&run, path, "test n=1003", &longer, 1) == PS_EUSAGE, "other length");
    mck_assert(ps_checkpoint_read(&run, path, "test n=1003", &other, 1) == PS_EUSAGE, "other type");
    struct ps_ckpt_part gap = ps_ckpt_cut("weight", PS_F64, 3, (struct ps_range){1, 3}, few);
    mck_assert(ps_checkpoint_write(&run, path, "test", &gap, 1, 2) == PS_EINTERNAL, "ranges with a gap");
    mck_assert(load(&run, "test n=1003", &step) == PS_OK && step == 5, "still as it was");
    clean();
    MPI_Comm_free(&run.comm);
}
END_TEST

START_TEST(no_room)
{
    int world;
    double x = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &world);
    struct ps_run run = run_on(world);
    struct ps_ckpt_part part = ps_ckpt_all("x", PS_F64, 1, &x);
    mck_assert(ps_checkpoint_write(&run, "/nonexistent/folder/c", "t", &part, 1, 2) == PS_EIO,
               "no such folder");
    mck_assert(strstr(ps_err_message(), "/nonexistent/folder/c"), "message: %s", ps_err_message());
    MPI_Comm_free(&run.comm);
}
END_TEST

START_TEST(full_disk_on_one_rank)
{
    int world;
    int64_t step;
    struct rlimit before, small;
    MPI_Comm_size(MPI_COMM_WORLD, &world);
    struct ps_run run = run_on(world);
    mck_assert(save(&run, 6) == PS_OK && save(&run, 7) == PS_OK, "two checkpoints");
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    signal(SIGXFSZ, SIG_IGN);
    if (run.rank == world - 1) small.rlim_cur = 4096; /* the file may not grow: as on a full disk */
    setrlimit(RLIMIT_FSIZE, &small);
    enum ps_status rc = save(&run, 8);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    mck_assert(rc == PS_EIO && strstr(ps_err_message(), path), "status %d: %s", rc, ps_err_message());
    mck_assert(access(tmp, F_OK) != 0, "a temporary file is left");
    mck_assert(load(&run, "test n=1003", &step) == PS_OK && step == 7, "step %lld", (long long)step);
    clean();
    MPI_Comm_free(&run.comm);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {other_rank_counts, spoiled, previous_alone,        several, gap,
                                  not_ours,          no_room, full_disk_on_one_rank, NULL};
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%.500s/psml-test.ckpt", folder ? folder : "/tmp");
    snprintf(previous, sizeof previous, "%s.1", path);
    snprintf(tmp, sizeof tmp, "%s.tmp", path);
    return mck_main(argc, argv, "checkpoint", tests);
}
