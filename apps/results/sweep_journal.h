/** The journal of a sweep: a folder on a file system that all tasks see.
 *
 *     sweep               what was asked for: another grid, metric or program is refused
 *     sweep.grid          the grid file
 *     claims/             one name for each thing that happened, so that one readdir tells the state:
 *       000017.0.3          trial 17, rung 0, was claimed for the third time (generations begin with 1); its
 *                           owner is in it and touches it
 *       000017.0.3.failed   that attempt failed; .released: its owner gave it back
 *       000017.0.done       the result; made by link(2), so that there is one, whoever else worked on it
 *     scratch/            files on their way
 *     trial-000017/       output, record and checkpoint of the trial
 *
 * A piece of work is a trial up to a rung; without early stopping there is one rung, the end. Of any number
 * of claimants one gets the next generation of a piece. Its owner is taken for dead if the claim was not
 * touched for as long as it says itself, or at once where it is known to be gone; then the next generation
 * may be claimed. Local; needs no MPI. */
#ifndef SWEEP_JOURNAL_H
#define SWEEP_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include "apps/results/sweep_once.h"
#include "apps/results/sweep_owner.h"

enum { SWEEP_RUNGS_MAX = 16, SWEEP_ABOUT_MAX = 16384, SWEEP_LOST_MAX = 20, SWEEP_BEATS = 10 };

/** A trial up to a rung. */
struct sweep_piece {
    int claims;        /**< generations so far */
    int failed, ended; /**< of them; ended: failed or released */
    bool last_ended;   /**< the last one */
    bool last_gone;    /**< the owner of the last one is dead; known after sweep_journal_look */
    bool done;
    double metric, seconds; /**< of the result, once `known`; metric NaN = none, or not a number */
    bool known;
};

struct sweep_journal {
    char dir[SWEEP_PATH_MAX - 256];
    int rungs; /**< the last one is the end */
    int64_t trials;
    int retries; /**< attempts beyond the first that may fail */
    double lost; /**< seconds without a sign of life after which others may take this process for dead */
    struct sweep_once once;
    struct sweep_owner self;
    struct sweep_queue queue;
    struct sweep_piece *piece; /**< [rungs][trials]; owned */
};

/** A piece of work that this process owns. */
struct sweep_claim {
    int64_t trial;
    int rung, generation;
};

/** What all pieces come to. */
struct sweep_count {
    int64_t done, running, broken, open; /**< broken: failed too often; open: may be claimed */
    double seconds;                      /**< of those done */
};

/** Open the journal in `dir`, or begin it. @param about lines that must be the same for all tasks
 * @param grid path of the grid file, which is copied; NULL: look only, the journal must be there
 * @return PS_OK; PS_EUSAGE (another sweep's journal, naming the first line that differs); PS_EIO; PS_ENOMEM
 */
enum ps_status sweep_journal_open(const char *dir, const char *about, const char *grid, int rungs,
                                  int64_t trials, struct sweep_journal *out);
void sweep_journal_free(struct sweep_journal *j);

/** What the journal was begun with. @param text out [SWEEP_ABOUT_MAX] @return PS_OK; PS_EIO */
enum ps_status sweep_journal_about(const char *dir, char *text);

/** See what has happened. @return PS_OK; PS_EIO */
enum ps_status sweep_journal_read(struct sweep_journal *j);

/** Look whether the owners of running pieces live. @return PS_OK; PS_EIO */
enum ps_status sweep_journal_look(struct sweep_journal *j);

struct sweep_count sweep_journal_count(const struct sweep_journal *j);

static inline struct sweep_piece *sweep_piece(const struct sweep_journal *j, int rung, int64_t trial)
{
    return &j->piece[rung * j->trials + trial];
}

/** Has it failed, or been lost, too often? */
bool sweep_broken(const struct sweep_journal *j, const struct sweep_piece *p);

/** May it be claimed, as far as is known? */
bool sweep_open(const struct sweep_journal *j, const struct sweep_piece *p);

/** Claim the next generation of a piece. @param taken out: this process has it
 * @return PS_OK; PS_EIO */
enum ps_status sweep_claim(struct sweep_journal *j, int rung, int64_t trial, struct sweep_claim *out,
                           bool *taken);

/** Show that the owner lives. Best effort. */
void sweep_claim_touch(const struct sweep_journal *j, const struct sweep_claim *c);

/** The attempt ended without a result. @return PS_OK; PS_EIO */
enum ps_status sweep_claim_end(struct sweep_journal *j, const struct sweep_claim *c, bool failed,
                               const char *message);

/** The attempt has a result; where another one came first, that one stays.
 * @param first out: this one is the result @return PS_OK; PS_EIO */
enum ps_status sweep_claim_commit(struct sweep_journal *j, const struct sweep_claim *c, double metric,
                                  double seconds, bool *first);

/** Path of a name in a trial's folder ("" = the folder). @param out [SWEEP_PATH_MAX] */
void sweep_trial_path(const struct sweep_journal *j, int64_t trial, const char *name, char *out);

/** Message of the last failed attempt of a piece; "" if none. @param out [room] */
void sweep_failure(const struct sweep_journal *j, int rung, int64_t trial, char *out, size_t room);

#endif
