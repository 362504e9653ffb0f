/* A reader of the one shape of JSON that the header of a safetensors file has: nothing else is taken. */
#include "common/io/safeheader.h"
#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "common/par/block.h"
#include "common/run/err.h"

/** A place in the text; `at` never passes `end`. */
struct reader {
    const char *at, *end, *begin, *path;
};

/** What the header says of one tensor. */
struct entry {
    struct ps_safe_tensor t;
    struct ps_range place; /* bytes of the data */
};

struct entries {
    struct entry *list; /* [n], room for more */
    int64_t n, room;
};

static const struct {
    const char *name;
    enum ps_safe_type type;
    size_t size;
} types[] = {{"F32", PS_SAFE_F32, 4},   {"F16", PS_SAFE_F16, 2},       {"BF16", PS_SAFE_BF16, 2},
             {"F64", PS_SAFE_F64, 8},   {"I64", PS_SAFE_I64, 8},       {"I32", PS_SAFE_OTHER, 4},
             {"I16", PS_SAFE_OTHER, 2}, {"I8", PS_SAFE_OTHER, 1},      {"U64", PS_SAFE_OTHER, 8},
             {"U32", PS_SAFE_OTHER, 4}, {"U16", PS_SAFE_OTHER, 2},     {"U8", PS_SAFE_OTHER, 1},
             {"C64", PS_SAFE_OTHER, 8}, {"F8_E4M3", PS_SAFE_OTHER, 1}, {"F8_E5M2", PS_SAFE_OTHER, 1},
             {"BOOL", PS_SAFE_OTHER, 1}};
enum { TYPES = sizeof types / sizeof *types };

size_t ps_safe_type_size(enum ps_safe_type type)
{
    for (int i = 0; i < TYPES && type != PS_SAFE_OTHER; i++)
        if (types[i].type == type) return types[i].size;
    return 0;
}

const char *ps_safe_type_name(enum ps_safe_type type)
{
    for (int i = 0; i < TYPES && type != PS_SAFE_OTHER; i++)
        if (types[i].type == type) return types[i].name;
    return "";
}

static enum ps_status broken(const struct reader *r)
{
    return ps_fail(PS_EINPUT,
                   "%s: byte %lld is not what the header of a safetensors file has there (damaged?)", r->path,
                   (long long)(8 + (r->at - r->begin)));
}

static void blanks(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) r->at++;
}

/** Take one character if it comes next. */
static bool take(struct reader *r, char c)
{
    blanks(r);
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static enum ps_status need(struct reader *r, char c)
{
    return take(r, c) ? PS_OK : broken(r);
}

/** Four hexadecimal digits. @return their value; -1 where they are none */
static int hex4(struct reader *r)
{
    int value = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        if (r->at == r->end || !isxdigit((unsigned char)*r->at)) return -1;
        value = value * 16 + (*r->at <= '9' ? *r->at - '0' : (*r->at | 0x20) - 'a' + 10);
    }
    return value;
}

/** The rest of \uXXXX or of a pair of them as UTF-8. @return bytes; 0: not a character, or the end of a C
 * string */
