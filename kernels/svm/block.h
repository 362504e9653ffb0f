/** Blocks of kernel values: what their parts share. A block is made of tiles of scalar products (or squared
 * distances), which a second step turns into kernel values. */
#ifndef PS_SVM_BLOCK_H
#define PS_SVM_BLOCK_H

#include "kernels/svm/finish.h"
#include "kernels/svm/pack.h"

/** A tile of rows x columns that is wanted. */
struct ps_svm_tile {
    const float *raw; /**< [rows][raw_stride], readable for one vector beyond the columns */
    int64_t raw_stride;
    int64_t rows, cols;
    const float *a_norm, *b_norm; /**< [rows], [cols] likewise */
    float *out;                   /**< [rows][stride] */
    int64_t stride;
    bool stream; /**< store past the caches: `out` and its rows are aligned to 64 bytes */
};

/** Turn a tile into kernel values. Exponentials are within 2 units in the last place of the exact value of
 * -gamma |u-v|^2, and 0 below 2^-125, so that nothing later meets subnormal numbers. */
void ps_svm_finish_tile(const struct ps_svm_finish *f, const struct ps_svm_tile *t);

/** A block to be computed. */
struct ps_svm_job {
    struct ps_svm_finish finish;
    const struct ps_svm_pack *a, *b;
    int64_t alo, ahi, blo, bhi;
    float *out;
    int64_t stride;
    bool stream; /**< as in a tile, for all of its whole vectors */
};

/** Columns of a group of compressed rows as tiles take them: at most 64. */
int ps_svm_sparse_width(const struct ps_svm_pack *b);

/** Work space of one thread for compressed rows, or NULL where it does not pay or is not to be had: then
 * products are computed one by one. */
void *ps_svm_sparse_scratch(const struct ps_svm_job *job);

/** Rows [alo, ahi) of a times panels [plo, phi) of b; of groups of compressed rows likewise. */
void ps_svm_dense_part(const struct ps_svm_job *job, int64_t alo, int64_t ahi, int64_t plo, int64_t phi);
void ps_svm_sparse_part(const struct ps_svm_job *job, int64_t alo, int64_t ahi, int64_t glo, int64_t ghi,
                        void *scratch);

/** u'v (or |u-v|^2 by differences) of two packed rows by the one chain that all blocks follow. */
float ps_svm_chain(const struct ps_svm_pack *a, int64_t i, const struct ps_svm_pack *b, int64_t j,
                   bool distance);

/** `block` and `multiply` of the tables. Both `multiply` give the same bits; both `block` have the same
 * scalar products, and values that differ by the error of their exp and tanh alone: at most 2 units in the
 * last place for an RBF, 4 for a sigmoid, none otherwise. */
void ps_svm_block_ref(const struct ps_svm_function *f, const struct ps_svm_pack *a, int64_t alo, int64_t ahi,
                      const struct ps_svm_pack *b, int64_t blo, int64_t bhi, float *out, int64_t stride);
void ps_svm_block_cpu(const struct ps_svm_function *f, const struct ps_svm_pack *a, int64_t alo, int64_t ahi,
                      const struct ps_svm_pack *b, int64_t blo, int64_t bhi, float *out, int64_t stride);
void ps_svm_multiply_ref(const float *k, int64_t n, int64_t m, int64_t kstride, const float *b, int64_t cols,
                         int64_t bstride, double *out, int64_t ostride);
void ps_svm_multiply_cpu(const float *k, int64_t n, int64_t m, int64_t kstride, const float *b, int64_t cols,
                         int64_t bstride, double *out, int64_t ostride);

#endif
