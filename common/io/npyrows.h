/** From the elements of a .npy array, in the order of the file, to a rank's rows. */
#ifndef PS_NPYROWS_H
#define PS_NPYROWS_H

#include "common/io/infile.h"
#include "common/io/npyhead.h"
#include "common/io/shard.h"

/** Read a rank's rows. Local.
 * @param h   offset is where the elements begin in the file
 * @param out as ps_shard_alloc made it
 * @return PS_OK; PS_EIO; PS_EINPUT (the file ends before) */
enum ps_status ps_npy_read_rows(const struct ps_infile *f, const struct ps_npy *h, struct ps_shard *out);

/** Keep those of elements [first, first + n) that are in a rank's rows; ps_npy_swap at the end. Local.
 * @param element [n] as the file has them, of the array's type */
void ps_npy_keep(const struct ps_npy *h, int64_t first, int64_t n, const void *element, struct ps_shard *out);

/** Bring a rank's rows to this machine's byte order. Local. */
void ps_npy_swap(const struct ps_npy *h, struct ps_shard *out);

#endif
