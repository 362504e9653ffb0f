/* What is said of images: how many there are, and which are broken and were replaced by others. */
#include <stdlib.h>
#include "apps/resnet50/image_store.h"
#include "common/run/err.h"
#include "common/run/log.h"
#include "common/run/record.h"

enum { BITS = 64, NAMED = 100 /* images; of more, the number is told */ };

static int64_t words_of(const struct image_held *h)
{
    return (h->list.head.n + BITS - 1) / BITS;
}

enum ps_status image_broken_room(struct image_store *s)
{
    for (int k = 0; k < IMAGE_SOURCES; k++)
        if (s->opened[k])
            PS_TRY(ps_zalloc(&s->broken[k], words_of(&s->held[k]), sizeof **s->broken, "broken images"));
    return PS_OK;
}

void image_broken_note(const struct image_part *p, int64_t image)
{
    uint64_t *bits = p->store->broken[p->held - p->store->held];
    __atomic_fetch_or(&bits[image / BITS], (uint64_t)1 << image % BITS, __ATOMIC_RELAXED);
}

/* Those that any rank met. Collective. */
static void join(MPI_Comm comm, uint64_t *bits, int64_t words)
{
    enum { CALL = 1 << 24 };
    for (int64_t at = 0; at < words; at += CALL)
        MPI_Allreduce(MPI_IN_PLACE, bits + at, (int)(words - at < CALL ? words - at : CALL), MPI_UINT64_T,
                      MPI_BOR, comm);
}

/* Rank 0 makes the sample again, as another rank may have met it. @param x [input of the net] */
static void name_one(struct ps_run *run, struct image_store *s, int k, int64_t i, float *x)
{
    const struct ps_draw draw = {.seed = 0};
    char why[PS_PICTURE_WHY] = "cannot be decoded";
    if (x) image_sample(&s->maker, &s->held[k], i, &draw, x, why);
    ps_warn(run, "%s: %s", ps_images_name(&s->held[k].list, i), why);
}

int64_t image_data_tell_broken(struct ps_run *run, const struct image_data *d)
{
    struct image_store *s = d->store;
    int64_t broken = 0;
    if (!s->broken[0]) return 0;
    float *x = malloc((size_t)d->height * (size_t)d->width * (size_t)d->bands * sizeof *x);
    for (int k = 0; k < IMAGE_SOURCES; k++) {
        if (!s->broken[k]) continue;
        join(run->comm, s->broken[k], words_of(&s->held[k]));
        for (int64_t i = 0; i < s->held[k].list.head.n; i++) {
            if (!(s->broken[k][i / BITS] >> i % BITS & 1)) continue;
            if (run->rank == 0 && broken < NAMED) name_one(run, s, k, i, x);
            broken++;
        }
    }
    free(x);
    if (broken > 0)
        ps_warn(run, "images that cannot be decoded: %lld; others took their places", (long long)broken);
    ps_record_begin(run, "images");
    ps_record_int(run, "broken", broken);
    ps_record_end(run);
    return broken;
}

void image_data_tell_loader(struct ps_run *run, const struct image_data *d)
{
    const struct ps_ahead_count c = ps_ahead_take(d->store->ahead);
    int64_t n[] = {c.ready, c.late, c.own};
    double seconds = c.seconds;
    MPI_Allreduce(MPI_IN_PLACE, n, 3, MPI_INT64_T, MPI_SUM, run->comm);
    MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_SUM, run->comm);
    if (n[0] + n[1] == 0) return;
    ps_print(
        run,
        "loader threads: %lld samples were ready, %lld were waited for, %lld were made by who wanted them\n",
        (long long)n[0], (long long)n[1], (long long)n[2]);
    ps_record_begin(run, "loader");
    ps_record_int(run, "ready", n[0]);
    ps_record_int(run, "late", n[1]);
    ps_record_int(run, "own", n[2]);
    ps_record_num(run, "seconds", seconds);
    ps_record_end(run);
}

void image_data_tell(struct ps_run *run, const struct image_data *d)
{
    const struct image_store *s = d->store;
    int64_t all = 0;
    ps_print(run, "images: %lld for training", (long long)d->train.n);
    if (s->valid.n > 0) ps_print(run, ", %lld for validation", (long long)s->valid.n);
    if (d->test.n > 0) ps_print(run, ", %lld for the test", (long long)d->test.n);
    ps_print(run, ", of %lld classes, as %d x %d x %d", (long long)d->classes, d->height, d->width, d->bands);
    for (int k = 0; k < IMAGE_SOURCES; k++)
        for (int64_t i = 0; s->opened[k] && i < s->held[k].list.head.n; i++) all += s->held[k].list.bytes[i];
    if (all > 0)
        ps_print(run, "; %.1f of %.1f MB in each node's memory", 1e-6 * (double)d->bytes, 1e-6 * (double)all);
    ps_print(run, "\n");
}
