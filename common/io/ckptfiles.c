#include "common/io/ckptfiles.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/io/outfile.h"

void ps_ckpt_name(const char *path, int age, ps_ckpt_path out)
{
    if (age > 0)
        snprintf(out, sizeof(ps_ckpt_path), "%s.%d", path, age);
    else
        snprintf(out, sizeof(ps_ckpt_path), "%s%s", path, age < 0 ? ".tmp" : "");
}

void ps_ckpt_look(const char *path, bool *there)
{
    ps_ckpt_path name;
    for (int age = 0; age < PS_CKPT_KEEP_MAX; age++) {
        ps_ckpt_name(path, age, name);
        there[age] = access(name, F_OK) == 0;
    }
}

enum ps_status ps_ckpt_rotate(const char *path, int keep)
{
    ps_ckpt_path from, to;
    bool there[PS_CKPT_KEEP_MAX];
    int last = 0;
    ps_ckpt_look(path, there);
    /* a gap, left by a run that was killed just here, takes what is newer: nothing older has to move */
    while (last < keep - 1 && there[last]) last++;
    for (int age = last; age > 0; age--) { /* the oldest first, so that no step loses another */
        ps_ckpt_name(path, age - 1, from);
        ps_ckpt_name(path, age, to);
        PS_CHECK(rename(from, to) == 0, PS_EIO, "checkpoint %s cannot be kept as %s: %s", from, to,
                 strerror(errno));
    }
    ps_ckpt_name(path, -1, from);
    PS_CHECK(rename(from, path) == 0, PS_EIO, "checkpoint %s cannot be renamed: %s", from, strerror(errno));
    ps_sync_folder(path);
    return PS_OK;
}
