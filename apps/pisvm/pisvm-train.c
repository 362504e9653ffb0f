/** pisvm-train: support vector machines over MPI ranks and OpenMP threads. See docs/apps/pisvm.md. */
#include <stdlib.h>
#ifdef __GLIBC__
#    include <malloc.h>
#endif
#include <string.h>
#include "apps/pisvm/svm_backend.h"
#include "apps/pisvm/svm_model.h"
#include "apps/pisvm/svm_params.h"
#include "common/io/outfile.h"
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/timer.h"

/* Steps of a problem that would not end otherwise, as in LIBSVM. */
enum { STEPS = 10000000 };

/* A run: what was read, what was asked for. */
struct train {
    struct ps_run *run;
    const struct svm_params *p;
    struct ps_device device;
    struct svm_data data;
    double *weight;
    bool told;
    struct svm_train_spec spec;
    struct ps_svm_function function;
    struct svm_cost cost;
    ps_str model;
    double reading, training, writing; /* seconds */
};

static bool writes_model(const struct svm_params *p)
{
    return p->folds == 0 || p->train_best;
}

/* That the model cannot be written is known before hours of work. Collective. */
static enum ps_status try_model(const struct train *t)
{
    struct ps_outfile f;
    if (!writes_model(t->p)) return PS_OK;
    PS_TRY(ps_outfile_open(t->run->comm, t->model, false, &f));
    ps_outfile_close(&f, PS_STOPPED); /* nothing is left, and a model that exists stays */
    ps_err_clear();
    return PS_OK;
}

static enum ps_status check_data(const struct train *t)
{
    const struct svm_data *d = &t->data;
    if (d->class_of)
        PS_CHECK(d->nclass > 1, PS_EINPUT,
                 "%s: all rows have the label %d; a classification needs two classes", t->p->data,
                 d->nclass > 0 ? d->label[0] : 0);
    PS_CHECK(t->p->folds <= d->x.rows, PS_EUSAGE, "-v %d: there are %lld rows only", t->p->folds,
             (long long)d->x.rows);
    return PS_OK;
}

/* Bytes for kernel values. */
static int64_t memory_of(const struct train *t, const struct ps_device_share *share)
{
    const double usual = 40; /* as in piSVM */
    const int64_t there = svm_backend_memory(share);
    if (t->p->memory == 0 && there > 0) return there;
    return (int64_t)((t->p->memory > 0 ? t->p->memory : usual) * 1048576);
}

/* Read the data, and say how to train. Collective. */
static enum ps_status prepare(struct train *t)
{
    const struct svm_params *p = t->p;
    const enum svm_type type = (enum svm_type)p->svm_type;
    const bool classes = type == SVM_C_SVC || type == SVM_NU_SVC;
    const double start = ps_elapsed(t->run);
    struct svm_train_spec *s = &t->spec;
    ps_phase(t->run, "read");
    PS_TRY(try_model(t));
    PS_TRY(svm_data_read(t->run->comm, p->data, classes ? SVM_CLASSES : SVM_VALUES, &t->data));
    t->reading = ps_elapsed(t->run) - start;
    PS_TRY(check_data(t));
    PS_TRY(ps_agree(t->run->comm,
                    ps_alloc(&t->weight, t->data.nclass, sizeof *t->weight, "weights of classes")));
    svm_params_weights(t->run, p, &t->data, t->weight);
    const struct ps_device_share share = ps_device_share(t->run, &t->device);
    *s = (struct svm_train_spec){.run = t->run,
                                 .data = &t->data,
                                 .kernels = s->kernels,
                                 .type = type,
                                 .weight = t->weight,
                                 .dense = p->dense,
                                 .shrinking = p->shrinking,
                                 .eps = p->tolerance,
                                 .max_iter = p->max_iter > 0 ? p->max_iter : STEPS,
                                 .working = p->working_set,
                                 .fresh = p->new_variables,
                                 .memory = memory_of(t, &share),
                                 .sharing = share.ranks,
                                 .seed = (uint64_t)t->run->common->seed,
                                 .told = &t->told};
    t->function = svm_params_function(p, t->data.x.cols);
    t->cost = svm_params_cost(p);
    return PS_OK;
}

static bool regression(const struct train *t)
{
    return t->spec.type == SVM_EPSILON_SVR || t->spec.type == SVM_NU_SVR;
}

static void record_begin(const struct train *t)
{
    ps_record_begin(t->run, "result");
    ps_record_int(t->run, "rows", t->data.x.rows);
    ps_record_int(t->run, "features", t->data.x.cols);
    ps_record_int(t->run, "classes", t->data.nclass);
    ps_record_num(t->run, "c", t->cost.c);
    ps_record_num(t->run, "gamma", t->function.gamma);
    ps_record_num(t->run, "reading_seconds", t->reading);
    ps_record_num(t->run, "training_seconds", t->training);
}

