/** Plans: which of cuDNN's engines computes a product of a convolution. */
#ifndef PS_NN_CU_CONV_PLAN_H
#define PS_NN_CU_CONV_PLAN_H

#include "kernels/nn/cu_conv_graph.h"

/** Bytes of work that a plan may take. */
int64_t ps_conv_plan_work(const struct ps_conv_shape *s);

/** Have a plan at hand. Engines are timed, unless results must have the same bits each time, so not while
 * calls are recorded. Without engines there is no plan; who computes it then is told so. There is one of
 * PS_CONV_MOMENTS where engines are timed and it takes less time than PS_CONV_FORWARD and a pass of its own
 * for the moments. */
void ps_conv_plan_make(const struct ps_conv_shape *s);

/** What a product is computed from and into, there, at multiples of 16 bytes. */
struct ps_conv_arrays {
    const void *x, *w, *y;
    double *moments; /**< of PS_CONV_MOMENTS: out, as of struct ps_nn_pass */
    void *work;      /**< as many bytes as ps_conv_plan_work says */
};

/** Compute, with the plan at hand or the first engine that can; PS_CONV_MOMENTS with the plan at hand alone.
 * @return false: there is no engine, and nothing is done */
bool ps_conv_plan_run(const struct ps_conv_shape *s, const struct ps_conv_arrays *a);

/** Give back all plans. */
void ps_conv_plans_close(void);

#endif
