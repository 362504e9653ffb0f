#include "apps/pisvm/svm_model.h"

#include <stdlib.h>

void svm_model_free(struct svm_model *m)
{
    free(m->label);
    free(m->count);
    free(m->rho);
    free(m->prob_a);
    free(m->prob_b);
    free(m->coef);
    free(m->start);
    free(m->index);
    free(m->value);
    *m = (struct svm_model){0};
}
