/* ranks: 1 */
/* Words of a line, there and back; other programs started and waited for. */
#include "tests/unit/mpicheck.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/run/process.h"
#include "common/run/words.h"

START_TEST(split)
{
    static const char *const want[] = {"a", "b c", "", "d'e", "f\"g", "h\\i", "j k", "--l=m n"};
    struct ps_words w = {.n = 0};
    ck_assert_int_eq(ps_words_split(&w, "  a 'b c'\t\"\" d\\'e \"f\\\"g\" 'h\\i' j\\ k --l='m n'\n"), PS_OK);
    ck_assert_int_eq(w.n, 8);
    for (int i = 0; i < 8; i++) ck_assert_str_eq(w.word[i], want[i]);
    ck_assert_ptr_null(w.word[8]);
    ps_words_free(&w);
    ck_assert_int_eq(ps_words_split(&w, "a \"b"), PS_EINPUT);
    ps_words_free(&w);
    ck_assert_int_eq(ps_words_split(&w, " \t"), PS_OK);
    ck_assert_int_eq(w.n, 0);
}
END_TEST

START_TEST(join)
{
    static const char *const hard[] = {"", "plain/x=1", "two words", "it's", "\"", "$HOME", "a\\b", "*", "'"};
    struct ps_words w = {.n = 0}, again = {.n = 0};
    char line[256], cut[8];
    for (int i = 0; i < 9; i++) ck_assert_int_eq(ps_words_add(&w, "%s", hard[i]), PS_OK);
    ps_words_join(&w, line, sizeof line);
    ck_assert_int_eq(ps_words_split(&again, line), PS_OK);
    ck_assert_int_eq(again.n, 9);
    for (int i = 0; i < 9; i++) ck_assert_str_eq(again.word[i], hard[i]);
    ps_words_join(&w, cut, sizeof cut); /* does not write beyond its room */
    ck_assert_int_eq(strlen(cut), 7);
    ck_assert(strncmp(cut, line, 7) == 0);
    ps_words_free(&w);
    ps_words_free(&again);
}
END_TEST

START_TEST(process)
{
    char path[512], text[64] = "";
    int status = -1;
    pid_t pid;
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/test_words.%d", folder ? folder : P_tmpdir, (int)getpid());
    char *say[] = {"sh", "-c", "echo out; echo err >&2; exit 7", NULL}, *wait[] = {"sleep", "60", NULL};
    char *none[] = {"there-is-no-such-program", NULL};
    ck_assert_int_eq(ps_process_start(say, path, &pid), PS_OK);
    while (!ps_process_wait(pid, 1, &status)) continue;
    ck_assert_int_eq(status, 7);
    FILE *f = fopen(path, "r");
    ck_assert(f && fread(text, 1, sizeof text - 1, f) == 8 && fclose(f) == 0);
    ck_assert_str_eq(text, "out\nerr\n");

    ck_assert_int_eq(ps_process_start(wait, path, &pid), PS_OK);
    ck_assert(!ps_process_wait(pid, 0.01, &status));
    kill(pid, SIGKILL);
    while (!ps_process_wait(pid, 1, &status)) continue;
    ck_assert_int_eq(status, 128 + SIGKILL);

    ps_err_clear();
    ck_assert_int_eq(ps_process_start(none, path, &pid), PS_EUSAGE);
    ck_assert_str_eq(ps_err_message(),
                     "there-is-no-such-program cannot be started: No such file or directory");
    unlink(path);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {split, join, process, NULL};
    return mck_main(argc, argv, "words", tests);
}
