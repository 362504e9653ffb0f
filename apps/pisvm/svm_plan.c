#include "apps/pisvm/svm_plan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/log.h"
#include "common/run/record.h"

/* A problem of more rows is large if it is more than 1 in SHARE of all work: one thread alone would keep the
 * others waiting. On a device, if it takes longer by itself than all problems take as large ones. */
enum { SMALL_ROWS = 4096, SHARE = 8 };

/* Seconds of a step on a device, of which a problem needs about as many as it has rows, either way. A small
 * problem's: two meetings of a block's threads, and with more than SMALL_ROWS 46 bytes a row - two rows of
 * the matrix, scores there and back, what variables may do - through one multiprocessor, at 80 GB/s. A large
 * one's: the same meetings, and its share of columns and of what passes between host and device. */
static const double step_meetings = 2e-6, step_row = 46 / 80e9, step_large = 3.5e-6;

/* Pieces of work per rank from which on one kernel matrix is not made on several ranks. */
enum { PIECES = 4 };

/* Seconds of one thread with AVX-512: a multiplication within a kernel block, the rest of a kernel value with
 * its way into the matrix, and a row of the matrix in the solver per element. Shares matter, not sizes. */
static const double second_product = 1.2e-11, second_value = 4e-10, second_solve = 6e-10;

void svm_problem_wants(const struct svm_problem *p, int64_t lo, int64_t hi, struct svm_want part[2])
{
    const int64_t first = p->rows[0];
    part[0] = (struct svm_want){p->a, lo < first ? lo : first, hi < first ? hi : first};
    part[1] = (struct svm_want){p->b, lo > first ? lo - first : 0, hi > first ? hi - first : 0};
}

/* What decides whether problems are large. */
struct work {
    double squares; /* of rows */
    double large;   /* seconds of all machines as large problems, on a device */
};

static bool is_large(const struct svm_train_spec *spec, const struct work *all, int64_t n)
{
    const double rows = (double)n;
    if (4 * n * n > spec->memory) return true;
    if (n <= SMALL_ROWS) return false;
    if (!spec->kernels->device) return SHARE * rows * rows > all->squares;
    return rows * (step_meetings + rows * step_row) > all->large;
}

static void fill_problems(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                          const struct svm_rows_cost *cost, struct svm_plan *p)
{
    const bool classes = spec->data->class_of != NULL;
    struct work all = {0};
    const double sweeps = sweep->ncost * (sweep->probability ? 5 : 1); /* probability: 5 more of 4/5 */
    for (int a = 0, pair = 0; a < p->slots; a++)
        for (int b = classes ? a + 1 : 0; b < (classes ? p->slots : 1); b++, pair++) {
            struct svm_problem *q = &p->problem[pair];
            *q = (struct svm_problem){.a = classes ? a : -1, .b = classes ? b : -1};
            q->slot[0] = a;
            q->slot[1] = classes ? b : -1;
            q->rows[0] = p->count[a];
            q->rows[1] = classes ? p->count[b] : 0;
            const int64_t n = svm_problem_rows(q);
            const double squares = (double)n * (double)n;
            q->fill = squares * (0.5 * cost->products * second_product + second_value);
            q->solve = squares * sweeps * second_solve;
            all.squares += squares;
            all.large += p->folds * (double)n * step_large;
        }
    for (int pair = 0; pair < p->pairs; pair++) {
        struct svm_problem *q = &p->problem[pair];
        const int64_t n = svm_problem_rows(q);
        q->large = is_large(spec, &all, n);
        *(q->large ? &p->large : &p->small) += 1;
        if (!q->large && n > p->largest) p->largest = n;
    }
}

