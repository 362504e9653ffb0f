/** Products of matrices by cuBLASLt. */
#ifndef PS_NN_CU_PRODUCT_H
#define PS_NN_CU_PRODUCT_H

#include "kernels/nn/cu.h"

/** Bias and act that a product adds to its rows. */
enum ps_product_end { PS_PRODUCT_PLAIN, PS_PRODUCT_BIAS, PS_PRODUCT_BIAS_RELU };

/** c = a b or c + a b: c [m][n], a [m][k] or, turned, [k][m], b [k][n] or, turned, [n][k]. */
struct ps_product_shape {
    int64_t m, n, k;
    bool turn_a, turn_b;
    bool add;     /**< to c */
    bool half;    /**< a and b are bf16; c is float */
    bool tf32;    /**< products of floats may be rounded so */
    bool aligned; /**< c starts at a multiple of 16 bytes; a, b, bias and work do */
    enum ps_product_end end;
};

/** Bytes of work that a product of m x n results may take. */
int64_t ps_product_work(int64_t m, int64_t n);

/** Have an algorithm at hand, before calls are recorded. */
void ps_product_plan_cu(const struct ps_product_shape *s);

/** @param bias [n] floats, where s->end wants them @param work there, as many bytes as ps_product_work says
 * @return false: no algorithm ends so, and nothing is done; PS_PRODUCT_PLAIN fails instead */
bool ps_product_cu(const struct ps_product_shape *s, const void *a, const void *b, float *c,
                   const float *bias, void *work);

/** Give back algorithms and the library's handle. */
void ps_products_close(void);

#endif
