/** What the formats of pictures offer to picture.c. */
#ifndef PS_PICTURE_FORMATS_H
#define PS_PICTURE_FORMATS_H

#include "common/io/picture.h"

/** A format of pictures. Calls as ps_picture_look and ps_picture_decode; NULL where the library is not built
 * in. */
struct ps_picture_format {
    const char *name, *package; /**< package: that brings the library */
    bool (*match)(const unsigned char *head, int64_t n);
    enum ps_status (*look)(const void *bytes, int64_t n, struct ps_picture *out);
    enum ps_status (*decode)(const void *bytes, int64_t n, int bands, int shrink, struct ps_picture *out);
};

extern const struct ps_picture_format ps_picture_jpeg, ps_picture_png, ps_picture_tiff;

/** Say in p->why what is wrong. @return code */
enum ps_status ps_picture_wrong(struct ps_picture *p, enum ps_status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), cold));

/** Make room for the shape and type that p has.
 * @return PS_OK; PS_EINPUT (no such picture can be: a side of 0, more than 2 GiB); PS_ENOMEM */
enum ps_status ps_picture_room(struct ps_picture *p);

#endif
