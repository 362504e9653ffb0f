/** One table per program describes its parameters: defaults, parsing, files, help, docs and records come from
 * it. */
#ifndef PS_PARAM_H
#define PS_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "kernels/status.h"

enum { PS_STR_MAX = 1024 };
typedef char ps_str[PS_STR_MAX]; /* parameter structs own no heap and are broadcast as bytes */

enum { PS_LIST_MAX = 64, PS_TEXT_MAX = 4096 /* room for any value as text */ };

/** Several numbers, `1,10,100` or `1 10 100`; none at first where the default is "". */
struct ps_list {
    int n;
    double value[PS_LIST_MAX];
};

/** Numbers by whole-number keys, `1:5,-1:2`; with a letter also `-w1 5 -w-1 2`. A later number of a key takes
 * the place of the earlier one. */
struct ps_keyed {
    int n;
    int key[PS_LIST_MAX];
    double value[PS_LIST_MAX];
};

enum ps_kind {
    PS_KIND_INT,
    PS_KIND_INT64,
    PS_KIND_DOUBLE,
    PS_KIND_BOOL,
    PS_KIND_STR,
    PS_KIND_LIST,
    PS_KIND_KEYED
};

/** One row: a member of the program's parameter struct. */
struct ps_param {
    const char *name; /**< member name; `_` and `-` are equal on the command line and in files */
    char letter;      /**< short option, 0 = none */
    bool flag;        /**< takes no argument on the command line (a PS_KIND_BOOL or a letter such as -D) */
    int positional;   /**< 1 = first free argument that is not a parameter file, 2 = second ..., 0 = none */
    bool many;        /**< positional: takes the free arguments that follow, too (ps_table.many) */
    enum ps_kind kind;
    size_t offset;
    int values;        /**< PS_KIND_LIST: how many numbers it takes, as so many arguments too (`-y 0 1`); 0 =
                            any number of them, in one argument */
    const char *def;   /**< default as text; NULL: no default and the parameter is required */
    const char *range; /**< "[0,inf)" style interval; NULL or "": any finite value */
    const char *choices; /**< "a|b|c"; with PS_KIND_INT the value is the index, with PS_KIND_STR the word */
    const char *unit;
    const char *help;
};

#define PS_KIND_OF(x) \
    _Generic((x), int: PS_KIND_INT, int64_t: PS_KIND_INT64, double: PS_KIND_DOUBLE, bool: PS_KIND_BOOL, char *: PS_KIND_STR, struct ps_list: PS_KIND_LIST, struct ps_keyed: PS_KIND_KEYED)
#define PS_PARAM(type, member, ...)                                                                 \
    {                                                                                               \
        .name = #member, .kind = PS_KIND_OF(((type *)0)->member), .offset = offsetof(type, member), \
        __VA_ARGS__                                                                                 \
    }

enum ps_origin { PS_FROM_DEFAULT, PS_FROM_FILE, PS_FROM_COMMAND };

/** A table over one struct, with the origin of each value. */
struct ps_table {
    const struct ps_param *rows;
    int n;
    void *values;           /**< the parameter struct; borrowed */
    enum ps_origin *origin; /**< [n]; owned by whoever made the table */
    char **many; /**< arguments of a row that takes many, ended by NULL; the list is owned by whoever made the
                    table, the texts are argv's; NULL: none */
};

/** Set every row to its default; a default outside its row's range is PS_EINTERNAL. Local. */
enum ps_status ps_table_defaults(struct ps_table *tables, int ntables);

/** Parse `--name value`, `--name=value`, `-l value`, `-lvalue`, flags (`--name`, `--no-name`), positionals;
 * `--` ends options. Local. A row of an earlier table hides rows of the same name and letter in later ones.
 * @param params_file out: the path given as `--params FILE` or as a first free argument that ends in `.par`,
 * else ""
 * @return PS_OK; PS_EUSAGE with the nearest known name */
enum ps_status ps_table_args(struct ps_table *tables, int ntables, int argc, char **argv, ps_str params_file);

/** Read a `name = value` file (`#` and `;` comments, `[sections]` mean nothing, "quoted" values). Local.
 * Call it after ps_table_args: values from the command line stay.
 * @return PS_OK; PS_EUSAGE with file, line and nearest name; PS_ENOMEM */
enum ps_status ps_table_file(struct ps_table *tables, int ntables, const char *path);

/** Check that required rows are there once all sources are applied (ranges are checked where values are
 * read). Local. */
enum ps_status ps_table_check(const struct ps_table *tables, int ntables);

/** Value of row i as text that parses back to the same value. Local. */
void ps_table_value(const struct ps_table *t, int i, char *text, size_t len);

/** Print the help, the Markdown table of docs/, the options of the man page, bash completion, or a resolved
 * parameter file. Local. */
void ps_table_help(FILE *f, const struct ps_table *tables, int ntables);
void ps_table_markdown(FILE *f, const struct ps_table *tables, int ntables);
void ps_table_man(FILE *f, const struct ps_table *tables, int ntables);
void ps_table_complete(FILE *f, const char *program, const struct ps_table *tables, int ntables);
void ps_table_write(FILE *f, const struct ps_table *tables, int ntables);

/** Text as the value of a line in a parameter file, which reads it back: in quotes where it needs them.
 * Local.
 */
void ps_table_write_text(FILE *f, const char *text);

#endif
