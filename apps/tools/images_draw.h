/** Small pictures of textures, from which their class can be learnt. */
#ifndef IMAGES_DRAW_H
#define IMAGES_DRAW_H

#include <stdint.h>

/** Draw picture `index`: waves whose direction and length, and colours, are those of its class; phase,
 * contrast, light and noise are its own. A function of its arguments alone. Local.
 * @param class in [0, classes)
 * @param pixels out [height][width][3] */
void images_draw(uint64_t seed, int64_t index, int class, int classes, int height, int width,
                 uint8_t *pixels);

#endif
