#include "apps/results/resultfile.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "common/run/err.h"

enum ps_status resultfile_open(const char *path, struct resultfile *out)
{
    PS_CHECK(strlen(path) < sizeof out->path, PS_EUSAGE, "the name %.40s... is too long", path);
    snprintf(out->path, sizeof out->path, "%s", path);
    snprintf(out->temp, sizeof out->temp, "%s.%ld.part", path, (long)getpid());
    out->to = fopen(out->temp, "w");
    PS_CHECK(out->to, PS_EIO, "%s cannot be written: %s", path, strerror(errno));
    return PS_OK;
}

enum ps_status resultfile_close(struct resultfile *f, enum ps_status rc)
{
    const int bad = ferror(f->to) || fflush(f->to) != 0 || fsync(fileno(f->to)) != 0;
    const int why = errno;
    fclose(f->to);
    if (rc == PS_OK && bad) rc = ps_fail(PS_EIO, "%s cannot be written: %s", f->path, strerror(why));
    if (rc == PS_OK && rename(f->temp, f->path) != 0)
        rc = ps_fail(PS_EIO, "%s cannot be written: %s", f->path, strerror(errno));
    if (rc != PS_OK) unlink(f->temp);
    return rc;
}
