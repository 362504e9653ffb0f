/* ranks: 1 2 3 */
#include <math.h>
#include "iocheck.h"
#include "apps/resnet50/image_store.h"
#include "common/io/imagepack.h"
#include "common/io/picture.h"

/* Pictures in folders cats and dogs; picture i is 20 + i wide and 24 high, all of it grey of 10 i + 5. */
enum { N = 7, HEIGHT = 24, QUALITY = 100, SIDE = 16 };

static struct ps_common common = {.seed = 3};

static struct ps_run run_here(void)
{
    struct ps_run run = {.comm = MPI_COMM_WORLD, .name = "test", .threads = 1, .common = &common};
    MPI_Comm_rank(run.comm, &run.rank);
    MPI_Comm_size(run.comm, &run.size);
    return run;
}

static int grey(int i)
{
    return 10 * i + 5;
}

static bool write_pictures(const char *folder, bool broken)
{
    static uint8_t pixels[HEIGHT * 64 * 3], file[PS_JPEG_HEAD + sizeof pixels];
    char path[600];
    if (io_rank() == 0) mkdir(folder, 0777);
    for (int i = 0; i < N; i++) {
        int64_t n = sizeof file;
        snprintf(path, sizeof path, "%s/%s", folder, i % 2 ? "dogs" : "cats");
        if (io_rank() == 0) mkdir(path, 0777);
        snprintf(path, sizeof path, "%s/%s/p%d.jpg", folder, i % 2 ? "dogs" : "cats", i);
        memset(pixels, grey(i), sizeof pixels);
        if (ps_jpeg_encode(pixels, HEIGHT, 20 + i, 3, QUALITY, file, &n) != PS_OK) return false;
        io_write_file(path, file, (size_t)(broken && i == 2 ? n / 2 : n));
    }
    return true;
}

static void choose(struct image_choice *c, const char *folder)
{
    *c = (struct image_choice){.height = SIDE,
                               .width = SIDE,
                               .augment = "crop",
                               .least = 0.08,
                               .squeeze = 4.0 / 3,
                               .memory = 1,
                               .broken = "fatal",
                               .loader_threads = 2,
                               .prefetch = 2,
                               .pad = 4};
    snprintf(c->data, sizeof c->data, "%s", folder);
    c->mean.n = c->std.n = 1;
    c->mean.value[0] = 0, c->std.value[0] = 1;
}

/* Class and grey of a sample. @return is every pixel that? */
static bool is_picture(const float *x, int32_t label, int i)
{
    for (int k = 0; k < SIDE * SIDE * 3; k++)
        if (fabsf(x[k] - (float)grey(i)) > 1.01F) return false; /* JPEG rounds */
    return label == i % 2;
}

/* Samples in the order of classes and names, in training through loader threads with and without a hint. */
START_TEST(folder)
{
    static const int order[N] = {0, 2, 4, 6, 1, 3, 5};
    static float x[SIDE * SIDE * 3];
    struct image_choice c;
    struct image_data d;
    struct ps_run run = run_here();
    const char *path = io_path("pictures");
    if (!write_pictures(path, false)) return; /* without libjpeg */
    choose(&c, path);
    mck_assert(image_data_open(&run, &c, 4, &d) == PS_OK, "%s", ps_err_message());
    mck_assert(d.train.n == N && d.classes == 2 && d.bands == 3 && !d.several && !d.has_valid, "%lld images",
               (long long)d.train.n);
    mck_assert(strcmp(d.class_name[0], "cats") == 0 && strcmp(d.class_name[1], "dogs") == 0, "names");
    const struct image_part *train = &d.store->train;
    const char *name = ps_images_name(&train->held->list, train->image[5]);
    mck_assert(strstr(name, "dogs/p3.jpg"), "%s", name);
    for (int epoch = 0; epoch < 3; epoch++) {
        const struct ps_draw draw = {.seed = 9, .epoch = epoch, .training = true};
        const int64_t soon[] = {1, 2, 5, 6, 0};
        if (epoch > 0) d.train.ahead(&d.train, soon, 5, &draw);
        for (int i = 0; i < N; i++) {
            int32_t label = -1;
            mck_assert(d.train.load(&d.train, i, &draw, x, &label) == PS_OK, "%s", ps_err_message());
            mck_assert(is_picture(x, label, order[i]), "sample %d is not picture %d", i, order[i]);
        }
    }
    const struct ps_ahead_count w = ps_ahead_take(d.store->ahead);
    mck_assert(w.ready + w.late + w.own == 3 * N && w.own >= N + 2 * 2, "%lld own", (long long)w.own);
    image_data_free(&d);
}
END_TEST

