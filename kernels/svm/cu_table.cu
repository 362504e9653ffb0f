#include "kernels/svm/cu.h"

static const struct ps_svm_device device = {&ps_cuda_memory, ps_svm_repack_cu, ps_svm_rank_cu, ps_svm_set_cu,
                                            ps_svm_smo_cu};

static enum ps_status smo(struct ps_svm_smo *s)
{
    return ps_svm_smo_cu(s, 1);
}

const struct ps_svm_kernels ps_svm_cu = {"cuda",          &device, ps_svm_pack_cu,   ps_svm_unpack_cu,
                                         ps_svm_block_cu, smo,     ps_svm_update_cu, ps_svm_multiply_cu,
                                         ps_svm_sums_cu};
