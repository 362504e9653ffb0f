/** What people ask of a net first. */
#ifndef PS_SUMMARY_H
#define PS_SUMMARY_H

#include "common/nn/net.h"
#include "common/run/run.h"

/** Print layers, shapes of their outputs and numbers of parameters, in the form that Keras has. Local; rank 0
 * speaks. */
void ps_net_summary(const struct ps_run *run, const struct ps_net *net, const char *title);

#endif
