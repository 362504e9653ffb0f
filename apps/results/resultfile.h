/** Text files of one process, written beside their final names and renamed when they are whole. */
#ifndef RESULTFILE_H
#define RESULTFILE_H

#include <stdio.h>
#include "common/run/param.h"

struct resultfile {
    FILE *to;
    ps_str path;
    char temp[sizeof(ps_str) + 32];
};

/** @return PS_OK; PS_EIO */
enum ps_status resultfile_open(const char *path, struct resultfile *out);

/** Rename, or with a failure remove. @param rc what writing came to @return rc; PS_EIO */
enum ps_status resultfile_close(struct resultfile *f, enum ps_status rc);

#endif
