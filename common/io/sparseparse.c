#include "common/io/sparseparse.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "common/io/number.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool ends_item(char c)
{
    return is_blank(c) || c == '\n' || c == '#';
}

/** A line ends in LF, so that none of these loops needs a bound. */
static const char *skip_blanks(const char *at)
{
    while (is_blank(*at)) at++;
    return at;
}

static const char *line_end(const char *at, const char *end)
{
    return memchr(at, '\n', (size_t)(end - at));
}

static int64_t count_of(char c, const char *at, const char *end)
{
    int64_t n = 0;
    for (; at < end; at++) n += *at == c;
    return n;
}

struct ps_sparse_count ps_sparse_count(const char *text, int64_t n)
{
    struct ps_sparse_count count = {0, 0, 0};
    const char *end = text + n;
    bool comments = memchr(text, '#', (size_t)n);
    if (!comments) count.entries = count_of(':', text, end); /* in one go: lines are short */
    for (const char *at = text; at < end;) {
        const char *stop = line_end(at, end), *first = skip_blanks(at);
        count.lines++;
        count.rows += first < stop && *first != '#';
        if (comments) {
            const char *hash = memchr(at, '#', (size_t)(stop - at));
            count.entries += count_of(':', at, hash ? hash : stop);
        }
        at = stop + 1;
    }
    return count;
}

