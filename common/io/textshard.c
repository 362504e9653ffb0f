/* Tables in text files. */
#include "common/io/format.h"

static bool match(const unsigned char *head, int64_t n)
{
    (void)head, (void)n;
    return false;
}

const struct ps_format ps_format_text = {
    .name = "text", .suffixes = " .csv .tsv .txt .dat ", .match = match, .missing = "not there yet"};
