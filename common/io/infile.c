#include "common/io/infile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/run/err.h"

enum { PIECE = 4 << 20 };

enum ps_status ps_infile_open(const char *path, struct ps_infile *out)
{
    *out = (struct ps_infile){.fd = -1, .path = path};
    PS_CHECK(path[0], PS_EIO, "the name of the input file is empty");
    /* without O_NONBLOCK a named pipe without a writer would block here for ever */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) return ps_fail(PS_EIO, "%s: no such file", path);
    if (fd < 0 && errno == EACCES) return ps_fail(PS_EIO, "%s: no permission to read it", path);
    PS_CHECK(fd >= 0, PS_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    struct stat st;
    int bad = fstat(fd, &st);
    if (bad || !S_ISREG(st.st_mode)) {
        close(fd);
        if (bad) return ps_fail(PS_EIO, "%s: its size cannot be read: %s", path, strerror(errno));
        if (S_ISDIR(st.st_mode)) return ps_fail(PS_EIO, "%s: is a directory, not a file", path);
        return ps_fail(PS_EIO,
                       "%s: is a pipe or device; a regular file is needed, as every rank reads its own part",
                       path);
    }
    out->fd = fd;
    out->bytes = (int64_t)st.st_size;
    return PS_OK;
}

void ps_infile_close(struct ps_infile *f)
{
    if (f->fd >= 0) close(f->fd);
    f->fd = -1;
}

int64_t ps_pread_all(int fd, void *buf, int64_t n, int64_t at)
{
    int64_t got = 0;
    while (got < n) {
        int64_t want = n - got < (1 << 30) ? n - got : (1 << 30); /* Linux moves at most 2 GiB a call */
        ssize_t r = pread(fd, (char *)buf + got, (size_t)want, (off_t)(at + got));
        if (r < 0 && errno == EINTR) continue;
        if (r < 0) return -1;
        if (r == 0) break;
        got += r;
    }
    return got;
}

enum ps_status ps_infile_read(const struct ps_infile *f, void *buf, int64_t n, int64_t at)
{
    int error = 0;
    int64_t total = 0, pieces = (n + PIECE - 1) / PIECE;
#pragma omp parallel for schedule(dynamic) reduction(+ : total) if (pieces > 1)
    for (int64_t i = 0; i < pieces; i++) {
        int64_t lo = i * PIECE, len = n - lo < PIECE ? n - lo : PIECE;
        int64_t got = ps_pread_all(f->fd, (char *)buf + lo, len, at + lo);
        if (got >= 0) {
            total += got;
        } else {
#pragma omp atomic write
            error = errno;
        }
    }
    PS_CHECK(!error, PS_EIO, "%s: reading failed: %s", f->path, strerror(error));
    PS_CHECK(total == n, PS_EINPUT,
             "%s: truncated: %lld bytes are needed up to offset %lld, the file has %lld", f->path,
             (long long)n, (long long)(at + n), (long long)f->bytes);
    return PS_OK;
}

void ps_swap_bytes(void *data, int64_t n, size_t size)
{
    if (size == 2) {
        uint16_t *x = data;
        for (int64_t i = 0; i < n; i++) x[i] = __builtin_bswap16(x[i]);
    } else if (size == 4) {
        uint32_t *x = data;
        for (int64_t i = 0; i < n; i++) x[i] = __builtin_bswap32(x[i]);
    } else if (size == 8) {
        uint64_t *x = data;
        for (int64_t i = 0; i < n; i++) x[i] = __builtin_bswap64(x[i]);
    }
}
