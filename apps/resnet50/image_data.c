#include "apps/resnet50/image_data.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "apps/resnet50/image_store.h"
#include "common/run/err.h"
#include "common/run/log.h"

enum { LOOKS = 16, SIDE = 224, WHITE = 255 };

/* Statistics of ImageNet's training images, as they are used everywhere. */
static const double imagenet_mean[] = {0.485, 0.456, 0.406}, imagenet_std[] = {0.229, 0.224, 0.225};

/* Bytes of this node that programs could have, what the system keeps of files among them. */
static double free_bytes(void)
{
    double kib = (double)sysconf(_SC_AVPHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 1024;
    char line[128];
    FILE *f = fopen("/proc/meminfo", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %lf kB", &kib) == 1) break;
    if (f) fclose(f);
    return 1024 * kib;
}

/* Bytes that this node may hold: less where ranks share memory, which has a file system of its own size. */
static int64_t memory_of(const struct ps_run *run, const struct image_choice *c)
{
    struct statvfs shared;
    if (c->memory > 0) return (int64_t)(c->memory * 1024 * 1024 * 1024);
    double most = free_bytes() / 2;
    if (run->size > 1 && statvfs("/dev/shm", &shared) == 0)
        most = fmin(most, 0.75 * (double)shared.f_bavail * (double)shared.f_frsize);
    return (int64_t)most;
}

/* Collective. */
static enum ps_status open_lists(struct ps_run *run, const struct image_choice *c, struct image_store *s)
{
    const char *const path[IMAGE_SOURCES] = {c->data, c->valid, c->test};
    int64_t left = memory_of(run, c);
    PS_CHECK(
        c->data[0], PS_EUSAGE,
        "no images: name a packed file, a folder, tar files, a CSV or HDF5 (--data), or ask for --synthetic "
        "ones");
    MPI_Allreduce(MPI_IN_PLACE, &left, 1, MPI_INT64_T, MPI_MIN, run->comm);
    for (int k = 0; k < IMAGE_SOURCES; k++) {
        if (!path[k][0]) continue;
        PS_TRY(image_held_open(run, path[k], left, &s->held[k]));
        s->opened[k] = true;
        left -= s->held[k].held > 0 ? s->held[k].start[s->held[k].held] : 0;
    }
    return s->skip ? ps_agree(run->comm, image_broken_room(s)) : PS_OK;
}

/* Bands and type of images, from some of them. */
static enum ps_status look(struct image_store *s, int *bands, enum ps_dtype *type)
{
    struct image_held *h = &s->held[0];
    const struct ps_images_head *head = &h->list.head;
    struct ps_picture p = {.data = NULL};
    uint8_t *room = NULL;
    *bands = head->pixels ? head->bands : 0;
    *type = head->pixels ? head->type : PS_U8;
    if (head->pixels) return PS_OK;
    enum ps_status rc = ps_alloc(&room, h->largest, 1, "an image");
    for (int64_t k = 0; k < LOOKS && rc == PS_OK; k++) {
        const int64_t i = s->train.image[k * s->train.n / LOOKS];
        const char *why;
        const uint8_t *bytes = image_held_bytes(h, i, room, &why);
        if (!bytes || ps_picture_look(bytes, h->list.bytes[i], &p) != PS_OK || p.bands <= *bands) continue;
        *bands = p.bands;
        *type = p.type;
    }
    ps_picture_free(&p);
    free(room);
    PS_CHECK(rc != PS_OK || *bands > 0, PS_EINPUT, "%s: %s", ps_images_name(&h->list, s->train.image[0]),
             p.why[0] ? p.why : "no image can be decoded");
    return rc;
}

/* One number for each band, or one for all. */
static enum ps_status take_list(const struct ps_list *list, const char *name, int bands, double *out)
{
    PS_CHECK(list->n == 1 || list->n == bands, PS_EUSAGE, "%s: %d numbers for %d bands", name, list->n,
             bands);
    for (int k = 0; k < bands; k++) out[k] = list->value[list->n == 1 ? 0 : k];
    return PS_OK;
}

/* From pixels to what the net sees. */
static enum ps_status find_tone(const struct image_choice *c, struct image_store *s, enum ps_dtype type)
{
    const struct ps_images_head *head = &s->held[0].list.head;
    double mean[PS_PICTURE_BANDS_MAX], std[PS_PICTURE_BANDS_MAX];
    const int bands = s->maker.bands;
    const bool known = head->has_moments && head->bands == bands;
    PS_CHECK(known || (c->mean.n > 0 && c->std.n > 0) || type == PS_U8, PS_EUSAGE,
             "%s: pixels are no bytes, and their mean and deviation are not known: let psml-data pack find "
             "them, or "
             "set --mean and --std",
             c->data);
    for (int k = 0; k < bands; k++) {
        mean[k] = known ? head->mean[k] : bands == 3 ? WHITE * imagenet_mean[k] : WHITE / 2.0;
        std[k] = known ? head->std[k] : bands == 3 ? WHITE * imagenet_std[k] : WHITE / 4.0;
    }
    if (c->mean.n > 0) PS_TRY(take_list(&c->mean, "mean", bands, mean));
    if (c->std.n > 0) PS_TRY(take_list(&c->std, "std", bands, std));
    for (int k = 0; k < bands; k++) {
        const bool constant = !(std[k] > 0); /* a band without content */
        PS_CHECK(!constant || c->std.n == 0, PS_EUSAGE, "std: %g is no deviation", std[k]);
        s->maker.scale[k] = constant ? 1 : (float)(1 / std[k]);
        s->maker.shift[k] = (float)(-mean[k] * (constant ? 1 : 1 / std[k]));
    }
    return PS_OK;
}

static void find_size(const struct image_choice *c, struct image_store *s, struct image_plan *plan)
{
    const struct ps_images_head *h = &s->held[0].list.head;
    const int height = c->height > 0 ? c->height : h->pixels ? h->height : SIDE;
    const int width = c->width > 0 ? c->width : c->height == 0 && h->pixels ? h->width : height;
    *plan = image_plan_of(c, height, width);
}

static struct ps_source source_of(const struct image_store *s, const char *name, struct image_part *p,
                                  bool noise)
{
    const struct image_plan *plan = &s->maker.plan;
    return (struct ps_source){
        .n = p->n,
        .name = name,
        .data = p,
        .picture = noise ? 0 : ps_device_picture_most(plan->height, plan->width, s->maker.bands),
        .load = noise ? image_load_noise : image_load};
}

/* Lists, parts and how samples are made. Collective. */
static enum ps_status prepare(struct ps_run *run, const struct image_choice *c, struct image_store *s)
{
    enum ps_dtype type = PS_U8;
    if (c->synthetic > 0) {
        find_size(c, s, &s->maker.plan);
        s->maker.bands = 3;
        return ps_agree(run->comm, image_make_noise(c, s));
    }
    PS_TRY(open_lists(run, c, s));
    find_size(c, s, &s->maker.plan);
    enum ps_status rc = image_parts(run, c, s);
    if (rc == PS_OK) rc = look(s, &s->maker.bands, &type);
    if (rc == PS_OK) rc = find_tone(c, s, type);
    return ps_agree(run->comm, rc);
}

/* Local. */
static enum ps_status show(const struct image_choice *c, int64_t prefetched, struct image_data *d)
{
    struct image_store *s = d->store;
    const bool noise = c->synthetic > 0;
    d->height = s->maker.plan.height, d->width = s->maker.plan.width, d->bands = s->maker.bands;
    d->classes = s->classes, d->several = s->several;
    d->class_name = s->class_name;
    d->valid_label = s->valid_label, d->test_label = s->test_label;
    for (int k = 0; k < IMAGE_SOURCES; k++)
        if (s->held[k].held > 0) d->bytes += s->held[k].start[s->held[k].held];
    const char *data = noise ? "synthetic images" : c->data;
    s->inner = source_of(s, data, &s->train, noise);
    s->inner.batches = c->prefetch;
    d->test = source_of(s, s->opened[2] ? c->test : data, &s->test, noise);
    d->valid = source_of(s, s->opened[1] ? c->valid : data, &s->valid, noise);
    d->has_valid = s->valid.n > 0;
    if (!d->has_valid) {
        d->valid = d->test;
        d->valid_label = d->test_label;
        d->has_valid = d->valid_is_test = d->test.n > 0;
    }
    const int64_t input = (int64_t)d->height * d->width * d->bands;
    const size_t target = d->several ? (size_t)d->classes * sizeof(float) : sizeof(int32_t);
    return ps_ahead_open(&s->inner, input, target, noise ? 0 : c->loader_threads,
                         prefetched + prefetched / c->prefetch + 1, &s->ahead, &d->train);
}

enum ps_status image_data_open(struct ps_run *run, const struct image_choice *choice, int64_t prefetched,
                               struct image_data *out)
{
    memset(out, 0, sizeof *out);
    PS_TRY(ps_agree(run->comm, ps_zalloc(&out->store, 1, sizeof *out->store, "image data")));
    struct image_store *s = out->store;
    pthread_mutex_init(&s->maker.rooms.lock, NULL);
    s->skip = strcmp(choice->broken, "skip") == 0;
    enum ps_status rc = ps_agree(run->comm, prepare(run, choice, s));
    if (rc == PS_OK) rc = ps_agree(run->comm, show(choice, prefetched, out));
    if (rc != PS_OK) image_data_free(out);
    return rc;
}

void image_data_free(struct image_data *d)
{
    struct image_store *s = d->store;
    if (!s) return;
    ps_ahead_close(s->ahead);
    for (int k = 0; k < IMAGE_SOURCES; k++) {
        if (s->opened[k]) image_held_free(&s->held[k]);
        free(s->class_map[k]);
        free(s->broken[k]);
    }
    free(s->train.image);
    free(s->valid.image);
    free(s->test.image);
    free(s->valid_label);
    free(s->test_label);
    free(s->class_name);
    free(s->noise);
    free(s->noise_names);
    image_rooms_free(&s->maker.rooms);
    pthread_mutex_destroy(&s->maker.rooms.lock);
    free(s);
    memset(d, 0, sizeof *d);
}
