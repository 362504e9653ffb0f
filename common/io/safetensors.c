#include "common/io/safetensors.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/infile.h"
#include "common/io/outfile.h"
#include "common/io/safeheader.h"
#include "common/run/err.h"

enum { LENGTH = 8 }; /* bytes of the header's length */

int64_t ps_safe_count(const struct ps_safe_tensor *t)
{
    int64_t n = 1;
    for (int i = 0; i < t->dims; i++) n *= t->dim[i];
    return n;
}

void ps_safetensors_free(struct ps_safetensors *s)
{
    free(s->tensor);
    free(s->memory);
    *s = (struct ps_safetensors){0};
}

static enum ps_status check_machine(const char *path)
{
    PS_CHECK(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, PS_EBACKEND,
             "%s: files of tensors are little-endian, and this machine is not", path);
    return PS_OK;
}

/** The length of the header. */
static enum ps_status read_length(const struct ps_infile *f, int64_t *out)
{
    uint64_t n;
    PS_CHECK(f->bytes >= LENGTH, PS_EINPUT, "%s: is no safetensors file: it has only %lld bytes", f->path,
             (long long)f->bytes);
    PS_TRY(ps_infile_read(f, &n, LENGTH, 0));
    PS_CHECK(n <= PS_SAFE_HEADER_MAX, PS_EINPUT,
             "%s: is no safetensors file: its header would have %llu bytes", f->path, (unsigned long long)n);
    PS_CHECK((int64_t)n <= f->bytes - LENGTH, PS_EINPUT,
             "%s: truncated: its header has %lld bytes, the file %lld", f->path, (long long)n,
             (long long)f->bytes);
    *out = (int64_t)n;
    return PS_OK;
}

enum ps_status ps_safetensors_read(const char *path, struct ps_safetensors *out)
{
    struct ps_infile f = {.fd = -1};
    char *text = NULL;
    int64_t n = 0;
    enum ps_status rc;
    *out = (struct ps_safetensors){0};
    PS_TRY_DONE(check_machine(path));
    PS_TRY_DONE(ps_infile_open(path, &f));
    PS_TRY_DONE(read_length(&f, &n));
    const int64_t bytes = f.bytes - LENGTH - n;
    PS_TRY_DONE(ps_alloc(&text, n, 1, "the header of a file of tensors"));
    PS_TRY_DONE(ps_alloc(&out->memory, bytes, 1, "a file of tensors"));
    PS_TRY_DONE(ps_infile_read(&f, text, n, LENGTH));
    PS_TRY_DONE(ps_safe_parse(path, text, n, out->memory, bytes, out));
    rc = ps_infile_read(&f, out->memory, bytes, LENGTH + n);
done:
    if (rc != PS_OK) ps_safetensors_free(out);
    free(text);
    ps_infile_close(&f);
    return rc;
}

static float from_half(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, fraction = h & 0x3ff;
    const int exponent = h >> 10 & 0x1f;
    uint32_t bits;
    float x;
    if (exponent == 0) { /* zero or subnormal: fraction / 2^24 is exact */
        x = ldexpf((float)fraction, -24);
        return sign ? -x : x;
    }
    bits = sign | (exponent == 31 ? 0x7f800000 : (uint32_t)(exponent - 15 + 127) << 23) | fraction << 13;
    memcpy(&x, &bits, sizeof x);
    return x;
}

void ps_safe_floats(const struct ps_safe_tensor *t, int64_t lo, int64_t n, float *out)
{
    const char *at = (const char *)t->data + lo * (int64_t)ps_safe_type_size(t->type);
    if (t->type == PS_SAFE_F32) {
        memcpy(out, at, (size_t)n * sizeof *out);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        uint16_t half;
        double wide;
        if (t->type == PS_SAFE_F64) {
            memcpy(&wide, at + i * 8, sizeof wide);
            out[i] = (float)wide;
            continue;
        }
        memcpy(&half, at + i * 2, sizeof half);
        const uint32_t bits = (uint32_t)half << 16; /* bfloat16 is the upper half of a float */
        if (t->type == PS_SAFE_F16)
            out[i] = from_half(half);
        else
            memcpy(&out[i], &bits, sizeof bits);
    }
}

/** Tensors with the widest types first, else in the given order. */
static void by_width(const struct ps_safe_tensor *tensor, int n, const struct ps_safe_tensor **out)
{
    int k = 0;
    for (size_t width = 8; width > 0; width /= 2)
        for (int i = 0; i < n; i++)
            if (ps_safe_type_size(tensor[i].type) == width) out[k++] = &tensor[i];
}

/** Header and data of tensors in their order. */
static enum ps_status write_all(const struct ps_outfile *f, const struct ps_safe_tensor *const *tensor, int n,
                                const char *text, int64_t length)
{
    int64_t at = LENGTH + length;
    PS_TRY(ps_outfile_write(f, &length, LENGTH, 0));
    PS_TRY(ps_outfile_write(f, text, length, LENGTH));
    for (int i = 0; i < n; i++) {
        const int64_t bytes = ps_safe_count(tensor[i]) * (int64_t)ps_safe_type_size(tensor[i]->type);
        PS_TRY(ps_outfile_write(f, tensor[i]->data, bytes, at));
        at += bytes;
    }
    return PS_OK;
}

enum ps_status ps_safetensors_write(const char *path, const struct ps_safe_tensor *tensor, int n,
                                    const char *const *note)
{
    const struct ps_safe_tensor **order = NULL;
    struct ps_outfile f;
    char *text = NULL;
    int64_t length;
    enum ps_status rc;
    PS_TRY(check_machine(path));
    for (int i = 0; i < n; i++)
        PS_CHECK(ps_safe_type_size(tensor[i].type), PS_EINTERNAL,
                 "%s: tensor '%s' has a type that cannot be written", path, tensor[i].name);
    PS_TRY_DONE(ps_alloc(&order, n, sizeof *order, "the order of tensors"));
    by_width(tensor, n, order);
    PS_TRY_DONE(ps_safe_distinct(path, order, n, PS_EINTERNAL));
    PS_TRY_DONE(ps_safe_compose(order, n, note, &text, &length));
    PS_TRY_DONE(ps_outfile_open(MPI_COMM_SELF, path, false, &f));
    rc = ps_outfile_close(&f, write_all(&f, order, n, text, length));
done:
    free(text);
    free(order);
    return rc;
}
