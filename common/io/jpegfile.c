/* JPEG pictures from and to memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/picture_formats.h"
#ifdef PS_HAVE_JPEG
#    include <setjmp.h>
#    include <jpeglib.h>
#    include <jerror.h>
#endif

static bool match(const unsigned char *head, int64_t n)
{
    return n >= 3 && head[0] == 0xFF && head[1] == 0xD8 && head[2] == 0xFF;
}

#ifdef PS_HAVE_JPEG
/* A progressive picture of a few bytes may hold thousands of scans, each of which goes over all pixels. */
enum { SCANS_MAX = 500 };

/** What the library's callbacks know; libjpeg ends the process on errors unless it is told otherwise. */
struct trouble {
    struct jpeg_error_mgr manager; /* first, as the library knows only of it */
    jmp_buf out;
    char text[JMSG_LENGTH_MAX];
};

static void give_up(j_common_ptr c)
{
    struct trouble *t = (struct trouble *)(void *)c->err;
    c->err->format_message(c, t->text);
    longjmp(t->out, 1);
}

/* Data that the library goes on after, with grey pixels in place of those that are missing. */
static void warn(j_common_ptr c, int level)
{
    static const int lost[] = {JWRN_JPEG_EOF, JWRN_HIT_MARKER, JWRN_HUFF_BAD_CODE, JWRN_ARITH_BAD_CODE,
                               JWRN_MUST_RESYNC};
    if (level >= 0) return;
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++)
        if (c->err->msg_code == lost[i]) give_up(c);
}

static void watch_scans(j_common_ptr c)
{
    struct trouble *t = (struct trouble *)(void *)c->err;
    if (((j_decompress_ptr)(void *)c)->input_scan_number <= SCANS_MAX) return;
    snprintf(t->text, sizeof t->text, "more than %d scans", SCANS_MAX);
    longjmp(t->out, 1);
}

static void prepare(struct trouble *t, struct jpeg_error_mgr **err)
{
    *err = jpeg_std_error(&t->manager);
    t->manager.error_exit = give_up;
    t->manager.emit_message = warn;
    t->text[0] = '\0';
}

static int bands_of(const struct jpeg_decompress_struct *c)
{
    return c->jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
}

static enum ps_status look(const void *bytes, int64_t n, struct ps_picture *out)
{
    struct jpeg_decompress_struct c;
    struct trouble t;
    prepare(&t, &c.err);
    jpeg_create_decompress(&c);
    if (setjmp(t.out)) {
        jpeg_destroy_decompress(&c);
        return ps_picture_wrong(out, PS_EINPUT, "is a damaged JPEG picture: %s", t.text);
    }
    jpeg_mem_src(&c, bytes, (unsigned long)n);
    jpeg_read_header(&c, TRUE);
    out->height = (int)c.image_height;
    out->width = (int)c.image_width;
    out->bands = bands_of(&c);
    out->type = PS_U8;
    jpeg_destroy_decompress(&c);
    return PS_OK;
}

/* From cyan, magenta, yellow and black, which Adobe writes inverted, to red, green and blue. */
static void from_print(const uint8_t *in, int width, bool inverted, uint8_t *out)
{
    for (int i = 0; i < width; i++) {
        const int black = inverted ? in[4 * i + 3] : 255 - in[4 * i + 3];
        for (int k = 0; k < 3; k++) {
            const int ink = inverted ? in[4 * i + k] : 255 - in[4 * i + k];
            out[3 * i + k] = (uint8_t)((ink * black + 127) / 255);
        }
    }
}

