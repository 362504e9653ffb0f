/** Text of rows that lie on the ranks in order: formatted by all threads of all ranks, written in parallel to
 * a file or in order to standard output. */
#ifndef PS_TEXTOUT_H
#define PS_TEXTOUT_H

#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include "kernels/status.h"

/** Own rows as something that can be formatted, piece by piece and perhaps more than once. */
struct ps_textout {
    int64_t rows;
    const void *context;
    /** Bytes that rows [lo, hi) need at most. */
    int64_t (*room)(const void *context, int64_t lo, int64_t hi);
    /** Format rows [lo, hi). Safe in parallel regions. @return bytes */
    int64_t (*format)(const void *context, int64_t lo, int64_t hi, char *out);
};

/** Write all ranks' rows into a file. Collective over comm. Written beside `path` and renamed. Memory is
 * bounded: what is beyond 128 MB of text on a rank is formatted twice.
 * @return (agreed) PS_OK; PS_EIO; PS_ENOMEM */
enum ps_status ps_textout_write(MPI_Comm comm, const char *path, const struct ps_textout *t);

/** Print all ranks' rows on rank 0, which holds a bounded piece of them at a time. Collective over comm.
 * @param f    rank 0: where to; flushed
 * @param name what to call it in messages
 * @return (agreed) PS_OK; PS_EIO; PS_ENOMEM */
enum ps_status ps_textout_print(MPI_Comm comm, FILE *f, const char *name, const struct ps_textout *t);

#endif
