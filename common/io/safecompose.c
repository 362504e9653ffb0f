/* Writing the header of a safetensors file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/safeheader.h"
#include "common/run/err.h"

static int by_name(const void *a, const void *b)
{
    const struct ps_safe_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

enum ps_status ps_safe_distinct(const char *path, const struct ps_safe_tensor *const *tensor, int n,
                                enum ps_status code)
{
    const struct ps_safe_tensor **sorted;
    enum ps_status rc = PS_OK;
    PS_TRY(ps_alloc(&sorted, n, sizeof *sorted, "the names of tensors"));
    for (int i = 0; i < n; i++) sorted[i] = tensor[i];
    if (n) qsort(sorted, (size_t)n, sizeof *sorted, by_name);
    for (int i = 1; i < n && rc == PS_OK; i++)
        if (!strcmp(sorted[i - 1]->name, sorted[i]->name))
            rc = ps_fail(code, "%s: tensor '%s' is there twice", path, sorted[i]->name);
    free(sorted);
    return rc;
}

/** A text that is being written. */
struct text {
    char *at; /* NULL: only counted */
    int64_t n;
};

static void put(struct text *t, const char *s, int64_t n)
{
    if (t->at) memcpy(t->at + t->n, s, (size_t)n);
    t->n += n;
}

static void puts_(struct text *t, const char *s)
{
    put(t, s, (int64_t)strlen(s));
}

static void put_number(struct text *t, int64_t value)
{
    char s[24];
    put(t, s, snprintf(s, sizeof s, "%lld", (long long)value));
}

/** A string in quotes. UTF-8 stands as it is. */
static void put_string(struct text *t, const char *s)
{
    char code[8];
    put(t, "\"", 1);
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20)
            put(t, code, snprintf(code, sizeof code, "\\u%04x", (unsigned)*s));
        else {
            if (*s == '"' || *s == '\\') put(t, "\\", 1);
            put(t, s, 1);
        }
    }
    put(t, "\"", 1);
}

static void put_note(struct text *t, const char *const *note)
{
    puts_(t, "\"__metadata__\":{");
    for (int i = 0; note[i]; i += 2) {
        if (i) put(t, ",", 1);
        put_string(t, note[i]);
        put(t, ":", 1);
        put_string(t, note[i + 1]);
    }
    put(t, "}", 1);
}

static void put_all(struct text *t, const struct ps_safe_tensor *const *tensor, int n,
                    const char *const *note)
{
    int64_t at = 0;
    put(t, "{", 1);
    if (note) put_note(t, note);
    for (int i = 0; i < n; i++) {
        const struct ps_safe_tensor *x = tensor[i];
        if (i || note) put(t, ",", 1);
        put_string(t, x->name);
        puts_(t, ":{\"dtype\":\"");
        puts_(t, ps_safe_type_name(x->type));
        puts_(t, "\",\"shape\":[");
        for (int k = 0; k < x->dims; k++) {
            if (k) put(t, ",", 1);
            put_number(t, x->dim[k]);
        }
        puts_(t, "],\"data_offsets\":[");
        put_number(t, at);
        put(t, ",", 1);
        put_number(t, at += ps_safe_count(x) * (int64_t)ps_safe_type_size(x->type));
        puts_(t, "]}");
    }
    put(t, "}", 1);
    while (t->n % 8) put(t, " ", 1);
}

enum ps_status ps_safe_compose(const struct ps_safe_tensor *const *tensor, int n, const char *const *note,
                               char **text, int64_t *length)
{
    struct text t = {0};
    put_all(&t, tensor, n, note);
    PS_CHECK(t.n <= PS_SAFE_HEADER_MAX, PS_EINTERNAL, "the header of %d tensors is too long", n);
    PS_TRY(ps_alloc(text, t.n, 1, "the header of a file of tensors"));
    *length = t.n;
    t = (struct text){.at = *text};
    put_all(&t, tensor, n, note);
    return PS_OK;
}
