/* Images of one round: each rank a block of them, in threads. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/tools/pack.h"
#include "common/run/err.h"
#include "common/run/log.h"

/** A round, as a rank sees it. */
struct round {
    struct pack *k;
    int64_t lo, hi;  /* own images */
    uint8_t *data;   /* their pixels or files */
    double *sum;     /* [hi - lo][2][bands] of pixels and their squares */
    int64_t *pixels; /* [hi - lo] that were summed; -1: the image is broken */
    char *text;      /* what is wrong with them, a line each */
    int64_t text_n, text_room;
};

#define ADD(type)                                                         \
    for (int64_t i = 0; i < n; i++)                                       \
        for (int b = 0; b < bands; b++) {                                 \
            const double v = (double)((const type *)data)[i * bands + b]; \
            sum[b] += v, sum[bands + b] += v * v;                         \
        }

/* Of bytes the sums are whole numbers. */
static void add_bytes(const uint8_t *data, int64_t n, int bands, double *sum)
{
    uint64_t a[3] = {0}, b[3] = {0};
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < 3; k++)
            a[k] += data[3 * i + k], b[k] += (uint32_t)data[3 * i + k] * data[3 * i + k];
    for (int k = 0; k < 3; k++) sum[k] = (double)a[k], sum[bands + k] = (double)b[k];
}

static void add_pixels(const void *data, int64_t n, int bands, enum ps_dtype type, double *sum)
{
    memset(sum, 0, 2 * (size_t)bands * sizeof *sum);
    if (type == PS_U8 && bands == 3) {
        add_bytes(data, n, bands, sum);
    } else if (type == PS_U8) {
        ADD(uint8_t)
    } else if (type == PS_U16) {
        ADD(uint16_t)
    } else if (type == PS_I16) {
        ADD(int16_t)
    } else {
        ADD(float)
    }
}

/* Decode into the room; the picture must be like the others. */
static enum ps_status decode(const struct pack *k, const uint8_t *bytes, int64_t n, struct pack_room *r)
{
    const struct ps_images_head *h = &k->head;
    const struct ps_picture *p = &r->picture;
    const int colours = h->bands == 1 || h->bands == 3 ? h->bands : 0;
    const enum ps_status rc = ps_picture_decode(bytes, n, colours, 1, &r->picture);
    if (rc != PS_OK) return pack_wrong(r, rc, p->why);
    if (p->bands == h->bands && p->type == h->type) return PS_OK;
    snprintf(r->why, sizeof r->why, "has %d bands of %s where others have %d of %s", p->bands,
             ps_dtype_name(p->type), h->bands, ps_dtype_name(h->type));
    return PS_EINPUT;
}

/* A file as it is, to where it is packed. */
static enum ps_status keep_file(struct round *o, int64_t i, struct pack_room *r)
{
    struct pack *k = o->k;
    uint8_t *to = o->data + (k->start[i] - k->start[o->lo]);
    const char *why = ps_images_read(&k->list, i, to);
    if (why) return pack_wrong(r, PS_EIO, why);
    return k->p->check ? decode(k, to, k->list.bytes[i], r) : PS_OK;
}

static enum ps_status pack_one(struct round *o, int64_t i, struct pack_room *r)
{
    struct pack *k = o->k;
    const struct ps_images_head *h = &k->head;
    const int64_t size = (int64_t)h->height * h->width, mine = i - o->lo;
    uint8_t *to = k->start ? NULL : o->data + mine * size * h->bands * (int64_t)ps_dtype_size(h->type);
    enum ps_status rc;
    if (k->start) {
        rc = keep_file(o, i, r);
    } else if (k->bands > 0) {
        rc = pack_stack(k, i, r, to);
    } else {
        rc = pack_read(&k->list, i, r);
        if (rc == PS_OK) rc = decode(k, r->file, k->list.bytes[i], r);
        if (rc == PS_OK) rc = pack_put(k, r, to);
    }
    if (rc != PS_OK || (k->start && !k->p->check)) return rc;
    o->pixels[mine] = k->start ? (int64_t)r->picture.height * r->picture.width : size;
    add_pixels(k->start ? r->picture.data : to, o->pixels[mine], h->bands, h->type,
               o->sum + mine * 2 * h->bands);
    return PS_OK;
}

/* A broken image leaves its place empty, and a line for people. */
static void note(struct round *o, int64_t i, const char *why)
{
    const struct pack *k = o->k;
    const int64_t one =
        k->head.height * (int64_t)k->head.width * k->head.bands * (int64_t)ps_dtype_size(k->head.type);
    if (k->start)
        memset(o->data + (k->start[i] - k->start[o->lo]), 0, (size_t)(k->start[i + 1] - k->start[i]));
    else
        memset(o->data + (i - o->lo) * one, 0, (size_t)one);
    o->pixels[i - o->lo] = -1;
#pragma omp critical(pack_note)
    if (o->text_n < o->text_room - PS_PICTURE_WHY - 4096)
        o->text_n += snprintf(o->text + o->text_n, (size_t)(o->text_room - o->text_n), "%s: %s\n",
                              ps_images_name(&k->list, i), why);
}

