/* The functions of MPI in which ranks meet, through the profiling interface of the standard (MPI 4.0, chapter
 * 15): each notes how long it took and calls the next one of its name, which is a tool's where one was
 * preloaded, and else the library's. */
#include <dlfcn.h>
#include <mpi.h>
#include <string.h>
#include "common/run/waiting.h"

#define PASS(name, parameters, arguments)                                          \
    int MPI_##name parameters                                                      \
    {                                                                              \
        static int(*next) parameters;                                              \
        if (!next) {                                                               \
            void *found = dlsym(RTLD_NEXT, "MPI_" #name);                          \
            next = PMPI_##name; /* of a library that is linked into the program */ \
            if (found) memcpy(&next, &found, sizeof next);                         \
        }                                                                          \
        ps_wait_begin();                                                           \
        const int rc = next arguments;                                             \
        ps_wait_end();                                                             \
        return rc;                                                                 \
    }

#define TYPE MPI_Datatype
#define COMM MPI_Comm
#define REQUEST MPI_Request

PASS(Barrier, (COMM c), (c))
PASS(Bcast, (void *b, int n, TYPE t, int root, COMM c), (b, n, t, root, c))
PASS(Reduce, (const void *s, void *r, int n, TYPE t, MPI_Op o, int root, COMM c), (s, r, n, t, o, root, c))
PASS(Allreduce, (const void *s, void *r, int n, TYPE t, MPI_Op o, COMM c), (s, r, n, t, o, c))
PASS(Iallreduce, (const void *s, void *r, int n, TYPE t, MPI_Op o, COMM c, REQUEST *q), (s, r, n, t, o, c, q))
PASS(Exscan, (const void *s, void *r, int n, TYPE t, MPI_Op o, COMM c), (s, r, n, t, o, c))
PASS(Gather, (const void *s, int n, TYPE t, void *r, int m, TYPE u, int root, COMM c),
     (s, n, t, r, m, u, root, c))
PASS(Gatherv, (const void *s, int n, TYPE t, void *r, const int *m, const int *d, TYPE u, int root, COMM c),
     (s, n, t, r, m, d, u, root, c))
PASS(Allgather, (const void *s, int n, TYPE t, void *r, int m, TYPE u, COMM c), (s, n, t, r, m, u, c))
PASS(Allgatherv, (const void *s, int n, TYPE t, void *r, const int *m, const int *d, TYPE u, COMM c),
     (s, n, t, r, m, d, u, c))
PASS(Iallgatherv,
     (const void *s, int n, TYPE t, void *r, const int *m, const int *d, TYPE u, COMM c, REQUEST *q),
     (s, n, t, r, m, d, u, c, q))
PASS(Alltoall, (const void *s, int n, TYPE t, void *r, int m, TYPE u, COMM c), (s, n, t, r, m, u, c))
PASS(Ialltoallv,
     (const void *s, const int *n, const int *e, TYPE t, void *r, const int *m, const int *d, TYPE u, COMM c,
      REQUEST *q),
     (s, n, e, t, r, m, d, u, c, q))
PASS(Send, (const void *b, int n, TYPE t, int to, int tag, COMM c), (b, n, t, to, tag, c))
PASS(Isend, (const void *b, int n, TYPE t, int to, int tag, COMM c, REQUEST *q), (b, n, t, to, tag, c, q))
PASS(Recv, (void *b, int n, TYPE t, int from, int tag, COMM c, MPI_Status *s), (b, n, t, from, tag, c, s))
PASS(Irecv, (void *b, int n, TYPE t, int from, int tag, COMM c, REQUEST *q), (b, n, t, from, tag, c, q))
PASS(Sendrecv,
     (const void *b, int n, TYPE t, int to, int tag, void *r, int m, TYPE u, int from, int tag2, COMM c,
      MPI_Status *s),
     (b, n, t, to, tag, r, m, u, from, tag2, c, s))
PASS(Wait, (REQUEST * q, MPI_Status *s), (q, s))
PASS(Waitall, (int n, REQUEST q[], MPI_Status s[]), (n, q, s))
PASS(Test, (REQUEST * q, int *done, MPI_Status *s), (q, done, s))
PASS(Comm_dup, (COMM c, COMM *out), (c, out))
PASS(Comm_split, (COMM c, int colour, int key, COMM *out), (c, colour, key, out))
PASS(Comm_split_type, (COMM c, int type, int key, MPI_Info info, COMM *out), (c, type, key, info, out))
