#include "common/io/checkpoint.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/io/ckptfiles.h"
#include "common/par/message.h"
#include "common/run/log.h"

enum { ALIGN = 64, BYTE_ORDER_MARK = 0x01020304 };
static const char magic[8] = {'P', 'S', 'M', 'L', 'C', 'K', 'P', '1'};

struct entry {
    char name[PS_CKPT_NAME_MAX];
    int64_t type, n, at;
    uint64_t sum;
};

/** The first bytes of the file. */
struct header {
    char magic[8];
    uint32_t order, parts;
    int64_t bytes; /* of the whole file */
    char tag[PS_CKPT_TAG_MAX];
    struct entry part[PS_CKPT_PARTS_MAX];
    uint64_t sum; /* of all bytes before it */
};

static uint64_t element(const void *data, size_t size, int64_t i)
{
    switch (size) {
    case 1:
        return ((const uint8_t *)data)[i];
    case 2:
        return ((const uint16_t *)data)[i];
    case 4:
        return ((const uint32_t *)data)[i];
    default:
        return ((const uint64_t *)data)[i];
    }
}

/** Sum of hashes of (position, value) over n elements of which the first has position lo; modulo 2^64, so any
 * cut adds up to the same. The hash is the finaliser of SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t checksum(const void *data, size_t size, int64_t n, int64_t lo)
{
    uint64_t sum = 0;
#pragma omp parallel for reduction(+ : sum) if (n > 100000)
    for (int64_t i = 0; i < n; i++) {
        uint64_t h = element(data, size, i) + (uint64_t)(lo + i + 1) * 0x9E3779B97F4A7C15u;
        h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9u;
        h = (h ^ h >> 27) * 0x94D049BB133111EBu;
        sum += h ^ h >> 31;
    }
    return sum;
}

static uint64_t header_sum(const struct header *h)
{
    return checksum(h, 1, offsetof(struct header, sum), 0);
}

/** What of a part this rank writes or reads: its range, or all of it on rank 0. */
static struct ps_range share(const struct ps_ckpt_part *p, int rank)
{
    if (p->cut) return p->mine;
    return (struct ps_range){0, rank == 0 ? p->n : 0};
}

/** Write or read all bytes at an offset; a signal may interrupt a call. */
static enum ps_status transfer(int fd, const char *path, char *data, int64_t bytes, int64_t at, bool write)
{
    while (bytes > 0) {
        ssize_t n = write ? pwrite(fd, data, (size_t)bytes, at) : pread(fd, data, (size_t)bytes, at);
        if (n < 0 && errno == EINTR) continue;
        PS_CHECK(n >= 0, PS_EIO, "checkpoint %s cannot be %s: %s", path, write ? "written" : "read",
                 strerror(errno));
        PS_CHECK(n > 0, PS_EINPUT, "checkpoint %s is cut off", path);
        data += n, bytes -= n, at += n;
    }
    return PS_OK;
}

/** Transfer this rank's share of all parts. */
static enum ps_status transfer_parts(const struct ps_run *run, int fd, const char *path,
                                     const struct header *h, const struct ps_ckpt_part *parts,
                                     const int *entry, int nparts, bool write)
{
    for (int i = 0; i < nparts; i++) {
        struct ps_range r = share(&parts[i], run->rank);
        int64_t size = (int64_t)ps_dtype_size(parts[i].type);
        PS_TRY(transfer(fd, path, parts[i].data, (r.hi - r.lo) * size, h->part[entry[i]].at + r.lo * size,
                        write));
    }
    return PS_OK;
}

/** Add up the parts' checksums over the ranks. Collective. */
static enum ps_status sum_parts(const struct ps_run *run, const struct ps_ckpt_part *parts, int nparts,
                                uint64_t *sum)
{
    uint64_t mine[PS_CKPT_PARTS_MAX] = {0};
    for (int i = 0; i < nparts; i++) {
        struct ps_range r = share(&parts[i], run->rank);
        mine[i] = checksum(parts[i].data, ps_dtype_size(parts[i].type), r.hi - r.lo, r.lo);
    }
    PS_CHECK(MPI_Allreduce(mine, sum, nparts, MPI_UINT64_T, MPI_SUM, run->comm) == MPI_SUCCESS, PS_EMPI,
             "the ranks could not add up a checksum");
    return PS_OK;
}

