#include "kernels/nn/cu_lstm_parts.h"
#include "kernels/nn/cu_flat.h"

#define EACH(i, n) PS_FLAT_ROUNDS(round_, n) PS_FLAT_EACH_OF(i, j_, round_, n)

static __device__ float get(const float *x)
{
    return *x;
}

static __device__ float get(const ps_half *x)
{
    return ps_half_get(*x);
}

static __device__ void put(float *x, float v)
{
    *x = v;
}

static __device__ void put(ps_half *x, float v)
{
    *x = ps_half_of(v);
}

/* Launch a kernel for each type that cuDNN's arrays may have; `T` names it in the arguments. */
#define OF_TYPE(half, kernel, grid, ...)                               \
    do {                                                               \
        if (half) {                                                    \
            typedef ps_half T;                                         \
            PS_LAUNCH(kernel<T>, grid, PS_FLAT_BLOCK, 0, __VA_ARGS__); \
        } else {                                                       \
            typedef float T;                                           \
            PS_LAUNCH(kernel<T>, grid, PS_FLAT_BLOCK, 0, __VA_ARGS__); \
        }                                                              \
    } while (0)

static __global__ void ps_lstm_lengths(int64_t n, int32_t steps, int32_t *out)
{
    EACH(i, n) out[i] = steps;
}

void ps_lstm_lengths_cu(int64_t n, int64_t steps, int32_t *out)
{
    PS_LAUNCH(ps_lstm_lengths, ps_flat_blocks(n), PS_FLAT_BLOCK, 0, n, (int32_t)steps, out);
}

/* --- weights: a row of blocks for each part --- */

struct parts {
    struct {
        int64_t ours, theirs, size; /* elements */
    } part[PS_LSTM_PARTS];
};

static struct parts parts_of(const struct ps_lstm_plan *p)
{
    const int64_t h = p->l.hidden, real = p->half ? sizeof(ps_half) : sizeof(float);
    struct parts out;
    int64_t at = 0;
    for (int i = 0; i < PS_LSTM_PARTS; i++) { /* in the order of our weights */
        const int64_t size = i < 4 ? h * p->l.in : i < 8 ? h * h : h;
        out.part[i].ours = at;
        out.part[i].theirs = p->part[i] / real;
        out.part[i].size = size;
        at += size;
    }
    return out;
}

template <class T> static __global__ void ps_lstm_weights_in(const struct parts parts, const float *w, T *to)
{
    const auto part = parts.part[blockIdx.y];
    EACH(i, part.size) put(&to[part.theirs + i], w[part.ours + i]);
}

template <class T>
static __global__ void ps_lstm_weights_out(const struct parts parts, const T *from, float *dw, bool add)
{
    const auto part = parts.part[blockIdx.y];
    EACH(i, part.size)
    {
        const float v = get(&from[part.theirs + i]);
        float *const to = &dw[part.ours + i];
        *to = add ? *to + v : v;
    }
}

static dim3 grid_of(const struct ps_lstm_plan *p)
{
    const int64_t wide = p->l.in > p->l.hidden ? p->l.in : p->l.hidden;
    return dim3(ps_flat_blocks(p->l.hidden * wide), PS_LSTM_PARTS);
}

void ps_lstm_weights_in_cu(const struct ps_lstm_plan *p, const float *w, void *to)
{
    OF_TYPE(p->half, ps_lstm_weights_in, grid_of(p), parts_of(p), w, (T *)to);
}

void ps_lstm_weights_out_cu(const struct ps_lstm_plan *p, const void *from, float *dw, bool add)
{
    OF_TYPE(p->half, ps_lstm_weights_out, grid_of(p), parts_of(p), (const T *)from, dw, add);
}

/* --- sequences --- */

/** Element i of an array [n][steps][features] where steps come first. */
static __device__ int64_t turned(int64_t i, int64_t n, int64_t steps, int64_t features)
{
    const int64_t row = i / features;
    return (row % steps * n + row / steps) * features + i % features;
}

template <class T>
static __global__ void ps_lstm_sequence_in(int64_t n, int64_t steps, int64_t features, bool turn,
                                           const float *x, T *to)
{
    EACH(i, n * steps * features) put(&to[turn ? turned(i, n, steps, features) : i], x[i]);
}

template <class T>
static __global__ void ps_lstm_sequence_out(int64_t n, int64_t steps, int64_t features, bool turn,
                                            const T *from, float *x, bool add)
{
    EACH(i, n * steps * features)
    {
        const float v = get(&from[turn ? turned(i, n, steps, features) : i]);
        x[i] = add ? x[i] + v : v;
    }
}

void ps_lstm_sequence_in_cu(const struct ps_lstm_plan *p, int64_t features, const float *x, void *to)
{
    OF_TYPE(p->half, ps_lstm_sequence_in, ps_flat_blocks(p->n * p->l.steps * features), p->n, p->l.steps,
            features, p->steps_first, x, (T *)to);
}

void ps_lstm_sequence_out_cu(const struct ps_lstm_plan *p, int64_t features, const void *from, float *x,
                             bool add)
{
    OF_TYPE(p->half, ps_lstm_sequence_out, ps_flat_blocks(p->n * p->l.steps * features), p->n, p->l.steps,
            features, p->steps_first, (const T *)from, x, add);
}

/* --- states --- */

template <class T>
static __global__ void ps_lstm_state_in(int64_t n, int64_t hidden, const float *state, T *h, T *c)
{
    EACH(i, n * hidden)
    {
        const float *const from = state + i / hidden * 2 * hidden + i % hidden;
        put(&h[i], from[0]);
        put(&c[i], from[hidden]);
    }
}

template <class T>
static __global__ void ps_lstm_state_out(int64_t n, int64_t hidden, const T *h, const T *c, float *state)
{
    EACH(i, n * hidden)
    {
        float *const to = state + i / hidden * 2 * hidden + i % hidden;
        to[0] = get(&h[i]);
        to[hidden] = get(&c[i]);
    }
}

void ps_lstm_state_in_cu(const struct ps_lstm_plan *p, const float *state, void *h, void *c)
{
    OF_TYPE(p->half, ps_lstm_state_in, ps_flat_blocks(p->n * p->l.hidden), p->n, p->l.hidden, state, (T *)h,
            (T *)c);
}

void ps_lstm_state_out_cu(const struct ps_lstm_plan *p, const void *h, const void *c, float *state)
{
    OF_TYPE(p->half, ps_lstm_state_out, ps_flat_blocks(p->n * p->l.hidden), p->n, p->l.hidden, (const T *)h,
            (const T *)c, state);
}
