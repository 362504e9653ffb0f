/* netCDF files by PnetCDF. */
#include <string.h>
#include "common/io/format.h"

static bool match(const unsigned char *head, int64_t n)
{
    return n >= 4 && !memcmp(head, "CDF", 3) && (head[3] == 1 || head[3] == 2 || head[3] == 5);
}

const struct ps_format ps_format_nc = {
    .name = "netCDF",
    .suffixes = " .nc .nc4 .cdf ",
    .match = match,
    .missing = "install PnetCDF (Debian: libpnetcdf-dev) and build again",
};
