/* ranks: 1 2 3 4 */
#include "trainrun.h"
#include <math.h>

/* Streams in pieces of WINDOW steps. The first step of every EVERY-th piece, of the first one and of the one
 * behind a gap is a sign, all others are zero; the target of each piece is the last sign, which most pieces
 * do not have themselves. Stream GAP_STREAM has a gap before piece GAP_PIECE. */
enum { STREAMS = 10, PIECES = 24, WINDOW = 3, EVERY = 4, GAP_STREAM = 4, GAP_PIECE = 10, HIDDEN = 16 };

static bool has_sign(int64_t stream, int64_t piece)
{
    return (piece + stream) % EVERY == 0 || piece == 0 || (stream == GAP_STREAM && piece == GAP_PIECE);
}

static float sign(int64_t stream, int64_t piece)
{
    return ps_rng_uniform((struct ps_rng){21, (uint32_t)stream}, piece, 0) < 0.5 ? -1 : 1;
}

static bool there(int64_t stream, int64_t piece, int64_t back)
{
    return piece >= back && !(stream == GAP_STREAM && piece >= GAP_PIECE && piece - back < GAP_PIECE);
}

static void window(int64_t stream, int64_t piece, float *x)
{
    x[0] = has_sign(stream, piece) ? sign(stream, piece) : 0;
    for (int64_t k = 1; k < WINDOW; k++) x[k] = 0;
}

static enum ps_status load(const struct ps_source *s, int64_t i, const struct ps_draw *draw, float *x,
                           void *target)
{
    const int64_t stream = i % STREAMS, piece = i / STREAMS;
    (void)s, (void)draw;
    window(stream, piece, x);
    int64_t last = piece;
    while (!has_sign(stream, last)) last--;
    *(float *)target = sign(stream, last);
    return PS_OK;
}

static bool before(const struct ps_source *s, int64_t i, int64_t back, float *x)
{
    const int64_t stream = i % STREAMS, piece = i / STREAMS;
    (void)s;
    if (!there(stream, piece, back)) return false;
    if (x) window(stream, piece - back, x);
    return true;
}

static const struct ps_source carried_source = {.n = STREAMS * PIECES,
                                                .name = "signs",
                                                .load = load,
                                                .streams = STREAMS,
                                                .run_up = EVERY - 1,
                                                .before = before};
static const struct ps_source reset_source = {.n = STREAMS * PIECES, .name = "signs", .load = load};

static void build_series(struct ps_net *net, const struct ps_nn_kernels *k, int layers)
{
    int a = 0;
    ps_net_begin(net, k, (struct ps_shape){WINDOW, 1, 1, true}, PS_INIT_TORCH, (uint64_t)common.seed);
    for (int layer = 0; layer < layers; layer++) a = ps_net_lstm(net, a, "lstm", layer, HIDDEN);
    a = ps_net_last_step(net, a);
    ps_net_dense(net, a, "head", 1, PS_NN_LINEAR);
    ck_assert_msg(ps_net_end(net) == PS_OK, "%s", ps_err_message());
    ck_assert(net->states == layers * 2 * HIDDEN);
}

static void add_squares(void *context, const struct ps_net_work *work, const struct ps_net_batch *batch,
                        const void *target, double *sum)
{
    const float *y = work->y[work->net->nodes - 1], *truth = target;
    (void)context;
    for (int64_t i = 0; i < batch->n; i++) sum[0] += ((double)y[i] - truth[i]) * ((double)y[i] - truth[i]);
}

static struct outcome train_series(MPI_Comm comm, int threads, const struct ps_train_params *p,
                                   const struct ps_source *s, int layers)
{
    struct ps_net net;
    build_series(&net, &ps_nn_cpu, layers);
    const struct ps_train_job job = {.params = p,
                                     .net = &net,
                                     .describe = "test",
                                     .loss = PS_LOSS_SQUARES,
                                     .train = s,
                                     .valid = s,
                                     .score = {.sums = 1, .add = add_squares},
                                     .figures = share_right, /* the mean */
                                     .n_figures = 1,
                                     .figure_name = names};
    const struct outcome o = train_job(comm, threads, &job);
    ps_net_free(&net);
    return o;
}

static struct ps_train_params series_params(void)
{
    struct ps_train_params p = defaults();
    p.batch = STREAMS, p.rate = 0.01;
    snprintf(p.optimizer, sizeof p.optimizer, "adam");
    return p;
}

/* Of EVERY pieces one has the sign: who knows no other is off by 1 - 1 / EVERY in the mean square, less what
 * 240 samples can be learnt by heart. */