/* Rows of a picture that was started, into its room. May jump out. */
static void read_rows(struct jpeg_decompress_struct *c, struct ps_picture *out)
{
    const int64_t row = (int64_t)out->width * out->bands;
    const bool print = c->out_color_space == JCS_CMYK;
    JSAMPARRAY one = NULL;
    if (print) one = c->mem->alloc_sarray((j_common_ptr)c, JPOOL_IMAGE, c->output_width * 4, 1);
    while (c->output_scanline < c->output_height) {
        JSAMPROW rows[8];
        const JDIMENSION left = c->output_height - c->output_scanline;
        uint8_t *at = (uint8_t *)out->data + (int64_t)c->output_scanline * row;
        for (int i = 0; i < 8; i++) rows[i] = at + (i < (int)left ? i : 0) * row;
        if (!print) {
            jpeg_read_scanlines(c, rows, left < 8 ? left : 8);
        } else if (jpeg_read_scanlines(c, one, 1) == 1) {
            from_print(one[0], out->width, c->saw_Adobe_marker, at);
        }
    }
}

static enum ps_status decode(const void *bytes, int64_t n, int bands, int shrink, struct ps_picture *out)
{
    struct jpeg_decompress_struct c;
    struct jpeg_progress_mgr progress = {.progress_monitor = watch_scans};
    struct trouble t;
    prepare(&t, &c.err);
    jpeg_create_decompress(&c);
    if (setjmp(t.out)) {
        jpeg_destroy_decompress(&c);
        return ps_picture_wrong(out, PS_EINPUT, "is a damaged JPEG picture: %s", t.text);
    }
    c.progress = &progress;
    jpeg_mem_src(&c, bytes, (unsigned long)n);
    jpeg_read_header(&c, TRUE);
    const bool print = c.jpeg_color_space == JCS_CMYK || c.jpeg_color_space == JCS_YCCK;
    out->bands = bands == 1 && !print ? 1 : bands == 3 ? 3 : bands_of(&c);
    out->type = PS_U8;
    c.out_color_space = print ? JCS_CMYK : out->bands == 1 ? JCS_GRAYSCALE : JCS_RGB;
    c.scale_num = 1;
    c.scale_denom = (unsigned)shrink;
    jpeg_calc_output_dimensions(&c);
    out->height = (int)c.output_height;
    out->width = (int)c.output_width;
    const enum ps_status rc = ps_picture_room(out);
    if (rc == PS_OK) {
        jpeg_start_decompress(&c);
        read_rows(&c, out);
        jpeg_finish_decompress(&c);
    }
    jpeg_destroy_decompress(&c);
    return rc;
}

enum ps_status ps_jpeg_encode(const uint8_t *pixels, int height, int width, int bands, int quality,
                              uint8_t *out, int64_t *n)
{
    struct jpeg_compress_struct c;
    struct trouble t;
    unsigned char *at = out; /* the library takes memory of its own where this is not enough */
    unsigned long bytes = (unsigned long)*n;
    prepare(&t, &c.err);
    jpeg_create_compress(&c);
    if (setjmp(t.out)) {
        jpeg_destroy_compress(&c);
        return PS_EINPUT;
    }
    jpeg_mem_dest(&c, &at, &bytes);
    c.image_width = (JDIMENSION)width;
    c.image_height = (JDIMENSION)height;
    c.input_components = bands;
    c.in_color_space = bands == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, quality, TRUE);
    jpeg_start_compress(&c, TRUE);
    while (c.next_scanline < c.image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + (int64_t)c.next_scanline * width * bands);
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    if (at != out) {
        free(at);
        return PS_EINPUT;
    }
    *n = (int64_t)bytes;
    return PS_OK;
}
#else
enum ps_status ps_jpeg_encode(const uint8_t *pixels, int height, int width, int bands, int quality,
                              uint8_t *out, int64_t *n)
{
    (void)pixels, (void)height, (void)width, (void)bands, (void)quality, (void)out, (void)n;
    return PS_EBACKEND;
}
#endif

const struct ps_picture_format ps_picture_jpeg = {
    .name = "JPEG",
    .package = "libjpeg-dev",
    .match = match,
#ifdef PS_HAVE_JPEG
    .look = look,
    .decode = decode,
#endif
};
