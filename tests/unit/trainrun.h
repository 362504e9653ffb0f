/** Whole runs of training, for comparison. */
#ifndef TRAINRUN_H
#define TRAINRUN_H

#include "traincheck.h"

enum { SAMPLES = 61 };

static const struct ps_source source = {.n = SAMPLES, .name = "made-up", .load = load_labelled};

/** What training came to, for comparison. */
struct outcome {
    enum ps_status status;
    int64_t n, steps, epochs;
    double loss, figure;
    float *w; /* [n] */
};

static inline void count_right(void *context, const struct ps_net_work *work,
                               const struct ps_net_batch *batch, const void *target, double *sum)
{
    const struct ps_net *net = work->net;
    const float *y = work->y[net->nodes - 1];
    (void)context;
    for (int64_t i = 0; i < batch->n; i++, y += CLASSES) {
        int best = 0;
        for (int c = 1; c < CLASSES; c++)
            if (y[c] > y[best]) best = c;
        sum[0] += best == ((const int32_t *)target)[i];
    }
}

static inline void share_right(const double *sum, int64_t n, double *figure)
{
    figure[0] = sum[0] / (double)n;
}

static const char *const names[] = {"val_accuracy"};

static inline struct outcome train_job(MPI_Comm comm, int threads, const struct ps_train_job *job)
{
    struct ps_run run = run_on(comm, threads);
    struct ps_trained trained;
    struct outcome o = {.n = job->net->weights + job->net->buffers};
    o.status = ps_train(&run, job, &trained);
    if (o.status != PS_OK) return o;
    o.w = malloc((size_t)o.n * sizeof *o.w);
    memcpy(o.w, trained.w, (size_t)o.n * sizeof *o.w);
    o.steps = trained.steps;
    o.epochs = trained.epochs;
    o.loss = trained.loss;
    o.figure = trained.figure[0];
    MPI_Barrier(comm);
    ps_train_free(&trained);
    return o;
}

/* With validation on other samples of the same kind. */
static inline struct ps_train_job job_of(const struct ps_train_params *p, const struct ps_net *net)
{
    return (struct ps_train_job){.params = p,
                                 .net = net,
                                 .describe = "test",
                                 .loss = PS_LOSS_SOFTMAX,
                                 .smoothing = 0.1,
                                 .train = &source,
                                 .valid = &source,
                                 .score = {.sums = 1, .add = count_right},
                                 .figures = share_right,
                                 .n_figures = 1,
                                 .figure_name = names,
                                 .larger = true};
}

static inline struct outcome train_with(MPI_Comm comm, int threads, const struct ps_train_params *p,
                                        bool plain)
{
    struct ps_net net;
    build(&net, &ps_nn_cpu, plain, CLASSES);
    const struct ps_train_job job = job_of(p, &net);
    const struct outcome o = train_job(comm, threads, &job);
    ps_net_free(&net);
    return o;
}

/* The last checkpoint is that of the end: put the one before it in its place. */
static inline void take_former(void)
{
    char former[PS_STR_MAX + 16];
    MPI_Barrier(MPI_COMM_WORLD);
    snprintf(former, sizeof former, "%s.1", common.checkpoint);
    if (world_rank() == 0) ck_assert(rename(former, common.checkpoint) == 0);
    MPI_Barrier(MPI_COMM_WORLD);
}

static inline bool equal(const struct outcome *a, const struct outcome *b)
{
    return a->status == PS_OK && b->status == PS_OK && a->steps == b->steps && a->epochs == b->epochs &&
           memcmp(&a->loss, &b->loss, sizeof a->loss) == 0 &&
           memcmp(&a->figure, &b->figure, sizeof a->figure) == 0 &&
           memcmp(a->w, b->w, (size_t)a->n * sizeof *a->w) == 0;
}

/** A checkpoint and older ones, or any file. */
static inline void remove_files(const char *name)
{
    char path[PS_STR_MAX + 16];
    MPI_Barrier(MPI_COMM_WORLD);
    if (world_rank() == 0)
        for (int age = 0; age < 4; age++) {
            snprintf(path, sizeof path, age ? "%s.%d" : "%s", name, age);
            unlink(path);
        }
    MPI_Barrier(MPI_COMM_WORLD);
}

#endif
