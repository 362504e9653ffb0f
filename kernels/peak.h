/** What a core can do at most, measured. */
#ifndef PS_PEAK_H
#define PS_PEAK_H

#include <stdbool.h>

/** Floating-point operations per second of the calling thread in a loop of fused multiply-adds on registers,
 * the best of some tries of milliseconds: to be called by all threads at once, as they share clocks and
 * caches. Local.
 * @param half products of bf16 with sums in single precision, else single precision */
double ps_peak_flops(bool half);

#endif
