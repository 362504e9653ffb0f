/** Arrays [rows][channels] shared among threads: a thread goes down a column of vectors, so that numbers of
 * channels stay in registers, and threads beside each other read what lies beside each other. Sums of columns
 * are added in an order that the shape alone decides. */
#ifndef PS_NN_CU_COLUMNS_H
#define PS_NN_CU_COLUMNS_H

#include "kernels/nn/cu_images.h"

enum {
    PS_BLOCK = 256,  /* threads of a block */
    PS_WIDE = 32,    /* vectors that a block has beside each other, at most: 512 bytes */
    PS_SINGLE = 128, /* rows that a thread adds up in single precision, at most */
    PS_PASSES =
        2048, /* blocks where nothing is summed: some for each multiprocessor of the largest devices */
    PS_SUMS_BLOCKS = 512 /* blocks that make sums: each leaves one for each of its columns */
};

struct ps_columns {
    int64_t rows, channels;
    int width, lines;      /* of a block: vectors beside, and rows under each other */
    int run;               /* rows of a thread, `lines` apart */
    unsigned down, beside; /* blocks */
};

/** @param blocks PS_PASSES or PS_SUMS_BLOCKS */
static inline struct ps_columns ps_columns_of(int64_t rows, int64_t channels, int vector, int blocks)
{
    const int64_t vectors = (channels + vector - 1) / vector, beside = (vectors + PS_WIDE - 1) / PS_WIDE;
    struct ps_columns c = {};
    c.rows = rows;
    c.channels = channels;
    if (rows <= 0 || channels <= 0) return c;
    c.width = (int)((vectors + beside - 1) / beside);
    c.lines = PS_BLOCK / c.width;
    const int64_t run = (rows * beside + (int64_t)c.lines * blocks - 1) / ((int64_t)c.lines * blocks);
    c.run = (int)(run < PS_SINGLE ? run : (int64_t)PS_SINGLE);
    c.down = (unsigned)((rows + (int64_t)c.lines * c.run - 1) / ((int64_t)c.lines * c.run));
    c.beside = (unsigned)beside;
    return c;
}

static inline dim3 ps_columns_grid(const struct ps_columns &c)
{
    return dim3(c.down, c.beside);
}

/** A thread's part: channels [k, k + V) of rows row, row + lines, ... below end; none where row >= end. */
struct ps_column {
    int64_t k, row, end;
    int line;
};

template <int V> __device__ static inline struct ps_column ps_column_of(const struct ps_columns &c)
{
    struct ps_column p;
    const int beside = (int)threadIdx.x % c.width;
    const int64_t first = (int64_t)blockIdx.x * c.lines * c.run, last = first + (int64_t)c.lines * c.run;
    p.line = (int)threadIdx.x / c.width;
    p.k = ((int64_t)blockIdx.y * c.width + beside) * V;
    p.row = first + p.line;
    p.end = last < c.rows ? last : c.rows;
    if (p.line >= c.lines || p.k >= c.channels) p.row = p.end;
    return p;
}

/** Sums of the block's lines, of each of its columns, into partial[down][channels]. All threads call it;
 * those without rows bring zeros. @param shared [V][PS_BLOCK] */
template <int V>
__device__ static inline void ps_columns_join(const struct ps_columns &c, const struct ps_column &p,
                                              const float (&sum)[V], double *shared, double *partial)
{
    int half = 1;
    while (2 * half < c.lines) half *= 2;
    __syncthreads();
    for (int i = 0; i < V; i++) shared[i * PS_BLOCK + threadIdx.x] = sum[i];
    for (; half > 0; half /= 2) {
        __syncthreads();
        if (p.line < half && p.line + half < c.lines)
            for (int i = 0; i < V; i++)
                shared[i * PS_BLOCK + threadIdx.x] += shared[i * PS_BLOCK + threadIdx.x + half * c.width];
    }
    if (p.line == 0 && p.k < c.channels)
        for (int i = 0; i < V; i++)
            partial[(int64_t)blockIdx.x * c.channels + p.k + i] = shared[i * PS_BLOCK + threadIdx.x];
}

/* Channels, and threads for each, of a block that adds up partial sums. Where tests stand in for devices
 * these are few, as each thread costs time. */
#ifdef PS_CUDA_ON_HOST
enum { PS_TOTAL = 8 };
#else
enum { PS_TOTAL = 32 };
#endif

/** Totals of SUMS arrays partial[SUMS][down][channels]; end(k, totals) says what becomes of channel k's. */
template <int SUMS, class END>
static __global__ void ps_columns_total(int64_t down, int64_t channels, const double *partial, END end)
{
    __shared__ double shared[PS_TOTAL][PS_TOTAL];
    const int beside = (int)threadIdx.x % PS_TOTAL, line = (int)threadIdx.x / PS_TOTAL;
    const int64_t k = (int64_t)blockIdx.x * PS_TOTAL + beside;
    double total[SUMS] = {};
    for (int s = 0; s < SUMS; s++, partial += down * channels) {
        double sum = 0;
        __syncthreads();
        for (int64_t b = line; b < down; b += PS_TOTAL)
            if (k < channels) sum += partial[b * channels + k];
        shared[line][beside] = sum;
        for (int half = PS_TOTAL / 2; half > 0; half /= 2) {
            __syncthreads();
            if (line < half) shared[line][beside] += shared[line + half][beside];
        }
        if (line == 0) total[s] = shared[0][beside]; /* which it has written itself */
    }
    if (line == 0 && k < channels) end(k, total);
}

/** What becomes of totals of two functions: sums[2][channels]. */
struct ps_sums_end {
    int64_t channels;
    double *sums;
    __device__ void operator()(int64_t k, const double *total) const
    {
        sums[k] = total[0];
        sums[channels + k] = total[1];
    }
};

#define PS_LAUNCH_TOTAL(sums, c, partial, end)                                                         \
    do {                                                                                               \
        auto *const total_ = ps_columns_total<sums, decltype(end)>;                                    \
        PS_LAUNCH(total_, (unsigned)(((c).channels + PS_TOTAL - 1) / PS_TOTAL), PS_TOTAL *PS_TOTAL, 0, \
                  (c).rows > 0 ? (int64_t)(c).down : 0, (c).channels, partial, end);                   \
    } while (0)

/** Of SUMS arrays of partial sums those from number `s` on. */
__host__ __device__ static inline double *ps_columns_sums(const struct ps_columns &c, double *work, int s)
{
    return work + (int64_t)s * c.down * c.channels;
}

#endif