/** Digits at the start of 8 bytes (0 to 8 of them), all at once. */
static inline int digits8(const char *at, uint64_t *value)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t x;
    memcpy(&x, at, sizeof x);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    x ^= ones * '0';                                          /* digits become 0 ... 9 */
    uint64_t other = ((x + ones * 0x76) | x) & (ones * 0x80); /* right up to the first that is none */
    int n = other ? __builtin_ctzll(other) >> 3 : 8;
    x = x << 4 * (8 - n) << 4 * (8 - n); /* zeros in front; a shift by 64 is not defined */
    x = x * 10 + (x >> 8);               /* pairs, then fours, then all */
    *value = ((x & 0x000000ff000000ff) * 0x000f424000000064 +
              ((x >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >>
             32;
    return n;
}

/** A number in front of a blank, the line's end, a comment or a colon: numbers of few digits here, with one
 * rounding of exact operands, others by ps_number_parse.
 * @return the place after it; NULL where there is none */
static inline const char *parse_number(const char *at, const char *end, double *out)
{
    static const double tens[] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                  1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16};
    static const uint64_t whole_tens[] = {1,           10,           100,          1000,      10000,
                                          100000,      1000000,      10000000,     100000000, 1000000000,
                                          10000000000, 100000000000, 1000000000000};
    const uint64_t exact = (uint64_t)1 << 53;
    uint64_t m, fraction = 0, more;
    bool minus = *at == '-';
    const char *p = at + (minus | (*at == '+'));
    int n = digits8(p, &m), behind = 0;
    p += n;
    if (*p == '.') {
        behind = digits8(++p, &fraction);
        if (behind == 8) {
            int rest = digits8(p + 8, &more);
            fraction = fraction * (rest == 8 ? 100000000 : whole_tens[rest]) + more;
            behind += rest;
        }
        p += behind;
        if (behind > 12 && m > 0) return ps_number_parse(at, end, out);
        m = behind > 12 ? fraction : m * whole_tens[behind] + fraction;
    }
    if (n == 8 || n + behind == 0 || m > exact || !(ends_item(*p) || *p == ':'))
        return ps_number_parse(at, end, out);
    double value = (double)m / tens[behind];
    *out = minus ? -value : value;
    return p;
}

static void keep_word(struct ps_sparse_error *e, const char *at)
{
    size_t n = 0, max = sizeof e->word - 1;
    while (!ends_item(at[n]) && n <= max) n++;
    bool cut = n > max;
    if (cut) n = max - 3;
    memcpy(e->word, at, n);
    strcpy(e->word + n, cut ? "..." : "");
    for (char *c = e->word; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127) *c = '?';
    if (n > 0 && e->word[0] == 0) e->word[0] = '?';
}

/** A label.
 * @return the place after it; NULL: e->wrong says why */
static const char *parse_label(const char *at, const char *end, double *out, struct ps_sparse_error *e)
{
    const char *after = parse_number(at, end, out);
    bool whole = after && ends_item(*after);
    if (whole && isfinite(*out)) return after;
    e->wrong = whole ? PS_SPARSE_FINITE : after && *after == ':' ? PS_SPARSE_LABEL_MISSING : PS_SPARSE_LABEL;
    keep_word(e, at);
    return NULL;
}

/** Why an item is not taken. Out of the way of those that are. */
__attribute__((cold, noinline)) static const char *refuse(enum ps_sparse_wrong wrong, const char *item,
                                                          struct ps_sparse_error *e)
{
    e->wrong = wrong == PS_SPARSE_ITEM && !memcmp(item, "qid:", 4) ? PS_SPARSE_QID : wrong;
    keep_word(e, item);
    return NULL;
}

/** An index of 8 or more digits, or none. */
__attribute__((cold, noinline)) static const char *parse_index(const char *at, int64_t *out)
{
    const char *p = at;
    for (*out = 0; (unsigned char)(*p - '0') <= 9; p++)
        if (*out < INT64_C(1) << 40) *out = *out * 10 + (*p - '0');
    return p > at ? p : NULL;
}

/** The items of a row from behind its label on.
 * @return the place of the line's end or comment; NULL: e->wrong says why */
static inline const char *parse_items(const char *at, const char *end, struct ps_sparse_rows *out,
                                      int64_t *entries, struct ps_sparse_error *e)
{
    int64_t last = 0, k = *entries;
    for (;; k++) {
        at = skip_blanks(at);
        if (*at == '\n' || *at == '#') break;
        uint64_t small;
        int n = digits8(at, &small);
        int64_t index = (int64_t)small;
        const char *colon = n > 0 && n < 8 ? at + n : parse_index(at, &index);
        if (!colon || *colon != ':')
            return refuse(
                at[0] == '-' && at[1] >= '0' && at[1] <= '9' ? PS_SPARSE_INDEX_ZERO : PS_SPARSE_ITEM, at, e);
        if (index <= last) {
            e->index = last;
            return refuse(index == 0 ? PS_SPARSE_INDEX_ZERO : PS_SPARSE_INDEX_ORDER, at, e);
        }
        if (index > INT32_MAX) return refuse(PS_SPARSE_INDEX_LARGE, at, e);
        double value;
        const char *after = parse_number(colon + 1, end, &value);
        if (!after || !ends_item(*after)) return refuse(PS_SPARSE_VALUE, at, e);
        if (!isfinite(value)) return refuse(PS_SPARSE_FINITE, at, e);
        out->index[k] = (int32_t)(index - 1);
        out->value[k] = value;
        last = index;
        at = after;
    }
    *entries = k;
    if (last > out->cols) out->cols = last;
    return at;
}

struct ps_sparse_error ps_sparse_parse(const char *text, int64_t n, struct ps_sparse_rows *out)
{
    struct ps_sparse_error e = {.wrong = PS_SPARSE_FINE};
    const char *end = text + n;
    int64_t row = 0, entries = out->first;
    out->cols = 0;
    for (const char *at = text; at < end; e.line++) {
        at = skip_blanks(at);
        if (*at != '\n' && *at != '#') {
            at = parse_label(at, end, &out->label[row], &e);
            if (at) at = parse_items(at, end, out, &entries, &e);
            if (!at) return e;
            out->end[row++] = entries;
        }
        at = (*at == '\n' ? at : line_end(at, end)) + 1;
    }
    return e;
}

void ps_sparse_explain(const struct ps_sparse_error *e, int64_t line, char *out, int64_t len)
{
    size_t room = (size_t)len;
    long long at = line;
    switch (e->wrong) {
    case PS_SPARSE_FINE:
        snprintf(out, room, "nothing is wrong");
        break;
    case PS_SPARSE_LABEL_MISSING:
        snprintf(out, room, "line %lld: the label is missing in front of '%s'", at, e->word);
        break;
    case PS_SPARSE_LABEL:
        snprintf(out, room, "line %lld: the label '%s' is not a number", at, e->word);
        break;
    case PS_SPARSE_ITEM:
        snprintf(out, room, "line %lld: '%s' is not of the form index:value", at, e->word);
        break;
    case PS_SPARSE_INDEX_ZERO:
        snprintf(out, room, "line %lld: the index of '%s' is below 1; indices count from 1", at, e->word);
        break;
    case PS_SPARSE_INDEX_LARGE:
        snprintf(out, room, "line %lld: the index of '%s' is above 2147483647", at, e->word);
        break;
    case PS_SPARSE_INDEX_ORDER:
        snprintf(out, room, "line %lld: '%s' comes after index %lld; indices must ascend", at, e->word,
                 (long long)e->index);
        break;
    case PS_SPARSE_VALUE:
        snprintf(out, room, "line %lld: the value of '%s' is not a number", at, e->word);
        break;
    case PS_SPARSE_FINITE:
        snprintf(out, room, "line %lld: '%s' is not a finite number", at, e->word);
        break;
    case PS_SPARSE_QID:
        snprintf(out, room, "line %lld: '%s': query numbers of ranking data cannot be used here", at,
                 e->word);
        break;
    }
}
