/** What the parts of the stand-in for CUDA share. */
#ifndef PS_CUDA_HOST_PARTS_H
#define PS_CUDA_HOST_PARTS_H

#include "cuda_on_host.h"
#include <memory>
#include <vector>

/** Keep an error for cudaGetLastError. @return it */
cudaError_t ps_host_error(cudaError_t error);

/** Run a kernel's blocks, one after the other. */
void ps_host_run(const struct ps_host_shape &shape, const std::function<void()> &body);
/** May a kernel be launched like this? */
bool ps_host_fits(const struct ps_host_shape &shape);

/** End the process with a sentence. */
[[noreturn]] __attribute__((format(printf, 1, 2))) void ps_host_die(const char *format, ...);

/** Open the device's memory for the host, or close it: calls nest. */
void ps_host_memory_open(void);
void ps_host_memory_close(void);
/** Whose memory are these bytes, all of them? */
enum ps_host_whose {
    PS_HOST_UNKNOWN,
    PS_HOST_PINNED,
    PS_HOST_DEVICE,
    PS_HOST_BEYOND /**< partly a device's */
};
enum ps_host_whose ps_host_whose(const void *memory, size_t bytes);

/** Of what is timed from here on, does the first seem the fastest, or the last? */
void ps_host_first_is_fastest(bool first);

/** Is a capture going on in any stream? Calls that it forbids make it worthless. */
bool ps_host_capturing(void);
void ps_host_capture_spoil(void);

#endif
