/* Images that a table names: path, label or labels, and perhaps part. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "common/io/imagelist_csv.h"
#include "common/io/imagelist_sources.h"
#include "common/io/infile.h"
#include "common/run/err.h"

/* A field's text is unquoted where it stands. @param at in: its beginning; out: behind its end
 * @param more out: does another one follow? */
static char *next_field(char **at, char separator, bool *more)
{
    char *from = *at, *to = from, *start = from;
    if (*from == '"') {
        for (from++; *from; from++) {
            if (*from == '"' && from[1] != '"') break;
            if (*from == '"') from++;
            *to++ = *from;
        }
        if (*from == '"') from++;
        while (*from && *from != separator) from++;
    } else {
        while (*from && *from != separator) from++;
        to = from;
    }
    *more = *from == separator;
    *at = *more ? from + 1 : from;
    *to = '\0';
    return start;
}

int ps_csv_fields(char *line, char *field[PS_CSV_FIELDS])
{
    const char separator = strchr(line, '\t') ? '\t' : ',';
    int n = 0;
    bool more = *line != '\0'; /* behind a separator there is a field, though it may be empty */
    for (char *at = line; more && n < PS_CSV_FIELDS;) field[n++] = next_field(&at, separator, &more);
    return n;
}

int ps_csv_labels(char *text)
{
    int n = 0;
    char *to = text;
    for (const char *at = text; *at;) {
        const size_t skip = strspn(at, ";| "), length = strcspn(at + skip, ";|");
        size_t kept = length;
        at += skip;
        while (kept > 0 && at[kept - 1] == ' ') kept--;
        if (kept > 0) {
            memmove(to, at, kept);
            at += length + (at[length] != '\0');
            to += kept;
            *to++ = '\0';
            n++;
        } else {
            at += length + (at[length] != '\0');
        }
    }
    return n;
}

static bool one_of(const char *word, const char *const *words, int n)
{
    for (int i = 0; i < n; i++)
        if (strcasecmp(word, words[i]) == 0) return true;
    return false;
}

/* Is it the line that names the columns? */
static bool is_head(char *const *field, int n)
{
    static const char *const path[] = {"path", "file", "filename", "image", "name"};
    static const char *const label[] = {"label", "labels", "class", "classes", "target", "targets"};
    return n >= 2 && one_of(field[0], path, 5) && one_of(field[1], label, 6);
}

/** The table, and where its paths begin. */
struct table {
    const char *path;
    int folder; /* bytes of the path's folder, with the slash */
    int64_t line;
};

/* The picture of that path, or all of a folder. */
static enum ps_status add_path(const struct table *t, const char *path, struct ps_finds *f)
{
    struct ps_found x = {.file = -1};
    struct stat s;
    const int64_t before = f->n;
    PS_CHECK(stat(path, &s) == 0 && (S_ISREG(s.st_mode) || S_ISDIR(s.st_mode)), PS_EIO,
             "%s, line %lld: %s: no such file", t->path, (long long)t->line, path);
    if (S_ISDIR(s.st_mode)) {
        PS_TRY(ps_finds_folder(f, path));
        PS_CHECK(f->n > before, PS_EINPUT, "%s, line %lld: %s: holds no images", t->path, (long long)t->line,
                 path);
        return PS_OK;
    }
    x.bytes = s.st_size;
    PS_TRY(ps_finds_text(f, path, (int64_t)strlen(path), &x.name));
    return ps_finds_add(f, x);
}

static enum ps_status add_line(const struct table *t, char *const *field, int n, struct ps_finds *f)
{
    char path[4096];
    int part = -1;
    const int64_t before = f->n;
    PS_CHECK(n >= 2, PS_EINPUT,
             "%s, line %lld: a path and a label are wanted, with a comma or tab between them", t->path,
             (long long)t->line);
    const int folder = field[0][0] == '/' ? 0 : t->folder;
    PS_CHECK(snprintf(path, sizeof path, "%.*s%s", folder, t->path, field[0]) < (int)sizeof path, PS_EINPUT,
             "%s, line %lld: the path is too long", t->path, (long long)t->line);
    if (n >= 3) {
        part = ps_finds_part(field[2], (int64_t)strlen(field[2]));
        PS_CHECK(part >= 0, PS_EINPUT, "%s, line %lld: '%s' is no part (train, valid, test)", t->path,
                 (long long)t->line, field[2]);
    }
    PS_TRY(add_path(t, path, f));
    const int labels = ps_csv_labels(field[1]);
    const int64_t first = f->text_n;
    const char *label = field[1];
    for (int k = 0; k < labels; k++, label += strlen(label) + 1) {
        int64_t place;
        PS_TRY(ps_finds_text(f, label, (int64_t)strlen(label), &place));
    }
    if (labels != 1) f->several = true;
    for (int64_t i = before; i < f->n; i++)
        f->image[i].part = (int8_t)part, f->image[i].labels = labels, f->image[i].label = first;
    return PS_OK;
}

static enum ps_status read_lines(struct table *t, char *text, struct ps_finds *f)
{
    for (char *line = text, *next; line; line = next) {
        char *field[PS_CSV_FIELDS];
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        t->line++;
        line[strcspn(line, "\r")] = '\0';
        if (!line[0] || line[0] == '#') continue;
        const int n = ps_csv_fields(line, field);
        if (f->n == 0 && is_head(field, n)) {
            f->several = field[1][strlen(field[1]) - 1] == 's' && strcasecmp(field[1], "class") != 0;
            continue;
        }
        PS_TRY(add_line(t, field, n, f));
    }
    return PS_OK;
}

enum ps_status ps_images_csv(const char *source, struct ps_images *out, void **block)
{
    struct ps_finds f = {.numbered = true};
    const char *slash = strrchr(source, '/');
    struct table t = {.path = source, .folder = slash ? (int)(slash - source) + 1 : 0};
    struct ps_infile file;
    char *text = NULL;
    PS_TRY(ps_infile_open(source, &file));
    enum ps_status rc = ps_alloc(&text, file.bytes + 1, 1, "the table of images");
    if (rc == PS_OK) rc = ps_infile_read(&file, text, file.bytes, 0);
    if (rc == PS_OK) {
        text[file.bytes] = '\0';
        rc = read_lines(&t, text, &f);
    }
    if (rc == PS_OK) rc = ps_finds_end(&f, source, out, block);
    ps_infile_close(&file);
    free(text);
    ps_finds_free(&f);
    return rc;
}
