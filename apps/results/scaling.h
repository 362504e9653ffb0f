/** Scaling studies: runs of one program on different numbers of ranks and threads, put together. Local; no
 * MPI. */
#ifndef SCALING_H
#define SCALING_H

#include <stdbool.h>
#include <stdio.h>
#include "common/run/param.h"
#include "common/run/recordfile.h"

enum scaling_kind {
    SCALING_STRONG, /**< the same size on all numbers of workers */
    SCALING_WEAK,   /**< size in proportion to the workers */
    SCALING_OTHER   /**< neither: rates are compared */
};
extern const char *const scaling_kind_name[];

/** What a point's time is. */
enum scaling_origin {
    SCALING_MEASURED,
    SCALING_SIMULATED /**< more ranks x threads than cores: the largest processor time of a rank outside of
                         waits; what messages would cost is not in it */
};
extern const char *const scaling_origin_name[];

/** A run that ended well. Times in seconds; NaN where the record does not say. */
struct scaling_run {
    const struct ps_recorded *record; /**< borrowed */
    const char *program;
    int ranks, threads, workers; /**< workers = ranks x threads */
    bool crowded;                /**< more workers than cores */
    double size;                 /**< rows, points or samples; NaN if unknown */
    double seconds;              /**< of all phases, or of one */
    double useful, useful_max;   /**< of them outside of waits: mean and largest of the ranks */
    double cpu, cpu_max;         /**< processor time of a thread in them */
    double joules, gpu_joules;   /**< of the processors, of the GPUs */
    int group;
};

/** Median over repetitions, smallest and largest. */
struct scaling_spread {
    double median, low, high;
    int n;
};

/** All runs of a group on so many ranks and threads. */
struct scaling_point {
    enum scaling_origin origin;
    int ranks, threads, workers;
    double size;
    struct scaling_spread seconds;
    double joules, gpu_joules; /**< medians */
    double speedup; /**< work per second over that of the first point; with weak scaling the scaled one */
    double speedup_low, speedup_high; /**< of the slowest and fastest repetition */
    double efficiency;                /**< speed-up over what so many times more workers would be at best */
    double balance;                   /**< load balance: mean useful time over the largest */
    double communication; /**< communication efficiency: largest useful time over elapsed; NaN if simulated */
};

/** A model of the time on p workers: a + b / p + c log2 p. Least squares of relative errors, no term below 0.
 */
struct scaling_fit {
    bool there;
    int points;
    double a, b, c;
    double serial; /**< serial fraction a / (a + b) (Amdahl), or Gustafson's */
    double error;  /**< root mean square of the relative errors at points that were left out of the fit one by
                      one; NaN where there are too few points */
    double ahead;  /**< relative error at the largest number of workers, fitted without it; NaN as above */
};

enum { SCALING_PREDICTED_MAX = 32 };

struct scaling_group {
    const char *program;
    enum scaling_kind kind;
    int runs; /**< that it is made of */
    int points;
    struct scaling_point *point; /**< [points] measured ones by workers, then simulated ones; owned */
    enum scaling_origin fitted;  /**< which points the fits are of */
    struct scaling_fit amdahl, gustafson, allreduce;
    int predicted; /**< what a training predicted from its network, if it did */
    double predicted_ranks[SCALING_PREDICTED_MAX], predicted_efficiency[SCALING_PREDICTED_MAX];
};

/** A study of all groups. Begins zeroed. */
struct scaling {
    int runs, groups;
    int left;                    /**< runs that did not end well, or do not say how long they took */
    struct scaling_run *run;     /**< [runs] */
    struct scaling_group *group; /**< [groups] */
    bool fastest;                /**< of repetitions the fastest is taken, not the median */
    ps_str phase;                /**< the phase whose time is studied; "": all */
};

/** Put runs together. The records must live as long.
 * @param phase name of a phase, or "" for all @param fastest of repetitions take the fastest, which a machine
 * that others use disturbed least, not the median @return PS_OK; PS_ENOMEM; PS_EINPUT: no run to be studied
 */
enum ps_status scaling_make(const struct ps_records *records, const char *phase, bool fastest,
                            struct scaling *out);
void scaling_free(struct scaling *s);

/** Runs and groups of the records (scaling_runs.c), then points of a group. */
enum ps_status scaling_group_runs(const struct ps_records *records, struct scaling *s);
enum ps_status scaling_make_points(struct scaling *s, int group);

/** Fits of points whose times are `t` on `p` workers. @param n at least 2 with different p, else nothing is
 * there */
struct scaling_fit scaling_fit_amdahl(int n, const double *p, const double *t);
struct scaling_fit scaling_fit_allreduce(int n, const double *p, const double *t, bool weak);
/** @param scaled speed-ups of weak scaling over the time of one worker */
struct scaling_fit scaling_fit_gustafson(int n, const double *p, const double *scaled);
double scaling_model(const struct scaling_fit *f, double p);

/** Points of the origin that the fits are of. @param p,t out [points] @return how many */
int scaling_fitted_points(const struct scaling_group *g, double *p, double *t);

/** Spread of n values, which are sorted. */
struct scaling_spread scaling_spread_of(double *value, int n);

/** A group's title: program, kind, size. */
void scaling_title(const struct scaling_group *g, char *text, size_t room);

void scaling_markdown(const struct scaling *s, FILE *to);
void scaling_csv(const struct scaling *s, FILE *to);
/** Extra-P's text format: the time of each phase over the workers. */
enum ps_status scaling_extrap(const struct scaling *s, int group, FILE *to);

#endif
