/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include <math.h>
#include <string.h>
#include "apps/tools/data_select.h"
#include "apps/tools/split_assign.h"
#include "common/par/window.h"
#include "kernels/rng.h"

static int64_t below(int64_t index, int64_t n)
{
    return ps_rng_below((struct ps_rng){.seed = 7, .stream = 1}, index, 0, n);
}

/** An uneven cut of n: some ranks may get nothing. */
static struct ps_range uneven(int64_t n, int64_t salt)
{
    int64_t cut[8] = {0};
    int my_rank, nranks;
    MPI_Comm_rank(MPI_COMM_WORLD, &my_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &nranks);
    for (int r = 1; r < nranks; r++) cut[r] = below(salt * 10 + r, n + 1);
    for (int i = 1; i < nranks; i++)
        for (int j = i + 1; j < nranks; j++)
            if (cut[j] < cut[i]) {
                int64_t t = cut[i];
                cut[i] = cut[j], cut[j] = t;
            }
    cut[nranks] = n;
    return (struct ps_range){cut[my_rank], cut[my_rank + 1]};
}

START_TEST(windows)
{
    int my_rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &my_rank);
    for (int64_t n = 0; n < 40; n += 13)
        for (int64_t salt = 0; salt < 20; salt++) {
            struct ps_range mine = uneven(n, salt), want = {below(salt * 100 + my_rank, n + 1), 0};
            int64_t data[64], got[64], total;
            want.hi = want.lo + below(salt * 200 + my_rank, n - want.lo + 1);
            for (int64_t i = mine.lo; i < mine.hi; i++) data[i - mine.lo] = i * i;
            struct ps_range place = ps_window_place(MPI_COMM_WORLD, mine.hi - mine.lo, &total);
            mck_assert(total == n && place.lo == mine.lo && place.hi == mine.hi, "another place");
            enum ps_status rc = ps_window_fetch(MPI_COMM_WORLD, mine, data, sizeof *data, want, got);
            int wrong = rc != PS_OK;
            for (int64_t i = want.lo; i < want.hi; i++) wrong |= got[i - want.lo] != i * i;
            mck_assert(!wrong, "[%ld, %ld) of %ld", (long)want.lo, (long)want.hi, (long)n);
        }
}
END_TEST

/** Rows taken are those that a sort would take, with many equal keys too. */
START_TEST(selection)
{
    enum { N = 500, CLASSES = 4 };
    int32_t class_of[N];
    uint64_t key[N];
    uint8_t taken[N];
    const int64_t want[CLASSES] = {0, 17, 40, 1000};
    for (int few = 0; few < 2; few++) {
        struct ps_range mine = uneven(N, 3 + few);
        for (int64_t i = 0; i < N; i++) {
            class_of[i] = (int32_t)below(i, CLASSES + 1) - 1;
            key[i] = few ? (uint64_t)below(i + 1000, 3) << 40 : ps_rng_u64((struct ps_rng){.seed = 9}, i, 0);
        }
        enum ps_status rc = data_select(MPI_COMM_WORLD, mine.hi - mine.lo, class_of + mine.lo, key + mine.lo,
                                        CLASSES, want, taken);
        mck_assert(rc == PS_OK, "select");
        int wrong = 0;
        for (int64_t i = mine.lo; i < mine.hi; i++) {
            int64_t ahead = 0; /* rows of the class that come before this one */
            for (int64_t j = 0; j < N; j++)
                ahead += class_of[j] == class_of[i] && (key[j] > key[i] || (key[j] == key[i] && j < i));
            wrong += taken[i - mine.lo] != (class_of[i] >= 0 && ahead < want[class_of[i]]);
        }
        mck_assert(!wrong, "%d rows are wrong", wrong);
    }
}
END_TEST

enum { MAX_PIXELS = 64 * 64 };

/** A ground truth in which 0 means unlabelled, and its labelled pixels. */
struct picture {
    int64_t height, width, n;
    int32_t class_of[MAX_PIXELS]; /* -1 = unlabelled */
    int64_t at[MAX_PIXELS];       /* labelled pixels */
    int32_t listed[MAX_PIXELS];
};

static void paint(struct picture *p, int64_t height, int64_t width, int64_t salt, int classes)
{
    *p = (struct picture){.height = height, .width = width};
    for (int64_t i = 0; i < height * width; i++) {
        /* patches that wander over lines, and loose pixels */
        int64_t patch = (i / width / 3) * 100 + (i % width + i / width) / 4;
        p->class_of[i] = (int32_t)below(salt * 5000 + (below(i, 4) ? patch : 2000 + i), classes + 1) - 1;
        if (p->class_of[i] < 0) continue;
        p->listed[p->n] = p->class_of[i];
        p->at[p->n++] = i;
    }
}

