#include "common/io/gzread.h"

#include <stdlib.h>
#ifdef PS_HAVE_ZLIB
#    include <zlib.h>
#endif
#include "common/run/err.h"

bool ps_gz_is(const unsigned char *head, int64_t n)
{
    return n >= 2 && head[0] == 0x1f && head[1] == 0x8b;
}

#ifdef PS_HAVE_ZLIB
enum { PIECE = 1 << 30, BUFFER = 1 << 18 };

int64_t ps_gz_head(const unsigned char *head, int64_t n, unsigned char *out, int64_t room)
{
    z_stream z = {.next_in = (unsigned char *)head,
                  .avail_in = (unsigned)n,
                  .next_out = out,
                  .avail_out = (unsigned)room};
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) return 0;
    inflate(&z, Z_SYNC_FLUSH); /* a failure shows in what came out */
    inflateEnd(&z);
    return room - (int64_t)z.avail_out;
}

/** Up to n bytes; fewer at the end of the file, -1 where it is damaged. */
static int64_t take(gzFile f, char *buf, int64_t n)
{
    int64_t done = 0;
    while (done < n) {
        int got = gzread(f, buf + done, (unsigned)(n - done < PIECE ? n - done : PIECE));
        if (got < 0) return -1;
        if (got == 0) break;
        done += got;
    }
    return done;
}

enum ps_status ps_gz_read(const char *path, void *buf, int64_t n, int64_t at)
{
    gzFile f = gzopen(path, "rb");
    PS_CHECK(f, PS_EIO, "%s: cannot be opened", path);
    gzbuffer(f, BUFFER);
    bool fine = gzseek(f, (z_off_t)at, SEEK_SET) == (z_off_t)at && take(f, buf, n) == n;
    gzclose(f);
    PS_CHECK(fine, PS_EINPUT,
             "%s: truncated or damaged: %lld bytes are needed up to offset %lld of what is packed", path,
             (long long)n, (long long)(at + n));
    return PS_OK;
}

enum ps_status ps_gz_read_all(const char *path, int64_t spare, char **out, int64_t *n)
{
    char *text = NULL;
    int64_t room = 4 * BUFFER;
    enum ps_status rc = PS_OK;
    *out = NULL, *n = 0;
    gzFile f = gzopen(path, "rb");
    PS_CHECK(f, PS_EIO, "%s: cannot be opened", path);
    gzbuffer(f, BUFFER);
    for (;; room *= 2) {
        char *larger = realloc(text, (size_t)(room + spare));
        PS_CHECK_DONE(larger, PS_ENOMEM, "%s: no memory for %lld bytes unpacked", path, (long long)room);
        text = larger;
        int64_t got = take(f, text + *n, room - *n);
        int error = Z_OK;
        if (got >= 0) gzerror(f, &error); /* a file that ends too early is read up to its end */
        PS_CHECK_DONE(got >= 0 && (error == Z_OK || error == Z_STREAM_END), PS_EINPUT,
                      "%s: truncated or damaged: %lld bytes of what is packed can be read", path,
                      (long long)(*n + (got > 0 ? got : 0)));
        *n += got;
        if (*n < room) break;
    }
    *out = text;
    text = NULL;
done:
    gzclose(f);
    free(text);
    return rc;
}
#else
static enum ps_status none(const char *path)
{
    return ps_fail(PS_EBACKEND, "%s: unpacking needs zlib, which this build does not have", path);
}

int64_t ps_gz_head(const unsigned char *head, int64_t n, unsigned char *out, int64_t room)
{
    (void)head, (void)n, (void)out, (void)room;
    return 0;
}

enum ps_status ps_gz_read(const char *path, void *buf, int64_t n, int64_t at)
{
    (void)buf, (void)n, (void)at;
    return none(path);
}

enum ps_status ps_gz_read_all(const char *path, int64_t spare, char **out, int64_t *n)
{
    (void)spare, (void)out, (void)n;
    return none(path);
}
#endif
