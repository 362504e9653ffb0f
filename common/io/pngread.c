/* PNG pictures from and to memory. */
#include <string.h>
#include "common/io/picture_formats.h"
#ifdef PS_HAVE_PNG
#    include <png.h>
#    include <setjmp.h>
#endif

enum { SIGNATURE = 8 };

static bool match(const unsigned char *head, int64_t n)
{
    return n >= SIGNATURE && memcmp(head, "\x89PNG\r\n\x1a\n", SIGNATURE) == 0;
}

#ifdef PS_HAVE_PNG
enum { MOST_PIXELS = 1 << 20 }; /* of a side */

struct reading {
    const unsigned char *bytes;
    int64_t n, at;
    struct ps_picture *picture;
    jmp_buf out;
};

static void give_up(png_structp png, png_const_charp text)
{
    struct reading *r = png_get_error_ptr(png);
    ps_picture_wrong(r->picture, PS_EINPUT, "is a damaged PNG picture: %s", text);
    longjmp(r->out, 1);
}

static void ignore(png_structp png, png_const_charp text)
{
    (void)png, (void)text;
}

static void feed(png_structp png, png_bytep to, size_t n)
{
    struct reading *r = png_get_io_ptr(png);
    if ((int64_t)n > r->n - r->at) png_error(png, "it ends before its end");
    memcpy(to, r->bytes + r->at, n);
    r->at += (int64_t)n;
}

/* Read the head, and ask for plain bands of 8 or 16 bits. May jump out. */
static void begin(png_structp png, png_infop info, struct ps_picture *out)
{
    png_set_user_limits(png, MOST_PIXELS, MOST_PIXELS);
    png_read_info(png, info);
    png_set_expand(png);
    png_set_strip_alpha(png);
    if (png_get_bit_depth(png, info) == 16) png_set_swap(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    out->height = (int)png_get_image_height(png, info);
    out->width = (int)png_get_image_width(png, info);
    out->bands = png_get_channels(png, info);
    out->type = png_get_bit_depth(png, info) == 16 ? PS_U16 : PS_U8;
}

/* @param pixels read them too? */
static enum ps_status read_png(const void *bytes, int64_t n, bool pixels, struct ps_picture *out)
{
    struct reading r = {.bytes = bytes, .n = n, .picture = out};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, give_up, ignore);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    png_bytep *volatile rows = NULL;
    volatile enum ps_status rc = info ? PS_OK : ps_picture_wrong(out, PS_ENOMEM, "no memory to read PNG");
    if (rc == PS_OK && setjmp(r.out)) rc = PS_EINPUT;
    if (rc == PS_OK && !rows) {
        png_set_read_fn(png, &r, feed);
        begin(png, info, out);
        if (pixels) rc = ps_picture_room(out);
        if (pixels && rc == PS_OK) {
            const size_t row = (size_t)out->width * (size_t)out->bands * ps_dtype_size(out->type);
            rows = png_malloc(png, (size_t)out->height * sizeof *rows);
            for (int i = 0; i < out->height; i++) rows[i] = (png_bytep)out->data + (size_t)i * row;
            png_read_image(png, rows);
            png_read_end(png, NULL);
        }
    }
    if (rows) png_free(png, rows);
    png_destroy_read_struct(&png, &info, NULL);
    return rc;
}

static enum ps_status look(const void *bytes, int64_t n, struct ps_picture *out)
{
    return read_png(bytes, n, false, out);
}

static enum ps_status decode(const void *bytes, int64_t n, int bands, int shrink, struct ps_picture *out)
{
    (void)bands, (void)shrink;
    return read_png(bytes, n, true, out);
}

enum ps_status ps_png_encode(const uint8_t *pixels, int height, int width, int bands, uint8_t *out,
                             int64_t *n)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .format = bands == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height};
    png_alloc_size_t bytes = (png_alloc_size_t)*n;
    if (!png_image_write_to_memory(&image, out, &bytes, 0, pixels, 0, NULL)) return PS_EINPUT;
    *n = (int64_t)bytes;
    return PS_OK;
}
#else
enum ps_status ps_png_encode(const uint8_t *pixels, int height, int width, int bands, uint8_t *out,
                             int64_t *n)
{
    (void)pixels, (void)height, (void)width, (void)bands, (void)out, (void)n;
    return PS_EBACKEND;
}
#endif

/* Rows with the byte of their filter, and what zlib may add to what it cannot compress. */
int64_t ps_png_room(int height, int width, int bands)
{
    enum { CHUNKS = 4096 };
    const int64_t rows = (int64_t)height * ((int64_t)width * bands + 1);
    return rows + rows / 8 + rows / 64 + CHUNKS;
}

const struct ps_picture_format ps_picture_png = {
    .name = "PNG",
    .package = "libpng-dev",
    .match = match,
#ifdef PS_HAVE_PNG
    .look = look,
    .decode = decode,
#endif
};
