/* Help, Markdown, manual page and completion from the tables. */
#include "common/run/param_row.h"

#include <string.h>

/* What kind of argument a row takes, for help. */
static const char *argument(const struct ps_param *row)
{
    if (row->flag) return "";
    if (row->choices && *row->choices) return "WORD";
    switch (row->kind) {
    case PS_KIND_INT:
    case PS_KIND_INT64:
        return "N";
    case PS_KIND_DOUBLE:
        return "X";
    case PS_KIND_BOOL:
        return "on|off";
    case PS_KIND_STR:
        return "TEXT";
    case PS_KIND_LIST:
        return row->values == 2 ? "X X" : "X,X...";
    case PS_KIND_KEYED:
        return "KEY:X,...";
    }
    return "";
}

/* The name as it is written on the command line. */
static void option_name(const char *name, char *text, size_t len)
{
    snprintf(text, len, "%s", name);
    for (char *c = text; *c; c++)
        if (*c == '_') *c = '-';
}

/* False where an earlier row took the letter. */
static bool has_letter(const struct ps_table *tables, int ntables, int table, int row)
{
    int t, i;
    return ps_row_letter(tables, ntables, tables[table].rows[row].letter, &t, &i) && t == table && i == row;
}

/* "default 2, in [1,inf), points" or the like. */
static void facts(const struct ps_param *row, char *text, size_t len)
{
    char domain[256];
    size_t at = 0;
    ps_value_domain(row, domain, sizeof domain);
    text[0] = '\0';
#define ADD(...) at += (size_t)snprintf(text + at, at < len ? len - at : 0, __VA_ARGS__)
    if (row->flag) return;
    if (!row->def)
        ADD("required");
    else if (*row->def)
        ADD("default %s", row->def);
    if (*domain) ADD("%s%s%s", at ? "; " : "", row->choices && *row->choices ? "" : "in ", domain);
    if (row->unit && *row->unit) ADD("%sunit %s", at ? "; " : "", row->unit);
#undef ADD
}

static void help_line(FILE *f, const char *option, const char *help, const char *more)
{
    enum { COLUMN = 30, WIDTH = 100 };
    int at = fprintf(f, "  %s", option);
    if (at > COLUMN - 2) fputc('\n', f), at = 0;
    char text[2048];
    snprintf(text, sizeof text, "%s%s%s%s", help ? help : "", *more ? " (" : "", more, *more ? ")" : "");
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
        if (at > COLUMN && at + 1 + (int)strlen(word) > WIDTH) fputc('\n', f), at = 0;
        if (at < COLUMN)
            at += fprintf(f, "%*s%s", COLUMN - at, "", word);
        else
            at += fprintf(f, " %s", word);
    }
    fputc('\n', f);
}

void ps_table_help(FILE *f, const struct ps_table *tables, int ntables)
{
    char option[192], name[96], more[512];
    int section = -1;
    for (int t = 0, i = -1; ps_row_next(tables, ntables, &t, &i);) {
        const struct ps_param *row = &tables[t].rows[i];
        if (t != section) fprintf(f, "\n%s\n", t == 0 ? "Parameters:" : "Parameters of every program:");
        section = t;
        option_name(row->name, name, sizeof name);
        char letter[6] = "    ";
        if (has_letter(tables, ntables, t, i)) snprintf(letter, sizeof letter, "-%c, ", row->letter);
        snprintf(option, sizeof option, "%s--%s%s%s", letter, name, row->flag ? "" : " ", argument(row));
        facts(row, more, sizeof more);
        help_line(f, option, row->help, more);
    }
    fprintf(f, "\nOptions of every program:\n");
    for (const struct ps_builtin *b = ps_builtins; b->name; b++) {
        int t, i;
        bool h = strcmp(b->name, "help") == 0 && !ps_row_letter(tables, ntables, 'h', &t, &i);
        snprintf(option, sizeof option, "%s--%s%s%s", h ? "-h, " : "    ", b->name, b->argument ? " " : "",
                 b->argument ? b->argument : "");
        help_line(f, option, b->help, "");
    }
}

/* A cell: `|` would end it. */
static void cell(FILE *f, const char *text)
{
    fputs(" ", f);
    for (; text && *text; text++) {
        if (*text == '|') fputc('\\', f);
        fputc(*text, f);
    }
    fputs(" |", f);
}

