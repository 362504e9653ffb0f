/** Plans: which of cuDNN's engines computes a product of a convolution. */
#ifndef PS_NN_CU_CONV_PLAN_H
#define PS_NN_CU_CONV_PLAN_H

#include "kernels/nn/cu_conv_graph.h"

/** Bytes of work that a plan may take. */
int64_t ps_conv_plan_work(const struct ps_conv_shape *s);

/** Have a plan at hand. Engines are timed, unless results must have the same bits each time, so not while
 * calls are recorded. Without engines there is no plan; who computes it then is told so. */
void ps_conv_plan_make(const struct ps_conv_shape *s);

/** Compute, with the plan at hand or the first engine that can.
 * @param x, w, y there, at multiples of 16 bytes @param work there, as many bytes as ps_conv_plan_work says
 * @return false: there is no engine, and nothing is done */
bool ps_conv_plan_run(const struct ps_conv_shape *s, const void *x, const void *w, const void *y, void *work);

/** Give back all plans. */
void ps_conv_plans_close(void);

#endif