/* The same bits with and without loader threads and memory, and other ones in other epochs. */
START_TEST(same_bits)
{
    static float x[4][SIDE * SIDE * 3];
    struct image_choice c;
    struct ps_run run = run_here();
    const char *path = io_path("pictures");
    if (!write_pictures(path, false)) return;
    for (int k = 0; k < 4; k++) {
        struct image_data d;
        choose(&c, path);
        snprintf(c.augment, sizeof c.augment, "shift");
        c.height = HEIGHT, c.width = 23; /* of picture 3 */
        if (k == 1) c.memory = 1e-9, c.loader_threads = 0;
        mck_assert(image_data_open(&run, &c, 4, &d) == PS_OK, "%s", ps_err_message());
        mck_assert(k == 1 ? d.bytes == 0 : d.bytes > N * 300, "%lld bytes held", (long long)d.bytes);
        const struct ps_draw draw = {.seed = 9, .epoch = k == 3, .training = true};
        static float large[HEIGHT * 23 * 3];
        int32_t label;
        const int64_t sample = 5;
        if (k == 2) d.train.ahead(&d.train, &sample, 1, &draw);
        mck_assert(d.train.load(&d.train, sample, &draw, large, &label) == PS_OK, "%s", ps_err_message());
        memcpy(x[k], large, sizeof x[k]);
        image_data_free(&d);
    }
    mck_assert(memcmp(x[0], x[1], sizeof x[0]) == 0 && memcmp(x[0], x[2], sizeof x[0]) == 0, "other bits");
    mck_assert(memcmp(x[0], x[3], sizeof x[0]) != 0, "the same shift in both epochs");
}
END_TEST

/* A cut picture: named, or replaced by the next. */
START_TEST(broken)
{
    static float x[SIDE * SIDE * 3];
    struct image_choice c;
    struct ps_run run = run_here();
    const char *path = io_path("cut");
    const struct ps_draw draw = {.training = false};
    if (!write_pictures(path, true)) return;
    for (int skip = 0; skip < 2; skip++) {
        struct image_data d;
        int32_t label;
        choose(&c, path);
        if (skip) snprintf(c.broken, sizeof c.broken, "skip");
        mck_assert(image_data_open(&run, &c, 4, &d) == PS_OK, "%s", ps_err_message());
        const enum ps_status rc = d.train.load(&d.train, 1, &draw, x, &label);
        if (!skip) {
            mck_assert(rc == PS_EINPUT && strstr(ps_err_message(), "cats/p2.jpg") &&
                           strstr(ps_err_message(), "JPEG"),
                       "%s", ps_err_message());
            ps_err_clear();
        } else {
            mck_assert(rc == PS_OK && is_picture(x, label, 4), "not the next one");
            mck_assert(image_data_tell_broken(&run, &d) == 1, "one, whichever ranks met it");
        }
        image_data_free(&d);
    }
}
END_TEST

/* Shares of training images: what is held back is trained with no more, whatever the number of ranks. */
START_TEST(validation)
{
    static float x[SIDE * SIDE * 3];
    struct image_choice c;
    struct image_data d;
    struct ps_run run = run_here();
    const char *path = io_path("pictures");
    const struct ps_draw draw = {.training = false};
    int seen[N] = {0};
    if (!write_pictures(path, false)) return;
    choose(&c, path);
    c.validation = 0.4;
    mck_assert(image_data_open(&run, &c, 4, &d) == PS_OK, "%s", ps_err_message());
    mck_assert(d.train.n == 4 && d.valid.n == 3 && d.test.n == 0 && d.has_valid, "%lld and %lld",
               (long long)d.train.n, (long long)d.valid.n);
    for (int i = 0; i < N; i++) {
        const struct ps_source *s = i < 4 ? &d.train : &d.valid;
        int32_t label;
        mck_assert(s->load(s, i < 4 ? i : i - 4, &draw, x, &label) == PS_OK, "%s", ps_err_message());
        const int which = ((int)x[0] + 1) / 10;
        mck_assert(which < N && is_picture(x, label, which), "%g", (double)x[0]);
        if (i >= 4) mck_assert(d.valid_label[i - 4] == label, "label");
        seen[which]++;
    }
    for (int i = 0; i < N; i++) mck_assert(seen[i] == 1, "picture %d %d times", i, seen[i]);
    image_data_free(&d);
    c.data[0] = '\0';
    mck_assert(image_data_open(&run, &c, 4, &d) == PS_EUSAGE, "nothing is named");
    ps_err_clear();
    c.synthetic = 12, c.classes = 5;
    mck_assert(image_data_open(&run, &c, 4, &d) == PS_OK && d.train.n == 12 && d.classes == 5, "noise");
    int32_t label = -1;
    mck_assert(d.train.load(&d.train, 7, &draw, x, &label) == PS_OK && label == 2, "noise has labels");
    image_data_free(&d);
}
END_TEST

