/* Inputs of nets from pictures, and mixtures of inputs. Sums and roundings are those of the host. */
#include "kernels/device_picture.h"
#include "kernels/nn/cu.h"
#include "kernels/nn/cu_flat.h"

enum { BLOCK = 256, GROUP = PS_DEVICE_PICTURE_GROUP, ROW = PS_DEVICE_PICTURE_ROW, BLOCKS = 1 << 20 };

/** A row of an output. */
struct row_of {
    const struct ps_device_picture *p;
    int width, bands;
    int row;   /**< before it is flipped */
    float *to; /**< [width][bands] */
};

template <class T> static __device__ const T *place(const struct ps_device_picture *p, int64_t at)
{
    return (const T *)((const char *)p + at);
}

/** Elements that are read at once. */
template <class T> struct alignas(GROUP * sizeof(T)) group {
    T v[GROUP];
};

/** Elements [from, from + n) of pixel rows, weighted and added: n is rounded up to groups. */
template <class T> static __device__ void add_rows(const struct row_of &r, int64_t from, int n, float *sum)
{
    const struct ps_device_picture *const p = r.p;
    const float *const w = place<float>(p, p->weight_y) + (int64_t)r.row * p->taps_y;
    const T *const x = place<T>(p, p->pixels) + place<int32_t>(p, p->first_y)[r.row] * p->pitch + from;
    const int taps = p->taps_y;
    const int64_t pitch = p->pitch;
    for (int k = (int)threadIdx.x * GROUP; k < n; k += BLOCK * GROUP) {
        group<float> s = {};
        bool first = true;
        for (int t = 0; t < taps; t++) {
            if (!(w[t] > 0)) continue;
            const group<T> g = *(const group<T> *)(x + t * pitch + k);
            for (int i = 0; i < GROUP; i++) {
                const float part = __fmul_rn(w[t], (float)g.v[i]);
                s.v[i] = first ? part : __fadd_rn(s.v[i], part);
            }
            first = false;
        }
        *(group<float> *)(sum + k) = s;
    }
}

/** Output pixels [lo, the result) are of pixels that fit in a row from element `from` on. */
static __device__ int end_of(const struct row_of &r, const int32_t *first, int lo, int64_t from)
{
    const int64_t most = from + ROW;
    int least = lo + 1, end = r.width;
    if ((int64_t)(first[end - 1] + r.p->taps_x) * r.bands <= most) return end;
    while (least < end) {
        const int middle = (least + end + 1) / 2;
        if ((int64_t)(first[middle - 1] + r.p->taps_x) * r.bands <= most)
            least = middle;
        else
            end = middle - 1;
    }
    return least;
}

/** Down into shared memory, then across. */
template <class T> static __device__ void resized(const struct row_of &r, float *sum)
{
    const struct ps_device_picture *const p = r.p;
    const int32_t *const first = place<int32_t>(p, p->first_x);
    const float *const scale = place<float>(p, p->scale), *const shift = place<float>(p, p->shift);
    const float *const weight = place<float>(p, p->weight_x);
    const int taps = p->taps_x;
    const bool flip = p->flip_x;
    for (int lo = 0, hi; lo < r.width; lo = hi) {
        const int64_t from = (int64_t)first[lo] * r.bands / GROUP * GROUP;
        hi = end_of(r, first, lo, from);
        add_rows<T>(r, from, (int)((int64_t)(first[hi - 1] + taps) * r.bands - from), sum);
        __syncthreads();
        for (int i = (int)threadIdx.x; i < (hi - lo) * r.bands; i += BLOCK) {
            const int j = lo + i / r.bands, b = i % r.bands;
            const float *const x = sum + ((int64_t)first[j] * r.bands - from) + b;
            const float *const w = weight + (int64_t)j * taps;
            float v = 0;
            for (int t = 0; t < taps; t++) v = __fadd_rn(v, __fmul_rn(w[t], x[t * r.bands]));
            r.to[(int64_t)(flip ? r.width - 1 - j : j) * r.bands + b] =
                __fadd_rn(__fmul_rn(v, scale[b]), shift[b]);
        }
        __syncthreads();
    }
}

