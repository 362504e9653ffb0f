/* Chunks of an HDF5 data set, read and decoded without the library, whose lock would leave one thread at
 * work. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/format.h"
#include "common/io/h5meta.h"
#include "common/run/err.h"

#if defined PS_HAVE_LIBDEFLATE
#    include <libdeflate.h>
#elif defined PS_HAVE_ZLIB
#    include <zlib.h>
#endif

#if defined PS_HAVE_LIBDEFLATE || defined PS_HAVE_ZLIB
bool ps_h5_can_inflate(void)
{
    return true;
}
#else
bool ps_h5_can_inflate(void)
{
    return false;
}
#endif

/** Work space of one thread. */
struct worker {
    unsigned char *raw, *plain, *straight; /**< chunk as in the file, inflated, unshuffled; owned */
    int64_t raw_size;
    void *inflater;
    int error;  /**< errno of a failing read */
    int64_t at; /**< chunk that could not be decoded or read, -1 = none */
};

/** Inflate a zlib stream of exactly n bytes. */
static bool inflate_exactly(struct worker *w, const void *in, int64_t bytes, void *out, int64_t n)
{
#if defined PS_HAVE_LIBDEFLATE
    return libdeflate_zlib_decompress(w->inflater, in, (size_t)bytes, out, (size_t)n, NULL) ==
           LIBDEFLATE_SUCCESS;
#elif defined PS_HAVE_ZLIB
    (void)w;
    uLongf got = (uLongf)n;
    return uncompress(out, &got, in, (uLong)bytes) == Z_OK && got == (uLongf)n;
#else
    (void)w, (void)in, (void)bytes, (void)out, (void)n;
    return false;
#endif
}

/** Undo the shuffle filter for elements [first, first + n) of a chunk of `total`: byte b of all elements is
 * stored together. Written so that compilers turn the loops into wide loads, shifts and stores. */
static void unshuffle(const unsigned char *in, void *out, int64_t total, int64_t first, int64_t n,
                      size_t size)
{
    const unsigned char *p = in + first;
    if (size == 2) {
        uint16_t *restrict x = out;
        for (int64_t i = 0; i < n; i++) x[i] = (uint16_t)(p[i] | p[i + total] << 8);
    } else if (size == 4) {
        const unsigned char *p1 = p + total, *p2 = p1 + total, *p3 = p2 + total;
        uint32_t *restrict x = out;
        for (int64_t i = 0; i < n; i++)
            x[i] = (uint32_t)p[i] | (uint32_t)p1[i] << 8 | (uint32_t)p2[i] << 16 | (uint32_t)p3[i] << 24;
    } else {
        uint64_t *restrict x = out;
        for (int64_t i = 0; i < n; i++) {
            uint64_t v = 0;
            for (int b = 0; b < 8; b++) v |= (uint64_t)p[i + b * total] << (8 * b);
            x[i] = v;
        }
    }
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    ps_swap_bytes(out, n, size);
#endif
}

/** Where chunks come from: the file, or memory into which they were read as they are. */
struct source {
    const struct ps_infile *f;
    const unsigned char *memory; /**< NULL: read from the file */
};

/** A chunk's bytes; NULL if they cannot be had. */
static const unsigned char *load(struct worker *w, const struct source *from, const struct ps_h5chunk *c)
{
    if (from->memory) return from->memory + c->at;
    if (c->bytes > w->raw_size) {
        free(w->raw);
        w->raw_size = c->bytes + c->bytes / 4;
        w->raw = malloc((size_t)w->raw_size);
        if (!w->raw) {
            w->raw_size = 0;
            w->error = ENOMEM;
            return NULL;
        }
    }
    int64_t got = ps_pread_all(from->f->fd, w->raw, c->bytes, c->at);
    if (got < 0) w->error = errno;
    return got == c->bytes ? w->raw : NULL;
}

/** The part of the data set that a chunk and this rank have in common. */
struct part {
    int64_t row_lo, row_hi, col_lo, cols;
};

static struct part common_part(const struct ps_h5plan *p, const struct ps_shard *s, int64_t down,
                               int64_t across)
{
    struct part x = {.row_lo = down * p->chunk_rows, .col_lo = across * p->chunk_cols, .cols = p->chunk_cols};
    int64_t width = p->cols ? p->cols : 1;
    x.row_hi = x.row_lo + p->chunk_rows;
    if (x.row_lo < s->mine.lo) x.row_lo = s->mine.lo;
    if (x.row_hi > s->mine.hi) x.row_hi = s->mine.hi;
    if (x.col_lo + x.cols > width) x.cols = width - x.col_lo;
    return x;
}