static enum ps_status check_part(const struct ps_ckpt_part *parts, int i, int64_t before, bool last)
{
    const struct ps_ckpt_part *p = &parts[i];
    PS_CHECK(strlen(p->name) < PS_CKPT_NAME_MAX, PS_EINTERNAL, "checkpoint part '%s': the name is too long",
             p->name);
    for (int k = 0; k < i; k++)
        PS_CHECK(strcmp(parts[k].name, p->name) != 0, PS_EINTERNAL, "checkpoint part '%s' is named twice",
                 p->name);
    if (!p->cut) return PS_OK;
    PS_CHECK(p->mine.lo == before && p->mine.hi >= before && (last ? p->mine.hi == p->n : p->mine.hi <= p->n),
             PS_EINTERNAL, "checkpoint part '%s': the ranks' ranges do not cover [0, %lld) in rank order",
             p->name, (long long)p->n);
    return PS_OK;
}

/** Do names fit, and do the ranks' ranges cover each cut part? Collective; agreed. */
static enum ps_status check_parts(const struct ps_run *run, const char *tag, const struct ps_ckpt_part *parts,
                                  int nparts)
{
    int64_t held[PS_CKPT_PARTS_MAX] = {0}, before[PS_CKPT_PARTS_MAX] = {0};
    PS_CHECK(nparts <= PS_CKPT_PARTS_MAX && strlen(tag) < PS_CKPT_TAG_MAX, PS_EINTERNAL,
             "a checkpoint has room for %d parts and %d characters of tag", PS_CKPT_PARTS_MAX,
             PS_CKPT_TAG_MAX - 1);
    for (int i = 0; i < nparts; i++) held[i] = parts[i].cut ? parts[i].mine.hi - parts[i].mine.lo : 0;
    MPI_Exscan(held, before, nparts, MPI_INT64_T, MPI_SUM, run->comm);
    if (run->rank == 0) memset(before, 0, sizeof before); /* Exscan leaves them undefined there */
    enum ps_status rc = PS_OK;
    for (int i = 0; i < nparts && rc == PS_OK; i++)
        rc = check_part(parts, i, before[i], run->rank == run->size - 1);
    return ps_agree(run->comm, rc);
}

/** Fill the header; every rank gets the same. */
static void describe(struct header *h, const char *tag, const struct ps_ckpt_part *parts, int nparts,
                     const uint64_t *sum)
{
    int64_t at = (int64_t)sizeof *h;
    memcpy(h->magic, magic, sizeof magic);
    h->order = BYTE_ORDER_MARK;
    h->parts = (uint32_t)nparts;
    snprintf(h->tag, sizeof h->tag, "%s", tag);
    for (int i = 0; i < nparts; i++) {
        at = (at + ALIGN - 1) / ALIGN * ALIGN;
        h->part[i] = (struct entry){.type = (int64_t)parts[i].type, .n = parts[i].n, .at = at, .sum = sum[i]};
        snprintf(h->part[i].name, sizeof h->part[i].name, "%s", parts[i].name);
        at += parts[i].n * (int64_t)ps_dtype_size(parts[i].type);
    }
    h->bytes = at;
    h->sum = header_sum(h);
}

/** This rank's part in writing the temporary file. Rank 0 has created it. */
static enum ps_status write_share(const struct ps_run *run, const char *tmp, const struct header *h,
                                  const struct ps_ckpt_part *parts, int nparts)
{
    int entry[PS_CKPT_PARTS_MAX];
    for (int i = 0; i < nparts; i++) entry[i] = i;
    int fd = open(tmp, O_WRONLY);
    PS_CHECK(fd >= 0, PS_EIO, "checkpoint %s cannot be written: %s", tmp, strerror(errno));
    enum ps_status rc = PS_OK;
    if (run->rank == 0) rc = transfer(fd, tmp, (char *)h, (int64_t)sizeof *h, 0, true);
    if (rc == PS_OK) rc = transfer_parts(run, fd, tmp, h, parts, entry, nparts, true);
    if (rc == PS_OK && fsync(fd) != 0)
        rc = ps_fail(PS_EIO, "checkpoint %s cannot be synced: %s", tmp, strerror(errno));
    if (close(fd) != 0 && rc == PS_OK)
        rc = ps_fail(PS_EIO, "checkpoint %s cannot be closed: %s", tmp, strerror(errno));
    return rc;
}

