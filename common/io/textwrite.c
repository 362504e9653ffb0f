#include "common/io/textwrite.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/io/format.h"
#include "common/io/number.h"
#include "common/io/outfile.h"
#include "common/run/err.h"

enum { PIECE = 1 << 14 }; /* elements that one thread formats at a time, about */

/** Text of some rows. */
struct block {
    char *text; /**< owned; NULL: no memory */
    int64_t bytes;
};

static int format_int(uint64_t magnitude, bool minus, char *out)
{
    char digits[24];
    int n = 0, len = 0;
    do {
        digits[n++] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude);
    if (minus) out[len++] = '-';
    while (n) out[len++] = digits[--n];
    return len;
}

static int format_signed(int64_t v, char *out)
{
    return format_int(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0, out);
}

static int format_one(const void *data, int64_t i, enum ps_dtype type, char *out)
{
    switch (type) {
    case PS_I8:
        return format_signed(((const int8_t *)data)[i], out);
    case PS_U8:
        return format_int(((const uint8_t *)data)[i], false, out);
    case PS_I16:
        return format_signed(((const int16_t *)data)[i], out);
    case PS_U16:
        return format_int(((const uint16_t *)data)[i], false, out);
    case PS_I32:
        return format_signed(((const int32_t *)data)[i], out);
    case PS_U32:
        return format_int(((const uint32_t *)data)[i], false, out);
    case PS_I64:
        return format_signed(((const int64_t *)data)[i], out);
    case PS_U64:
        return format_int(((const uint64_t *)data)[i], false, out);
    case PS_F32:
        return ps_number_format_f32(((const float *)data)[i], out);
    default:
        return ps_number_format(((const double *)data)[i], out);
    }
}

/** Format rows [lo, hi) of own rows. */
static struct block format_rows(const struct ps_shard *s, int64_t lo, int64_t hi, char separator)
{
    int64_t width = s->cols ? s->cols : 1;
    struct block b = {malloc((size_t)((hi - lo) * width) * PS_NUMBER_TEXT), 0};
    if (!b.text) return b;
    for (int64_t i = lo; i < hi; i++)
        for (int64_t k = 0; k < width; k++) {
            b.bytes += format_one(s->data, i * width + k, s->type, b.text + b.bytes);
            b.text[b.bytes++] = k + 1 < width ? separator : '\n';
        }
    char *fitting = realloc(b.text, (size_t)b.bytes);
    if (fitting) b.text = fitting;
    return b;
}

/** Write own blocks behind those of the ranks in front. Collective over f->comm. */
static enum ps_status write_blocks(const struct ps_outfile *f, const struct block *blocks, int64_t n)
{
    int64_t bytes = 0, at = 0;
    for (int64_t i = 0; i < n; i++) bytes += blocks[i].bytes;
    MPI_Exscan(&bytes, &at, 1, MPI_INT64_T, MPI_SUM, f->comm);
    if (f->rank == 0) at = 0;
    for (int64_t i = 0; i < n; i++) {
        PS_TRY(ps_outfile_write(f, blocks[i].text, blocks[i].bytes, at));
        at += blocks[i].bytes;
    }
    return PS_OK;
}

enum ps_status ps_text_write(MPI_Comm comm, const char *path, const char *dataset, const struct ps_shard *s)
{
    (void)dataset;
    struct ps_outfile f;
    struct block *blocks = NULL;
    const char *dot = strrchr(path, '.');
    char separator = dot && !strcasecmp(dot, ".csv") ? ',' : dot && !strcasecmp(dot, ".tsv") ? '\t' : ' ';
    int64_t rows = s->mine.hi - s->mine.lo, width = s->cols ? s->cols : 1;
    int64_t each = width < PIECE ? PIECE / width : 1, n = (rows + each - 1) / each;
    PS_TRY(ps_outfile_open(comm, path, false, &f));
    enum ps_status rc = ps_zalloc(&blocks, n ? n : 1, sizeof *blocks, "the text of rows");
    int missing = 0;
    if (rc == PS_OK) {
#pragma omp parallel for schedule(dynamic) reduction(+ : missing)
        for (int64_t i = 0; i < n; i++) {
            blocks[i] = format_rows(s, i * each, (i + 1) * each < rows ? (i + 1) * each : rows, separator);
            missing += !blocks[i].text;
        }
        if (missing)
            rc = ps_fail(PS_ENOMEM, "%s: no memory for the text of %lld rows", path, (long long)rows);
    }
    rc = ps_agree(comm, rc);
    if (rc == PS_OK) rc = write_blocks(&f, blocks, n);
    for (int64_t i = 0; blocks && i < n; i++) free(blocks[i].text);
    free(blocks);
    return ps_outfile_close(&f, rc);
}
