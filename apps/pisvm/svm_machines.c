#include "apps/pisvm/svm_machines.h"
#include <stdlib.h>
#include <string.h>

void svm_machines_free(struct svm_machines *m)
{
    for (int64_t i = 0; i < m->n; i++) free(m->machine[i].coef);
    free(m->machine);
    memset(m, 0, sizeof *m);
}

int svm_pairs(const struct svm_data *d)
{
    return d->class_of ? d->nclass * (d->nclass - 1) / 2 : 1;
}
