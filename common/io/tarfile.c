#include "common/io/tarfile.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

/* Source: POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format". */
enum {
    AT_NAME = 0,
    AT_SIZE = 124,
    AT_SUM = 148,
    AT_TYPE = 156,
    AT_MAGIC = 257,
    AT_PREFIX = 345,
    NAME = 100,
    SIZE = 12,
    SUM = 8,
    PREFIX = 155
};

enum { PIECE = 256 << 10, RECORD_MOST = 1 << 20 };

/* A number in octal, or in bytes where the first has its highest bit set (GNU). @return -1: it is none */
static int64_t number(const unsigned char *text, int n)
{
    int64_t v = 0;
    int i = 0;
    if (text[0] & 0x80) {
        v = text[0] & 0x7F;
        for (i = 1; i < n; i++) {
            if (v > INT64_MAX >> 9) return -1;
            v = v << 8 | text[i];
        }
        return v;
    }
    while (i < n && text[i] == ' ') i++;
    for (; i < n && text[i] >= '0' && text[i] <= '7'; i++) v = v << 3 | (text[i] - '0');
    return i < n && text[i] != ' ' && text[i] != '\0' ? -1 : v;
}

static bool sum_is_right(const unsigned char *block)
{
    int64_t with = 0, as_signed = 0;
    for (int i = 0; i < PS_TAR_BLOCK; i++) {
        const int c = i >= AT_SUM && i < AT_SUM + SUM ? ' ' : block[i];
        with += c;
        as_signed += c > 127 ? c - 256 : c; /* as some old programs added */
    }
    const int64_t said = number(block + AT_SUM, SUM);
    return said == with || said == as_signed;
}

int ps_tar_head(const unsigned char *block, struct ps_tar_head *out)
{
    int i = 0;
    while (i < PS_TAR_BLOCK && block[i] == 0) i++;
    if (i == PS_TAR_BLOCK) return 0;
    if (!sum_is_right(block)) return -1;
    out->bytes = number(block + AT_SIZE, SIZE);
    if (out->bytes < 0) return -1;
    out->type = block[AT_TYPE] ? (char)block[AT_TYPE] : '0';
    const bool ustar = memcmp(block + AT_MAGIC, "ustar\0", 6) == 0; /* GNU's has no prefix */
    const char *prefix = (const char *)block + AT_PREFIX, *name = (const char *)block + AT_NAME;
    const int before = ustar ? (int)strnlen(prefix, PREFIX) : 0;
    snprintf(out->name, sizeof out->name, "%.*s%s%.*s", before, prefix, before ? "/" : "",
             (int)strnlen(name, NAME), name);
    return 1;
}

void ps_tar_put_head(const char *name, int64_t bytes, unsigned char *block)
{
    unsigned sum = 0;
    char *head = (char *)block;
    memset(block, 0, PS_TAR_BLOCK);
    memcpy(head + AT_NAME, name, strnlen(name, NAME));
    memcpy(head + 100, "0000644", 7); /* rights, then owner and group */
    memcpy(head + 108, "0000000", 7);
    memcpy(head + 116, "0000000", 7);
    snprintf(head + AT_SIZE, SIZE, "%011llo", (unsigned long long)bytes & 077777777777);
    memcpy(head + 136, "00000000000", 11); /* time */
    memset(head + AT_SUM, ' ', SUM);
    head[AT_TYPE] = '0';
    memcpy(head + AT_MAGIC, "ustar\00000", 8);
    for (int i = 0; i < PS_TAR_BLOCK; i++) sum += block[i];
    snprintf(head + AT_SUM, SUM, "%06o", sum);
}

/* Whole number of n digits. @return -1: it is none */
static int64_t decimal(const char *text, int64_t n)
{
    int64_t v = 0;
    if (n < 1 || n > 18) return -1;
    for (int64_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9') return -1;
        v = 10 * v + (text[i] - '0');
    }
    return v;
}

int ps_tar_pax(const char *text, int64_t n, char *path, int64_t *bytes)
{
    path[0] = '\0';
    *bytes = -1;
    while (n > 0) { /* "LENGTH KEYWORD=VALUE\n" */
        const char *blank = memchr(text, ' ', (size_t)n);
        if (!blank) return false;
        const int64_t length = decimal(text, blank - text);
        if (length <= blank - text + 1 || length > n || text[length - 1] != '\n') return false;
        const char *word = blank + 1, *end = text + length - 1, *is = memchr(word, '=', (size_t)(end - word));
        if (!is) return false;
        const char *value = is + 1;
        if (is - word == 4 && memcmp(word, "path", 4) == 0) {
            if (end - value >= PS_TAR_NAME || memchr(value, '\0', (size_t)(end - value))) return false;
            memcpy(path, value, (size_t)(end - value));
            path[end - value] = '\0';
        } else if (is - word == 4 && memcmp(word, "size", 4) == 0) {
            *bytes = decimal(value, end - value);
            if (*bytes < 0) return false;
        }
        text += length;
        n -= length;
    }
    return true;
}

