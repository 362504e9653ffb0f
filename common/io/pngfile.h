/** PNG images out. */
#ifndef PS_PNGFILE_H
#define PS_PNGFILE_H

#include <stdint.h>
#include "kernels/status.h"

/** Write an image beside its final name and rename it when complete. Local.
 * @param rgb [height][width][3], top row first, 0 to 255; borrowed
 * @return PS_OK; PS_EIO (no permission, disk full ...: an existing file stays as it was); PS_ENOMEM;
 * PS_EBACKEND (built without libpng) */
enum ps_status ps_png_write(const char *path, int width, int height, const uint8_t *rgb);

#endif