void ps_table_markdown(FILE *f, const struct ps_table *tables, int ntables)
{
    char name[96], option[128], domain[256];
    int section = -1;
    for (int t = 0, i = -1; ps_row_next(tables, ntables, &t, &i);) {
        const struct ps_param *row = &tables[t].rows[i];
        if (t != section && t > 0) fprintf(f, "\nParameters of every program:\n\n");
        if (t != section)
            fprintf(
                f, "| parameter | option | default | values | unit | meaning |\n|---|---|---|---|---|---|\n");
        section = t;
        option_name(row->name, name, sizeof name);
        if (has_letter(tables, ntables, t, i))
            snprintf(option, sizeof option, "`-%c`, `--%s`", row->letter, name);
        else
            snprintf(option, sizeof option, "`--%s`", name);
        ps_value_domain(row, domain, sizeof domain);
        fputs("|", f);
        cell(f, row->name);
        cell(f, option);
        cell(f, row->flag && row->kind == PS_KIND_BOOL ? "off" : row->def ? row->def : "(required)");
        cell(f, domain);
        cell(f, row->unit);
        cell(f, row->help);
        fputc('\n', f);
    }
}

/* Text for roff: a minus sign and a backslash are escaped, a leading dot is no request. */
static void roff(FILE *f, const char *text)
{
    if (text && (*text == '.' || *text == '\'')) fputs("\\&", f);
    for (; text && *text; text++) {
        if (*text == '-')
            fputs("\\-", f);
        else if (*text == '\\')
            fputs("\\e", f);
        else
            fputc(*text, f);
    }
}

void ps_table_man(FILE *f, const struct ps_table *tables, int ntables)
{
    char name[96], more[512];
    fprintf(f, ".SH OPTIONS\n");
    for (int t = 0, i = -1; ps_row_next(tables, ntables, &t, &i);) {
        const struct ps_param *row = &tables[t].rows[i];
        option_name(row->name, name, sizeof name);
        fprintf(f, ".TP\n");
        if (has_letter(tables, ntables, t, i)) fprintf(f, "\\fB\\-%c\\fR, ", row->letter);
        fprintf(f, "\\fB\\-\\-");
        roff(f, name);
        fprintf(f, "\\fR %s\n", argument(row));
        roff(f, row->help);
        facts(row, more, sizeof more);
        if (*more) {
            fprintf(f, "\n(");
            roff(f, more);
            fprintf(f, ")");
        }
        fputc('\n', f);
    }
    for (const struct ps_builtin *b = ps_builtins; b->name; b++) {
        fprintf(f, ".TP\n\\fB\\-\\-");
        roff(f, b->name);
        fprintf(f, "\\fR %s\n", b->argument ? b->argument : "");
        roff(f, b->help);
        fputc('\n', f);
    }
}

void ps_table_complete(FILE *f, const char *program, const struct ps_table *tables, int ntables)
{
    char name[96], function[96];
    snprintf(function, sizeof function, "_%s", program);
    for (char *c = function; *c; c++)
        if (*c == '-') *c = '_';
    fprintf(f, "%s()\n{\n    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n",
            function);
    fprintf(f, "    case $before in\n");
    for (int t = 0, i = -1; ps_row_next(tables, ntables, &t, &i);) {
        const struct ps_param *row = &tables[t].rows[i];
        if (!row->choices || !*row->choices) continue;
        option_name(row->name, name, sizeof name);
        fprintf(f, "    --%s) COMPREPLY=($(compgen -W '", name);
        for (const char *c = row->choices; *c; c++) fputc(*c == '|' ? ' ' : *c, f);
        fprintf(f, "' -- \"$word\")); return ;;\n");
    }
    fprintf(f, "    esac\n    [[ $word == -* ]] || { COMPREPLY=($(compgen -f -- \"$word\")); return; }\n");
    fprintf(f, "    COMPREPLY=($(compgen -W '");
    for (int t = 0, i = -1; ps_row_next(tables, ntables, &t, &i);) {
        option_name(tables[t].rows[i].name, name, sizeof name);
        fprintf(f, "--%s ", name);
    }
    for (const struct ps_builtin *b = ps_builtins; b->name; b++)
        fprintf(f, "--%s%s", b->name, b[1].name ? " " : "");
    fprintf(f, "' -- \"$word\"))\n}\ncomplete -o filenames -F %s %s\n", function, program);
}
