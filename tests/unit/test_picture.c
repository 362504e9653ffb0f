/* ranks: 1 */
#include "iocheck.h"
#include "common/io/picture.h"
#include "common/io/pngfile.h"
#ifdef PS_HAVE_TIFF
#    include <tiffio.h>
#endif

enum { HEIGHT = 37, WIDTH = 50 };

static uint8_t pixels[HEIGHT][WIDTH][3];
static uint8_t file[1 << 16];

/* Slopes, which JPEG keeps. */
static void fill(void)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            pixels[y][x][0] = (uint8_t)(5 * y);
            pixels[y][x][1] = (uint8_t)(4 * x);
            pixels[y][x][2] = (uint8_t)(255 - 2 * x - 2 * y);
        }
}

static int64_t read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    const size_t n = f ? fread(file, 1, sizeof file, f) : 0;
    if (f) fclose(f);
    return (int64_t)n;
}

static int encode(int bands, int64_t *n)
{
    *n = sizeof file;
    fill();
    return ps_jpeg_encode(&pixels[0][0][0], HEIGHT, bands == 1 ? 3 * WIDTH : WIDTH, bands, 95, file, n) ==
           PS_OK;
}

START_TEST(jpeg)
{
    struct ps_picture p = {.data = NULL};
    int64_t n;
    if (!encode(3, &n)) return; /* without libjpeg */
    ck_assert(ps_picture_look(file, n, &p) == PS_OK && p.height == HEIGHT && p.width == WIDTH &&
              p.bands == 3);
    ck_assert(ps_picture_decode(file, n, 0, 1, &p) == PS_OK && p.type == PS_U8);
    const uint8_t *x = p.data;
    int worst = 0;
    for (int i = 0; i < HEIGHT * WIDTH;
         i++) /* colours have half the resolution: only the mean of slopes stays */
        for (int k = 0; k < 3; k++)
            if (abs(x[3 * i + k] - (&pixels[0][0][0])[3 * i + k]) > worst)
                worst = abs(x[3 * i + k] - (&pixels[0][0][0])[3 * i + k]);
    ck_assert_msg(worst <= 12, "a pixel is %d off", worst);
    for (int shrink = 2; shrink <= 8; shrink *= 2) {
        ck_assert(ps_picture_decode(file, n, 3, shrink, &p) == PS_OK);
        ck_assert_int_eq(p.height, (HEIGHT + shrink - 1) / shrink);
        ck_assert_int_eq(p.width, (WIDTH + shrink - 1) / shrink);
        const int y = p.height / 2,
                  at = y * p.width * 3; /* middle of the left side: green is small, red 5 y */
        ck_assert(abs(((uint8_t *)p.data)[at] - 5 * (y * shrink + shrink / 2)) < 20);
    }
    ck_assert(ps_picture_decode(file, n, 1, 1, &p) == PS_OK && p.bands == 1);
    const double grey = 0.299 * pixels[20][30][0] + 0.587 * pixels[20][30][1] + 0.114 * pixels[20][30][2];
    ck_assert(abs(((uint8_t *)p.data)[20 * WIDTH + 30] - (int)grey) < 5);
    ck_assert(encode(1, &n) && ps_picture_decode(file, n, 3, 1, &p) == PS_OK && p.bands == 3 &&
              p.width == 3 * WIDTH);
    x = p.data;
    for (int i = 0; i < p.height * p.width; i++)
        ck_assert(x[3 * i] == x[3 * i + 1] && x[3 * i] == x[3 * i + 2]);
    ps_picture_free(&p);
}
END_TEST

