/** Filters of 3 x 3 places at the points of F(2 x 2, 3 x 3), in bf16. */
#ifndef PS_NN_HALF_WINOGRAD_FILTER_H
#define PS_NN_HALF_WINOGRAD_FILTER_H

#include <stdbool.h>
#include <stdint.h>

/** Floats of transformed filters from k channels to n: by panels of PS_PANEL_COLS of the n, in each the
 * points, in each [pairs of the k][PS_PANEL_COLS] pairs. */
int64_t ps_half_filter_floats(int64_t k, int64_t n);

/** Panel `panel` of that. */
int64_t ps_half_filter_panel(int64_t k, int64_t panel);

/** Part `part` of `parts` of G g G' of w [out][3][3][in].
 * @param forward filters from `in` to `out` @param backward those from `out` to `in` through which gradients
 * go back, g turned round; or NULL. Both aligned to 64 bytes */
void ps_half_filter_prepare(int64_t in, int64_t out, const float *w, int part, int parts, float *forward,
                            float *backward);

/** What becomes of gradients of weights: they are added to what is there, or written, past the caches where
 * whole lines are and until ps_vf_stream_end others may not see them. */
enum ps_half_gradient { PS_HALF_ADD, PS_HALF_WRITE, PS_HALF_PAST };

/** dw (+)= G' s G, turned round, of `count` channels of one output, in single precision.
 * @param s point f begins at s + f next @param dw from the first channel, [3][3][in] */
void ps_half_filter_gradient(int64_t in, int64_t count, const float *s, int64_t next,
                             enum ps_half_gradient how, float *dw);

/** Have that part of dw brought near. */
void ps_half_filter_fetch(int64_t in, int64_t count, const float *dw);

#endif
