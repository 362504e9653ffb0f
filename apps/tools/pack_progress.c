/* What is left beside an unfinished file, so that packing goes on after a stop. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "apps/tools/pack.h"
#include "common/io/infile.h"
#include "common/io/outfile.h"
#include "common/run/err.h"

/** The beginning of the file; numbers of broken images and sums follow. */
struct head {
    char magic[16];
    uint64_t mark;
    int64_t done, pixels, broken, bands;
};

enum { CALL = 1 << 24 }; /* numbers in a broadcast */

static const char magic[16] = "psml pack 1";

void pack_part_name(const struct pack *k, char *out, size_t room)
{
    snprintf(out, room, "%s.part", k->p->output);
}

static void progress_name(const struct pack *k, char *out, size_t room)
{
    snprintf(out, room, "%s.progress", k->p->output);
}

/* Source: Fowler, Noll, Vo: FNV-1a, 64 bits. */
static uint64_t add_bytes(uint64_t mark, const void *data, size_t n)
{
    const unsigned char *c = data;
    for (size_t i = 0; i < n; i++) mark = (mark ^ c[i]) * 0x100000001B3U;
    return mark;
}

uint64_t pack_mark(const struct pack *k)
{
    uint64_t mark = 0xCBF29CE484222325U;
    const struct ps_images *l = &k->list;
    const int64_t shape[] = {k->head.n,    k->head.height, k->head.width,   k->head.bands,  k->head.type,
                             k->p->resize, k->p->check,    k->head.several, k->head.classes};
    mark = add_bytes(mark, shape, sizeof shape);
    mark = add_bytes(mark, k->head.part, sizeof k->head.part);
    mark = add_bytes(mark, k->p->keep, strlen(k->p->keep) + 1);
    mark = add_bytes(mark, k->p->bands, strlen(k->p->bands) + 1);
    for (int64_t i = 0; i < l->head.n; i++) {
        const char *name = ps_images_name(l, i);
        mark = add_bytes(mark, name, strlen(name) + 1);
        mark = add_bytes(mark, &l->bytes[i], sizeof l->bytes[i]);
        mark = add_bytes(mark, &l->label[i], sizeof l->label[i]);
    }
    return mark;
}

static size_t sums_size(const struct pack *k)
{
    return 2 * (size_t)k->head.bands * sizeof *k->at.sum;
}

/* Rank 0. Whatever is wrong with the files, packing begins anew. */
static bool read_file(struct pack *k)
{
    char name[PS_STR_MAX + 16], part[PS_STR_MAX + 16];
    struct head head;
    struct ps_infile f;
    progress_name(k, name, sizeof name);
    pack_part_name(k, part, sizeof part);
    if (access(part, F_OK) != 0 || access(name, F_OK) != 0 || ps_infile_open(name, &f) != PS_OK) return false;
    bool good = f.bytes >= (int64_t)sizeof head && ps_infile_read(&f, &head, sizeof head, 0) == PS_OK &&
                memcmp(head.magic, magic, sizeof magic) == 0 && head.mark == k->mark && head.done >= 0 &&
                head.done <= k->head.n && head.bands == k->head.bands && head.broken >= 0 &&
                head.broken <= k->head.n &&
                f.bytes == (int64_t)(sizeof head + sums_size(k)) + head.broken * (int64_t)sizeof *k->at.which;
    if (good) good = ps_infile_read(&f, k->at.sum, (int64_t)sums_size(k), sizeof head) == PS_OK;
    if (good)
        good = ps_infile_read(&f, k->at.which, head.broken * (int64_t)sizeof *k->at.which,
                              (int64_t)(sizeof head + sums_size(k))) == PS_OK;
    if (good) k->at.done = head.done, k->at.pixels = head.pixels, k->at.broken = head.broken;
    ps_infile_close(&f);
    return good;
}

/* Nothing is left, or what is left is of another packing. Its progress goes before a new file is begun: if
 * that ended before its first save, the old progress would speak for the new file. */
static enum ps_status forget(struct pack *k)
{
    char name[PS_STR_MAX + 16];
    memset(k->at.sum, 0, sums_size(k));
    ps_err_clear();
    progress_name(k, name, sizeof name);
    PS_CHECK(unlink(name) == 0 || errno == ENOENT, PS_EIO, "%s: cannot be removed: %s", name,
             strerror(errno));
    ps_sync_folder(name);
    return PS_OK;
}

