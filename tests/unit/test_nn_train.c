/* ranks: 1 2 3 4 */
#include "traincheck.h"
#include <math.h>
#include <signal.h>
#include "common/nn/order.h"
#include "common/run/run_parts.h"

enum { SAMPLES = 61 };

static const struct ps_source source = {.n = SAMPLES, .name = "made-up", .load = load_labelled};

/** What training came to, for comparison. */
struct outcome {
    enum ps_status status;
    int64_t n, steps, epochs;
    double loss, figure;
    float *w; /* [n] */
};

static void count_right(void *context, const struct ps_net_work *work, const struct ps_net_batch *batch,
                        const void *target, double *sum)
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

static void share_right(const double *sum, int64_t n, double *figure)
{
    figure[0] = sum[0] / (double)n;
}

static const char *const names[] = {"val_accuracy"};

static struct outcome train_job(MPI_Comm comm, int threads, const struct ps_train_job *job)
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
static struct outcome train_with(MPI_Comm comm, int threads, const struct ps_train_params *p, bool plain)
{
    struct ps_net net;
    build(&net, &ps_nn_cpu, plain, CLASSES);
    const struct ps_train_job job = {.params = p,
                                     .net = &net,
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
    const struct outcome o = train_job(comm, threads, &job);
    ps_net_free(&net);
    return o;
}

static bool equal(const struct outcome *a, const struct outcome *b)
{
    return a->status == PS_OK && b->status == PS_OK && a->steps == b->steps && a->epochs == b->epochs &&
           memcmp(&a->loss, &b->loss, sizeof a->loss) == 0 &&
           memcmp(&a->figure, &b->figure, sizeof a->figure) == 0 &&
           memcmp(a->w, b->w, (size_t)a->n * sizeof *a->w) == 0;
}

static bool finite_all(const struct outcome *o)
{
    for (int64_t i = 0; i < o->n; i++)
        if (!isfinite(o->w[i])) return false;
    return isfinite(o->loss);
}

/* Gradients of the mean over samples [lo, hi) of an epoch's order; @return the sum of their losses. */
static double plain_gradient(const struct ps_net *net, int64_t epoch, int64_t lo, int64_t hi, const double *w,
                             double *prepared, double *dw)
{
    struct ps_net_work work;
    double x[SAMPLES * FEATURES];
    int32_t labels[SAMPLES];
    const int64_t n = hi - lo;
    for (int64_t i = 0; i < n; i++) {
        const int64_t sample = ps_order(SAMPLES, (uint64_t)common.seed, epoch, lo + i);
        for (int64_t k = 0; k < FEATURES; k++) x[i * FEATURES + k] = feature(sample, k);
        labels[i] = label(sample);
    }
    const struct ps_net_batch batch = {.n = n, .x = x, .training = true};
    const struct ps_nn_softmax softmax = {CLASSES, 0.1};
    const struct ps_net_gradient gradient = {.dw = dw};
    mck_assert(ps_net_work_make(net, n, true, &work) == PS_OK, "memory");
    ps_net_prepare(net, w, prepared, 0, 1);
    const double *y = ps_net_forward(&work, &batch, w, prepared);
    const double loss =
        net->kernels->softmax_loss(&softmax, n, y, labels, 1 / (double)n, ps_net_output_gradient(&work));
    ps_net_backward(&work, &batch, w, prepared, &gradient);
    ps_net_work_free(&work);
    return loss;
}

/* SGD with momentum as a plain loop in double precision: the last epoch's mean loss. */
static double plain_loop(const struct ps_train_params *p, double *w)
{
    struct ps_net net;
    build(&net, &ps_nn_ref64, true, CLASSES);
    double *prepared = calloc((size_t)net.prepared + 1, sizeof *prepared), sum = 0;
    double *dw = calloc((size_t)net.weights, sizeof *dw), *v = calloc((size_t)net.weights, sizeof *v);
    const int64_t update = p->batch * p->accumulate;
    ps_net_init(&net, w);
    for (int64_t i = 0; i < net.weights; i++) w[i] = (float)w[i];
    for (int64_t epoch = 0; epoch < p->epochs; epoch++) {
        sum = 0;
        for (int64_t lo = 0; lo < SAMPLES; lo += update) {
            const int64_t hi = lo + update < SAMPLES ? lo + update : SAMPLES;
            sum += plain_gradient(&net, epoch, lo, hi, w, prepared, dw);
            for (int64_t i = 0; i < net.weights; i++) {
                v[i] = p->momentum * v[i] + dw[i];
                w[i] -= p->rate * v[i];
            }
        }
    }
    ps_net_free(&net);
    free(prepared), free(dw), free(v);
    return sum / SAMPLES;
}

/* Steps of single precision against the plain loop. A gradient of magnitude below 1 comes from sums of some
 * 30 terms, each rounded to 6e-8: it errs by 2e-6 at most. Momentum 0.8 and rate 0.05 make 0.25 times that of
 * a step, and 48 steps of a smooth loss add up: 2.4e-5. */
START_TEST(learns)
{
    struct ps_train_params p = defaults();
    double w[200];
    p.epochs = 12, p.momentum = 0.8, p.rate = 0.05;
    for (p.accumulate = 1; p.accumulate <= 3; p.accumulate++) {
        p.batch = p.accumulate == 2 ? 7 : 16;
        const double loss = plain_loop(&p, w);
        for (int threads = 1; threads <= 2; threads++) {
            struct outcome o = train_with(MPI_COMM_WORLD, threads, &p, true);
            mck_assert(o.status == PS_OK, "%s", ps_err_message());
            mck_assert(o.epochs == 12 && o.steps == 12 * ((SAMPLES + p.batch * p.accumulate - 1) /
                                                          (p.batch * p.accumulate)),
                       "%lld steps", (long long)o.steps);
            mck_assert(fabs(o.loss - loss) < 2.4e-5 && loss < 0.95, "loss %.9g, not %.9g", o.loss, loss);
            double most = 0;
            for (int64_t i = 0; i < o.n; i++) most = fmax(most, fabs(o.w[i] - w[i]));
            mck_assert(most < 2.4e-5, "weights differ by %g", most);
            free(o.w);
        }
    }
}
END_TEST

/* The reference: every rank alone, with one thread. */
static void same_bits(const struct ps_train_params *p, const char *what)
{
    struct outcome want = train_with(MPI_COMM_SELF, 1, p, false);
    mck_assert(want.status == PS_OK, "%s: %s", what, ps_err_message());
    mck_assert(finite_all(&want), "%s: the reference has no numbers", what);
    for (int threads = 1; threads <= 2; threads++) {
        struct outcome o = train_with(MPI_COMM_WORLD, threads, p, false);
        mck_assert(o.status == PS_OK, "%s: %s", what, ps_err_message());
        mck_assert(equal(&o, &want), "%s, %d threads: loss %.17g, not %.17g; %lld steps", what, threads,
                   o.loss, want.loss, (long long)o.steps);
        free(o.w);
    }
    free(want.w);
}

START_TEST(bits)
{
    static const char *const rules[] = {"sgd", "adam", "adamw", "rmsprop", "lars", "lamb"};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct ps_train_params p = defaults();
        snprintf(p.optimizer, sizeof p.optimizer, "%s", rules[i]);
        p.rate = 0.01, p.momentum = 0.5, p.decay = 0.01;
        same_bits(&p, rules[i]);
        p.accumulate = 2, p.batch = 10, p.clip = 0.05, p.nesterov = true; /* 7 batches, the last of 1 */
        snprintf(p.schedule, sizeof p.schedule, "cosine");
        same_bits(&p, rules[i]);
    }
}
END_TEST

