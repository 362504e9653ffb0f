#ifdef PS_HAVE_ZLIB
#    include "common/io/zipread.h"
#    include <stdlib.h>
#    include <string.h>
#    include <zlib.h>
#    include "common/run/err.h"

enum { STORED = 0, DEFLATED = 8, PIECE = 1 << 18, DEFLATE_MOST = 1032 }; /* bytes out of one, at most */

enum ps_status ps_zip_directory(const struct ps_infile *f, unsigned char **dir, int64_t *n)
{
    struct ps_zip_place place;
    unsigned char *tail = NULL;
    const int64_t bytes = f->bytes < PS_ZIP_TAIL ? f->bytes : PS_ZIP_TAIL;
    enum ps_status rc;
    *dir = NULL;
    PS_TRY_DONE(ps_alloc(&tail, bytes, 1, "the end of an archive"));
    PS_TRY_DONE(ps_infile_read(f, tail, bytes, f->bytes - bytes));
    const char *wrong = ps_zip_find(tail, bytes, f->bytes, &place);
    PS_CHECK_DONE(!wrong, PS_EINPUT, "%s: %s", f->path, wrong);
    PS_TRY_DONE(ps_alloc(dir, place.bytes, 1, "the directory of an archive"));
    *n = place.bytes;
    rc = ps_infile_read(f, *dir, place.bytes, place.at);
done:
    free(tail);
    return rc;
}

enum ps_status ps_zip_locate(const struct ps_infile *f, const char *label, const struct ps_zip_member *m,
                             int64_t *data_at)
{
    unsigned char head[PS_ZIP_LOCAL];
    PS_CHECK(!m->locked, PS_EINPUT, "%s: is encrypted", label);
    PS_CHECK(m->method == STORED || m->method == DEFLATED, PS_EINPUT,
             "%s: is packed by method %d; only stored and deflated members can be read", label, m->method);
    PS_CHECK(m->method == DEFLATED || m->packed == m->bytes, PS_EINPUT,
             "%s: is damaged: its two sizes differ", label);
    PS_CHECK(m->method == STORED || m->bytes / DEFLATE_MOST <= m->packed, PS_EINPUT,
             "%s: is damaged: %lld bytes cannot unpack to %lld", label, (long long)m->packed,
             (long long)m->bytes);
    PS_TRY(ps_infile_read(f, head, sizeof head, m->at));
    *data_at = ps_zip_data(head, f->bytes, m);
    PS_CHECK(*data_at >= 0, PS_EINPUT, "%s: is damaged or truncated: its header cannot be read", label);
    return PS_OK;
}

struct ps_zip_stream {
    const struct ps_infile *file;
    const char *label;
    z_stream z;
    bool deflated;
    uint32_t crc, want; /* of the bytes taken; of all */
    int64_t left;       /* bytes to take */
    int64_t at, end;    /* packed bytes that are not read */
    unsigned char in[PIECE];
};

enum ps_status ps_zip_begin(const struct ps_infile *f, const char *label, const struct ps_zip_member *m,
                            int64_t data_at, struct ps_zip_stream **out)
{
    PS_TRY(ps_zalloc(out, 1, sizeof **out, "a buffer for unpacking"));
    struct ps_zip_stream *s = *out;
    s->file = f;
    s->label = label;
    s->deflated = m->method == DEFLATED;
    s->want = m->crc;
    s->left = m->bytes;
    s->at = data_at;
    s->end = data_at + m->packed;
    if (s->deflated && inflateInit2(&s->z, -MAX_WBITS) != Z_OK) {
        free(s);
        *out = NULL;
        return ps_fail(PS_ENOMEM, "%s: no memory for unpacking", label);
    }
    return PS_OK;
}

void ps_zip_end(struct ps_zip_stream *s)
{
    if (s && s->deflated) inflateEnd(&s->z);
    free(s);
}

/** Unpack up to n bytes, at least one. */
static enum ps_status unpack(struct ps_zip_stream *s, unsigned char *out, int64_t n, int64_t *got)
{
    int state = Z_OK;
    s->z.next_out = out;
    s->z.avail_out = (unsigned)(n < PIECE ? n : PIECE);
    const unsigned room = s->z.avail_out;
    while (state == Z_OK && s->z.avail_out == room) {
        if (s->z.avail_in == 0) {
            const int64_t left = s->end - s->at, bytes = left < PIECE ? left : PIECE;
            PS_CHECK(bytes > 0, PS_EINPUT, "%s: is damaged: it ends too early", s->label);
            PS_TRY(ps_infile_read(s->file, s->in, bytes, s->at));
            s->at += bytes;
            s->z.next_in = s->in;
            s->z.avail_in = (unsigned)bytes;
        }
        state = inflate(&s->z, Z_NO_FLUSH);
    }
    *got = room - s->z.avail_out;
    PS_CHECK(*got > 0, PS_EINPUT, "%s: is damaged: %s", s->label,
             state == Z_STREAM_END ? "it ends too early" : "it cannot be unpacked");
    return PS_OK;
}

enum ps_status ps_zip_take(struct ps_zip_stream *s, void *out, int64_t n)
{
    unsigned char *to = out;
    PS_CHECK(n <= s->left, PS_EINPUT, "%s: is damaged: it is too short", s->label);
    s->left -= n;
    while (n > 0) {
        int64_t got = n < PIECE ? n : PIECE;
        if (s->deflated) {
            PS_TRY(unpack(s, to, n, &got));
        } else {
            PS_TRY(ps_infile_read(s->file, to, got, s->at));
            s->at += got;
        }
        s->crc = (uint32_t)crc32(s->crc, to, (unsigned)got);
        to += got;
        n -= got;
    }
    PS_CHECK(s->left > 0 || s->crc == s->want, PS_EINPUT, "%s: is damaged: its checksum does not fit",
             s->label);
    return PS_OK;
}

enum ps_status ps_zip_crc(const struct ps_infile *f, int64_t at, int64_t n, uint32_t *crc)
{
    unsigned char *piece;
    enum ps_status rc = PS_OK;
    PS_TRY(ps_alloc(&piece, PIECE, 1, "a piece of an archive"));
    *crc = 0;
    while (n > 0 && rc == PS_OK) {
        const int64_t bytes = n < PIECE ? n : PIECE;
        rc = ps_infile_read(f, piece, bytes, at);
        if (rc == PS_OK) *crc = (uint32_t)crc32(*crc, piece, (unsigned)bytes);
        at += bytes;
        n -= bytes;
    }
    free(piece);
    return rc;
}

uint32_t ps_zip_crc_join(uint32_t first, uint32_t second, int64_t second_bytes)
{
    return (uint32_t)crc32_combine(first, second, (z_off_t)second_bytes);
}
#endif
