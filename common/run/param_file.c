/* Parameter files: `name = value` lines. */
#include "common/run/param_row.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "common/run/err.h"

enum {
    LINE_MAX_BYTES = 4 * PS_STR_MAX + 256 /* a value may be escaped throughout */,
    TABLES_MAX = 4,
    ROWS_MAX = 256
};

/* What is read, for messages; `seen` holds the line that set a row. */
struct source {
    struct ps_table *tables;
    int ntables;
    const char *path;
    int line;
    int seen[TABLES_MAX][ROWS_MAX];
};

static char *trim(char *s)
{
    while (isspace((unsigned char)*s)) s++;
    char *end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1])) end--;
    *end = '\0';
    return s;
}

/* Undo "..." with \" \\ \n \t \xHH in place. False if the closing quote is missing or something follows it.
 */
static bool unquote(char *s)
{
    char *to = s, *from = s + 1;
    unsigned byte;
    int used;
    for (; *from && *from != '"'; from++) {
        if (from[0] != '\\' || !from[1]) {
            *to++ = *from;
        } else if (sscanf(from, "\\x%2x%n", &byte, &used) == 1 && used == 4 && byte) {
            *to++ = (char)byte;
            from += 3;
        } else {
            from++;
            *to++ = *from == 'n' ? '\n' : *from == 't' ? '\t' : *from;
        }
    }
    if (*from != '"') return false;
    from = trim(from + 1);
    *to = '\0';
    return !*from || *from == '#' || *from == ';';
}

/* A comment begins at `#` or `;` at the start or after a blank. */
static void cut_comment(char *s)
{
    for (char *c = s; *c; c++)
        if ((*c == '#' || *c == ';') && (c == s || isspace((unsigned char)c[-1]))) {
            *c = '\0';
            return;
        }
}

static enum ps_status take_line(struct source *src, char *text)
{
    text = trim(text);
    if (!*text || *text == '#' || *text == ';' || *text == '[') return PS_OK;
    char *equals = strchr(text, '=');
    PS_CHECK(equals, PS_EUSAGE, "%s:%d: '%.64s' is not of the form name = value", src->path, src->line, text);
    *equals = '\0';
    char *name = trim(text), *value = trim(equals + 1);
    int t, i;
    PS_CHECK(*name, PS_EUSAGE, "%s:%d: there is no name before =", src->path, src->line);
    if (!ps_row_find(src->tables, src->ntables, name, strlen(name), &t, &i)) {
        char hint[128];
        ps_row_nearest(src->tables, src->ntables, name, "", hint, sizeof hint);
        return ps_fail(PS_EUSAGE, "%s:%d: unknown parameter '%.64s'%s", src->path, src->line, name, hint);
    }
    const struct ps_param *row = &src->tables[t].rows[i];
    if (*value == '"') {
        PS_CHECK(unquote(value), PS_EUSAGE, "%s:%d: %s has a quote that is not closed", src->path, src->line,
                 name);
    } else {
        cut_comment(value);
        value = trim(value);
    }
    int *seen = &src->seen[t][i];
    PS_CHECK(!*seen, PS_EUSAGE, "%s:%d: %s is set twice, first in line %d", src->path, src->line, name,
             *seen);
    *seen = src->line;
    union ps_value parsed;
    char why[PS_WHY_MAX];
    PS_CHECK(ps_value_parse(row, value, &parsed, why), PS_EUSAGE, "%s:%d: %s %s", src->path, src->line, name,
             why);
    if (src->tables[t].origin[i] == PS_FROM_COMMAND) return PS_OK;
    ps_value_store(row, &parsed, src->tables[t].values);
    src->tables[t].origin[i] = PS_FROM_FILE;
    return PS_OK;
}

/* Bytes that no text has: control characters, and zeros, which hide what follows them. */
static bool is_text(const char *line, size_t len, size_t size)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < 32 && !isspace((unsigned char)line[i])) return false;
    for (size_t i = len; i < size; i++)
        if (line[i]) return false;
    return true;
}