static int unicode(struct reader *r, char out[4])
{
    int c = hex4(r);
    if (c >= 0xd800 && c < 0xdc00) {
        if (r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u') return 0;
        r->at += 2;
        const int low = hex4(r);
        if (low < 0xdc00 || low > 0xdfff) return 0;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    } else if (c <= 0 || (c >= 0xdc00 && c < 0xe000)) {
        return 0;
    }
    if (c < 0x80) return out[0] = (char)c, 1;
    const int n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const int first[] = {[2] = 0xc0, [3] = 0xe0, [4] = 0xf0};
    for (int i = n - 1; i > 0; i--, c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(first[n] | c);
    return n;
}

/** One character or escape of a string. @return bytes; 0: not of a string */
static int character(struct reader *r, char out[4])
{
    static const char escapes[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
    out[0] = *r->at++;
    if ((unsigned char)out[0] < 0x20) return 0;
    if (out[0] != '\\') return 1;
    if (r->at == r->end) return 0;
    const char c = *r->at++, *known = c ? strchr(escapes, c) : NULL;
    if (c == 'u') return unicode(r, out);
    if (!known) return 0;
    out[0] = meaning[known - escapes];
    return 1;
}

/** A string. @param out [room]; room = 0: it is skipped */
static enum ps_status string(struct reader *r, char *out, size_t room)
{
    size_t n = 0;
    char c[4];
    PS_TRY(need(r, '"'));
    while (r->at < r->end && *r->at != '"') {
        const struct reader before = *r;
        const int bytes = character(r, c);
        if (!bytes) return broken(&before);
        if (!room) continue;
        PS_CHECK(n + (size_t)bytes < room, PS_EINPUT, "%s: byte %lld: a name of more than %d bytes", r->path,
                 (long long)(8 + (before.at - r->begin)), (int)room - 1);
        memcpy(out + n, c, (size_t)bytes);
        n += (size_t)bytes;
    }
    if (room) out[n] = '\0';
    if (r->at == r->end) return broken(r);
    r->at++;
    return PS_OK;
}

/** A whole number that is not negative, as JSON writes it. */
static enum ps_status whole(struct reader *r, int64_t *out)
{
    blanks(r);
    const struct reader before = *r;
    *out = 0;
    for (; r->at < r->end && isdigit((unsigned char)*r->at); r->at++)
        if (__builtin_mul_overflow(*out, (int64_t)10, out) ||
            __builtin_add_overflow(*out, (int64_t)(*r->at - '0'), out))
            return broken(&before);
    const int64_t digits = r->at - before.at;
    return digits == 0 || (digits > 1 && *before.at == '0') ? broken(&before) : PS_OK;
}

/** A list of whole numbers. @param n out, at most `room` */
static enum ps_status list(struct reader *r, const char *name, int64_t *out, int room, int *n)
{
    *n = 0;
    PS_TRY(need(r, '['));
    if (take(r, ']')) return PS_OK;
    do {
        PS_CHECK(*n < room, PS_EINPUT, "%s: tensor '%s' has more than %d dimensions or offsets", r->path,
                 name, room);
        PS_TRY(whole(r, &out[(*n)++]));
    } while (take(r, ','));
    return need(r, ']');
}

/** An object of strings, skipped. */
static enum ps_status metadata(struct reader *r)
{
    PS_TRY(need(r, '{'));
    if (take(r, '}')) return PS_OK;
    do {
        PS_TRY(string(r, NULL, 0));
        PS_TRY(need(r, ':'));
        PS_TRY(string(r, NULL, 0));
    } while (take(r, ','));
    return need(r, '}');
}

/** Do shape, type and place of a tensor belong together? @param size bytes of an element; 0: unknown */
static enum ps_status check_place(const struct reader *r, const struct entry *e, size_t size, int64_t bytes)
{
    const struct ps_safe_tensor *t = &e->t;
    int64_t need = size ? (int64_t)size : 1;
    bool fits = true;
    PS_CHECK(e->place.lo <= e->place.hi && e->place.hi <= bytes, PS_EINPUT,
             "%s: tensor '%s' lies at bytes %lld to %lld of %lld: the file is truncated or damaged", r->path,
             t->name, (long long)e->place.lo, (long long)e->place.hi, (long long)bytes);
    for (int i = 0; i < t->dims; i++) fits &= !__builtin_mul_overflow(need, t->dim[i], &need);
    PS_CHECK(fits && (!size || need == e->place.hi - e->place.lo), PS_EINPUT,
             "%s: tensor '%s': its shape does not fit its %lld bytes", r->path, t->name,
             (long long)(e->place.hi - e->place.lo));
    return PS_OK;
}

/** The members of a tensor, each once, in any order. */
static enum ps_status tensor(struct reader *r, struct entry *e, int64_t bytes)
{
    enum { DTYPE = 1, SHAPE = 2, OFFSETS = 4 };
    char key[16], type[16] = "";
    int seen = 0, n = 0;
    int64_t offset[2] = {0, 0};
    PS_TRY(need(r, '{'));
    do {
        const struct reader before = *r;
        PS_TRY(string(r, key, sizeof key));
        const int which = !strcmp(key, "dtype")          ? DTYPE
                          : !strcmp(key, "shape")        ? SHAPE
                          : !strcmp(key, "data_offsets") ? OFFSETS
                                                         : 0;
        if (!which || seen & which) return broken(&before);
        seen |= which;
        PS_TRY(need(r, ':'));
        PS_TRY(which == DTYPE   ? string(r, type, sizeof type)
               : which == SHAPE ? list(r, e->t.name, e->t.dim, PS_SAFE_DIMS, &e->t.dims)
                                : list(r, e->t.name, offset, 2, &n));
    } while (take(r, ','));
    PS_TRY(need(r, '}'));
    PS_CHECK(seen == (DTYPE | SHAPE | OFFSETS) && n == 2, PS_EINPUT,
             "%s: tensor '%s' lacks its dtype, shape or two data_offsets", r->path, e->t.name);
    e->place.lo = offset[0], e->place.hi = offset[1];
    e->t.type = PS_SAFE_OTHER;
    size_t size = 0;
    for (int i = 0; i < TYPES; i++)
        if (!strcmp(types[i].name, type)) e->t.type = types[i].type, size = types[i].size;
    return check_place(r, e, size, bytes);
}

static enum ps_status grow(struct entries *all)
{
    if (all->n < all->room) return PS_OK;
    struct entry *more;
    const int64_t room = all->room ? 2 * all->room : 64;
    PS_TRY(ps_alloc(&more, room, sizeof *more, "the list of tensors of a file"));
    if (all->n) memcpy(more, all->list, (size_t)all->n * sizeof *more);
    free(all->list);
    all->list = more;
    all->room = room;
    return PS_OK;
}

/** The whole header. */
static enum ps_status object(struct reader *r, int64_t bytes, struct entries *all)
{
    bool noted = false;
    if (r->at == r->end || *r->at != '{') return broken(r);
    PS_TRY(need(r, '{'));
    if (!take(r, '}')) {
        do {
            PS_TRY(grow(all));
            struct entry *e = &all->list[all->n];
            *e = (struct entry){0};
            const struct reader before = *r;
            PS_TRY(string(r, e->t.name, sizeof e->t.name));
            PS_TRY(need(r, ':'));
            if (!strcmp(e->t.name, "__metadata__")) {
                if (noted) return broken(&before);
                noted = true;
                PS_TRY(metadata(r));
                continue;
            }
            PS_TRY(tensor(r, e, bytes));
            all->n++;
        } while (take(r, ','));
        PS_TRY(need(r, '}'));
    }
    blanks(r);
    return r->at == r->end ? PS_OK : broken(r);
}

static int by_place(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->place.lo != y->place.lo) return x->place.lo < y->place.lo ? -1 : 1;
    return (x->place.hi > y->place.hi) - (x->place.hi < y->place.hi);
}

/** Every byte of the data belongs to one tensor. */
static enum ps_status check_cover(const char *path, const struct entries *all, int64_t bytes)
{
    int64_t at = 0;
    for (int64_t i = 0; i < all->n; i++) {
        const struct entry *e = &all->list[i];
        PS_CHECK(e->place.lo == at, PS_EINPUT, "%s: tensor '%s' %s (offset %lld instead of %lld)", path,
                 e->t.name, e->place.lo < at ? "overlaps another" : "has a gap before it",
                 (long long)e->place.lo, (long long)at);
        at = e->place.hi;
    }
    PS_CHECK(at == bytes, PS_EINPUT, "%s: %lld bytes behind the last tensor belong to none", path,
             (long long)(bytes - at));
    return PS_OK;
}

enum ps_status ps_safe_parse(const char *path, const char *text, int64_t n, const void *data, int64_t bytes,
                             struct ps_safetensors *out)
{
    struct reader r = {.at = text, .end = text + n, .begin = text, .path = path};
    struct entries all = {0};
    const struct ps_safe_tensor **name = NULL;
    enum ps_status rc;
    out->tensor = NULL, out->n = 0;
    PS_TRY_DONE(object(&r, bytes, &all));
    PS_CHECK_DONE(all.n <= INT_MAX, PS_EINPUT, "%s: too many tensors", path);
    if (all.n) qsort(all.list, (size_t)all.n, sizeof *all.list, by_place);
    PS_TRY_DONE(check_cover(path, &all, bytes));
    PS_TRY_DONE(ps_alloc(&out->tensor, all.n, sizeof *out->tensor, "the list of tensors of a file"));
    PS_TRY_DONE(ps_alloc(&name, all.n, sizeof *name, "the names of tensors"));
    for (int64_t i = 0; i < all.n; i++) {
        out->tensor[i] = all.list[i].t;
        out->tensor[i].data = (const char *)data + all.list[i].place.lo;
        name[i] = &out->tensor[i];
    }
    out->n = (int)all.n;
    rc = ps_safe_distinct(path, name, out->n, PS_EINPUT);
done:
    if (rc != PS_OK) {
        free(out->tensor);
        out->tensor = NULL, out->n = 0;
    }
    free(name);
    free(all.list);
    return rc;
}
