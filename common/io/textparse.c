#include "common/io/textparse.h"

#include <stdio.h>
#include <string.h>
#include "common/io/number.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at)) at++;
    return at;
}

/** End of the line at `at`: its LF, or `end`. */
static const char *line_end(const char *at, const char *end)
{
    const char *lf = memchr(at, '\n', (size_t)(end - at));
    return lf ? lf : end;
}

/** Nothing but blanks and a comment up to `stop`? */
static bool nothing(const char *at, const char *stop)
{
    at = skip_blanks(at, stop);
    return at == stop || *at == '#';
}

struct ps_text_count ps_text_count(const char *text, int64_t n)
{
    struct ps_text_count count = {0, 0};
    const char *end = text + n;
    for (const char *at = text; at < end;) {
        const char *stop = line_end(at, end);
        count.lines++;
        count.rows += !nothing(at, stop);
        at = stop < end ? stop + 1 : end;
    }
    return count;
}

/** End of a word: the place of the separator, a comment or the line's end. */
static const char *word_end(const char *at, const char *stop, char separator)
{
    while (at < stop && *at != '#' && *at != separator && !(separator == ' ' && is_blank(*at))) at++;
    return at;
}

static void keep_word(struct ps_text_error *e, const char *at, const char *stop)
{
    size_t n = (size_t)(stop - at), max = sizeof e->word - 1;
    while (n && is_blank(at[n - 1])) n--;
    bool cut = n > max;
    if (cut) n = max - 3;
    memcpy(e->word, at, n);
    strcpy(e->word + n, cut ? "..." : "");
    for (char *c = e->word; *c; c++)
        if ((unsigned char)*c < ' ') *c = '?';
}

/** Parse one line that is no comment. */
static enum ps_text_wrong parse_row(const char *at, const char *stop, const struct ps_text_form *form,
                                    double *row, struct ps_text_error *e)
{
    char sep = form->separator;
    at = skip_blanks(at, stop);
    for (int64_t k = 0;; k++) {
        bool over = at == stop || *at == '#';
        e->field = k;
        if (k == form->cols) return over ? PS_TEXT_FINE : PS_TEXT_LONGER;
        if (over) return PS_TEXT_FEWER;
        e->field = k + 1;
        const char *after = ps_number_parse(at, stop, &row[k]);
        const char *next = skip_blanks(after ? after : at, stop);
        bool separated =
            after && (next == stop || *next == '#' || *next == sep || (sep == ' ' && next > after));
        if (!separated) {
            keep_word(e, at, word_end(at, stop, sep));
            return e->word[0] ? PS_TEXT_NOT_NUMBER : PS_TEXT_EMPTY;
        }
        at = next;
        if (sep != ' ' && at < stop && *at == sep) {
            at = skip_blanks(at + 1, stop);
            /* a separator promises a field: "1,2," has an empty third */
            if (k + 1 == form->cols) return PS_TEXT_LONGER;
            if ((at == stop || *at == '#') && k + 2 == form->cols) {
                e->field = k + 2;
                return PS_TEXT_EMPTY;
            }
        }
    }
}

struct ps_text_error ps_text_parse(const char *text, int64_t n, const struct ps_text_form *form, double *out)
{
    struct ps_text_error e = {.wrong = PS_TEXT_FINE};
    const char *end = text + n;
    for (const char *at = text; at < end; e.line++) {
        const char *stop = line_end(at, end);
        if (!nothing(at, stop)) {
            e.wrong = parse_row(at, stop, form, out, &e);
            if (e.wrong != PS_TEXT_FINE) return e;
            out += form->cols;
        }
        at = stop < end ? stop + 1 : end;
    }
    return e;
}

/** Is any field a number? A first line without one is a header; one with both is an error, never a row
 * dropped in silence. */
static bool any_number(const char *at, const char *stop, char separator)
{
    for (;;) {
        at = skip_blanks(at, stop);
        if (at == stop || *at == '#') return false;
        double value;
        const char *after = ps_number_parse(at, stop, &value), *word = word_end(at, stop, separator);
        if (after && skip_blanks(after, word) == word) return true;
        at = word < stop && *word == separator ? word + 1 : word;
    }
}

static char find_separator(const char *at, const char *stop)
{
    const char *hash = memchr(at, '#', (size_t)(stop - at));
    if (hash) stop = hash;
    if (memchr(at, ';', (size_t)(stop - at))) return ';';
    return memchr(at, ',', (size_t)(stop - at)) ? ',' : ' ';
}

static int64_t count_fields(const char *at, const char *stop, char separator)
{
    int64_t n = 0;
    at = skip_blanks(at, stop);
    while (at < stop && *at != '#') {
        n++;
        at = word_end(at, stop, separator);
        if (separator != ' ' && at < stop && *at == separator) {
            at = skip_blanks(at + 1, stop);
            if (at == stop || *at == '#') n++;
        }
        at = skip_blanks(at, stop);
    }
    return n;
}

enum ps_text_sniffed ps_text_sniff(const char *text, int64_t n, bool complete, struct ps_text_form *out)
{
    const char *end = text + n, *at = text;
    int64_t line = 0;
    *out = (struct ps_text_form){.separator = ' '};
    if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
        at += 3; /* the mark that some programs put in front of UTF-8 */
    out->data_at = at - text;
    while (at < end) {
        const char *stop = line_end(at, end);
        if (stop == end && !complete) return PS_TEXT_MORE;
        if (!nothing(at, stop)) {
            char separator = find_separator(at, stop);
            if (out->header || any_number(at, stop, separator)) {
                out->separator = separator;
                out->cols = count_fields(at, stop, separator);
                return PS_TEXT_OK;
            }
            out->header = true;
            out->data_at = (stop < end ? stop + 1 : end) - text;
            out->lines = line + 1;
        }
        line++;
        at = stop < end ? stop + 1 : end;
    }
    return complete ? PS_TEXT_NO_ROWS : PS_TEXT_MORE;
}

void ps_text_explain(const struct ps_text_error *e, const struct ps_text_form *form, int64_t line, char *out,
                     int64_t len)
{
    switch (e->wrong) {
    case PS_TEXT_FINE:
        snprintf(out, (size_t)len, "nothing is wrong");
        break;
    case PS_TEXT_NOT_NUMBER:
        snprintf(out, (size_t)len, "line %lld: '%s' in column %lld is not a number", (long long)line, e->word,
                 (long long)e->field);
        break;
    case PS_TEXT_EMPTY:
        snprintf(out, (size_t)len, "line %lld: column %lld is empty", (long long)line, (long long)e->field);
        break;
    case PS_TEXT_FEWER:
        snprintf(out, (size_t)len, "line %lld has %lld columns where the first row has %lld", (long long)line,
                 (long long)e->field, (long long)form->cols);
        break;
    case PS_TEXT_LONGER:
        snprintf(out, (size_t)len, "line %lld has more columns than the %lld of the first row",
                 (long long)line, (long long)form->cols);
        break;
    }
}
