/** Which kernels the net of a program runs on. */
#ifndef PS_TRAIN_KERNELS_H
#define PS_TRAIN_KERNELS_H

#include "common/nn/train_params.h"
#include "common/par/device.h"

/** The table of kernels for the back end and the precision that parameters name, and the GPU that it needs.
 * `auto` takes the GPU where every rank has one and the run asks for nothing that only the host does, or else
 * the host; what was chosen, and why, is told and recorded. Collective over run->comm.
 * @param device out: to be closed after the net is freed
 * @return (agreed) PS_OK; PS_EBACKEND (not to be had), PS_EUSAGE (parameters that it does not take),
 * PS_ENOMEM
 */
enum ps_status ps_train_kernels(struct ps_run *run, const struct ps_train_params *p, struct ps_device *device,
                                const struct ps_nn_kernels **out);

#endif
