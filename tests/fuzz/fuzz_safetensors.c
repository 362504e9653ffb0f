/* Any bytes as a safetensors file: refused with a sentence that names the file, or tensors that cover the
 * data without gaps; and the header that we write for them is read as the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/safeheader.h"
#include "common/run/err.h"

#define REQUIRE(cond)                                                  \
    do {                                                               \
        if (!(cond)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                   \
        }                                                              \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Parse from a buffer of exactly n bytes, so that a step beyond the end is seen. */
static enum ps_status parse(const uint8_t *text, int64_t n, const void *data, int64_t bytes,
                            struct ps_safetensors *out)
{
    char *exact = malloc((size_t)n + !n);
    memcpy(exact, text, (size_t)n);
    ps_err_clear();
    enum ps_status rc = ps_safe_parse("FILE", exact, n, data, bytes, out);
    free(exact);
    return rc;
}

/** Tensors follow each other; those of known types may be written. */
static void check(const struct ps_safetensors *s, const uint8_t *data, int64_t bytes)
{
    const struct ps_safe_tensor **known = malloc(sizeof *known * (size_t)(s->n + 1));
    struct ps_safetensors again = {0};
    int64_t length, all = 0;
    char *text;
    int n = 0;
    for (int i = 0; i < s->n; i++) {
        const struct ps_safe_tensor *t = &s->tensor[i];
        const int64_t at = (const uint8_t *)t->data - data, size = (int64_t)ps_safe_type_size(t->type),
                      end = i + 1 < s->n ? (const uint8_t *)s->tensor[i + 1].data - data : bytes;
        REQUIRE(at >= 0 && at <= end && end <= bytes && t->dims >= 0 && t->dims <= PS_SAFE_DIMS);
        REQUIRE(strlen(t->name) < PS_SAFE_NAME);
        if (!size) continue;
        REQUIRE(ps_safe_count(t) * size == end - at);
        known[n++] = t;
        all += end - at;
    }
    REQUIRE(ps_safe_compose(known, n, NULL, &text, &length) == PS_OK && length % 8 == 0);
    REQUIRE(parse((const uint8_t *)text, length, data, all, &again) == PS_OK && again.n == n);
    for (int i = 0, k = 0; i < n; i++) {
        const struct ps_safe_tensor *t = &again.tensor[i];
        if (!ps_safe_count(t)) continue; /* empty ones may trade places */
        while (!ps_safe_count(known[k])) k++;
        REQUIRE(!strcmp(t->name, known[k]->name) && t->type == known[k]->type && t->dims == known[k]->dims);
        k++;
    }
    ps_safetensors_free(&again);
    free(text);
    free(known);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ps_safetensors s = {0};
    if (size == 0) return 0;
    int64_t n =
        (int64_t)size - 1 - data[0]; /* the first byte says how much is data, so that headers change freely */
    if (n < 0) n = 0;
    const int64_t bytes = (int64_t)size - 1 - n;
    if (parse(data + 1, n, data + 1 + n, bytes, &s) == PS_OK)
        check(&s, data + 1 + n, bytes);
    else
        REQUIRE(!s.tensor && s.n == 0 && strstr(ps_err_message(), "FILE"));
    ps_safetensors_free(&s);
    return 0;
}