/* More grains than threads, than samples of a batch; nodes of one and two ranks on one machine. */
START_TEST(cuts)
{
    struct ps_train_params p = defaults();
    for (int64_t grains = 1; grains <= 11; grains += 5) {
        common.grains = grains;
        p.batch = 5;
        for (p.node_ranks = 0; p.node_ranks <= 2; p.node_ranks++) same_bits(&p, "cuts");
    }
    common.grains = 4;
}
END_TEST

/* A fast sum has other roundings: close, and the same number of steps. */
START_TEST(fast)
{
    struct ps_train_params p = defaults();
    struct outcome want = train_with(MPI_COMM_SELF, 1, &p, false);
    snprintf(p.reduce, sizeof p.reduce, "fast");
    for (p.node_ranks = 0; p.node_ranks <= 1; p.node_ranks++) {
        struct outcome o = train_with(MPI_COMM_WORLD, 2, &p, false);
        mck_assert(o.status == PS_OK && o.steps == want.steps, "%s", ps_err_message());
        double most = 0;
        for (int64_t i = 0; i < o.n; i++) most = fmax(most, fabs(o.w[i] - want.w[i]));
        /* as in `learns`, 12 steps at rate 0.1, and batch norm, which divides by deviations of some 0.1 */
        mck_assert(most < 2e-4, "weights differ by %g", most);
        free(o.w);
    }
    free(want.w);
}
END_TEST