/** Regions by flooding. @param first out: smallest pixel of each pixel's region */
static void flood(const struct picture *p, int corners, int64_t *first)
{
    static int64_t stack[MAX_PIXELS * 8];
    for (int64_t i = 0; i < p->height * p->width; i++) first[i] = -1;
    for (int64_t i = 0; i < p->height * p->width; i++) {
        int64_t depth = 0;
        if (p->class_of[i] < 0 || first[i] >= 0) continue;
        stack[depth++] = i;
        while (depth) {
            int64_t at = stack[--depth], y = at / p->width, x = at % p->width;
            if (first[at] >= 0) continue;
            first[at] = i;
            for (int64_t dy = -1; dy <= 1; dy++)
                for (int64_t dx = -1; dx <= 1; dx++) {
                    int64_t to = (y + dy) * p->width + x + dx;
                    if (y + dy < 0 || y + dy >= p->height || x + dx < 0 || x + dx >= p->width) continue;
                    if (!corners && dx && dy) continue;
                    if (p->class_of[to] == p->class_of[i] && first[to] < 0) stack[depth++] = to;
                }
        }
    }
}

START_TEST(regions)
{
    static struct picture p;
    static int64_t first[MAX_PIXELS];
    static const int64_t shapes[][2] = {{1, 1}, {1, 40}, {40, 1}, {3, 3}, {17, 23}, {64, 64}};
    for (int64_t t = 0; t < 48; t++) {
        const int64_t *shape = shapes[t % 6];
        int corners = t / 6 % 2;
        paint(&p, shape[0], shape[1], t, 1 + (int)(t % 4));
        flood(&p, corners, first);
        struct ps_range mine = uneven(p.n, t);
        struct split_pixels pixels = {mine.hi - mine.lo, p.width, p.at + mine.lo, p.listed + mine.lo};
        struct split_regions r;
        enum ps_status rc = split_regions_find(MPI_COMM_WORLD, &pixels, corners, &r);
        mck_assert(rc == PS_OK, "picture %ld", (long)t);
        int wrong = 0;
        int64_t sum = 0;
        for (int64_t i = 0; i < r.n; i++) {
            int64_t count = 0;
            for (int64_t k = 0; k < p.height * p.width; k++) count += first[k] == r.list[i].first;
            wrong += count != r.list[i].count || p.class_of[r.list[i].first] != r.list[i].class_of;
            sum += r.list[i].count;
        }
        for (int64_t i = 0; i < pixels.n; i++) wrong += r.list[r.of[i]].first != first[pixels.at[i]];
        mck_assert(!wrong && sum == p.n, "picture %ld: %d wrong, %ld of %ld pixels", (long)t, wrong,
                   (long)sum, (long)p.n);
        split_regions_free(&r);
    }
}
END_TEST

START_TEST(near_ones)
{
    static struct picture p;
    static uint8_t kind[MAX_PIXELS], near[MAX_PIXELS];
    for (int64_t t = 0; t < 30; t++) {
        double distance = (double)(t % 10) * 0.7;
        paint(&p, 5 + t, 40 - t, t, 2);
        struct ps_range mine = uneven(p.n, t);
        for (int64_t i = 0; i < p.n; i++) kind[i] = (uint8_t)(below(i + 9000, 12) == 0);
        struct split_pixels pixels = {mine.hi - mine.lo, p.width, p.at + mine.lo, p.listed + mine.lo};
        enum ps_status rc = split_near(MPI_COMM_WORLD, &pixels, kind + mine.lo, 1, distance, near);
        int wrong = rc != PS_OK;
        for (int64_t i = mine.lo; i < mine.hi; i++) {
            int any = 0;
            for (int64_t j = 0; j < p.n; j++) {
                double dy = (double)(p.at[i] / p.width - p.at[j] / p.width),
                       dx = (double)(p.at[i] % p.width - p.at[j] % p.width);
                any |= kind[j] && dy * dy + dx * dx <= distance * distance;
            }
            wrong += near[i - mine.lo] != any;
        }
        mck_assert(!wrong, "picture %ld, distance %g: %d wrong", (long)t, distance, wrong);
    }
}
END_TEST

