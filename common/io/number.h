/** Decimal numbers from text and into text, exactly. */
#ifndef PS_NUMBER_H
#define PS_NUMBER_H

enum { PS_NUMBER_TEXT = 40 }; /**< room for any formatted number */

/** Parse the number at the start of [at, end): an optional sign, digits with an optional point, an optional
 * exponent; or nan, inf, infinity in any case. The result is the double nearest to the text (ties to even).
 * Local; reads nothing at or after `end`.
 * @return the place after the number, or NULL if none begins here
 * Source of the first short cut (exact powers of ten): Clinger (1990), "How to read floating point numbers
 * accurately". */
const char *ps_number_parse(const char *at, const char *end, double *out);

/** Write the shortest text among 15 to 17 significant digits (float32: 6 to 9) that reads back as the same
 * value. Local.
 * @param out [PS_NUMBER_TEXT]; ended by a 0
 * @return characters */
int ps_number_format(double value, char *out);
int ps_number_format_f32(float value, char *out);

/** Write what printf writes for "%.{digits}g", 1 to 17 digits, mostly without its long arithmetic. Local.
 * @param out [PS_NUMBER_TEXT]; ended by a 0
 * @return characters */
int ps_number_format_g(double value, int digits, char *out);

#endif
