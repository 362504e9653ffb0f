/** The directory of a zip archive, with 64-bit sizes, as a parser on memory.
 * Source: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", sections 4.3 and 4.5.3. */
#ifndef PS_ZIPDIR_H
#define PS_ZIPDIR_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PS_ZIP_NAME = 256,
    PS_ZIP_TAIL = 65535 + 22 + 20 + 56, /**< bytes at the end of a file that tell where its directory is */
    PS_ZIP_LOCAL = 30                   /**< bytes of the header in front of a member, without its texts */
};

/** Where the directory is in the file. */
struct ps_zip_place {
    int64_t at, bytes;
};

/** What the directory says of one member. */
struct ps_zip_member {
    char name[PS_ZIP_NAME];
    int64_t bytes, packed; /**< unpacked, and in the file */
    int64_t at;            /**< where its header begins in the file */
    uint32_t crc;          /**< of what is unpacked */
    int method;            /**< 0: stored; 8: deflated; others */
    bool locked;           /**< encrypted */
};

/** Find the directory. Local.
 * @param tail [n] the last bytes of the file, PS_ZIP_TAIL or all there are
 * @return NULL, or what is wrong as the rest of a sentence after "PATH: "; a literal */
const char *ps_zip_find(const unsigned char *tail, int64_t n, int64_t file_bytes, struct ps_zip_place *out);

/** The next member of a directory. Local.
 * @param dir [n] the directory
 * @param at  place of the member in it, 0 for the first; moved to the next, to n behind the last
 * @return as ps_zip_find; sizes and places are within the file */
const char *ps_zip_next(const unsigned char *dir, int64_t n, int64_t file_bytes, int64_t *at,
                        struct ps_zip_member *out);

/** Where the bytes of a member begin, from the header in front of it. Local.
 * @param head [PS_ZIP_LOCAL] at out of member->at
 * @return the place in the file; -1: damaged */
int64_t ps_zip_data(const unsigned char *head, int64_t file_bytes, const struct ps_zip_member *member);

#endif
