/** What training would be on more ranks. */
#ifndef PS_SCALING_H
#define PS_SCALING_H

#include "common/nn/train.h"

/** Say and record the parallel efficiency of 2 to 1024 ranks that each go through as many samples a step as
 * now: seconds of a step without exchange over those with what the backward pass does not hide of it.
 * Collective over run->comm. The network is that of the parameters, or else is measured by allreduces between
 * the ranks of the run; with one rank and no network, that is said. With several ranks what was measured
 * stands beside what is predicted.
 * @return (agreed) PS_OK; PS_EUSAGE; PS_ENOMEM */
enum ps_status ps_scaling_tell(struct ps_run *run, const struct ps_train_params *params,
                               const struct ps_train_times *times);

#endif
