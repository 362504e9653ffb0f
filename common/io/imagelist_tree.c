/* Images in folders and in tar files, whose folders are their classes. */
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "common/io/imagelist_sources.h"
#include "common/io/tarfile.h"
#include "common/run/err.h"

enum { PATH = 4096, DEPTH = 64 };

/* Names that begin with a dot are no images. */
static enum ps_status walk(struct ps_finds *f, const char *folder, int depth)
{
    char path[PATH];
    struct stat s;
    enum ps_status rc = PS_OK;
    PS_CHECK(depth < DEPTH, PS_EINPUT, "%s: more than %d folders in one another (a link to itself?)", folder,
             DEPTH);
    DIR *dir = opendir(folder);
    PS_CHECK(dir, PS_EIO, "%s: %s", folder, strerror(errno));
    for (const struct dirent *e = readdir(dir); e && rc == PS_OK; e = readdir(dir)) {
        if (e->d_name[0] == '.') continue;
        const bool picture = ps_picture_named(e->d_name);
        bool is_folder = e->d_type == DT_DIR;
        if (snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= (int)sizeof path) {
            rc = ps_fail(PS_EINPUT, "%.200s...: the path is too long", folder);
            break;
        }
        if (e->d_type == DT_UNKNOWN || (e->d_type == DT_LNK && !picture))
            is_folder = stat(path, &s) == 0 && S_ISDIR(s.st_mode);
        if (is_folder) {
            rc = walk(f, path, depth + 1);
        } else if (picture) {
            struct ps_found x = {.file = -1};
            rc = ps_finds_text(f, path, (int64_t)strlen(path), &x.name);
            if (rc == PS_OK) rc = ps_finds_add(f, x);
        }
    }
    closedir(dir);
    return rc;
}

/* How large the files are, from number `from` on. */
static enum ps_status measure(struct ps_finds *f, int64_t from)
{
    int64_t bad = -1;
#pragma omp parallel for schedule(dynamic, 64)
    for (int64_t i = from; i < f->n; i++) {
        struct stat s;
        if (stat(f->text + f->image[i].name, &s) == 0 && S_ISREG(s.st_mode)) {
            f->image[i].bytes = s.st_size;
        } else {
#pragma omp atomic write
            bad = i;
        }
    }
    PS_CHECK(bad < 0, PS_EIO, "%s: no such file", f->text + f->image[bad < 0 ? 0 : bad].name);
    return PS_OK;
}

enum ps_status ps_finds_folder(struct ps_finds *f, const char *folder)
{
    const int64_t from = f->n;
    PS_TRY(walk(f, folder, 0));
    return measure(f, from);
}

enum ps_status ps_images_folder(const char *source, struct ps_images *out, void **block)
{
    struct ps_finds f = {.n = 0};
    char folder[PATH];
    size_t n = strlen(source);
    while (n > 1 && source[n - 1] == '/') n--;
    PS_CHECK(n < sizeof folder, PS_EINPUT, "%.200s...: the path is too long", source);
    snprintf(folder, sizeof folder, "%.*s", (int)n, source);
    enum ps_status rc = ps_finds_folder(&f, folder);
    if (rc == PS_OK) rc = ps_finds_from_names(&f, source, (int64_t)n + 1);
    if (rc == PS_OK) rc = ps_finds_end(&f, source, out, block);
    ps_finds_free(&f);
    return rc;
}

/* Pictures in one tar file. @param why out: what is wrong, where false is returned */
static bool list_tar(const char *path, struct ps_finds *f, char *why, size_t room)
{
    struct ps_tar_member m;
    struct ps_tar tar = {.buffer = NULL};
    struct ps_infile file = {.fd = -1};
    int more = ps_infile_open(path, &file) == PS_OK && ps_tar_open(&file, &tar) == PS_OK ? 1 : -2;
    while (more > 0 && (more = ps_tar_next(&tar, &m)) > 0) {
        const char *base = strrchr(m.name, '/');
        struct ps_found x = {.at = m.at, .bytes = m.bytes};
        if (!ps_picture_named(m.name) || (base ? base[1] : m.name[0]) == '.') continue;
        if (ps_finds_text(f, m.name, (int64_t)strlen(m.name), &x.name) != PS_OK ||
            ps_finds_add(f, x) != PS_OK)
            more = -2;
    }
    if (more < 0) snprintf(why, room, "%s", more == -1 ? tar.why : ""); /* -2: ps_fail was called */
    ps_tar_close(&tar);
    ps_infile_close(&file);
    return more == 0;
}

/* Names of files that a list of names and patterns stands for. */
static enum ps_status find_tars(const char *source, glob_t *found)
{
    char one[PATH];
    int flags = 0;
    for (const char *at = source; *at;) {
        const size_t n = strcspn(at, ",");
        PS_CHECK(n < sizeof one, PS_EINPUT, "%.200s...: the path is too long", at);
        snprintf(one, sizeof one, "%.*s", (int)n, at);
        const int rc = n > 0 ? glob(one, flags, NULL, found) : 0;
        if (n > 0) flags = GLOB_APPEND;
        PS_CHECK(rc != GLOB_NOMATCH, PS_EIO, "%s: no such file", one);
        PS_CHECK(rc == 0, PS_EIO, "%s: cannot be looked for", one);
        at += n + (at[n] == ',');
    }
    return PS_OK;
}

/* All of one tar file's to those of all. */
static enum ps_status add_tar(struct ps_finds *all, const struct ps_finds *one, const char *path)
{
    PS_TRY(ps_finds_file(all, path));
    for (int64_t i = 0; i < one->n; i++) {
        struct ps_found x = one->image[i];
        const char *name = one->text + x.name;
        x.file = (int32_t)all->files - 1;
        PS_TRY(ps_finds_text(all, name, (int64_t)strlen(name), &x.name));
        PS_TRY(ps_finds_add(all, x));
    }
    return PS_OK;
}

static enum ps_status list_tars(const glob_t *found, struct ps_finds *all)
{
    struct ps_finds *one = NULL;
    const int64_t n = (int64_t)found->gl_pathc;
    int64_t bad = n;
    char why[256] = "";
    PS_TRY(ps_zalloc(&one, n, sizeof *one, "lists of tar files"));
#pragma omp parallel for schedule(dynamic)
    for (int64_t i = 0; i < n; i++) {
        char reason[256] = "";
        if (list_tar(found->gl_pathv[i], &one[i], reason, sizeof reason)) continue;
#pragma omp critical(images_tar)
        if (i < bad) {
            bad = i;
            snprintf(why, sizeof why, "%s", reason);
        }
    }
    enum ps_status rc = PS_OK;
    if (bad < n) rc = ps_fail(PS_EINPUT, "%s: %s", found->gl_pathv[bad], why);
    for (int64_t i = 0; i < n && rc == PS_OK; i++) rc = add_tar(all, &one[i], found->gl_pathv[i]);
    for (int64_t i = 0; i < n; i++) ps_finds_free(&one[i]);
    free(one);
    return rc;
}

enum ps_status ps_images_tars(const char *source, struct ps_images *out, void **block)
{
    struct ps_finds f = {.n = 0};
    glob_t found = {.gl_pathc = 0};
    enum ps_status rc = find_tars(source, &found);
    if (rc == PS_OK) rc = list_tars(&found, &f);
    if (rc == PS_OK) rc = ps_finds_from_names(&f, source, 0);
    if (rc == PS_OK) rc = ps_finds_end(&f, source, out, block);
    globfree(&found);
    ps_finds_free(&f);
    return rc;
}
