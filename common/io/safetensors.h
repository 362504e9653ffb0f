/** Files of named arrays as Hugging Face's safetensors has them, which PyTorch and others read and write.
 *
 * File layout: 8 bytes with the length N of the header, N bytes of JSON, then the data. All numbers are
 * little-endian. The header is {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}:
 * offsets count from the end of the header, and the tensors' places follow each other without gaps. The name
 * "__metadata__" stands for an object of strings. Blanks may follow; the writer fills up with them so that
 * the data begins at a multiple of 8. Source: github.com/huggingface/safetensors, section Format. */
#ifndef PS_SAFETENSORS_H
#define PS_SAFETENSORS_H

#include <stdint.h>
#include "kernels/status.h"

enum { PS_SAFE_NAME = 256, PS_SAFE_DIMS = 8 };

/** PS_SAFE_OTHER: a type of the format that is none of these; its data is there, of unknown meaning. */
enum ps_safe_type { PS_SAFE_F32, PS_SAFE_F16, PS_SAFE_BF16, PS_SAFE_F64, PS_SAFE_I64, PS_SAFE_OTHER };

struct ps_safe_tensor {
    char name[PS_SAFE_NAME]; /**< UTF-8 */
    enum ps_safe_type type;
    int dims; /**< 0: a single number */
    int64_t dim[PS_SAFE_DIMS];
    const void *data; /**< row-major, perhaps at any address; within the file's memory, or the writer's */
};

/** A file in memory. */
struct ps_safetensors {
    struct ps_safe_tensor *tensor; /**< [n] in order of their places; owned */
    int n;
    void *memory; /**< owned */
};

/** Product of the dimensions, 1 where there are none. Local. */
int64_t ps_safe_count(const struct ps_safe_tensor *t);

/** Read a file. Local.
 * @return PS_OK; PS_EIO (missing ...); PS_EINPUT (not such a file, truncated, places overlap or leave gaps,
 * shape and length differ, a name twice); PS_EBACKEND (a big-endian machine); PS_ENOMEM. Messages name file
 * and tensor. Nothing is left after a failure. */
enum ps_status ps_safetensors_read(const char *path, struct ps_safetensors *out);
void ps_safetensors_free(struct ps_safetensors *s);

/** Elements [lo, lo + n) of an F32, F16, BF16 or F64 tensor as float; F64 is rounded to nearest. Local.
 * @param out [n] */
void ps_safe_floats(const struct ps_safe_tensor *t, int64_t lo, int64_t n, float *out);

/** Write tensors beside the final name and rename. Local.
 * Wider types come first, so that every element lies at a multiple of its size, else the order is kept.
 * @param note NULL, or pairs of key and value for the header's __metadata__, ended by NULL
 * @return PS_OK; PS_EIO; PS_ENOMEM; PS_EBACKEND (a big-endian machine); PS_EINTERNAL (a name twice, a type
 * that cannot be written) */
enum ps_status ps_safetensors_write(const char *path, const struct ps_safe_tensor *tensor, int n,
                                    const char *const *note);

#endif
