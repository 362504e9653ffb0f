#include "apps/results/sweep_once.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HOST_MAX_BYTES = 65 };

enum ps_status sweep_once_begin(const char *dir, struct sweep_once *o)
{
    char host[HOST_MAX_BYTES] = "";
    gethostname(host, sizeof host - 1);
    const int n = snprintf(o->scratch, sizeof o->scratch, "%s/%s.%ld", dir, host, (long)getpid());
    PS_CHECK(n < (int)sizeof o->scratch, PS_EUSAGE, "the name of the folder %s is too long", dir);
    return PS_OK;
}

/* A new file of this text under the scratch name. @return its descriptor; -1 */
static int write_scratch(const struct sweep_once *o, const char *text)
{
    const size_t len = strlen(text);
    unlink(o->scratch); /* a new one: the last one may have got another name */
    const int fd = open(o->scratch, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return -1;
    if (write(fd, text, len) == (ssize_t)len && fsync(fd) == 0) return fd;
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
}

enum ps_status sweep_once_make(const struct sweep_once *o, const char *path, const char *text, bool *made)
{
    struct stat st;
    *made = false;
    const int fd = write_scratch(o, text);
    PS_CHECK(fd >= 0, PS_EIO, "%s cannot be written: %s", o->scratch, strerror(errno));
    const int linked = link(o->scratch, path), error = errno;
    /* over NFS the answer may be lost and the link be there: their number tells */
    *made = linked == 0 || (fstat(fd, &st) == 0 && st.st_nlink == 2);
    close(fd);
    unlink(o->scratch);
    PS_CHECK(*made || error == EEXIST, PS_EIO, "%s cannot be made: %s (the file system must know links)",
             path, strerror(error));
    return PS_OK;
}

enum ps_status sweep_once_clock(const struct sweep_once *o, double *seconds)
{
    struct stat st;
    if (!*o->scratch) {
        *seconds = (double)time(NULL);
        return PS_OK;
    }
    const int fd = write_scratch(o, "");
    PS_CHECK(fd >= 0, PS_EIO, "%s cannot be written: %s", o->scratch, strerror(errno));
    const int rc = fstat(fd, &st);
    close(fd);
    unlink(o->scratch);
    PS_CHECK(rc == 0, PS_EIO, "%s cannot be looked at: %s", o->scratch, strerror(errno));
    *seconds = (double)st.st_mtim.tv_sec + 1e-9 * (double)st.st_mtim.tv_nsec;
    return PS_OK;
}

bool sweep_once_read(const char *path, char *text, size_t room)
{
    FILE *f = fopen(path, "r");
    if (!f) return false;
    text[fread(text, 1, room - 1, f)] = '\0';
    const bool good = !ferror(f);
    fclose(f);
    return good;
}

bool sweep_once_field(const char *text, const char *key, char *out, size_t room)
{
    const size_t len = strlen(key);
    for (; text && *text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL)
        if (strncmp(text, key, len) == 0 && text[len] == ' ') {
            snprintf(out, room, "%.*s", (int)strcspn(text + len + 1, "\n"), text + len + 1);
            return true;
        }
    *out = '\0';
    return false;
}