static void remove_files(const char *name)
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

/* The last checkpoint is that of the end: put the one before it in its place. */
static void take_former(void)
{
    char former[PS_STR_MAX + 16];
    MPI_Barrier(MPI_COMM_WORLD);
    snprintf(former, sizeof former, "%s.1", common.checkpoint);
    if (world_rank() == 0) ck_assert(rename(former, common.checkpoint) == 0);
    MPI_Barrier(MPI_COMM_WORLD);
}

/* From each checkpoint of a run on all ranks the first rank goes on alone, and the other way round. */
START_TEST(resume)
{
    struct ps_train_params p = defaults();
    p.accumulate = 2, p.batch = 7; /* 5 updates an epoch */
    snprintf(p.optimizer, sizeof p.optimizer, "adam");
    snprintf(p.schedule, sizeof p.schedule, "polynomial");
    p.rate = 0.01;
    struct outcome want = train_with(MPI_COMM_WORLD, 1, &p, false);
    for (p.every = 8; p.every <= 14; p.every += 3) {
        snprintf(common.checkpoint, sizeof common.checkpoint, "%s", file_name("train.ckpt"));
        struct outcome all = train_with(MPI_COMM_WORLD, 2, &p, false);
        mck_assert(equal(&all, &want), "with checkpoints: %s", ps_err_message());
        take_former();
        common.resume = true;
        struct outcome one = {.status = PS_OK};
        if (world_rank() == 0) one = train_with(MPI_COMM_SELF, 2, &p, false);
        mck_assert(world_rank() > 0 || equal(&one, &want), "resumed alone: %s", ps_err_message());
        if (world_rank() == 0) ck_assert(all.steps == 15 && one.steps == 15);
        take_former(); /* what was written alone has made it the one before again */
        struct outcome two = train_with(MPI_COMM_WORLD, 1, &p, false);
        mck_assert(equal(&two, &want), "resumed by all: %s", ps_err_message());
        free(all.w), free(one.w), free(two.w);
        common.resume = false;
        remove_files(common.checkpoint);
    }
    common.checkpoint[0] = '\0';
    free(want.w);
}
END_TEST

enum { TARGETS = 2 };

/* Nearly linear in the features. */
static double value(int64_t sample, int k)
{
    double y = 0.3 * k - 0.1;
    for (int64_t j = 0; j < FEATURES; j++) y += (0.2 * (double)j - 0.5 + k) * feature(sample, j);
    return (float)(y + 0.1 * sin((double)sample));
}

static enum ps_status load_values(const struct ps_source *s, int64_t i, const struct ps_draw *draw, float *x,
                                  void *target)
{
    (void)s, (void)draw;
    for (int64_t k = 0; k < FEATURES; k++) x[k] = feature(i, k);
    for (int k = 0; k < TARGETS; k++) ((float *)target)[k] = (float)value(i, k);
    return PS_OK;
}

/* Least mean of squared differences by normal equations. @return it */
static double least_squares(void)
{
    enum { N = FEATURES + 1 };
    double sum = 0;
    for (int k = 0; k < TARGETS; k++) {
        double a[N][N + 1] = {{0}}, row[N + 1] = {[FEATURES] = 1};
        for (int64_t i = 0; i < SAMPLES; i++) {
            for (int j = 0; j < FEATURES; j++) row[j] = feature(i, j);
            row[N] = value(i, k);
            for (int r = 0; r < N; r++)
                for (int c = 0; c <= N; c++) a[r][c] += row[r] * row[c];
        }
        for (int p = 0; p < N; p++) /* positive definite: no pivots are needed */
            for (int r = 0; r < N; r++) {
                const double f = a[r][p] / a[p][p];
                for (int c = p; c <= N && r != p; c++) a[r][c] -= f * a[p][c];
            }
        for (int64_t i = 0; i < SAMPLES; i++) {
            double d = a[FEATURES][N] / a[FEATURES][FEATURES] - value(i, k);
            for (int j = 0; j < FEATURES; j++) d += a[j][N] / a[j][j] * feature(i, j);
            sum += d * d;
        }
    }
    return sum / (SAMPLES * TARGETS);
}

