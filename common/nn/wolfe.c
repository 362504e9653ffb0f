#include "common/nn/wolfe.h"
#include <math.h>

enum { TRIES = 30 };

/* Sufficient decrease and curvature: what is usual for quasi-Newton directions. */
static const double C1 = 1e-4, C2 = 0.9;

void ps_wolfe_begin(struct ps_wolfe *s, double f, double d, double a)
{
    const struct ps_wolfe_point zero = {0, f, d};
    *s = (struct ps_wolfe){.a = a, .zero = zero, .low = zero, .high = zero};
}

/* The minimiser of the cubic through two points, within [lo, hi]; their middle where there is none. */
static double cubic(const struct ps_wolfe_point *p, const struct ps_wolfe_point *q, double lo, double hi)
{
    const double d1 = p->d + q->d - 3 * (p->f - q->f) / (p->a - q->a);
    const double d2 = copysign(sqrt(d1 * d1 - p->d * q->d), q->a - p->a);
    const double a = q->a - (q->a - p->a) * (q->d + d2 - d1) / (q->d - p->d + 2 * d2);
    if (!isfinite(a)) return (lo + hi) / 2;
    return fmin(fmax(a, lo), hi);
}

/* Narrow the bracket, or widen the search; away from steps that were tried. */
static enum ps_wolfe_next next(struct ps_wolfe *s, struct ps_wolfe_point now)
{
    if (s->bracketed) {
        const double lo = fmin(s->low.a, s->high.a), hi = fmax(s->low.a, s->high.a), edge = 0.1 * (hi - lo);
        s->a = cubic(&s->low, &s->high, lo + edge, hi - edge);
    } else {
        s->a = cubic(&s->low, &now, now.a + 0.1 * (now.a - s->low.a), 10 * now.a);
        s->low = now;
    }
    if (++s->tries < TRIES) return PS_WOLFE_TRY;
    if (s->low.a == 0) return PS_WOLFE_FAIL;
    s->a = s->low.a;
    s->last = true;
    return PS_WOLFE_TRY;
}

enum ps_wolfe_next ps_wolfe_tell(struct ps_wolfe *s, double f, double d)
{
    const bool number = isfinite(f) && isfinite(d);
    const struct ps_wolfe_point now = {s->a, number ? f : INFINITY, number ? d : 0};
    if (s->last) return number ? PS_WOLFE_ACCEPT : PS_WOLFE_FAIL;
    const bool first = !s->bracketed && s->tries == 0;
    if (!(now.f <= s->zero.f + C1 * now.a * s->zero.d) || (!first && now.f >= s->low.f)) {
        s->high = now;
        s->bracketed = true;
    } else if (fabs(now.d) <= -C2 * s->zero.d) {
        return PS_WOLFE_ACCEPT;
    } else if (s->bracketed) {
        if (now.d * (s->high.a - s->low.a) >= 0) s->high = s->low;
        s->low = now;
    } else if (now.d >= 0) {
        s->high = s->low;
        s->low = now;
        s->bracketed = true;
    }
    return next(s, now);
}
