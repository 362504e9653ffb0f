/* A search for each class's smallest key that is taken, eight bits of it at a time. */
#include "apps/tools/data_select.h"

#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

enum { BITS = 8, BINS = 1 << BITS, WORD = 64 };

/** What is known of each class's smallest key that is taken. Arrays [classes]; owned. */
struct border {
    uint64_t *key;  /**< its leading bits */
    int64_t *open;  /**< rows still to take among the keys that begin so */
    int64_t *count; /**< [classes][BINS] work space */
};

static void border_free(struct border *b)
{
    free(b->key), free(b->open), free(b->count);
}

/** Count own keys that begin like the border, by their next bits. Local. */
static void count_bits(int64_t n, const int32_t *class_of, const uint64_t *key, int classes, int shift,
                       struct border *b)
{
    memset(b->count, 0, (size_t)classes * BINS * sizeof *b->count);
    for (int64_t i = 0; i < n; i++) {
        int c = class_of[i];
        if (c < 0 || c >= classes) continue;
        if (shift + BITS < WORD && key[i] >> (shift + BITS) != b->key[c]) continue;
        b->count[(int64_t)c * BINS + (int64_t)(key[i] >> shift & (BINS - 1))]++;
    }
}

/** Find the next bits of each border. Local. */
static void narrow(int classes, struct border *b)
{
    for (int c = 0; c < classes; c++) {
        const int64_t *count = b->count + (int64_t)c * BINS;
        int bin = BINS - 1;
        for (; bin > 0 && b->open[c] > count[bin]; bin--) b->open[c] -= count[bin];
        b->key[c] = b->key[c] << BITS | (uint64_t)bin;
    }
}

/** Take what lies above the borders, and of what lies on them the first rows. Collective over comm. */
static void take(MPI_Comm comm, int64_t n, const int32_t *class_of, const uint64_t *key, int classes,
                 struct border *b, uint8_t *taken)
{
    int rank;
    int64_t *before = b->count, *own = b->count + classes; /* BINS is more than two */
    MPI_Comm_rank(comm, &rank);
    memset(b->count, 0, (size_t)classes * 2 * sizeof *b->count);
    for (int64_t i = 0; i < n; i++)
        if (class_of[i] >= 0 && class_of[i] < classes) own[class_of[i]] += key[i] == b->key[class_of[i]];
    MPI_Exscan(own, before, classes, MPI_INT64_T, MPI_SUM, comm);
    if (rank == 0) memset(before, 0, (size_t)classes * sizeof *before);
    for (int64_t i = 0; i < n; i++) {
        int c = class_of[i];
        if (c < 0 || c >= classes)
            taken[i] = 0;
        else if (key[i] == b->key[c])
            taken[i] = before[c]++ < b->open[c];
        else
            taken[i] = key[i] > b->key[c];
    }
}

enum ps_status data_select(MPI_Comm comm, int64_t n, const int32_t *class_of, const uint64_t *key,
                           int classes, const int64_t *want, uint8_t *taken)
{
    struct border b = {0};
    enum ps_status rc = ps_zalloc(&b.key, classes, sizeof *b.key, "keys of classes");
    if (rc == PS_OK) rc = ps_alloc(&b.open, classes, sizeof *b.open, "counts of classes");
    if (rc == PS_OK) rc = ps_alloc(&b.count, classes, BINS * sizeof *b.count, "counts of keys");
    rc = ps_agree(comm, rc);
    if (rc == PS_OK) {
        memcpy(b.open, want, (size_t)classes * sizeof *b.open);
        for (int shift = WORD - BITS; shift >= 0; shift -= BITS) {
            count_bits(n, class_of, key, classes, shift, &b);
            MPI_Allreduce(MPI_IN_PLACE, b.count, classes * BINS, MPI_INT64_T, MPI_SUM, comm);
            narrow(classes, &b);
        }
        take(comm, n, class_of, key, classes, &b, taken);
    }
    border_free(&b);
    return rc;
}
