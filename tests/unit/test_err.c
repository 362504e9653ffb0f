/* ranks: 1 3 */
/* Messages are kept, agreed and replaced as err.h says; allocation checks its arithmetic. */
#include "tests/unit/mpicheck.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "common/run/err.h"

static int world_rank(void)
{
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

static int world_size(void)
{
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    return size;
}

START_TEST(first_message_stays)
{
    ps_err_clear();
    ck_assert_str_eq(ps_err_message(), "");
    ck_assert_int_eq(ps_fail(PS_EIO, "file %d", 1), PS_EIO);
    ck_assert_int_eq(ps_fail(PS_ENOMEM, "later"), PS_ENOMEM);
    ck_assert_str_eq(ps_err_message(), "file 1");
    ps_err_clear();
    ps_fail(PS_ENOMEM, "later");
    ck_assert_str_eq(ps_err_message(), "later");
    ck_assert_int_eq(ps_fail(PS_OK, "no failure"), PS_EINTERNAL);
    ps_err_clear();
}
END_TEST

START_TEST(each_rank_may_fail)
{
    for (int failing = 0; failing < world_size(); failing++) {
        char expected[64];
        enum ps_status rc = PS_OK;
        ps_err_clear();
        if (world_rank() == failing) rc = ps_fail(PS_EINPUT, "wrong on %d", failing);
        rc = ps_agree(MPI_COMM_WORLD, rc);
        snprintf(expected, sizeof expected, "wrong on %d", failing);
        mck_assert(rc == PS_EINPUT, "status %d", rc);
        mck_assert(strcmp(ps_err_message(), expected) == 0, "%s", ps_err_message());
        mck_assert(ps_err_rank() == failing, "rank %d", ps_err_rank());
    }
}
END_TEST

START_TEST(lowest_rank_wins)
{
    enum ps_status rc = PS_OK;
    ps_err_clear();
    /* every rank but 0 (with one rank: that one), each with its own code */
    int first = world_size() > 1 ? 1 : 0;
    if (world_rank() >= first)
        rc = ps_fail(world_rank() == first ? PS_EIO : PS_ENOMEM, "rank %d", world_rank());
    rc = ps_agree(MPI_COMM_WORLD, rc);
    mck_assert(rc == PS_EIO, "status %d", rc);
    mck_assert(strcmp(ps_err_message(), first ? "rank 1" : "rank 0") == 0, "%s", ps_err_message());
}
END_TEST

START_TEST(agreed_failure_gives_way)
{
    ps_err_clear();
    ps_agree(MPI_COMM_WORLD, ps_fail(PS_EIO, "first"));
    enum ps_status rc = ps_agree(MPI_COMM_WORLD, ps_fail(PS_EINPUT, "second"));
    mck_assert(rc == PS_EINPUT, "status %d", rc);
    mck_assert(strcmp(ps_err_message(), "second") == 0, "%s", ps_err_message());
    /* a failure that was dealt with is not told when another comes later */
    if (world_rank() == 0) ps_fail(PS_EBACKEND, "fell back");
    rc = ps_agree(MPI_COMM_WORLD, PS_OK);
    mck_assert(rc == PS_OK && ps_err_message()[0] == '\0', "%s", ps_err_message());
    rc = ps_agree(MPI_COMM_WORLD, ps_fail(PS_EIO, "third"));
    mck_assert(strcmp(ps_err_message(), "third") == 0, "%s", ps_err_message());
}
END_TEST

START_TEST(code_without_message)
{
    ps_err_clear();
    enum ps_status rc = ps_agree(MPI_COMM_WORLD, world_rank() == world_size() - 1 ? PS_ENOMEM : PS_OK);
    mck_assert(rc == PS_ENOMEM, "status %d", rc);
    mck_assert(strcmp(ps_err_message(), "not enough memory") == 0, "%s", ps_err_message());
}
END_TEST

START_TEST(stale_message_of_a_sound_rank)
{
    /* rank 0 dealt with something; the last rank fails: its message is the one */
    ps_err_clear();
    enum ps_status rc = PS_OK;
    if (world_size() > 1 && world_rank() == 0) ps_fail(PS_EBACKEND, "fell back");
    if (world_rank() == world_size() - 1) rc = ps_fail(PS_EIO, "true cause");
    rc = ps_agree(MPI_COMM_WORLD, rc);
    mck_assert(rc == PS_EIO && strcmp(ps_err_message(), "true cause") == 0, "%s", ps_err_message());
}
END_TEST

START_TEST(agreement_of_a_part)
{
    /* ranks of a part are told in the part's numbers; the same failure agreed again in the whole keeps its
     * origin */
    MPI_Comm half;
    MPI_Comm_split(MPI_COMM_WORLD, world_rank() == 0, world_rank(), &half);
    ps_err_clear();
    enum ps_status rc = PS_OK;
    if (world_rank() == world_size() - 1) rc = ps_fail(PS_EIO, "here");
    rc = ps_agree(half, rc);
    mck_assert(rc == (world_rank() == 0 && world_size() > 1 ? PS_OK : PS_EIO), "status %d", rc);
    MPI_Comm_free(&half);
    rc = ps_agree(MPI_COMM_WORLD, rc);
    mck_assert(rc == PS_EIO && strcmp(ps_err_message(), "here") == 0, "%s", ps_err_message());
}
END_TEST

START_TEST(long_messages_are_cut)
{
    char *text;
    ps_err_clear();
    ck_assert_int_eq(ps_alloc(&text, 10000, 1, "text"), PS_OK);
    memset(text, 'x', 9999);
    text[9999] = '\0';
    enum ps_status rc = ps_agree(MPI_COMM_WORLD, ps_fail(PS_EIO, "%s", text));
    mck_assert(rc == PS_EIO && strlen(ps_err_message()) == 2047, "%zu", strlen(ps_err_message()));
    free(text);
}
END_TEST

START_TEST(failures_in_threads)
{
    ps_err_clear();
#pragma omp parallel for
    for (int i = 0; i < 1000; i++) ps_fail(PS_EIO, "%d%d%d%d", 7, 7, 7, 7);
    ck_assert_str_eq(ps_err_message(), "7777");
    ps_err_clear();
}
END_TEST

START_TEST(allocation)
{
    double *x;
    ck_assert_int_eq(ps_alloc(&x, 1000, sizeof *x, "x"), PS_OK);
    ck_assert_uint_eq((uintptr_t)x % 64, 0);
    free(x);
    for (int64_t n = 0; n < 3000; n += 371) {
        ck_assert_int_eq(ps_zalloc(&x, n, sizeof *x, "x"), PS_OK);
        ck_assert_ptr_nonnull(x);
        ck_assert_uint_eq((uintptr_t)x % 64, 0);
        for (int64_t i = 0; i < n; i++) ck_assert(x[i] == 0);
        if (n) memset(x, 0xFF, (size_t)n * sizeof *x);
        free(x);
    }
    static const struct {
        int64_t n;
        size_t size;
    } impossible[] = {{-1, 1}, {INT64_MAX, 8}, {INT64_MAX, 1}, {INT64_C(1) << 62, 4}, {INT64_C(1) << 61, 8}};
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        ps_err_clear();
        x = (double *)8;
        ck_assert_int_eq(ps_alloc(&x, impossible[i].n, impossible[i].size, "the table"), PS_ENOMEM);
        ck_assert_ptr_null(x);
        ck_assert_ptr_nonnull(strstr(ps_err_message(), "the table"));
    }
    ps_err_clear();
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *tests[] = {first_message_stays,
                            each_rank_may_fail,
                            lowest_rank_wins,
                            agreed_failure_gives_way,
                            code_without_message,
                            stale_message_of_a_sound_rank,
                            agreement_of_a_part,
                            long_messages_are_cut,
                            failures_in_threads,
                            allocation,
                            NULL};
    return mck_main(argc, argv, "err", tests);
}
