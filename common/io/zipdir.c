#include "common/io/zipdir.h"
#include <string.h>

enum { END = 22, LOCATOR = 20, END64 = 56, ENTRY = 46 }; /* bytes of records without their texts */

static const char damaged[] = "its directory at the end is damaged or cut off";

static int64_t u16(const unsigned char *p)
{
    return p[0] | p[1] << 8;
}

static int64_t u32(const unsigned char *p)
{
    return u16(p) | u16(p + 2) << 16;
}

/** -1 where it is beyond 63 bits. */
static int64_t u64(const unsigned char *p)
{
    return p[7] & 0x80 ? -1 : u32(p) | u32(p + 4) << 32;
}

/** Is [at, at + bytes) within [0, end)? */
static bool within(int64_t at, int64_t bytes, int64_t end)
{
    return at >= 0 && bytes >= 0 && at <= end && bytes <= end - at;
}

const char *ps_zip_find(const unsigned char *tail, int64_t n, int64_t file_bytes, struct ps_zip_place *out)
{
    const int64_t before = file_bytes - n; /* of the tail in the file */
    int64_t end = n - END;
    /* a comment may follow the record */
    while (end >= 0 && (memcmp(tail + end, "PK\5\6", 4) || u16(tail + end + 20) != n - END - end)) end--;
    if (end < 0) return damaged;
    out->bytes = u32(tail + end + 12);
    out->at = u32(tail + end + 16);
    if (out->bytes == 0xffffffff || out->at == 0xffffffff || u16(tail + end + 10) == 0xffff) {
        const int64_t locator = end - LOCATOR;
        if (locator < 0 || memcmp(tail + locator, "PK\6\7", 4)) return damaged;
        const int64_t at = u64(tail + locator + 8) - before;
        if (!within(at, END64, locator) || memcmp(tail + at, "PK\6\6", 4)) return damaged;
        out->bytes = u64(tail + at + 40);
        out->at = u64(tail + at + 48);
    }
    return within(out->at, out->bytes, before + end) ? NULL : damaged;
}

/** Sizes and place that do not fit 32 bits stand in an extra field. @return false: it is damaged */
static bool extra64(const unsigned char *extra, int64_t n, struct ps_zip_member *m)
{
    int64_t *const wide[] = {&m->bytes, &m->packed, &m->at};
    while (n >= 4) {
        const int64_t id = u16(extra), bytes = u16(extra + 2);
        if (bytes > n - 4) return false;
        for (int64_t i = 0, at = 0; id == 1 && i < 3; i++) {
            if (*wide[i] != 0xffffffff) continue;
            if (at + 8 > bytes) return false;
            *wide[i] = u64(extra + 4 + at);
            at += 8;
        }
        extra += 4 + bytes;
        n -= 4 + bytes;
    }
    return true;
}

const char *ps_zip_next(const unsigned char *dir, int64_t n, int64_t file_bytes, int64_t *at,
                        struct ps_zip_member *out)
{
    const unsigned char *p = dir + *at;
    const int64_t left = n - *at;
    if (left < ENTRY || memcmp(p, "PK\1\2", 4)) return damaged;
    const int64_t name = u16(p + 28), extra = u16(p + 30), comment = u16(p + 32);
    if (ENTRY + name + extra + comment > left) return damaged;
    if (name >= PS_ZIP_NAME) return "has a member with a name of more than 255 bytes";
    *out = (struct ps_zip_member){.locked = p[8] & 1,
                                  .method = (int)u16(p + 10),
                                  .crc = (uint32_t)u32(p + 16),
                                  .packed = u32(p + 20),
                                  .bytes = u32(p + 24),
                                  .at = u32(p + 42)};
    memcpy(out->name, p + ENTRY, (size_t)name);
    if (!extra64(p + ENTRY + name, extra, out)) return damaged;
    if (out->bytes < 0 || !within(out->at, PS_ZIP_LOCAL, file_bytes) ||
        !within(out->at + PS_ZIP_LOCAL, out->packed, file_bytes))
        return damaged;
    *at += ENTRY + name + extra + comment;
    return NULL;
}

int64_t ps_zip_data(const unsigned char *head, int64_t file_bytes, const struct ps_zip_member *member)
{
    if (memcmp(head, "PK\3\4", 4)) return -1;
    const int64_t at = member->at + PS_ZIP_LOCAL + u16(head + 26) + u16(head + 28);
    return within(at, member->packed, file_bytes) ? at : -1;
}