template <class T> static __device__ void cut(const struct row_of &r)
{
    const struct ps_device_picture *const p = r.p;
    const float *const scale = place<float>(p, p->scale), *const shift = place<float>(p, p->shift);
    const int y = r.row - p->top;
    const T *const x = place<T>(p, p->pixels) + y * p->pitch;
    for (int i = (int)threadIdx.x; i < r.width * r.bands; i += BLOCK) {
        const int at = i / r.bands, b = i % r.bands, j = (p->flip_x ? r.width - 1 - at : at) - p->left;
        const bool is_there = y >= 0 && y < p->rows && j >= 0 && j < p->cols;
        r.to[i] = is_there ? __fadd_rn(__fmul_rn((float)x[(int64_t)j * r.bands + b], scale[b]), shift[b])
                           : shift[b];
    }
}

template <class T> static __device__ void of_type(const struct row_of &r, float *sum)
{
    if (r.p->kind == PS_DEVICE_PICTURE_RESIZED)
        resized<T>(r, sum);
    else
        cut<T>(r);
}

/** A block makes a row at a time. It reads pixels about twice, the second time from the cache, and writes 4
 * bytes an element: bound by memory. */
static __global__ void __launch_bounds__(BLOCK) make(struct ps_nn_pictures s, float *x)
{
    __shared__ group<float> shared[ROW / GROUP];
    float *const sum = shared[0].v;
    for (int64_t i = blockIdx.x; i < s.n * s.height; i += gridDim.x) {
        const int64_t n = (int64_t)s.width * s.bands;
        const int row = (int)(i % s.height);
        struct row_of r = {};
        r.p = (const struct ps_device_picture *)((const char *)s.bytes + s.at[i / s.height]);
        r.width = s.width, r.bands = s.bands;
        r.row = r.p->flip_y ? s.height - 1 - row : row;
        r.to = x + i * n;
        if (r.p->kind == PS_DEVICE_PICTURE_MADE) {
            const float *const from = place<float>(r.p, r.p->pixels) + row * n;
            for (int64_t k = threadIdx.x; k < n; k += BLOCK) r.to[k] = from[k];
        } else if (r.p->type == PS_U8) {
            of_type<uint8_t>(r, sum);
        } else if (r.p->type == PS_U16) {
            of_type<uint16_t>(r, sum);
        } else if (r.p->type == PS_I16) {
            of_type<int16_t>(r, sum);
        } else {
            of_type<float>(r, sum);
        }
    }
}

void ps_nn_pictures_cu(const struct ps_nn_pictures *s, float *x)
{
    const int64_t rows = s->n * s->height;
    PS_LAUNCH(make, (unsigned)(rows < BLOCKS ? rows : (int64_t)BLOCKS), BLOCK, 0, *s, x);
}

/* 16 bytes an element of a pair. */
static __global__ void mix(int64_t n, int64_t input, const float *share, float *x)
{
    const int64_t all = n / 2 * input;
    PS_FLAT_ROUNDS(round, all)
    PS_FLAT_EACH_OF(i, k, round, all)
    {
        const int64_t pair = i / input;
        float *const a = x + i, *const b = x + (n - 1 - 2 * pair) * input + i;
        const float own = *a, other = *b, kept = share[pair], rest = __fsub_rn(1, kept);
        *a = __fadd_rn(__fmul_rn(kept, own), __fmul_rn(rest, other));
        *b = __fadd_rn(__fmul_rn(kept, other), __fmul_rn(rest, own));
    }
}

void ps_nn_mix_cu(int64_t n, int64_t input, const float *share, float *x)
{
    PS_LAUNCH(mix, ps_flat_blocks(n / 2 * input), PS_FLAT_BLOCK, 0, n, input, share, x);
}
