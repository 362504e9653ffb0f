/* Any bytes as a series: no reading or writing out of bounds, and what comes out is in order of time,
 * complete and finite. The first byte chooses how it is read. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/lstm/series_grid.h"
#include "apps/lstm/series_text.h"
#include "common/run/err.h"

#define REQUIRE(cond)                                                  \
    do {                                                               \
        if (!(cond)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                   \
        }                                                              \
    } while (0)

enum { NONE = 1, REFUSE = 2, LINEAR = 4, FILL = 8, FIRST = 16 };

static void check(const struct series_table *t, const struct series_report *r)
{
    REQUIRE(t->rows == r->rows && t->rows >= 2 && r->step > 0);
    for (int64_t i = 0; i < t->rows; i++) {
        char text[SERIES_TIME_TEXT];
        REQUIRE(i == 0 || t->time[i] > t->time[i - 1]);
        REQUIRE(series_time_format(&t->clock, t->time[i], text) < SERIES_TIME_TEXT);
        for (int c = 0; c < t->cols; c++) REQUIRE(isfinite(t->value[i * t->cols + c]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    int how = data[0];
    struct series_wish wish = {.path = "fuzz",
                               .dataset = "",
                               .time = how & NONE ? "none" : "auto",
                               .columns = how & FIRST ? "1" : "",
                               .target = "1",
                               .refuse = how & REFUSE};
    struct series_table t;
    struct series_report r;
    char *text = malloc(size - 1 + SERIES_TEXT_PAD);
    memcpy(text, data + 1, size - 1);
    if (series_text_parse(text, (int64_t)size - 1, &wish, &t) == PS_OK) {
        REQUIRE(t.rows >= 1 && t.cols >= 1 && t.targets == 1);
        /* times that are far apart make more rows than there is memory */
        int64_t least = t.time[0], most = t.time[0];
        for (int64_t i = 1; i < t.rows; i++) {
            if (t.time[i] < least) least = t.time[i];
            if (t.time[i] > most) most = t.time[i];
        }
        enum ps_status rc =
            series_grid_make("fuzz", &t, how & LINEAR ? SERIES_MISSING_LINEAR : SERIES_MISSING_PREVIOUS,
                             how & FILL && most - least < 1 << 20, &r);
        if (rc == PS_OK) check(&t, &r);
        series_table_free(&t);
    }
    ps_err_clear();
    free(text);
    return 0;
}
