/** What a core can do at most, measured. */
#ifndef PS_PEAK_H
#define PS_PEAK_H

#include <stdbool.h>
#include <stdint.h>

/** Floating-point operations per second of the calling thread in a loop of fused multiply-adds on registers,
 * the best of some tries of milliseconds: to be called by all threads at once, as they share clocks and
 * caches. Local.
 * @param half products of bf16 with sums in single precision, else single precision */
double ps_peak_flops(bool half);

/** Have n floats written back and out of all caches, so that who reads them next reads memory; on processors
 * without an instruction for that nothing is done. Local. */
void ps_peak_flush(const float *x, int64_t n);

/** The triad to = a + s b of STREAM (McCalpin 1995), written past the caches where the machine can. Local.
 * @param to, a, b [n] aligned to 64 bytes; n a multiple of 16
 * @return bytes that it moves to and from memory, if all lay there */
double ps_peak_triad(float *to, const float *a, const float *b, float s, int64_t n);

#endif
