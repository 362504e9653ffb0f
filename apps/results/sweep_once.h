/** Files that come into being once: of any number of processes on any nodes that make one, one does. Local.
 */
#ifndef SWEEP_ONCE_H
#define SWEEP_ONCE_H

#include <stdbool.h>
#include "common/run/err.h"

enum { SWEEP_PATH_MAX = 4096 };

/** The folder's name of a process that makes them. */
struct sweep_once {
    char scratch[SWEEP_PATH_MAX]; /**< a file of this process alone, on the same file system */
};

/** Name a scratch file in folder `dir`, which exists. @return PS_OK; PS_EUSAGE (the name is too long) */
enum ps_status sweep_once_begin(const char *dir, struct sweep_once *o);

/** Make file `path` with this text, whole and on disk, unless it is there.
 * Text is written to the scratch file, which then gets the name by link(2): that fails where there is one, on
 * shared file systems, too. @param made out: this call made it
 * @return PS_OK; PS_EIO */
enum ps_status sweep_once_make(const struct sweep_once *o, const char *path, const char *text, bool *made);

/** What time the file system has, which may differ from this node's clock. Without a scratch file, the
 * latter.
 * @param seconds out, since 1970
 * @return PS_OK; PS_EIO */
enum ps_status sweep_once_clock(const struct sweep_once *o, double *seconds);

/** Read a small file. @param text out [room], zero-terminated, cut to room
 * @return false if it cannot be read */
bool sweep_once_read(const char *path, char *text, size_t room);

/** The rest of the line of `text` that begins with `key` and a blank. @param out [room]; "" if there is none
 */
bool sweep_once_field(const char *text, const char *key, char *out, size_t room);

#endif
