#include "kernels/nn/cu.h"
#include "kernels/nn/cu_images.h"
#include "kernels/nn/dropout.h"

enum { BLOCK = 256, BLOCKS = 4096, TOGETHER = 4 /* elements that have their bits from one draw */ };

/* Reads and writes an element: 8 bytes. */
static __global__ void dropout(struct ps_nn_dropout l, int64_t n, uint64_t limit, float grow, bool whole,
                               const int64_t *sample, const struct ps_nn_step *step, float *x)
{
    const int64_t draws = (l.features + TOGETHER - 1) / TOGETHER, at = step->step;
    for (int64_t i = (int64_t)blockIdx.x * BLOCK + threadIdx.x; i < n * draws;
         i += (int64_t)gridDim.x * BLOCK) {
        const int64_t row = i / draws, draw = i - row * draws, first = draw * TOGETHER;
        float *const to = x + row * l.features + first, v[TOGETHER];
        uint32_t bits[TOGETHER];
        ps_nn_dropout_bits(&l, sample[row], at, draw, bits);
        if (whole) {
            ps_load(to, 0, false, v);
            for (int j = 0; j < TOGETHER; j++) v[j] = bits[j] < limit ? 0 : v[j] * grow;
            ps_store(to, 0, false, v);
        } else {
            for (int j = 0; j < TOGETHER && first + j < l.features; j++)
                to[j] = bits[j] < limit ? 0 : to[j] * grow;
        }
    }
}

void ps_nn_dropout_cu(const struct ps_nn_dropout *l, int64_t n, const int64_t *sample, int64_t step, void *x)
{
    const int64_t draws = n * ((l->features + TOGETHER - 1) / TOGETHER), blocks = (draws + BLOCK - 1) / BLOCK;
    const struct ps_image images[] = {{x, false}};
    const bool whole = ps_form_of(l->features, images, 1).vector == TOGETHER;
    (void)step;
    PS_LAUNCH(dropout, (unsigned)(blocks < BLOCKS ? blocks : (int64_t)BLOCKS), BLOCK, 0, *l, n,
              (uint64_t)ceil(ps_nn_dropout_limit(l)), (float)(1 / (1 - l->rate)), whole, sample,
              ps_nn_step_cu(), (float *)x);
}
