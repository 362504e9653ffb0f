/* Any bytes as a JPEG, PNG or TIFF picture: decoded as the head says, or refused with a reason. */
#include <stdlib.h>
#include <string.h>
#include "common/io/picture.h"

enum { LARGEST = 1 << 24 }; /* bytes of pixels that are decoded: time goes to small pictures */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ps_picture p;
    struct ps_picture head = {.data = NULL};
    if (size < 2) return 0;
    const int shrink = 1 << (data[0] & 3), bands = data[0] & 4 ? 3 : data[0] & 8 ? 1 : 0;
    const int64_t n = (int64_t)size - 1;
    uint8_t *exact = malloc(size - 1);
    memcpy(exact, data + 1, size - 1);
    enum ps_status rc = ps_picture_look(exact, n, &head);
    const int64_t pixels = (int64_t)head.height * head.width;
    if (rc != PS_OK && !head.why[0]) abort();
    if (rc == PS_OK && (pixels < 1 || head.bands < 1)) abort();
    if (rc == PS_OK && pixels < LARGEST / head.bands / 4) {
        rc = ps_picture_decode(exact, n, bands, shrink, &p);
        if (rc != PS_OK && !p.why[0]) abort();
        if (rc == PS_OK && (p.height > head.height || p.width > head.width || (bands && p.bands != bands)))
            abort();
        if (rc == PS_OK && (int64_t)p.height * p.width * p.bands * (int64_t)ps_dtype_size(p.type) > p.room)
            abort();
    }
    free(exact);
    return 0;
}
