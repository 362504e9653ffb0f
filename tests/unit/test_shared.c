/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include "common/par/shared.h"
#include <stdint.h>

/* What each rank writes all read, and sums by several ranks lose nothing. */
START_TEST(seen_alike)
{
    enum { EACH = 1000 };
    struct ps_shared s;
    int rank, size;
    bool right = true;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    mck_assert(ps_shared_open(MPI_COMM_WORLD, (1 + (int64_t)size * EACH) * (int64_t)sizeof(int64_t), &s) ==
                   PS_OK,
               "open");
    int64_t *sum = s.data, *item = sum + 1;
    mck_assert((uintptr_t)sum % 64 == 0, "not aligned");
    if (rank == 0) *sum = 0;
    MPI_Barrier(MPI_COMM_WORLD);
    for (int i = 0; i < EACH; i++) {
        item[rank * EACH + i] = rank * 100000 + i;
        __atomic_add_fetch(sum, i, __ATOMIC_ACQ_REL);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    for (int r = 0; r < size; r++)
        for (int i = 0; i < EACH; i++) right = right && item[r * EACH + i] == r * 100000 + i;
    mck_assert(right, "another rank's values are not there");
    mck_assert(*sum == (int64_t)size * EACH * (EACH - 1) / 2, "sum %lld", (long long)*sum);
    ps_shared_close(&s);
    mck_assert(!s.data && !s.is_window, "not closed");
}
END_TEST

/* More than there is fails on every rank, with words, and nothing hangs. */
START_TEST(too_much)
{
    struct ps_shared s;
    const enum ps_status rc = ps_shared_open(MPI_COMM_WORLD, (int64_t)1 << 60, &s);
    mck_assert(rc == PS_ENOMEM && !s.data, "status %d", (int)rc);
    ps_shared_close(&s);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {seen_alike, too_much, NULL};
    return mck_main(argc, argv, "shared", tests);
}
