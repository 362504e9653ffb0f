/** What a plugin of the CUDA back end offers to programs, which open it at run time and link to nothing of
 * CUDA: libps_cuda_nn.so has the kernels of nets, libps_cuda.so, which needs no library of CUDA, those of the
 * other families. */
#ifndef PS_CUDA_PLUGIN_H
#define PS_CUDA_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include "kernels/status.h"

/** Counts up whenever something here, or in what is pointed to, changes. */
enum { PS_CUDA_INTERFACE = 6 };

#ifdef __cplusplus
extern "C" {
#endif

struct ps_nn_kernels;
struct ps_svm_kernels;
struct ps_dbscan_kernels;
struct ps_device_memory;

struct ps_cuda {
    int interface; /**< PS_CUDA_INTERFACE of the plugin's build */
    /** Devices of this machine that this process may use. @param why out, where there are none: what CUDA
     * says
     */
    int (*devices)(char *why, size_t room);
    /** Take device `device` for this process. @param exact only algorithms that give the same bits each time
     * @param text out: the device, with its place on the node, and the versions in words, or what failed
     * @return PS_OK; PS_EBACKEND (not to be had, too old for what was compiled); PS_ENOMEM */
    enum ps_status (*open)(int device, bool exact, char *text, size_t room);
    void (*close)(void);
    const struct ps_device_memory *memory;
    /* families, NULL where the plugin has them not */
    /** Products in fp32, TF32, bf16; the last NULL where the device that was opened has none. */
    const struct ps_nn_kernels *nn, *nn_tf32, *nn_bf16;
    const struct ps_svm_kernels *svm;
    const struct ps_dbscan_kernels *dbscan;
};

/** The one symbol of a plugin. */
const struct ps_cuda *ps_cuda_plugin(void);
typedef const struct ps_cuda *ps_cuda_plugin_fn(void);

#ifdef __cplusplus
}
#endif
#endif