/* Broken images that an earlier run went by end one that does not. */
static enum ps_status look_back(const struct pack *k)
{
    PS_CHECK(k->at.broken == 0 || strcmp(k->p->broken, "fatal") != 0, PS_EINPUT,
             "%s: is broken, as was found before packing was stopped",
             ps_images_name(&k->list, k->at.which[0]));
    return PS_OK;
}

enum ps_status pack_resume(struct pack *k, bool *found)
{
    int is = 0;
    enum ps_status rc = ps_alloc(&k->at.which, k->head.n, sizeof *k->at.which, "numbers of broken images");
    if (rc == PS_OK) rc = ps_zalloc(&k->at.sum, 2 * k->head.bands, sizeof *k->at.sum, "sums of pixels");
    PS_TRY(ps_agree(k->run->comm, rc));
    if (k->run->rank == 0) {
        is = read_file(k);
        if (!is) rc = forget(k);
    }
    PS_TRY(ps_agree(k->run->comm, rc));
    MPI_Bcast(&is, 1, MPI_INT, 0, k->run->comm);
    int64_t at[] = {k->at.done, k->at.pixels, k->at.broken};
    MPI_Bcast(at, 3, MPI_INT64_T, 0, k->run->comm);
    k->at.done = at[0], k->at.pixels = at[1], k->at.broken = at[2];
    for (int64_t i = 0; i < k->at.broken; i += CALL)
        MPI_Bcast(k->at.which + i, (int)(k->at.broken - i < CALL ? k->at.broken - i : CALL), MPI_INT64_T, 0,
                  k->run->comm);
    *found = is != 0;
    return ps_agree(k->run->comm, k->run->rank == 0 ? look_back(k) : PS_OK);
}

enum ps_status pack_save(const struct pack *k)
{
    char name[PS_STR_MAX + 16];
    struct head head = {.mark = k->mark,
                        .done = k->at.done,
                        .pixels = k->at.pixels,
                        .broken = k->at.broken,
                        .bands = k->head.bands};
    struct ps_outfile f = {.fd = -1};
    memcpy(head.magic, magic, sizeof magic);
    progress_name(k, name, sizeof name);
    snprintf(f.path, sizeof f.path, "%s.new", name); /* always this one: after a kill no other is left */
    f.fd = open(f.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    PS_CHECK(f.fd >= 0, PS_EIO, "%s: cannot be created: %s", f.path, strerror(errno));
    enum ps_status rc = ps_outfile_write(&f, &head, sizeof head, 0);
    if (rc == PS_OK) rc = ps_outfile_write(&f, k->at.sum, (int64_t)sums_size(k), sizeof head);
    if (rc == PS_OK)
        rc = ps_outfile_write(&f, k->at.which, k->at.broken * (int64_t)sizeof *k->at.which,
                              (int64_t)(sizeof head + sums_size(k)));
    if (rc == PS_OK && (fsync(f.fd) != 0 || rename(f.path, name) != 0))
        rc = ps_fail(PS_EIO, "%s: writing failed: %s", name, strerror(errno));
    close(f.fd);
    if (rc == PS_OK) ps_sync_folder(name);
    return rc;
}

/* Open MPI keeps a shared pointer of a file in PART-NUMBERS.lock beside it, which stays after a kill. */
static void remove_locks(const char *part)
{
    static const char end[] = ".lock";
    char folder[PS_STR_MAX + 16], path[2 * PS_STR_MAX];
    const char *slash = strrchr(part, '/'), *base = slash ? slash + 1 : part;
    const struct dirent *entry;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(base - part) : 1, slash ? part : ".");
    DIR *d = opendir(folder);
    while (d && (entry = readdir(d))) {
        const size_t n = strlen(base), all = strlen(entry->d_name);
        if (all < n + sizeof end || strncmp(entry->d_name, base, n) != 0 || entry->d_name[n] != '-' ||
            strcmp(entry->d_name + all - (sizeof end - 1), end) != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    if (d) closedir(d);
}

void pack_clear(const struct pack *k)
{
    char name[PS_STR_MAX + 16];
    pack_part_name(k, name, sizeof name);
    remove_locks(name);
    progress_name(k, name, sizeof name);
    unlink(name);
    ps_sync_folder(name);
}
