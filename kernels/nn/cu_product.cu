#include "kernels/nn/cu_product.h"
#include <stdlib.h>

#ifdef PS_CUDA_ON_HOST
#    include <cublas_on_host.h>
#else
#    include <cublasLt.h>
#endif

#define BLAS(call)                                                                            \
    do {                                                                                      \
        if (ps_cuda_good()) {                                                                 \
            const cublasStatus_t error_ = (call);                                             \
            if (error_ != CUBLAS_STATUS_SUCCESS)                                              \
                ps_cuda_fail(PS_EBACKEND, "cuBLAS: " #call, cublasLtGetStatusString(error_)); \
        }                                                                                     \
    } while (0)

/** An algorithm, or none. */
struct plan {
    struct plan *next;
    struct ps_product_shape shape;
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t a, b, c; /* of the library's first and second operand and result */
    cublasLtMatmulAlgo_t algorithm;
    bool found;
};

static struct plan *plans;
static cublasLtHandle_t handle;

static bool same(const struct ps_product_shape *a, const struct ps_product_shape *b)
{
    return a->m == b->m && a->n == b->n && a->k == b->k && a->turn_a == b->turn_a && a->turn_b == b->turn_b &&
           a->add == b->add && a->half == b->half && a->tf32 == b->tf32 && a->aligned == b->aligned &&
           a->end == b->end;
}

/* What the library's makers advise for GPUs since sm_90; small results are summed up of few parts. */
int64_t ps_product_work(int64_t m, int64_t n)
{
    const int64_t most = 32 << 20, least = 1 << 20, parts = m * n * 64 * (int64_t)sizeof(float);
    return parts < most - least ? least + parts : most;
}

static void describe(struct plan *p)
{
    const struct ps_product_shape *s = &p->shape;
    /* the library's matrices lie column by column: ours are their transposes, so that c' = b' a' */
    const cublasOperation_t first = s->turn_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                            second = s->turn_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cudaDataType type = s->half ? CUDA_R_16BF : CUDA_R_32F;
    const cublasLtEpilogue_t end[] = {CUBLASLT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_BIAS,
                                      CUBLASLT_EPILOGUE_RELU_BIAS};
    BLAS(cublasLtMatmulDescCreate(
        &p->product, s->tf32 && !s->half ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F));
    BLAS(cublasLtMatmulDescSetAttribute(p->product, CUBLASLT_MATMUL_DESC_TRANSA, &first, sizeof first));
    BLAS(cublasLtMatmulDescSetAttribute(p->product, CUBLASLT_MATMUL_DESC_TRANSB, &second, sizeof second));
    BLAS(cublasLtMatmulDescSetAttribute(p->product, CUBLASLT_MATMUL_DESC_EPILOGUE, &end[s->end],
                                        sizeof end[s->end]));
    BLAS(cublasLtMatrixLayoutCreate(&p->a, type, (uint64_t)(s->turn_b ? s->k : s->n),
                                    (uint64_t)(s->turn_b ? s->n : s->k), s->turn_b ? s->k : s->n));
    BLAS(cublasLtMatrixLayoutCreate(&p->b, type, (uint64_t)(s->turn_a ? s->m : s->k),
                                    (uint64_t)(s->turn_a ? s->k : s->m), s->turn_a ? s->m : s->k));
    BLAS(cublasLtMatrixLayoutCreate(&p->c, CUDA_R_32F, (uint64_t)s->n, (uint64_t)s->m, s->n));
}

/** The algorithm that the library proposes; sums of parts are not made in place, whose order would hang on
 * time. */
static void choose(struct plan *p)
{
    const size_t work = (size_t)ps_product_work(p->shape.m, p->shape.n);
    const uint32_t in = 16, out = p->shape.aligned ? 16 : sizeof(float),
                   schemes = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE | CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE;
    const struct {
        cublasLtMatmulPreferenceAttributes_t name;
        const void *value;
        size_t size;
    } wish[] = {{CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &work, sizeof work},
                {CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &schemes, sizeof schemes},
                {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &in, sizeof in},
                {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &in, sizeof in},
                {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &out, sizeof out},
                {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &out, sizeof out}};
    cublasLtMatmulPreference_t preference = NULL;
    cublasLtMatmulHeuristicResult_t result = {};
    int results = 0;
    BLAS(cublasLtMatmulPreferenceCreate(&preference));
    for (const auto &w : wish)
        BLAS(cublasLtMatmulPreferenceSetAttribute(preference, w.name, w.value, w.size));
    p->found = ps_cuda_good() &&
               cublasLtMatmulAlgoGetHeuristic(handle, p->product, p->a, p->b, p->c, p->c, preference, 1,
                                              &result, &results) == CUBLAS_STATUS_SUCCESS &&
               results > 0 && result.state == CUBLAS_STATUS_SUCCESS;
    p->algorithm = result.algo;
    if (preference) cublasLtMatmulPreferenceDestroy(preference);
}

static struct plan *plan_of(const struct ps_product_shape *s)
{
    for (struct plan *p = plans; p; p = p->next)
        if (same(&p->shape, s)) return p;
    struct plan *p = (struct plan *)calloc(1, sizeof *p);
    if (!p) ps_cuda_fail(PS_ENOMEM, "a plan of a product", "out of memory");
    if (!p) return NULL;
    p->next = plans;
    p->shape = *s;
    plans = p;
    if (!handle) BLAS(cublasLtCreate(&handle));
    describe(p);
    choose(p);
    return p;
}

void ps_product_plan_cu(const struct ps_product_shape *s)
{
    if (ps_cuda_good()) plan_of(s);
}

bool ps_product_cu(const struct ps_product_shape *s, const void *a, const void *b, float *c,
                   const float *bias, void *work)
{
    const struct plan *p = ps_cuda_good() ? plan_of(s) : NULL;
    const float alpha = 1, beta = s->add;
    if (!p) return true; /* a failure is kept */
    if (!p->found && s->end != PS_PRODUCT_PLAIN) return false;
    if (!p->found) ps_cuda_fail(PS_EBACKEND, "cuBLAS", "it has no algorithm for a product of this net");
    if (s->end != PS_PRODUCT_PLAIN)
        BLAS(cublasLtMatmulDescSetAttribute(p->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias,
                                            sizeof bias));
    BLAS(cublasLtMatmul(handle, p->product, &alpha, b, p->a, a, p->b, &beta, c, p->c, c, p->c, &p->algorithm,
                        work, (size_t)ps_product_work(s->m, s->n), ps_cuda_stream()));
    return true;
}

void ps_products_close(void)
{
    while (plans) {
        struct plan *const p = plans;
        plans = p->next;
        if (p->product) cublasLtMatmulDescDestroy(p->product);
        for (const cublasLtMatrixLayout_t layout : {p->a, p->b, p->c})
            if (layout) cublasLtMatrixLayoutDestroy(layout);
        free(p);
    }
    if (handle) cublasLtDestroy(handle);
    handle = NULL;
}
