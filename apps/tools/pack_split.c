/* Parts of a list of images by shares. */
#include <stdlib.h>
#include <string.h>
#include "apps/tools/pack.h"
#include "common/io/imagelist_sources.h"
#include "common/run/err.h"
#include "kernels/rng.h"

static const uint32_t STREAM = 0x73706c74;

/* "train=0.9,valid=0.1". @param share out [PS_IMAGES_PARTS] */
static enum ps_status parse(const char *text, double *share)
{
    double sum = 0;
    for (const char *at = text; *at;) {
        char *end;
        const char *is = strchr(at, '=');
        const int part = is ? ps_finds_part(at, is - at) : -1;
        PS_CHECK(part >= 0, PS_EUSAGE, "split: '%s': shares look like train=0.9,valid=0.1 (and test=...)",
                 at);
        share[part] = strtod(is + 1, &end);
        PS_CHECK(end > is + 1 && (*end == ',' || *end == '\0') && share[part] >= 0, PS_EUSAGE,
                 "split: '%s': a share is a number from 0 to 1", at);
        sum += share[part];
        at = end + (*end == ',');
    }
    PS_CHECK(sum > 0.999999 && sum < 1.000001, PS_EUSAGE, "split: shares add up to %g, not to 1", sum);
    return PS_OK;
}

/** An image of a class, and where it comes when the class is mixed. */
struct place {
    uint64_t key;
    int64_t image;
};

static int by_key(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->image < y->image ? -1 : x->image > y->image;
}

/* The part of each image. @param part out [n] */
static enum ps_status assign(const struct ps_images *l, const double *share, uint64_t seed, uint8_t *part)
{
    const struct ps_rng r = {.seed = seed, .stream = STREAM};
    const int64_t n = l->head.n;
    struct place *place;
    PS_TRY(ps_alloc(&place, n, sizeof *place, "the order of images"));
    for (int64_t lo = 0, hi; lo < n; lo = hi) {
        for (hi = lo; hi < n && (l->head.several || l->label[hi] == l->label[lo]); hi++)
            place[hi] = (struct place){ps_rng_u64(r, hi, 0), hi};
        qsort(place + lo, (size_t)(hi - lo), sizeof *place, by_key);
        double until = 0;
        int64_t at = lo;
        for (int k = 0; k < PS_IMAGES_PARTS; k++) {
            until += share[k];
            const int64_t end =
                k == PS_IMAGES_PARTS - 1 ? hi : lo + (int64_t)(until * (double)(hi - lo) + 0.5);
            for (; at < end; at++) part[place[at].image] = (uint8_t)k;
        }
    }
    free(place);
    return PS_OK;
}

/* Elements of `size` bytes in another order. */
static enum ps_status reorder(void *array, const int64_t *from, int64_t n, size_t size)
{
    char *copy;
    PS_TRY(ps_alloc(&copy, n, size, "the order of images"));
    memcpy(copy, array, (size_t)n * size);
    for (int64_t i = 0; i < n; i++)
        memcpy((char *)array + (size_t)i * size, copy + (size_t)from[i] * size, size);
    free(copy);
    return PS_OK;
}

static enum ps_status reorder_all(struct ps_images *l, const int64_t *from)
{
    const int64_t n = l->head.n;
    PS_TRY(reorder(l->at, from, n, sizeof *l->at));
    PS_TRY(reorder(l->bytes, from, n, sizeof *l->bytes));
    PS_TRY(reorder(l->name, from, n, sizeof *l->name));
    PS_TRY(reorder(l->file, from, n, sizeof *l->file));
    PS_TRY(reorder(l->label, from, n, sizeof *l->label));
    return l->labels ? reorder(l->labels, from, n, (size_t)l->head.classes) : PS_OK;
}

enum ps_status pack_split(struct ps_run *run, const char *shares, struct ps_images *l)
{
    const int64_t n = l->head.n;
    double share[PS_IMAGES_PARTS] = {0};
    uint8_t *part = NULL;
    int64_t *from = NULL, at = 0;
    int rank;
    MPI_Comm_rank(l->node, &rank);
    enum ps_status rc = parse(shares, share);
    if (rc == PS_OK && l->head.parted) rc = ps_fail(PS_EUSAGE, "split: the images have parts already");
    if (rc == PS_OK) rc = ps_alloc(&part, n, 1, "parts of images");
    if (rc == PS_OK) rc = ps_alloc(&from, n, sizeof *from, "the order of images");
    if (rc == PS_OK) rc = assign(l, share, (uint64_t)run->common->seed, part);
    PS_TRY_DONE(ps_agree(run->comm, rc)); /* every rank has read the list */
    for (int k = 0; k < PS_IMAGES_PARTS; k++) {
        l->head.part[k].lo = at;
        for (int64_t i = 0; i < n; i++)
            if (part[i] == k) from[at++] = i;
        l->head.part[k].hi = at;
    }
    l->head.parted = true;
    rc = ps_agree(run->comm, rank == 0 ? reorder_all(l, from) : PS_OK);
done:
    free(part);
    free(from);
    return rc;
}
