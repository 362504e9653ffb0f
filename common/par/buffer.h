/** Arrays on a device with their places on the host. */
#ifndef PS_BUFFER_H
#define PS_BUFFER_H

#include <stdbool.h>
#include "kernels/device_memory.h"

/** All zero: nothing. */
struct ps_buffer {
    const struct ps_device_memory *memory;
    int64_t bytes;
    void *there; /**< on the device */
    void *here;  /**< on the host, in memory that copies want; NULL: there is none */
};

/** Room there and, where `staged`, here; neither is cleared. Local.
 * @param what for the message, which ends with it: advice may follow
 * @return PS_OK; PS_ENOMEM: nothing is held */
enum ps_status ps_buffer_make(const struct ps_device_memory *memory, int64_t bytes, bool staged,
                              const char *what, struct ps_buffer *out);
void ps_buffer_free(struct ps_buffer *b); /**< When all queues are done with it. Local. */

/** Copy the first `bytes` bytes there, or back here, in the queue in use: it returns before that is done.
 * Local. */
void ps_buffer_put(const struct ps_buffer *b, int64_t bytes);
void ps_buffer_get(const struct ps_buffer *b, int64_t bytes);

#endif
