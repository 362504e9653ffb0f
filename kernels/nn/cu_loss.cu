#include "kernels/nn/cu.h"
#include "kernels/nn/cu_groups.h"

/* What blocks found of a loss. Losses follow each other in one queue. */
static __device__ double partial[PS_GROUPS_BLOCKS];

/** A loss of n rows, and where it goes. */
struct rows {
    int64_t n, out;
    const float *x;
    const void *target;
    double scale, kept, other; /* of smoothing: share of the label, and of each class */
    float *dx;                 /* NULL: not wanted */
};

/** What is wanted of class k of row i. */
template <bool SHARES> __device__ static float share_of(const struct rows &r, int64_t i, int64_t k)
{
    if (SHARES) return (float)(r.kept * ((const float *)r.target)[i * r.out + k] + r.other);
    return (float)(r.other + (((const int32_t *)r.target)[i] == k ? r.kept : 0));
}

/** Loss of row i; thread `lane` of the row's group adds its own part. */
template <int GROUP, bool SHARES>
__device__ static double softmax_row(const struct rows &r, int64_t i, int lane, double *shared)
{
    const float *x = r.x + i * r.out;
    const bool any = i < r.n;
    float most = -INFINITY;
    double sum = 0, shares = 0, reached = 0;
    for (int64_t k = lane; any && k < r.out; k += GROUP) most = ps_larger(most, x[k]);
    most = ps_group_most<GROUP>(most, shared);
    for (int64_t k = lane; any && k < r.out; k += GROUP) {
        const float z = x[k] - most, share = share_of<SHARES>(r, i, k);
        sum += expf(z);
        shares += share;
        reached += (double)share * z;
    }
    sum = ps_group_sum<GROUP>(sum, shared);
    shares = ps_group_sum<GROUP>(shares, shared);
    reached = ps_group_sum<GROUP>(reached, shared);
    for (int64_t k = lane; any && r.dx && k < r.out; k += GROUP)
        r.dx[i * r.out + k] =
            (float)(r.scale * (shares * expf(x[k] - most) / sum - share_of<SHARES>(r, i, k)));
    return any && lane == 0 ? shares * log(sum) - reached : 0;
}

/* Reads a row, once from memory, and writes its gradient: 8 bytes an element, 12 with shares. */
template <int GROUP, bool SHARES> static __global__ void softmax(struct rows r)
{
    __shared__ double shared[PS_WARPS];
    const int group = (int)threadIdx.x / GROUP, lane = (int)threadIdx.x % GROUP;
    const int64_t together = PS_GROUPS_BLOCK / GROUP;
    double loss = 0;
    for (int64_t first = blockIdx.x * together; first < r.n; first += gridDim.x * together)
        loss += softmax_row<GROUP, SHARES>(r, first + group, lane, shared);
    loss = ps_group_sum<PS_GROUPS_BLOCK>(loss, shared);
    if (threadIdx.x == 0) partial[blockIdx.x] = loss;
}

/** Loss of one element, and its derivative. */
__device__ static float one_loss(enum ps_nn_loss_kind kind, float x, float t, float *slope)
{
    const float d = x - t, e = expf(-fabsf(x));
    switch (kind) {
    case PS_NN_LOSS_SQUARES:
        *slope = 2 * d;
        return d * d;
    case PS_NN_LOSS_ABSOLUTE:
        *slope = (float)((d > 0) - (d < 0));
        return fabsf(d);
    default:
        *slope = (x < 0 ? e : 1) / (1 + e) - t;
        return (x > 0 || x != x ? x : 0) - x * t + log1pf(e);
    }
}

/* Reads x and target and writes dx: 12 bytes an element. */
static __global__ void pointwise(struct rows r, enum ps_nn_loss_kind kind)
{
    __shared__ double shared[PS_WARPS];
    const int64_t n = r.n * r.out, step = (int64_t)gridDim.x * PS_GROUPS_BLOCK;
    double loss = 0;
    for (int64_t i = (int64_t)blockIdx.x * PS_GROUPS_BLOCK + threadIdx.x; i < n; i += step) {
        float slope;
        loss += one_loss(kind, r.x[i], ((const float *)r.target)[i], &slope);
        if (r.dx) r.dx[i] = (float)r.scale * slope;
    }
    loss = ps_group_sum<PS_GROUPS_BLOCK>(loss, shared);
    if (threadIdx.x == 0) partial[blockIdx.x] = loss;
}

/* One block. */
static __global__ void total(int blocks, double *sum, bool add)
{
    __shared__ double shared[PS_WARPS];
    double mine = 0;
    for (int i = (int)threadIdx.x; i < blocks; i += PS_GROUPS_BLOCK) mine += partial[i];
    mine = ps_group_sum<PS_GROUPS_BLOCK>(mine, shared);
    if (threadIdx.x == 0) *sum = add ? *sum + mine : mine;
}

void ps_nn_loss_cu(const struct ps_nn_loss *l, int64_t n, const void *x, const void *target, double scale,
                   void *dx, double *sum, bool add)
{
    const bool shares = l->kind == PS_NN_LOSS_SHARES, classes = shares || l->kind == PS_NN_LOSS_SOFTMAX;
    const bool is_long = l->out > PS_LONG;
    const struct rows r = {
        n,          l->out, (const float *)x, target, scale, 1 - l->smoothing, l->smoothing / (double)l->out,
        (float *)dx};
    const unsigned blocks =
        classes ? ps_groups_blocks(n, is_long ? PS_GROUPS_BLOCK : PS_WARP) : ps_groups_blocks(n * l->out, 1);
    auto *const kernel = shares    ? is_long ? softmax<PS_GROUPS_BLOCK, true> : softmax<PS_WARP, true>
                            : is_long ? softmax<PS_GROUPS_BLOCK, false>
                                   : softmax<PS_WARP, false>;
    if (classes)
        PS_LAUNCH(kernel, blocks, PS_GROUPS_BLOCK, 0, r);
    else
        PS_LAUNCH(pointwise, blocks, PS_GROUPS_BLOCK, 0, r, l->kind);
    PS_LAUNCH(total, 1, PS_GROUPS_BLOCK, 0, (int)blocks, sum, add);
}

static __global__ void check(const double *sum, float *bad)
{
    if (!isfinite(*sum)) *bad = 1;
}

void ps_nn_check_cu(const double *sum, float *bad)
{
    PS_LAUNCH(check, 1, 1, 0, sum, bad);
}
