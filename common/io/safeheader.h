/** The header of a safetensors file (safetensors.h) as a parser and a writer on memory. */
#ifndef PS_SAFEHEADER_H
#define PS_SAFEHEADER_H

#include "common/io/safetensors.h"
#include <stddef.h>

enum { PS_SAFE_HEADER_MAX = 100000000 }; /**< bytes: the limit of the reference implementation */

/** Bytes of an element, and the format's name of the type; 0 and "" for PS_SAFE_OTHER. Local. */
size_t ps_safe_type_size(enum ps_safe_type type);
const char *ps_safe_type_name(enum ps_safe_type type);

/** Parse a header, all of text[0, n). Local.
 * @param path  for messages
 * @param data  [bytes] what follows the header; borrowed, tensors point into it
 * @param out   tensors in order of their places, memory untouched; on failure nothing is left
 * @return PS_OK; PS_EINPUT; PS_ENOMEM */
enum ps_status ps_safe_parse(const char *path, const char *text, int64_t n, const void *data, int64_t bytes,
                             struct ps_safetensors *out);

/** Write the header of tensors that lie one after the other in the given order. Local.
 * @param note as for ps_safetensors_write
 * @param text out [*length], a multiple of 8, not ended by zero; the caller's to free
 * @return PS_OK; PS_ENOMEM; PS_EINTERNAL (too long) */
enum ps_status ps_safe_compose(const struct ps_safe_tensor *const *tensor, int n, const char *const *note,
                               char **text, int64_t *length);

/** No two names are equal. Local. @return PS_OK; `code` with a message that names the tensor; PS_ENOMEM */
enum ps_status ps_safe_distinct(const char *path, const struct ps_safe_tensor *const *tensor, int n,
                                enum ps_status code);

#endif