START_TEST(learns)
{
    struct ps_train_params p = series_params();
    p.epochs = 40;
    struct outcome carried = train_series(MPI_COMM_WORLD, 1, &p, &carried_source, 1);
    struct outcome reset = train_series(MPI_COMM_WORLD, 1, &p, &reset_source, 1);
    mck_assert(carried.status == PS_OK && reset.status == PS_OK, "%s", ps_err_message());
    mck_assert(carried.loss < 0.1 && carried.figure < 0.1, "carried: loss %g, validation %g", carried.loss,
               carried.figure);
    mck_assert(reset.loss > 0.5 && reset.figure > 0.5, "reset: loss %g, validation %g", reset.loss,
               reset.figure);
    free(carried.w), free(reset.w);
}
END_TEST

/* SGD as a plain loop in double precision, all streams in one batch. @param w in, out: all weights */
static void plain_loop(const struct ps_train_params *p, double *w)
{
    enum { STATES = 2 * 2 * HIDDEN * STREAMS };
    struct ps_net net;
    struct ps_net_work work;
    double x[STREAMS * WINDOW], target[STREAMS], state[STATES], next[STATES];
    build_series(&net, &ps_nn_ref64, 2);
    double *prepared = calloc((size_t)net.prepared + 1, sizeof *prepared);
    double *dw = calloc((size_t)net.weights, sizeof *dw);
    const struct ps_net_batch batch = {.n = STREAMS, .x = x, .training = true, .state = state, .next = next};
    ck_assert(ps_net_work_make(&net, STREAMS, true, &work) == PS_OK);
    ps_net_init(&net, w);
    for (int64_t i = 0; i < net.weights; i++) w[i] = (float)w[i];
    for (int64_t step = 0; step < p->epochs * PIECES; step++) {
        const int64_t piece = step % PIECES;
        for (int64_t stream = 0; stream < STREAMS; stream++) {
            float in[WINDOW], out;
            load(NULL, piece * STREAMS + stream, NULL, in, &out);
            for (int k = 0; k < WINDOW; k++) x[stream * WINDOW + k] = in[k];
            target[stream] = out;
            if (!there(stream, piece, 1)) ps_net_forget(&net, STREAMS, stream, state);
        }
        ps_net_prepare(&net, w, prepared, 0, 1);
        const double *y = ps_net_forward(&work, &batch, w, prepared);
        net.kernels->square_loss(STREAMS, y, target, 1.0 / STREAMS, ps_net_output_gradient(&work));
        ps_net_backward(&work, &batch, w, prepared, &(struct ps_net_gradient){.dw = dw});
        for (int64_t i = 0; i < net.weights; i++) w[i] -= p->rate * dw[i];
        memcpy(state, next, sizeof state);
    }
    ps_net_work_free(&work);
    ps_net_free(&net);
    free(prepared), free(dw);
}

/* Single precision against the plain loop. A gradient of magnitude below 1 comes from sums of some 30 terms,
 * each rounded to 6e-8, and errs by 2e-6 at most: 72 steps at rate 0.1 add up to 1.4e-5. */
START_TEST(steps)
{
    struct ps_train_params p = defaults();
    double w[8000], most = 0;
    p.batch = STREAMS;
    struct outcome o = train_series(MPI_COMM_WORLD, 2, &p, &carried_source, 2);
    mck_assert(o.status == PS_OK && o.n < 8000, "%s", ps_err_message());
    plain_loop(&p, w);
    for (int64_t i = 0; i < o.n; i++) most = fmax(most, fabs(o.w[i] - w[i]));
    mck_assert(most < 1.4e-5, "weights differ by %g", most);
    free(o.w);
}
END_TEST

/* The same bits on all ranks as on each alone, with more threads and batches that are accumulated. */
START_TEST(bits)
{
    struct ps_train_params p = series_params();
    for (p.accumulate = 1; p.accumulate <= 3; p.accumulate += 2)
        for (common.grains = 1; common.grains <= 13; common.grains += 6) {
            struct outcome want = train_series(MPI_COMM_SELF, 1, &p, &carried_source, 2);
            mck_assert(want.status == PS_OK, "%s", ps_err_message());
            for (int threads = 1; threads <= 2; threads++) {
                struct outcome o = train_series(MPI_COMM_WORLD, threads, &p, &carried_source, 2);
                mck_assert(equal(&o, &want), "%lld grains, %d threads: loss %.17g, not %.17g",
                           (long long)common.grains, threads, o.loss, want.loss);
                free(o.w);
            }
            free(want.w);
        }
    common.grains = 4;
}
END_TEST

