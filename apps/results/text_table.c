#include "apps/results/text_table.h"

#include <stdlib.h>
#include <string.h>

/* Columns on a terminal, not bytes: UTF-8's later bytes have none. */
static int width_of(const char *text)
{
    int n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static bool is_number(const char *text)
{
    char *end;
    strtod(text, &end);
    return end != text && (!*end || strncmp(end, " (", 2) == 0);
}

static const char *cell(const struct text_table *t, int row, int column)
{
    return t->cell.word[row * t->columns + column];
}

static void print_plain(FILE *f, const struct text_table *t, int rows)
{
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < t->columns; c++) {
            int width = 0;
            bool right = rows > 1;
            for (int k = 0; k < rows; k++) {
                const int w = width_of(cell(t, k, c));
                if (w > width) width = w;
                right = right && (k == 0 || !*cell(t, k, c) || is_number(cell(t, k, c)));
            }
            const char *text = cell(t, r, c);
            const int pad = width - width_of(text);
            const bool last = c + 1 == t->columns;
            fprintf(f, "%*s%s%*s%s", right ? pad : 0, "", text, right || last ? 0 : pad, "",
                    last ? "\n" : "  ");
        }
}

static void print_csv(FILE *f, const struct text_table *t, int rows)
{
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < t->columns; c++) {
            const char *text = cell(t, r, c);
            const bool quoted = strpbrk(text, ",\"\n") != NULL;
            if (quoted) fputc('"', f);
            for (; *text; text++) {
                if (*text == '"') fputc('"', f);
                fputc(*text, f);
            }
            fprintf(f, "%s%c", quoted ? "\"" : "", c + 1 < t->columns ? ',' : '\n');
        }
}

static void print_markdown(FILE *f, const struct text_table *t, int rows)
{
    for (int r = 0; r < rows; r++) {
        fputc('|', f);
        for (int c = 0; c < t->columns; c++) {
            fputc(' ', f);
            for (const char *text = cell(t, r, c); *text; text++) {
                if (*text == '|') fputc('\\', f);
                fputc(*text, f);
            }
            fputs(" |", f);
        }
        fputc('\n', f);
        if (r > 0) continue;
        fputc('|', f);
        for (int c = 0; c < t->columns; c++)
            fputs(rows > 1 && is_number(cell(t, 1, c)) ? "---:|" : "---|", f);
        fputc('\n', f);
    }
}

void text_table_print(FILE *f, const struct text_table *t, enum text_table_form form)
{
    const int rows = t->cell.n / t->columns;
    if (form == TEXT_TABLE_CSV)
        print_csv(f, t, rows);
    else if (form == TEXT_TABLE_MARKDOWN)
        print_markdown(f, t, rows);
    else
        print_plain(f, t, rows);
}