static struct outcome fit(MPI_Comm comm, int threads, const struct ps_train_params *p)
{
    static const struct ps_source values = {.n = SAMPLES, .name = "made-up", .load = load_values};
    struct ps_net net;
    ps_net_begin(&net, &ps_nn_cpu, (struct ps_shape){1, 1, FEATURES, false}, PS_INIT_TORCH, 3);
    ps_net_dense(&net, 0, "fit", TARGETS, PS_NN_LINEAR);
    ck_assert(ps_net_end(&net) == PS_OK);
    const struct ps_train_job job = {
        .params = p, .net = &net, .describe = "test", .loss = PS_LOSS_SQUARES, .train = &values};
    const struct outcome o = train_job(comm, threads, &job);
    ps_net_free(&net);
    return o;
}

/* A quadratic function of 14 weights: L-BFGS finds its least value, which no rounding of weights, 1e-7 of 1
 * each, changes by more than some 1e-13; losses are sums of squares in single precision, 1e-6 of them. The
 * bits are those of one thread, and of a run that goes on from a checkpoint. */
START_TEST(full_batch)
{
    struct ps_train_params p = defaults();
    snprintf(p.optimizer, sizeof p.optimizer, "lbfgs");
    p.epochs = 40;
    struct outcome want = fit(MPI_COMM_SELF, 1, &p);
    const double least = least_squares();
    mck_assert(want.status == PS_OK && want.epochs > 3, "%s", ps_err_message());
    mck_assert(fabs(want.loss - least) < 1e-6 * least, "loss %.9g, not %.9g", want.loss, least);
    struct outcome all = fit(MPI_COMM_WORLD, 2, &p);
    mck_assert(equal(&all, &want), "loss %.17g, not %.17g", all.loss, want.loss);
    free(all.w);

    snprintf(common.checkpoint, sizeof common.checkpoint, "%s", file_name("train.ckpt"));
    for (p.every = want.epochs / 2; p.every <= want.epochs / 2 + 1; p.every++) {
        struct ps_train_params half = p;
        half.epochs = p.every;
        struct outcome first = fit(MPI_COMM_WORLD, 1, &half);
        mck_assert(first.status == PS_OK && first.epochs == p.every, "%s", ps_err_message());
        common.resume = true;
        struct outcome rest = {.status = PS_OK};
        if (world_rank() == 0) rest = fit(MPI_COMM_SELF, 2, &p);
        mck_assert(world_rank() > 0 || equal(&rest, &want), "loss %.17g, not %.17g: %s", rest.loss, want.loss,
                   ps_err_message());
        common.resume = false;
        free(first.w), free(rest.w);
        remove_files(common.checkpoint);
    }
    common.checkpoint[0] = '\0';
    free(want.w);
}
END_TEST

/* With next to no minutes between them, a checkpoint follows each step by the first rank's clock. */
START_TEST(by_clock)
{
    struct ps_train_params p = defaults();
    struct outcome want = train_with(MPI_COMM_WORLD, 1, &p, false);
    p.minutes = 1e-9, p.keep = 3;
    snprintf(common.checkpoint, sizeof common.checkpoint, "%s", file_name("train.ckpt"));
    ck_assert(ps_timer_make(ps_now(), &timer) == PS_OK);
    struct outcome o = train_with(MPI_COMM_WORLD, 2, &p, false);
    ps_timer_free(timer);
    timer = NULL;
    mck_assert(equal(&o, &want), "%s", ps_err_message());
    for (int age = 0; age < 4; age++) {
        char path[PS_STR_MAX + 16];
        snprintf(path, sizeof path, age ? "%s.%d" : "%s", common.checkpoint, age);
        mck_assert((access(path, F_OK) == 0) == (age < 3), "checkpoint %d", age);
    }
    remove_files(common.checkpoint);
    common.checkpoint[0] = '\0';
    free(o.w), free(want.w);
}
END_TEST

