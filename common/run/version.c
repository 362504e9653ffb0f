/* The one file that knows version and git state: it is compiled anew when they change. */
#include "common/run/run_parts.h"

#ifndef PS_VERSION
#    define PS_VERSION "unknown"
#endif
#ifndef PS_GIT
#    define PS_GIT "unknown"
#endif

const char *ps_version(void)
{
    return PS_VERSION;
}

const char *ps_git(void)
{
    return PS_GIT;
}

const char *ps_compiler(void)
{
#ifdef __clang__
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

const char *ps_features(void)
{
    return ""
#ifdef _OPENMP
           " OpenMP"
#endif
#ifdef PS_HAVE_HDF5
           " HDF5"
#endif
#ifdef PS_HAVE_PNETCDF
           " PnetCDF"
#endif
#ifdef PS_HAVE_ZLIB
           " zlib"
#endif
#ifdef PS_HAVE_LIBDEFLATE
           " libdeflate"
#endif
#ifdef PS_HAVE_PNG
           " PNG"
#endif
#ifdef PS_HAVE_JPEG
           " JPEG"
#endif
#ifdef PS_HAVE_TIFF
           " TIFF"
#endif
#ifdef PS_HAVE_SCALAPACK
           " ScaLAPACK"
#endif
        ;
}
