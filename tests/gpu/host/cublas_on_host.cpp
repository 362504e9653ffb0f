#include <cublas_on_host.h>
#include "rounding_on_host.h"

static const size_t WORK = 1 << 16; /* bytes that products ask for */

struct ps_host_blas {
    int unused;
};

struct ps_host_product {
    bool tf32;
    cublasOperation_t a, b;
    cublasLtEpilogue_t end;
    const float *bias;
};

struct ps_host_matrix {
    bool half;
    int64_t rows, cols, apart; /* columns lie one after the other */
};

struct ps_host_wish {
    size_t work;
    uint32_t schemes, alignment[4];
};

const char *cublasLtGetStatusString(cublasStatus_t status)
{
    return status == CUBLAS_STATUS_SUCCESS         ? "success"
           : status == CUBLAS_STATUS_NOT_SUPPORTED ? "not supported"
                                                   : "invalid value";
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *out)
{
    *out = new ps_host_blas();
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle)
{
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *out, cublasComputeType_t compute,
                                        cudaDataType scale)
{
    if (scale != CUDA_R_32F) return CUBLAS_STATUS_INVALID_VALUE;
    *out = new ps_host_product();
    (*out)->tf32 = compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t product)
{
    delete product;
    return CUBLAS_STATUS_SUCCESS;
}

template <class T> static cublasStatus_t take(T *to, const void *value, size_t size)
{
    if (!value || size != sizeof *to) return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(to, value, size);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t product,
                                              cublasLtMatmulDescAttributes_t name, const void *value,
                                              size_t size)
{
    switch (name) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
        return take(&product->a, value, size);
    case CUBLASLT_MATMUL_DESC_TRANSB:
        return take(&product->b, value, size);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
        return take(&product->end, value, size);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
        return take(&product->bias, value, size);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *out, cudaDataType type, uint64_t rows,
                                          uint64_t cols, int64_t apart)
{
    if (rows == 0 || cols == 0 || apart < (int64_t)rows) return CUBLAS_STATUS_INVALID_VALUE;
    *out = new ps_host_matrix{type == CUDA_R_16BF, (int64_t)rows, (int64_t)cols, apart};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout)
{
    delete layout;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *out)
{
    *out = new ps_host_wish{0, ~0u, {256, 256, 256, 256}};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t wish)
{
    delete wish;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t wish,
                                                    cublasLtMatmulPreferenceAttributes_t name,
                                                    const void *value, size_t size)
{
    if (name == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) return take(&wish->work, value, size);
    if (name == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK) return take(&wish->schemes, value, size);
    return take(&wish->alignment[name - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], value, size);
}

/** Do matrices fit, and are their types among those that are multiplied? */
static bool fits(const ps_host_product *p, const ps_host_matrix *a, const ps_host_matrix *b,
                 const ps_host_matrix *c, const ps_host_matrix *d)
{
    const int64_t m = p->a == CUBLAS_OP_N ? a->rows : a->cols, k = p->a == CUBLAS_OP_N ? a->cols : a->rows,
                  deep = p->b == CUBLAS_OP_N ? b->rows : b->cols, n = p->b == CUBLAS_OP_N ? b->cols : b->rows;
    return k == deep && d->rows == m && d->cols == n && c->rows == m && c->cols == n && a->half == b->half &&
           !c->half && !d->half && !(a->half && p->tf32);
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t product,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t wish, int most,
                                              cublasLtMatmulHeuristicResult_t *out, int *found)
{
    *found = 0;
    if (!handle || most < 1 || !fits(product, a, b, c, d)) return CUBLAS_STATUS_INVALID_VALUE;
    if (wish->schemes & 1) return CUBLAS_STATUS_NOT_SUPPORTED; /* sums in place: never the same bits */
    if (product->end != CUBLASLT_EPILOGUE_DEFAULT && (d->rows == 1 || d->cols == 1))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    *out = {};
    out->algo.work = wish->work < WORK ? wish->work : WORK;
    memcpy(out->algo.alignment, wish->alignment, sizeof wish->alignment);
    out->algo.made_for[0] = a, out->algo.made_for[1] = b, out->algo.made_for[2] = d;
    *found = 1;
    return CUBLAS_STATUS_SUCCESS;
}

/** All that a product needs when its turn comes. */
struct turn {
    ps_host_product p;
    ps_host_matrix a, b, d;
    const void *x, *y;
    float alpha, beta, *to;
    char *work;
    size_t bytes;
};

static double operand(const turn *t, const ps_host_matrix *m, const void *x, int64_t row, int64_t col)
{
    return ps_host_operand(ps_host_get(x, col * m->apart + row, m->half), t->p.tf32);
}

static void compute(const turn *t)
{
    const bool a_turned = t->p.a == CUBLAS_OP_T, b_turned = t->p.b == CUBLAS_OP_T;
    const int64_t depth = a_turned ? t->a.rows : t->a.cols;
    memset(t->work, 0xff, t->bytes);
    for (int64_t col = 0; col < t->d.cols; col++)
        for (int64_t row = 0; row < t->d.rows; row++) {
            float *const to = &t->to[col * t->d.apart + row];
            double sum = 0;
            for (int64_t k = 0; k < depth; k++)
                sum += operand(t, &t->a, t->x, a_turned ? k : row, a_turned ? row : k) *
                       operand(t, &t->b, t->y, b_turned ? col : k, b_turned ? k : col);
            sum *= t->alpha;
            if (t->beta != 0) sum += t->beta * *to;
            if (t->p.end != CUBLASLT_EPILOGUE_DEFAULT) sum += t->p.bias[row];
            if (t->p.end == CUBLASLT_EPILOGUE_RELU_BIAS && sum < 0) sum = 0;
            *to = (float)sum;
        }
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t product, const void *alpha,
                              const void *a, cublasLtMatrixLayout_t a_layout, const void *b,
                              cublasLtMatrixLayout_t b_layout, const void *beta, const void *c,
                              cublasLtMatrixLayout_t c_layout, void *d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t *algorithm, void *work, size_t bytes,
                              cudaStream_t stream)
{
    const void *const array[] = {a, b, c, d};
    if (!handle || !fits(product, a_layout, b_layout, c_layout, d_layout) || c != d ||
        bytes < algorithm->work || (uintptr_t)work % 16 != 0 || algorithm->made_for[0] != a_layout ||
        algorithm->made_for[1] != b_layout || algorithm->made_for[2] != d_layout)
        return CUBLAS_STATUS_INVALID_VALUE;
    for (int i = 0; i < 4; i++)
        if (!array[i] || (uintptr_t)array[i] % algorithm->alignment[i] != 0)
            return CUBLAS_STATUS_INVALID_VALUE;
    if (product->end != CUBLASLT_EPILOGUE_DEFAULT && (!product->bias || (uintptr_t)product->bias % 16 != 0))
        return CUBLAS_STATUS_INVALID_VALUE;
    const turn t = {*product,
                    *a_layout,
                    *b_layout,
                    *d_layout,
                    a,
                    b,
                    *(const float *)alpha,
                    *(const float *)beta,
                    (float *)d,
                    (char *)work,
                    algorithm->work};
    return ps_host_enqueue_work(stream, [t] { compute(&t); }) == cudaSuccess ? CUBLAS_STATUS_SUCCESS
                                                                             : CUBLAS_STATUS_INVALID_VALUE;
}
