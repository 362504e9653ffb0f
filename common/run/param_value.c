/* Values of parameters: text to value and back, ranges, choices. */
#include "common/run/param_row.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static bool wrong(char *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(char *why, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, PS_WHY_MAX, fmt, args);
    va_end(args);
    return false;
}

/* "[0,inf)": bounds and whether they belong to it. An empty range admits every finite value. */
struct range {
    double lo, hi;
    bool lo_in, hi_in;
};

static bool range_parse(const char *text, struct range *r)
{
    *r = (struct range){-INFINITY, INFINITY, false, false};
    if (!text || !*text) return true;
    char open, close;
    char lo[64], hi[64];
    if (sscanf(text, " %c %63[^,] , %63[^])] %c", &open, lo, hi, &close) != 4) return false;
    if (!strchr("[(", open) || !strchr("])", close)) return false;
    char *end_lo, *end_hi;
    *r = (struct range){strtod(lo, &end_lo), strtod(hi, &end_hi), open == '[', close == ']'};
    return end_lo != lo && end_hi != hi && r->lo <= r->hi;
}

static bool in_range(const struct ps_param *row, double lo_side, double hi_side)
{
    struct range r;
    if (!range_parse(row->range, &r)) return false;
    return (r.lo_in ? lo_side >= r.lo : lo_side > r.lo) && (r.hi_in ? hi_side <= r.hi : hi_side < r.hi);
}

static bool out_of_range(const struct ps_param *row, const char *text, char *why)
{
    if (!row->range || !*row->range) return wrong(why, "must be finite, not %.64s", text);
    return wrong(why, "must be in %s, not %.64s", row->range, text);
}

static bool parse_integer(const struct ps_param *row, const char *text, int64_t *out, char *why)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end == text || *end) return wrong(why, "cannot be '%.64s': not an integer", text);
    bool fits = errno != ERANGE && (row->kind == PS_KIND_INT64 || (v >= INT32_MIN && v <= INT32_MAX));
    if (!fits)
        return wrong(why, "cannot be %.64s: it does not fit into %d bits", text,
                     row->kind == PS_KIND_INT64 ? 64 : 32);
    if (!in_range(row, (double)v, (double)v)) return out_of_range(row, text, why);
    *out = v;
    return true;
}

static bool parse_double(const struct ps_param *row, const char *text, double *out, char *why)
{
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    if (end == text || *end) return wrong(why, "cannot be '%.64s': not a number", text);
    if (isnan(v)) return wrong(why, "must be a number, not NaN");
    if (errno == ERANGE && isinf(v)) return wrong(why, "cannot be %.64s: too large for a double", text);
    if (errno == ERANGE && v == 0) return wrong(why, "cannot be %.64s: too small for a double", text);
    if (!in_range(row, v, v)) return out_of_range(row, text, why);
    *out = v;
    return true;
}

static bool parse_bool(const char *text, bool *out, char *why)
{
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, yes[i]) == 0) return *out = true, true;
        if (strcmp(text, no[i]) == 0) return *out = false, true;
    }
    return wrong(why, "cannot be '%.64s': none of true, false, on, off, yes, no, 1, 0", text);
}

/* Index of a word in "a|b|c", -1 if it is not there. */
static int choice_index(const char *choices, const char *word)
{
    size_t len = strlen(word);
    for (int i = 0; len; i++) {
        size_t n = strcspn(choices, "|");
        if (n == len && strncmp(choices, word, n) == 0) return i;
        if (!choices[n]) break;
        choices += n + 1;
    }
    return -1;
}

static int choice_count(const char *choices)
{
    int n = 1;
    for (; *choices; choices++) n += *choices == '|';
    return n;
}

static bool parse_choice(const struct ps_param *row, const char *text, union ps_value *out, char *why)
{
    int at = choice_index(row->choices, text);
    if (at < 0 && row->kind != PS_KIND_STR) { /* numbers name choices too: -t 2 */
        char *end;
        long v = strtol(text, &end, 10);
        if (end != text && !*end && v >= 0 && v < choice_count(row->choices)) at = (int)v;
    }
    if (at < 0) return wrong(why, "cannot be '%.64s': none of %.160s", text, row->choices);
    if (row->kind == PS_KIND_INT) out->i = at;
    if (row->kind == PS_KIND_INT64) out->i64 = at;
    if (row->kind == PS_KIND_STR) snprintf(out->s, sizeof out->s, "%s", text);
    return true;
}

/* The numbers of a list or of keys and numbers, one after the other: separated by commas or blanks. */
static bool parse_items(const struct ps_param *row, const char *text, union ps_value *out, char *why)
{
    const bool keyed = row->kind == PS_KIND_KEYED;
    struct ps_keyed all = {0};
    char word[80];
    for (const char *at = text; *at; all.n++) {
        const size_t len = strcspn(at, ", \t");
        if (len == 0 || len >= sizeof word)
            return wrong(why, "cannot be '%.64s': not a list of numbers", text);
        if (all.n == PS_LIST_MAX) return wrong(why, "has more than %d numbers", PS_LIST_MAX);
        snprintf(word, sizeof word, "%.*s", (int)len, at);
        char *number = word;
        if (keyed) {
            const long key = strtol(word, &number, 10);
            if (number == word || *number++ != ':' || key < INT32_MIN || key > INT32_MAX)
                return wrong(why, "cannot be '%.64s': not of the form KEY:NUMBER", word);
            all.key[all.n] = (int)key;
        }
        if (!parse_double(row, number, &all.value[all.n], why)) return false;
        at += len;
        at += strspn(at, " \t");
        if (*at == ',') at += 1 + strspn(at + 1, " \t");
    }
    if (row->values && all.n && all.n != row->values)
        return wrong(why, "needs %d numbers, not %d", row->values, all.n);
    if (keyed) {
        out->keyed = all;
    } else {
        out->list = (struct ps_list){.n = all.n};
        memcpy(out->list.value, all.value, sizeof all.value);
    }
    return true;
}