/* A run that is prolonged is one that was longer from the beginning. */
START_TEST(prolonged)
{
    struct ps_train_params p = defaults(), shorter = defaults();
    shorter.epochs = 2;
    struct outcome want = train_with(MPI_COMM_WORLD, 1, &p, false);
    snprintf(common.checkpoint, sizeof common.checkpoint, "%s", file_name("train.ckpt"));
    struct outcome first = train_with(MPI_COMM_WORLD, 1, &shorter, false);
    common.resume = true;
    struct outcome all = train_with(MPI_COMM_WORLD, 2, &p, false);
    mck_assert(first.epochs == 2 && equal(&all, &want), "%s", ps_err_message());
    struct outcome again = train_with(MPI_COMM_WORLD, 2, &p, false);
    mck_assert(equal(&again, &want), "a finished run, once more: %s", ps_err_message());
    common.resume = false;
    remove_files(common.checkpoint);
    common.checkpoint[0] = '\0';
    free(want.w), free(first.w), free(all.w), free(again.w);
}
END_TEST

/* Another rate is another run. */
START_TEST(other_run)
{
    struct ps_train_params p = defaults();
    p.every = 2;
    snprintf(common.checkpoint, sizeof common.checkpoint, "%s", file_name("train.ckpt"));
    struct outcome o = train_with(MPI_COMM_WORLD, 1, &p, false);
    mck_assert(o.status == PS_OK, "%s", ps_err_message());
    free(o.w);
    common.resume = true;
    p.rate = 0.2;
    mck_assert(train_with(MPI_COMM_WORLD, 1, &p, false).status == PS_EUSAGE &&
                   strstr(ps_err_message(), "rate 0.1") && strstr(ps_err_message(), "rate 0.2"),
               "%s", ps_err_message());
    ps_err_clear();
    p.rate = 0.1, p.momentum = 0.3; /* not in the text, but in its digest */
    mck_assert(train_with(MPI_COMM_WORLD, 1, &p, false).status == PS_EUSAGE, "momentum");
    ps_err_clear();
    common.resume = false;
    remove_files(common.checkpoint);
    common.checkpoint[0] = '\0';
}
END_TEST

START_TEST(diverges)
{
    struct ps_train_params p = defaults();
    p.rate = 3e38;
    mck_assert(train_with(MPI_COMM_WORLD, 2, &p, true).status == PS_EINPUT &&
                   strstr(ps_err_message(), "the loss is not a number in epoch 1, step "),
               "%s", ps_err_message());
    ps_err_clear();
}
END_TEST

START_TEST(broken_sample)
{
    static const int64_t broken = 44;
    struct ps_train_params p = defaults();
    struct ps_net net;
    const struct ps_source bad = {SAMPLES, "made-up", &broken, load_labelled};
    build(&net, &ps_nn_cpu, true, CLASSES);
    const struct ps_train_job job = {
        .params = &p, .net = &net, .describe = "test", .loss = PS_LOSS_SOFTMAX, .train = &bad};
    mck_assert(train_job(MPI_COMM_WORLD, 2, &job).status == PS_EINPUT &&
                   strstr(ps_err_message(), "made-up: sample 44 is broken"),
               "%s", ps_err_message());
    ps_err_clear();
    ps_net_free(&net);
}
END_TEST

/* Figures by the number of the validation: 0.1, 0.5, 0.55, 0.4 ... */
static int validations;
static void told(const double *sum, int64_t n, double *figure)
{
    static const double figures[] = {0.1, 0.5, 0.55, 0.4, 0.3, 0.2};
    (void)sum, (void)n;
    figure[0] = figures[validations++];
}

