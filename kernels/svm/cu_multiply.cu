/* Products of kernel values and few columns, with sums cut as the host's (multiply.c). A block makes totals
 * over BLOCK columns of k; all totals of a sum are then added in double precision in their order. What bounds
 * it is k, which is read once for up to 64 columns of b: 2 operations a column for 4 bytes. */
#include "kernels/svm/cu.h"
#include "kernels/svm/cu_copy.h"

enum { BLOCK = 256, STEP = 16, ADDERS = 256 };
static constexpr int AHEAD = 32;                 /* columns of k in shared memory, twice */
static constexpr int LINE = AHEAD + 4;           /* floats of a row there: eight rows fall on all banks */
static const int64_t TOTALS = (int64_t)64 << 20; /* bytes at most */

struct product {
    const float *k;
    int64_t n, m, kstride;
    const float *b;
    int64_t cols, bstride;
    float *total; /* [blocks of columns of k][n][cols] */
    bool wide;    /* rows of k are at multiples of 16 bytes */
};

/* ROWS x COLS totals, of which a thread has R x C: rows far apart, columns in groups of four. */
template <int ROWS, int COLS, int R, int C> struct tiling {
    static constexpr int rows = ROWS, cols = COLS, tall = R, broad = C;
    static constexpr int beside = COLS / C, apart = ROWS / R, threads = apart * beside;
    static_assert(C % 4 == 0 && COLS % 4 == 0);
};

struct corner {
    int64_t i, t, j; /* row, column of b, column of k */
};

/* Columns [j, j + AHEAD) of k, of which `left` are there, N at a time; others are 0. */
template <class T, int N>
__device__ static void bring_k(const struct product &p, int64_t i, int64_t j, int left, float *k)
{
    constexpr int chunks = AHEAD / N;
    PS_UNROLL(2)
    for (int e = 0; e < T::rows * chunks; e += T::threads) {
        const int r = (e + (int)threadIdx.x) / chunks, c = (e + (int)threadIdx.x) % chunks * N;
        const int there = min(max(left - c, 0), N);
        const float *row = p.k + min(i + r, p.n - 1) * p.kstride;
        ps_svm_copy_part<N>(k + r * LINE + c, row + (there > 0 ? j + c : 0), there);
    }
}

/* The same, and the rows of b that belong to them. */
template <class T>
__device__ static void bring(const struct product &p, const struct corner &at, int64_t j, float *k, float *b)
{
    const int left = (int)min(p.m - j, (int64_t)AHEAD);
    if (p.wide)
        bring_k<T, 4>(p, at.i, j, left, k);
    else
        bring_k<T, 1>(p, at.i, j, left, k);
    PS_UNROLL(2)
    for (int e = 0; e < AHEAD * T::cols; e += T::threads) {
        const int r = (e + (int)threadIdx.x) / T::cols, c = (e + (int)threadIdx.x) % T::cols;
        const bool there = r < left && at.t + c < p.cols;
        ps_svm_copy_part<1>(b + e + threadIdx.x, there ? p.b + (j + r) * p.bstride + at.t + c : p.b, there);
    }
}

/* A chain of STEP columns of k. */
template <class T>
__device__ static void chain(const float *k, const float *b, float (&total)[T::tall][T::broad])
{
    float sum[T::tall][T::broad] = {};
    PS_UNROLL_ALL
    for (int j = 0; j < STEP; j += 4) {
        float x[T::tall][4];
        PS_UNROLL_ALL
        for (int r = 0; r < T::tall; r++) {
            const float4 four = *(const float4 *)(k + r * T::apart * LINE + j);
            x[r][0] = four.x, x[r][1] = four.y, x[r][2] = four.z, x[r][3] = four.w;
        }
        PS_UNROLL_ALL
        for (int e = 0; e < 4; e++) {
            PS_UNROLL_ALL
            for (int c = 0; c < T::broad; c += 4) {
                const float4 y = *(const float4 *)(b + (j + e) * T::cols + c * T::beside);
                PS_UNROLL_ALL
                for (int r = 0; r < T::tall; r++) {
                    sum[r][c] = fmaf(x[r][e], y.x, sum[r][c]);
                    sum[r][c + 1] = fmaf(x[r][e], y.y, sum[r][c + 1]);
                    sum[r][c + 2] = fmaf(x[r][e], y.z, sum[r][c + 2]);
                    sum[r][c + 3] = fmaf(x[r][e], y.w, sum[r][c + 3]);
                }
            }
        }
    }
    PS_UNROLL_ALL
    for (int r = 0; r < T::tall; r++) {
        PS_UNROLL_ALL
        for (int c = 0; c < T::broad; c++) total[r][c] = __fadd_rn(total[r][c], sum[r][c]);
    }
}

