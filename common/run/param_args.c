/* The command line. */
#include "common/run/param_row.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

/* Where the walk over the arguments stands. */
struct walk {
    struct ps_table *tables;
    int ntables, argc, at;
    char **argv;
    int free_arguments; /* seen so far, without the parameter file */
    bool ended;         /* after `--` everything is a free argument */
    char *params_file;  /* a ps_str */
};

static bool is_number(const char *text)
{
    char *end;
    strtod(text, &end);
    return end != text && !*end;
}

/* A following argument is a value unless it looks like an option; `-` and negative numbers do not. */
static bool is_value(const char *text)
{
    return text[0] != '-' || text[1] == '\0' || is_number(text);
}

static enum ps_status set(struct walk *w, int t, int i, const char *shown, const char *text)
{
    union ps_value value;
    char why[PS_WHY_MAX];
    const struct ps_param *row = &w->tables[t].rows[i];
    PS_CHECK(ps_value_parse(row, text, &value, why), PS_EUSAGE, "%s %s", shown, why);
    ps_value_store(row, &value, w->tables[t].values);
    w->tables[t].origin[i] = PS_FROM_COMMAND;
    return PS_OK;
}

/* One more number of a key, `-w1 5`: after those that the command line gave before. */
static enum ps_status set_keyed(struct walk *w, int t, int i, const char *shown, const char *text)
{
    const struct ps_param *row = &w->tables[t].rows[i];
    union ps_value more, all = {.keyed = {0}};
    char why[PS_WHY_MAX];
    PS_CHECK(ps_value_parse(row, text, &more, why), PS_EUSAGE, "%s %s", shown, why);
    if (w->tables[t].origin[i] == PS_FROM_COMMAND)
        memcpy(&all.keyed, (char *)w->tables[t].values + row->offset, sizeof all.keyed);
    for (int m = 0; m < more.keyed.n; m++) {
        int at = 0;
        while (at < all.keyed.n && all.keyed.key[at] != more.keyed.key[m]) at++;
        PS_CHECK(at < PS_LIST_MAX, PS_EUSAGE, "%s has more than %d keys", shown, PS_LIST_MAX);
        if (at == all.keyed.n) all.keyed.n++;
        all.keyed.key[at] = more.keyed.key[m];
        all.keyed.value[at] = more.keyed.value[m];
    }
    ps_value_store(row, &all, w->tables[t].values);
    w->tables[t].origin[i] = PS_FROM_COMMAND;
    return PS_OK;
}

static enum ps_status take_params_file(struct walk *w, const char *path)
{
    PS_CHECK(*path, PS_EUSAGE, "--params needs the name of a parameter file");
    PS_CHECK(strlen(path) < PS_STR_MAX, PS_EUSAGE,
             "the name of the parameter file is longer than %d characters", PS_STR_MAX - 1);
    PS_CHECK(!*w->params_file, PS_EUSAGE, "two parameter files are given, %s and %s; one is read at most",
             w->params_file, path);
    snprintf(w->params_file, PS_STR_MAX, "%s", path);
    return PS_OK;
}

/* The value of the option at w->at: after `=` or in the next argument. NULL with a message if there is none.
 */
static const char *take_value(struct walk *w, const char *shown, const char *attached)
{
    if (attached) return attached;
    if (w->at + 1 < w->argc && is_value(w->argv[w->at + 1])) return w->argv[++w->at];
    if (w->at + 1 < w->argc)
        ps_fail(PS_EUSAGE, "%s needs a value, but '%s' follows", shown, w->argv[w->at + 1]);
    else
        ps_fail(PS_EUSAGE, "%s needs a value", shown);
    return NULL;
}

/* The value of an option that takes several arguments, joined by blanks. Each is a number: -y -1 1. */
static enum ps_status take_values(struct walk *w, int t, int i, const char *shown, const char *first)
{
    char all[PS_TEXT_MAX];
    const int values = w->tables[t].rows[i].values;
    size_t at = (size_t)snprintf(all, sizeof all, "%s", first);
    for (int n = 1;
         n < values && !strpbrk(first, ", ") && w->at + 1 < w->argc && is_number(w->argv[w->at + 1]); n++)
        if (at < sizeof all) at += (size_t)snprintf(all + at, sizeof all - at, " %s", w->argv[++w->at]);
    return set(w, t, i, shown, all);
}

/* What an option with a value does with it. */
static enum ps_status take(struct walk *w, int t, int i, const char *shown, const char *value)
{
    const struct ps_param *row = &w->tables[t].rows[i];
    if (row->kind == PS_KIND_KEYED) return set_keyed(w, t, i, shown, value);
    if (row->kind == PS_KIND_LIST) return take_values(w, t, i, shown, value);
    return set(w, t, i, shown, value);
}

static enum ps_status unknown(struct walk *w, const char *name, size_t len)
{
    char word[64], hint[128];
    snprintf(word, sizeof word, "%.*s", (int)len, name);
    ps_row_nearest(w->tables, w->ntables, word, "--", hint, sizeof hint);
    return ps_fail(PS_EUSAGE, "unknown option --%s%s (see --help)", word, hint);
}

