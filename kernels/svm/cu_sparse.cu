/* Scalar products of compressed rows: a block spreads a panel of b's rows out in shared memory,
 * [columns][32], some of the columns that occur in it at a time, and its warps go over the entries of a's
 * rows, a lane for each of b's. A hash table finds the place of an entry's column; entries of other columns
 * are passed over. Zeros add nothing to a sum, so the bits are those of the chain over common columns. Shared
 * memory bounds it: two reads of a warp for 32 multiply-adds. */
#include "kernels/svm/cu_block.h"

enum { THREADS = 512, WARPS = THREADS / 32, MOST = 8 /* rows of a warp */, NONE = -1 };

/* What is spread out of a panel: SLOTS columns at most. */
template <int SLOTS> struct spread {
    static constexpr int places = 4 * SLOTS; /* of the hash table */
    static constexpr int shift = SLOTS == 512 ? 21 : 22;
    float value[SLOTS * PS_SVM_PANEL];
    int32_t key[places];
    struct {
        int32_t at; /* of a line of `value` */
        float value;
    } found[WARPS][32];
    uint16_t slot[places];

    __device__ static int place_of(int32_t column)
    {
        return (int)((uint32_t)column * 2654435769u >> shift);
    }
    __device__ void insert(int32_t column, int at)
    {
        int h = place_of(column);
        while (atomicCAS(&key[h], (int32_t)NONE, column) != NONE) h = (h + 1) % places;
        slot[h] = (uint16_t)at;
    }
    __device__ int find(int32_t column) const
    {
        for (int h = place_of(column); key[h] != NONE; h = (h + 1) % places)
            if (key[h] == column) return slot[h];
        return NONE;
    }
};

/* Columns [lo, hi) of a panel. */
struct piece {
    int64_t panel;
    int lo, hi;
};

template <int SLOTS>
__device__ static void spread_out(const struct ps_svm_job_cu &t, const struct piece &p, int columns,
                                  struct spread<SLOTS> *s)
{
    const struct ps_svm_columns_cu &b = t.columns;
    const int64_t first = b.first[p.panel], base = t.b.start[p.panel * PS_SVM_PANEL];
    const int64_t end = min(p.panel * PS_SVM_PANEL + PS_SVM_PANEL, t.b.n);
    const int64_t last = p.hi < columns ? base + b.entry[first + p.hi] : t.b.start[end];
    __syncthreads(); /* all are done with the piece before */
    for (int e = (int)threadIdx.x; e < (p.hi - p.lo) * PS_SVM_PANEL; e += THREADS) s->value[e] = 0;
    for (int h = (int)threadIdx.x; h < s->places; h += THREADS) s->key[h] = NONE;
    __syncthreads();
    for (int c = p.lo + (int)threadIdx.x; c < p.hi; c += THREADS) s->insert(b.column[first + c], c - p.lo);
    for (int64_t e = base + b.entry[first + p.lo] + threadIdx.x; e < last; e += THREADS)
        s->value[b.cell[e] - p.lo * PS_SVM_PANEL] = b.value[e];
    __syncthreads();
}

/* Go on with a row's entries of columns below `limit`, from *at on, which are 32 at a time. */
template <int SLOTS>
__device__ static float go_on(const struct ps_svm_pack &a, int64_t *at, int64_t end, int32_t limit,
                              struct spread<SLOTS> *s, float sum)
{
    const int warp = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32;
    for (int within = 32; within == 32; *at += within) {
        const int64_t e = *at + lane;
        const int32_t column = e < end ? a.index[e] : INT32_MAX;
        const int slot = column < limit ? s->find(column) : (int)NONE;
        const unsigned found = __ballot_sync(~0u, slot != NONE);
        within = __popc(__ballot_sync(~0u, column < limit));
        if (slot != NONE) {
            auto &to = s->found[warp][__popc(found & ((1u << lane) - 1))];
            to.at = slot * PS_SVM_PANEL;
            to.value = a.value[e];
        }
        __syncwarp();
        const int n = __popc(found);
        PS_UNROLL(4)
        for (int q = 0; q < n; q++)
            sum = fmaf(s->found[warp][q].value, s->value[s->found[warp][q].at + lane], sum);
        __syncwarp();
    }
    return sum;
}

