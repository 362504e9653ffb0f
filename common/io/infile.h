/** Reading a file's bytes at known places, by every rank for itself. */
#ifndef PS_INFILE_H
#define PS_INFILE_H

#include <stddef.h>
#include <stdint.h>
#include "kernels/status.h"

/** An open input file. */
struct ps_infile {
    int fd;           /**< owned */
    int64_t bytes;    /**< size when opened */
    const char *path; /**< borrowed, for messages */
};

/** Open a regular file read-only. Local.
 * @return PS_OK; PS_EIO (missing, directory, no permission, not a regular file) */
enum ps_status ps_infile_open(const char *path, struct ps_infile *out);

/** Close it; a file that was never opened (fd < 0) is fine. Local. */
void ps_infile_close(struct ps_infile *f);

/** Read n bytes at offset `at`, large pieces by all OpenMP threads. Local.
 * @return PS_OK; PS_EINPUT (the file ends before); PS_EIO */
enum ps_status ps_infile_read(const struct ps_infile *f, void *buf, int64_t n, int64_t at);

/** Read up to n bytes at offset `at` with one thread and without a message, as code inside a parallel region
 * needs it. Local.
 * @return bytes read, fewer than n only at the end of the file; -1 with errno set */
int64_t ps_pread_all(int fd, void *buf, int64_t n, int64_t at);

/** Reverse the bytes of n elements of `size` (1, 2, 4 or 8) bytes in place. Local. */
void ps_swap_bytes(void *data, int64_t n, size_t size);

#endif
