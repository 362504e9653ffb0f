/* Any bytes as a range file of pisvm-scale: nothing is read or written out of bounds, what is taken holds
 * what it promises, and what is refused is said with a line. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_range.h"
#include "common/run/err.h"

#define REQUIRE(cond)                                                  \
    do {                                                               \
        if (!(cond)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                   \
        }                                                              \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct svm_range r = {.labels = false};
    char *exact = malloc(size + !size);
    memcpy(exact, data, size);
    enum ps_status rc = svm_range_parse("NAME", exact, (int64_t)size, &r);
    free(exact);
    if (rc == PS_OK) {
        REQUIRE(r.lower < r.upper && (!r.labels || (r.y.lower < r.y.upper && r.y.min <= r.y.max)));
        for (int64_t k = 0; k < r.n; k++) {
            REQUIRE(r.index[k] >= 0 && (k == 0 || r.index[k] > r.index[k - 1]));
            REQUIRE(r.min[k] < r.max[k] && isfinite(r.min[k]) && isfinite(r.max[k]));
        }
    } else {
        REQUIRE(rc == PS_EINPUT && !strncmp(ps_err_message(), "NAME: line ", 11));
        ps_err_clear();
    }
    svm_range_free(&r);
    return 0;
}