#ifdef PS_HAVE_PNETCDF
enum { BANDS = 4, TALL = 3, WIDE = 5 };

/* Pixel k of packed image i. */
static int deep(int i, int k)
{
    return 1000 * i + 7 * k;
}

/* A packed file of 16 bits and 4 bands, whose image 3 is broken and whose images 5 and 6 are for validation.
 */
static enum ps_status write_pack(const char *folder, const char *path)
{
    static uint16_t data[N][TALL * WIDE * BANDS];
    static const double mean[BANDS] = {1, 2, 3, 4}, std[BANDS] = {2, 4, 8, 16};
    struct ps_images list;
    struct ps_imagepack pack;
    int32_t label[N];
    const struct ps_range mine = ps_block(N, run_here().size, io_rank());
    PS_TRY(ps_images_open(MPI_COMM_WORLD, folder, &list));
    struct ps_images_head head = list.head;
    head.pixels = true, head.height = TALL, head.width = WIDE, head.bands = BANDS, head.type = PS_U16;
    head.parted = true;
    head.part[0].hi = 5;
    head.part[1] = (struct ps_range){5, N};
    head.part[2] = (struct ps_range){N, N};
    for (int i = 0; i < N; i++) {
        label[i] = i == 3 ? -1 : list.label[i];
        for (int k = 0; k < TALL * WIDE * BANDS; k++) data[i][k] = (uint16_t)deep(i, k);
    }
    PS_TRY(ps_imagepack_begin(MPI_COMM_WORLD, path, &list, &head, NULL, false, &pack));
    PS_TRY(ps_imagepack_put(&pack, mine.lo, mine.hi, data[mine.lo]));
    PS_TRY(ps_imagepack_end(&pack, label, mean, std));
    ps_images_free(&list);
    return PS_OK;
}

/* Samples from packed pixels, held or read when they are wanted, which are big-endian in the file. */
START_TEST(packed)
{
    static const int train[] = {0, 1, 2, 4};
    static float x[TALL * WIDE * BANDS];
    struct image_choice c;
    struct ps_run run = run_here();
    const struct ps_draw draw = {.training = false};
    const char *folder = io_path("pictures"), *path = io_path("packed.nc");
    if (!write_pictures(folder, false)) return;
    mck_assert(write_pack(folder, path) == PS_OK, "%s", ps_err_message());
    for (int held = 0; held < 2; held++) {
        struct image_data d;
        choose(&c, path);
        c.height = c.width = c.mean.n = c.std.n = 0;
        c.memory = held ? 1 : 1e-9;
        mck_assert(image_data_open(&run, &c, 4, &d) == PS_OK, "%s", ps_err_message());
        mck_assert(d.height == TALL && d.width == WIDE && d.bands == BANDS && d.train.n == 4 &&
                       d.valid.n == 2,
                   "%lld and %lld images", (long long)d.train.n, (long long)d.valid.n);
        mck_assert((d.bytes > 0) == held, "%lld bytes held", (long long)d.bytes);
        for (int i = 0; i < 6; i++) {
            const struct ps_source *s = i < 4 ? &d.train : &d.valid;
            const int which = i < 4 ? train[i] : i + 1;
            int32_t label;
            mck_assert(s->load(s, i < 4 ? i : i - 4, &draw, x, &label) == PS_OK, "%s", ps_err_message());
            mck_assert(label == (which > 3), "label %d", label); /* names of cats come first */
            for (int k = 0; k < TALL * WIDE * BANDS; k++) {
                const int b = k % BANDS;
                const double want = (deep(which, k) - (b + 1)) / (double)(2 << b);
                mck_assert(fabs(x[k] - want) < 1e-3, "image %d, element %d: %g is not %g", which, k,
                           (double)x[k], want);
            }
        }
        image_data_free(&d);
    }
    io_truncate(path, -10); /* such a file opens and reads without an error of PnetCDF */
    struct image_data d;
    mck_assert(image_data_open(&run, &c, 4, &d) == PS_EINPUT && strstr(ps_err_message(), "truncated"), "%s",
               ps_err_message());
    ps_err_clear();
}
END_TEST
#endif

int main(int argc, char **argv)
{
    const TTest *const tests[] = {folder, same_bits, broken, validation,
#ifdef PS_HAVE_PNETCDF
                                  packed,
#endif
                                  NULL};
    return mck_main(argc, argv, "image_data", tests);
}
