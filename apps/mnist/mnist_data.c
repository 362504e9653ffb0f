#include "apps/mnist/mnist_data.h"

#include <math.h>
#include <string.h>
#include "common/io/shard.h"
#include "common/nn/order.h"

/* The order by which validation samples are chosen is none of a training epoch, which count from 0. */
enum { SPLIT = -1 };

enum { WHITE = 255 };

static enum ps_status load(const struct ps_source *s, int64_t i, const struct ps_draw *draw, float *x,
                           void *target)
{
    const struct mnist_part *part = s->data;
    const struct mnist_set *set = part->set;
    const int64_t place = part->first + i, size = set->height * set->width,
                  from = part->mixed ? ps_order(set->n, part->seed, SPLIT, place) : place;
    const uint8_t *pixel = set->pixel + from * size;
    (void)draw;
    for (int64_t k = 0; k < size; k++) x[k] = (float)pixel[k] * (1.0F / WHITE);
    *(int32_t *)target = set->label[from];
    return PS_OK;
}

/* Own samples among the first n, as bytes. Local. */
static enum ps_status take_pixels(const char *path, const struct ps_shard *s, int64_t n, uint8_t *out)
{
    const struct ps_points rows = {s->data, s->mine.hi - s->mine.lo, (int)s->cols, s->type};
    const int64_t hi = s->mine.hi < n ? s->mine.hi : n;
    if (s->type == PS_U8 && s->mine.lo < hi) {
        memcpy(out + s->mine.lo * s->cols, s->data, (size_t)((hi - s->mine.lo) * s->cols));
        return PS_OK;
    }
    for (int64_t i = s->mine.lo; i < hi; i++)
        for (int k = 0; k < rows.d; k++) {
            const double v = ps_points_at(&rows, i - s->mine.lo, k);
            PS_CHECK(v >= 0 && v <= WHITE && v <= floor(v), PS_EINPUT,
                     "%s: sample %lld has a pixel of %g: whole numbers from 0 to %d are wanted", path,
                     (long long)i, v, WHITE);
            out[i * s->cols + k] = (uint8_t)v;
        }
    return PS_OK;
}

static enum ps_status take_labels(const char *path, const struct ps_shard *s, int64_t n, int32_t *out)
{
    const struct ps_points rows = {s->data, s->mine.hi - s->mine.lo, 1, s->type};
    for (int64_t i = s->mine.lo; i < s->mine.hi && i < n; i++) {
        const double v = ps_points_at(&rows, i - s->mine.lo, 0);
        PS_CHECK(v >= 0 && v < MNIST_CLASSES_MAX && v <= floor(v), PS_EINPUT,
                 "%s: sample %lld has the label %g: whole numbers from 0 to %d are wanted", path,
                 (long long)i, v, MNIST_CLASSES_MAX - 1);
        out[i] = (int32_t)v;
    }
    return PS_OK;
}

/* @param height 0: of a square */
static enum ps_status find_shape(const char *path, int64_t pixels, int64_t height, struct mnist_set *set)
{
    const int64_t side = llrint(sqrt((double)pixels));
    PS_CHECK(height > 0 || side * side == pixels, PS_EINPUT,
             "%s: images of %lld pixels are not square: say their --height", path, (long long)pixels);
    set->height = height > 0 ? height : side;
    set->width = pixels / set->height;
    PS_CHECK(set->height * set->width == pixels, PS_EINPUT, "%s: images of %lld pixels are not %lld high",
             path, (long long)pixels, (long long)height);
    return PS_OK;
}

/* Collective over node. @param limit 0: all @param rows out: samples of the file */
static enum ps_status read_images(MPI_Comm node, const struct mnist_file *f, int64_t height, int64_t limit,
                                  struct mnist_set *set, int64_t *rows)
{
    struct ps_shard_info info;
    struct ps_shard s = {0};
    enum ps_status rc;
    PS_TRY_DONE(ps_shard_info(node, f->path, f->dataset, &info));
    PS_TRY_DONE(ps_shard_read(node, f->path, f->dataset, &s));
    *rows = s.rows;
    set->n = limit && limit < s.rows ? limit : s.rows;
    PS_CHECK_DONE(set->n > 0, PS_EINPUT, "%s: there are no samples", f->path);
    PS_CHECK_DONE(s.cols > 0 && s.cols <= INT32_MAX, PS_EINPUT,
                  "%s: images are wanted, not rows of %lld numbers", f->path,
                  (long long)(s.cols ? s.cols : 1));
    PS_TRY_DONE(find_shape(f->path, s.cols, height ? height : info.lines, set));
    PS_TRY_DONE(ps_shared_open(node, set->n * s.cols, &set->pixels));
    PS_TRY_DONE(ps_agree(node, take_pixels(f->path, &s, set->n, set->pixels.data)));
    set->pixel = set->pixels.data;
done:
    ps_shard_free(&s);
    return rc;
}

