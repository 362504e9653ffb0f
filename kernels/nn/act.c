#include "kernels/nn/act.h"
#include "kernels/lanes_exp.h"

/** Vectors of y, the last one filled with zeros. */
#define EACH(n, y, change)                                            \
    for (int64_t i = 0; i < (n); i += PS_LANES) {                     \
        const int count = (n)-i < PS_LANES ? (int)((n)-i) : PS_LANES; \
        const ps_vf z = ps_vf_load_part((y) + i, count);              \
        ps_vf_store_part((y) + i, (change), count);                   \
    }

void ps_nn_act_apply(enum ps_nn_act act, int64_t n, float *y)
{
    switch (act) {
    case PS_NN_LINEAR:
        break;
    case PS_NN_RELU: /* NaN stays */
        for (int64_t i = 0; i < n; i++) y[i] = y[i] < 0 ? 0 : y[i];
        break;
    case PS_NN_TANH:
        EACH(n, y, ps_vf_tanh(z));
        break;
    case PS_NN_SIGMOID:
        EACH(n, y, ps_vf_sigmoid(z));
        break;
    }
}

void ps_nn_act_gradient(enum ps_nn_act act, int64_t n, const float *y, float *dy)
{
    switch (act) {
    case PS_NN_LINEAR:
        break;
    case PS_NN_RELU:
        for (int64_t i = 0; i < n; i++) dy[i] = y[i] > 0 ? dy[i] : 0;
        break;
    case PS_NN_TANH:
        for (int64_t i = 0; i < n; i++) dy[i] *= 1 - y[i] * y[i];
        break;
    case PS_NN_SIGMOID:
        for (int64_t i = 0; i < n; i++) dy[i] *= y[i] * (1 - y[i]);
        break;
    }
}

void ps_nn_bias_gradient(int64_t rows, int64_t cols, const float *dy, int64_t stride, bool add, float *db)
{
    for (int64_t j = 0; j < cols; j += PS_LANES) {
        const int count = cols - j < PS_LANES ? (int)(cols - j) : PS_LANES;
        ps_vf sum[4] = {add ? ps_vf_load_part(db + j, count) : ps_vf_all(0), ps_vf_all(0), ps_vf_all(0),
                        ps_vf_all(0)};
        int64_t r = 0;
        for (; r + 4 <= rows; r += 4)
            for (int q = 0; q < 4; q++) sum[q] += ps_vf_load_part(dy + (r + q) * stride + j, count);
        for (; r < rows; r++) sum[0] += ps_vf_load_part(dy + r * stride + j, count);
        ps_vf_store_part(db + j, (sum[0] + sum[1]) + (sum[2] + sum[3]), count);
    }
}