/* From a checkpoint within the last epoch, after 7 or 17 of its 24 updates, written by all ranks, one goes on
 * alone, and then all. */
START_TEST(resume)
{
    struct ps_train_params p = series_params();
    struct outcome want = train_series(MPI_COMM_WORLD, 1, &p, &carried_source, 2);
    for (p.every = 55; p.every <= 65; p.every += 10) {
        snprintf(common.checkpoint, sizeof common.checkpoint, "%s", file_name("carried.ckpt"));
        struct outcome all = train_series(MPI_COMM_WORLD, 2, &p, &carried_source, 2), one = want;
        mck_assert(equal(&all, &want) && want.steps == 72, "with checkpoints: %s", ps_err_message());
        take_former();
        common.resume = true;
        if (world_rank() == 0) one = train_series(MPI_COMM_SELF, 2, &p, &carried_source, 2);
        mck_assert(equal(&one, &want), "resumed alone: %s", ps_err_message());
        take_former(); /* what was written alone has made it the one before again */
        struct outcome two = train_series(MPI_COMM_WORLD, 1, &p, &carried_source, 2);
        mck_assert(equal(&two, &want), "resumed by all: %s", ps_err_message());
        free(all.w), free(two.w);
        if (world_rank() == 0) free(one.w);
        common.resume = false;
        remove_files(common.checkpoint);
    }
    common.checkpoint[0] = '\0';
    free(want.w);
}
END_TEST

/* L-BFGS wants a gradient that ends nowhere. */
START_TEST(refused)
{
    struct ps_train_params p = series_params();
    snprintf(p.optimizer, sizeof p.optimizer, "lbfgs");
    mck_assert(train_series(MPI_COMM_WORLD, 1, &p, &carried_source, 1).status == PS_EUSAGE &&
                   strstr(ps_err_message(), "exact gradients"),
               "%s", ps_err_message());
    ps_err_clear();
}
END_TEST

/* Samples [0, n) through the net with states of one layer after the other, by hand. */
static double plain_squares(const struct ps_net *net, const float *w, const float *prepared, int64_t run_up)
{
    struct ps_net_work work;
    float x[WINDOW], target, state[2 * 2 * HIDDEN];
    double sum = 0;
    mck_assert(ps_net_work_make(net, 1, false, &work) == PS_OK, "memory");
    for (int64_t i = 0; i < carried_source.n; i++) {
        const struct ps_net_batch batch = {.n = 1, .x = x, .sample = &i, .state = state, .next = state};
        memset(state, 0, sizeof state);
        for (int64_t back = run_up; back > 0; back--)
            if (before(&carried_source, i, back, x)) ps_net_forward(&work, &batch, w, prepared);
        ck_assert(load(&carried_source, i, NULL, x, &target) == PS_OK);
        const double d = (double)*(const float *)ps_net_forward(&work, &batch, w, prepared) - target;
        sum += d * d;
    }
    ps_net_work_free(&work);
    return sum;
}

/* Chunks with the run-ups of all their samples at once, against one sample after the other: sums of 240
 * squares below 10 in double precision, of outputs with the same bits. */
START_TEST(evaluation)
{
    const struct ps_run run = run_on(MPI_COMM_WORLD, 2);
    const struct ps_score score = {.sums = 1, .add = add_squares};
    struct ps_net net;
    build_series(&net, &ps_nn_cpu, 2);
    float *w = calloc((size_t)net.weights, sizeof *w);
    float *prepared = aligned_alloc(64, ((size_t)net.prepared * sizeof *prepared + 127) / 64 * 64);
    double last = 0;
    ps_net_init(&net, w);
    ps_net_prepare(&net, w, prepared, 0, 1);
    for (int64_t run_up = 0; run_up <= 12; run_up += 4) {
        struct ps_source s = carried_source;
        double sum;
        s.run_up = run_up;
        struct ps_run r = run;
        mck_assert(ps_evaluate(&r, &net, &s, 7, PS_TARGET_VALUES, w, prepared, &score, &sum) == PS_OK, "%s",
                   ps_err_message());
        const double want = plain_squares(&net, w, prepared, run_up);
        mck_assert(fabs(sum - want) < 1e-11, "run-up %lld: %.17g, not %.17g", (long long)run_up, sum, want);
        mck_assert(sum != last, "run-up %lld changes nothing", (long long)run_up);
        last = sum;
    }
    ps_net_free(&net);
    free(w), free(prepared);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {learns, steps, bits, resume, refused, evaluation, NULL};
    return mck_main(argc, argv, "nn_carried", tests);
}
