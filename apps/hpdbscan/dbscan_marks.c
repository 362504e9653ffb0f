#include "apps/hpdbscan/dbscan_marks.h"
#include <stdlib.h>
#include "common/run/err.h"

enum ps_status dbscan_marks_make(struct dbscan_marks *m, int64_t range)
{
    *m = (struct dbscan_marks){.words = range / 64 + 1};
    enum ps_status rc = ps_zalloc(&m->bits, m->words, sizeof *m->bits, "a set of numbers");
    if (rc == PS_OK) rc = ps_alloc(&m->before, m->words, sizeof *m->before, "a set of numbers");
    if (rc != PS_OK) dbscan_marks_free(m);
    return rc;
}

void dbscan_marks_free(struct dbscan_marks *m)
{
    free(m->bits);
    free(m->before);
    *m = (struct dbscan_marks){0};
}

void dbscan_marks_count(struct dbscan_marks *m)
{
    m->n = 0;
    for (int64_t w = 0; w < m->words; w++) {
        m->before[w] = m->n;
        m->n += __builtin_popcountll(m->bits[w]);
    }
}