/** Goals are met as nearly as whole regions can, and both parts get something. */
START_TEST(assignment)
{
    enum { CLASSES = 3 };
    struct split_region list[30];
    uint8_t train[30];
    const int64_t want[CLASSES] = {50, 1, 10};
    struct split_regions r = {.list = list, .n = 30};
    int64_t count[CLASSES] = {0}, all[CLASSES] = {0}, largest[CLASSES] = {0};
    for (int i = 0; i < 29; i++) list[i] = (struct split_region){i * 10, 1 + below(i, 20), i % 2 ? 0 : 2};
    list[29] = (struct split_region){999, 77, 1}; /* a class of one region */
    enum ps_status rc = split_assign(&r, CLASSES, want, 5, train);
    for (int i = 0; i < 30; i++) {
        int c = list[i].class_of;
        all[c] += list[i].count;
        if (train[i]) count[c] += list[i].count;
        if (list[i].count > largest[c]) largest[c] = list[i].count;
    }
    mck_assert(rc == PS_OK && count[1] == 77, "a single region goes to training");
    mck_assert(count[0] > 0 && count[0] < all[0] && llabs(count[0] - 50) <= largest[0], "class 0: %ld of %ld",
               (long)count[0], (long)all[0]);
    mck_assert(count[2] > 0 && count[2] < all[2] && llabs(count[2] - 10) <= largest[2], "class 2: %ld of %ld",
               (long)count[2], (long)all[2]);
    const int64_t most[CLASSES] = {100000, 1, 0};
    rc = split_assign(&r, CLASSES, most, 5, train);
    int left = 0, taken = 0;
    for (int i = 0; i < 30; i++) {
        left += list[i].class_of == 0 && !train[i];
        taken += list[i].class_of == 2 && train[i];
    }
    mck_assert(rc == PS_OK && left == 1 && taken == 1, "%d left, %d taken", left, taken);
}
END_TEST

/** Cut classes lie on two sides of a line; others stay. */
START_TEST(cutting)
{
    enum { H = 20, W = 31, CLASSES = 3 };
    static int64_t at[H * W];
    static int32_t class_of[H * W];
    static uint8_t train[H * W], all[H * W], sum[H * W];
    const int64_t want[CLASSES] = {37, 5, 1};
    const uint8_t cut[CLASSES] = {1, 0, 1};
    int64_t n = 0, count[CLASSES] = {0};
    for (int64_t i = 0; i < H * W; i++) {
        int64_t y = i / W, x = i % W;
        int c = x < 8 ? 0 : x < 12 && y < 15 ? 1 : y > 10 ? 2 : -1; /* tall, tall, wide */
        if (c < 0) continue;
        at[n] = i;
        class_of[n++] = c;
    }
    for (uint64_t seed = 1; seed < 9; seed++) {
        struct ps_range mine = uneven(n, (int64_t)seed);
        struct split_pixels p = {mine.hi - mine.lo, W, at + mine.lo, class_of + mine.lo};
        memset(train, 7, sizeof train);
        memset(all, 0, sizeof all);
        enum ps_status rc = split_cut(MPI_COMM_WORLD, &p, CLASSES, cut, want, seed, train);
        mck_assert(rc == PS_OK, "cut");
        memcpy(all + mine.lo, train, (size_t)p.n);
        MPI_Allreduce(all, sum, (int)n, MPI_UINT8_T, MPI_SUM, MPI_COMM_WORLD);
        int64_t low[CLASSES] = {0, 0, 0}, high[CLASSES] = {0, 0, 0}, wrong = 0;
        memset(count, 0, sizeof count);
        for (int64_t i = 0; i < n; i++) {
            if (class_of[i] == 1) wrong += sum[i] != 7;
            if (class_of[i] != 1) count[class_of[i]] += sum[i];
            for (int64_t j = 0; j < n;
                 j++) { /* no test pixel has training on both sides along the longer side */
                int64_t d = class_of[i] == 0 ? at[j] / W - at[i] / W : at[j] % W - at[i] % W;
                if (class_of[j] != class_of[i] || class_of[i] == 1 || sum[i] || !sum[j]) continue;
                if (d < 0) low[class_of[i]]++;
                if (d > 0) high[class_of[i]]++;
            }
        }
        for (int c = 0; c < CLASSES; c++) wrong += low[c] && high[c];
        mck_assert(!wrong && count[0] == 37 && count[2] == 1, "%ld wrong, %ld and %ld", (long)wrong,
                   (long)count[0], (long)count[2]);
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *tests[] = {windows, selection, regions, near_ones, assignment, cutting, NULL};
    return mck_main(argc, argv, "split", tests);
}
