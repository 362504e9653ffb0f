/** Drawn digits: strokes, bent, turned and shifted at random. */
#ifndef DIGITS_DRAW_H
#define DIGITS_DRAW_H

#include <stdint.h>

enum { DIGIT_SIDE = 28, DIGIT_PIXELS = DIGIT_SIDE * DIGIT_SIDE, DIGIT_KINDS = 10 };

/** Draw sample `index`: a function of seed and index alone. Local; thread-safe.
 * @param pixel out [DIGIT_SIDE][DIGIT_SIDE], 0 is the background @return its digit, as likely as any other */
int digits_draw(uint64_t seed, int64_t index, uint8_t *pixel);

#endif
