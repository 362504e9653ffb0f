#include "kernels/svm/block.h"
#include "kernels/lanes.h"

enum { BLOCK = 256, STEP = 16 };

static float chain_dense(const float *u, const float *v, int64_t cols, bool distance)
{
    float sum = 0;
    for (int64_t k = 0; k < cols; k++) {
        const float x = u[k * PS_SVM_PANEL], y = v[k * PS_SVM_PANEL], d = x - y;
        sum = distance ? ps_fma(d, d, sum) : ps_fma(x, y, sum);
    }
    return sum;
}

static float chain_sparse(const struct ps_svm_pack *a, int64_t i, const struct ps_svm_pack *b, int64_t j)
{
    int64_t p = a->start[i], q = b->start[j];
    float sum = 0;
    while (p < a->start[i + 1] && q < b->start[j + 1]) {
        const int32_t u = a->index[p], v = b->index[q];
        if (u == v) sum = ps_fma(a->value[p], b->value[q], sum);
        p += u <= v;
        q += v <= u;
    }
    return sum;
}

float ps_svm_chain(const struct ps_svm_pack *a, int64_t i, const struct ps_svm_pack *b, int64_t j,
                   bool distance)
{
    if (!a->dense) return chain_sparse(a, i, b, j);
    return chain_dense(ps_svm_panel(a, i / PS_SVM_PANEL) + i % PS_SVM_PANEL,
                       ps_svm_panel(b, j / PS_SVM_PANEL) + j % PS_SVM_PANEL, a->cols, distance);
}

static float power(float x, int degree)
{
    float r = 1;
    for (int d = degree; d > 0; d /= 2, x *= x)
        if (d & 1) r *= x;
    return r;
}

static float value(const struct ps_svm_function *f, const struct ps_svm_pack *a, int64_t i,
                   const struct ps_svm_pack *b, int64_t j)
{
    const float gamma = (float)f->gamma, coef0 = (float)f->coef0;
    const bool distance = f->form == PS_SVM_RBF && a->differences;
    float raw = ps_svm_chain(a, i, b, j, distance);
    switch (f->form) {
    case PS_SVM_POLY:
        return power(ps_fma(gamma, raw, coef0), f->degree);
    case PS_SVM_RBF:
        if (!distance) raw = fmaxf(0, ps_fma(raw, -2, a->norm[i] + b->norm[j]));
        return (float)exp(-f->gamma * (double)raw);
    case PS_SVM_SIGMOID:
        return tanhf(ps_fma(gamma, raw, coef0));
    default:
        return raw;
    }
}

void ps_svm_block_ref(const struct ps_svm_function *f, const struct ps_svm_pack *a, int64_t alo, int64_t ahi,
                      const struct ps_svm_pack *b, int64_t blo, int64_t bhi, float *out, int64_t stride)
{
    for (int64_t i = alo; i < ahi; i++)
        for (int64_t j = blo; j < bhi; j++) out[(i - alo) * stride + j - blo] = value(f, a, i, b, j);
}

void ps_svm_multiply_ref(const float *k, int64_t n, int64_t m, int64_t kstride, const float *b, int64_t cols,
                         int64_t bstride, double *out, int64_t ostride)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t t = 0; t < cols; t++)
            for (int64_t block = 0; block < m; block += BLOCK) {
                float total = 0;
                for (int64_t step = block; step < block + BLOCK && step < m; step += STEP) {
                    float sum = 0;
                    for (int64_t j = step; j < step + STEP && j < m; j++)
                        sum = ps_fma(k[i * kstride + j], b[j * bstride + t], sum);
                    total += sum;
                }
                out[i * ostride + t] += (double)total;
            }
}
