#include "kernels/svm/block.h"
#include "kernels/svm/smo.h"
#include "kernels/svm/sums.h"

const struct ps_svm_kernels ps_svm_ref = {
    .name = "ref",
    .pack = ps_svm_pack_rows,
    .unpack = ps_svm_unpack,
    .block = ps_svm_block_ref,
    .smo = ps_svm_smo_ref,
    .update = ps_svm_update_ref,
    .multiply = ps_svm_multiply_ref,
    .sums = ps_svm_sums_ref,
};

const struct ps_svm_kernels ps_svm_cpu = {
    .name = "cpu",
    .pack = ps_svm_pack_rows,
    .unpack = ps_svm_unpack,
    .block = ps_svm_block_cpu,
    .smo = ps_svm_smo_cpu,
    .update = ps_svm_update_cpu,
    .multiply = ps_svm_multiply_cpu,
    .sums = ps_svm_sums_cpu,
};
