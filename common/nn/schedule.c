#include "common/nn/schedule.h"
#include <math.h>

double ps_schedule_rate(const struct ps_schedule *s, int64_t step)
{
    static const double PI = 3.14159265358979323846;
    if (step < s->warm_up) return s->rate * (double)(step + 1) / (double)s->warm_up;
    const double at = (double)(step - s->warm_up), all = (double)(s->steps - s->warm_up);
    const double t = all > 0 && at < all ? at / all : 1;
    switch (s->kind) {
    case PS_RATE_STEP:
        return s->rate * pow(s->factor, floor(at / (double)s->every));
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
