/* The values of a parameter: lists, ranges, distributions. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/results/grid.h"

enum { LISTED_MAX = 100000, CHECKED_MAX = 1000 };

static double number_of(const char *text)
{
    char *end;
    const double x = strtod(text, &end);
    return end != text && !*end && isfinite(x) ? x : NAN;
}

static enum ps_status add(const struct grid *g, struct grid_param *p, const char *text, size_t len)
{
    PS_CHECK(len < GRID_TEXT_MAX, PS_EINPUT, "%s:%d: a value of %s is longer than %d bytes", g->name, p->line,
             p->name, GRID_TEXT_MAX - 1);
    PS_CHECK(p->n < LISTED_MAX, PS_EINPUT, "%s:%d: %s has more than %d values", g->name, p->line, p->name,
             LISTED_MAX);
    if (p->n == p->room) {
        const int64_t room = p->room ? 2 * p->room : 8;
        struct grid_value *more = realloc(p->value, (size_t)room * sizeof *more);
        PS_CHECK(more, PS_ENOMEM, "no memory for the values of a grid");
        p->value = more;
        p->room = room;
    }
    struct grid_value *v = &p->value[p->n];
    memcpy(v->text, text, len);
    v->text[len] = '\0';
    v->number = number_of(v->text);
    /* a choice may name a value twice, to draw it more often; long lists come from ranges */
    for (int64_t i = 0; !p->random && i < p->n && p->n < CHECKED_MAX; i++)
        PS_CHECK(strcmp(p->value[i].text, v->text) != 0, PS_EINPUT, "%s:%d: %s has the value %s twice",
                 g->name, p->line, p->name, v->text);
    p->n++;
    return PS_OK;
}

static enum ps_status add_number(const struct grid *g, struct grid_param *p, double x)
{
    char text[32];
    /* 12 digits: 0.1 stays 0.1 whatever the way it was computed */
    const int len = snprintf(text, sizeof text, "%.12g", x);
    return add(g, p, text, (size_t)len);
}

/* Values between commas or blanks; "..." holds both. */
static enum ps_status list(const struct grid *g, const char *at, struct grid_param *p)
{
    for (;;) {
        while (isspace((unsigned char)*at) || *at == ',') at++;
        if (!*at) break;
        size_t len;
        if (*at == '"') {
            const char *end = strchr(++at, '"');
            PS_CHECK(end, PS_EINPUT, "%s:%d: a quote is not closed", g->name, p->line);
            len = (size_t)(end - at);
            PS_TRY(add(g, p, at, len));
            at = end + 1;
        } else {
            len = strcspn(at, ", \t\r\"");
            PS_TRY(add(g, p, at, len));
            at += len;
        }
    }
    PS_CHECK(p->n > 0, PS_EINPUT, "%s:%d: %s has no values", g->name, p->line, p->name);
    return PS_OK;
}

static enum ps_status numbers(const struct grid *g, const char *at, int n, double *x,
                              const struct grid_param *p, const char *form)
{
    for (int i = 0; i < n; i++) {
        char *end;
        x[i] = strtod(at, &end);
        while (isspace((unsigned char)*end)) end++;
        PS_CHECK(end != at && isfinite(x[i]) && *end == (i + 1 < n ? ',' : '\0'), PS_EINPUT,
                 "%s:%d: %s: write %s", g->name, p->line, p->name, form);
        at = end + 1;
    }
    return PS_OK;
}

static enum ps_status range(const struct grid *g, const char *at, struct grid_param *p)
{
    double x[3];
    PS_TRY(numbers(g, at, 3, x, p, "range(FIRST, LAST, STEP)"));
    PS_CHECK(x[2] != 0 && (x[1] - x[0]) / x[2] >= 0, PS_EINPUT,
             "%s:%d: %s: a range from %g to %g has no steps of %g", g->name, p->line, p->name, x[0], x[1],
             x[2]);
    /* the last one counts though a sum of steps may miss it by rounding */
    const double n = floor((x[1] - x[0]) / x[2] * (1 + 1e-12) + 1e-9) + 1;
    PS_CHECK(n <= LISTED_MAX, PS_EINPUT, "%s:%d: %s has more than %d values", g->name, p->line, p->name,
             LISTED_MAX);
    for (int64_t i = 0; i < (int64_t)n; i++) PS_TRY(add_number(g, p, x[0] + (double)i * x[2]));
    return PS_OK;
}