template <class T>
static __global__ void __launch_bounds__(T::threads) totals(struct product p, int64_t across)
{
    __shared__ float4 k4[2 * T::rows * LINE / 4], b4[2 * AHEAD * T::cols / 4];
    float *const k = (float *)k4, *const b = (float *)b4;
    const int64_t down = (p.n + T::rows - 1) / T::rows, tile = blockIdx.x % (down * across);
    const int64_t block = blockIdx.x / (down * across);
    const struct corner at = {tile / across * T::rows, tile % across * T::cols, block * BLOCK};
    const int row = (int)threadIdx.x / T::beside, col = (int)threadIdx.x % T::beside * 4;
    const int64_t end = min(at.j + BLOCK, p.m);
    float total[T::tall][T::broad] = {};
    bring<T>(p, at, at.j, k, b);
    for (int64_t j = at.j, now = 0; j < end; j += AHEAD, now ^= 1) {
        ps_svm_copied();
        __syncthreads(); /* copies are there, and all are done with what the next ones overwrite */
        if (j + AHEAD < end)
            bring<T>(p, at, j + AHEAD, k + (now ^ 1) * T::rows * LINE, b + (now ^ 1) * AHEAD * T::cols);
        const float *x = k + now * T::rows * LINE + row * LINE, *y = b + now * AHEAD * T::cols + col;
        PS_UNROLL_ALL
        for (int s = 0; s < AHEAD; s += STEP) chain<T>(x + s, y + s * T::cols, total);
    }
    PS_UNROLL_ALL
    for (int r = 0; r < T::tall; r++) {
        const int64_t i = at.i + row + r * T::apart;
        PS_UNROLL_ALL
        for (int c = 0; c < T::broad; c++) {
            const int64_t t = at.t + c / 4 * 4 * T::beside + col + c % 4;
            if (i < p.n && t < p.cols) p.total[(block * p.n + i) * p.cols + t] = total[r][c];
        }
    }
}

static __global__ void __launch_bounds__(ADDERS)
    add(struct product p, int64_t blocks, double *out, int64_t ostride)
{
    const int64_t e = (int64_t)blockIdx.x * ADDERS + threadIdx.x, all = p.n * p.cols;
    if (e >= all) return;
    double *const to = out + e / p.cols * ostride + e % p.cols, sum = *to;
    PS_UNROLL(8)
    for (int64_t b = 0; b < blocks; b++) sum = __dadd_rn(sum, (double)p.total[b * all + e]);
    *to = sum;
}

template <class T> static void launch(const struct product &p, int64_t blocks)
{
    const int64_t across = (p.cols + T::cols - 1) / T::cols, down = (p.n + T::rows - 1) / T::rows;
    PS_LAUNCH(totals<T>, (unsigned)(blocks * down * across), T::threads, 0, p, across);
}

void ps_svm_multiply_cu(const float *k, int64_t n, int64_t m, int64_t kstride, const float *b, int64_t cols,
                        int64_t bstride, double *out, int64_t ostride)
{
    if (n < 1 || m < 1 || cols < 1) return;
    const int64_t line = n * cols * (int64_t)sizeof(float), all = (m + BLOCK - 1) / BLOCK;
    const int64_t most = min(max(TOTALS / line, (int64_t)1), all);
    struct product p = {k, n, m, kstride, b, cols, bstride, (float *)ps_svm_take_cu(most * line), false};
    p.wide = (uintptr_t)k % 16 == 0 && kstride % 4 == 0;
    if (!p.total) {
        ps_cuda_fail(PS_ENOMEM, "memory for totals", "out of memory");
        return;
    }
    for (int64_t first = 0, blocks; first < all; first += blocks) {
        blocks = min(all - first, most);
        p.k = k + first * BLOCK;
        p.b = b + first * BLOCK * bstride;
        p.m = min(m - first * BLOCK, blocks * BLOCK);
        if (cols <= 4)
            launch<tiling<128, 4, 1, 4>>(p, blocks);
        else if (cols <= 32)
            launch<tiling<128, 16, 4, 4>>(p, blocks);
        else
            launch<tiling<64, 64, 4, 8>>(p, blocks);
        PS_LAUNCH(add, (unsigned)((n * cols + ADDERS - 1) / ADDERS), ADDERS, 0, p, blocks, out, ostride);
    }
    ps_svm_leave_cu((char *)p.total);
}
