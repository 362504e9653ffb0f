/* Any bytes as a text table: no reading or writing out of bounds, no rows invented, numbers as strtod reads
 * them, and the same result whether the text is parsed whole or in two pieces. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/number.h"
#include "common/io/textparse.h"

#define REQUIRE(cond)                                                  \
    do {                                                               \
        if (!(cond)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                   \
        }                                                              \
    } while (0)

static void number(const char *text, int64_t n)
{
    double value, want;
    const char *after = ps_number_parse(text, text + n, &value);
    if (!after) return;
    REQUIRE(after > text && after <= text + n);
    char *copy = malloc((size_t)(after - text) + 1);
    memcpy(copy, text, (size_t)(after - text));
    copy[after - text] = 0;
    want = strtod(copy, NULL);
    REQUIRE(value == want || (value != value && want != want));
    free(copy);
}

/** Parse text [lo, n) from a buffer of exactly that size, so that a step beyond its end is seen. */
static struct ps_text_error parse(const char *text, int64_t n, const struct ps_text_form *form, int64_t rows,
                                  double **out)
{
    char *exact = malloc((size_t)n + !n);
    memcpy(exact, text, (size_t)n);
    *out = calloc((size_t)(rows * form->cols) + 1, sizeof **out);
    struct ps_text_error e = ps_text_parse(exact, n, form, *out);
    free(exact);
    return e;
}

static void in_two(const char *text, int64_t n, const struct ps_text_form *form, struct ps_text_count all,
                   const double *whole)
{
    const char *lf = memchr(text + n / 2, '\n', (size_t)(n - n / 2));
    if (!lf) return;
    int64_t cut = lf + 1 - text;
    struct ps_text_count a = ps_text_count(text, cut), b = ps_text_count(text + cut, n - cut);
    REQUIRE(a.lines + b.lines == all.lines && a.rows + b.rows == all.rows);
    double *first, *second;
    REQUIRE(parse(text, cut, form, a.rows, &first).wrong == PS_TEXT_FINE);
    REQUIRE(parse(text + cut, n - cut, form, b.rows, &second).wrong == PS_TEXT_FINE);
    REQUIRE(!memcmp(first, whole, sizeof *first * (size_t)(a.rows * form->cols)));
    REQUIRE(!memcmp(second, whole + a.rows * form->cols, sizeof *second * (size_t)(b.rows * form->cols)));
    free(first);
    free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ps_text_form form;
    const char *text = (const char *)data;
    int64_t n = (int64_t)size;
    number(text, n);
    ps_text_sniff(text, n, false, &form);
    if (ps_text_sniff(text, n, true, &form) != PS_TEXT_OK) return 0;
    REQUIRE(form.cols >= 1 && form.data_at >= 0 && form.data_at <= n);
    text += form.data_at;
    n -= form.data_at;
    struct ps_text_count all = ps_text_count(text, n);
    REQUIRE(all.rows >= 1 && all.rows <= all.lines);
    if (all.rows * form.cols > 1 << 22) return 0;
    double *whole;
    struct ps_text_error e = parse(text, n, &form, all.rows, &whole);
    if (e.wrong == PS_TEXT_FINE) {
        in_two(text, n, &form, all, whole);
    } else {
        char words[256];
        ps_text_explain(&e, &form, form.lines + e.line + 1, words, sizeof words);
        REQUIRE(e.line < all.lines && strstr(words, "line "));
    }
    free(whole);
    return 0;
}
