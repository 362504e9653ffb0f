/* Write TIFF pictures of several bands: tiff-stack FOLDER. Picture i of 12, class_0 or class_1 by turns, has
 * 5 bands of 16 bits, 9 x 7 pixels; pixel (y, x) of band b is 1000 b + 100 i + 10 y + x. Every second one has
 * its bands apart. */
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

int main(int argc, char **argv)
{
    char path[1024];
    if (argc != 2) return 2;
    mkdir(argv[1], 0777);
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
