/** Pictures in memory, decoded from JPEG, PNG and TIFF. Everything is local, and may be called by several
 * threads at once, each with a picture of its own; failures leave no message of ps_fail but a sentence in the
 * picture, as one broken image among a million may be no failure of the program. */
#ifndef PS_PICTURE_H
#define PS_PICTURE_H

#include <stdbool.h>
#include <stdint.h>
#include "kernels/status.h"
#include "kernels/view.h"

enum { PS_PICTURE_WHY = 256, PS_PICTURE_BANDS_MAX = 1024 };

/** A decoded picture; all zero: none yet. Decoding another one takes the same memory where that is enough. */
struct ps_picture {
    int height, width, bands;
    enum ps_dtype type;       /**< PS_U8, PS_U16, PS_I16 or PS_F32 */
    void *data;               /**< [height][width][bands], top row first; owned */
    int64_t room;             /**< bytes that data has */
    char why[PS_PICTURE_WHY]; /**< after a failure: what is wrong, to be put behind a name and a colon */
};

/** Read no more than the head: height, width, bands, type.
 * @param bytes [n]; borrowed
 * @return as ps_picture_decode */
enum ps_status ps_picture_look(const void *bytes, int64_t n, struct ps_picture *out);

/** Decode.
 * @param bytes [n]; borrowed
 * @param bands 0: as many as there are; 1 or 3: colours become grey, grey becomes colours; transparency is
 * left out in any case
 * @param shrink 1, 2, 4 or 8: a JPEG picture may be decoded at 1 / shrink of its size, rounded up, which is
 * faster; other pictures are never
 * @return PS_OK; PS_EINPUT (not such a picture, damaged, cut, larger than 2 GiB); PS_EBACKEND (the library
 * for it is not built in); PS_ENOMEM */
enum ps_status ps_picture_decode(const void *bytes, int64_t n, int bands, int shrink, struct ps_picture *out);

void ps_picture_free(struct ps_picture *p);

/** Does a name end like that of a picture? */
bool ps_picture_named(const char *name);

/** Encode 8-bit pixels as JPEG.
 * @param pixels [height][width][bands], bands 1 or 3; borrowed
 * @param quality 1 to 100
 * @param out room for the bytes, PS_JPEG_HEAD + height x width x bands at least; the caller's
 * @param n in: that room; out: bytes of the file
 * @return PS_OK; PS_EINPUT (it does not fit); PS_EBACKEND */
enum ps_status ps_jpeg_encode(const uint8_t *pixels, int height, int width, int bands, int quality,
                              uint8_t *out, int64_t *n);
enum { PS_JPEG_HEAD = 4096 };

/** The same as PNG, which keeps every pixel as it is.
 * @param out room for the bytes, ps_png_room at least; the caller's
 * @return as ps_jpeg_encode */
enum ps_status ps_png_encode(const uint8_t *pixels, int height, int width, int bands, uint8_t *out,
                             int64_t *n);

/** Bytes that such a file has at most. */
int64_t ps_png_room(int height, int width, int bands);

#endif