static enum ps_status take_lines(struct source *src, FILE *f)
{
    char line[LINE_MAX_BYTES];
    while (memset(line, 0, sizeof line), fgets(line, sizeof line, f)) {
        src->line++;
        size_t len = strlen(line);
        PS_CHECK(is_text(line, len, sizeof line) &&
                     (feof(f) || len + 1 == sizeof line || line[len - 1] == '\n'),
                 PS_EUSAGE, "%s:%d: this is not a text file", src->path, src->line);
        PS_CHECK(len + 1 < sizeof line || line[len - 1] == '\n', PS_EUSAGE, "%s:%d: the line is too long",
                 src->path, src->line);
        char *text = line;
        if (src->line == 1 && strncmp(text, "\xEF\xBB\xBF", 3) == 0) text += 3; /* byte-order mark */
        PS_TRY(take_line(src, text));
    }
    PS_CHECK(!ferror(f), PS_EUSAGE, "the parameter file %s cannot be read: %s", src->path, strerror(errno));
    return PS_OK;
}

enum ps_status ps_table_file(struct ps_table *tables, int ntables, const char *path)
{
    PS_CHECK(ntables <= TABLES_MAX, PS_EINTERNAL, "more than %d parameter tables", TABLES_MAX);
    for (int t = 0; t < ntables; t++)
        PS_CHECK(tables[t].n <= ROWS_MAX, PS_EINTERNAL, "more than %d parameters in a table", ROWS_MAX);
    struct source *src;
    PS_TRY(ps_zalloc(&src, 1, sizeof *src, "a parameter file"));
    src->tables = tables, src->ntables = ntables, src->path = path;
    enum ps_status rc = PS_OK;
    struct stat st;
    FILE *f = fopen(path, "r");
    PS_CHECK_DONE(f, PS_EUSAGE, "the parameter file %s cannot be opened: %s", path, strerror(errno));
    PS_CHECK_DONE(fstat(fileno(f), &st) != 0 || !S_ISDIR(st.st_mode), PS_EUSAGE,
                  "the parameter file %s is a directory", path);
    PS_TRY_DONE(take_lines(src, f));
done:
    if (f) fclose(f);
    free(src);
    return rc;
}

void ps_table_write_text(FILE *f, const char *s)
{
    size_t len = strlen(s);
    bool plain = len == 0 || (!isspace((unsigned char)s[0]) && !isspace((unsigned char)s[len - 1]));
    for (const char *c = s; *c; c++) plain = plain && !strchr("\"\\#;", *c) && (unsigned char)*c >= 32;
    if (plain) {
        fputs(s, f);
        return;
    }
    fputc('"', f);
    for (; *s; s++) {
        if ((unsigned char)*s < 32)
            fprintf(f, "\\x%02x", (unsigned)*s);
        else
            fprintf(f, "%s%c", *s == '"' || *s == '\\' ? "\\" : "", *s);
    }
    fputc('"', f);
}

void ps_table_write(FILE *f, const struct ps_table *tables, int ntables)
{
    char text[PS_TEXT_MAX];
    for (int t = 0, i = -1; ps_row_next(tables, ntables, &t, &i);) {
        const struct ps_param *row = &tables[t].rows[i];
        if (row->help)
            fprintf(f, "# %s%s%s\n", row->help, row->unit && *row->unit ? ", in " : "",
                    row->unit ? row->unit : "");
        if (!row->def && tables[t].origin[i] == PS_FROM_DEFAULT) {
            fprintf(f, "# %s =   (required)\n", row->name);
            continue;
        }
        ps_table_value(&tables[t], i, text, sizeof text);
        fprintf(f, "%s =%s", row->name, *text ? " " : "");
        ps_table_write_text(f, text);
        fputc('\n', f);
    }
}
