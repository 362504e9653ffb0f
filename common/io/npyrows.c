#include "common/io/npyrows.h"
#include <string.h>
#include "common/io/format.h"
#include "common/run/err.h"

/** Spread n elements of a column over rows that are `step` elements apart. */
static void scatter(const void *column, void *rows, int64_t n, int64_t step, size_t size)
{
#define SCATTER(T) \
    for (int64_t i = 0; i < n; i++) ((T *)rows)[i * step] = ((const T *)column)[i]
    switch (size) {
    case 1:
        SCATTER(uint8_t);
        break;
    case 2:
        SCATTER(uint16_t);
        break;
    case 4:
        SCATTER(uint32_t);
        break;
    default:
        SCATTER(uint64_t);
        break;
    }
#undef SCATTER
}

/** Read own rows of every column of a column-major matrix, in pieces that stay in cache. */
static enum ps_status read_columns(const struct ps_infile *f, const struct ps_npy *h, struct ps_shard *out)
{
    enum { PIECE = 16384 };
    int64_t n = out->mine.hi - out->mine.lo, pieces = (n + PIECE - 1) / PIECE,
            size = (int64_t)ps_dtype_size(h->type);
    int bad = 0;
#pragma omp parallel for collapse(2) schedule(static)
    for (int64_t p = 0; p < pieces; p++) {
        for (int64_t c = 0; c < h->cols; c++) {
            uint64_t column[PIECE];
            int64_t lo = p * PIECE, len = n - lo < PIECE ? n - lo : PIECE;
            int64_t at = h->offset + (c * h->rows + out->mine.lo + lo) * size;
            if (ps_pread_all(f->fd, column, len * size, at) != len * size) {
#pragma omp atomic write
                bad = 1;
            }
            scatter(column, (char *)out->data + (lo * h->cols + c) * size, len, h->cols, (size_t)size);
        }
    }
    PS_CHECK(!bad, PS_EIO, "%s: reading failed", f->path);
    return PS_OK;
}

enum ps_status ps_npy_read_rows(const struct ps_infile *f, const struct ps_npy *h, struct ps_shard *out)
{
    int64_t row = ps_row_bytes(h->cols, h->type), n = out->mine.hi - out->mine.lo;
    PS_TRY(h->fortran ? read_columns(f, h, out)
                      : ps_infile_read(f, out->data, n * row, h->offset + out->mine.lo * row));
    ps_npy_swap(h, out);
    return PS_OK;
}

static struct ps_range common(struct ps_range a, struct ps_range b)
{
    const struct ps_range c = {a.lo > b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi};
    return c.hi > c.lo ? c : (struct ps_range){c.lo, c.lo};
}

void ps_npy_keep(const struct ps_npy *h, int64_t first, int64_t n, const void *element, struct ps_shard *out)
{
    const int64_t width = h->cols ? h->cols : 1, size = (int64_t)ps_dtype_size(h->type);
    const struct ps_range here = {first, first + n};
    const char *from = element;
    char *to = out->data;
    if (!h->fortran) {
        const struct ps_range own = {out->mine.lo * width, out->mine.hi * width}, r = common(own, here);
        if (r.hi > r.lo)
            memcpy(to + (r.lo - own.lo) * size, from + (r.lo - first) * size, (size_t)((r.hi - r.lo) * size));
        return;
    }
    for (int64_t c = first / h->rows; n > 0 && c <= (first + n - 1) / h->rows; c++) {
        const struct ps_range own = {c * h->rows + out->mine.lo, c * h->rows + out->mine.hi},
                              r = common(own, here);
        if (r.hi > r.lo)
            scatter(from + (r.lo - first) * size, to + ((r.lo - own.lo) * width + c) * size, r.hi - r.lo,
                    width, (size_t)size);
    }
}

void ps_npy_swap(const struct ps_npy *h, struct ps_shard *out)
{
    if (h->swap)
        ps_swap_bytes(out->data, (out->mine.hi - out->mine.lo) * (h->cols ? h->cols : 1),
                      ps_dtype_size(h->type));
}
