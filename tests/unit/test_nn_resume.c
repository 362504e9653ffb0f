/* ranks: 1 2 3 4 */
#include "trainrun.h"
#include <signal.h>
#include "common/run/run_parts.h"

/* From each checkpoint of a run on all ranks the first rank goes on alone, and the other way round. */
START_TEST(resume)
{
    struct ps_train_params p = defaults();
    p.accumulate = 2, p.batch = 7; /* 5 updates an epoch */
    snprintf(p.optimizer, sizeof p.optimizer, "adam");
    snprintf(p.schedule, sizeof p.schedule, "polynomial");
    p.rate = 0.01;
    struct outcome want = train_with(MPI_COMM_WORLD, 1, &p, false);
    for (p.every = 8; p.every <= 14; p.every += 3) {
        snprintf(common.checkpoint, sizeof common.checkpoint, "%s", file_name("train.ckpt"));
        struct outcome all = train_with(MPI_COMM_WORLD, 2, &p, false);
        mck_assert(equal(&all, &want), "with checkpoints: %s", ps_err_message());
        take_former();
        common.resume = true;
        struct outcome one = {.status = PS_OK};
        if (world_rank() == 0) one = train_with(MPI_COMM_SELF, 2, &p, false);
        mck_assert(world_rank() > 0 || equal(&one, &want), "resumed alone: %s", ps_err_message());
        if (world_rank() == 0) ck_assert(all.steps == 15 && one.steps == 15);
        take_former(); /* what was written alone has made it the one before again */
        struct outcome two = train_with(MPI_COMM_WORLD, 1, &p, false);
        mck_assert(equal(&two, &want), "resumed by all: %s", ps_err_message());
        free(all.w), free(one.w), free(two.w);
        common.resume = false;
        remove_files(common.checkpoint);
    }
    common.checkpoint[0] = '\0';
    free(want.w);
}
END_TEST

/* With next to no minutes between them, a checkpoint follows each step by the first rank's clock. */
START_TEST(by_clock)
{
    struct ps_train_params p = defaults();
    struct outcome want = train_with(MPI_COMM_WORLD, 1, &p, false);
    p.minutes = 1e-9, p.keep = 3;
    snprintf(common.checkpoint, sizeof common.checkpoint, "%s", file_name("train.ckpt"));
    ck_assert(ps_timer_make(&(struct ps_run){.comm = MPI_COMM_WORLD}, ps_now(), false, &timer) == PS_OK);
    struct outcome o = train_with(MPI_COMM_WORLD, 2, &p, false);
    ps_timer_free(timer);
    timer = NULL;
    mck_assert(equal(&o, &want), "%s", ps_err_message());
    for (int age = 0; age < 4; age++) {
        char path[PS_STR_MAX + 16];
        snprintf(path, sizeof path, age ? "%s.%d" : "%s", common.checkpoint, age);
        mck_assert((access(path, F_OK) == 0) == (age < 3), "checkpoint %d", age);
    }
    remove_files(common.checkpoint);
    common.checkpoint[0] = '\0';
    free(o.w), free(want.w);
}
END_TEST

/* A run that is prolonged is one that was longer from the beginning. */
START_TEST(prolonged)
{
    struct ps_train_params p = defaults(), shorter = defaults();
    shorter.epochs = 2;
    struct outcome want = train_with(MPI_COMM_WORLD, 1, &p, false);
    snprintf(common.checkpoint, sizeof common.checkpoint, "%s", file_name("train.ckpt"));
    struct outcome first = train_with(MPI_COMM_WORLD, 1, &shorter, false);
    common.resume = true;
    struct outcome all = train_with(MPI_COMM_WORLD, 2, &p, false);
    mck_assert(first.epochs == 2 && equal(&all, &want), "%s", ps_err_message());
    struct outcome again = train_with(MPI_COMM_WORLD, 2, &p, false);
    mck_assert(equal(&again, &want), "a finished run, once more: %s", ps_err_message());
    common.resume = false;
    remove_files(common.checkpoint);
    common.checkpoint[0] = '\0';
    free(want.w), free(first.w), free(all.w), free(again.w);
}
END_TEST

/* Another rate is another run. */
START_TEST(other_run)
{
    struct ps_train_params p = defaults();
    p.every = 2;
    snprintf(common.checkpoint, sizeof common.checkpoint, "%s", file_name("train.ckpt"));
    struct outcome o = train_with(MPI_COMM_WORLD, 1, &p, false);
    mck_assert(o.status == PS_OK, "%s", ps_err_message());
    free(o.w);
    common.resume = true;
    p.rate = 0.2;
    mck_assert(train_with(MPI_COMM_WORLD, 1, &p, false).status == PS_EUSAGE &&
                   strstr(ps_err_message(), "rate 0.1") && strstr(ps_err_message(), "rate 0.2"),
               "%s", ps_err_message());
    ps_err_clear();
    p.rate = 0.1, p.momentum = 0.3; /* not in the text, but in its digest */
    mck_assert(train_with(MPI_COMM_WORLD, 1, &p, false).status == PS_EUSAGE, "momentum");
    ps_err_clear();
    common.resume = false;
    remove_files(common.checkpoint);
    common.checkpoint[0] = '\0';
}
END_TEST

/* Asked to stop, each attempt goes one step; the first rank alone and all ranks take turns. The last test: a
 * process cannot be asked to forget. */
START_TEST(stops)
{
    struct ps_train_params p = defaults();
    struct outcome o = {.status = PS_STOPPED};
    int attempts = 0;
    p.epochs = 2, p.momentum = 0.9;
    struct outcome want = train_with(MPI_COMM_WORLD, 2, &p, false);
    snprintf(common.checkpoint, sizeof common.checkpoint, "%s", file_name("train.ckpt"));
    common.resume = true;
    ps_stop_watch(true);
    if (world_rank() == 0) raise(SIGUSR1); /* one rank knows; all stop */
    for (; o.status == PS_STOPPED && attempts < 100; attempts++) {
        ps_err_clear();
        free(o.w);
        if (attempts % 2 == 0)
            o = train_with(MPI_COMM_WORLD, 1 + attempts / 2 % 2, &p, false);
        else if (world_rank() == 0)
            o = train_with(MPI_COMM_SELF, 2, &p, false);
        MPI_Bcast(&o.status, sizeof o.status, MPI_BYTE, 0, MPI_COMM_WORLD);
    }
    mck_assert(o.status == PS_OK, "%d attempts: %s", attempts, ps_err_message());
    mck_assert(attempts == want.steps + 1, "%d attempts for %lld steps", attempts, (long long)want.steps);
    mck_assert(world_rank() > 0 || equal(&o, &want), "loss %.17g, not %.17g", o.loss, want.loss);
    remove_files(common.checkpoint);
    free(o.w), free(want.w);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {resume, by_clock, prolonged, other_run, stops, NULL};
    return mck_main(argc, argv, "nn_resume", tests);
}
