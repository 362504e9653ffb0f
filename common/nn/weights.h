/** Weights of a net in safetensors files, with the names, order and layouts of PyTorch. */
#ifndef PS_WEIGHTS_H
#define PS_WEIGHTS_H

#include "common/nn/net.h"
#include "common/run/run.h"

/** Write all tensors, running means too. Collective over run->comm; rank 0 writes, beside and renamed.
 * @param w [weights + buffers] equal on all ranks @return (agreed) PS_OK; PS_EIO; PS_ENOMEM */
enum ps_status ps_weights_write(const struct ps_run *run, const char *path, const struct ps_net *net,
                                const float *w);

/** Read them. float32, float16, bfloat16 and float64 tensors are taken; a tensor num_batches_tracked, which
 * PyTorch's batch norm writes, is let pass. Collective over run->comm; rank 0 reads.
 * @param w out [weights + buffers] on every rank
 * @return (agreed) PS_OK; PS_EIO; PS_EINPUT (torn file; a tensor is missing, has another shape or type, is of
 * no layer of the net, has a value that is not finite: file and tensor are named); PS_ENOMEM; PS_EMPI */
enum ps_status ps_weights_read(const struct ps_run *run, const char *path, const struct ps_net *net,
                               float *w);

/** The same, but the weights of one layer stay on rank 0 as they are and are not looked for in the file.
 * @param layer its name; NULL: read all */
enum ps_status ps_weights_read_but(const struct ps_run *run, const char *path, const struct ps_net *net,
                                   const char *layer, float *w);

#endif
