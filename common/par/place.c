#include "common/par/place.h"
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef _OPENMP
#    include <omp.h>
#endif

enum { WORDS = PS_PLACE_WORDS, BITS = 64 * WORDS };

static void add_core(struct ps_cores *cores, long c)
{
    if (c >= 0 && c < BITS) cores->word[c / 64] |= 1ull << c % 64;
}

/* Cores of OpenMP's places. @return are there any? */
static bool of_places(struct ps_cores *cores)
{
    bool any = false;
#ifdef _OPENMP
    for (int p = 0; p < omp_get_num_places(); p++) {
        const int n = omp_get_place_num_procs(p);
        int *core = malloc((size_t)(n > 0 ? n : 1) * sizeof *core);
        if (!core) return false;
        if (n > 0) omp_get_place_proc_ids(p, core);
        for (int i = 0; i < n; i++) add_core(cores, core[i]), any = true;
        free(core);
    }
#endif
    return any;
}

struct ps_cores ps_place_cores(void)
{
    struct ps_cores cores = {{0}};
    if (of_places(&cores)) return cores;
    cores = (struct ps_cores){{0}};
    if (sched_getaffinity(0, sizeof cores.word, (cpu_set_t *)cores.word) == 0) return cores;
    for (long c = 0; c < sysconf(_SC_NPROCESSORS_ONLN); c++) add_core(&cores, c); /* it does not tell */
    return cores;
}

void ps_place_thread(const struct ps_cores *cores)
{
    sched_setaffinity(0, sizeof cores->word, (const cpu_set_t *)cores->word); /* 0: this thread alone */
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

    const struct ps_cores mine = ps_place_cores();
    uint64_t(*masks)[WORDS] = malloc((size_t)p.node_size * sizeof *masks);
    int short_of_memory = !masks, any;
    MPI_Allreduce(&short_of_memory, &any, 1, MPI_INT, MPI_MAX, node);
    p.cores = 1;
    if (!any) {
        MPI_Allgather(mine.word, WORDS, MPI_UINT64_T, masks, WORDS, MPI_UINT64_T, node);
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
