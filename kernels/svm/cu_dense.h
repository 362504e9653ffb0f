/** Tiles of scalar products of dense panels.
 *
 * Each product is one chain of fused multiply-adds over the features in their order, as on the host, so that
 * a kernel value has the same bits wherever and in whatever tile it is computed, and matrices are symmetric
 * to the bit. That is why these are products in single precision of our own: cuBLAS cuts sums as it likes,
 * and TF32 rounds what it multiplies.
 *
 * A tile of M x N takes 4 (M + N) bytes a feature from the second cache for 2 M N operations: 32 operations a
 * byte at 128 x 128, for 2 TB/s at full rate. In a thread M x N = 8 x 8 take 64 bytes of shared memory a
 * feature for 64 multiply-adds, which is what a multiprocessor delivers, as threads of a warp share them. */
#ifndef PS_SVM_CU_DENSE_H
#define PS_SVM_CU_DENSE_H

#include "kernels/svm/cu_block.h"
#include "kernels/svm/cu_copy.h"

/** Features that are in shared memory, twice: in use and on their way. */
static constexpr int PS_SVM_STEP = 16;
/** Rows of tiles that blocks go through side by side: they share columns. */
static constexpr int PS_SVM_TOGETHER = 8;

/** A tile, and what of it a thread has: R x C values, in groups of four rows and four columns. */
template <int M, int N, int R, int C> struct ps_svm_tiling {
    static constexpr int rows = M, cols = N, tall = R, broad = C;
    static constexpr int down = M / R, across = N / C, threads = down * across;
    static constexpr int warp_down = down < 4 ? down : 4, warp_across = 32 / warp_down;
    static_assert(across % warp_across == 0 && M % 4 == 0 && threads % 32 == 0);
};

/** A side's rows from `first` on, a multiple of 4, as a thread copies them: four of them, of some features.
 */
template <class T, int ROWS> struct ps_svm_side {
    static constexpr int chunks = ROWS / 4, stride = T::threads / chunks;
    const float *from;
    int chunk, feature;

    __device__ ps_svm_side(const struct ps_svm_pack &p, int64_t first)
    {
        chunk = (int)threadIdx.x % chunks * 4;
        feature = (int)threadIdx.x / chunks;
        /* of rows beyond the last panel, which nobody wants, others are read */
        const int64_t last = (p.n - 1) / PS_SVM_PANEL, panel = (first + chunk) / PS_SVM_PANEL;
        from = p.panel + ((panel < last ? panel : last) * p.cols + feature) * PS_SVM_PANEL +
               (first + chunk) % PS_SVM_PANEL;
    }

    /** Features [0, count) of those that come next. */
    __device__ void copy(float *shared, int count)
    {
        PS_UNROLL_ALL
        for (int k = 0; k < PS_SVM_STEP; k += stride)
            if (feature + k < count && (stride <= PS_SVM_STEP || feature < PS_SVM_STEP))
                ps_svm_copy16(shared + (feature + k) * ROWS + chunk, from + k * (int)PS_SVM_PANEL);
        from += PS_SVM_STEP * (int)PS_SVM_PANEL;
    }
};

/** Where in a tile a thread's values are. */
template <class T> struct ps_svm_place {
    int row, col; /* of the first group */

    __device__ ps_svm_place()
    {
        const int warp = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32;
        constexpr int beside = T::across / T::warp_across;
        row = 4 * (warp / beside * T::warp_down + lane / T::warp_across);
        col = 4 * (warp % beside * T::warp_across + lane % T::warp_across);
    }
};

template <int N, int APART> __device__ static inline void ps_svm_read(float (&v)[N], const float *shared)
{
    PS_UNROLL_ALL
    for (int g = 0; g < N; g += 4) {
        const float4 four = *(const float4 *)(shared + g / 4 * APART);
        v[g] = four.x, v[g + 1] = four.y, v[g + 2] = four.z, v[g + 3] = four.w;
    }
}

/** One feature. */
template <class T, bool DISTANCE>
__device__ static inline void ps_svm_chain_on(float (&sum)[T::tall][T::broad], const float *a, const float *b)
{
    float x[T::tall], y[T::broad];
    ps_svm_read<T::tall, 4 * T::down>(x, a);
    ps_svm_read<T::broad, 4 * T::across>(y, b);
    PS_UNROLL_ALL
    for (int r = 0; r < T::tall; r++) {
        PS_UNROLL_ALL
        for (int c = 0; c < T::broad; c++) {
            const float d = DISTANCE ? __fsub_rn(x[r], y[c]) : 0;
            sum[r][c] = DISTANCE ? fmaf(d, d, sum[r][c]) : fmaf(x[r], y[c], sum[r][c]);
        }
    }
}

