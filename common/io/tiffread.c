/* TIFF pictures from memory: stacks of any number of bands, in strips or tiles, bands together or apart. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/picture_formats.h"
#ifdef PS_HAVE_TIFF
#    include <tiffio.h>
#endif

static bool match(const unsigned char *head, int64_t n)
{
    return n >= 8 && (memcmp(head, "II*\0", 4) == 0 || memcmp(head, "MM\0*", 4) == 0 ||
                      memcmp(head, "II+\0", 4) == 0 || memcmp(head, "MM\0+", 4) == 0);
}

#ifdef PS_HAVE_TIFF
enum { MOST_BLOCK = 1 << 30 }; /* bytes of a strip or tile */

/** The file in memory, as the library's functions see it. */
struct memory {
    const unsigned char *bytes;
    int64_t n, at;
    struct ps_picture *picture; /* for messages */
};

static tmsize_t take(thandle_t handle, void *to, tmsize_t n)
{
    struct memory *m = handle;
    if (m->at < 0 || m->at > m->n) return 0;
    if (n > m->n - m->at) n = (tmsize_t)(m->n - m->at);
    memcpy(to, m->bytes + m->at, (size_t)n);
    m->at += n;
    return n;
}

static tmsize_t refuse(thandle_t handle, void *from, tmsize_t n)
{
    (void)handle, (void)from, (void)n;
    return 0;
}

static toff_t seek(thandle_t handle, toff_t to, int whence)
{
    struct memory *m = handle;
    m->at = (int64_t)to + (whence == SEEK_CUR ? m->at : whence == SEEK_END ? m->n : 0);
    return (toff_t)m->at;
}

static int end(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t size(thandle_t handle)
{
    return (toff_t)((const struct memory *)handle)->n;
}

static int map(thandle_t handle, void **base, toff_t *n)
{
    (void)handle, (void)base, (void)n;
    return 0;
}

static void unmap(thandle_t handle, void *base, toff_t n)
{
    (void)handle, (void)base, (void)n;
}

/* The library's messages go to standard error unless they are caught. */
static void keep(thandle_t handle, const char *module, const char *fmt, va_list args)
{
    char text[PS_PICTURE_WHY];
    const struct memory *m = handle;
    (void)module;
    if (!m || m->picture->why[0]) return;
    vsnprintf(text, sizeof text, fmt, args);
    ps_picture_wrong(m->picture, PS_EINPUT, "is a damaged TIFF picture: %.200s", text);
}

static TIFF *open_memory(struct memory *m)
{
    TIFFSetErrorHandler(NULL);
    TIFFSetWarningHandler(NULL);
    TIFFSetWarningHandlerExt(NULL);
    TIFFSetErrorHandlerExt(keep);
    return TIFFClientOpen("memory", "rm", m, take, refuse, seek, end, size, map, unmap);
}

/** How pixels lie in blocks, which are strips or tiles. */
struct blocks {
    bool tiled, apart; /* apart: a block has one band */
    uint32_t height, width;
    tmsize_t bytes;
};

static enum ps_status find_type(TIFF *tiff, struct ps_picture *out)
{
    uint16_t bits = 1, format = SAMPLEFORMAT_UINT;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
    if (format == SAMPLEFORMAT_VOID) format = SAMPLEFORMAT_UINT;
    if (format == SAMPLEFORMAT_UINT && bits == 8)
        out->type = PS_U8;
    else if (format == SAMPLEFORMAT_UINT && bits == 16)
        out->type = PS_U16;
    else if (format == SAMPLEFORMAT_INT && bits == 16)
        out->type = PS_I16;
    else if (format == SAMPLEFORMAT_IEEEFP && bits == 32)
        out->type = PS_F32;
    else
        return ps_picture_wrong(out, PS_EINPUT,
                                "has %d bits a band (sample format %d): 8 and 16 bits and float are read",
                                bits, format);
    return PS_OK;
}

/* Shape and type. */
static enum ps_status read_head(TIFF *tiff, struct ps_picture *out, struct blocks *b)
{
    uint32_t width = 0, height = 0;
    uint16_t bands = 1, planar = PLANARCONFIG_CONTIG, colours = PHOTOMETRIC_MINISBLACK,
             packing = COMPRESSION_NONE;
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &bands);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
    TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &colours);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &packing);
    if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX)
        return ps_picture_wrong(out, PS_EINPUT, "is a TIFF picture of no size");
    const enum ps_status rc = find_type(tiff, out);
    if (rc != PS_OK) return rc;
    if (colours == PHOTOMETRIC_YCBCR && packing == COMPRESSION_JPEG)
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    else if (colours != PHOTOMETRIC_MINISBLACK && colours != PHOTOMETRIC_RGB)
        return ps_picture_wrong(
            out, PS_EINPUT, "has colours of TIFF's kind %d: grey, RGB and stacks of bands are read", colours);
    out->width = (int)width;
    out->height = (int)height;
    out->bands = bands;
    *b = (struct blocks){.tiled = TIFFIsTiled(tiff) != 0,
                         .apart = planar == PLANARCONFIG_SEPARATE && bands > 1,
                         .height = height,
                         .width = width};
    if (b->tiled) {
        TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &b->width);
        TIFFGetField(tiff, TIFFTAG_TILELENGTH, &b->height);
        b->bytes = TIFFTileSize(tiff);
    } else {
        TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &b->height);
        if (b->height > height) b->height = height;
        b->bytes = TIFFStripSize(tiff);
    }
    const int64_t wanted =
        (int64_t)b->height * b->width * (b->apart ? 1 : bands) * (int64_t)ps_dtype_size(out->type);
    if (b->height == 0 || b->width == 0 || b->bytes < wanted || b->bytes > MOST_BLOCK)
        return ps_picture_wrong(out, PS_EINPUT, "is a damaged TIFF picture: blocks of %u x %u pixels",
                                b->width, b->height);
    return PS_OK;
}