/* Kernel values of a warp's rows from i on, where they go. */
__device__ static void tile_out(const struct ps_svm_job_cu &t, int64_t i, int64_t j, int per,
                                float (&sum)[MOST])
{
    const bool there = j >= t.blo && j < t.bhi;
    const float nb = there ? t.b.norm[j] : 0;
    PS_UNROLL_ALL
    for (int r = 0; r < MOST; r++) {
        if (r >= per || i + r >= t.ahi || !there) continue;
        sum[r] = ps_svm_finish_cu(t.finish, sum[r], t.a.norm[i + r], nb);
        t.out[(i + r - t.alo) * t.stride + (j - t.blo)] = sum[r];
    }
    if (!t.mirror || !there) return;
    /* on the other side row j begins with panels that its tile passed over */
    const int64_t top = t.alo + (j - t.alo) / (WARPS * MOST) * (WARPS * MOST),
                  hi = top / PS_SVM_PANEL * PS_SVM_PANEL;
    ps_svm_store_cu(t, j, i, hi, make_float4(sum[0], sum[1], sum[2], sum[3]));
    ps_svm_store_cu(t, j, i + 4, hi, make_float4(sum[4], sum[5], sum[6], sum[7]));
}

/* A panel with WARPS * per rows. */
template <int SLOTS>
static __global__ void __launch_bounds__(THREADS, 2)
    tile(const __grid_constant__ struct ps_svm_job_cu t, int per, int64_t tall)
{
    PS_SHARED_DYNAMIC(struct spread<SLOTS>, s);
    const int warp = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32;
    const int64_t panel = t.blo / PS_SVM_PANEL + blockIdx.x / tall;
    const int64_t top = t.alo + blockIdx.x % tall * WARPS * per, i = top + warp * per;
    const int columns = (int)(t.columns.first[panel + 1] - t.columns.first[panel]);
    if (t.mirror && top >= (panel + 1) * PS_SVM_PANEL) return;
    const bool mine = lane < per && i + lane < t.ahi; /* lane r keeps where row r is */
    int64_t at = mine ? t.a.start[i + lane] : 0;
    const int64_t end = mine ? t.a.start[i + lane + 1] : 0;
    float sum[MOST] = {};
    for (struct piece p = {panel, 0, 0}; p.lo < columns; p.lo = p.hi) {
        p.hi = min(p.lo + SLOTS, columns);
        spread_out<SLOTS>(t, p, columns, s);
        const int32_t limit = p.hi < columns ? t.columns.column[t.columns.first[panel] + p.hi] : INT32_MAX;
        PS_UNROLL_ALL
        for (int r = 0; r < MOST; r++) {
            int64_t now = __shfl_sync(~0u, at, r);
            const int64_t last = __shfl_sync(~0u, end, r);
            if (now < last) sum[r] = go_on<SLOTS>(t.a, &now, last, limit, s, sum[r]);
            if (lane == r) at = now;
        }
    }
    tile_out(t, i, panel * PS_SVM_PANEL + lane, per, sum);
}

template <int SLOTS> static void launch(struct ps_svm_job_cu t)
{
    const int64_t panels = (t.bhi - 1) / PS_SVM_PANEL - t.blo / PS_SVM_PANEL + 1, rows = t.ahi - t.alo;
    int per = MOST;
    while (per > 1 && (rows + WARPS * per - 1) / (WARPS * per) * panels < 2 * ps_cuda_processors()) per /= 2;
    const int64_t tall = (rows + WARPS * per - 1) / (WARPS * per);
    const size_t shared = sizeof(struct spread<SLOTS>);
    t.mirror = t.mirror && per == MOST;
    PS_CU(cudaFuncSetAttribute(tile<SLOTS>, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared));
    PS_LAUNCH(tile<SLOTS>, (unsigned)(tall * panels), THREADS, shared, t, per, tall);
}

void ps_svm_sparse_cu(const struct ps_svm_job_cu *job)
{
    int room = 0, device = 0;
    PS_CU(cudaGetDevice(&device));
    PS_CU(cudaDeviceGetAttribute(&room, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
    if (room >= (int)sizeof(struct spread<512>))
        launch<512>(*job);
    else
        launch<256>(*job);
}