/* Classes are put into groups of at most a quarter of the memory: a round works on two groups. */
static void make_groups(const struct svm_train_spec *spec, const struct svm_rows_cost *cost,
                        struct svm_plan *p)
{
    double all = 0, held = 0;
    int groups = 0;
    for (int s = 0; s < p->slots; s++) all += (double)p->count[s] * cost->bytes;
    for (int s = 0; s < p->slots && all > (double)spec->memory / 2; s++) {
        const double bytes = (double)p->count[s] * cost->bytes;
        if (held > 0 && held + bytes > (double)spec->memory / 4) groups++, held = 0;
        held += bytes;
        p->group[s] = groups;
    }
    groups++;
    p->rounds = groups * (groups + 1) / 2;
    for (int k = 0; k < p->pairs; k++) {
        struct svm_problem *q = &p->problem[k];
        const int i = p->group[q->slot[0]], j = q->slot[1] < 0 ? i : p->group[q->slot[1]];
        q->round = i * groups - i * (i - 1) / 2 + (j - i); /* i <= j */
    }
}

/* Some folds of a problem, to be solved by one rank. */
struct piece {
    int pair, part, parts;
    double seconds;
};

static int by_seconds(const void *x, const void *y)
{
    const struct piece *a = x, *b = y;
    if (a->seconds != b->seconds) return a->seconds > b->seconds ? -1 : 1;
    return a->pair != b->pair ? a->pair - b->pair : a->part - b->part;
}

static int folds_left(const struct svm_plan *p, const uint8_t *done, int pair)
{
    int left = 0;
    for (int f = 0; f < p->folds; f++) left += !done || !done[(int64_t)pair * p->folds + f];
    return left;
}

/* Cut a round's problems into pieces. @return how many */
static int cut_round(const struct svm_plan *p, const uint8_t *done, int round, struct piece *piece)
{
    int n = 0, problems = 0;
    for (int k = 0; k < p->pairs; k++)
        problems += p->problem[k].round == round && !p->problem[k].large && folds_left(p, done, k) > 0;
    for (int k = 0; k < p->pairs; k++) {
        const struct svm_problem *q = &p->problem[k];
        const int left = q->round == round && !q->large ? folds_left(p, done, k) : 0;
        int parts = p->size > 1 ? (PIECES * p->size + problems - 1) / (problems > 0 ? problems : 1) : 1;
        if (parts > left) parts = left;
        for (int i = 0; i < parts; i++)
            piece[n++] =
                (struct piece){k, i, parts, q->fill + q->solve * (left / parts + (i < left % parts))};
    }
    return n;
}

static void give(struct svm_plan *p, const uint8_t *done, const struct piece *x, int rank)
{
    for (int f = 0, at = 0; f < p->folds; f++) {
        const int64_t k = (int64_t)x->pair * p->folds + f;
        if (done && done[k]) continue;
        if (at++ % x->parts == x->part) p->owner[k] = rank;
    }
}

/* Longest first, each piece to the rank with least work. Ranks meet after a round. */
static void assign(struct svm_plan *p, const uint8_t *done, struct piece *piece, double *load)
{
    double longest = 0;
    for (int round = 0; round < p->rounds; round++) {
        const int n = cut_round(p, done, round, piece);
        double most = 0;
        qsort(piece, (size_t)n, sizeof *piece, by_seconds);
        memset(load, 0, (size_t)p->size * sizeof *load);
        for (int i = 0; i < n; i++) {
            int least = 0;
            for (int r = 1; r < p->size; r++)
                if (load[r] < load[least]) least = r;
            give(p, done, &piece[i], least);
            load[least] += piece[i].seconds;
            p->seconds += piece[i].seconds;
            if (load[least] > most) most = load[least];
        }
        longest += most;
    }
    p->balance = longest > 0 ? p->seconds / (longest * p->size) : 1;
}