/* Cut anywhere a picture is refused with a reason; so is what is none. */
START_TEST(broken)
{
    struct ps_picture p = {.data = NULL};
    int64_t n;
    ck_assert(ps_picture_decode("", 0, 0, 1, &p) == PS_EINPUT && strstr(p.why, "empty"));
    ck_assert(ps_picture_decode("GIF89a..", 8, 0, 1, &p) == PS_EINPUT && strstr(p.why, "no JPEG"));
    if (encode(3, &n))
        for (int64_t m = 4; m < n - 2; m += 7) {
            ck_assert_msg(ps_picture_decode(file, m, 0, 1, &p) == PS_EINPUT, "%lld of %lld bytes",
                          (long long)m, (long long)n);
            ck_assert_msg(strstr(p.why, "damaged JPEG"), "%s", p.why);
        }
    const char *path = io_path("whole.png");
    fill();
    if (ps_png_write(path, WIDTH, HEIGHT, &pixels[0][0][0]) == PS_OK) {
        n = read_file(path);
        for (int64_t m = 8; m < n - 12; m += 11)
            ck_assert_msg(ps_picture_decode(file, m, 0, 1, &p) == PS_EINPUT && strstr(p.why, "damaged PNG"),
                          "%lld: %s", (long long)m, p.why);
        file[n / 2] ^= 0x40;
        ck_assert(ps_picture_decode(file, n, 0, 1, &p) == PS_EINPUT);
    }
    ps_err_clear();
    ps_picture_free(&p);
}
END_TEST

START_TEST(png)
{
    struct ps_picture p = {.data = NULL};
    const char *path = io_path("whole.png");
    fill();
    if (ps_png_write(path, WIDTH, HEIGHT, &pixels[0][0][0]) != PS_OK) {
        ps_err_clear();
        return;
    }
    const int64_t n = read_file(path);
    ck_assert(ps_picture_look(file, n, &p) == PS_OK && p.height == HEIGHT && p.width == WIDTH &&
              p.bands == 3);
    ck_assert(ps_picture_decode(file, n, 0, 1, &p) == PS_OK && memcmp(p.data, pixels, sizeof pixels) == 0);
    ck_assert(ps_picture_decode(file, n, 1, 1, &p) == PS_OK && p.bands == 1);
    ps_picture_free(&p);
}
END_TEST

/* Noise, which cannot be compressed, fits into the room and comes back; a byte less is refused. */
START_TEST(png_noise)
{
    enum { SIDE = 61 };
    static uint8_t noise[SIDE * SIDE * 3];
    struct ps_picture p = {.data = NULL};
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
    for (int bands = 1; bands <= 3; bands += 2) {
        int64_t n = ps_png_room(SIDE, SIDE, bands);
        uint8_t *to = malloc((size_t)n);
        const enum ps_status rc = ps_png_encode(noise, SIDE, SIDE, bands, to, &n);
        if (rc != PS_EBACKEND) {
            ck_assert(rc == PS_OK && n > SIDE * SIDE * bands && n <= ps_png_room(SIDE, SIDE, bands));
            ck_assert(ps_picture_decode(to, n, 0, 1, &p) == PS_OK && p.bands == bands && p.width == SIDE);
            ck_assert(memcmp(p.data, noise, (size_t)(SIDE * SIDE * bands)) == 0);
            int64_t less = n - 1;
            ck_assert(ps_png_encode(noise, SIDE, SIDE, bands, to, &less) == PS_EINPUT);
        }
        free(to);
    }
    ps_picture_free(&p);
}
END_TEST

#ifdef PS_HAVE_TIFF
/* Element of band b at (y, x), as each type has it. */
static void put(void *row, int i, int type, int y, int x, int b)
{
    const int v = 100 * b + 11 * y + x;
    if (type == 0) ((uint8_t *)row)[i] = (uint8_t)v;
    if (type == 1) ((uint16_t *)row)[i] = (uint16_t)(50 * v);
    if (type == 2) ((int16_t *)row)[i] = (int16_t)(-30 * v);
    if (type == 3) ((float *)row)[i] = 0.25F * (float)v;
}

