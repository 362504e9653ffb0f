/** The GPU of a rank, through the plugin of the CUDA back end, libps_cuda.so, which is opened at run time:
 * programs link to nothing of CUDA. */
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

/** Has every rank device files of the driver? Costs nothing where there are none. Collective over run->comm.
 * @return (agreed) PS_OK; PS_EBACKEND, with a message */
enum ps_status ps_device_look(const struct ps_run *run);

/** Open the plugin on every rank, and take the GPU that falls to the rank: its number on the node modulo the
 * GPUs that CUDA shows it. The plugin is looked for in the folder PSML_PLUGINS of the environment, in ../lib
 * and ../lib/psml from the folder of the program, and where the system has libraries. Collective over
 * run->comm.
 * @param exact only algorithms that give the same bits each time
 * @return (agreed) PS_OK; PS_EBACKEND, PS_ENOMEM: a rank has none, the message says why, and no GPU is taken
 */
enum ps_status ps_device_open(const struct ps_run *run, bool exact, struct ps_device *out);
void ps_device_close(struct ps_device *d); /**< Local. */

#endif
