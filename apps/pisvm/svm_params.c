#include "apps/pisvm/svm_params.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/log.h"

#define ROW(member, ...) PS_PARAM(struct svm_params, member, __VA_ARGS__)
const struct ps_param svm_params_rows[] = {
    ROW(data, .positional = 1, .help = "training set: text of svmlight and LIBSVM"),
    ROW(model, .positional = 2, .def = "",
        .help = "model file; default: the training set's name without folder, and .model"),
    ROW(svm_type, .letter = 's', .def = "0", .range = "[0,4]",
        .help = "0 C-SVC, 1 nu-SVC, 2 one-class, 3 epsilon-SVR, 4 nu-SVR"),
    ROW(kernel_type, .letter = 't', .def = "2", .range = "[0,3]",
        .help = "0 linear u'v, 1 polynomial (g u'v + r)^d, 2 RBF exp(-g |u-v|^2), 3 sigmoid tanh(g u'v + r)"),
    ROW(degree, .letter = 'd', .def = "3", .range = "[0,1000]", .help = "d of the polynomial kernel"),
    ROW(gamma, .letter = 'g', .def = "0", .range = "[0,inf)",
        .help = "g of the kernel function; 0: 1 / number of features"),
    ROW(coef0, .letter = 'r', .def = "0", .help = "r of the kernel function"),
    ROW(cost, .letter = 'c', .def = "1", .range = "(0,inf)",
        .help = "C of C-SVC, epsilon-SVR, nu-SVR: price of a margin violation"),
    ROW(nu, .letter = 'n', .def = "0.5", .range = "(0,1]", .help = "nu of nu-SVC, one-class, nu-SVR"),
    ROW(loss_epsilon, .letter = 'p', .def = "0.1", .range = "[0,inf)",
        .help = "epsilon of epsilon-SVR: errors below cost nothing"),
    ROW(memory, .letter = 'm', .def = "0", .range = "[0,inf)", .unit = "MB",
        .help = "memory per rank for kernel values; problems whose kernel matrix fits are solved one per "
                "thread; 0: 40, on a GPU about half of what is free there"),
    ROW(tolerance, .letter = 'e', .def = "0.001", .range = "(0,inf)",
        .help = "stop when no pair of variables violates the optimality conditions by more"),
    ROW(shrinking, .letter = 'h', .def = "1", .range = "[0,1]",
        .help = "1: leave out variables that stay at a bound for long"),
    ROW(probability, .letter = 'b', .def = "0", .range = "[0,1]",
        .help = "1: the model gives probabilities, from a cross-validation inside"),
    ROW(weight, .letter = 'w', .def = "", .range = "[0,inf)",
        .help = "factor of C for a class: -w1 5 -w-1 2; default 1"),
    ROW(folds, .letter = 'v', .def = "0", .range = "[0,32767]",
        .help = "folds of a cross-validation, 2 or more; no model is written; 0: train"),
    ROW(working_set, .letter = 'o', .def = "0", .range = "[0,1000000]",
        .help = "size of the working set of large problems; 0: by the number of rows"),
    ROW(new_variables, .letter = 'q', .def = "0", .range = "[0,1000000]",
        .help = "most new variables that enter it per outer iteration; 0: by its size"),
    ROW(dense, .letter = 'D', .flag = true, .def = "false",
        .help = "take feature vectors as dense; default: as the data is"),
    ROW(grid_c, .def = "", .range = "(0,inf)",
        .help = "values of C for a grid search by cross-validation: 1,10,100"),
    ROW(grid_g, .def = "", .range = "(0,inf)", .help = "values of gamma for a grid search"),
    ROW(grid_csv, .def = "", .help = "CSV file for the table of the grid search"),
    ROW(train_best, .flag = true, .def = "false",
        .help = "train with the best point of the grid, and write the model"),
    ROW(max_iter, .def = "0", .range = "[0,inf)", .unit = "steps",
        .help = "end a binary problem after so many steps; 0: ten million"),
};
const int svm_params_nrows = sizeof svm_params_rows / sizeof *svm_params_rows;

