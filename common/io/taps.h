/** Which pixels along one side of a picture make each pixel of another size, and by which weights. */
#ifndef PS_TAPS_H
#define PS_TAPS_H

#include <stdbool.h>
#include <stdint.h>

struct ps_taps {
    double from, in; /**< pixels [from, from + in) are brought ... */
    int out;         /**< ... to so many */
    int lo, hi;      /**< pixels that are read: all indices are from lo */
    int taps;        /**< pixels that make one */
};

/** What a side is made of. Local.
 * @param open   pixels around it serve too
 * @param pixels of the whole picture along this side */
struct ps_taps ps_taps_of(double from, double in, bool open, int pixels, int out);

/** Weights of the triangle that is as wide as an output pixel where the side shrinks, else as a pixel. Local.
 * Source: as in PIL's Resample.c and PyTorch's UpSampleKernel.cpp.
 * @param first  out [out], never falling: first pixel of each output pixel, from t->lo
 * @param weight out [out][taps], none negative */
void ps_taps_find(const struct ps_taps *t, int32_t *first, float *weight);

#endif