/* With a least gain of 0.1 the second epoch is the best; its weights are those of two epochs. */
START_TEST(best_and_early)
{
    struct ps_train_params p = defaults(), two = defaults();
    struct ps_net net;
    build(&net, &ps_nn_cpu, false, CLASSES);
    struct ps_train_job job = {.params = &p,
                               .net = &net,
                               .describe = "test",
                               .loss = PS_LOSS_SOFTMAX,
                               .smoothing = 0.1,
                               .train = &source,
                               .valid = &source,
                               .score = {.sums = 1, .add = count_right},
                               .figures = told,
                               .n_figures = 1,
                               .figure_name = names,
                               .larger = true};
    p.epochs = 6, p.patience = 2, p.min_delta = 0.1;
    snprintf(p.best, sizeof p.best, "%s", file_name("best.safetensors"));
    snprintf(p.save, sizeof p.save, "%s", file_name("last.safetensors"));
    validations = 0;
    struct outcome best = train_job(MPI_COMM_WORLD, 2, &job);
    mck_assert(best.status == PS_OK && best.epochs == 4, "%lld epochs: %s", (long long)best.epochs,
               ps_err_message());
    two.epochs = 2;
    struct outcome want = train_with(MPI_COMM_WORLD, 1, &two, false);
    mck_assert(best.figure == 0.5 && memcmp(best.w, want.w, (size_t)want.n * sizeof *want.w) == 0,
               "the best weights are not those of epoch 2: figure %g", best.figure);
    free(best.w);

    struct ps_train_params look = defaults();
    look.eval_only = true;
    memcpy(look.weights, p.best, sizeof look.weights);
    job.params = &look;
    job.figures = share_right;
    struct outcome seen = train_job(MPI_COMM_WORLD, 1, &job);
    mck_assert(seen.status == PS_OK && seen.figure == want.figure &&
                   memcmp(seen.w, want.w, (size_t)want.n * sizeof *want.w) == 0,
               "evaluation of the best file: %g, not %g: %s", seen.figure, want.figure, ps_err_message());
    free(seen.w), free(want.w);

    two.epochs = 4;
    want = train_with(MPI_COMM_WORLD, 1, &two, false);
    memcpy(look.weights, p.save, sizeof look.weights);
    seen = train_job(MPI_COMM_WORLD, 1, &job);
    mck_assert(seen.status == PS_OK && memcmp(seen.w, want.w, (size_t)want.n * sizeof *want.w) == 0,
               "the saved weights are not those of epoch 4");
    free(seen.w), free(want.w);
    remove_files(p.best), remove_files(p.save);
    ps_net_free(&net);
}
END_TEST

START_TEST(misuse)
{
    struct ps_train_params p = defaults();
    p.nesterov = true;
    mck_assert(train_with(MPI_COMM_WORLD, 1, &p, true).status == PS_EUSAGE, "nesterov without momentum");
    ps_err_clear();
    p = defaults(), p.every = 3;
    mck_assert(train_with(MPI_COMM_WORLD, 1, &p, true).status == PS_EUSAGE, "every without checkpoint");
    ps_err_clear();
    p = defaults(), p.eval_only = true;
    mck_assert(train_with(MPI_COMM_WORLD, 1, &p, true).status == PS_EUSAGE, "evaluation without weights");
    ps_err_clear();
}
END_TEST

/* Asked to stop, each attempt goes one step; the first rank alone and all ranks take turns. The last test: a
 * process cannot be asked to forget. */
START_TEST(stops)
{
    struct ps_train_params p = defaults();
    struct outcome o = {.status = PS_STOPPED};
    int attempts = 0;
    p.epochs = 2, p.momentum = 0.9;
    struct outcome want = train_with(MPI_COMM_WORLD, 2, &p, false);
    snprintf(common.checkpoint, sizeof common.checkpoint, "%s", file_name("train.ckpt"));
    common.resume = true;
    ps_stop_watch(true);
    if (world_rank() == 0) raise(SIGUSR1); /* one rank knows; all stop */
    for (; o.status == PS_STOPPED && attempts < 100; attempts++) {
        ps_err_clear();
        free(o.w);
        if (attempts % 2 == 0)
            o = train_with(MPI_COMM_WORLD, 1 + attempts / 2 % 2, &p, false);
        else if (world_rank() == 0)
            o = train_with(MPI_COMM_SELF, 2, &p, false);
        MPI_Bcast(&o.status, sizeof o.status, MPI_BYTE, 0, MPI_COMM_WORLD);
    }
    mck_assert(o.status == PS_OK, "%d attempts: %s", attempts, ps_err_message());
    mck_assert(attempts == want.steps + 1, "%d attempts for %lld steps", attempts, (long long)want.steps);
    mck_assert(world_rank() > 0 || equal(&o, &want), "loss %.17g, not %.17g", o.loss, want.loss);
    remove_files(common.checkpoint);
    free(o.w), free(want.w);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {learns,         bits,     cuts,       fast,     resume,
                                  prolonged,      by_clock, other_run,  diverges, broken_sample,
                                  best_and_early, misuse,   full_batch, stops,    NULL};
    return mck_main(argc, argv, "nn_train", tests);
}
