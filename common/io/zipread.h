/** Reading members of a zip archive. */
#ifndef PS_ZIPREAD_H
#define PS_ZIPREAD_H

#include "common/io/infile.h"
#include "common/io/zipdir.h"

/** A member's bytes from the first on, unpacked on the way. */
struct ps_zip_stream;

/** Read the directory of an archive. Local.
 * @param dir out [*n]; the caller's to free
 * @return PS_OK; PS_EINPUT; PS_EIO; PS_ENOMEM */
enum ps_status ps_zip_directory(const struct ps_infile *f, unsigned char **dir, int64_t *n);

/** Find out where the bytes of a member begin, and whether they can be read. Local.
 * @param label of the member, for messages
 * @return PS_OK; PS_EINPUT (encrypted, packed in another way, damaged); PS_EIO */
enum ps_status ps_zip_locate(const struct ps_infile *f, const char *label, const struct ps_zip_member *m,
                             int64_t *data_at);

/** Begin at a member's first byte. Local. @param label borrowed @return PS_OK; PS_ENOMEM */
enum ps_status ps_zip_begin(const struct ps_infile *f, const char *label, const struct ps_zip_member *m,
                            int64_t data_at, struct ps_zip_stream **out);

/** Take the next n bytes; after the member's last one its checksum must fit. Local.
 * @return PS_OK; PS_EINPUT (it ends before, is damaged); PS_EIO */
enum ps_status ps_zip_take(struct ps_zip_stream *s, void *out, int64_t n);
void ps_zip_end(struct ps_zip_stream *s);

/** The checksum of n bytes at `at` of a file; of two neighbouring parts together. Local. */
enum ps_status ps_zip_crc(const struct ps_infile *f, int64_t at, int64_t n, uint32_t *crc);
uint32_t ps_zip_crc_join(uint32_t first, uint32_t second, int64_t second_bytes);

#endif
