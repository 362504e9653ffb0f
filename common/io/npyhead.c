#include "common/io/npyhead.h"

#include <stdio.h>
#include <string.h>

static const bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

/** A place in the header's text; `at` never passes `end`. */
struct cursor {
    const char *at, *end;
};

static void blanks(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n')) c->at++;
}

/** Take one character if it comes next. */
static bool take(struct cursor *c, char ch)
{
    blanks(c);
    if (c->at >= c->end || *c->at != ch) return false;
    c->at++;
    return true;
}

static bool take_word(struct cursor *c, const char *word)
{
    size_t n = strlen(word);
    blanks(c);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n)) return false;
    c->at += n;
    return true;
}

/** A quoted string without escapes into text[len]. */
static bool quoted(struct cursor *c, char *text, size_t len)
{
    char quote = take(c, '\'') ? '\'' : take(c, '"') ? '"' : 0;
    size_t n = 0;
    if (!quote) return false;
    while (c->at < c->end && *c->at != quote && n + 1 < len) text[n++] = *c->at++;
    text[n] = 0;
    return c->at < c->end && *c->at++ == quote;
}

/** A non-negative integer; Python 2 wrote an L after long ones. */
static bool integer(struct cursor *c, int64_t *out)
{
    blanks(c);
    const char *from = c->at;
    *out = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
        if (__builtin_mul_overflow(*out, (int64_t)10, out) ||
            __builtin_add_overflow(*out, (int64_t)(*c->at - '0'), out))
            return false;
    if (c->at == from) return false;
    if (c->at < c->end && *c->at == 'L') c->at++;
    return true;
}

static const char *parse_descr(struct cursor *c, struct ps_npy *out)
{
    static const char *const codes[PS_NDTYPES] = {"i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"};
    char text[16];
    blanks(c);
    if (c->at < c->end && *c->at == '[')
        return "has fields with names (a structured type); only plain numbers can be read";
    if (!quoted(c, text, sizeof text)) return "its header is damaged (no readable 'descr')";
    char order = text[0];
    const char *code = text + (order && strchr("<>=|", order) ? 1 : 0);
    if (code == text) order = '=';
    if (!strcmp(code, "b1") || !strcmp(code, "?")) return "holds booleans; convert them to uint8 first";
    if (code[0] == 'c') return "holds complex numbers, which cannot be read";
    if (code[0] == 'O') return "holds Python objects, which cannot be read";
    if (!strcmp(code, "f2")) return "holds 16-bit floats; convert them to float32 first";
    for (int t = 0; t < PS_NDTYPES; t++) {
        if (strcmp(code, codes[t])) continue;
        out->type = (enum ps_dtype)t;
        out->swap = ps_dtype_size(out->type) > 1 && order == (big_endian ? '<' : '>');
        return NULL;
    }
    return "is not of a numeric type that can be read (integers of 8 to 64 bits, float32, float64)";
}

/** @param dims out: how many dimensions */
static const char *parse_shape(struct cursor *c, struct ps_npy *out, int *dims)
{
    int64_t d, width = 1, second = 0;
    int n = 0;
    if (!take(c, '(')) return "its header is damaged (no readable 'shape')";
    while (!take(c, ')')) {
        if (!integer(c, &d)) return "its header is damaged (no readable 'shape')";
        if (n++ == 0)
            out->rows = d;
        else if (__builtin_mul_overflow(width, d, &width))
            return "its header gives an impossible shape";
        if (n == 2) second = d;
        if (!take(c, ',')) {
            if (take(c, ')')) break;
            return "its header is damaged (no readable 'shape')";
        }
    }
    if (n == 0) return "holds a single number, not a data set";
    if (width == 0) return "has no columns";
    out->cols = n > 1 ? width : 0;
    out->lines = n == 3 ? second : 0;
    *dims = n;
    return NULL;
}

static const char *parse_dict(struct cursor *c, struct ps_npy *out)
{
    static const char damaged[] = "its header is damaged";
    int dims = 0;
    bool seen_descr = false, seen_order = false, seen_shape = false;
    char key[32];
    if (!take(c, '{')) return damaged;
    while (!take(c, '}')) {
        const char *wrong = NULL;
        if (!quoted(c, key, sizeof key) || !take(c, ':')) return damaged;
        if (!strcmp(key, "descr")) {
            wrong = parse_descr(c, out);
            seen_descr = true;
        } else if (!strcmp(key, "shape")) {
            wrong = parse_shape(c, out, &dims);
            seen_shape = true;
        } else if (!strcmp(key, "fortran_order")) {
            out->fortran = take_word(c, "True");
            if (!out->fortran && !take_word(c, "False")) return damaged;
            seen_order = true;
        } else {
            return damaged;
        }
        if (wrong) return wrong;
        if (!take(c, ',')) {
            if (take(c, '}')) break;
            return damaged;
        }
    }
    if (!seen_descr || !seen_order || !seen_shape) return damaged;
    if (out->fortran && dims > 2)
        return "has more than 2 dimensions in Fortran order; save numpy.ascontiguousarray of it";
    return NULL;
}

const char *ps_npy_parse(const unsigned char *head, int64_t n, struct ps_npy *out)
{
    *out = (struct ps_npy){0};
    if (n < 10 || memcmp(head, "\x93NUMPY", 6)) return "is not a .npy file";
    if (head[6] < 1 || head[6] > 3) return "is of an unknown version of the .npy format";
    int64_t start = head[6] == 1 ? 10 : 12, len = head[8] | head[9] << 8;
    if (n < start) return "is truncated in its header";
    if (head[6] > 1) len |= (int64_t)head[10] << 16 | (int64_t)head[11] << 24;
    if (len > PS_NPY_HEAD_MAX - 12) return "its header is damaged (too long)";
    if (n < start + len) return "is truncated in its header";
    struct cursor c = {(const char *)head + start, (const char *)head + start + len};
    const char *wrong = parse_dict(&c, out);
    if (wrong) return wrong;
    blanks(&c);
    if (c.at != c.end) return "its header is damaged";
    out->offset = start + len;
    if (out->cols == 0 || out->rows <= 1 || out->cols == 1)
        out->fortran = false; /* the orders are then the same */
    int64_t bytes;
    if (__builtin_mul_overflow(out->rows, out->cols ? out->cols : 1, &bytes) ||
        __builtin_mul_overflow(bytes, (int64_t)ps_dtype_size(out->type), &bytes) ||
        __builtin_add_overflow(bytes, out->offset, &bytes))
        return "its header gives an impossible shape";
    return NULL;
}

int ps_npy_header(int64_t rows, int64_t cols, enum ps_dtype type, char out[256])
{
    static const char kinds[PS_NDTYPES] = {'i', 'u', 'i', 'u', 'i', 'u', 'i', 'u', 'f', 'f'};
    size_t size = ps_dtype_size(type);
    char shape[64];
    if (cols)
        snprintf(shape, sizeof shape, "(%lld, %lld)", (long long)rows, (long long)cols);
    else
        snprintf(shape, sizeof shape, "(%lld,)", (long long)rows);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    int n = 10 + snprintf(out + 10, 200, "{'descr': '%c%c%zu', 'fortran_order': False, 'shape': %s, }",
                          size == 1 ? '|' : (big_endian ? '>' : '<'), kinds[type], size, shape);
    int total = (n + 1 + 63) / 64 * 64;
    memset(out + n, ' ', (size_t)(total - n));
    out[total - 1] = '\n';
    out[8] = (char)((total - 10) & 0xff);
    out[9] = (char)((total - 10) >> 8);
    return total;
}