static bool has_c(const struct svm_params *p)
{
    return p->svm_type == SVM_C_SVC || p->svm_type == SVM_EPSILON_SVR || p->svm_type == SVM_NU_SVR;
}

static enum ps_status check_grid(const struct svm_params *p)
{
    PS_CHECK(svm_params_grid(p) || !p->train_best, PS_EUSAGE,
             "--train-best needs a grid: --grid-c LIST, --grid-g LIST");
    PS_CHECK(svm_params_grid(p) || !p->grid_csv[0], PS_EUSAGE,
             "--grid-csv needs a grid: --grid-c LIST, --grid-g LIST");
    if (!svm_params_grid(p)) return PS_OK;
    PS_CHECK(p->folds >= 2, PS_EUSAGE,
             "a grid search validates by folds: give their number by -v, 2 or more");
    PS_CHECK(p->grid_g.n == 0 || p->kernel_type != PS_SVM_LINEAR, PS_EUSAGE,
             "--grid-g: the linear kernel (-t 0) has no gamma");
    PS_CHECK(p->grid_c.n == 0 || has_c(p), PS_EUSAGE, "--grid-c: this type (-s %d) has no C", p->svm_type);
    return PS_OK;
}

enum ps_status svm_params_check(const struct ps_run *run, const struct svm_params *p)
{
    PS_CHECK(p->folds != 1, PS_EUSAGE, "-v must be 2 or more: one fold leaves nothing to train with");
    PS_CHECK(!p->probability || p->svm_type != SVM_ONE_CLASS, PS_EUSAGE,
             "-b 1: one-class machines (-s 2) have no probabilities");
    PS_CHECK(p->working_set == 0 || p->new_variables <= p->working_set, PS_EUSAGE,
             "-q %d new variables are more than the working set of -o %d", p->new_variables, p->working_set);
    PS_CHECK(p->memory < 8e12, PS_EUSAGE, "-m %g is more than any machine's memory", p->memory);
    PS_CHECK(!run->common->resume || run->common->checkpoint[0], PS_EUSAGE,
             "--resume needs --checkpoint FILE");
    return check_grid(p);
}

void svm_params_model(const struct svm_params *p, ps_str path)
{
    const char *slash = strrchr(p->data, '/');
    if (p->model[0])
        snprintf(path, PS_STR_MAX, "%s", p->model);
    else
        snprintf(path, PS_STR_MAX, "%.*s.model", PS_STR_MAX - 8, slash ? slash + 1 : p->data);
}

struct ps_svm_function svm_params_function(const struct svm_params *p, int64_t cols)
{
    const double gamma = p->gamma > 0 ? p->gamma : 1 / (double)(cols > 0 ? cols : 1);
    return (struct ps_svm_function){(enum ps_svm_form)p->kernel_type, p->degree, gamma, p->coef0};
}

struct svm_cost svm_params_cost(const struct svm_params *p)
{
    return (struct svm_cost){
        .type = (enum svm_type)p->svm_type, .c = p->cost, .nu = p->nu, .p = p->loss_epsilon};
}

void svm_params_weights(const struct ps_run *run, const struct svm_params *p, const struct svm_data *d,
                        double *weight)
{
    for (int c = 0; c < d->nclass; c++) weight[c] = 1;
    for (int i = 0; i < p->weight.n; i++) {
        int c = 0;
        while (c < d->nclass && d->label[c] != p->weight.key[i]) c++;
        if (c < d->nclass)
            weight[c] = p->weight.value[i];
        else
            ps_warn(run, "-w%d: no row has the label %d", p->weight.key[i], p->weight.key[i]);
    }
}

static int ascending(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

int svm_params_axis(const struct ps_list *list, double single, double *out)
{
    int n = 0;
    if (list->n == 0) {
        out[0] = single;
        return 1;
    }
    memcpy(out, list->value, (size_t)list->n * sizeof *out);
    qsort(out, (size_t)list->n, sizeof *out, ascending);
    for (int i = 0; i < list->n; i++)
        if (i == 0 || out[i] != out[n - 1]) out[n++] = out[i];
    return n;
}