enum ps_status ps_tar_open(const struct ps_infile *file, struct ps_tar *out)
{
    *out = (struct ps_tar){.file = file};
    return ps_alloc(&out->buffer, PIECE, 1, "a piece of a tar file");
}

void ps_tar_close(struct ps_tar *tar)
{
    free(tar->buffer);
    tar->buffer = NULL;
}

static int fail(struct ps_tar *tar, const char *what)
{
    snprintf(tar->why, sizeof tar->why, "%s at offset %lld", what, (long long)tar->next);
    return -1;
}

/* A block of the file; small members come in pieces of many. @return NULL: failed */
static const unsigned char *block_at(struct ps_tar *tar, int64_t at)
{
    if (at < tar->from || at + PS_TAR_BLOCK > tar->from + tar->has) {
        tar->from = at;
        tar->has = ps_pread_all(tar->file->fd, tar->buffer, PIECE, at);
        if (tar->has < PS_TAR_BLOCK) {
            fail(tar, tar->has < 0 ? strerror(errno) : "is truncated");
            tar->has = 0;
            return NULL;
        }
    }
    return tar->buffer + (at - tar->from);
}

/* The content of a head that tells of the next member: a long name, or pax's records. */
static int read_record(struct ps_tar *tar, int64_t at, int64_t n, char *text)
{
    if (ps_pread_all(tar->file->fd, text, n, at) != n) return fail(tar, "is truncated");
    text[n] = '\0';
    return 1;
}

/* What the next member is called and how long it is, where its own head has no room for that. */
struct next {
    char name[PS_TAR_NAME];
    int64_t bytes;
};

static int learn(struct ps_tar *tar, const struct ps_tar_head *head, struct next *next)
{
    if (head->bytes > RECORD_MOST) return fail(tar, "has a name or a record of more than 1 MiB");
    char *text = malloc((size_t)head->bytes + 1);
    if (!text) return fail(tar, "no memory for a record");
    int rc = read_record(tar, tar->next + PS_TAR_BLOCK, head->bytes, text);
    if (rc == 1 && head->type == 'L') {
        if (strlen(text) >= sizeof next->name)
            rc = fail(tar, "has a name of more than 4095 bytes");
        else
            snprintf(next->name, sizeof next->name, "%s", text);
    } else if (rc == 1 && head->type == 'x') {
        char path[PS_TAR_NAME];
        int64_t bytes;
        if (!ps_tar_pax(text, head->bytes, path, &bytes)) rc = fail(tar, "has a damaged record of pax");
        if (rc == 1 && path[0]) memcpy(next->name, path, sizeof path);
        if (rc == 1 && bytes >= 0) next->bytes = bytes;
    }
    free(text);
    return rc;
}

static void take_name(const char *name, char *out)
{
    while (name[0] == '.' && name[1] == '/') name += 2;
    snprintf(out, PS_TAR_NAME, "%s", name);
}

int ps_tar_next(struct ps_tar *tar, struct ps_tar_member *out)
{
    struct next next = {.bytes = -1};
    struct ps_tar_head head;
    while (tar->next < tar->file->bytes) {
        const unsigned char *block = block_at(tar, tar->next);
        if (!block) return -1;
        const int is = ps_tar_head(block, &head);
        if (is == 0) return 0;
        if (is < 0)
            return fail(tar, tar->next == 0
                                 ? "is no tar file (a compressed one must be unpacked first): no head"
                                 : "is damaged: no head of a member");
        const bool tells = head.type == 'L' || head.type == 'x' || head.type == 'K' || head.type == 'g';
        if (!tells && next.bytes >= 0) head.bytes = next.bytes;
        const int64_t at = tar->next + PS_TAR_BLOCK, left = tar->file->bytes - at;
        if (head.bytes > left) return fail(tar, "is truncated: a member reaches beyond the end of the file,");
        if ((head.type == 'L' || head.type == 'x') && learn(tar, &head, &next) < 0) return -1;
        tar->next = at + (head.bytes + PS_TAR_BLOCK - 1) / PS_TAR_BLOCK * PS_TAR_BLOCK;
        if (tells) continue;
        if (head.type == '0' || head.type == '7') {
            take_name(next.name[0] ? next.name : head.name, out->name);
            out->at = at;
            out->bytes = head.bytes;
            return 1;
        }
        next = (struct next){.bytes = -1};
    }
    return 0;
}
