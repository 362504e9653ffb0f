/* ranks: 1 */
#include <string.h>
#include <time.h>
#include "mpicheck.h"
#include "common/nn/ahead.h"
#include "common/run/err.h"
#include "kernels/device_picture.h"

enum { N = 200, INPUT = 5, BAD = 77 };

static int loads[N];

/* Element k of sample i is 1000 epoch + i + k / 8; it takes `data` microseconds. */
static enum ps_status load(const struct ps_source *s, int64_t i, const struct ps_draw *draw, float *x,
                           void *target)
{
    const struct timespec t = {.tv_nsec = 1000L * *(const int *)s->data};
    const int32_t label = (int32_t)(i % 7);
    __atomic_add_fetch(&loads[i], 1, __ATOMIC_RELAXED);
    if (t.tv_nsec > 0) nanosleep(&t, NULL);
    for (int k = 0; k < INPUT; k++) x[k] = (float)(1000 * draw->epoch + i) + (float)k / 8;
    memcpy(target, &label, sizeof label);
    return i == BAD ? ps_fail(PS_EINPUT, "sample %d is bad", BAD) : PS_OK;
}

static bool is_sample(const float *x, int32_t label, int64_t epoch, int64_t i)
{
    for (int k = 0; k < INPUT; k++)
        if (x[k] < (float)(1000 * epoch + i) + (float)k / 8 ||
            x[k] > (float)(1000 * epoch + i) + (float)k / 8)
            return false;
    return label == i % 7;
}

/* Samples of a few threads, told 8 at once and 2 batches ahead as training does, more than there is room for:
 * each is loaded as itself, and made once. */
static void go_through(int threads, int room, int microseconds, struct ps_ahead_count *count)
{
    const struct ps_source inner = {
        .n = N, .name = "test", .data = &microseconds, .load = load, .batches = 2};
    struct ps_source outer;
    struct ps_ahead *a;
    int wrong = 0;
    memset(loads, 0, sizeof loads);
    ck_assert(ps_ahead_open(&inner, INPUT, sizeof(int32_t), threads, room, &a, &outer) == PS_OK);
    ck_assert(outer.n == N && outer.batches == 2);
    ck_assert((outer.ahead != NULL) == (threads > 0));
#pragma omp parallel for num_threads(4) schedule(static, 1) reduction(+ : wrong)
    for (int t = 0; t < 4; t++) /* thread t has the samples that are t modulo 4 */
        for (int batch = 0; batch < 2 * N / 8; batch++) {
            for (int b = batch; outer.ahead && b <= batch + 2 && b < 2 * N / 8; b++) {
                const struct ps_draw soon = {.seed = 5, .epoch = b / (N / 8), .training = true};
                const int64_t sample[] = {b % (N / 8) * 8 + t, b % (N / 8) * 8 + t + 4};
                outer.ahead(&outer, sample, 2, &soon);
            }
            for (int k = 0; k < 2; k++) {
                const struct ps_draw draw = {.seed = 5, .epoch = batch / (N / 8), .training = true};
                const int64_t i = batch % (N / 8) * 8 + t + 4 * k;
                float x[INPUT];
                int32_t label;
                const enum ps_status rc = outer.load(&outer, i, &draw, x, &label);
                wrong += rc != (i == BAD ? PS_EINPUT : PS_OK) || !is_sample(x, label, draw.epoch, i);
            }
        }
    ck_assert_int_eq(wrong, 0);
    ck_assert_msg(strstr(ps_err_message(), "sample 77 is bad"), "%s", ps_err_message());
    ps_err_clear();
    for (int i = 0; i < N; i++) /* what failed ahead fails again for who wants it */
        ck_assert_msg(loads[i] == 2 || (i == BAD && threads > 0 && loads[i] <= 4),
                      "sample %d was made %d times", i, loads[i]);
    *count = ps_ahead_take(a);
    ck_assert(count->ready + count->late + count->own == 2 * N && count->seconds >= 0);
    const struct ps_ahead_count none = ps_ahead_take(a);
    ck_assert(none.ready + none.late + none.own == 0 && none.seconds <= 0);
    ps_ahead_close(a);
}

START_TEST(each_once)
{
    struct ps_ahead_count c;
    for (int threads = 0; threads < 4; threads++)
        for (int room = 1; room <= 64; room *= 8) {
            go_through(threads, room, 20, &c);
            if (threads == 0) ck_assert(c.own == 2 * N && c.seconds > 2 * N * 20e-6);
        }
}
END_TEST

