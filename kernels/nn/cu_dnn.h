/** cuDNN, for the files that call it. */
#ifndef PS_NN_CU_DNN_H
#define PS_NN_CU_DNN_H

#include "kernels/nn/cu.h"

#ifdef PS_CUDA_ON_HOST
#    include <cudnn_on_host.h>
#else
#    include <cudnn.h>
#endif

/** The library's handle, whose work goes to the queue in use; NULL: it could not be had, and the failure is
 * kept. Made when it is first asked for. */
cudnnHandle_t ps_dnn(void);

/** Give the handle back; there may be none. */
void ps_dnn_close(void);

/** The library's version in words, with a comma before it. */
void ps_dnn_tell(char *text, size_t room);

/** A call of cuDNN: made if all is good, and checked. */
#define PS_DNN(call)                                                                     \
    do {                                                                                 \
        if (ps_cuda_good()) {                                                            \
            const cudnnStatus_t error_ = (call);                                         \
            if (error_ != CUDNN_STATUS_SUCCESS)                                          \
                ps_cuda_fail(PS_EBACKEND, "cuDNN: " #call, cudnnGetErrorString(error_)); \
        }                                                                                \
    } while (0)

#endif
