/** Kernels of the CUDA back end, as in struct ps_svm_kernels and struct ps_svm_device. */
#ifndef PS_SVM_CU_H
#define PS_SVM_CU_H

#include "kernels/cuda.h"
#include "kernels/svm/svm_kernels.h"

extern const struct ps_svm_kernels ps_svm_cu;

enum ps_status ps_svm_pack_cu(const struct ps_csr *x, const int64_t *row, int64_t n,
                              const struct ps_svm_layout *layout, struct ps_svm_pack **out);
void ps_svm_unpack_cu(struct ps_svm_pack *p);
void ps_svm_block_cu(const struct ps_svm_function *f, const struct ps_svm_pack *a, int64_t alo, int64_t ahi,
                     const struct ps_svm_pack *b, int64_t blo, int64_t bhi, float *out, int64_t stride);
enum ps_status ps_svm_smo_cu(struct ps_svm_smo *s, int64_t problems);
void ps_svm_update_cu(const float *const *col, const double *coef, int64_t ncol, int64_t n, double *f);
void ps_svm_multiply_cu(const float *k, int64_t n, int64_t m, int64_t kstride, const float *b, int64_t cols,
                        int64_t bstride, double *out, int64_t ostride);
void ps_svm_sums_cu(const float *k, int64_t kstride, int64_t n, const struct ps_svm_terms *terms, double *out,
                    int64_t ostride);

enum ps_status ps_svm_repack_cu(const struct ps_svm_pack *from, const int64_t *row, int64_t n,
                                struct ps_svm_pack **out);
void ps_svm_rank_cu(const struct ps_svm_scores *s, const struct ps_svm_ranking *r, void *out);
void ps_svm_set_cu(uint8_t *to, const int64_t *at, const uint8_t *value, int64_t n);

/** Memory on its way from the host to the device: what is wanted is written `here`, sent, and read `there` by
 * kernels that are launched before it is done with. */
struct ps_svm_stage {
    char *here, *there;
    int64_t bytes;
    cudaEvent_t done;
};

/** @return NULL: there is none, and why is kept */
struct ps_svm_stage *ps_svm_stage_cu(int64_t bytes);
/** Send the first `bytes` to `there`. */
void ps_svm_stage_send_cu(const struct ps_svm_stage *s, int64_t bytes);
/** It is used again when all that was launched so far is done. */
void ps_svm_stage_done_cu(const struct ps_svm_stage *s);

/** Memory of the device that calls of one queue after each other use and leave: kept for the next ones.
 * @return NULL: there is none */
char *ps_svm_take_cu(int64_t bytes);
void ps_svm_leave_cu(char *there);

/** Give back all memory that is kept. */
void ps_svm_close_cu(void);

#endif
