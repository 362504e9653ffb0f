/** Normalisations that are never written out: what convolutions do about them as they read and write, block
 * by block while a block is in a core's cache. Blocks have rows of c channels, that lie `row` floats apart.
 */
#ifndef PS_NN_NORMAL_H
#define PS_NN_NORMAL_H

#include "kernels/nn/nn_kernels.h"

/** The numbers of channel k and those after it. */
struct ps_nn_read ps_nn_read_from(const struct ps_nn_read *r, int64_t k);

/** to = act(a x + b), or x where r->a is NULL. @param to may be x */
void ps_nn_read_rows(const struct ps_nn_read *r, int64_t rows, int64_t c, const float *x, int64_t x_row,
                     float *to, int64_t to_row);

/** to = s dy + p y + q, or dy where r->s is NULL. @param to may be dy; y lies as dy does */
void ps_nn_read_gradient_rows(const struct ps_nn_gradient_read *r, int64_t rows, int64_t c, const float *dy,
                              const float *y, int64_t row, float *to, int64_t to_row);

/** The same in pieces of PS_PANEL_COLS channels, c whole ones: [c / PS_PANEL_COLS][.][PS_PANEL_COLS].
 * @param next floats from a piece to the next */
void ps_nn_read_pieces(const struct ps_nn_read *r, int64_t rows, int64_t c, const float *x, int64_t x_row,
                       float *to, int64_t next);
void ps_nn_read_gradient_pieces(const struct ps_nn_gradient_read *r, int64_t rows, int64_t c, const float *dy,
                                const float *y, int64_t row, float *to, int64_t next);

/** Join the mean and the sum of squared differences from it of `rows` rows with those of `before` others
 * (Chan, Golub, LeVeque 1979).
 * @param mean, squares [c] in: of the others; out: of all */
void ps_nn_moments_join(int64_t before, int64_t rows, int64_t c, const float *y, int64_t row, double *mean,
                        double *squares);

/** dx = 0 where act(a x + b) does not grow with x, and to the sums of dx and of dx (x - mean) are added those
 * of these rows.
 * @param sum, product [c], or both NULL: not wanted */
void ps_nn_read_slope(const struct ps_nn_read *r, int64_t rows, int64_t c, const float *x, float *dx,
                      int64_t row, double *sum, double *product);

#endif