/* What is told and never loaded ends with the rest. */
START_TEST(left_over)
{
    int microseconds = 300;
    const struct ps_source inner = {.n = N, .name = "test", .data = &microseconds, .load = load};
    const struct ps_draw draw = {.training = true};
    struct ps_source outer;
    struct ps_ahead *a;
    int64_t sample[N];
    float x[INPUT];
    int32_t label;
    for (int i = 0; i < N; i++) sample[i] = i;
    ck_assert(ps_ahead_open(&inner, INPUT, sizeof(int32_t), 2, N, &a, &outer) == PS_OK);
    outer.ahead(&outer, sample, N, &draw);
    outer.ahead(&outer, sample, N, &draw);
    ck_assert(outer.load(&outer, N - 1, &draw, x, &label) == PS_OK && is_sample(x, label, 0, N - 1));
    const struct ps_ahead_count c = ps_ahead_take(a);
    ck_assert_msg(c.own == 1, "the last of a long queue is made by who wants it");
    ps_ahead_close(a);
    ps_err_clear();
}
END_TEST

/* The message of a sample that failed ahead is there when it is wanted, whatever was forgotten until then. */
START_TEST(message)
{
    int microseconds = 0;
    const struct ps_source inner = {.n = N, .name = "test", .data = &microseconds, .load = load};
    const struct ps_draw draw = {.training = true};
    const int64_t bad = BAD;
    const struct timespec moment = {.tv_nsec = 1000000};
    struct ps_source outer;
    struct ps_ahead *a;
    float x[INPUT];
    int32_t label;
    memset(loads, 0, sizeof loads);
    ck_assert(ps_ahead_open(&inner, INPUT, sizeof(int32_t), 1, N, &a, &outer) == PS_OK);
    outer.ahead(&outer, &bad, 1, &draw);
    while (!ps_err_message()[0]) nanosleep(&moment, NULL);
    ps_err_clear();
    ck_assert(outer.load(&outer, BAD, &draw, x, &label) == PS_EINPUT);
    ck_assert_msg(strstr(ps_err_message(), "sample 77 is bad"), "%s", ps_err_message());
    ps_err_clear();
    ps_ahead_close(a);
}
END_TEST

enum { MOST = sizeof(struct ps_device_picture) + 4 * PS_DEVICE_PICTURE_LINE };

/* The bytes behind picture i, of which there are none to four lines, are i; sample 77 is bad. */
static enum ps_status load_picture(const struct ps_source *s, int64_t i, const struct ps_draw *draw, float *x,
                                   void *target)
{
    struct ps_device_picture *p = (struct ps_device_picture *)x;
    const int64_t behind = i % 5 * PS_DEVICE_PICTURE_LINE;
    if (!draw->picture) return load(s, i, draw, x, target);
    if (i == BAD) return ps_fail(PS_EINPUT, "sample %d is bad", BAD);
    *p = (struct ps_device_picture){.bytes = (int64_t)sizeof *p + behind};
    memset(p + 1, (int)i, (size_t)behind);
    memset(target, 0, sizeof(int32_t));
    return PS_OK;
}

/* Pictures have bytes of their own number, and are no inputs of the same sample. */
START_TEST(pictures)
{
    int microseconds = 0;
    const struct ps_source inner = {
        .n = N, .name = "test", .data = &microseconds, .load = load_picture, .picture = MOST};
    const struct ps_draw draw = {.training = true, .picture = true}, plain = {.training = true};
    struct ps_source outer;
    struct ps_ahead *a;
    int64_t sample[N];
    struct ps_device_picture room[3];
    float x[INPUT];
    int32_t label;
    for (int i = 0; i < N; i++) sample[i] = i;
    ck_assert(ps_ahead_open(&inner, INPUT, sizeof(int32_t), 2, N, &a, &outer) == PS_OK);
    ck_assert(outer.picture == MOST);
    outer.ahead(&outer, sample, N, &draw);
    for (int i = 0; i < N; i++) {
        const unsigned char *behind = (const unsigned char *)(room + 1);
        memset(room, 0xee, sizeof room);
        const enum ps_status rc = outer.load(&outer, i, &draw, (float *)room, &label);
        ck_assert(rc == (i == BAD ? PS_EINPUT : PS_OK));
        if (rc != PS_OK) continue;
        const int64_t n = room->bytes - (int64_t)sizeof *room;
        ck_assert(n == i % 5 * PS_DEVICE_PICTURE_LINE && behind[n] == 0xee);
        for (int64_t k = 0; k < n; k++) ck_assert(behind[k] == i);
        ck_assert(outer.load(&outer, i, &plain, x, &label) == PS_OK && is_sample(x, label, 0, i));
    }
    ps_ahead_close(a);
    ps_err_clear();
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {each_once, left_over, message, pictures, NULL};
    return mck_main(argc, argv, "nn_ahead", tests);
}
