/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include "apps/pisvm/svm_kept.h"

enum { SLOTS = 5 };
static const int64_t count[SLOTS] = {3, 40, 17, 25, 8};

/* Of a class that is kept, one thread of one rank is told to make the matrix; then all read it. */
START_TEST(made_once)
{
    const bool want[SLOTS] = {true, true, false, true, true};
    struct svm_kept k;
    float *m = NULL;
    mck_assert(svm_kept_open(MPI_COMM_WORLD, count, want, SLOTS, 1 << 20, &k) == PS_OK, "open");
    for (int slot = 0; slot < SLOTS; slot++) {
        const int64_t n = count[slot] * count[slot];
        int makers = 0, later = 0;
        bool right = true;
        enum svm_kept_answer last;
#pragma omp parallel for num_threads(3) schedule(static, 1) reduction(+ : makers, later)
        for (int t = 0; t < 3; t++) {
            float *mine;
            const enum svm_kept_answer answer = svm_kept_ask(&k, slot, &mine);
            makers += answer == SVM_KEPT_MAKE;
            later += answer == SVM_KEPT_LATER || answer == SVM_KEPT_NOT;
            for (int64_t i = 0; answer == SVM_KEPT_MAKE && i < n; i++)
                mine[i] = (float)(slot * 10000) + (float)i;
        }
        const int told = makers;
        MPI_Allreduce(MPI_IN_PLACE, &makers, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
        mck_assert(makers == (want[slot] ? 1 : 0), "class %d: %d makers", slot, makers);
        mck_assert(told + later == 3, "class %d is there before it was made", slot);
        if (told) svm_kept_made(&k, slot);
        MPI_Barrier(MPI_COMM_WORLD);
        last = svm_kept_ask(&k, slot, &m);
        mck_assert(last == (want[slot] ? SVM_KEPT_THERE : SVM_KEPT_NOT), "class %d: answer %d", slot,
                   (int)last);
        for (int64_t i = 0; want[slot] && i < n; i++)
            right = right && m[i] == (float)(slot * 10000) + (float)i;
        mck_assert(right, "class %d: values", slot);
    }
    svm_kept_close(&k);
}
END_TEST

/* The first classes that fit are kept, within the room of the rank that has least; without room none is. */
START_TEST(what_fits)
{
    const bool want[SLOTS] = {true, true, true, true, true};
    struct svm_kept k;
    float *m;
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    /* 64 bytes of states, 64 of class 0, 6400 of class 1 do not fit any more, 1216 of class 2 do, 2560 of
     * class 3 do not, 256 of class 4 do */
    const int64_t room = 64 + 64 + 1216 + 256 + 63;
    mck_assert(svm_kept_open(MPI_COMM_WORLD, count, want, SLOTS, room + rank * 100000, &k) == PS_OK, "open");
    for (int slot = 0; slot < SLOTS; slot++) {
        const bool fits = slot != 1 && slot != 3;
        mck_assert((svm_kept_ask(&k, slot, &m) != SVM_KEPT_NOT) == fits, "class %d", slot);
    }
    svm_kept_close(&k);
    mck_assert(svm_kept_open(MPI_COMM_WORLD, count, want, SLOTS, 0, &k) == PS_OK, "open");
    mck_assert(svm_kept_ask(&k, 0, &m) == SVM_KEPT_NOT, "kept in no memory");
    svm_kept_close(&k);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {made_once, what_fits, NULL};
    return mck_main(argc, argv, "svm_kept", tests);
}