static enum ps_status create(const char *tmp, int64_t bytes)
{
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    PS_CHECK(fd >= 0, PS_EIO, "checkpoint %s cannot be created: %s", tmp, strerror(errno));
    enum ps_status rc = PS_OK;
    if (ftruncate(fd, bytes) != 0) { /* sized, because an empty last part writes nothing */
        rc = ps_fail(PS_EIO, "checkpoint %s cannot be sized: %s", tmp, strerror(errno));
        (void)unlink(tmp);
    }
    close(fd);
    return rc;
}

enum ps_status ps_checkpoint_write(const struct ps_run *run, const char *path, const char *tag,
                                   const struct ps_ckpt_part *parts, int nparts, int keep)
{
    ps_ckpt_path tmp;
    uint64_t sum[PS_CKPT_PARTS_MAX];
    struct header *h = NULL;
    ps_ckpt_name(path, -1, tmp);
    PS_CHECK(keep >= 1 && keep <= PS_CKPT_KEEP_MAX, PS_EINTERNAL, "%d checkpoints cannot be kept", keep);
    PS_TRY(check_parts(run, tag, parts, nparts));
    PS_TRY(sum_parts(run, parts, nparts, sum));
    enum ps_status rc = ps_zalloc(&h, 1, sizeof *h, "the header of a checkpoint");
    if (rc == PS_OK) {
        describe(h, tag, parts, nparts, sum);
        if (run->rank == 0) rc = create(tmp, h->bytes);
    }
    rc = ps_agree(run->comm, rc);
    if (rc == PS_OK) {
        rc = ps_agree(run->comm, write_share(run, tmp, h, parts, nparts));
        if (run->rank == 0 && rc == PS_OK) rc = ps_ckpt_rotate(path, keep);
        if (run->rank == 0 && rc != PS_OK) (void)unlink(tmp);
        rc = ps_agree(run->comm, rc);
    }
    free(h);
    return rc;
}

/** Read and judge the header of one file. */
static enum ps_status read_header(int fd, const char *path, const char *tag, struct header *h)
{
    struct stat info;
    PS_CHECK(fstat(fd, &info) == 0, PS_EIO, "checkpoint %s cannot be read: %s", path, strerror(errno));
    PS_TRY(transfer(fd, path, (char *)h, (int64_t)sizeof *h, 0, false));
    PS_CHECK(memcmp(h->magic, magic, sizeof magic) == 0, PS_EINPUT, "%s is not a checkpoint", path);
    PS_CHECK(h->order == BYTE_ORDER_MARK, PS_EINPUT, "checkpoint %s was written in another byte order", path);
    PS_CHECK(h->sum == header_sum(h) && h->parts <= PS_CKPT_PARTS_MAX, PS_EINPUT,
             "the header of checkpoint %s is corrupted", path);
    PS_CHECK(info.st_size >= h->bytes, PS_EINPUT, "checkpoint %s is cut off: %lld of %lld bytes", path,
             (long long)info.st_size, (long long)h->bytes);
    PS_CHECK(strcmp(h->tag, tag) == 0, PS_EUSAGE,
             "checkpoint %s belongs to another run: it says '%s', this run is '%s'", path, h->tag, tag);
    return PS_OK;
}

/** Which entry of the file each part is. */
static enum ps_status match(const struct header *h, const char *path, const struct ps_ckpt_part *parts,
                            int nparts, int *entry)
{
    for (int i = 0; i < nparts; i++) {
        const struct ps_ckpt_part *p = &parts[i];
        entry[i] = 0;
        while (entry[i] < (int)h->parts && strcmp(h->part[entry[i]].name, p->name) != 0) entry[i]++;
        PS_CHECK(entry[i] < (int)h->parts, PS_EUSAGE, "checkpoint %s has no part '%s'", path, p->name);
        const struct entry *e = &h->part[entry[i]];
        PS_CHECK(e->type == (int64_t)p->type && e->n == p->n, PS_EUSAGE,
                 "checkpoint %s: part '%s' has %lld elements of %s, this run needs %lld of %s", path, p->name,
                 (long long)e->n, ps_dtype_name((enum ps_dtype)e->type), (long long)p->n,
                 ps_dtype_name(p->type));
    }
    return PS_OK;
}

