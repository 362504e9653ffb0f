#include "common/io/pngfile.h"
#include <stdlib.h>
#include <string.h>
#ifdef PS_HAVE_PNG
#    include <png.h>
#endif
#include "common/io/outfile.h"
#include "common/run/err.h"

#ifdef PS_HAVE_PNG
enum ps_status ps_png_write(const char *path, int width, int height, const uint8_t *rgb)
{
    png_image image = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB};
    png_alloc_size_t bytes;
    struct ps_outfile file;
    void *encoded;
    image.width = (png_uint_32)width;
    image.height = (png_uint_32)height;
    bytes = PNG_IMAGE_PNG_SIZE_MAX(image); /* a bound, so that the image is encoded once */
    PS_TRY(ps_alloc(&encoded, (int64_t)bytes, 1, "a PNG image"));
    enum ps_status rc = PS_OK;
    if (!png_image_write_to_memory(&image, encoded, &bytes, 0, rgb, 0, NULL))
        rc = ps_fail(PS_EINTERNAL, "%s: the image could not be encoded: %s", path, image.message);
    if (rc == PS_OK) rc = ps_outfile_open(MPI_COMM_SELF, path, false, &file);
    if (rc == PS_OK) rc = ps_outfile_close(&file, ps_outfile_write(&file, encoded, (int64_t)bytes, 0));
    free(encoded);
    return rc;
}

enum ps_status ps_png_try(MPI_Comm comm, const char *path)
{
    struct ps_outfile file;
    PS_TRY(ps_outfile_open(comm, path, false, &file));
    ps_outfile_close(&file, PS_STOPPED);
    ps_err_clear();
    return PS_OK;
}
#else
static enum ps_status no_png(const char *path)
{
    return ps_fail(PS_EBACKEND, "%s: PNG images need libpng, which this build does not have", path);
}

enum ps_status ps_png_write(const char *path, int width, int height, const uint8_t *rgb)
{
    (void)width, (void)height, (void)rgb;
    return no_png(path);
}

enum ps_status ps_png_try(MPI_Comm comm, const char *path)
{
    (void)comm;
    return no_png(path);
}
#endif
