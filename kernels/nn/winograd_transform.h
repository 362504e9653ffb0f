/** Transforms of one dimension of minimal filtering F(4, 3), on vectors of channels: with A, B and G below,
 *   y = A' (G g . B' d)     four places y of a line d[6] filtered by g[3];
 *   dg = G' (A e . B' d)    the gradient of g where that of y is e.
 * They interpolate polynomials of degree 5 at 0, p, -p, q, -q and infinity, p = 2/3, q = 3/2. Errors are a
 * third of those of the usual 1 and 2, and p q = 1 saves products. */
#ifndef PS_NN_WINOGRAD_TRANSFORM_H
#define PS_NN_WINOGRAD_TRANSFORM_H

#include "kernels/lanes.h"

/* Places of a tile, of its window, and of the window in two dimensions. */
enum { PS_TILE = 4, PS_WINDOW = 6, PS_POINTS = PS_WINDOW * PS_WINDOW };

#define PS_P (2 / 3.F)
#define PS_P2 (4 / 9.F)
#define PS_P3 (8 / 27.F)
#define PS_Q 1.5F
#define PS_Q2 2.25F
#define PS_Q3 3.375F
/* 1 / of the products of differences between p or q and the other points */
#define PS_NP (-81 / 130.F)
#define PS_NQ (8 / 65.F)

PS_INLINE ps_vf ps_times_add(float a, ps_vf b, ps_vf c)
{
    return ps_vf_fma(ps_vf_all(a), b, c);
}

/** t = B' d. @param step from an element of t to the next */
PS_INLINE void ps_to_window(const ps_vf *d, ps_vf *t, int step)
{
    const ps_vf e = ps_times_add(-PS_Q2, d[2], d[4]), f = ps_times_add(-PS_Q2, d[1], d[3]);
    const ps_vf g = ps_times_add(-PS_P2, d[2], d[4]), h = ps_times_add(-PS_P2, d[1], d[3]);
    t[0] = ps_times_add(-(PS_P2 + PS_Q2), d[2], d[0] + d[4]);
    t[step] = ps_times_add(PS_P, f, e);
    t[2 * step] = ps_times_add(-PS_P, f, e);
    t[3 * step] = ps_times_add(PS_Q, h, g);
    t[4 * step] = ps_times_add(-PS_Q, h, g);
    t[5 * step] = ps_times_add(-(PS_P2 + PS_Q2), d[3], d[1] + d[5]);
}

/** y = A' m. */
PS_INLINE void ps_to_tile(const ps_vf *m, ps_vf *y, int step)
{
    const ps_vf sum_p = m[1] + m[2], sum_q = m[3] + m[4], dif_p = m[1] - m[2], dif_q = m[3] - m[4];
    y[0] = m[0] + sum_p + sum_q;
    y[step] = ps_times_add(PS_Q, dif_q, ps_vf_all(PS_P) * dif_p);
    y[2 * step] = ps_times_add(PS_Q2, sum_q, ps_vf_all(PS_P2) * sum_p);
    y[3 * step] = ps_times_add(PS_Q3, dif_q, ps_times_add(PS_P3, dif_p, m[5]));
}

/** m = A e. */
PS_INLINE void ps_from_tile(const ps_vf *e, ps_vf *m, int step)
{
    const ps_vf even_p = ps_times_add(PS_P2, e[2], e[0]), even_q = ps_times_add(PS_Q2, e[2], e[0]);
    const ps_vf odd_p = ps_times_add(PS_P2, e[3], e[1]), odd_q = ps_times_add(PS_Q2, e[3], e[1]);
    m[0] = e[0];
    m[step] = ps_times_add(PS_P, odd_p, even_p);
    m[2 * step] = ps_times_add(-PS_P, odd_p, even_p);
    m[3 * step] = ps_times_add(PS_Q, odd_q, even_q);
    m[4 * step] = ps_times_add(-PS_Q, odd_q, even_q);
    m[5 * step] = e[3];
}

/** u = G g. */
PS_INLINE void ps_from_filter(const ps_vf *g, ps_vf *u, int step)
{
    const ps_vf even_p = ps_vf_all(PS_NP) * ps_times_add(PS_P2, g[2], g[0]);
    const ps_vf even_q = ps_vf_all(PS_NQ) * ps_times_add(PS_Q2, g[2], g[0]);
    u[0] = g[0];
    u[step] = ps_times_add(PS_NP * PS_P, g[1], even_p);
    u[2 * step] = ps_times_add(-PS_NP * PS_P, g[1], even_p);
    u[3 * step] = ps_times_add(PS_NQ * PS_Q, g[1], even_q);
    u[4 * step] = ps_times_add(-PS_NQ * PS_Q, g[1], even_q);
    u[5 * step] = g[2];
}

/** g = G' s. */
PS_INLINE void ps_to_filter(const ps_vf *s, ps_vf *g, int step)
{
    const ps_vf sum_p = s[1] + s[2], sum_q = s[3] + s[4], dif_p = s[1] - s[2], dif_q = s[3] - s[4];
    g[0] = ps_times_add(PS_NQ, sum_q, ps_times_add(PS_NP, sum_p, s[0]));
    g[step] = ps_times_add(PS_NQ * PS_Q, dif_q, ps_vf_all(PS_NP * PS_P) * dif_p);
    g[2 * step] = ps_times_add(PS_NQ * PS_Q2, sum_q, ps_times_add(PS_NP * PS_P2, sum_p, s[5]));
}

#endif