/** Undo shuffle and byte order for elements [first, first + n) of a chunk. */
static void straighten(const struct ps_h5plan *p, bool shuffled, const unsigned char *data, int64_t first,
                       int64_t n, void *out)
{
    size_t size = ps_dtype_size(p->type);
    if (shuffled)
        unshuffle(data, out, p->chunk_rows * p->chunk_cols, first, n, size);
    else
        memcpy(out, data + first * (int64_t)size, (size_t)n * size);
    if (p->swap) ps_swap_bytes(out, n, size);
}

/** Decode chunk number `number` into the rows of this rank. */
static bool decode(struct worker *w, const struct source *from, const struct ps_h5plan *p,
                   const struct ps_h5chunk *c, int64_t number, struct ps_shard *out)
{
    int64_t size = (int64_t)ps_dtype_size(p->type), bytes = p->chunk_rows * p->chunk_cols * size,
            width = p->cols ? p->cols : 1;
    int64_t down = number / p->chunks_across;
    const unsigned char *data = load(w, from, c);
    if (!data) return false;
    if (p->deflate >= 0 && !(c->skipped >> p->deflate & 1)) {
        if (!inflate_exactly(w, data, c->bytes, w->plain, bytes)) return false;
        data = w->plain;
    } else if (c->bytes != bytes) {
        return false;
    }
    struct part x = common_part(p, out, down, number % p->chunks_across);
    int64_t first = (x.row_lo - down * p->chunk_rows) * p->chunk_cols,
            n = (x.row_hi - x.row_lo) * p->chunk_cols;
    char *rows = (char *)out->data + (x.row_lo - out->mine.lo) * width * size;
    bool shuffled = p->shuffle >= 0 && !(c->skipped >> p->shuffle & 1) && size > 1;
    if (p->chunk_cols == width) { /* the rows of the chunk are rows of the matrix: decode in place */
        straighten(p, shuffled, data, first, n, rows);
        return true;
    }
    straighten(p, shuffled, data, first, n, w->straight);
    for (int64_t r = 0; r < x.row_hi - x.row_lo; r++)
        memcpy(rows + (r * width + x.col_lo) * size, w->straight + r * p->chunk_cols * size,
               (size_t)(x.cols * size));
    return true;
}

static void worker_begin(struct worker *w, const struct ps_h5plan *p)
{
    size_t bytes = (size_t)(p->chunk_rows * p->chunk_cols) * ps_dtype_size(p->type);
    *w = (struct worker){.plain = malloc(bytes), .straight = malloc(bytes), .at = -1};
    if (!w->plain || !w->straight) w->error = ENOMEM;
#if defined PS_HAVE_LIBDEFLATE
    w->inflater = libdeflate_alloc_decompressor();
    if (!w->inflater) w->error = ENOMEM;
#endif
}

static void worker_end(struct worker *w)
{
#if defined PS_HAVE_LIBDEFLATE
    if (w->inflater) libdeflate_free_decompressor(w->inflater);
#endif
    free(w->raw);
    free(w->plain);
    free(w->straight);
}

struct ps_range ps_h5_own_chunks(const struct ps_h5plan *p, struct ps_range mine)
{
    if (mine.hi == mine.lo) return (struct ps_range){0, 0};
    return (struct ps_range){mine.lo / p->chunk_rows * p->chunks_across,
                             ((mine.hi - 1) / p->chunk_rows + 1) * p->chunks_across};
}

enum ps_status ps_h5_decode(const struct ps_infile *f, const unsigned char *memory, const struct ps_h5plan *p,
                            const struct ps_h5chunk *chunks, struct ps_range numbers, struct ps_shard *out)
{
    const struct source from = {f, memory};
    int64_t bad = INT64_MAX; /* the first chunk that fails: the same message whatever the threads do */
    int error = 0;
#pragma omp parallel
    {
        struct worker w;
        worker_begin(&w, p);
#pragma omp for schedule(dynamic)
        for (int64_t i = numbers.lo; i < numbers.hi; i++)
            if (w.at < 0 && (w.error || !decode(&w, &from, p, &chunks[i - numbers.lo], i, out))) w.at = i;
#pragma omp critical(ps_h5_chunk)
        if (w.at >= 0 && w.at < bad) {
            bad = w.at;
            error = w.error;
        }
        worker_end(&w);
    }
    PS_CHECK(error != ENOMEM, PS_ENOMEM, "%s: no memory for the chunks (%lld x %lld elements each)", f->path,
             (long long)p->chunk_rows, (long long)p->chunk_cols);
    PS_CHECK(!error, PS_EIO, "%s: reading failed: %s", f->path, strerror(error));
    PS_CHECK(bad == INT64_MAX, PS_EINPUT,
             "%s: data set %s is damaged: its chunk from row %lld on cannot be decoded", f->path, p->dataset,
             (long long)(bad / p->chunks_across * p->chunk_rows));
    return PS_OK;
}