static enum ps_status long_option(struct walk *w, const char *arg)
{
    const char *name = arg + 2, *equals = strchr(name, '='), *value = equals ? equals + 1 : NULL;
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    char shown[80];
    int t, i;
    snprintf(shown, sizeof shown, "--%.*s", (int)(len < 70 ? len : 70), name);
    if (ps_row_find(w->tables, w->ntables, name, len, &t, &i)) {
        if (w->tables[t].rows[i].flag) return set(w, t, i, shown, value ? value : "1");
        value = take_value(w, shown, value);
        return value ? take(w, t, i, shown, value) : PS_EUSAGE;
    }
    if (len == 6 && strncmp(name, "params", len) == 0) {
        value = take_value(w, shown, value);
        return value ? take_params_file(w, value) : PS_EUSAGE;
    }
    bool negated = len > 3 && (strncmp(name, "no-", 3) == 0 || strncmp(name, "no_", 3) == 0);
    if (negated && !value && ps_row_find(w->tables, w->ntables, name + 3, len - 3, &t, &i) &&
        w->tables[t].rows[i].flag && w->tables[t].rows[i].kind == PS_KIND_BOOL)
        return set(w, t, i, shown, "false");
    return unknown(w, name, len);
}

static enum ps_status short_option(struct walk *w, const char *arg)
{
    char shown[3] = {'-', arg[1], '\0'};
    int t, i;
    if (!ps_row_letter(w->tables, w->ntables, arg[1], &t, &i)) {
        char hint[128];
        ps_row_nearest(w->tables, w->ntables, arg + 1, "--", hint, sizeof hint);
        return ps_fail(PS_EUSAGE, "unknown option %.70s%s (see --help)", arg, arg[2] ? hint : "");
    }
    if (w->tables[t].rows[i].flag) {
        PS_CHECK(!arg[2], PS_EUSAGE, "%s takes no value, but '%.64s' is attached to it", shown, arg + 2);
        return set(w, t, i, shown, "1");
    }
    if (w->tables[t].rows[i].kind == PS_KIND_KEYED && arg[2] && !strchr(arg, ':')) { /* -w1 5 */
        char keyed[160];
        const char *number = take_value(w, arg, NULL);
        if (!number) return PS_EUSAGE;
        snprintf(keyed, sizeof keyed, "%.64s:%.64s", arg + 2, number);
        return set_keyed(w, t, i, shown, keyed);
    }
    const char *value = take_value(w, shown, arg[2] ? arg + 2 : NULL);
    return value ? take(w, t, i, shown, value) : PS_EUSAGE;
}

/* Another argument of a row that takes many. */
static enum ps_status keep(const struct walk *w, struct ps_table *t, char *arg)
{
    int n = 0;
    if (!t->many) PS_TRY(ps_zalloc(&t->many, w->argc + 1, sizeof *t->many, "the arguments"));
    while (t->many[n]) n++;
    t->many[n] = arg;
    return PS_OK;
}

static enum ps_status free_argument(struct walk *w, char *arg)
{
    size_t len = strlen(arg);
    bool first = w->free_arguments == 0 && !*w->params_file;
    if (first && !w->ended && len > 4 && strcmp(arg + len - 4, ".par") == 0) return take_params_file(w, arg);
    w->free_arguments++;
    for (int t = 0, i = -1; ps_row_next(w->tables, w->ntables, &t, &i);) {
        const struct ps_param *row = &w->tables[t].rows[i];
        if (row->many && row->positional <= w->free_arguments) PS_TRY(keep(w, &w->tables[t], arg));
        if (row->positional == w->free_arguments) return set(w, t, i, row->name, arg);
        if (row->many && row->positional < w->free_arguments) return PS_OK;
    }
    PS_CHECK(w->free_arguments > 1, PS_EUSAGE,
             "'%.200s' is not expected: this program takes options and a parameter file (.par) only", arg);
    return ps_fail(PS_EUSAGE, "'%.200s' is one argument too many (see --help)", arg);
}

enum ps_status ps_table_args(struct ps_table *tables, int ntables, int argc, char **argv, ps_str params_file)
{
    struct walk w = {.tables = tables, .ntables = ntables, .argc = argc, .argv = argv};
    w.params_file = params_file;
    params_file[0] = '\0';
    for (w.at = 1; w.at < argc; w.at++) {
        char *arg = argv[w.at];
        int t, i;
        bool negative = is_number(arg) && !ps_row_letter(tables, ntables, arg[1], &t, &i);
        if (w.ended || arg[0] != '-' || !arg[1] || negative)
            PS_TRY(free_argument(&w, arg));
        else if (strcmp(arg, "--") == 0)
            w.ended = true;
        else if (arg[1] == '-')
            PS_TRY(long_option(&w, arg));
        else
            PS_TRY(short_option(&w, arg));
    }
    return PS_OK;
}
