/* ranks: 1 */
#include "iocheck.h"
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include "common/io/ckptfiles.h"

static char path[600];

/** Write the number of a checkpoint to the file that is being written. */
static void put(int number)
{
    ps_ckpt_path name;
    ps_ckpt_name(path, -1, name);
    FILE *f = fopen(name, "w");
    fprintf(f, "%d", number);
    fclose(f);
}

/** Numbers of what is there, newest first. @return how many */
static int numbers(int keep, int *out)
{
    int n = 0;
    ps_ckpt_path name;
    for (int age = 0; age <= keep; age++) {
        ps_ckpt_name(path, age, name);
        FILE *f = fopen(name, "r");
        if (!f) continue;
        if (fscanf(f, "%d", &out[n]) == 1) n++;
        fclose(f);
    }
    return n;
}

static void clean(void)
{
    ps_ckpt_path name;
    for (int age = -1; age < PS_CKPT_KEEP_MAX; age++) {
        ps_ckpt_name(path, age, name);
        unlink(name);
    }
}

START_TEST(names)
{
    ps_ckpt_path name;
    ps_ckpt_name("a/b", -1, name);
    ck_assert_str_eq(name, "a/b.tmp");
    ps_ckpt_name("a/b", 0, name);
    ck_assert_str_eq(name, "a/b");
    ps_ckpt_name("a/b", 99, name);
    ck_assert_str_eq(name, "a/b.99");
}
END_TEST

/** As many as can be kept, and then fewer: older ones are left alone. */
START_TEST(many)
{
    int seen[PS_CKPT_KEEP_MAX + 1];
    clean();
    for (int i = 0; i < 110; i++) {
        put(i);
        ck_assert_msg(ps_ckpt_rotate(path, PS_CKPT_KEEP_MAX) == PS_OK, "%s", ps_err_message());
    }
    ck_assert_int_eq(numbers(PS_CKPT_KEEP_MAX, seen), PS_CKPT_KEEP_MAX);
    for (int i = 0; i < PS_CKPT_KEEP_MAX; i++) ck_assert_int_eq(seen[i], 109 - i);
    put(110);
    ck_assert(ps_ckpt_rotate(path, 2) == PS_OK);
    ck_assert_int_eq(numbers(2, seen), 3);
    ck_assert(seen[0] == 110 && seen[1] == 109 && seen[2] == 107);
    clean();
}
END_TEST

/** Rotate without end, and tell each number that is in place. */
static void rotate_for_ever(int from, int keep, int tell)
{
    for (int i = from;; i++) {
        put(i);
        if (ps_ckpt_rotate(path, keep) != PS_OK || write(tell, &i, sizeof i) != sizeof i) _exit(1);
    }
}

/** Killed at any moment, every second time after the child has told a number, as a slow machine may not let
 * it come so far: what was in place before is there, or something newer; no more than one is missing, and the
 * next run goes on. */
START_TEST(killed)
{
    enum { KEEP = 4, KILLS = 200 };
    int told = 0, seen[KEEP + 1], state;
    clean();
    for (int kill_at = 0; kill_at < KILLS; kill_at++) {
        int ends[2];
        ck_assert(pipe(ends) == 0);
        const pid_t child = fork();
        ck_assert(child >= 0);
        if (child == 0) rotate_for_ever(told + 1, KEEP, ends[1]);
        close(ends[1]);
        if (kill_at % 2) ck_assert_msg(read(ends[0], &told, sizeof told) == sizeof told, "the child failed");
        nanosleep(&(struct timespec){0, 300000 + 7919 * kill_at}, NULL);
        kill(child, SIGKILL);
        waitpid(child, &state, 0);
        ck_assert_msg(WIFSIGNALED(state), "the child failed");
        for (int i; read(ends[0], &i, sizeof i) == sizeof i;) told = i;
        close(ends[0]);
        const int n = numbers(KEEP, seen);
        ck_assert_msg(n == 0 ? told == 0 : seen[0] >= told, "%d is lost", told);
        ck_assert_msg(n >= (told < KEEP ? told : KEEP) - 1 && n <= KEEP, "%d of %d are there", n, told);
        for (int i = 1; i < n; i++) ck_assert_int_lt(seen[i], seen[i - 1]);
        if (n && seen[0] > told) told = seen[0]; /* in place, but not told */
    }
    ck_assert_int_ge(told, KILLS / 2);
    clean();
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {names, many, killed, NULL};
    snprintf(path, sizeof path, "%s", io_path("files.ckpt"));
    return mck_main(argc, argv, "ckptfiles", tests);
}
