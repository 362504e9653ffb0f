/** Single rows of parameter tables; private to common/run. */
#ifndef PS_PARAM_ROW_H
#define PS_PARAM_ROW_H

#include "common/run/param.h"

enum { PS_WHY_MAX = 256 };

/** A value of any kind. */
union ps_value {
    int i;
    int64_t i64;
    double d;
    bool b;
    char s[PS_STR_MAX];
    struct ps_list list;
    struct ps_keyed keyed;
};

/** Parse text as the row's kind and check choices and range. Local.
 * @param why out [PS_WHY_MAX]: on failure, what is wrong with the text, to follow the name ("cannot be
 * 'x': not a number") */
bool ps_value_parse(const struct ps_param *row, const char *text, union ps_value *out, char *why);

/** The row's place in the struct gets the value. Local. */
void ps_value_store(const struct ps_param *row, const union ps_value *value, void *params);

/** The row's value as plain text (no quotes); the word where the row has choices. Local. */
void ps_value_text(const struct ps_param *row, const void *params, char *text, size_t len);

/** The smallest and largest admitted values in words, or the choices, or "". Local. */
void ps_value_domain(const struct ps_param *row, char *text, size_t len);

/** Find a row by name (`_` equals `-`) or by letter in the first table that has it. Local. */
bool ps_row_find(const struct ps_table *tables, int ntables, const char *name, size_t len, int *table,
                 int *row);
bool ps_row_letter(const struct ps_table *tables, int ntables, char letter, int *table, int *row);

/** True where an earlier table has a row of this name: help and files leave it out. Local. */
bool ps_row_hidden(const struct ps_table *tables, int table, int row);

/** True for an option that ps_main serves itself (`help`, `params` ...). Local. */
bool ps_row_builtin(const char *name, size_t len);

/** The known name nearest to an unknown one as ": did you mean ...?" with `prefix` before it, or "". Local.
 */
void ps_row_nearest(const struct ps_table *tables, int ntables, const char *name, const char *prefix,
                    char *hint, size_t len);

/** Walk over the visible rows: for (t = 0, i = -1; ps_row_next(tables, n, &t, &i);). Local. */
bool ps_row_next(const struct ps_table *tables, int ntables, int *table, int *row);

/** The options that ps_main serves: name, argument or NULL, help; ended by a NULL name. */
struct ps_builtin {
    const char *name, *argument, *help;
};
extern const struct ps_builtin ps_builtins[];

#endif
