#include "common/io/imagelist.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/io/imagelist_sources.h"
#include "common/io/infile.h"
#include "common/run/err.h"

enum { LINE = 64, CALL = 1 << 30 };

const char *ps_images_part_name(enum ps_images_part part)
{
    static const char *const names[PS_IMAGES_PARTS] = {"train", "valid", "test"};
    return names[part];
}

/* The next array in a block. */
static void *take(char **at, int64_t n, size_t size)
{
    void *here = *at;
    *at += ((size_t)n * size + LINE - 1) / LINE * LINE;
    return here;
}

void ps_images_lay_out(struct ps_images *l, void *block)
{
    const struct ps_images_head *h = &l->head;
    char *at = block;
    l->at = take(&at, h->n, sizeof *l->at);
    l->bytes = take(&at, h->n, sizeof *l->bytes);
    l->name = take(&at, h->n, sizeof *l->name);
    l->class_name = take(&at, h->classes, sizeof *l->class_name);
    l->file_name = take(&at, h->files, sizeof *l->file_name);
    l->file = take(&at, h->n, sizeof *l->file);
    l->label = take(&at, h->n, sizeof *l->label);
    l->labels = h->several ? take(&at, h->n * h->classes, 1) : NULL;
    l->text = take(&at, h->text, 1);
}

int64_t ps_images_block(const struct ps_images_head *h)
{
    const int64_t lines = 9 * LINE;
    return lines + h->n * (int64_t)(3 * sizeof(int64_t) + 2 * sizeof(int32_t)) +
           (h->classes + h->files) * (int64_t)sizeof(int64_t) + (h->several ? h->n * h->classes : 0) +
           h->text;
}

/* Rank 0's block to the first rank of every node. Collective over comm. */
static void send_block(MPI_Comm comm, MPI_Comm node, const void *block, int64_t bytes, void *to)
{
    MPI_Comm firsts;
    int rank, of_node;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_rank(node, &of_node);
    if (rank == 0) memcpy(to, block, (size_t)bytes);
    MPI_Comm_split(comm, of_node == 0 ? 0 : MPI_UNDEFINED, rank, &firsts);
    if (firsts != MPI_COMM_NULL) {
        for (int64_t at = 0; at < bytes; at += CALL)
            MPI_Bcast((char *)to + at, (int)(bytes - at < CALL ? bytes - at : CALL), MPI_BYTE, 0, firsts);
        MPI_Comm_free(&firsts);
    }
    MPI_Barrier(node);
}

enum ps_status ps_images_share(MPI_Comm comm, struct ps_images *first, void *block, enum ps_status rc,
                               struct ps_images *out)
{
    rc = ps_agree(comm, rc);
    *out = (struct ps_images){.node = MPI_COMM_NULL};
    if (rc == PS_OK) {
        int rank;
        MPI_Comm_rank(comm, &rank);
        if (rank == 0) out->head = first->head;
        MPI_Bcast(&out->head, sizeof out->head, MPI_BYTE, 0, comm);
        const int64_t bytes = ps_images_block(&out->head);
        rc = ps_alloc(&out->fd, out->head.files, sizeof *out->fd, "open files");
        for (int64_t i = 0; rc == PS_OK && i < out->head.files; i++) out->fd[i] = -1;
        MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &out->node);
        const enum ps_status opened = ps_shared_open(out->node, bytes, &out->shared);
        rc = ps_agree(comm, rc == PS_OK ? opened : rc);
        if (rc == PS_OK) {
            send_block(comm, out->node, block, bytes, out->shared.data);
            ps_images_lay_out(out, out->shared.data);
        } else {
            ps_images_free(out);
        }
    }
    free(block);
    return rc;
}

void ps_images_free(struct ps_images *l)
{
    for (int64_t i = 0; l->fd && i < l->head.files; i++)
        if (l->fd[i] >= 0) close(l->fd[i]);
    free(l->fd);
    if (l->shared.data) ps_shared_close(&l->shared);
    if (l->fd && l->node != MPI_COMM_NULL) MPI_Comm_free(&l->node);
    *l = (struct ps_images){.node = MPI_COMM_NULL};
}

