/** Check under MPI: one process per rank, no forks, conditions agreed so that no rank hangs.
 * A test program's first line names the numbers of ranks it runs on: `ranks: 1 2 4`. */
#ifndef MPICHECK_H
#define MPICHECK_H

#include <check.h>
#include <mpi.h>
#include <stdlib.h>

/** Assert a condition on all ranks of MPI_COMM_WORLD. Collective. */
#define mck_assert(cond, ...)                                                      \
    do {                                                                           \
        int mck_mine_ = !!(cond), mck_all_;                                        \
        MPI_Allreduce(&mck_mine_, &mck_all_, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD); \
        if (!mck_mine_) ck_abort_msg(__VA_ARGS__);                                 \
        if (!mck_all_) ck_abort_msg("failed on another rank: %s", #cond);          \
    } while (0)

/** Run one test case of `tests` (a NULL-ended list) and leave with its status. */
static inline int mck_main(int argc, char **argv, const char *name, const TTest *const *tests)
{
    int rank, failed, any;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    for (; *tests; tests++) tcase_add_test(tcase, *tests);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, rank == 0 ? CK_NORMAL : CK_SILENT);
    failed = srunner_ntests_failed(runner);
    MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    srunner_free(runner);
    MPI_Finalize();
    return any ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
