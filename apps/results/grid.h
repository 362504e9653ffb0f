/** Grid files: which trials a sweep has. Lines `name = values`, and words:
 *
 *     rate   = 0.1, 0.01            a list; commas or blanks between values, "a b" with blanks
 *     units  = range(16, 64, 16)    16 32 48 64: first, last, step
 *     decay  = log(1e-5, 1e-1, 5)   five with equal ratios; linear(0, 1, 5): with equal differences
 *     where units * rate <= 3       only trials for which this holds; + - * / ( ) and one comparison
 *     # a comment
 *
 * Without more, the trials are all combinations of values, the first parameter changing slowest. With
 * `trials N` and perhaps `seed S` they are N random draws: uniform(0, 1), loguniform(1e-5, 1), integers(1,
 * 9), choice(a, b); a list or range then means one of its values, each as likely. Trial i is a function of
 * the file and i alone. Local; needs no MPI. */
#ifndef GRID_H
#define GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/run/err.h"

enum {
    GRID_PARAMS_MAX = 32,
    GRID_WHERE_MAX = 32,
    GRID_NAME_MAX = 64,  /**< bytes of a name, with the closing zero */
    GRID_TEXT_MAX = 256, /**< bytes of a value */
    GRID_TRIALS_MAX = 1000000,
    GRID_STEPS_MAX = 64, /**< of a constraint */
};

enum grid_kind { GRID_LISTED, GRID_UNIFORM, GRID_LOGUNIFORM, GRID_INTEGERS };

/** A value as it is given to a program, and as a number (NaN if it is none). */
struct grid_value {
    char text[GRID_TEXT_MAX];
    double number;
};

struct grid_param {
    char name[GRID_NAME_MAX];
    int line;
    enum grid_kind kind;
    bool random; /**< only in a random search */
    double lo, hi;
    int64_t n, room;
    struct grid_value *value; /**< [n] where listed; owned */
};

/** A constraint: numbers, parameters and operations in postfix order. */
struct grid_where {
    int line, steps;
    struct grid_step {
        char op; /**< n = number, p = parameter, + - * / ~ (negate), < > l (<=) g (>=) = ! */
        int param;
        double number;
    } step[GRID_STEPS_MAX];
};

struct grid {
    int params, wheres;
    struct grid_param param[GRID_PARAMS_MAX];
    struct grid_where where[GRID_WHERE_MAX];
    bool random;
    int64_t seed, trials;
    int64_t *point;  /**< [trials] which combination a trial is, where constraints leave some out; owned */
    char name[1024]; /**< of the file, for messages */
};

/** A trial: its values in the order of the grid's parameters. */
struct grid_trial {
    struct grid_value value[GRID_PARAMS_MAX];
};

/** Read a grid file, or parse its text (zero-terminated). `out` is overwritten.
 * @return PS_OK; PS_EIO; PS_EINPUT naming file and line; PS_ENOMEM. After a failure there is nothing to free
 */
enum ps_status grid_read(const char *path, struct grid *out);
enum ps_status grid_parse(const char *text, const char *name, struct grid *out);
void grid_free(struct grid *g);

/** The parameters of trial i in [0, trials).
 * @return PS_OK; PS_EINPUT if no draw of a random search meets the constraints */
enum ps_status grid_trial(const struct grid *g, int64_t i, struct grid_trial *out);

/** Index of a parameter (`_` and `-` are equal); -1 if there is none of that name. */
int grid_find(const struct grid *g, const char *name, size_t len);

/** What the trials depend on: equal for files that differ in comments and blanks only. */
uint64_t grid_digest(const struct grid *g);

/* grid_where.c */

/** Parse `text` as a constraint. @return PS_OK; PS_EINPUT */
enum ps_status grid_where_parse(const struct grid *g, const char *text, int line, struct grid_where *out);

/** Does it hold for these values? */
bool grid_where_holds(const struct grid_where *w, const struct grid_value *value);

/* grid_values.c */

/** Parse the values of a parameter, what follows `=`. @return PS_OK; PS_EINPUT; PS_ENOMEM */
enum ps_status grid_values_parse(const struct grid *g, char *text, struct grid_param *p);

#endif