enum ps_status svm_plan_make(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                             const struct svm_rows_cost *cost, const uint8_t *done, struct svm_plan *out)
{
    const struct svm_data *d = spec->data;
    struct piece *piece = NULL;
    double *load = NULL;
    *out = (struct svm_plan){.size = spec->run->size,
                             .pairs = svm_pairs(d),
                             .folds = sweep->folds > 0 ? sweep->folds : 1,
                             .slots = d->class_of ? d->nclass : 1};
    const int64_t machines = (int64_t)out->pairs * out->folds;
    enum ps_status rc = ps_alloc(&out->count, out->slots, sizeof *out->count, "rows of classes");
    if (rc == PS_OK) rc = ps_zalloc(&out->problem, out->pairs, sizeof *out->problem, "binary problems");
    if (rc == PS_OK) rc = ps_zalloc(&out->group, out->slots, sizeof *out->group, "groups of classes");
    if (rc == PS_OK) rc = ps_alloc(&out->owner, machines, sizeof *out->owner, "owners of problems");
    if (rc == PS_OK) rc = ps_alloc(&piece, machines, sizeof *piece, "pieces of work");
    if (rc == PS_OK) rc = ps_alloc(&load, out->size, sizeof *load, "work of ranks");
    if (rc == PS_OK) {
        for (int s = 0; s < out->slots; s++) out->count[s] = d->class_of ? d->count[s] : d->x.rows;
        for (int64_t i = 0; i < machines; i++) out->owner[i] = -1;
        fill_problems(spec, sweep, cost, out);
        make_groups(spec, cost, out);
        assign(out, done, piece, load);
    }
    free(piece);
    free(load);
    return rc;
}

void svm_plan_free(struct svm_plan *p)
{
    free(p->count);
    free(p->problem);
    free(p->group);
    free(p->owner);
    memset(p, 0, sizeof *p);
}

/* The work of threads; those that are idle for want of memory, and what would use them. */
static void tell_threads(const struct svm_train_spec *spec, const struct svm_plan *p)
{
    const double matrix = 4.0 * (double)p->largest * (double)p->largest;
    const int fit = (int)((double)spec->memory / (matrix > 0 ? matrix : 1));
    const int wanted = p->small * p->folds < spec->run->threads ? p->small : spec->run->threads;
    ps_info(spec->run, ": about %.2g s of one thread, expected balance %.2f\n", p->seconds, p->balance);
    if (p->small > 1 && fit < wanted)
        ps_info(spec->run,
                "  memory has room for %d of the largest kernel matrices at a time; -m %.0f keeps all %d "
                "threads busy\n",
                fit, matrix * wanted / 1048576 + 1, wanted);
}

void svm_plan_tell(const struct svm_train_spec *spec, const struct svm_sweep *sweep, const struct svm_plan *p)
{
    struct ps_run *run = spec->run;
    ps_info(run, "plan: %d binary problem%s", p->pairs, p->pairs == 1 ? "" : "s");
    if (sweep->folds > 0) ps_info(run, " x %d folds", sweep->folds);
    if (sweep->ncost > 1) ps_info(run, " x %d values of C", sweep->ncost);
    ps_info(run, " on %d rank%s x %d thread%s, %.0f MB each for kernel values\n", run->size,
            run->size == 1 ? "" : "s", run->threads, run->threads == 1 ? "" : "s",
            (double)spec->memory / 1048576);
    if (p->small > 0) {
        const bool device = spec->kernels->device;
        ps_info(run, "  %d small (up to %lld rows), %s, spread over the ranks in %d round%s", p->small,
                (long long)p->largest, device ? "beside each other as memory allows" : "one thread each",
                p->rounds, p->rounds == 1 ? "" : "s");
        if (device)
            ps_info(run, "\n");
        else
            tell_threads(spec, p);
    }
    if (p->large > 0) ps_info(run, "  %d large, each by all ranks together\n", p->large);
    ps_record_begin(run, "plan");
    ps_record_int(run, "problems", p->pairs);
    ps_record_int(run, "folds", sweep->folds);
    ps_record_int(run, "costs", sweep->ncost);
    ps_record_int(run, "small", p->small);
    ps_record_int(run, "large", p->large);
    ps_record_int(run, "rounds", p->rounds);
    ps_record_int(run, "largest_small", p->largest);
    ps_record_int(run, "memory", spec->memory);
    ps_record_num(run, "seconds", p->seconds);
    ps_record_num(run, "balance", p->balance);
    ps_record_end(run);
}
