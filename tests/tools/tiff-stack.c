/* Write TIFF pictures of several bands: tiff-stack FOLDER, or tiff-stack FOLDER patches. Picture i of 12,
 * class_0 or class_1 by turns, has 5 bands of 16 bits, 9 x 7 pixels; pixel (y, x) of band b is 1000 b + 100 i
 * + 10 y + x. Every second one has its bands apart. Patch i of 6 is a folder patch_i of files of one band
 * each: patch_i_B02.tif of 12 x 12 pixels, 1000 + 100 i + 12 y + x; patch_i_B05.tif of 6 x 6, 3000 + 60 x;
 * patch_i_B01.tif of 2 x 2, 500 + i; and patch_i_B09.tif, which nobody wants, of 2 x 2. */
#include <stdio.h>
#include <sys/stat.h>
#ifdef PS_HAVE_TIFF
#    include <tiffio.h>

enum { PICTURES = 12, HEIGHT = 9, WIDTH = 7, BANDS = 5 };

static int write_one(const char *path, int i)
{
    const int apart = i % 2;
    uint16_t row[WIDTH * BANDS];
    TIFF *t = TIFFOpen(path, "w");
    if (!t) return 0;
    TIFFSetField(t, TIFFTAG_IMAGEWIDTH, WIDTH);
    TIFFSetField(t, TIFFTAG_IMAGELENGTH, HEIGHT);
    TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, BANDS);
    TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 16);
    TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    TIFFSetField(t, TIFFTAG_PLANARCONFIG, apart ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
    TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, 4);
    for (int b = 0; b < (apart ? BANDS : 1); b++)
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++)
                for (int k = 0; k < (apart ? 1 : BANDS); k++)
                    row[apart ? x : x * BANDS + k] =
                        (uint16_t)(1000 * (apart ? b : k) + 100 * i + 10 * y + x);
            if (TIFFWriteScanline(t, row, (uint32_t)y, (uint16_t)b) != 1) return 0;
        }
    TIFFClose(t);
    return 1;
}

enum { PATCHES = 6, FINE = 12 };

static int write_band(const char *path, int side, int begin, int down, int right)
{
    uint16_t row[FINE];
    TIFF *t = TIFFOpen(path, "w");
    if (!t) return 0;
    TIFFSetField(t, TIFFTAG_IMAGEWIDTH, side);
    TIFFSetField(t, TIFFTAG_IMAGELENGTH, side);
    TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 16);
    TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) row[x] = (uint16_t)(begin + down * y + right * x);
        if (TIFFWriteScanline(t, row, (uint32_t)y, 0) != 1) return 0;
    }
    TIFFClose(t);
    return 1;
}

static int write_patches(const char *folder)
{
    char path[1024];
    for (int i = 0; i < PATCHES; i++) {
        const struct {
            const char *name;
            int side, begin, down, right;
        } band[] = {{"B01", 2, 500 + i, 0, 0},
                    {"B02", FINE, 1000 + 100 * i, FINE, 1},
                    {"B05", FINE / 2, 3000, 0, 60},
                    {"B09", 2, 9, 0, 0}};
        snprintf(path, sizeof path, "%s/patch_%d", folder, i);
        mkdir(path, 0777);
        for (int b = 0; b < 4; b++) {
            snprintf(path, sizeof path, "%s/patch_%d/patch_%d_%s.tif", folder, i, i, band[b].name);
            if (!write_band(path, band[b].side, band[b].begin, band[b].down, band[b].right)) return 0;
        }
    }
    return 1;
}

int main(int argc, char **argv)
{
    char path[1024];
    if (argc != 2 && argc != 3) return 2;
    mkdir(argv[1], 0777);
    if (argc == 3) return write_patches(argv[1]) ? 0 : 1;
    for (int i = 0; i < PICTURES; i++) {
        snprintf(path, sizeof path, "%s/class_%d", argv[1], i % 2);
        mkdir(path, 0777);
        snprintf(path, sizeof path, "%s/class_%d/%02d.tif", argv[1], i % 2, i);
        if (!write_one(path, i)) return 1;
    }
    return 0;
}
#else
int main(void)
{
    puts("built without libtiff");
    return 77;
}
#endif
