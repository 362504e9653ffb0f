/* ranks: 1 2 */
#include "mpicheck.h"
#include <math.h>
#include <stdbool.h>
#include "common/nn/overlap.h"

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-12;
}

/* 4 nodes: 6 messages of a quarter each. */
START_TEST(ring)
{
    const struct ps_network network = {.latency = 1e-3, .bandwidth = 1e6};
    mck_assert(near(ps_network_allreduce(&network, 4, 8000), 6 * (1e-3 + 2e-3)), "%g",
               ps_network_allreduce(&network, 4, 8000));
    mck_assert(ps_network_allreduce(&network, 1, 8000) == 0, "one node sends nothing");
}
END_TEST

/* Buckets of 100 elements of 4 bytes, 2 nodes: 2 messages of 200 bytes, 1 s a bucket. */
START_TEST(exposed)
{
    const struct ps_network network = {.latency = 0, .bandwidth = 400};
    struct ps_overlap o = {.point = NULL};
    ps_overlap_begin(&o, 250);
    ps_overlap_add(&o, 240, 1);  /* no bucket is full */
    ps_overlap_add(&o, 100, 2);  /* [150, 250): 2 to 3 */
    ps_overlap_add(&o, 40, 2.5); /* [50, 150): waits, 3 to 4 */
    ps_overlap_add(&o, 0, 3);    /* [0, 50): half of a bucket, 4 to 4.5 */
    mck_assert(near(ps_overlap_exposed(&o, &network, 2, 400, 4), 1.5), "%g",
               ps_overlap_exposed(&o, &network, 2, 400, 4));
    mck_assert(near(ps_overlap_exposed(&o, &network, 1, 400, 4), 0), "one node");
    /* in one bucket all of it comes after the end: 1000 bytes in 2 messages */
    mck_assert(near(ps_overlap_exposed(&o, &network, 2, 4000, 4), 2.5), "%g",
               ps_overlap_exposed(&o, &network, 2, 4000, 4));
    /* bf16: half as many bytes; the last bucket is done at 3.25 */
    mck_assert(near(ps_overlap_exposed(&o, &network, 2, 200, 2), 0.25), "%g",
               ps_overlap_exposed(&o, &network, 2, 200, 2));
    ps_overlap_begin(&o, 10);
    ps_overlap_add(&o, 0, 7);
    mck_assert(near(ps_overlap_exposed(&o, &network, 2, 4, 4), 0.1), "begun anew: %g",
               ps_overlap_exposed(&o, &network, 2, 4, 4));
    ps_overlap_free(&o);
}
END_TEST

/* What was measured gives back about what it was measured from: an allreduce takes some time, and less than
 * a second for a megabyte. */
START_TEST(measured)
{
    struct ps_network network;
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (size == 1) return;
    mck_assert(ps_network_measure(MPI_COMM_WORLD, 1 << 20, &network) == PS_OK, "measure");
    mck_assert(network.latency > 0 && network.latency < 0.1, "latency %g", network.latency);
    mck_assert(network.bandwidth > 1e6 && network.bandwidth < 1e13, "bandwidth %g", network.bandwidth);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {ring, exposed, measured, NULL};
    return mck_main(argc, argv, "overlap", tests);
}
