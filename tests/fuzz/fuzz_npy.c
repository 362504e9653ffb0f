/* Any bytes as the beginning of a .npy file: refused with a sentence, or a shape that fits 64 bits; and what
 * was accepted, written by us, is read as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/npyhead.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ps_npy h, again;
    char head[256];
    uint8_t *exact = malloc(size + !size); /* a step beyond the end is seen */
    memcpy(exact, data, size);
    const char *wrong = ps_npy_parse(exact, (int64_t)size, &h);
    free(exact);
    if (wrong) return wrong[0] ? 0 : (abort(), 0);
    if (h.rows < 0 || h.cols < 0 || h.offset > (int64_t)size || h.type >= PS_NDTYPES) abort();
    int n = ps_npy_header(h.rows, h.cols, h.type, head);
    if (n > (int)sizeof head || ps_npy_parse((const unsigned char *)head, n, &again)) abort();
    if (again.rows != h.rows || again.cols != h.cols || again.type != h.type || again.offset != n) abort();
    return 0;
}
