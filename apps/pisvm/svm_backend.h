/** Where programs of support vector machines compute. */
#ifndef SVM_BACKEND_H
#define SVM_BACKEND_H

#include "common/par/device_share.h"
#include "kernels/svm/svm_kernels.h"

/** The table of kernels for --backend, and the GPU that it needs. Collective over run->comm.
 * @param device out: to be closed after all that was made with the kernels is freed
 * @return (agreed) PS_OK; PS_EBACKEND (not to be had), PS_ENOMEM */
enum ps_status svm_backend_open(struct ps_run *run, struct ps_device *device,
                                const struct ps_svm_kernels **out);

/** What is the message of a failure of the kernels: what their device says, or else `what`. Local.
 * @return rc */
enum ps_status svm_backend_failed(const struct ps_svm_kernels *kernels, enum ps_status rc, const char *what);

/** Wait for the device of the kernels, if they have one. Local.
 * @return PS_OK; what failed there, with a message */
enum ps_status svm_backend_wait(const struct ps_svm_kernels *kernels);

/** Pack rows with the kernels, as their table says. Local. @return PS_OK; PS_ENOMEM, PS_EBACKEND, with a
 * message */
enum ps_status svm_backend_pack(const struct ps_svm_kernels *kernels, const struct ps_csr *x,
                                const int64_t *row, int64_t n, const struct ps_svm_layout *layout,
                                struct ps_svm_pack **out);

/** Memory for kernel values where none is asked for: on a GPU the largest power of two of bytes within half
 * of what is free there. So runs that resume, on other ranks too, or have other company, agree on it. Local.
 * @return bytes; 0: the kernels run on the host */
int64_t svm_backend_memory(const struct ps_device_share *share);

#endif
