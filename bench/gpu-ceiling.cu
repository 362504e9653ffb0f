/* What a GPU can do at most, measured: products of square matrices by cuBLASLt in bf16, TF32 and fp32, and a
 * copy within its memory. usage: gpu-ceiling [SIDE]   (8192) Prints a line for each, `NAME NUMBER UNIT`:
 * medians of repetitions on random numbers. */
#include <cublasLt.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include "bench/gpu_numbers.h"

enum { WARM = 3, TIMES = 11 };
static const size_t WORKSPACE = (size_t)64 << 20;

#define CHECK(call)                                                                 \
    do {                                                                            \
        const int error_ = (int)(call);                                             \
        if (error_ != 0) {                                                          \
            std::fprintf(stderr, "gpu-ceiling: %s: error %d (%s)\n", #call, error_, \
                         cudaGetErrorString(cudaGetLastError()));                   \
            std::exit(1);                                                           \
        }                                                                           \
    } while (0)

/* Median seconds of `what`, by the device's clock. */
template <typename F> static double median(F what)
{
    cudaEvent_t begin, end;
    float ms[TIMES];
    CHECK(cudaEventCreate(&begin));
    CHECK(cudaEventCreate(&end));
    for (int i = -WARM; i < TIMES; i++) {
        CHECK(cudaEventRecord(begin));
        what();
        CHECK(cudaEventRecord(end));
        CHECK(cudaEventSynchronize(end));
        if (i >= 0) CHECK(cudaEventElapsedTime(&ms[i], begin, end));
    }
    CHECK(cudaEventDestroy(begin));
    CHECK(cudaEventDestroy(end));
    std::sort(ms, ms + TIMES);
    return 1e-3 * ms[TIMES / 2];
}

/* c = a' b, [side][side], sums in fp32. Where there is no such product, as of bf16 before compute
 * capability 8.0, none is told. */
template <typename T>
static void product(cublasLtHandle_t lt, void *workspace, const char *name, cudaDataType_t type,
                    cublasComputeType_t compute, int64_t side)
{
    T *a, *b, *c;
    const int64_t n = side * side;
    cublasLtMatmulDesc_t desc;
    cublasLtMatrixLayout_t layout;
    cublasLtMatmulPreference_t preference;
    cublasLtMatmulHeuristicResult_t found;
    const cublasOperation_t transposed = CUBLAS_OP_T;
    const float one = 1, zero = 0;
    int count = 0;
    CHECK(cudaMalloc(&a, n * sizeof(T)));
    CHECK(cudaMalloc(&b, n * sizeof(T)));
    CHECK(cudaMalloc(&c, n * sizeof(T)));
    gpu_numbers<<<1024, 256>>>(n, 1u, a);
    gpu_numbers<<<1024, 256>>>(n, 2u, b);
    CHECK(cudaGetLastError());
    CHECK(cublasLtMatmulDescCreate(&desc, compute, CUDA_R_32F));
    CHECK(cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed));
    CHECK(cublasLtMatrixLayoutCreate(&layout, type, side, side, side));
    CHECK(cublasLtMatmulPreferenceCreate(&preference));
    CHECK(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                               &WORKSPACE, sizeof WORKSPACE));
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(lt, desc, layout, layout, layout, layout,
                                                                 preference, 1, &found, &count);
    if (status == CUBLAS_STATUS_SUCCESS && count > 0) {
        const double seconds = median([&] {
            CHECK(cublasLtMatmul(lt, desc, &one, a, layout, b, layout, &zero, c, layout, c, layout,
                                 &found.algo, workspace, WORKSPACE, 0));
        });
        std::printf("%s %.1f TFLOP/s\n", name, 2e-12 * (double)side * (double)side * (double)side / seconds);
    } else {
        std::printf("%s - TFLOP/s\n", name);
    }
    std::fflush(stdout);
    CHECK(cublasLtMatmulPreferenceDestroy(preference));
    CHECK(cublasLtMatrixLayoutDestroy(layout));
    CHECK(cublasLtMatmulDescDestroy(desc));
    CHECK(cudaFree(a));
    CHECK(cudaFree(b));
    CHECK(cudaFree(c));
}

/* Bytes read and written. */
static void copy(void)
{
    const size_t bytes = (size_t)2 << 30; /* much more than caches hold */
    char *from, *to;
    CHECK(cudaMalloc(&from, bytes));
    CHECK(cudaMalloc(&to, bytes));
    gpu_numbers<<<1024, 256>>>((int64_t)(bytes / 4), 3u, (float *)from);
    CHECK(cudaGetLastError());
    const double seconds =
        median([&] { CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, 0)); });
    std::printf("copy %.0f GB/s\n", 2e-9 * (double)bytes / seconds);
    CHECK(cudaFree(from));
    CHECK(cudaFree(to));
}

int main(int argc, char **argv)
{
    const int64_t side = argc > 1 ? std::atoll(argv[1]) : 8192;
    cublasLtHandle_t lt;
    void *workspace;
    if (side < 16 || side % 16 != 0)
        return std::fputs("usage: gpu-ceiling [SIDE]   (a multiple of 16)\n", stderr), 2;
    CHECK(cudaMalloc(&workspace, WORKSPACE));
    CHECK(cublasLtCreate(&lt));
    copy();
    product<ps_half>(lt, workspace, "bf16", CUDA_R_16BF, CUBLAS_COMPUTE_32F, side);
    product<float>(lt, workspace, "tf32", CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32, side);
    product<float>(lt, workspace, "fp32", CUDA_R_32F, CUBLAS_COMPUTE_32F, side);
    CHECK(cublasLtDestroy(lt));
    CHECK(cudaFree(workspace));
    return 0;
}
