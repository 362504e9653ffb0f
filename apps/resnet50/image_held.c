#include "apps/resnet50/image_held.h"
#include <string.h>
#include "common/io/infile.h"
#include "common/run/err.h"
#include "common/run/log.h"

enum { PIECE = 16 << 20, LINE = 64 };

/* Images that fit, and the largest of all. */
static void count(struct image_held *h, int64_t most, int64_t *bytes)
{
    *bytes = 0;
    for (int64_t i = 0; i < h->list.head.n; i++) {
        const int64_t one = h->list.bytes[i];
        if (h->held == i && *bytes + one <= most) {
            *bytes += one;
            h->held++;
        }
        if (one > h->largest) h->largest = one;
    }
}

static void swap(const struct image_held *h, uint8_t *data, int64_t bytes)
{
    const size_t size = ps_dtype_size(h->list.head.type);
    if (h->list.head.swap) ps_swap_bytes(data, bytes / (int64_t)size, size);
}

/* Images [lo, hi), those that follow each other in the file at once. @return NULL, or what is wrong with *bad
 */
static const char *read_piece(struct image_held *h, int64_t lo, int64_t hi, int64_t *bad)
{
    struct ps_images *l = &h->list;
    while (lo < hi) {
        int64_t end = lo + 1;
        while (end < hi && l->file[lo] >= 0 && l->file[end] == l->file[lo] &&
               l->at[end] == l->at[end - 1] + l->bytes[end - 1])
            end++;
        const char *why = ps_images_read_run(l, lo, end, h->byte + h->start[lo]);
        *bad = lo;
        if (why) return why;
        swap(h, h->byte + h->start[lo], h->start[end] - h->start[lo]);
        lo = end;
    }
    return NULL;
}

/* The first image that begins at or behind a place in memory. */
static int64_t image_at(const struct image_held *h, int64_t place)
{
    int64_t lo = 0, hi = h->held;
    while (lo < hi) {
        const int64_t middle = lo + (hi - lo) / 2;
        if (h->start[middle] < place)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

/* This rank's part of a node's pieces. */
static enum ps_status read_mine(struct image_held *h)
{
    int rank, size;
    int64_t bad = -1;
    const char *why = NULL;
    MPI_Comm_rank(h->list.node, &rank);
    MPI_Comm_size(h->list.node, &size);
    const struct ps_range mine = ps_block((h->start[h->held] + PIECE - 1) / PIECE, size, rank);
#pragma omp parallel for schedule(dynamic)
    for (int64_t p = mine.lo; p < mine.hi; p++) {
        int64_t at = -1;
        const char *wrong = read_piece(h, image_at(h, p * PIECE), image_at(h, (p + 1) * PIECE), &at);
        if (!wrong) continue;
#pragma omp critical(image_held)
        if (!why) why = wrong, bad = at;
    }
    PS_CHECK(!why, PS_EIO, "%s: %s", ps_images_name(&h->list, bad < 0 ? 0 : bad), why);
    return PS_OK;
}

enum ps_status image_held_open(struct ps_run *run, const char *source, int64_t most, struct image_held *out)
{
    int64_t bytes;
    int rank;
    *out = (struct image_held){.held = 0};
    PS_TRY(ps_images_open(run->comm, source, &out->list));
    count(out, most, &bytes);
    MPI_Comm_rank(out->list.node, &rank);
    const int64_t starts = ((out->held + 1) * (int64_t)sizeof *out->start + LINE - 1) / LINE * LINE;
    enum ps_status rc = ps_agree(run->comm, ps_shared_open(out->list.node, starts + bytes, &out->shared));
    if (rc == PS_OK) {
        out->start = out->shared.data;
        out->byte = (uint8_t *)out->shared.data + starts;
        if (rank == 0) {
            out->start[0] = 0;
            for (int64_t i = 0; i < out->held; i++) out->start[i + 1] = out->start[i] + out->list.bytes[i];
        }
        MPI_Barrier(out->list.node);
        rc = ps_agree(run->comm, read_mine(out)); /* and all have read */
    }
    if (rc != PS_OK) image_held_free(out);
    return rc;
}

void image_held_free(struct image_held *h)
{
    if (h->shared.data) ps_shared_close(&h->shared);
    ps_images_free(&h->list);
    *h = (struct image_held){.held = 0};
}

const uint8_t *image_held_bytes(struct image_held *h, int64_t i, uint8_t *room, const char **why)
{
    if (i < h->held) return h->byte + h->start[i];
    *why = ps_images_read(&h->list, i, room);
    if (*why) return NULL;
    swap(h, room, h->list.bytes[i]);
    return room;
}