/* Collective over node. @param rows samples of the file of images */
static enum ps_status read_labels(MPI_Comm node, const struct mnist_pair *f, int64_t rows,
                                  struct mnist_set *set)
{
    struct ps_shard s = {0};
    enum ps_status rc;
    PS_TRY_DONE(ps_shard_read(node, f->labels.path, f->labels.dataset, &s));
    PS_CHECK_DONE(s.cols <= 1, PS_EINPUT, "%s: labels are one number each, not rows of %lld", f->labels.path,
                  (long long)s.cols);
    PS_CHECK_DONE(s.rows == rows, PS_EINPUT, "%s: %lld labels for the %lld images of %s", f->labels.path,
                  (long long)s.rows, (long long)rows, f->images.path);
    PS_TRY_DONE(ps_shared_open(node, set->n * (int64_t)sizeof *set->label, &set->labels));
    PS_TRY_DONE(ps_agree(node, take_labels(f->labels.path, &s, set->n, set->labels.data)));
    set->label = set->labels.data;
done:
    ps_shard_free(&s);
    return rc;
}

/* Collective over node. */
static enum ps_status read_set(MPI_Comm node, const struct mnist_pair *f, int64_t height, int64_t limit,
                               struct mnist_set *set)
{
    int64_t rows;
    PS_TRY(read_images(node, &f->images, height, limit, set, &rows));
    return read_labels(node, f, rows, set);
}

static enum ps_status check_labels(const struct mnist_set *set, const char *path, int64_t classes)
{
    for (int64_t i = 0; i < set->n; i++)
        PS_CHECK(set->label[i] < classes, PS_EINPUT,
                 "%s: sample %lld has the label %d, but classes are 0 to %lld", path, (long long)i,
                 set->label[i], (long long)classes - 1);
    return PS_OK;
}

/* Do both sets go together? Local. */
static enum ps_status check(const struct mnist_choice *choice, struct mnist_data *d)
{
    const struct mnist_set *train = &d->train_set, *test = &d->test_set;
    PS_CHECK(test->height == train->height && test->width == train->width, PS_EINPUT,
             "%s: images of %lld x %lld pixels; those of %s have %lld x %lld", d->files.test.images.path,
             (long long)test->height, (long long)test->width, d->files.train.images.path,
             (long long)train->height, (long long)train->width);
    d->classes = choice->classes;
    for (int64_t i = 0; choice->classes == 0 && i < train->n; i++)
        if (train->label[i] >= d->classes) d->classes = train->label[i] + 1;
    PS_CHECK(d->classes > 1, PS_EINPUT, "%s: all labels are 0; a classification needs two classes",
             d->files.train.labels.path);
    PS_TRY(check_labels(train, d->files.train.labels.path, d->classes));
    return check_labels(test, d->files.test.labels.path, d->classes);
}

/* Which samples serve training, validation and test. Local. */
static enum ps_status divide(const struct ps_run *run, double validation, struct mnist_data *d)
{
    const int64_t n = d->train_set.n;
    const int64_t held = validation > 0 ? (int64_t)ceil(validation * (double)n) : 0;
    const uint64_t seed = (uint64_t)run->common->seed;
    const char *train = d->files.train.images.path, *test = d->files.test.images.path;
    PS_CHECK(held < n, PS_EUSAGE, "validation = %g leaves none of %lld samples for training", validation,
             (long long)n);
    d->train_part = (struct mnist_part){&d->train_set, held > 0, seed, held};
    d->valid_part = (struct mnist_part){&d->train_set, true, seed, 0};
    d->test_part = (struct mnist_part){.set = &d->test_set};
    d->train = (struct ps_source){.n = n - held, .name = train, .data = &d->train_part, .load = load};
    d->test = (struct ps_source){.n = d->test_set.n, .name = test, .data = &d->test_part, .load = load};
    d->valid = d->test;
    if (held > 0)
        d->valid = (struct ps_source){.n = held, .name = train, .data = &d->valid_part, .load = load};
    return PS_OK;
}

enum ps_status mnist_data_read(struct ps_run *run, const struct mnist_choice *choice, struct mnist_data *out)
{
    memset(out, 0, sizeof *out);
    PS_TRY(mnist_files_find(run, choice, &out->files));
    out->has_node =
        MPI_Comm_split_type(run->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &out->node) == MPI_SUCCESS;
    enum ps_status rc = out->has_node ? PS_OK : ps_fail(PS_EMPI, "the ranks of a node could not be found");
    PS_TRY(ps_agree(run->comm, rc));
    rc = read_set(out->node, &out->files.train, choice->height, choice->train_limit, &out->train_set);
    if (rc == PS_OK)
        rc = read_set(out->node, &out->files.test, choice->height, choice->test_limit, &out->test_set);
    if (rc == PS_OK) rc = check(choice, out);
    if (rc == PS_OK) rc = divide(run, choice->validation, out);
    rc = ps_agree(run->comm, rc);
    if (rc != PS_OK) mnist_data_free(out);
    return rc;
}

void mnist_data_free(struct mnist_data *d)
{
    struct ps_shared *const shared[] = {&d->train_set.pixels, &d->train_set.labels, &d->test_set.pixels,
                                        &d->test_set.labels};
    for (int i = 0; i < 4; i++) ps_shared_close(shared[i]);
    if (d->has_node) MPI_Comm_free(&d->node);
    d->has_node = false;
}
