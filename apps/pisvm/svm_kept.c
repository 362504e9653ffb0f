#include "apps/pisvm/svm_kept.h"
#include <stdlib.h>
#include "common/run/err.h"

enum { NONE, BEING_MADE, THERE };
enum { LINE = 64 };

/* Bytes of n floats or numbers, whole cache lines. */
static int64_t lines(int64_t n)
{
    return (n * (int64_t)sizeof(float) + LINE - 1) / LINE * LINE;
}

enum ps_status svm_kept_open(MPI_Comm node, const int64_t *count, const bool *want, int slots, int64_t room,
                             struct svm_kept *out)
{
    struct svm_kept k = {.slots = slots};
    int64_t bytes = lines(slots), *at = NULL;
    int rank;
    *out = (struct svm_kept){.slots = 0};
    MPI_Comm_rank(node, &rank);
    MPI_Allreduce(MPI_IN_PLACE, &room, 1, MPI_INT64_T, MPI_MIN, node);
    enum ps_status rc = ps_alloc(&at, slots, sizeof *at, "kernel matrices");
    if (rc == PS_OK) rc = ps_zalloc(&k.matrix, slots, sizeof *k.matrix, "kernel matrices");
    PS_TRY_DONE(ps_agree(node, rc));
    for (int i = 0; i < slots; i++) {
        at[i] = 0;
        if (!want[i] || bytes + lines(count[i] * count[i]) > room) continue;
        at[i] = bytes;
        bytes += lines(count[i] * count[i]);
    }
    if (bytes == lines(slots)) goto done;
    if (ps_shared_open(node, bytes, &k.memory) != PS_OK) {
        ps_err_clear();
        goto done;
    }
    k.state = k.memory.data;
    for (int i = 0; rank == 0 && i < slots; i++) k.state[i] = NONE;
    for (int i = 0; i < slots; i++) k.matrix[i] = at[i] > 0 ? (float *)((char *)k.memory.data + at[i]) : NULL;
    MPI_Barrier(node);
    *out = k;
    k = (struct svm_kept){.slots = 0};
done:
    free(at);
    free(k.matrix);
    return rc;
}

void svm_kept_close(struct svm_kept *k)
{
    ps_shared_close(&k->memory);
    free(k->matrix);
    *k = (struct svm_kept){.slots = 0};
}

enum svm_kept_answer svm_kept_ask(struct svm_kept *k, int slot, float **matrix)
{
    int32_t state = NONE;
    if (slot >= k->slots || !k->matrix[slot]) return SVM_KEPT_NOT;
    *matrix = k->matrix[slot];
    if (__atomic_compare_exchange_n(&k->state[slot], &state, BEING_MADE, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return SVM_KEPT_MAKE;
    return state == THERE ? SVM_KEPT_THERE : SVM_KEPT_LATER;
}

void svm_kept_made(struct svm_kept *k, int slot)
{
    __atomic_store_n(&k->state[slot], THERE, __ATOMIC_RELEASE);
}