/* Cross-validation at one point. Collective. */
static enum ps_status validate(struct train *t)
{
    const struct svm_sweep sweep = {.function = t->function,
                                    .cost = &t->cost,
                                    .ncost = 1,
                                    .folds = t->p->folds,
                                    .probability = t->p->probability};
    const double start = ps_elapsed(t->run);
    struct svm_worth worth;
    PS_TRY(svm_validate(&t->spec, &sweep, &worth));
    t->training = ps_elapsed(t->run) - start;
    ps_print(t->run, "Total opt. time = %.2lf\n", t->training);
    if (regression(t)) {
        ps_print(t->run, "Cross Validation Mean squared error = %g\n", worth.mse);
        ps_print(t->run, "Cross Validation Squared correlation coefficient = %g\n", worth.correlation2);
    } else {
        ps_print(t->run, "Cross Validation Accuracy = %g%%\n", worth.accuracy);
    }
    record_begin(t);
    if (regression(t)) {
        ps_record_num(t->run, "mse", worth.mse);
        ps_record_num(t->run, "correlation2", worth.correlation2);
    } else {
        ps_record_num(t->run, "accuracy", worth.accuracy);
    }
    ps_record_end(t->run);
    return PS_OK;
}

/* Train with all rows and write the model. Collective. */
static enum ps_status train(struct train *t)
{
    const struct svm_sweep sweep = {
        .function = t->function, .cost = &t->cost, .ncost = 1, .probability = t->p->probability};
    struct svm_machines machines = {0};
    int64_t sv = 0;
    double start = ps_elapsed(t->run);
    enum ps_status rc = svm_train(&t->spec, &sweep, &machines);
    t->training = ps_elapsed(t->run) - start;
    if (rc == PS_OK) {
        ps_print(t->run, "Total opt. time = %.2lf\n", t->training);
        ps_phase(t->run, "write");
        start = ps_elapsed(t->run);
        rc = svm_model_write(t->run, t->model, &t->data, t->spec.type, &t->function, t->p->probability,
                             &machines, &sv);
        t->writing = ps_elapsed(t->run) - start;
    }
    svm_machines_free(&machines);
    PS_TRY(rc);
    if (t->data.class_of) ps_print(t->run, "Total nSV = %lld\n", (long long)sv);
    record_begin(t);
    ps_record_num(t->run, "writing_seconds", t->writing);
    ps_record_int(t->run, "nsv", sv);
    ps_record_str(t->run, "model", t->model);
    ps_record_end(t->run);
    return PS_OK;
}

/* Look for the best C and gamma; train with them if asked to. Collective. */
static enum ps_status search(struct train *t)
{
    double c[PS_LIST_MAX], gamma[PS_LIST_MAX];
    int best[2];
    const struct svm_grid grid = {.c = c,
                                  .gamma = gamma,
                                  .nc = svm_params_axis(&t->p->grid_c, t->cost.c, c),
                                  .ngamma = svm_params_axis(&t->p->grid_g, t->function.gamma, gamma),
                                  .folds = t->p->folds,
                                  .csv = t->p->grid_csv};
    const double start = ps_elapsed(t->run);
    PS_TRY(svm_grid_run(&t->spec, &t->function, &t->cost, &grid, best));
    t->training = ps_elapsed(t->run) - start;
    t->cost.c = c[best[0]];
    t->function.gamma = gamma[best[1]];
    ps_print(t->run, "Total grid time = %.2lf\n", t->training);
    t->spec.quiet = true; /* the table is the result: lines of each binary problem would bury it */
    return t->p->train_best ? train(t) : PS_OK;
}

/* Large pieces of memory go back to the system when they are freed. By itself the C library keeps what it saw
 * freed once for later, and a rank that solves many problems would come to hold several times what -m says.
 */
static void return_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 8 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20); /* smaller pieces stay: each return would cost their pages anew */
#endif
}

static enum ps_status run_train(struct ps_run *run, const void *params)
{
    struct train t = {.run = run, .p = params};
    return_memory();
    PS_TRY(svm_params_check(run, t.p));
    svm_params_model(t.p, t.model);
    enum ps_status rc = svm_backend_open(run, &t.device, &t.spec.kernels);
    if (rc == PS_OK) rc = prepare(&t);
    if (rc == PS_OK) rc = svm_params_grid(t.p) ? search(&t) : t.p->folds > 0 ? validate(&t) : train(&t);
    if (rc == PS_OK) ps_print(run, "I/O time = %.2lf\n", t.reading + t.writing);
    svm_data_free(&t.data);
    free(t.weight);
    ps_device_close(&t.device);
    return rc;
}

int main(int argc, char **argv)
{
    static struct ps_program program = {
        .name = "pisvm-train",
        .summary = "train support vector machines over MPI ranks and threads",
        .synopsis = "[options] [parameters.par] training_set_file [model_file]",
        .rows = svm_params_rows,
        .params_size = sizeof(struct svm_params),
        .common = PS_HAS_CHECKPOINT | PS_HAS_BACKEND | PS_HAS_SEED,
        .run = run_train,
    };
    program.nrows = svm_params_nrows;
    return ps_main(argc, argv, &program);
}
