#include "apps/results/figure_scale.h"
#include <math.h>
#include <stdio.h>
#include "common/io/canvas_axis.h"

bool figure_scale_shows(const struct figure_scale *s, double value)
{
    const double too_large = 1e300; /* differences of such values overflow */
    return fabs(value) < too_large && (!s->log || value > 0);
}

double figure_scale_at(const struct figure_scale *s, double value)
{
    const double share = s->log ? log(value / s->lo) / log(s->hi / s->lo) : (value - s->lo) / (s->hi - s->lo);
    return s->from + share * (s->to - s->from);
}

static void add(struct figure_scale *s, double value)
{
    const double slack = 1e-9;
    if (s->ticks == FIGURE_TICKS || value < s->lo * (1 - slack) || value > s->hi * (1 + slack)) return;
    s->tick[s->ticks] = value;
    snprintf(s->label[s->ticks++], sizeof s->label[0], "%g", value);
}

/* How many of mantissa x 10^k lie in the range. */
static int count(double lo, double hi, const int *mantissa, int mantissas)
{
    int n = 0;
    for (int k = (int)floor(log10(lo)); k <= (int)ceil(log10(hi)); k++)
        for (int i = 0; i < mantissas; i++) {
            const double v = mantissa[i] * pow(10, k);
            n += v >= lo && v <= hi;
        }
    return n;
}

/* Powers of two where they are few (numbers of ranks), else 1, 2, 5 or 1 times powers of ten. */
static void log_ticks(struct figure_scale *s, int most, bool whole)
{
    static const int mantissa[] = {1, 2, 5};
    const double twos = log2(s->hi / s->lo);
    if (whole) {
        const double step = pow(2, ceil(fmax(1, twos / most)));
        for (double v = 1; v <= s->hi * 1.0001; v *= step) add(s, v);
        return;
    }
    const int mantissas = count(s->lo, s->hi, mantissa, 3) <= most ? 3 : 1;
    const int every = 1 + (mantissas == 1 ? count(s->lo, s->hi, mantissa, 1) / (most + 1) : 0);
    for (int k = (int)floor(log10(s->lo)); k <= (int)ceil(log10(s->hi)); k++)
        for (int i = 0; i < mantissas && k % every == 0; i++) add(s, mantissa[i] * pow(10, k));
}

static void make_log(struct figure_scale *s, double lo, double hi, int most, bool whole, bool wide)
{
    const double least = 1.05;
    const double large = 1e300, small = 1e-300; /* beyond, powers of ten overflow */
    if (!(lo > small) || !(hi >= lo) || !(hi < large)) lo = 1, hi = 10;
    if (hi / lo < least) lo /= 2, hi *= 2;
    s->lo = lo;
    s->hi = hi;
    if (wide && !whole) { /* to the next 1, 2 or 5 */
        const double below = pow(10, floor(log10(lo))), above = pow(10, floor(log10(hi)));
        s->lo = lo >= 5 * below ? 5 * below : lo >= 2 * below ? 2 * below : below;
        s->hi = hi <= above ? above : hi <= 2 * above ? 2 * above : hi <= 5 * above ? 5 * above : 10 * above;
    }
    log_ticks(s, most, whole);
}

static void make_linear(struct figure_scale *s, double lo, double hi, int most, bool whole, bool wide)
{
    struct ps_axis a;
    const double large = 1e300, small = 1e-300; /* beyond, powers of ten overflow */
    if (!(hi >= lo) || !(fabs(lo) < large && fabs(hi) < large)) lo = 0, hi = 1;
    if (hi - lo < small && fabs(hi) < small) lo = 0, hi = 1;
    if (hi - lo <= 1e-6 * fmax(fabs(lo), fabs(hi))) {
        const double more = lo == 0 ? 1 : fabs(lo) / 20;
        lo -= more;
        hi += more;
    }
    ps_axis_make(lo, hi, most, whole, &a);
    if (wide) {
        if (ps_axis_tick(&a, 0) > lo) a.first--, a.count++;
        if (ps_axis_tick(&a, a.count - 1) < hi) a.count++;
        lo = fmin(lo, ps_axis_tick(&a, 0));
        hi = fmax(hi, ps_axis_tick(&a, a.count - 1));
    }
    s->lo = lo;
    s->hi = hi;
    for (int i = 0; i < a.count && i < FIGURE_TICKS; i++) {
        s->tick[s->ticks] = ps_axis_tick(&a, i);
        ps_axis_label(&a, i, s->label[s->ticks++], sizeof s->label[0]);
    }
}

void figure_scale_make(struct figure_scale *s, double lo, double hi, int most, bool whole, bool wide_to_ticks)
{
    s->ticks = 0;
    if (most < 2) most = 2;
    if (most > FIGURE_TICKS - 2) most = FIGURE_TICKS - 2;
    if (s->log)
        make_log(s, lo, hi, most, whole, wide_to_ticks);
    else
        make_linear(s, lo, hi, most, whole, wide_to_ticks);
}
