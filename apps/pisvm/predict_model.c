#include "apps/pisvm/predict_model.h"

#include <math.h>
#include <stdlib.h>
#include "apps/pisvm/svm_backend.h"
#include "common/run/err.h"

static const double unit = 0x1p-24;

static struct ps_csr vectors(const struct svm_model *m)
{
    return (struct ps_csr){m->sv, m->cols, m->start, m->index, m->value};
}

static bool is_rbf(const struct predict_model *p)
{
    return p->m->function.form == PS_SVM_RBF;
}

/** Coefficients in single precision, [support vectors][columns] group after group, and where columns go. */
static void fill_groups(struct predict_model *p)
{
    const struct svm_check *c = &p->check;
    int64_t cols = c->ncoef + is_rbf(p);
    for (int g = 0; g < c->groups; g++) {
        float *coef = p->coef + c->first[g] * cols;
        int32_t *column = p->column + g * cols;
        p->group[g] = (struct svm_group){.pack = p->pack,
                                         .lo = c->first[g],
                                         .hi = c->first[g + 1],
                                         .cols = cols,
                                         .coef = coef,
                                         .column = column};
        for (int t = 0; t < c->ncoef; t++) {
            int other = t < g ? t : t + 1;
            column[t] = c->groups == 1 ? 0
                                       : (int32_t)svm_pair_number(c->groups, g < other ? g : other,
                                                                  g < other ? other : g);
        }
        if (is_rbf(p)) column[cols - 1] = (int32_t)(c->pairs + g);
        for (int64_t s = c->first[g]; s < c->first[g + 1]; s++, coef += cols) {
            double most = 0;
            for (int t = 0; t < c->ncoef; t++) {
                double v = p->m->coef[t * p->m->sv + s];
                coef[t] = (float)v;
                if (fabs(v) > most) most = fabs(v);
            }
            if (is_rbf(p)) coef[cols - 1] = (float)most;
        }
    }
}

/** Coefficients on the device that the kernels have. */
static enum ps_status send_groups(struct predict_model *p)
{
    if (!p->kernels->device) return PS_OK;
    const struct ps_device_memory *memory = p->kernels->device->memory;
    const int64_t bytes = p->m->sv * (p->check.ncoef + is_rbf(p)) * (int64_t)sizeof *p->coef;
    PS_TRY(ps_buffer_make(memory, bytes, false, "coefficients", &p->there));
    memory->put(p->there.there, p->coef, bytes);
    for (int g = 0; g < p->check.groups; g++)
        p->group[g].coef = (float *)p->there.there + (p->group[g].coef - p->coef);
    return svm_backend_wait(p->kernels);
}

/** Largest norms of centred support vectors. */
static void measure(struct predict_model *p)
{
    struct ps_csr x = vectors(p->m);
    for (int64_t k = 0; p->centre && k < p->layout.cols; k++) p->centre_norm2 += p->centre[k] * p->centre[k];
#pragma omp parallel for schedule(dynamic)
    for (int g = 0; g < p->check.groups; g++)
        for (int64_t s = p->check.first[g]; s < p->check.first[g + 1]; s++) {
            double norm = predict_reach_of(p, &x, s).norm;
            if (norm > p->largest[g]) p->largest[g] = norm;
        }
}

static enum ps_status make_room(struct predict_model *p)
{
    struct ps_csr x = vectors(p->m);
    PS_TRY(svm_check_make(p->m, &p->check));
    int64_t cols = p->check.ncoef + is_rbf(p), groups = p->check.groups;
    p->stride = p->check.pairs + (is_rbf(p) ? groups : 0);
    PS_CHECK(p->stride <= INT32_MAX, PS_ENOMEM, "a model of %d classes has too many pairs of them",
             p->m->nclass);
    PS_TRY(ps_zalloc(&p->group, groups, sizeof *p->group, "groups of support vectors"));
    PS_TRY(ps_alloc(&p->coef, p->m->sv * cols, sizeof *p->coef, "coefficients"));
    PS_TRY(ps_alloc(&p->column, groups * cols, sizeof *p->column, "columns of coefficients"));
    PS_TRY(ps_zalloc(&p->largest, groups, sizeof *p->largest, "groups of support vectors"));
    return svm_backend_pack(p->kernels, &x, NULL, x.n, &p->layout, &p->pack);
}

enum ps_status predict_model_make(MPI_Comm comm, const struct svm_model *m, const struct svm_data *rows,
                                  const struct ps_svm_kernels *kernels, struct predict_model *out)
{
    struct svm_data wide = *rows; /* with the columns that the model alone has */
    if (m->cols > wide.x.cols) wide.x.cols = m->cols;
    *out = (struct predict_model){.m = m, .kernels = kernels};
    enum ps_status rc = svm_layout_choose(comm, &wide, &m->function, false, &out->layout, &out->centre);
    PS_TRY(rc);
    rc = ps_agree(comm, make_room(out));
    if (rc != PS_OK) {
        predict_model_free(out);
        return rc;
    }
    fill_groups(out);
    rc = ps_agree(comm, send_groups(out));
    if (rc == PS_OK)
        measure(out);
    else
        predict_model_free(out);
    return rc;
}

void predict_model_free(struct predict_model *p)
{
    if (p->pack) p->kernels->unpack(p->pack);
    svm_check_free(&p->check);
    free(p->centre);
    free(p->group);
    free(p->coef);
    ps_buffer_free(&p->there);
    free(p->column);
    free(p->largest);
    *p = (struct predict_model){0};
}

struct predict_reach predict_reach_of(const struct predict_model *p, const struct ps_csr *x, int64_t row)
{
    double plain = 0, change = 0;
    for (int64_t e = x->start[row]; e < x->start[row + 1]; e++) {
        double v = x->value[e], c = p->centre ? p->centre[x->index[e]] : 0;
        plain += v * v;
        change += c * (c - 2 * v); /* (v - c)^2 - c^2 is v^2 + change */
    }
    /* sums may have cancelled: what they can have lost stays in */
    double norm2 = plain + change + p->centre_norm2 * !!p->centre;
    double lost = 1e-9 * (plain + p->centre_norm2);
    return (struct predict_reach){sqrt(norm2 > 0 ? norm2 + lost : lost), sqrt(plain),
                                  x->start[row + 1] - x->start[row]};
}

double predict_group_bound(const struct predict_model *p, const struct predict_reach *r, const double *value,
                           int g)
{
    const struct svm_check *c = &p->check;
    double largest;
    /* Sums run over at most 256 products in single precision; two units are of rounded coefficients, the rest
     * of sums in double precision and of LIBSVM's own roundings. */
    double sums = 270 * unit, tiny = 1e-37 * (c->weight[g] + (double)(c->first[g + 1] - c->first[g]));
    if (c->weight[g] == 0) return 0;
    /* without a centre, products with zeros are exact */
    int64_t n = r->entries > c->longest[g] ? r->entries : c->longest[g];
    if (p->centre) n = p->layout.cols;
    if (!is_rbf(p)) {
        double error = svm_kernel_error(&p->m->function, r->plain_norm, c->largest[g], n, unit, &largest);
        return c->weight[g] * (error + sums * (largest + error)) + tiny;
    }
    double error = sums + svm_kernel_error(&p->m->function, r->norm, p->largest[g], n, unit, &largest);
    if (!(error < 0.5)) return INFINITY;
    return 1.01 * value[c->pairs + g] * error / (1 - error) + tiny;
}
