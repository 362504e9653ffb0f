#include "common/nn/evaluate.h"
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include "common/nn/micro.h"
#include "common/nn/net_device.h"
#include "common/nn/pictures.h"
#include "common/par/exactsum.h"

/** What all threads are told. */
struct task {
    const struct ps_net *net;
    const struct ps_source *source;
    enum ps_target target;
    const float *w, *prepared;
    const struct ps_score *score;
    int64_t chunk;
    int loaders;   /* threads that load a chunk together */
    bool pictures; /* are loaded, of which a device makes inputs */
};

/** What a thread, and in the end the rank, has added up. */
struct tally {
    struct ps_exact *sum; /* [sums] */
    int *wrong;           /* [sums] was a chunk's not finite? */
    enum ps_status status;
};

static enum ps_status make_tally(int sums, struct tally *out)
{
    PS_TRY(ps_zalloc(&out->sum, sums, sizeof *out->sum, "exact sums"));
    return ps_zalloc(&out->wrong, sums, sizeof *out->wrong, "exact sums");
}

static void free_tally(struct tally *t)
{
    free(t->sum);
    free(t->wrong);
}

enum { TURNS = PS_NET_TURNS };

/** What a thread works with. */
struct room {
    struct ps_micro micro[TURNS]; /* the first has the work; the others are there where chunks overlap */
    struct ps_pictures pictures[TURNS];
    struct ps_net_batch batch[TURNS]; /* samples of each */
    int turns;
    double *sum;  /* [sums] of a chunk */
    float *state; /* [chunk][states of the net]; NULL: samples begin without one */
};

static enum ps_status make_room(const struct task *k, struct room *out)
{
    out->turns = k->net->kernels->device && k->source->run_up == 0 ? TURNS : 1;
    for (int t = 0; t < out->turns; t++) {
        PS_TRY(ps_micro_make_samples(k->net, k->chunk, k->target, !k->pictures, &out->micro[t]));
        if (k->pictures) PS_TRY(ps_pictures_make(k->net, k->source, k->chunk, k->loaders, &out->pictures[t]));
    }
    PS_TRY(ps_net_work_make(k->net, k->chunk, false, &out->micro[0].work));
    PS_TRY(ps_alloc(&out->sum, k->score->sums, sizeof *out->sum, "the sums of a chunk"));
    if (k->source->run_up == 0) return PS_OK;
    return ps_alloc(&out->state, k->chunk * k->net->states, sizeof *out->state, "the states of a chunk");
}

static void free_room(struct room *r)
{
    for (int t = 0; t < TURNS; t++) {
        ps_micro_free(&r->micro[t]);
        ps_pictures_free(&r->pictures[t]);
    }
    free(r->sum);
    free(r->state);
}

/* The state with which samples [lo, hi) begin: zero, then that of the pieces before them. Where there is no
 * such piece it stays zero. */
static void run_up(const struct task *k, struct room *r, struct ps_micro *m, int64_t lo, int64_t hi)
{
    const struct ps_source *s = k->source;
    const int64_t n = hi - lo, input = m->input;
    const struct ps_net_batch batch = {
        .n = n, .x = m->x, .sample = m->sample, .state = r->state, .next = r->state};
    memset(r->state, 0, (size_t)(n * k->net->states) * sizeof *r->state);
    for (int64_t back = s->run_up; back > 0; back--) {
        bool any = false;
        for (int64_t i = 0; i < n; i++) {
            float *x = m->x + i * input;
            if (s->before(s, lo + i, back, x))
                any = true;
            else
                memset(x, 0, (size_t)input * sizeof *x);
        }
        if (!any) continue;
        ps_net_forward(&r->micro[0].work, &batch, k->w, k->prepared);
        for (int64_t i = 0; i < n; i++)
            if (!s->before(s, lo + i, back, NULL)) ps_net_forget(k->net, n, i, r->state);
    }
}

static enum ps_status load_one(const struct task *k, struct room *r, int turn, int64_t i)
{
    struct ps_micro *m = &r->micro[turn];
    const struct ps_draw draw = {.training = false, .picture = k->pictures};
    if (!k->pictures) return ps_micro_load_one(m, k->source, &draw, i);
    return ps_pictures_load(&r->pictures[turn], omp_get_thread_num(), k->source, &draw, m->sample[i], i,
                            ps_micro_target(m, i));
}

/* A chunk's n samples. */
static enum ps_status load(const struct task *k, struct room *r, int turn, int64_t n)
{
    int failed = PS_OK;
    ps_pictures_begin(&r->pictures[turn]);
    if (k->loaders == 1) {
        for (int64_t i = 0; i < n; i++) PS_TRY(load_one(k, r, turn, i));
        return PS_OK;
    }
#pragma omp parallel for num_threads(k->loaders) schedule(dynamic) reduction(max : failed)
    for (int64_t i = 0; i < n; i++) {
        const int rc = (int)load_one(k, r, turn, i);
        if (rc > failed) failed = rc;
    }
    return (enum ps_status)failed;
}