bool ps_value_parse(const struct ps_param *row, const char *text, union ps_value *out, char *why)
{
    bool has_choices = row->choices && *row->choices;
    if (has_choices && (row->kind == PS_KIND_INT || row->kind == PS_KIND_INT64 || row->kind == PS_KIND_STR))
        return parse_choice(row, text, out, why);
    if (row->kind == PS_KIND_LIST || row->kind == PS_KIND_KEYED) return parse_items(row, text, out, why);
    if (!*text && row->kind != PS_KIND_STR) return wrong(why, "has no value");
    int64_t v;
    switch (row->kind) {
    case PS_KIND_INT:
        if (!parse_integer(row, text, &v, why)) return false;
        out->i = (int)v;
        return true;
    case PS_KIND_INT64:
        return parse_integer(row, text, &out->i64, why);
    case PS_KIND_DOUBLE:
        return parse_double(row, text, &out->d, why);
    case PS_KIND_BOOL:
        return parse_bool(text, &out->b, why);
    case PS_KIND_STR:
        if (strlen(text) >= PS_STR_MAX)
            return wrong(why, "is longer than the %d characters it may have", PS_STR_MAX - 1);
        snprintf(out->s, sizeof out->s, "%s", text);
        return true;
    case PS_KIND_LIST:
    case PS_KIND_KEYED:
        break;
    }
    return wrong(why, "is of an unknown kind");
}

void ps_value_store(const struct ps_param *row, const union ps_value *value, void *params)
{
    void *at = (char *)params + row->offset;
    switch (row->kind) {
    case PS_KIND_INT:
        memcpy(at, &value->i, sizeof value->i);
        break;
    case PS_KIND_INT64:
        memcpy(at, &value->i64, sizeof value->i64);
        break;
    case PS_KIND_DOUBLE:
        memcpy(at, &value->d, sizeof value->d);
        break;
    case PS_KIND_BOOL:
        memcpy(at, &value->b, sizeof value->b);
        break;
    case PS_KIND_STR: /* zero-filled, so that equal parameters are equal bytes */
        memset(at, 0, PS_STR_MAX);
        memcpy(at, value->s, strlen(value->s));
        break;
    case PS_KIND_LIST:
        memcpy(at, &value->list, sizeof value->list);
        break;
    case PS_KIND_KEYED:
        memcpy(at, &value->keyed, sizeof value->keyed);
        break;
    }
}

static void double_text(double v, char *text, size_t len)
{
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, len, "%.*g", digits, v);
        if (strtod(text, NULL) == v) return;
    }
}

static void integer_text(const struct ps_param *row, int64_t v, char *text, size_t len)
{
    const char *word = row->choices && *row->choices ? row->choices : NULL;
    for (int64_t i = 0; word && i < v; i++) {
        word = strchr(word, '|');
        if (word) word++;
    }
    if (word && v >= 0)
        snprintf(text, len, "%.*s", (int)strcspn(word, "|"), word);
    else
        snprintf(text, len, "%" PRId64, v);
}

static void items_text(const int *key, const double *value, int n, char *text, size_t len)
{
    char number[32];
    size_t at = 0;
    text[0] = '\0';
    for (int i = 0; i < n && at < len; i++) {
        double_text(value[i], number, sizeof number);
        if (key)
            at += (size_t)snprintf(text + at, len - at, "%s%d:%s", i ? "," : "", key[i], number);
        else
            at += (size_t)snprintf(text + at, len - at, "%s%s", i ? "," : "", number);
    }
}

void ps_value_text(const struct ps_param *row, const void *params, char *text, size_t len)
{
    const char *at = (const char *)params + row->offset;
    union ps_value v;
    switch (row->kind) {
    case PS_KIND_INT:
        memcpy(&v.i, at, sizeof v.i);
        integer_text(row, v.i, text, len);
        break;
    case PS_KIND_INT64:
        memcpy(&v.i64, at, sizeof v.i64);
        integer_text(row, v.i64, text, len);
        break;
    case PS_KIND_DOUBLE:
        memcpy(&v.d, at, sizeof v.d);
        double_text(v.d, text, len);
        break;
    case PS_KIND_BOOL:
        memcpy(&v.b, at, sizeof v.b);
        snprintf(text, len, "%s", v.b ? "true" : "false");
        break;
    case PS_KIND_STR:
        snprintf(text, len, "%s", at);
        break;
    case PS_KIND_LIST:
        memcpy(&v.list, at, sizeof v.list);
        items_text(NULL, v.list.value, v.list.n, text, len);
        break;
    case PS_KIND_KEYED:
        memcpy(&v.keyed, at, sizeof v.keyed);
        items_text(v.keyed.key, v.keyed.value, v.keyed.n, text, len);
        break;
    }
}

void ps_value_domain(const struct ps_param *row, char *text, size_t len)
{
    if (row->choices && *row->choices)
        snprintf(text, len, "%s", row->choices);
    else if (row->range && *row->range)
        snprintf(text, len, "%s", row->range);
    else
        snprintf(text, len, "%s", "");
}
