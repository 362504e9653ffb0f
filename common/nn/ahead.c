#include "common/nn/ahead.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/par/place.h"
#include "common/run/err.h"
#include "kernels/device_picture.h"

enum { NONE = -1, LINE = PS_DEVICE_PICTURE_LINE };

enum state { FREE, QUEUED, BUSY, READY, TAKEN };

/** A sample that is wanted. */
struct slot {
    int64_t sample;
    struct ps_draw draw;
    enum state state;
    enum ps_status status;
    int64_t next; /* slot of the same bucket; of free slots, the next free one; NONE */
};

struct ps_ahead {
    const struct ps_source *inner;
    int64_t input, room, buckets;
    size_t target_bytes;
    char *x;           /* [room][each] inputs, or pictures of them */
    int64_t each;      /* bytes */
    char *target;      /* [room][target_bytes] */
    struct slot *slot; /* [room] */
    int64_t *bucket;   /* [buckets] first slot, NONE */
    int64_t free;      /* first free slot, NONE */
    int64_t *queue;    /* [room] ring of slots in the order in which they are wanted; NONE: not any more */
    int64_t first, queued;
    pthread_mutex_t lock; /* of all but x and target */
    pthread_cond_t work, done;
    pthread_t *thread;
    int threads;
    struct ps_cores cores; /* that threads run on */
    bool end;
    struct ps_ahead_count count;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int64_t bucket_of(const struct ps_ahead *a, int64_t sample, int64_t epoch)
{
    const uint64_t mixed = ((uint64_t)sample + (uint64_t)epoch * 0x9E3779B97F4A7C15U) * 0xD6E8FEB86659FD93U;
    return (int64_t)(mixed >> 32) % a->buckets;
}

static bool is_it(const struct slot *s, int64_t sample, const struct ps_draw *d)
{
    return s->sample == sample && s->draw.epoch == d->epoch && s->draw.seed == d->seed &&
           s->draw.training == d->training && s->draw.picture == d->picture;
}

/* The slot of a sample, under lock. */
static int64_t find(const struct ps_ahead *a, int64_t sample, const struct ps_draw *d)
{
    int64_t s = a->bucket[bucket_of(a, sample, d->epoch)];
    while (s != NONE && !is_it(&a->slot[s], sample, d)) s = a->slot[s].next;
    return s;
}

/* No longer in its bucket, and free. Under lock. */
static void release(struct ps_ahead *a, int64_t s)
{
    struct slot *slot = &a->slot[s];
    int64_t *at = &a->bucket[bucket_of(a, slot->sample, slot->draw.epoch)];
    while (*at != s) at = &a->slot[*at].next;
    *at = slot->next;
    slot->state = FREE;
    slot->next = a->free;
    a->free = s;
}

/* The next sample to prepare, under lock; NONE at the end. */
static int64_t next_work(struct ps_ahead *a)
{
    for (;;) {
        while (a->queued == 0 && !a->end) pthread_cond_wait(&a->work, &a->lock);
        if (a->end) return NONE;
        const int64_t s = a->queue[a->first];
        a->first = (a->first + 1) % a->room;
        a->queued--;
        if (s != NONE) return s;
    }
}

static void *prepare(void *context)
{
    struct ps_ahead *a = context;
    ps_place_thread(&a->cores);
    pthread_mutex_lock(&a->lock);
    for (int64_t s = next_work(a); s != NONE; s = next_work(a)) {
        struct slot *slot = &a->slot[s];
        slot->state = BUSY;
        pthread_mutex_unlock(&a->lock);
        const enum ps_status rc =
            a->inner->load(a->inner, slot->sample, &slot->draw, (float *)(a->x + s * a->each),
                           a->target + (size_t)s * a->target_bytes);
        pthread_mutex_lock(&a->lock);
        slot->status = rc;
        slot->state = READY;
        pthread_cond_broadcast(&a->done);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* A sample that is queued will be made by who wants it now. Under lock. */
static void withdraw(struct ps_ahead *a, int64_t s)
{
    for (int64_t k = 0; k < a->queued; k++) {
        int64_t *at = &a->queue[(a->first + k) % a->room];
        if (*at == s) {
            *at = NONE;
            break;
        }
    }
    release(a, s);
}

/* Made by who wants it, now. */
static enum ps_status load_own(struct ps_ahead *a, int64_t i, const struct ps_draw *draw, float *x,
                               void *target)
{
    const double start = now();
    const enum ps_status rc = a->inner->load(a->inner, i, draw, x, target);
    pthread_mutex_lock(&a->lock);
    a->count.own++;
    a->count.seconds += now() - start;
    pthread_mutex_unlock(&a->lock);
    return rc;
}

static enum ps_status load(const struct ps_source *outer, int64_t i, const struct ps_draw *draw, float *x,
                           void *target)
{
    struct ps_ahead *a = (struct ps_ahead *)(uintptr_t)outer->data;
    pthread_mutex_lock(&a->lock);
    const int64_t s = a->threads > 0 ? find(a, i, draw) : NONE;
    if (s != NONE && a->slot[s].state == QUEUED) withdraw(a, s);
    if (s == NONE || a->slot[s].state == FREE || a->slot[s].state == TAKEN) {
        pthread_mutex_unlock(&a->lock);
        return load_own(a, i, draw, x, target);
    }
    const double start = now();
    const bool late = a->slot[s].state == BUSY;
    while (a->slot[s].state == BUSY) pthread_cond_wait(&a->done, &a->lock);
    if (a->slot[s].status != PS_OK) { /* its message may be forgotten by now: it fails again */
        release(a, s);
        pthread_mutex_unlock(&a->lock);
        return load_own(a, i, draw, x, target);
    }
    if (late)
        a->count.late++, a->count.seconds += now() - start;
    else
        a->count.ready++;
    a->slot[s].state = TAKEN;
    pthread_mutex_unlock(&a->lock);
    const void *from = a->x + s * a->each;
    const struct ps_device_picture *picture = from;
    memcpy(x, from, draw->picture ? (size_t)picture->bytes : (size_t)a->input * sizeof *x);
    memcpy(target, a->target + (size_t)s * a->target_bytes, a->target_bytes);
    pthread_mutex_lock(&a->lock);
    release(a, s);
    pthread_mutex_unlock(&a->lock);
    return PS_OK;
}

static void ahead(const struct ps_source *outer, const int64_t *sample, int64_t n, const struct ps_draw *draw)
{
    struct ps_ahead *a = (struct ps_ahead *)(uintptr_t)outer->data;
    bool any = false;
    pthread_mutex_lock(&a->lock);
    /* withdrawn samples leave gaps in the ring, which has room for as many as there are slots */
    for (int64_t i = 0; i < n && a->free != NONE && a->queued < a->room; i++) {
        if (find(a, sample[i], draw) != NONE) continue;
        const int64_t s = a->free, b = bucket_of(a, sample[i], draw->epoch);
        a->free = a->slot[s].next;
        a->slot[s] = (struct slot){.sample = sample[i], .draw = *draw, .state = QUEUED, .next = a->bucket[b]};
        a->bucket[b] = s;
        a->queue[(a->first + a->queued++) % a->room] = s;
        any = true;
    }
    if (any) pthread_cond_broadcast(&a->work);
    pthread_mutex_unlock(&a->lock);
}

/* Signals that ask for a stop are for the threads that compute. */
static enum ps_status start(struct ps_ahead *a, int threads)
{
    sigset_t all, before;
    a->cores = ps_place_cores();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (a->threads < threads && pthread_create(&a->thread[a->threads], NULL, prepare, a) == 0)
        a->threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    PS_CHECK(a->threads == threads, PS_ENOMEM, "only %d of %d loader threads could be started", a->threads,
             threads);
    return PS_OK;
}

enum ps_status ps_ahead_open(const struct ps_source *inner, int64_t input, size_t target_bytes, int threads,
                             int64_t room, struct ps_ahead **out, struct ps_source *outer)
{
    struct ps_ahead *a;
    if (threads == 0 || room < 1) room = 1;
    *out = NULL;
    PS_TRY(ps_zalloc(&a, 1, sizeof *a, "loader threads"));
    a->inner = inner;
    a->input = input, a->target_bytes = target_bytes;
    a->each = input * (int64_t)sizeof(float);
    if (a->each < inner->picture) a->each = inner->picture;
    a->each = (a->each + LINE - 1) / LINE * LINE;
    a->room = room, a->buckets = 2 * room;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->work, NULL);
    pthread_cond_init(&a->done, NULL);
    enum ps_status rc = ps_alloc(&a->slot, room, sizeof *a->slot, "samples that are prepared");
    if (rc == PS_OK) rc = ps_alloc(&a->bucket, a->buckets, sizeof *a->bucket, "samples that are prepared");
    if (rc == PS_OK) rc = ps_alloc(&a->queue, room, sizeof *a->queue, "samples that are prepared");
    if (rc == PS_OK && threads > 0)
        rc = ps_alloc(&a->x, room, (size_t)a->each, "samples that are prepared (fewer by --prefetch)");
    if (rc == PS_OK) rc = ps_alloc(&a->target, room, target_bytes, "samples that are prepared");
    if (rc == PS_OK) rc = ps_alloc(&a->thread, threads, sizeof *a->thread, "loader threads");
    for (int64_t s = 0; rc == PS_OK && s < room; s++)
        a->slot[s] = (struct slot){.state = FREE, .next = s + 1 < room ? s + 1 : NONE};
    for (int64_t b = 0; rc == PS_OK && b < a->buckets; b++) a->bucket[b] = NONE;
    if (rc == PS_OK) rc = start(a, threads);
    *outer = *inner;
    outer->data = a;
    outer->load = load;
    outer->ahead = threads > 0 ? ahead : NULL;
    if (rc != PS_OK) ps_ahead_close(a);
    if (rc == PS_OK) *out = a;
    return rc;
}

struct ps_ahead_count ps_ahead_take(struct ps_ahead *a)
{
    pthread_mutex_lock(&a->lock);
    const struct ps_ahead_count count = a->count;
    a->count = (struct ps_ahead_count){.ready = 0};
    pthread_mutex_unlock(&a->lock);
    return count;
}

void ps_ahead_close(struct ps_ahead *a)
{
    if (!a) return;
    pthread_mutex_lock(&a->lock);
    a->end = true;
    pthread_cond_broadcast(&a->work);
    pthread_mutex_unlock(&a->lock);
    for (int t = 0; t < a->threads; t++) pthread_join(a->thread[t], NULL);
    pthread_cond_destroy(&a->work);
    pthread_cond_destroy(&a->done);
    pthread_mutex_destroy(&a->lock);
    free(a->x);
    free(a->target);
    free(a->slot);
    free(a->bucket);
    free(a->queue);
    free(a->thread);
    free(a);
}
