/* Any bytes as a line of a table of images: fields and labels lie inside the line, in order. */
#include <stdlib.h>
#include <string.h>
#include "common/io/imagelist_csv.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char *line = malloc(size + 1), *field[PS_CSV_FIELDS];
    memcpy(line, data, size);
    line[size] = '\0';
    const char *end = line + strlen(line);
    const int n = ps_csv_fields(line, field);
    if (n < 0 || n > PS_CSV_FIELDS) abort();
    for (int i = 0; i < n; i++) {
        if (field[i] < line || field[i] > end || (i > 0 && field[i] < field[i - 1] + strlen(field[i - 1])))
            abort();
        char *copy = strdup(field[i]);
        const size_t room = strlen(copy) + 1;
        const int labels = ps_csv_labels(copy);
        const char *at = copy;
        for (int k = 0; k < labels; k++) {
            if (!*at || *at == ' ' || strchr(at, ';') || strchr(at, '|')) abort();
            at += strlen(at) + 1;
            if (at > copy + room) abort();
        }
        free(copy);
    }
    free(line);
    return 0;
}
