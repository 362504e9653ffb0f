#include "common/nn/schedule.h"
#include <math.h>

/* How often a step schedule has taken effect: at the beginning of a step, `after` those of the warm-up. */
static double drops(const struct ps_schedule *s, int64_t step, double after)
{
    if (s->milestones == 0) return floor(after / (double)s->every);
    int n = 0;
    while (n < s->milestones && s->milestone[n] <= step) n++;
    return n;
}

double ps_schedule_rate(const struct ps_schedule *s, int64_t step)
{
    static const double PI = 3.14159265358979323846;
    if (step < s->warm_up) return s->rate * (double)(step + 1) / (double)s->warm_up;
    const double at = (double)(step - s->warm_up), all = (double)(s->steps - s->warm_up);
    const double t = all > 0 && at < all ? at / all : 1;
    switch (s->kind) {
    case PS_RATE_STEP:
        return s->rate * pow(s->factor, drops(s, step, at));
    case PS_RATE_COSINE:
        return s->last + (s->rate - s->last) * 0.5 * (1 + cos(PI * t));
    case PS_RATE_POLYNOMIAL:
        return s->last + (s->rate - s->last) * pow(1 - t, s->power);
    case PS_RATE_INVERSE:
        return s->rate / (1 + s->factor * at);
    default:
        return s->rate;
    }
}
