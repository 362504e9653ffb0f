/** What the tests of common/io share: file names in $TMPDIR, and matrices whose every element is known. */
#ifndef IOCHECK_H
#define IOCHECK_H

#include "mpicheck.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/io/shard.h"
#include "common/run/err.h"

static const char *const io_types[PS_NDTYPES] = {"int8",   "uint8", "int16",  "uint16",  "int32",
                                                 "uint32", "int64", "uint64", "float32", "float64"};

/** NAME in the folder for temporary files, the same on all ranks. Four names at a time. */
static inline const char *io_path(const char *name)
{
    static char text[4][512];
    static int turn;
    const char *folder = getenv("TMPDIR");
    turn = (turn + 1) % 4;
    snprintf(text[turn], sizeof text[turn], "%s/%s", folder ? folder : "/tmp", name);
    return text[turn];
}

static inline int io_rank(void)
{
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

/** Set element i of an array to the known value of element `number` of a matrix: all bits of integers are
 * used; floats are finite and of many magnitudes. */
__attribute__((noinline, unused)) static void io_put(void *data, int64_t i, enum ps_dtype type,
                                                     int64_t number)
{
    uint64_t h = ((uint64_t)number + 1) * 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
    double real = ((double)(int64_t)h) / (double)((uint64_t)1 << (h % 60));
    if (number == 0) real = 0;
    switch (ps_dtype_size(type)) {
    case 1:
        ((uint8_t *)data)[i] = (uint8_t)h;
        break;
    case 2:
        ((uint16_t *)data)[i] = (uint16_t)h;
        break;
    case 4:
        if (type == PS_F32)
            ((float *)data)[i] = (float)real;
        else
            ((uint32_t *)data)[i] = (uint32_t)h;
        break;
    default:
        if (type == PS_F64)
            ((double *)data)[i] = real;
        else
            ((uint64_t *)data)[i] = h;
    }
}

/** Make this rank's rows of the known matrix; `mine` may be any contiguous rows. */
static inline struct ps_shard io_make(int64_t rows, int64_t cols, enum ps_dtype type, struct ps_range mine)
{
    int64_t width = cols ? cols : 1, n = (mine.hi - mine.lo) * width;
    struct ps_shard s = {.rows = rows, .cols = cols, .type = type, .mine = mine};
    s.data = malloc((size_t)(n ? n : 1) * ps_dtype_size(type));
    for (int64_t i = 0; i < n; i++) io_put(s.data, i, type, mine.lo * width + i);
    return s;
}

/** Does a shard hold exactly its block of the known matrix? Local. */
static inline int io_is(const struct ps_shard *s, int64_t rows, int64_t cols, enum ps_dtype type, int rank,
                        int size)
{
    struct ps_range mine = ps_block(rows, size, rank);
    if (s->rows != rows || s->cols != cols || s->type != type || s->mine.lo != mine.lo ||
        s->mine.hi != mine.hi)
        return 0;
    struct ps_shard want = io_make(rows, cols, type, mine);
    int same =
        !memcmp(want.data, s->data, (size_t)((mine.hi - mine.lo) * (cols ? cols : 1)) * ps_dtype_size(type));
    free(want.data);
    return same;
}

/** Rank 0 writes a file of n bytes; all wait. */
static inline void io_write_file(const char *path, const void *bytes, size_t n)
{
    if (io_rank() == 0) {
        FILE *f = fopen(path, "wb");
        if (f) {
            fwrite(bytes, 1, n, f);
            fclose(f);
        }
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

/** Rank 0 cuts a file to n bytes (from its end if n < 0); all wait. */
static inline void io_truncate(const char *path, long n)
{
    struct stat st;
    if (io_rank() == 0 && stat(path, &st) == 0 && truncate(path, n < 0 ? st.st_size + n : n)) perror(path);
    MPI_Barrier(MPI_COMM_WORLD);
}

/** Reading must fail on all ranks with that status and a message that has these words. */
static inline void io_fails(const char *path, const char *dataset, enum ps_status status, const char *words)
{
    struct ps_shard s;
    enum ps_status rc = ps_shard_read(MPI_COMM_WORLD, path, dataset, &s);
    mck_assert(rc == status && strstr(ps_err_message(), words), "%s: status %d, '%s' lacks '%s'", path, rc,
               ps_err_message(), words);
    mck_assert(s.data == NULL, "data is left over");
}

#endif