/* linear(LO, HI, N) and log(LO, HI, N). */
static enum ps_status spaced(const struct grid *g, const char *at, struct grid_param *p, bool ratios)
{
    double x[3];
    PS_TRY(numbers(g, at, 3, x, p, ratios ? "log(FIRST, LAST, NUMBER)" : "linear(FIRST, LAST, NUMBER)"));
    PS_CHECK(x[2] >= 2 && x[2] <= LISTED_MAX && x[2] == floor(x[2]), PS_EINPUT,
             "%s:%d: %s: the number of values is a whole one from 2 to %d", g->name, p->line, p->name,
             LISTED_MAX);
    PS_CHECK(!ratios || (x[0] > 0 && x[1] > 0), PS_EINPUT, "%s:%d: %s: both ends of a log range are above 0",
             g->name, p->line, p->name);
    const int64_t n = (int64_t)x[2];
    for (int64_t i = 0; i < n; i++) {
        const double share = (double)i / (double)(n - 1);
        PS_TRY(add_number(
            g, p, ratios ? exp(log(x[0]) + share * (log(x[1]) - log(x[0]))) : x[0] + share * (x[1] - x[0])));
    }
    return PS_OK;
}

static enum ps_status drawn(const struct grid *g, const char *at, struct grid_param *p, enum grid_kind kind)
{
    double x[2];
    static const char *const forms[] = {[GRID_UNIFORM] = "uniform(LOWEST, HIGHEST)",
                                        [GRID_LOGUNIFORM] = "loguniform(LOWEST, HIGHEST)",
                                        [GRID_INTEGERS] = "integers(LOWEST, HIGHEST)"};
    PS_TRY(numbers(g, at, 2, x, p, forms[kind]));
    PS_CHECK(x[0] < x[1], PS_EINPUT, "%s:%d: %s: the lowest value is below the highest", g->name, p->line,
             p->name);
    PS_CHECK(kind != GRID_LOGUNIFORM || x[0] > 0, PS_EINPUT, "%s:%d: %s: both ends of loguniform are above 0",
             g->name, p->line, p->name);
    PS_CHECK(kind != GRID_INTEGERS ||
                 (x[0] == floor(x[0]) && x[1] == floor(x[1]) && fabs(x[0]) < 1e15 && fabs(x[1]) < 1e15),
             PS_EINPUT, "%s:%d: %s: both ends of integers are whole numbers", g->name, p->line, p->name);
    p->kind = kind;
    p->random = true;
    p->lo = x[0];
    p->hi = x[1];
    return PS_OK;
}

enum ps_status grid_values_parse(const struct grid *g, char *text, struct grid_param *p)
{
    const size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz"), all = strlen(text);
    if (len == 0 || text[len] != '(') return list(g, text, p);
    PS_CHECK(text[all - 1] == ')', PS_EINPUT, "%s:%d: %s: a bracket is not closed", g->name, p->line,
             p->name);
    text[len] = text[all - 1] = '\0';
    const char *inner = text + len + 1;
    if (strcmp(text, "range") == 0) return range(g, inner, p);
    if (strcmp(text, "linear") == 0) return spaced(g, inner, p, false);
    if (strcmp(text, "log") == 0) return spaced(g, inner, p, true);
    if (strcmp(text, "uniform") == 0) return drawn(g, inner, p, GRID_UNIFORM);
    if (strcmp(text, "loguniform") == 0) return drawn(g, inner, p, GRID_LOGUNIFORM);
    if (strcmp(text, "integers") == 0) return drawn(g, inner, p, GRID_INTEGERS);
    PS_CHECK(strcmp(text, "choice") == 0, PS_EINPUT,
             "%s:%d: %s: '%.32s' is none of range, linear, log, uniform, loguniform, integers, choice",
             g->name, p->line, p->name, text);
    p->random = true;
    return list(g, inner, p);
}