static enum ps_status pack_mine(struct round *o)
{
    struct pack *k = o->k;
    const bool fatal = strcmp(k->p->broken, "fatal") == 0;
    const int64_t pixels = (int64_t)k->head.height * k->head.width * k->head.bands;
    enum ps_status rc = PS_OK;
#pragma omp parallel num_threads(k->run->threads)
    {
        struct pack_room r = {.has = 0};
        r.pixels = malloc((size_t)(k->head.pixels ? pixels : 1) * sizeof *r.pixels);
#pragma omp for schedule(dynamic, 4)
        for (int64_t i = o->lo; i < o->hi; i++) {
            enum ps_status one = r.pixels ? pack_one(o, i, &r) : pack_wrong(&r, PS_ENOMEM, "no memory");
            if (one == PS_OK) continue;
            if (!fatal && one != PS_ENOMEM) {
                note(o, i, r.why);
                continue;
            }
            one = ps_fail(one, "%s: %s", ps_images_name(&k->list, i), r.why);
#pragma omp critical(pack_note)
            rc = one;
        }
        ps_picture_free(&r.picture);
        ps_resize_free(&r.resize);
        free(r.file);
        free(r.pixels);
    }
    return rc;
}

/* Tell what is wrong with broken images, rank after rank. Collective. */
static void tell(const struct round *o)
{
    const struct ps_run *run = o->k->run;
    enum { TAG = 17 };
    int64_t n = o->text_n;
    if (run->rank != 0) {
        MPI_Send(&n, 1, MPI_INT64_T, 0, TAG, run->comm);
        if (n > 0) MPI_Send(o->text, (int)n, MPI_CHAR, 0, TAG, run->comm);
        return;
    }
    for (int rank = 0; rank < run->size; rank++) {
        if (rank > 0) MPI_Recv(&n, 1, MPI_INT64_T, rank, TAG, run->comm, MPI_STATUS_IGNORE);
        if (rank > 0 && n > 0) MPI_Recv(o->text, (int)n, MPI_CHAR, rank, TAG, run->comm, MPI_STATUS_IGNORE);
        for (char *line = o->text, *end = o->text + n; line < end;) {
            char *stop = memchr(line, '\n', (size_t)(end - line));
            ps_warn(run, "%.*s", (int)(stop - line), line);
            line = stop + 1;
        }
    }
}

/* Mean and deviation are those of training images, as a net must know nothing of others. */
static bool trains(const struct pack *k, int64_t i)
{
    const struct ps_range r = k->head.part[PS_IMAGES_TRAIN];
    return r.lo == r.hi || (i >= r.lo && i < r.hi);
}

/* Sums, pixels and broken images of all ranks, added to what is known. Collective. */
static enum ps_status add_up(struct round *o, int64_t lo, int64_t hi)
{
    struct pack *k = o->k;
    const int sums = 2 * k->head.bands;
    struct ps_exact *sum = NULL;
    uint8_t *broken = NULL;
    int64_t pixels = 0;
    enum ps_status rc = ps_zalloc(&sum, sums, sizeof *sum, "sums of pixels");
    if (rc == PS_OK) rc = ps_zalloc(&broken, hi - lo, 1, "broken images");
    PS_TRY_DONE(ps_agree(k->run->comm, rc));
    for (int64_t i = 0; i < o->hi - o->lo; i++) {
        if (o->pixels[i] < 0) broken[o->lo + i - lo] = 1;
        if (o->pixels[i] <= 0 || !trains(k, o->lo + i)) continue;
        pixels += o->pixels[i];
        for (int s = 0; s < sums; s++)
            if (isfinite(o->sum[i * sums + s])) ps_exact_add(&sum[s], o->sum[i * sums + s]);
    }
    PS_TRY_DONE(ps_exact_reduce(k->run->comm, sum, sums));
    MPI_Allreduce(MPI_IN_PLACE, &pixels, 1, MPI_INT64_T, MPI_SUM, k->run->comm);
    MPI_Allreduce(MPI_IN_PLACE, broken, (int)(hi - lo), MPI_UINT8_T, MPI_MAX, k->run->comm);
    k->at.pixels += pixels;
    for (int s = 0; s < sums; s++)
        for (int l = 0; l < PS_EXACT_LIMBS; l++) k->at.sum[s].limb[l] += sum[s].limb[l];
    for (int64_t i = 0; i < hi - lo; i++)
        if (broken[i]) k->at.which[k->at.broken++] = lo + i;
    k->at.done = hi;
done:
    free(sum);
    free(broken);
    return rc;
}

enum ps_status pack_round(struct pack *k, int64_t lo, int64_t hi)
{
    const struct ps_range mine = ps_block(hi - lo, k->run->size, k->run->rank);
    struct round o = {.k = k, .lo = lo + mine.lo, .hi = lo + mine.hi, .text_room = 1 << 16};
    const int64_t n = o.hi - o.lo;
    const int64_t one =
        (int64_t)k->head.height * k->head.width * k->head.bands * (int64_t)ps_dtype_size(k->head.type);
    const int64_t bytes = k->start ? k->start[o.hi] - k->start[o.lo] : n * one;
    enum ps_status rc = ps_alloc(&o.data, bytes, 1, "images to pack (fewer at once by --round)");
    if (rc == PS_OK) rc = ps_zalloc(&o.sum, n * 2 * k->head.bands, sizeof *o.sum, "sums of pixels");
    if (rc == PS_OK) rc = ps_zalloc(&o.pixels, n, sizeof *o.pixels, "sums of pixels");
    if (rc == PS_OK) rc = ps_alloc(&o.text, o.text_room, 1, "messages");
    if (rc == PS_OK) rc = pack_mine(&o);
    PS_TRY_DONE(ps_agree(k->run->comm, rc));
    tell(&o);
    PS_TRY_DONE(k->start ? ps_imagepack_put(&k->file, k->start[o.lo], k->start[o.hi], o.data)
                         : ps_imagepack_put(&k->file, o.lo, o.hi, o.data));
    rc = add_up(&o, lo, hi);
done:
    free(o.data);
    free(o.sum);
    free(o.pixels);
    free(o.text);
    return rc;
}
