/* The lines of support vectors: coefficients, then index:value. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "apps/pisvm/svm_modelparse.h"
#include "common/io/number.h"

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && blank(*at)) at++;
    return at;
}

static const char *line_end(const char *at, const char *end)
{
    const char *lf = memchr(at, '\n', (size_t)(end - at));
    return lf ? lf : end;
}

struct svm_vector_count svm_vectors_count(const char *text, int64_t n)
{
    struct svm_vector_count count = {0, 0, 0};
    const char *end = text + n;
    for (const char *at = text; at < end;) {
        const char *stop = line_end(at, end);
        count.lines++;
        count.vectors += skip_blanks(at, stop) < stop;
        for (const char *c = at; c < stop; c++) count.entries += *c == ':';
        at = stop + 1;
    }
    return count;
}

/** Say what is wrong with the word at `at`. */
__attribute__((cold)) static bool wrong_word(struct svm_parse_error *e, const char *at, const char *end,
                                             const char *what)
{
    char word[32];
    size_t n = 0;
    for (; at + n < end && !blank(at[n]) && n < sizeof word - 1; n++)
        word[n] = (unsigned char)at[n] < ' ' || (unsigned char)at[n] >= 127 ? '?' : at[n];
    word[n] = 0;
    snprintf(e->text, sizeof e->text, "'%s' %s", word, what);
    return false;
}

/** The coefficients in front of a line; *at goes behind them. */
static bool parse_coefs(const char **at, const char *end, int ncoef, double *coef, struct svm_parse_error *e)
{
    for (int t = 0; t < ncoef; t++) {
        const char *first = skip_blanks(*at, end);
        const char *after = first < end ? ps_number_parse(first, end, &coef[t]) : NULL;
        if (first == end || (after && after < end && *after == ':')) {
            snprintf(e->text, sizeof e->text, "%d coefficients are needed, one less than nr_class, not %d",
                     ncoef, t);
            return false;
        }
        if (!after || (after < end && !blank(*after)))
            return wrong_word(e, first, end, "is not a number; a coefficient is expected");
        if (!isfinite(coef[t])) return wrong_word(e, first, end, "is not a finite number");
        *at = after;
    }
    return true;
}

/** An index from 1 on, ended by a colon. */
static const char *parse_index(const char *at, const char *end, int64_t *out)
{
    const char *p = at;
    for (*out = 0; p < end && (unsigned char)(*p - '0') <= 9; p++)
        if (*out < (int64_t)1 << 40) *out = *out * 10 + (*p - '0');
    return p > at && p < end && *p == ':' ? p + 1 : NULL;
}

/** The entries of a line up to its end. */
static bool parse_entries(const char *at, const char *end, struct svm_vectors *out, int64_t *entries,
                          struct svm_parse_error *e)
{
    int64_t last = 0;
    for (at = skip_blanks(at, end); at < end; at = skip_blanks(at, end)) {
        int64_t index;
        double value;
        const char *number = parse_index(at, end, &index);
        if (!number) return wrong_word(e, at, end, "is not of the form index:value");
        if (index < 1 || index > INT32_MAX)
            return wrong_word(e, at, end, "has an index that is not from 1 to 2147483647");
        if (index <= last) return wrong_word(e, at, end, "is out of order: indices must ascend");
        const char *after = ps_number_parse(number, end, &value);
        if (!after || (after < end && !blank(*after)))
            return wrong_word(e, at, end, "is not of the form index:value");
        if (!isfinite(value)) return wrong_word(e, at, end, "is not a finite number");
        out->index[*entries] = (int32_t)(index - 1);
        out->value[*entries] = value;
        ++*entries;
        last = index;
        at = after;
    }
    if (last > out->cols) out->cols = last;
    return true;
}

bool svm_vectors_parse(const char *text, int64_t n, struct svm_vectors *out, struct svm_parse_error *error)
{
    const char *end = text + n;
    int64_t vector = 0, entries = out->first;
    *error = (struct svm_parse_error){0};
    out->cols = 0;
    for (const char *at = text; at < end;) {
        const char *stop = line_end(at, end), *from = skip_blanks(at, stop);
        error->line++;
        if (from < stop) {
            if (!parse_coefs(&from, stop, out->ncoef, out->coef + vector * out->ncoef, error) ||
                !parse_entries(from, stop, out, &entries, error))
                return false;
            out->end[vector++] = entries;
        }
        at = stop + 1;
    }
    return true;
}
