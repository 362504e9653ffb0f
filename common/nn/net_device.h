/** Nets whose kernels are a device's: memory there, and what stands on the host for it.
 *
 * Weights of such a net are there twice: on the host, where files and other ranks have them, and on the
 * device at the beginning of what is prepared, [weights + buffers] and then the forms that kernels read. */
#ifndef PS_NET_DEVICE_H
#define PS_NET_DEVICE_H

#include "common/nn/net.h"
#include "common/par/block.h"
#include "kernels/nn/nn_device.h"

/** Memory of the kernels' arrays. Local. @param what for the message @return PS_OK; PS_ENOMEM */
enum ps_status ps_net_alloc(const struct ps_net *net, int64_t bytes, const char *what, void **out);
void ps_net_dealloc(const struct ps_net *net, void *memory); /**< NULL, NULL is fine. */

/** Elements of a vector of weights or gradients on the device, up to which the next one is aligned. */
int64_t ps_net_vector(const struct ps_net *net);

/** Room for what is prepared, on the device; the weights are at its beginning. Local.
 * @return PS_OK; PS_ENOMEM */
enum ps_status ps_net_prepared_make(const struct ps_net *net, void **out);

/** Prepare them, after they changed there. */
void ps_net_prepare_there(const struct ps_net *net, void *prepared);

/** ps_net_forward with arrays that lie where the kernels' do, also x, sample and the weights. On a device it
 * returns before it is done, and ps_net_output knows nothing of it. */
const void *ps_net_forward_there(struct ps_net_work *work, const struct ps_net_batch *batch, const void *w,
                                 const void *prepared);

enum { PS_NET_TURNS = 2 };

/** ps_net_forward in two parts, so that the next batch is loaded while a device goes through this one:
 * enqueue it, then wait until it is done and ps_net_output is of it. A turn is free again after its end;
 * until then the batch's arrays must stay as they are. States are taken by one turn at a time, and none
 * come back. Without a device it is done at once. */
void ps_net_forward_begin(struct ps_net_work *work, const struct ps_net_batch *batch, const void *w,
                          const void *prepared, int turn);
void ps_net_forward_end(struct ps_net_work *work, int turn);

/** ps_net_buffers_follow with arrays there. */
void ps_net_buffers_follow_there(const struct ps_net *net, const void *dw, int64_t grains, void *w);

/** ps_net_forget of samples [which.lo, which.hi) with states there. */
void ps_net_forget_there(const struct ps_net *net, int64_t n, struct ps_range which, void *state);

/** Room of passes for input, numbers and states there, and for outputs that may be read here. Local.
 * @return PS_OK; PS_ENOMEM */
enum ps_status ps_net_mirror_make(struct ps_net_work *work);
void ps_net_mirror_free(struct ps_net_work *work);

#endif
