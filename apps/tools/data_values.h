/** Single values and conversions between element types, for the tools. */
#ifndef DATA_VALUES_H
#define DATA_VALUES_H

#include <stdbool.h>
#include "common/io/shard.h"

/** Element i of an array as long double, which holds every value of every type exactly where it has 64 bits
 * of mantissa (x86-64) or more; elsewhere 64-bit integers beyond 2^53 are rounded. Local. */
long double data_get(const void *data, int64_t i, enum ps_dtype type);

/** Put a value into element i.
 * @return false, and nothing is written, if the type cannot hold it: out of range, not whole, or not finite
 * for an integer type; a finite value that becomes infinite as float. Floats round to nearest. Local. */
bool data_put(void *data, int64_t i, enum ps_dtype type, long double value);

/** Type of that name (int8 ... float64). Local.
 * @return false if there is none */
bool data_type_named(const char *name, enum ps_dtype *out);

/** A value as text, whole numbers in full. Local.
 * @param out [48] */
void data_text(long double value, char out[48]);

#endif
