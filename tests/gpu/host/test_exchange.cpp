/* Sums over ranks, and statistics of groups of them; they are processes here, each with a device. */
#include "cucheck.h"
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_RANKS = 5 };
static const int64_t lengths[] = {1, 2, 7, 64, 1000, 100003};

/* Of widely different size, so that every other order shows. */
static float value(int rank, int64_t i)
{
    const struct ps_rng r = {7, (uint32_t)rank};
    return (float)ps_rng_normal(r, i, 0) * powf(10, (float)ps_rng_below(r, i, 1, 6));
}

/* The tree as its definition says it: left half of the next power of two, right half. */
static float tree(int lo, int width, int ranks, int64_t i)
{
    if (width == 1) return value(lo, i);
    const float left = tree(lo, width / 2, ranks, i);
    const int right = lo + width / 2;
    return right < ranks ? left + tree(right, width / 2, ranks, i) : left;
}

static void one(int ranks, int rank, int64_t n, bool exact)
{
    const struct ps_nn_device *d = cuda->device;
    const int64_t bytes = n * (int64_t)sizeof(float);
    float *x = (float *)d->memory->alloc(bytes), *work = (float *)d->memory->alloc(bytes),
          *here = (float *)d->memory->alloc_host(bytes);
    for (int64_t i = 0; i < n; i++) here[i] = value(rank, i);
    d->memory->put(x, here, bytes);
    d->after(PS_NN_EXCHANGE, PS_NN_COMPUTE);
    d->use(PS_NN_EXCHANGE);
    d->sum(x, n, exact, work);
    d->use(PS_NN_COMPUTE);
    d->after(PS_NN_COMPUTE, PS_NN_EXCHANGE);
    d->memory->get(here, x, bytes);
    expect(d->memory->wait() == PS_OK, "rank %d of %d: %s", rank, ranks, d->memory->error());
    int64_t wrong = 0;
    for (int64_t i = 0; i < n; i++) {
        double size = 0;
        for (int r = 0; r < ranks; r++) size += fabs((double)value(r, i));
        const float want = tree(0, 8, ranks, i);
        wrong += exact ? here[i] != want : !(fabs((double)here[i] - want) <= 2 * ranks * SINGLE * size);
    }
    expect(wrong == 0, "rank %d of %d: %lld of %lld sums, %s, are wrong", rank, ranks, (long long)wrong,
           (long long)n, exact ? "exact" : "fast");
    d->memory->free(x);
    d->memory->free(work);
    d->memory->free_host(here);
}

static double shown(int rank, int64_t i, int64_t channels)
{
    const struct ps_rng r = {11, (uint32_t)rank};
    return ps_rng_normal(r, i, 2) + (i < channels ? 100 * rank : 1000);
}

/* Rows that a rank has; every third one has none. */
static double rows_of(int rank)
{
    return rank % 3 == 1 ? 0 : 5 + rank;
}

/* Number i of what [first, first + members) have in common: means are weighted, squares of differences are
 * from the common mean. */
static double together(int first, int members, bool moments, int64_t i, int64_t channels)
{
    double rows = 0, sum = 0, squares = 0;
    const int64_t k = i % channels;
    for (int r = first; r < first + members; r++) {
        rows += rows_of(r);
        sum += moments ? rows_of(r) * shown(r, k, channels) : rows_of(r) > 0 ? shown(r, i, channels) : 0;
    }
    if (!moments || i < channels) return moments ? sum / rows : sum;
    for (int r = first; r < first + members; r++)
        if (rows_of(r) > 0)
            squares += shown(r, i, channels) + rows_of(r) * pow(shown(r, k, channels) - sum / rows, 2);
    return squares;
}

/* Statistics of neighbouring ranks: all in double precision. */
static void one_group(int rank, int members, bool moments, int64_t channels)
{
    const struct ps_nn_device *d = cuda->device;
    const int64_t n = 2 * channels;
    struct ps_nn_group g = {members, rank % members, NULL};
    g.shown = (double *)d->memory->alloc(members * (n + 1) * (int64_t)sizeof(double));
    double *const x = (double *)d->memory->alloc(n * (int64_t)sizeof(double));
    std::vector<double> here((size_t)n);
    for (int64_t i = 0; i < n; i++) here[(size_t)i] = shown(rank, i, channels);
    d->memory->put(x, here.data(), n * (int64_t)sizeof(double));
    d->group(&g, moments, channels, rows_of(rank), rows_of(rank) > 0 ? x : NULL);
    d->memory->get(here.data(), x, n * (int64_t)sizeof(double));
    expect(d->memory->wait() == PS_OK, "rank %d: %s", rank, d->memory->error());
    int64_t wrong = 0;
    for (int64_t i = 0; i < n && rows_of(rank) > 0; i++) {
        const double want = together(rank - g.member, members, moments, i, channels);
        wrong += !(fabs(here[(size_t)i] - want) <= 1e-13 * (1000 + fabs(want)));
    }
    expect(wrong == 0, "rank %d of a group of %d: %lld of %lld numbers are wrong", rank, members,
           (long long)wrong, (long long)n);
    d->memory->free(x);
    d->memory->free(g.shown);
}

/* @param pipes the name goes from rank 0 to the others */
static int one_rank(int ranks, int rank, const int pipes[MOST_RANKS][2])
{
    const struct ps_cuda *plugin = ps_cuda_plugin();
    char text[400], id[PS_NN_ID];
    expect(plugin->open(0, true, text, sizeof text) == PS_OK, "%s", text);
    cuda = plugin->nn_bf16;
    if (rank == 0) expect(cuda->device->name(id) == PS_OK, "no name");
    for (int r = 1; r < ranks && rank == 0; r++)
        expect(write(pipes[r][1], id, sizeof id) == PS_NN_ID, "write");
    if (rank > 0) expect(read(pipes[rank][0], id, sizeof id) == PS_NN_ID, "read");
    expect(cuda->device->join(ranks, rank, id) == PS_OK, "rank %d of %d: %s", rank, ranks,
           cuda->device->memory->error());
    for (const int64_t n : lengths)
        for (const bool exact : {false, true}) one(ranks, rank, n, exact);
    for (const int members : {2, 3, (int)MOST_RANKS})
        for (const bool moments : {false, true})
            for (const int64_t channels : {1, 64, 300})
                if (ranks % members == 0) one_group(rank, members, moments, channels);
    cuda->device->leave();
    plugin->close();
    return failures > 0;
}

static void run(int ranks)
{
    int pipes[MOST_RANKS][2];
    pid_t child[MOST_RANKS];
    for (int r = 0; r < ranks; r++) expect(pipe(pipes[r]) == 0, "pipe");
    fflush(stdout);
    for (int r = 0; r < ranks; r++) {
        child[r] = fork();
        if (child[r] == 0) exit(one_rank(ranks, r, pipes));
    }
    for (int r = 0; r < ranks; r++) {
        int status = 1;
        expect(waitpid(child[r], &status, 0) == child[r] && status == 0, "rank %d of %d: status %d", r, ranks,
               status);
        close(pipes[r][0]);
        close(pipes[r][1]);
    }
}

int main()
{
    for (const int ranks : {1, 2, 3, 4, (int)MOST_RANKS}) run(ranks);
    printf("exchange: %d failures\n", failures);
    return failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