/** Everyone has its share: compare checksums, then send whole parts from rank 0 to all. Collective. */
static enum ps_status verify(const struct ps_run *run, const char *path, const struct header *h,
                             const struct ps_ckpt_part *parts, const int *entry, int nparts)
{
    uint64_t sum[PS_CKPT_PARTS_MAX];
    PS_TRY(sum_parts(run, parts, nparts, sum));
    for (int i = 0; i < nparts; i++)
        PS_CHECK(sum[i] == h->part[entry[i]].sum, PS_EINPUT, "checkpoint %s: part '%s' is corrupted", path,
                 parts[i].name);
    for (int i = 0; i < nparts; i++) {
        if (parts[i].cut) continue;
        struct ps_message m;
        PS_TRY(ps_message_make(parts[i].n * (int64_t)ps_dtype_size(parts[i].type), &m));
        int rc = MPI_Bcast(parts[i].data, m.count, m.type, 0, run->comm);
        ps_message_free(&m);
        PS_CHECK(rc == MPI_SUCCESS, PS_EMPI, "part '%s' of a checkpoint did not reach all ranks",
                 parts[i].name);
    }
    return PS_OK;
}

/** Read one file. Collective; agreed. */
static enum ps_status read_file(const struct ps_run *run, const char *path, const char *tag,
                                const struct ps_ckpt_part *parts, int nparts, struct header *h)
{
    int entry[PS_CKPT_PARTS_MAX], fd = -1;
    enum ps_status rc = PS_OK;
    if (run->rank == 0) {
        fd = open(path, O_RDONLY);
        rc = fd < 0 ? ps_fail(PS_EIO, "checkpoint %s cannot be opened: %s", path, strerror(errno))
                    : read_header(fd, path, tag, h);
    }
    PS_TRY_DONE(ps_agree(run->comm, rc));
    MPI_Bcast(h, (int)sizeof *h, MPI_BYTE, 0, run->comm);
    PS_TRY_DONE(match(h, path, parts, nparts, entry)); /* the same on all ranks */
    if (fd < 0) fd = open(path, O_RDONLY);
    rc = fd < 0 ? ps_fail(PS_EIO, "checkpoint %s cannot be opened: %s", path, strerror(errno))
                : transfer_parts(run, fd, path, h, parts, entry, nparts, false);
    PS_TRY_DONE(ps_agree(run->comm, rc));
    rc = ps_agree(run->comm, verify(run, path, h, parts, entry, nparts));
done:
    if (fd >= 0) close(fd);
    return rc;
}

/** Which ages are there? Collective; rank 0 looks. */
static void look(const struct ps_run *run, const char *path, bool *there)
{
    if (run->rank == 0) ps_ckpt_look(path, there);
    MPI_Bcast(there, PS_CKPT_KEEP_MAX * (int)sizeof *there, MPI_BYTE, 0, run->comm);
}

/** Read the newest intact one. The newest of all is tried even if it is missing, so that this is told. */
static enum ps_status read_newest(const struct ps_run *run, const char *path, const char *tag,
                                  const struct ps_ckpt_part *parts, int nparts, struct header *h)
{
    ps_ckpt_path name;
    char why[2 * PS_STR_MAX] = "";
    bool there[PS_CKPT_KEEP_MAX];
    enum ps_status first = PS_OK;
    look(run, path, there);
    for (int age = 0; age < PS_CKPT_KEEP_MAX; age++) {
        if (age > 0 && !there[age]) continue;
        ps_ckpt_name(path, age, name);
        enum ps_status rc = read_file(run, name, tag, parts, nparts, h);
        if (rc == PS_OK && why[0]) ps_warn(run, "%s; going on from %s", why, name);
        if (rc != PS_EIO && rc != PS_EINPUT) return rc;
        const size_t n = strlen(why);
        snprintf(why + n, sizeof why - n, "%s%s", n ? "; " : "", ps_err_message());
        if (first == PS_OK) first = rc;
        ps_err_clear();
    }
    return ps_fail(first, "%s", why);
}

enum ps_status ps_checkpoint_read(const struct ps_run *run, const char *path, const char *tag,
                                  const struct ps_ckpt_part *parts, int nparts)
{
    struct header *h;
    PS_TRY(check_parts(run, tag, parts, nparts));
    PS_TRY(ps_agree(run->comm, ps_alloc(&h, 1, sizeof *h, "the header of a checkpoint")));
    enum ps_status rc = read_newest(run, path, tag, parts, nparts, h);
    free(h);
    return rc;
}

bool ps_checkpoint_exists(const struct ps_run *run, const char *path)
{
    bool there[PS_CKPT_KEEP_MAX];
    look(run, path, there);
    for (int age = 0; age < PS_CKPT_KEEP_MAX; age++)
        if (there[age]) return true;
    return false;
}
