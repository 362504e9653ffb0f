/** What files of the CUDA back end share about normalisations. */
#ifndef PS_NN_CU_NORM_H
#define PS_NN_CU_NORM_H

#include "kernels/nn/nn_kernels.h"

/** ps_nn_gradient_read_cu; `add`: to what is in z. */
void ps_nn_gradient_give_cu(const struct ps_nn_gradient_read *r, int64_t rows, int64_t channels, bool half,
                            bool add, const void *dy, const void *y, void *z);

#endif