template <class T, bool DISTANCE>
__device__ static inline void ps_svm_chains(const struct ps_svm_job_cu &t, int64_t i0, int64_t j0,
                                            const ps_svm_place<T> &at, float (&sum)[T::tall][T::broad])
{
    __shared__ float4 a4[2 * PS_SVM_STEP * T::rows / 4], b4[2 * PS_SVM_STEP * T::cols / 4];
    float *const a = (float *)a4, *const b = (float *)b4;
    ps_svm_side<T, T::rows> from_a(t.a, i0);
    ps_svm_side<T, T::cols> from_b(t.b, j0);
    int left = (int)t.a.cols, now = 0;
    from_a.copy(a, left);
    from_b.copy(b, left);
    for (; left > 0; left -= PS_SVM_STEP, now ^= 1) {
        ps_svm_copied();
        __syncthreads(); /* all copies are there, and all are done with what the next ones overwrite */
        from_a.copy(a + (now ^ 1) * PS_SVM_STEP * T::rows, left - PS_SVM_STEP);
        from_b.copy(b + (now ^ 1) * PS_SVM_STEP * T::cols, left - PS_SVM_STEP);
        const float *x = a + now * PS_SVM_STEP * T::rows + at.row,
                    *y = b + now * PS_SVM_STEP * T::cols + at.col;
        if (left >= PS_SVM_STEP) {
            PS_UNROLL_ALL
            for (int k = 0; k < PS_SVM_STEP; k++)
                ps_svm_chain_on<T, DISTANCE>(sum, x + k * T::rows, y + k * T::cols);
        } else {
            PS_UNROLL(1)
            for (int k = 0; k < left; k++)
                ps_svm_chain_on<T, DISTANCE>(sum, x + k * T::rows, y + k * T::cols);
        }
    }
}

/** The first row and column of a block's tile, from multiples of 4. */
template <class T> struct ps_svm_corner {
    int row, col;

    __device__ explicit ps_svm_corner(const struct ps_svm_job_cu &t)
    {
        const int across = (int)((t.bhi - left(t) + T::cols - 1) / T::cols);
        const int down = (int)((t.ahi - top(t) + T::rows - 1) / T::rows);
        const unsigned group = (unsigned)(PS_SVM_TOGETHER * across);
        const int first = (int)(blockIdx.x / group) * PS_SVM_TOGETHER, in = (int)(blockIdx.x % group);
        const int beside = min(down - first, PS_SVM_TOGETHER);
        row = (first + in % beside) * T::rows;
        col = in / beside * T::cols;
    }
    __device__ static int64_t top(const struct ps_svm_job_cu &t)
    {
        return t.alo / 4 * 4;
    }
    __device__ static int64_t left(const struct ps_svm_job_cu &t)
    {
        return t.blo / 4 * 4;
    }
};

/** Kernel values, in the place of sums, and where they go. @param mirror also to the other side */
template <class T>
__device__ static inline void ps_svm_tile_out(const struct ps_svm_job_cu &t, const struct ps_svm_finish &f,
                                              int64_t i0, int64_t j0, bool mirror,
                                              float (&sum)[T::tall][T::broad])
{
    float nb[T::broad];
    PS_UNROLL_ALL
    for (int c = 0; c < T::broad; c++) {
        const int64_t j = j0 + c / 4 * 4 * T::across + c % 4;
        nb[c] = f.form == PS_SVM_RBF && j < t.bhi ? t.b.norm[j] : 0;
    }
    PS_UNROLL_ALL
    for (int r = 0; r < T::tall; r++) {
        const int64_t i = i0 + r / 4 * 4 * T::down + r % 4;
        const float na = f.form == PS_SVM_RBF && i < t.ahi ? t.a.norm[i] : 0;
        PS_UNROLL_ALL
        for (int c = 0; c < T::broad; c++) sum[r][c] = ps_svm_finish_cu(f, sum[r][c], na, nb[c]);
        PS_UNROLL_ALL
        for (int c = 0; c < T::broad; c += 4)
            ps_svm_store_cu(t, i, j0 + c * T::across, t.bhi,
                            make_float4(sum[r][c], sum[r][c + 1], sum[r][c + 2], sum[r][c + 3]));
    }
    if (!mirror) return;
    PS_UNROLL_ALL
    for (int c = 0; c < T::broad; c++) {
        PS_UNROLL_ALL
        for (int r = 0; r < T::tall; r += 4)
            ps_svm_store_cu(t, j0 + c / 4 * 4 * T::across + c % 4, i0 + r * T::down, t.bhi,
                            make_float4(sum[r][c], sum[r + 1][c], sum[r + 2][c], sum[r + 3][c]));
    }
}

template <class T, enum ps_svm_form FORM, bool DISTANCE>
static __global__ void __launch_bounds__(T::threads, 512 / T::threads)
    ps_svm_tile_cu(const __grid_constant__ struct ps_svm_job_cu t)
{
    typedef ps_svm_corner<T> corner;
    const corner c(t);
    if (t.mirror && c.row >= c.col + T::cols) return;
    const ps_svm_place<T> at;
    float sum[T::tall][T::broad] = {};
    struct ps_svm_finish f = t.finish;
    f.form = FORM;
    f.distance = DISTANCE;
    ps_svm_chains<T, DISTANCE>(t, corner::top(t) + c.row, corner::left(t) + c.col, at, sum);
    /* tiles on the diagonal have both sides */
    ps_svm_tile_out<T>(t, f, corner::top(t) + (c.row + at.row), corner::left(t) + (c.col + at.col),
                       t.mirror && c.row / T::cols < c.col / T::cols, sum);
}

#endif
