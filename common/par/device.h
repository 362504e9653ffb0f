/** The GPU of a rank, through a plugin of the CUDA back end, which is opened at run time: programs link to
 * nothing of CUDA. */
#ifndef PS_DEVICE_H
#define PS_DEVICE_H

#include "common/run/run.h"
#include "kernels/cuda_plugin.h"

enum { PS_DEVICE_TEXT = 256 };

/** All zero: nothing was opened. */
struct ps_device {
    const struct ps_cuda *cuda; /**< NULL: the rank has no GPU */
    char text[PS_DEVICE_TEXT];  /**< the GPU in words */
};

/** Kernels that programs want there; each family is in one of the plugins. */
enum ps_device_family { PS_DEVICE_NN, PS_DEVICE_SVM, PS_DEVICE_DBSCAN };

/** What a program wants of GPUs. */
struct ps_device_wish {
    enum ps_device_family family;
    bool exact; /**< only algorithms that give the same bits each time */
    bool alone; /**< no two ranks of the run on one GPU */
    /** May this run use GPUs, and has the plugin what it needs? Called with cuda NULL before GPUs are taken,
     * and with the plugin after; the same on all ranks. NULL: it may.
     * @return PS_OK, or a status with a message */
    enum ps_status (*check)(const void *context, const struct ps_device *device);
    const void *context;
};

/** Choose by --backend whether a run computes on GPUs, and take the one that falls to each rank: its number
 * on the node modulo the GPUs that CUDA shows it. `auto` does where every rank has one and the wish allows,
 * `cuda` must; else, and where not, out->cuda stays NULL. What was chosen, and why, is told and recorded. The
 * plugin is looked for in the folder PSML_PLUGINS of the environment, in ../lib and ../lib/psml from the
 * folder of the program, and where the system has libraries. Without device files `auto` costs nothing.
 * Collective over run->comm.
 * @param host what computes where no GPU does, for the record
 * @return (agreed) PS_OK; PS_EBACKEND, PS_EUSAGE, PS_ENOMEM where `cuda` is not to be had: no GPU is taken */
enum ps_status ps_device_choose(struct ps_run *run, const struct ps_device_wish *wish, const char *host,
                                struct ps_device *out);
void ps_device_close(struct ps_device *d); /**< Local. */

#endif
