/* Tables of parameters: finding rows, defaults, what must be there. */
#include "common/run/param_row.h"

#include <string.h>
#include "common/run/err.h"
#include "common/run/nearest.h"

const struct ps_builtin ps_builtins[] = {
    {"params", "FILE", "read parameters from FILE (as does a first argument that ends in .par)"},
    {"write-params", NULL, "print a parameter file that repeats this command, and leave"},
    {"help", NULL, "print this help, and leave"},
    {"version", NULL, "print version and build, and leave"},
    {"help-markdown", NULL, "print the table of parameters in Markdown, and leave"},
    {"help-man", NULL, "print the manual page in roff, and leave"},
    {"help-complete", NULL, "print completion for bash, and leave"},
    {NULL, NULL, NULL},
};

static bool same_name(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char x = a[i] == '-' ? '_' : a[i], y = b[i] == '-' ? '_' : b[i];
        if (!x || x != y) return false;
    }
    return a[len] == '\0';
}

bool ps_row_builtin(const char *name, size_t len)
{
    for (const struct ps_builtin *b = ps_builtins; b->name; b++)
        if (same_name(b->name, name, len)) return true;
    return false;
}

bool ps_row_find(const struct ps_table *tables, int ntables, const char *name, size_t len, int *table,
                 int *row)
{
    for (int t = 0; t < ntables; t++)
        for (int i = 0; i < tables[t].n; i++)
            if (same_name(tables[t].rows[i].name, name, len)) return *table = t, *row = i, true;
    return false;
}

bool ps_row_letter(const struct ps_table *tables, int ntables, char letter, int *table, int *row)
{
    for (int t = 0; letter && t < ntables; t++)
        for (int i = 0; i < tables[t].n; i++)
            if (tables[t].rows[i].letter == letter && !ps_row_hidden(tables, t, i))
                return *table = t, *row = i, true;
    return false;
}

bool ps_row_hidden(const struct ps_table *tables, int table, int row)
{
    int t, i;
    const char *name = tables[table].rows[row].name;
    return ps_row_find(tables, table, name, strlen(name), &t, &i);
}

bool ps_row_next(const struct ps_table *tables, int ntables, int *table, int *row)
{
    for (++*row; *table < ntables; ++*table, *row = 0)
        for (; *row < tables[*table].n; ++*row)
            if (!ps_row_hidden(tables, *table, *row)) return true;
    return false;
}

void ps_row_nearest(const struct ps_table *tables, int ntables, const char *name, const char *prefix,
                    char *hint, size_t len)
{
    const char *best = NULL;
    bool option = *prefix;
    int least = ps_name_too_far(name);
    for (int t = 0, i = -1; ps_row_next(tables, ntables, &t, &i);) {
        int d = ps_name_distance(name, tables[t].rows[i].name);
        if (d < least) best = tables[t].rows[i].name, least = d;
    }
    for (const struct ps_builtin *b = ps_builtins; option && b->name; b++) {
        int d = ps_name_distance(name, b->name);
        if (d < least) best = b->name, least = d;
    }
    hint[0] = '\0';
    if (!best) return;
    size_t at = (size_t)snprintf(hint, len, "; did you mean %s", prefix);
    for (const char *c = best; *c && at + 3 < len; c++) hint[at++] = option && *c == '_' ? '-' : *c;
    snprintf(hint + at, len - at, "?");
}

enum ps_status ps_table_defaults(struct ps_table *tables, int ntables)
{
    union ps_value value;
    char why[PS_WHY_MAX];
    for (int t = 0; t < ntables; t++)
        for (int i = 0; i < tables[t].n; i++) {
            const struct ps_param *row = &tables[t].rows[i];
            tables[t].origin[i] = PS_FROM_DEFAULT;
            if (!row->def) continue;
            PS_CHECK(ps_value_parse(row, row->def, &value, why), PS_EINTERNAL,
                     "the default of parameter %s is wrong: %s", row->name, why);
            ps_value_store(row, &value, tables[t].values);
        }
    return PS_OK;
}

enum ps_status ps_table_check(const struct ps_table *tables, int ntables)
{
    for (int t = 0, i = -1; ps_row_next(tables, ntables, &t, &i);) {
        const struct ps_param *row = &tables[t].rows[i];
        if (row->def || tables[t].origin[i] != PS_FROM_DEFAULT) continue;
        PS_CHECK(!row->positional, PS_EUSAGE, "the argument %s is missing: %s (see --help)", row->name,
                 row->help ? row->help : row->name);
        return ps_fail(PS_EUSAGE, "the parameter %s is missing: %s (see --help)", row->name,
                       row->help ? row->help : row->name);
    }
    return PS_OK;
}

void ps_table_value(const struct ps_table *t, int i, char *text, size_t len)
{
    ps_value_text(&t->rows[i], t->values, text, len);
}
