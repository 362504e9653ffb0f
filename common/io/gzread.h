/** Files compressed by gzip, read from their beginning on. */
#ifndef PS_GZREAD_H
#define PS_GZREAD_H

#include <stdbool.h>
#include <stdint.h>
#include "kernels/status.h"

/** Does a file that begins like this hold gzip? Local. */
bool ps_gz_is(const unsigned char *head, int64_t n);

/** Unpack what the first n bytes of a file tell. Local; without a message.
 * @param out [room] @return bytes of `out`; 0 also where zlib is not built in */
int64_t ps_gz_head(const unsigned char *head, int64_t n, unsigned char *out, int64_t room);

/** Read n bytes at offset `at` of what is packed; all that stands before is unpacked too. Local.
 * @return PS_OK; PS_EIO; PS_EINPUT (truncated, damaged); PS_EBACKEND (zlib is not built in) */
enum ps_status ps_gz_read(const char *path, void *buf, int64_t n, int64_t at);

/** Read all of it. Local.
 * @param spare bytes of room behind the end, not set
 * @param out   owned by the caller, free()
 * @return as ps_gz_read; PS_ENOMEM */
enum ps_status ps_gz_read_all(const char *path, int64_t spare, char **out, int64_t *n);

#endif