/* One open file for all threads. @return -1: it cannot be opened, errno says why */
static int descriptor(struct ps_images *l, int32_t file)
{
    int fd = __atomic_load_n(&l->fd[file], __ATOMIC_ACQUIRE), none = -1;
    if (fd >= 0) return fd;
    fd = open(l->text + l->file_name[file], O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    if (__atomic_compare_exchange_n(&l->fd[file], &none, fd, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return fd;
    close(fd); /* another thread was faster */
    return none;
}

const char *ps_images_read_run(struct ps_images *l, int64_t lo, int64_t hi, void *buf)
{
    const bool own = l->file[lo] < 0;
    const int64_t at = own ? 0 : l->at[lo];
    const int64_t bytes = own ? l->bytes[lo] : l->at[hi - 1] + l->bytes[hi - 1] - at;
    const int fd = own ? open(ps_images_name(l, lo), O_RDONLY | O_CLOEXEC) : descriptor(l, l->file[lo]);
    if (fd < 0) return strerror(errno);
    const int64_t got = ps_pread_all(fd, buf, bytes, at);
    const int error = errno;
    if (own) close(fd);
    if (got < 0) return strerror(error);
    return got < bytes ? "is truncated" : NULL;
}

const char *ps_images_read(struct ps_images *l, int64_t i, void *buf)
{
    return ps_images_read_run(l, i, i + 1, buf);
}

static bool ends(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

/* Rank 0: what it is that is named. */
enum kind { FOLDER, TAR, CSV, PACK, HDF5 };

static enum ps_status find_kind(const char *source, int *kind)
{
    struct stat s;
    static const char *const tables[] = {".csv", ".tsv", ".txt"}, *const packed[] = {".tar.gz",  ".tgz",
                                                                                     ".tar.xz",  ".tar.bz2",
                                                                                     ".tar.zst", ".zip"};
    PS_CHECK(source[0], PS_EUSAGE, "no images: name a packed file, a folder, tar files or a CSV");
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
        PS_CHECK(!ends(source, packed[i]), PS_EUSAGE,
                 "%s: images are read at known places, which a compressed archive has not: unpack it first",
                 source);
    *kind = ends(source, ".tar")                           ? TAR
            : ends(source, ".nc")                          ? PACK
            : ends(source, ".h5") || ends(source, ".hdf5") ? HDF5
                                                           : FOLDER;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (ends(source, tables[i])) *kind = CSV;
    if (*kind == TAR) return PS_OK; /* may be a list or a pattern */
    PS_CHECK(stat(source, &s) == 0, PS_EIO, "%s: %s", source, strerror(errno));
    if (S_ISDIR(s.st_mode)) *kind = FOLDER;
    PS_CHECK(*kind != FOLDER || S_ISDIR(s.st_mode), PS_EUSAGE,
             "%s: is neither a folder nor a file whose name ends like .nc, .tar, .csv or .h5", source);
    return PS_OK;
}

enum ps_status ps_images_open(MPI_Comm comm, const char *source, struct ps_images *out)
{
    int rank, kind = FOLDER;
    struct ps_images first = {.node = MPI_COMM_NULL};
    void *block = NULL;
    MPI_Comm_rank(comm, &rank);
    *out = (struct ps_images){.node = MPI_COMM_NULL};
    PS_TRY(ps_agree(comm, rank == 0 ? find_kind(source, &kind) : PS_OK));
    MPI_Bcast(&kind, 1, MPI_INT, 0, comm);
    enum ps_status rc = PS_OK;
    if (kind == PACK) return ps_images_pack(comm, source, out);
    if (rank == 0 && kind == FOLDER) rc = ps_images_folder(source, &first, &block);
    if (rank == 0 && kind == TAR) rc = ps_images_tars(source, &first, &block);
    if (rank == 0 && kind == CSV) rc = ps_images_csv(source, &first, &block);
    if (rank == 0 && kind == HDF5) rc = ps_images_h5(source, &first, &block);
    return ps_images_share(comm, &first, block, rc, out);
}
