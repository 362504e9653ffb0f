/** What lies where in a tar file: ustar, with long names as POSIX (pax) and as GNU writes them. */
#ifndef PS_TARFILE_H
#define PS_TARFILE_H

#include <stdint.h>
#include "common/io/infile.h"

enum { PS_TAR_BLOCK = 512, PS_TAR_NAME = 4096 };

/** A member. */
struct ps_tar_member {
    char name[PS_TAR_NAME]; /**< "./" in front is left out */
    int64_t at, bytes;      /**< of its content in the file */
};

/** A file that is gone through, member by member. */
struct ps_tar {
    const struct ps_infile *file; /**< borrowed */
    int64_t next;                 /**< where the next head is */
    unsigned char *buffer;        /**< piece of the file; owned */
    int64_t from, has;            /**< which */
    char why[256];
};

/** What a head says. */
struct ps_tar_head {
    char name[260]; /**< prefix and name; "" where a longer one comes before */
    char type;      /**< '0': a file */
    int64_t bytes;  /**< of the content behind it */
};

/** Understand a head. Local.
 * @param block [PS_TAR_BLOCK]
 * @return 1; 0: the end, a block of zeros; -1: no such head (its checksum is wrong, its size no number) */
int ps_tar_head(const unsigned char *block, struct ps_tar_head *out);

/** The head of a file. Local.
 * @param name of at most 100 bytes
 * @param bytes below 8 GiB
 * @param block out [PS_TAR_BLOCK] */
void ps_tar_put_head(const char *name, int64_t bytes, unsigned char *block);

/** Find path and size in a pax record of n bytes, each NULL or -1 if it is not there. Local.
 * @param path out [PS_TAR_NAME], "" if there is none
 * @return false: it is damaged */
int ps_tar_pax(const char *text, int64_t n, char *path, int64_t *bytes);

/** Begin. Local. @return PS_OK; PS_ENOMEM */
enum ps_status ps_tar_open(const struct ps_infile *file, struct ps_tar *out);

/** The next member that is a file of its own. Local; without a message of ps_fail: several threads go through
 * several files.
 * @return 1; 0: there is none; -1: failed, tar->why says how (damaged, truncated, compressed) */
int ps_tar_next(struct ps_tar *tar, struct ps_tar_member *out);
void ps_tar_close(struct ps_tar *tar);

#endif
