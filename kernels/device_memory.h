/** Memory of a device, and copies to it and back: what the kernels of all families have there.
 *
 * One device for a process, one thread that calls. Copies return before they are done, in the order of the
 * queue in use. The first call that fails is kept: calls after it do nothing, and `wait` and `error` tell of
 * it. */
#ifndef PS_DEVICE_MEMORY_H
#define PS_DEVICE_MEMORY_H

#include <stdint.h>
#include "kernels/status.h"

struct ps_device_memory {
    /* of the device, at multiples of 256 bytes, not cleared; and of the host, which copies want. NULL: there
     * is none */
    void *(*alloc)(int64_t bytes);
    void (*free)(void *there); /**< when all queues are done with it; NULL is fine */
    void *(*alloc_host)(int64_t bytes);
    void (*free_host)(void *here);

    /** Bytes of the device that nobody has yet, of this process or another one. */
    int64_t (*room)(void);

    /* copies: to the device, and back. `here` must stay as it is until the copy is done */
    void (*put)(void *there, const void *here, int64_t bytes);
    void (*get)(void *here, const void *there, int64_t bytes);

    enum ps_status (*wait)(void); /**< for all queues. @return PS_OK; PS_ENOMEM; PS_EBACKEND */
    const char *(*error)(void);   /**< what failed, in words; "": nothing did */
};

#endif
