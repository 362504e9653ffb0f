/** A line search for the strong Wolfe conditions: Nocedal, Wright (2006), algorithms 3.5 and 3.6, with cubic
 * interpolation (equation 3.59). phi(a) = f(x + a p), along a direction p in which f falls. Local. */
#ifndef PS_WOLFE_H
#define PS_WOLFE_H

#include <stdbool.h>

/** A step that was tried: phi, and its derivative. */
struct ps_wolfe_point {
    double a, f, d;
};

struct ps_wolfe {
    double a;                   /**< the step to try */
    struct ps_wolfe_point zero; /**< where the line begins */
    struct ps_wolfe_point low,
        high;             /**< a good step is between them, low's phi is the best so far; while none is
                             known to be beyond, low is the last step and there is no high */
    bool bracketed, last; /**< is there a high? is `a` taken whatever it gives? */
    int tries;
};

enum ps_wolfe_next { PS_WOLFE_TRY, PS_WOLFE_ACCEPT, PS_WOLFE_FAIL };

/** @param d derivative at 0, negative @param a first step */
void ps_wolfe_begin(struct ps_wolfe *s, double f, double d, double a);

/** Tell what phi and its derivative are at s->a. What is not a number is taken as too far. When the search
 * comes to its end without both conditions, the best step with sufficient decrease is tried once more and
 * accepted. */
enum ps_wolfe_next ps_wolfe_tell(struct ps_wolfe *s, double f, double d);

#endif