/* Pixels of a block at (x, y) to where they belong. */
static void place(const struct blocks *b, const char *from, uint32_t x, uint32_t y, int band,
                  struct ps_picture *out)
{
    const size_t one = ps_dtype_size(out->type), bands = (size_t)out->bands, of_block = b->apart ? 1 : bands;
    const uint32_t high = (uint32_t)out->height - y < b->height ? (uint32_t)out->height - y : b->height;
    const uint32_t wide = (uint32_t)out->width - x < b->width ? (uint32_t)out->width - x : b->width;
    for (uint32_t i = 0; i < high; i++) {
        const char *row = from + (size_t)i * b->width * of_block * one;
        char *to = (char *)out->data + (((size_t)y + i) * (size_t)out->width + x) * bands * one;
        if (!b->apart) {
            memcpy(to, row, wide * bands * one);
            continue;
        }
        for (uint32_t j = 0; j < wide; j++) memcpy(to + (j * bands + (size_t)band) * one, row + j * one, one);
    }
}

static enum ps_status read_blocks(TIFF *tiff, const struct blocks *b, struct ps_picture *out)
{
    char *block = malloc((size_t)b->bytes);
    if (!block)
        return ps_picture_wrong(out, PS_ENOMEM, "no memory for %lld bytes of pixels", (long long)b->bytes);
    enum ps_status rc = PS_OK;
    for (int band = 0; band < (b->apart ? out->bands : 1) && rc == PS_OK; band++)
        for (uint32_t y = 0; y < (uint32_t)out->height && rc == PS_OK; y += b->height)
            for (uint32_t x = 0; x < (uint32_t)out->width && rc == PS_OK; x += b->width) {
                const uint16_t s = (uint16_t)band;
                const tmsize_t got =
                    b->tiled ? TIFFReadEncodedTile(tiff, TIFFComputeTile(tiff, x, y, 0, s), block, -1)
                             : TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, y, s), block, -1);
                if (got < 0)
                    rc = PS_EINPUT;
                else
                    place(b, block, x, y, band, out);
            }
    free(block);
    if (rc != PS_OK && !out->why[0]) ps_picture_wrong(out, rc, "is a damaged TIFF picture");
    return rc;
}

/* @param pixels read them too? */
static enum ps_status read_tiff(const void *bytes, int64_t n, bool pixels, struct ps_picture *out)
{
    struct memory m = {.bytes = bytes, .n = n, .picture = out};
    struct blocks b;
    TIFF *tiff = open_memory(&m);
    if (!tiff) return out->why[0] ? PS_EINPUT : ps_picture_wrong(out, PS_EINPUT, "is a damaged TIFF picture");
    out->why[0] = '\0'; /* what was wrong with tags that nobody needs */
    enum ps_status rc = read_head(tiff, out, &b);
    if (rc == PS_OK && pixels) rc = ps_picture_room(out);
    if (rc == PS_OK && pixels) rc = read_blocks(tiff, &b, out);
    TIFFClose(tiff);
    return rc;
}

static enum ps_status look(const void *bytes, int64_t n, struct ps_picture *out)
{
    return read_tiff(bytes, n, false, out);
}

static enum ps_status decode(const void *bytes, int64_t n, int bands, int shrink, struct ps_picture *out)
{
    (void)bands, (void)shrink;
    return read_tiff(bytes, n, true, out);
}
#endif

const struct ps_picture_format ps_picture_tiff = {
    .name = "TIFF",
    .package = "libtiff-dev",
    .match = match,
#ifdef PS_HAVE_TIFF
    .look = look,
    .decode = decode,
#endif
};
