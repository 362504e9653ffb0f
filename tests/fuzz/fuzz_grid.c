/* Any text as a grid file: what is accepted has trials, the same whenever they are asked for. */
#include <stdlib.h>
#include <string.h>
#include "apps/results/grid.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct grid g, again;
    struct grid_trial a, b;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    const enum ps_status rc = grid_parse(text, "fuzz", &g);
    if (rc == PS_OK) {
        const int64_t last = g.trials - 1;
        if (last < 0 || last >= GRID_TRIALS_MAX) abort();
        if (grid_parse(text, "fuzz", &again) != PS_OK || grid_digest(&g) != grid_digest(&again)) abort();
        if (grid_trial(&g, last, &a) == PS_OK) {
            if (grid_trial(&again, last, &b) != PS_OK) abort();
            for (int k = 0; k < g.params; k++)
                if (strcmp(a.value[k].text, b.value[k].text) != 0) abort();
            for (int w = 0; w < g.wheres; w++)
                if (!grid_where_holds(&g.where[w], a.value)) abort();
        }
        grid_free(&again);
        grid_free(&g);
    }
    ps_err_clear();
    free(text);
    return 0;
}
