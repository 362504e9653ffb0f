#include "common/io/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/io/infile.h"
#include "common/run/err.h"

/** One sentence for an error of writing. */
static enum ps_status write_failed(const char *path, int error)
{
    if (error == ENOSPC || error == EDQUOT)
        return ps_fail(PS_EIO, "%s: %s; the incomplete file is removed, an existing one stays as it was",
                       path, error == ENOSPC ? "the disk is full" : "the disk quota is used up");
    if (error == EFBIG)
        return ps_fail(PS_EIO, "%s: the file would exceed the limit of the file size (ulimit -f)", path);
    return ps_fail(PS_EIO, "%s: writing failed: %s", path, strerror(error));
}

enum ps_status ps_outfile_write(const struct ps_outfile *f, const void *data, int64_t n, int64_t at)
{
    for (int64_t done = 0; done < n;) {
        int64_t want = n - done < (1 << 30) ? n - done : (1 << 30);
        ssize_t w = pwrite(f->fd, (const char *)data + done, (size_t)want, (off_t)(at + done));
        if (w < 0 && errno == EINTR) continue;
        if (w <= 0) return write_failed(f->path, w < 0 ? errno : ENOSPC);
        done += w;
    }
    return PS_OK;
}

enum ps_status ps_outfile_reserve(const struct ps_outfile *f, int64_t n)
{
    struct rlimit limit;
    struct stat st;
    if (n <= 0 || fstat(f->fd, &st)) return PS_OK;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        (rlim_t)st.st_size + (rlim_t)n > limit.rlim_cur)
        return write_failed(f->path, EFBIG);
    if (fallocate(f->fd, FALLOC_FL_KEEP_SIZE, st.st_size, n) &&
        (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
        return write_failed(f->path, errno);
    return PS_OK;
}

/** Copy a whole file; inside the kernel where the file system can (which then may share the blocks). */
static enum ps_status copy_all(const struct ps_outfile *f, int from, int64_t bytes)
{
    int64_t done = 0;
    while (done < bytes) {
        ssize_t n = copy_file_range(from, NULL, f->fd, NULL, (size_t)(bytes - done), 0);
        if (n <= 0) break;
        done += n;
    }
    enum ps_status rc = PS_OK;
    char *buf = NULL;
    if (done < bytes) PS_TRY(ps_alloc(&buf, 1 << 20, 1, "a copy buffer"));
    while (rc == PS_OK && done < bytes) {
        int64_t want = bytes - done < (1 << 20) ? bytes - done : (1 << 20);
        int64_t got = ps_pread_all(from, buf, want, done);
        if (got <= 0) {
            rc = ps_fail(PS_EIO, "%s: copying the existing file failed: %s", f->path,
                         got ? strerror(errno) : "it became shorter");
            break;
        }
        rc = ps_outfile_write(f, buf, got, done);
        done += got;
    }
    free(buf);
    return rc;
}

/** Final name (through symbolic links) and temporary name. */
static enum ps_status name_them(const char *path, struct ps_outfile *f)
{
    PS_CHECK(path[0], PS_EIO, "the name of the output file is empty");
    char real[PATH_MAX];
    const char *use = realpath(path, real) ? real : path;
    int n = snprintf(f->path, sizeof f->path, "%s", use);
    int t = snprintf(f->temp, sizeof f->temp, "%s.%ld.tmp", use, (long)getpid());
    PS_CHECK(n < (int)sizeof f->path && t < (int)sizeof f->temp, PS_EIO, "%.200s...: the name is too long",
             path);
    return PS_OK;
}

/** Rank 0: create the temporary file, with the rights and perhaps the content of an existing one. */
static enum ps_status create(const char *path, bool keep, struct ps_outfile *f)
{
    PS_TRY(name_them(path, f));
    struct stat st;
    bool exists = stat(f->path, &st) == 0;
    PS_CHECK(!exists || !S_ISDIR(st.st_mode), PS_EIO, "%s: is a directory, not a file", path);
    PS_CHECK(!exists || S_ISREG(st.st_mode), PS_EIO, "%s: is a pipe or device; output goes to regular files",
             path);
    PS_CHECK(!exists || access(f->path, W_OK) == 0, PS_EIO, "%s: no permission to write it", path);
    unlink(f->temp); /* left by a killed run whose process number came round again */
    f->fd = open(f->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (f->fd < 0 && errno == ENOENT) return ps_fail(PS_EIO, "%s: its folder does not exist", path);
    if (f->fd < 0 && (errno == EACCES || errno == EROFS))
        return ps_fail(PS_EIO, "%s: no permission to write in its folder", path);
    PS_CHECK(f->fd >= 0, PS_EIO, "%s: cannot be created: %s", path, strerror(errno));
    if (!exists) return PS_OK;
    if (fchmod(f->fd, st.st_mode & 07777))
        return ps_fail(PS_EIO, "%s: cannot set its rights: %s", path, strerror(errno));
    if (!keep) return PS_OK;
    struct ps_infile old;
    PS_TRY(ps_infile_open(f->path, &old));
    enum ps_status rc = copy_all(f, old.fd, old.bytes);
    ps_infile_close(&old);
    return rc;
}

static void discard(struct ps_outfile *f)
{
    if (f->fd >= 0) close(f->fd);
    if (f->rank == 0 && f->fd >= 0) unlink(f->temp);
    f->fd = -1;
}

enum ps_status ps_outfile_open(MPI_Comm comm, const char *path, bool keep, struct ps_outfile *out)
{
    *out = (struct ps_outfile){.comm = comm, .fd = -1};
    MPI_Comm_rank(comm, &out->rank);
    signal(SIGXFSZ, SIG_IGN); /* a file too long is then an error of write, not the end of the process */
    enum ps_status rc = out->rank == 0 ? create(path, keep, out) : PS_OK;
    rc = ps_agree(comm, rc);
    if (rc == PS_OK) {
        MPI_Bcast(out->path, sizeof out->path, MPI_CHAR, 0, comm);
        MPI_Bcast(out->temp, sizeof out->temp, MPI_CHAR, 0, comm);
        if (out->rank != 0) {
            out->fd = open(out->temp, O_RDWR | O_CLOEXEC);
            if (out->fd < 0)
                rc = ps_fail(PS_EIO,
                             "%s: rank %d cannot open what rank 0 created (not a shared file system?): %s",
                             out->temp, out->rank, strerror(errno));
        }
        rc = ps_agree(comm, rc);
    }
    if (rc != PS_OK) discard(out);
    return rc;
}

void ps_sync_folder(const char *path)
{
    char folder[PS_OUTFILE_PATH];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == folder) slash++;
    if (slash) *slash = 0;
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

enum ps_status ps_outfile_close(struct ps_outfile *f, enum ps_status rc)
{
    /* each rank syncs what it wrote: on network file systems a rank's data may still be in its node's memory
     */
    if (rc == PS_OK && fsync(f->fd)) rc = write_failed(f->path, errno);
    rc = ps_agree(f->comm, rc);
    if (rc == PS_OK) {
        if (f->rank == 0 && rename(f->temp, f->path))
            rc = ps_fail(PS_EIO, "%s: renaming %s to it failed: %s", f->path, f->temp, strerror(errno));
        rc = ps_agree(f->comm, rc);
    }
    if (rc != PS_OK) {
        discard(f);
        return rc;
    }
    if (f->rank == 0) ps_sync_folder(f->path);
    close(f->fd);
    f->fd = -1;
    return PS_OK;
}
