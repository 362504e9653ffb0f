/** Writing a file beside its final name and renaming it once it is complete and on disk. */
#ifndef PS_OUTFILE_H
#define PS_OUTFILE_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>
#include "kernels/status.h"

enum { PS_OUTFILE_PATH = 4096 };

/** A file that is being written. Every rank has it open. */
struct ps_outfile {
    MPI_Comm comm; /**< borrowed */
    int rank;
    int fd;                     /**< read and write; owned */
    char path[PS_OUTFILE_PATH]; /**< final name, symbolic links resolved */
    char temp[PS_OUTFILE_PATH]; /**< name while it is written, in the same folder */
};

/** Create the temporary file and open it on every rank. Collective over comm.
 * @param keep start with a copy of the existing file, if there is one, instead of an empty file
 * @return PS_OK; PS_EIO (no such folder, no permission, the name is a folder or device, disk full ...),
 * agreed: nothing is left */
enum ps_status ps_outfile_open(MPI_Comm comm, const char *path, bool keep, struct ps_outfile *out);

/** Make sure that n more bytes have room behind the present end, and keep them where the file system can.
 * Local; one rank calls it. Libraries that write by themselves take a full disk badly: they hide it, or break
 * when they end.
 * @return PS_OK (also where the file system cannot tell); PS_EIO */
enum ps_status ps_outfile_reserve(const struct ps_outfile *f, int64_t n);

/** Write n bytes at offset `at`. Local; ranks write disjoint parts.
 * @return PS_OK; PS_EIO (disk full, limit of the file size ...) */
enum ps_status ps_outfile_write(const struct ps_outfile *f, const void *data, int64_t n, int64_t at);

/** End: if all ranks come with PS_OK, sync and rename to the final name; else remove the temporary file and
 * leave what existed. Collective over f->comm.
 * @param rc what this rank's writing returned
 * @return the agreed status; PS_EIO if syncing or renaming fails */
enum ps_status ps_outfile_close(struct ps_outfile *f, enum ps_status rc);

/** Bring the names in a file's folder to disk, or a crash could undo its renaming. Best effort: some file
 * systems refuse. Local. */
void ps_sync_folder(const char *path);

#endif