/* Load samples [lo, hi), a chunk, and send them through the net. */
static enum ps_status begin_chunk(const struct task *k, struct room *r, int turn, int64_t lo, int64_t hi)
{
    struct ps_micro *m = &r->micro[turn];
    for (int64_t i = lo; i < hi; i++) m->sample[i - lo] = i;
    if (r->state) run_up(k, r, m, lo, hi);
    PS_TRY(load(k, r, turn, hi - lo));
    r->batch[turn] = (struct ps_net_batch){.n = hi - lo,
                                           .x = m->x,
                                           .pictures = k->pictures ? &r->pictures[turn] : NULL,
                                           .sample = m->sample,
                                           .state = r->state};
    ps_net_forward_begin(&r->micro[0].work, &r->batch[turn], k->w, k->prepared, turn);
    return PS_OK;
}

static void end_chunk(const struct task *k, struct room *r, int turn, struct tally *tally)
{
    ps_net_forward_end(&r->micro[0].work, turn);
    memset(r->sum, 0, (size_t)k->score->sums * sizeof *r->sum);
    k->score->add(k->score->context, &r->micro[0].work, &r->batch[turn], r->micro[turn].target, r->sum);
    for (int s = 0; s < k->score->sums; s++) {
        if (isfinite(r->sum[s]))
            ps_exact_add(&tally->sum[s], r->sum[s]);
        else
            tally->wrong[s] = 1;
    }
}

/* A thread's samples, whole chunks. While a device goes through a chunk the one before is judged, and the
 * next loaded, unless there are pieces before samples. */
static enum ps_status add_chunks(const struct task *k, struct ps_range mine, struct tally *tally)
{
    const int64_t chunks = (mine.hi - mine.lo + k->chunk - 1) / k->chunk;
    struct room r = {.sum = NULL};
    enum ps_status rc = make_room(k, &r);
    if (rc == PS_OK) rc = make_tally(k->score->sums, tally);
    const int ahead = r.turns - 1;
    for (int64_t i = 0; i < chunks + ahead && rc == PS_OK; i++) {
        const int64_t lo = mine.lo + i * k->chunk;
        if (i < chunks)
            rc =
                begin_chunk(k, &r, (int)(i % r.turns), lo, lo + k->chunk < mine.hi ? lo + k->chunk : mine.hi);
        if (i >= ahead && rc == PS_OK) end_chunk(k, &r, (int)((i - ahead) % r.turns), tally);
    }
    free_room(&r);
    return rc;
}

/* Chunks of part `part` of `parts` of the samples [lo, hi), which begin with a chunk. */
static struct ps_range cut(struct ps_range all, int64_t chunk, int64_t parts, int64_t part)
{
    const int64_t n = all.hi - all.lo;
    const struct ps_range r = ps_block((n + chunk - 1) / chunk, parts, part);
    return (struct ps_range){all.lo + (r.lo * chunk < n ? r.lo * chunk : n),
                             all.lo + (r.hi * chunk < n ? r.hi * chunk : n)};
}

struct ps_range ps_evaluate_mine(const struct ps_run *run, int64_t n, int64_t chunk)
{
    return cut((struct ps_range){0, n}, chunk, run->size, run->rank);
}

/* The first failure of a thread, or the sums of all threads in the first one's. */
static enum ps_status gather(struct tally *thread, int threads, int sums)
{
    for (int t = 0; t < threads; t++) PS_TRY(thread[t].status);
    for (int t = 1; t < threads; t++)
        for (int s = 0; s < sums; s++) {
            thread[0].wrong[s] |= thread[t].wrong[s];
            for (int i = 0; i < PS_EXACT_LIMBS; i++) thread[0].sum[s].limb[i] += thread[t].sum[s].limb[i];
        }
    return PS_OK;
}

enum ps_status ps_evaluate(struct ps_run *run, const struct ps_net *net, const struct ps_source *source,
                           int64_t chunk, enum ps_target target, const float *w, const float *prepared,
                           const struct ps_score *score, double *sum)
{
    const int threads = ps_net_callers(net, run->threads);
    const struct task k = {.net = net,
                           .source = source,
                           .target = target,
                           .w = w,
                           .prepared = prepared,
                           .score = score,
                           .chunk = chunk,
                           .loaders = run->threads / threads,
                           .pictures =
                               net->kernels->device && source->picture > 0 && target != PS_TARGET_INPUT};
    const struct ps_range mine = ps_evaluate_mine(run, source->n, chunk);
    struct tally *thread = NULL;
    PS_CHECK(score->sums <= PS_SUMS_MAX, PS_EINTERNAL, "%d sums over samples, of at most %d", score->sums,
             PS_SUMS_MAX);
    enum ps_status rc = ps_zalloc(&thread, threads, sizeof *thread, "the sums of threads");
    if (rc == PS_OK) {
#pragma omp parallel for num_threads(threads) schedule(static, 1)
        for (int t = 0; t < threads; t++)
            thread[t].status = add_chunks(&k, cut(mine, chunk, threads, t), &thread[t]);
        rc = gather(thread, threads, score->sums);
    }
    if (rc == PS_OK) rc = ps_net_check(net);
    PS_TRY_DONE(ps_agree(run->comm, rc)); /* before the ranks' sums are added */
    PS_TRY_DONE(ps_exact_reduce(run->comm, thread[0].sum, score->sums));
    MPI_Allreduce(MPI_IN_PLACE, thread[0].wrong, score->sums, MPI_INT, MPI_MAX, run->comm);
    for (int s = 0; s < score->sums; s++)
        sum[s] = thread[0].wrong[s] ? NAN : ps_exact_value(&thread[0].sum[s]);
done:
    for (int t = 0; thread && t < threads; t++) free_tally(&thread[t]);
    free(thread);
    return rc;
}
