/* ranks: 1 2 3 4 */
#include "trainrun.h"
#include <math.h>
#include "common/nn/order.h"

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
    const struct ps_source bad = {.n = SAMPLES, .name = "made-up", .data = &broken, .load = load_labelled};
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
    struct ps_train_job job = job_of(&p, &net);
    job.figures = told;
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

int main(int argc, char **argv)
{
    const TTest *const tests[] = {learns,        bits,           cuts,   fast, diverges,
                                  broken_sample, best_and_early, misuse, NULL};
    return mck_main(argc, argv, "nn_train", tests);
}
