/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "common/nn/gradients_device.h"
#include "common/nn/gradients_tree.h"
#include "kernels/nn/nn_device.h"

enum {
    GRAINS_MAX = 40,
    LINE = 64, /* buckets begin at multiples of so many elements */
    WIDTH = PS_GRADIENT_BUCKET / (int)sizeof(float)
};

/* --- a device that is memory of the host, does at once what it is told, and looks whether it may --- */

static struct {
    int rank, ranks;
    bool exact;
    float *stack; /* what was allocated first */
    enum ps_nn_queue queue;
    bool behind,
        joined;   /* has compute work that exchange does not come after? does compute after exchange? */
    int64_t from; /* elements from here on are final */
    int64_t next; /* element that the last bucket began with */
    int64_t buckets, wrong;
} device;

static void *alloc(int64_t bytes)
{
    void *there = aligned_alloc(256, ((size_t)bytes + 255) / 256 * 256);
    if (there) memset(there, 0xff, (size_t)bytes); /* no numbers */
    if (!device.stack) device.stack = there;
    return there;
}

static void put(void *there, const void *here, int64_t bytes)
{
    device.wrong += device.queue != PS_NN_COMPUTE;
    device.behind = true;
    memcpy(there, here, (size_t)bytes);
}

static void add(int64_t n, const void *from, void *to)
{
    const float *x = from;
    float *y = to;
    device.wrong += device.queue != PS_NN_COMPUTE;
    device.behind = true;
    for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

static void use(enum ps_nn_queue queue)
{
    device.queue = queue;
}

static void after(enum ps_nn_queue queue, enum ps_nn_queue of)
{
    if (queue == PS_NN_EXCHANGE && of == PS_NN_COMPUTE) device.behind = false;
    if (queue == PS_NN_COMPUTE && of == PS_NN_EXCHANGE) device.joined = true;
}

static enum ps_status name(char id[PS_NN_ID])
{
    memcpy(id, "one for all", 12);
    return PS_OK;
}

static enum ps_status join(int ranks, int rank, const char id[PS_NN_ID])
{
    device.wrong += ranks != device.ranks || rank != device.rank || strcmp(id, "one for all") != 0;
    return PS_OK;
}

static void leave(void) {}

/* Vectors of ranks [lo, lo + width) along the tree; the first of them becomes the sum. */
static void add_tree(float *of_ranks, int64_t n, int lo, int width)
{
    const int right = lo + width / 2;
    if (width == 1) return;
    add_tree(of_ranks, n, lo, width / 2);
    if (right >= device.ranks) return;
    add_tree(of_ranks, n, right, width / 2);
    for (int64_t i = 0; i < n; i++) of_ranks[lo * n + i] += of_ranks[right * n + i];
}

static void sum(float *x, int64_t n, bool exact, float *work)
{
    float *all = malloc((size_t)(n * device.ranks) * sizeof *all);
    const int64_t lo = x - device.stack;
    device.wrong += device.queue != PS_NN_EXCHANGE || device.behind || exact != device.exact ||
                    (exact && !work) || lo + n != device.next || lo < device.from || lo % LINE != 0 ||
                    n > WIDTH;
    device.next = lo;
    device.joined = false;
    device.buckets++;
    MPI_Allgather(x, (int)n, MPI_FLOAT, all, (int)n, MPI_FLOAT, MPI_COMM_WORLD);
    if (exact)
        add_tree(all, n, 0, 4);
    else
        for (int r = 1; r < device.ranks; r++)
            for (int64_t i = 0; i < n; i++) all[i] += all[r * n + i];
    memcpy(x, all, (size_t)n * sizeof *x);
    free(all);
}

static const struct ps_device_memory memory = {.alloc = alloc, .free = free, .put = put};
static const struct ps_nn_device functions = {
    .memory = &memory, .use = use, .after = after, .name = name, .join = join, .leave = leave, .sum = sum};
static const struct ps_nn_kernels kernels = {.real = sizeof(float), .device = &functions, .add = add};

/* --- what the sums should be --- */

struct way {
    int64_t grains; /* of a rank */
    int64_t n;      /* weights and buffers */
    bool exact;
    int64_t empty; /* every so many grains of the run has no samples; 0: none */
    int idle;      /* rank without any; -1: none */
    int64_t piece; /* elements that become final at a time; 0: nothing is told before the end */
};

/* Of widely different size, so that another order of addition shows, and zeros whose sign an addition of zero
 * would change. */
static float value(int64_t grain, int64_t i)
{
    const uint32_t h = (uint32_t)(grain + 1) * 2654435761u ^ (uint32_t)i * 2246822519u;
    if (i % 97 == 0) return -0.0f;
    return (float)((int32_t)(h * 3266489917u) >> 8) * (float)(1 << (h >> 28)) * 0x1p-30f;
}

static bool is_empty(const struct way *w, int rank, int64_t grain)
{
    const int64_t all = rank * w->grains + grain;
    return rank == w->idle || (w->empty > 0 && all % w->empty == w->empty - 1);
}

/* Grains [lo, lo + width) of a rank along the tree. @return are there any? */
static bool tree(const struct way *w, int rank, int64_t lo, int64_t width, int64_t i, float *total)
{
    float right;
    if (lo >= w->grains) return false;
    if (width == 1) {
        *total = value(rank * w->grains + lo, i);
        return !is_empty(w, rank, lo);
    }
    const bool is_left = tree(w, rank, lo, width / 2, i, total);
    if (!tree(w, rank, lo + width / 2, width / 2, i, &right)) return is_left;
    *total = is_left ? *total + right : right;
    return true;
}

/* Ranks [lo, lo + width) along the tree, or one after the other. @return are there any? */
static bool over_ranks(const struct way *w, int lo, int width, int64_t i, float *total)
{
    float right;
    if (lo >= device.ranks) return false;
    if (width == 1) return tree(w, lo, 0, 64, i, total);
    const int half = w->exact ? width / 2 : width - 1;
    const bool is_left = over_ranks(w, lo, half, i, total);
    if (!over_ranks(w, lo + half, width - half, i, &right)) return is_left;
    *total = is_left ? *total + right : right;
    return true;
}

/* --- steps --- */

/* Elements of the last grain, from the end to the beginning, as a backward pass tells them. */
static void tell(struct ps_gradients_device *g, const struct way *w, int64_t grain, float *to)
{
    for (int64_t hi = w->n; hi > 0;) {
        const int64_t lo = w->piece > 0 && hi > w->piece ? hi - w->piece : 0;
        for (int64_t i = lo; i < hi; i++) to[i] = value(grain, i);
        device.from = lo;
        if (w->piece > 0) ps_gradients_device_ready(g, lo, hi);
        hi = lo;
    }
}

static void go_through(struct ps_gradients_device *g, const struct way *w)
{
    int64_t grain[GRAINS_MAX + 1], n = 0;
    struct ps_gradients_turn turn[GRAINS_MAX];
    for (int64_t k = 0; k < w->grains; k++)
        if (!is_empty(w, device.rank, k)) grain[n++] = k;
    grain[n] = w->grains;
    for (int64_t k = 0; k < n; k++) turn[k] = ps_gradients_device_turn(g, grain[k], grain[k + 1]);
    for (int e = 0; e < PS_GRADIENT_EXTRA; e++) ps_gradients_device_vector(g, 0)[w->n + e] = (float)(1 << e);
    for (int64_t k = 0; k < n; k++) {
        float *to = ps_gradients_device_vector(g, turn[k].vector);
        device.wrong += turn[k].vector >= ps_tree_depth(0, w->grains) || turn[k].adds > turn[k].vector;
        if (k == n - 1) {
            ps_gradients_device_begin(g, turn[k]);
            tell(g, w, device.rank * w->grains + grain[k], to);
        } else {
            for (int64_t i = 0; i < w->n; i++) to[i] = value(device.rank * w->grains + grain[k], i);
            ps_gradients_device_add(g, turn[k]);
        }
    }
    if (n == 0) {
        device.from = 0;
        ps_gradients_device_nothing(g);
    }
    ps_gradients_device_end(g);
}

/* Two steps; in the second memory holds what the first left. */
static void run(const struct way *w)
{
    const struct ps_net net = {.kernels = &kernels, .weights = w->n - 3, .buffers = 3};
    const int64_t all = w->n + PS_GRADIENT_EXTRA, buckets = (all + WIDTH - 1) / WIDTH;
    struct ps_gradients_device *g;
    memset(&device, 0, sizeof device);
    device.exact = w->exact;
    MPI_Comm_rank(MPI_COMM_WORLD, &device.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &device.ranks);
    mck_assert(ps_gradients_device_open(MPI_COMM_WORLD, &net, w->grains, w->exact, &g) == PS_OK, "open");
    for (int step = 0; step < 2; step++) {
        int64_t bad = 0;
        device.next = all;
        device.buckets = 0;
        device.from = w->n;
        go_through(g, w);
        const float *got = ps_gradients_device_vector(g, 0);
        for (int64_t i = 0; i < w->n; i += w->n < WIDTH / 2 ? 1 : 13) {
            float want;
            if (!over_ranks(w, 0, 4, i, &want)) want = got[i]; /* a step without samples is not made */
            bad += memcmp(&want, &got[i], sizeof want) != 0;
        }
        for (int e = 0; e < PS_GRADIENT_EXTRA; e++) bad += got[w->n + e] != (float)(device.ranks << e);
        mck_assert(bad == 0, "%lld wrong sums: %lld grains, exact %d, empty %d, idle %d", (long long)bad,
                   (long long)w->grains, w->exact, (int)w->empty, w->idle);
        mck_assert(device.wrong == 0, "%lld wrong calls", (long long)device.wrong);
        mck_assert(device.buckets == (device.ranks > 1 ? buckets : 0), "%lld buckets",
                   (long long)device.buckets);
        mck_assert(device.ranks == 1 || (device.next == 0 && device.joined), "the sum is not waited for");
    }
    const struct ps_gradients_count count = ps_gradients_device_count(g);
    const int64_t others = device.ranks - 1, bytes = 2 * others * all * 4 / device.ranks;
    mck_assert(count.messages == 2 * others * device.buckets, "%lld messages", (long long)count.messages);
    mck_assert(count.bytes == bytes, "%lld bytes, not %lld", (long long)count.bytes, (long long)bytes);
    ps_gradients_device_close(g);
}

/* A rank's grains are added along the tree whatever their number, and so are ranks where their grains are
 * whole parts of it. */
START_TEST(bits_of_the_tree)
{
    for (int64_t grains = 1; grains <= GRAINS_MAX; grains = grains < 9 ? grains + 1 : grains + 9)
        for (int64_t empty = 0; empty <= 4; empty++) {
            const bool whole = (grains & (grains - 1)) == 0;
            for (int exact = 0; exact <= whole; exact++)
                run(&(struct way){grains, 500, exact, empty == 1 ? 0 : empty, -1, empty % 2 ? 0 : 77});
        }
}
END_TEST

START_TEST(ranks_without_samples)
{
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    for (int idle = 0; idle < size && size > 1; idle++)
        for (int exact = 0; exact <= 1; exact++) run(&(struct way){4, 1000, exact, 0, idle, 0});
}
END_TEST

/* A vector of one bucket, one just beyond, and one of several. */
START_TEST(buckets)
{
    const int64_t n[] = {WIDTH - PS_GRADIENT_EXTRA, WIDTH, 2 * WIDTH + 1000};
    for (int k = 0; k < 3; k++)
        run(&(struct way){2, n[k], k % 2 == 0, 0, k == 1 ? 0 : -1, k == 0 ? 0 : 300001});
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {bits_of_the_tree, ranks_without_samples, buckets, NULL};
    return mck_main(argc, argv, "nn_gradients_device", tests);
}
