/** PNG images out. */
#ifndef PS_PNGFILE_H
#define PS_PNGFILE_H

#include <mpi.h>
#include <stdint.h>
#include "kernels/status.h"

/** Write an image beside its final name and rename it when complete. Local.
 * @param rgb [height][width][3], top row first, 0 to 255; borrowed
 * @return PS_OK; PS_EIO (no permission, disk full ...: an existing file stays as it was); PS_ENOMEM;
 * PS_EBACKEND (built without libpng) */
enum ps_status ps_png_write(const char *path, int width, int height, const uint8_t *rgb);

/** Can an image be written there? To be asked before hours of work. Nothing is left, and a file that exists
 * stays. Collective over comm. @return (agreed) PS_OK; PS_EIO; PS_EBACKEND */
enum ps_status ps_png_try(MPI_Comm comm, const char *path);

#endif
