/* Any bytes as a zip archive: refused with a sentence, or a directory that ends, whose members lie within the
 * file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/zipdir.h"

#define REQUIRE(cond)                                                  \
    do {                                                               \
        if (!(cond)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                   \
        }                                                              \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** A copy of exactly n bytes, so that a step beyond the end is seen. */
static unsigned char *copy(const uint8_t *data, int64_t n)
{
    unsigned char *exact = malloc((size_t)n + !n);
    memcpy(exact, data, (size_t)n);
    return exact;
}

static void check(const uint8_t *data, int64_t bytes, const struct ps_zip_member *m)
{
    REQUIRE(strlen(m->name) < PS_ZIP_NAME && m->bytes >= 0 && m->packed >= 0);
    REQUIRE(m->at >= 0 && m->at + PS_ZIP_LOCAL <= bytes);
    unsigned char *head = copy(data + m->at, PS_ZIP_LOCAL);
    const int64_t at = ps_zip_data(head, bytes, m);
    REQUIRE(at == -1 || (at >= m->at + PS_ZIP_LOCAL && m->packed <= bytes - at));
    free(head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int64_t bytes = (int64_t)size, n = bytes < PS_ZIP_TAIL ? bytes : PS_ZIP_TAIL;
    struct ps_zip_place place;
    struct ps_zip_member m;
    unsigned char *tail = copy(data + bytes - n, n);
    const char *wrong = ps_zip_find(tail, n, bytes, &place);
    free(tail);
    if (wrong) return wrong[0] ? 0 : (abort(), 0);
    REQUIRE(place.at >= 0 && place.bytes >= 0 && place.bytes <= bytes - place.at);
    unsigned char *dir = copy(data + place.at, place.bytes);
    for (int64_t at = 0; at < place.bytes;) {
        const int64_t before = at;
        if (ps_zip_next(dir, place.bytes, bytes, &at, &m)) break;
        REQUIRE(at > before && at <= place.bytes);
        check(data, bytes, &m);
    }
    free(dir);
    return 0;
}
