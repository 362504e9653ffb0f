/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include "common/par/exchange.h"
#include "common/par/message.h"
#include "kernels/rng.h"
#include <string.h>

enum pattern { NOTHING, ALL_EQUAL, RING, TO_LAST, RANDOM, SELF, PATTERNS };

static int64_t count_of(enum pattern pattern, int from, int to, int size)
{
    switch (pattern) {
    case ALL_EQUAL:
        return 100;
    case RING:
        return to == (from + 1) % size ? 70000 : 0;
    case TO_LAST:
        return to == size - 1 && from % 2 == 0 ? 1000 + from : 0; /* odd ranks send nothing */
    case RANDOM:
        return ps_rng_below((struct ps_rng){.seed = 2}, from * 1000 + to, 0, 2000);
    case SELF:
        return from == to ? 333 : 0;
    default:
        return 0;
    }
}

/** Byte b of item k from rank `from` to rank `to`. */
static unsigned char byte_of(int from, int to, int64_t k, size_t b)
{
    return (unsigned char)(from * 31 + to * 7 + k * 13 + (k >> 8) + (int64_t)b * 3);
}

/** What all ranks sent, this rank's part included, stands in recv. */
static int arrived(const struct ps_exchange *x, enum pattern pattern, size_t item, const unsigned char *recv)
{
    int right = recv[(size_t)x->recv_start[x->size] * item] == 0xA5;
    for (int r = 0; r < x->size; r++) {
        right = right && x->recv_count[r] == count_of(pattern, r, x->rank, x->size);
        for (int64_t k = 0; k < x->recv_count[r]; k++)
            for (size_t b = 0; b < item; b++)
                right = right && recv[(size_t)(x->recv_start[r] + k) * item + b] == byte_of(r, x->rank, k, b);
    }
    return right;
}

/** The own part put in place beforehand, the others' closed up. */
static void check_others(const struct ps_exchange *x, enum pattern pattern, size_t item, unsigned char *send,
                         unsigned char *recv)
{
    const size_t own = (size_t)x->send_count[x->rank] * item, at = (size_t)x->send_start[x->rank] * item;
    memset(recv, 0, (size_t)x->recv_start[x->size] * item);
    memcpy(recv + (size_t)x->recv_start[x->rank] * item, send + at, own);
    memmove(send + at, send + at + own, (size_t)x->send_start[x->size] * item - at - own);
    mck_assert(ps_exchange_others(x, send, recv, item) == PS_OK, "others");
    mck_assert(arrived(x, pattern, item, recv), "others: pattern %d, items of %zu bytes", pattern, item);
}

static void check(enum pattern pattern, size_t item)
{
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    int64_t *count = malloc((size_t)size * sizeof *count);
    for (int r = 0; r < size; r++) count[r] = count_of(pattern, rank, r, size);
    struct ps_exchange x;
    mck_assert(ps_exchange_make(MPI_COMM_WORLD, count, &x) == PS_OK, "make");
    memset(count, 0xff, (size_t)size * sizeof *count); /* the plan keeps its own copy */
    size_t out = (size_t)x.send_start[size] * item, in = (size_t)x.recv_start[size] * item;
    unsigned char *send = malloc(out + 1), *recv = malloc(in + 1), *back = malloc(out + 1);
    for (int r = 0; r < size; r++)
        for (int64_t k = 0; k < x.send_count[r]; k++)
            for (size_t b = 0; b < item; b++)
                send[(size_t)(x.send_start[r] + k) * item + b] = byte_of(rank, r, k, b);
    recv[in] = back[out] = 0xA5;
    mck_assert(ps_exchange_run(&x, send, recv, item) == PS_OK, "run");
    mck_assert(arrived(&x, pattern, item, recv), "pattern %d, items of %zu bytes", pattern, item);
    mck_assert(ps_exchange_back(&x, recv, back, item) == PS_OK, "back");
    mck_assert(memcmp(send, back, out) == 0 && back[out] == 0xA5, "back is not the inverse: pattern %d",
               pattern);
    check_others(&x, pattern, item, send, recv);
    ps_exchange_free(&x);
    free(count), free(send), free(recv), free(back);
}

START_TEST(patterns)
{
    static const size_t items[] = {1, 3, 4, 8, 12, 100};
    for (int p = 0; p < PATTERNS; p++)
        for (size_t i = 0; i < sizeof items / sizeof *items; i++) check(p, items[i]);
}
END_TEST

START_TEST(no_buffers)
{
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    int64_t *none = calloc((size_t)size, sizeof *none);
    struct ps_exchange x;
    mck_assert(ps_exchange_make(MPI_COMM_WORLD, none, &x) == PS_OK, "make");
    mck_assert(ps_exchange_run(&x, NULL, NULL, 8) == PS_OK, "nothing to move");
    ps_exchange_free(&x);
    free(none);
}
END_TEST

START_TEST(long_types)
{
    static const int64_t bytes[] = {0, 1, 2147483647, 2147483648, (1ll << 31) + 12345, 1ll << 40};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        struct ps_message m;
        MPI_Count size;
        mck_assert(ps_message_make(bytes[i], &m) == PS_OK, "make");
        MPI_Type_size_x(m.type, &size);
        mck_assert(size * m.count == bytes[i], "%lld bytes", (long long)bytes[i]);
        ps_message_free(&m);
    }
}
END_TEST

/** One message beyond 2 GiB from rank 0 to rank 1; needs 5 GB of memory. PSML_TEST_LARGE=1 runs it. */
START_TEST(beyond_2_gib)
{
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (size != 2 || !getenv("PSML_TEST_LARGE")) return;
    int64_t n = (5ll << 26) + 3, count[2] = {0, rank == 0 ? n : 0}; /* items of 8 bytes: 2.5 GiB */
    struct ps_exchange x;
    mck_assert(ps_exchange_make(MPI_COMM_WORLD, count, &x) == PS_OK, "make");
    int64_t *data = malloc((size_t)n * sizeof *data);
    for (int64_t i = 0; i < n; i++) data[i] = rank == 0 ? i * 3 : -1;
    mck_assert(ps_exchange_run(&x, data, rank == 0 ? NULL : data, sizeof *data) == PS_OK, "run");
    int right = 1;
    for (int64_t i = 0; i < n; i++) right = right && data[i] == i * 3;
    mck_assert(right, "content");
    free(data);
    ps_exchange_free(&x);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {patterns, no_buffers, long_types, beyond_2_gib, NULL};
    return mck_main(argc, argv, "exchange", tests);
}
