/* Any bytes as sparse rows: no reading beyond the promised bytes behind the text, no writing out of bounds,
 * numbers as strtod reads them, indices that ascend, and the same result whether the text is parsed whole or
 * in two pieces. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/sparseparse.h"

#define REQUIRE(cond)                                                  \
    do {                                                               \
        if (!(cond)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                   \
        }                                                              \
    } while (0)

/** A parsed text. */
struct parsed {
    struct ps_sparse_count count;
    struct ps_sparse_rows rows;
    struct ps_sparse_error error;
};

/** Parse from and into buffers of exactly the size that is promised. */
static struct parsed parse(const char *text, int64_t n, int64_t first)
{
    char *exact = malloc((size_t)n + PS_SPARSE_PAD);
    memcpy(exact, text, (size_t)n);
    memset(exact + n, '7', PS_SPARSE_PAD);
    struct parsed p = {.count = ps_sparse_count(exact, n)};
    size_t rows = (size_t)p.count.rows, entries = (size_t)p.count.entries;
    p.rows = (struct ps_sparse_rows){.label = malloc(rows * sizeof(double)),
                                     .end = malloc(rows * sizeof(int64_t)),
                                     .index = malloc(entries * sizeof(int32_t)),
                                     .value = malloc(entries * sizeof(double))};
    struct ps_sparse_rows shifted = p.rows;
    shifted.first = first; /* as a later piece has it */
    shifted.index -= first;
    shifted.value -= first;
    p.error = ps_sparse_parse(exact, n, &shifted);
    p.rows.cols = shifted.cols;
    free(exact);
    return p;
}

static void free_parsed(struct parsed *p)
{
    free(p->rows.label);
    free(p->rows.end);
    free(p->rows.index);
    free(p->rows.value);
}

/** The same text by the C library. */
static void compare(const char *text, int64_t n, const struct parsed *p)
{
    char *copy = malloc((size_t)n), *next;
    int64_t row = 0, k = 0, cols = 0;
    memcpy(copy, text, (size_t)n);
    for (char *at = copy; at < copy + n; at = next) {
        char *stop = memchr(at, '\n', (size_t)(copy + n - at)), *rest = NULL;
        next = stop + 1;
        *stop = 0;
        if (strchr(at, '#')) *strchr(at, '#') = 0;
        char *word = strtok_r(at, " \t\r", &rest);
        if (!word) continue;
        REQUIRE(p->rows.label[row] == strtod(word, NULL));
        for (int64_t last = 0, index; (word = strtok_r(NULL, " \t\r", &rest)); last = index, k++) {
            index = strtoll(word, NULL, 10);
            REQUIRE(index > last && index == p->rows.index[k] + INT64_C(1));
            REQUIRE(p->rows.value[k] == strtod(strchr(word, ':') + 1, NULL) && isfinite(p->rows.value[k]));
            if (index > cols) cols = index;
        }
        REQUIRE(p->rows.end[row++] == k);
    }
    REQUIRE(row == p->count.rows && k == p->count.entries && cols == p->rows.cols);
    free(copy);
}

static void in_two(const char *text, int64_t n, const struct parsed *all)
{
    const char *lf = memchr(text + n / 2, '\n', (size_t)(n - n / 2));
    int64_t cut = lf + 1 - text;
    struct parsed a = parse(text, cut, 0), b = parse(text + cut, n - cut, a.count.entries);
    REQUIRE(a.error.wrong == PS_SPARSE_FINE && b.error.wrong == PS_SPARSE_FINE);
    REQUIRE(a.count.lines + b.count.lines == all->count.lines);
    REQUIRE(a.count.rows + b.count.rows == all->count.rows);
    REQUIRE(a.count.entries + b.count.entries == all->count.entries);
    size_t rows = (size_t)a.count.rows, entries = (size_t)a.count.entries;
    REQUIRE(!memcmp(a.rows.end, all->rows.end, rows * sizeof(int64_t)));
    REQUIRE(!memcmp(b.rows.end, all->rows.end + rows, (size_t)b.count.rows * sizeof(int64_t)));
    REQUIRE(!memcmp(a.rows.value, all->rows.value, entries * sizeof(double)));
    REQUIRE(!memcmp(b.rows.value, all->rows.value + entries, (size_t)b.count.entries * sizeof(double)));
    free_parsed(&a);
    free_parsed(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t n = (int64_t)size + 1;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\n';
    struct parsed p = parse(text, n, 0);
    REQUIRE(p.count.lines >= 1 && p.count.rows <= p.count.lines);
    if (p.error.wrong == PS_SPARSE_FINE) {
        compare(text, n, &p);
        in_two(text, n, &p);
    } else {
        char words[256];
        ps_sparse_explain(&p.error, p.error.line + 1, words, sizeof words);
        REQUIRE(p.error.line < p.count.lines && !strncmp(words, "line ", 5) && !strchr(words, '\n'));
    }
    free_parsed(&p);
    free(text);
    return 0;
}