/* @param tiled in tiles of 16 x 16, else in strips of 5 rows */
static void write_tiff(const char *path, int type, int bands, bool apart, bool tiled)
{
    static const int bits[] = {8, 16, 16, 32};
    static const int format[] = {SAMPLEFORMAT_UINT, SAMPLEFORMAT_UINT, SAMPLEFORMAT_INT, SAMPLEFORMAT_IEEEFP};
    static char block[32 * 64 * 8 * 4];
    const int h = tiled ? 16 : 5, w = tiled ? 16 : WIDTH, of_block = apart ? 1 : bands;
    TIFF *t = TIFFOpen(path, "w");
    TIFFSetField(t, TIFFTAG_IMAGEWIDTH, WIDTH);
    TIFFSetField(t, TIFFTAG_IMAGELENGTH, HEIGHT);
    TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, bands);
    TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, bits[type]);
    TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, format[type]);
    TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    TIFFSetField(t, TIFFTAG_PLANARCONFIG, apart ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
    TIFFSetField(t, TIFFTAG_COMPRESSION, tiled ? COMPRESSION_LZW : COMPRESSION_NONE);
    if (tiled) {
        TIFFSetField(t, TIFFTAG_TILEWIDTH, w);
        TIFFSetField(t, TIFFTAG_TILELENGTH, h);
    } else {
        TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, h);
    }
    for (int s = 0; s < (apart ? bands : 1); s++)
        for (int y0 = 0; y0 < HEIGHT; y0 += h)
            for (int x0 = 0; x0 < WIDTH; x0 += w) {
                const int high = tiled || y0 + h <= HEIGHT ? h : HEIGHT - y0;
                for (int i = 0; i < high * w * of_block; i++)
                    put(block, i, type, y0 + i / of_block / w, x0 + i / of_block % w,
                        apart ? s : i % of_block);
                const tmsize_t n = high * w * of_block * bits[type] / 8;
                if (tiled)
                    TIFFWriteEncodedTile(t, TIFFComputeTile(t, (uint32_t)x0, (uint32_t)y0, 0, (uint16_t)s),
                                         block, n);
                else
                    TIFFWriteEncodedStrip(t, TIFFComputeStrip(t, (uint32_t)y0, (uint16_t)s), block, n);
            }
    TIFFClose(t);
}

START_TEST(tiff)
{
    static const enum ps_dtype types[] = {PS_U8, PS_U16, PS_I16, PS_F32};
    static char want[HEIGHT * WIDTH * 5 * 4];
    const char *path = io_path("stack.tif");
    struct ps_picture p = {.data = NULL};
    for (int kind = 0; kind < 4 * 8; kind++) {
        const int type = kind % 4, bands = kind & 4 ? 5 : 1;
        write_tiff(path, type, bands, kind & 8, kind & 16);
        const int64_t n = read_file(path);
        ck_assert(ps_picture_look(file, n, &p) == PS_OK && p.height == HEIGHT && p.width == WIDTH);
        ck_assert_msg(ps_picture_decode(file, n, 0, 1, &p) == PS_OK, "kind %d: %s", kind, p.why);
        ck_assert(p.bands == bands && p.type == types[type]);
        for (int i = 0; i < HEIGHT * WIDTH * bands; i++)
            put(want, i, type, i / bands / WIDTH, i / bands % WIDTH, i % bands);
        ck_assert_msg(memcmp(p.data, want, (size_t)(HEIGHT * WIDTH * bands) * ps_dtype_size(p.type)) == 0,
                      "kind %d", kind);
        ck_assert(ps_picture_decode(file, n / 2, 0, 1, &p) == PS_EINPUT);
        ck_assert_msg(strstr(p.why, "damaged TIFF"), "%s", p.why);
    }
    ps_picture_free(&p);
}
END_TEST
#endif

int main(int argc, char **argv)
{
    const TTest *const tests[] = {jpeg, broken, png, png_noise,
#ifdef PS_HAVE_TIFF
                                  tiff,
#endif
                                  NULL};
    return mck_main(argc, argv, "picture", tests);
}
