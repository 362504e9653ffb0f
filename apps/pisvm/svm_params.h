/** Parameters of pisvm-train: the letters of piSVM and LIBSVM, and what they mean together. */
#ifndef SVM_PARAMS_H
#define SVM_PARAMS_H

#include "apps/pisvm/svm_grid.h"

/** Members of the parameter table. */
struct svm_params {
    ps_str data, model;
    int svm_type, kernel_type, degree;
    double gamma, coef0, cost, nu, loss_epsilon, memory, tolerance;
    int shrinking, probability;
    struct ps_keyed weight;
    int folds, working_set, new_variables;
    bool dense;
    struct ps_list grid_c, grid_g;
    ps_str grid_csv;
    bool train_best;
    int64_t max_iter;
};

extern const struct ps_param svm_params_rows[];
extern const int svm_params_nrows;

/** Do the parameters fit together? Local. @return PS_OK; PS_EUSAGE */
enum ps_status svm_params_check(const struct ps_run *run, const struct svm_params *p);

/** True where cross-validation over a grid is asked for. Local. */
static inline bool svm_params_grid(const struct svm_params *p)
{
    return p->grid_c.n > 0 || p->grid_g.n > 0;
}

/** Name of the model file: as given, or that of the data with ".model" in the working directory. Local. */
void svm_params_model(const struct svm_params *p, ps_str path);

/** The kernel function and the numbers of the type. Local. @param cols features, for the default of gamma */
struct ps_svm_function svm_params_function(const struct svm_params *p, int64_t cols);
struct svm_cost svm_params_cost(const struct svm_params *p);

/** Weights of classes; labels that do not occur give a warning. Local.
 * @param weight out [nclass] */
void svm_params_weights(const struct ps_run *run, const struct svm_params *p, const struct svm_data *d,
                        double *weight);

/** The values of a list, ascending and each once; or `single` where it is empty. Local.
 * @param out [PS_LIST_MAX]
 * @return how many */
int svm_params_axis(const struct ps_list *list, double single, double *out);

#endif
