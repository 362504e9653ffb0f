#include "apps/pisvm/svm_unit.h"
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_decide.h"
#include "apps/pisvm/svm_fold.h"

/* Inner folds are drawn with another seed than the outer ones. */
static const uint64_t inner_stream = 0x9E3779B97F4A7C15u;

enum ps_status svm_unit_make(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                             const struct svm_problem *p, int64_t lo, int64_t hi, const double *label,
                             struct svm_unit *out)
{
    struct svm_want part[2];
    int64_t i = 0;
    *out = (struct svm_unit){.n = hi - lo};
    enum ps_status rc = ps_alloc(&out->row, out->n, sizeof *out->row, "targets");
    if (rc == PS_OK && sweep->folds > 0) rc = ps_alloc(&out->fold, out->n, sizeof *out->fold, "folds");
    if (rc == PS_OK && sweep->probability)
        rc = ps_alloc(&out->inner, out->n, sizeof *out->inner, "inner folds");
    PS_TRY(rc);
    if (spec->type == SVM_ONE_CLASS) label = NULL;
    svm_problem_wants(p, lo, hi, part);
    for (int half = 0; half < 2; half++)
        for (int64_t at = part[half].lo; at < part[half].hi; at++, i++) {
            out->row[i].target = label ? label[i] : half ? -1 : 1;
            out->row[i].left_out = false;
            if (out->fold)
                out->fold[i] = (int16_t)svm_fold(spec->seed, part[half].cls, at, p->rows[half], sweep->folds);
            if (out->inner)
                out->inner[i] = (int16_t)svm_fold(spec->seed ^ inner_stream, part[half].cls, at,
                                                  p->rows[half], SVM_INNER);
        }
    return PS_OK;
}

void svm_unit_free(struct svm_unit *u)
{
    free(u->row);
    free(u->fold);
    free(u->inner);
    memset(u, 0, sizeof *u);
}

void svm_unit_mask(const struct svm_unit *u, int fold, int inner, int16_t *mask, int64_t trained[2])
{
    trained[0] = trained[1] = 0;
    for (int64_t i = 0; i < u->n; i++) {
        const bool out = (fold >= 0 && u->fold[i] == fold) || (inner >= 0 && u->inner[i] == inner);
        mask[i] = out ? 0 : -1;
        trained[u->row[i].target < 0] += !out;
    }
}

bool svm_unit_absent(const struct svm_problem *p, const int64_t trained[2])
{
    if (p->slot[1] < 0) return trained[0] + trained[1] == 0;
    return trained[0] == 0 || trained[1] == 0;
}

double svm_unit_guess(const int64_t trained[2])
{
    return (trained[0] > 0) - (trained[1] > 0);
}

void svm_unit_costs(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                    const struct svm_problem *p, struct svm_cost *cost)
{
    for (int i = 0; i < sweep->ncost; i++) {
        cost[i] = sweep->cost[i];
        cost[i].type = spec->type;
        cost[i].c_positive = cost[i].c * (p->a < 0 ? 1 : spec->weight[p->a]);
        cost[i].c_negative = cost[i].c * (p->b < 0 ? 1 : spec->weight[p->b]);
    }
}

enum ps_status svm_unit_fit(const struct svm_unit *u, bool classes, int fold, const double *decision,
                            double *prob_a, double *prob_b)
{
    double *kept = NULL;
    uint8_t *positive = NULL;
    int64_t n = 0;
    enum ps_status rc = ps_alloc(&kept, u->n, sizeof *kept, "decision values");
    if (rc == PS_OK) rc = ps_alloc(&positive, u->n, 1, "classes");
    for (int64_t i = 0; rc == PS_OK && i < u->n; i++) {
        if (fold >= 0 && u->fold[i] == fold) continue;
        positive[n] = u->row[i].target > 0;
        kept[n++] = classes ? decision[i] : u->row[i].target - decision[i];
    }
    if (rc == PS_OK && classes) svm_sigmoid(kept, positive, n, prob_a, prob_b);
    if (rc == PS_OK && !classes) *prob_a = svm_laplace(kept, n);
    free(kept);
    free(positive);
    return rc;
}
