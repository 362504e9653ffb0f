#include "common/par/place.h"
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS = 128, BITS = 64 * WORDS }; /* cores of the largest node we can see one by one */

/** This process's affinity mask; all cores online where the system does not tell. */
static void affinity(uint64_t mask[WORDS])
{
    memset(mask, 0, WORDS * sizeof *mask);
    if (sched_getaffinity(0, WORDS * sizeof *mask, (cpu_set_t *)mask) == 0) return;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    for (long c = 0; c < online && c < BITS; c++) mask[c / 64] |= 1ull << c % 64;
}

/** Cores of rank `me`: each core of its mask counts by 1/(ranks of the node that may use it). */
static int fair_share(const uint64_t (*masks)[WORDS], int ranks, int me)
{
    double share = 0;
    for (int c = 0; c < BITS; c++) {
        if (!(masks[me][c / 64] >> c % 64 & 1)) continue;
        int users = 0;
        for (int r = 0; r < ranks; r++) users += masks[r][c / 64] >> c % 64 & 1;
        share += 1.0 / users;
    }
    int whole = (int)(share + 1e-9); /* thirds and the like do not add up to the whole */
    return whole > 1 ? whole : 1;
}

struct ps_place ps_place_find(MPI_Comm comm)
{
    struct ps_place p;
    MPI_Comm node;
    MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    MPI_Comm_rank(node, &p.node_rank);
    MPI_Comm_size(node, &p.node_size);
    int first = p.node_rank == 0;
    MPI_Allreduce(&first, &p.nodes, 1, MPI_INT, MPI_SUM, comm);

    uint64_t mine[WORDS];
    affinity(mine);
    uint64_t(*masks)[WORDS] = malloc((size_t)p.node_size * sizeof *masks);
    int short_of_memory = !masks, any;
    MPI_Allreduce(&short_of_memory, &any, 1, MPI_INT, MPI_MAX, node);
    p.cores = 1;
    if (!any) {
        MPI_Allgather(mine, WORDS, MPI_UINT64_T, masks, WORDS, MPI_UINT64_T, node);
        p.cores = fair_share((const uint64_t(*)[WORDS])masks, p.node_size, p.node_rank);
    }
    free(masks);
    MPI_Comm_free(&node);
    return p;
}

int ps_place_gpu(const struct ps_place *p, int devices)
{
    return devices > 0 ? p->node_rank % devices : -1;
}
