/** Where a rank sits on its node: cores, threads, GPU. */
#ifndef PS_PLACE_H
#define PS_PLACE_H

#include <mpi.h>
#include <stdint.h>

struct ps_place {
    int node_rank, node_size; /**< rank and number of ranks on this node */
    int nodes;                /**< nodes of the communicator */
    int cores; /**< cores that this rank may use: those of ps_place_cores, shared out evenly (rounded down, at
                  least 1) where ranks share cores */
};

/** Cores of a node; the largest node that can be seen core by core has 64 PS_PLACE_WORDS. */
enum { PS_PLACE_WORDS = 128 };
struct ps_cores {
    uint64_t word[PS_PLACE_WORDS]; /**< core c is bit c % 64 of word c / 64 */
};

/** Cores that this process may use: those of all of OpenMP's places or, where it has none, the affinity mask.
 *
 * Where OMP_PROC_BIND or OMP_PLACES is set, OpenMP binds the first thread to a place of its own before main
 * begins. That thread's mask then says nothing of the process, while the places were made of the mask that
 * the launcher gave. Local; from the thread that calls OpenMP.
 * Source: OpenMP 5.0, sections 3.2.23 to 3.2.25. */
struct ps_cores ps_place_cores(void);

/** Let the calling thread run on any of these cores. A thread that is no OpenMP thread has inherited the mask
 * of the one that started it, and would share one core with it where that is bound. Where the system refuses,
 * the thread stays where it is. Local. */
void ps_place_thread(const struct ps_cores *cores);

/** Find it. Collective over comm (one split by shared memory, freed again). */
struct ps_place ps_place_find(MPI_Comm comm);

/** GPU of this rank out of `devices` on the node: node-local rank modulo devices; -1 without devices. Local.
 */
int ps_place_gpu(const struct ps_place *p, int devices);

#endif
