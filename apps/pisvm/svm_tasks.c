#include "apps/pisvm/svm_tasks.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "apps/pisvm/svm_solve.h"
#include "common/run/log.h"
#include "common/run/stop.h"
#include "common/run/timer.h"

/* One problem with those of its folds that this rank solves. */
struct task {
    int pair, round, folds;
    int64_t first; /* of `fold`, and of its machines: [folds][ncost] */
    double fill, seconds;
    bool taken, done;

    /* while a thread solves it, and others that are idle may help */
    struct svm_solve *open; /* NULL: nothing to help with */
    int next;               /* job */
    int helpers;
};

struct svm_tasks {
    const struct svm_train_spec *spec;
    const struct svm_sweep *sweep;
    const struct svm_plan *plan;
    struct svm_store *store;
    int n;
    struct task *task; /* [n] by round, longest first */
    int *fold;         /* folds of all tasks */
    int64_t machines;
    struct svm_machine *machine; /* [machines]; without coefficients: not ready */

    /* of the present run */
    double until;
    _Atomic int64_t used; /* bytes of kernel matrices that threads hold */
    int64_t budget;       /* of them at most */
    bool scarce;          /* not every thread may hold the largest */
    _Atomic int status;
    struct ps_progress progress;
    int ended;
};

/* A thread's kernel matrix. */
struct hold {
    float *k;
    int64_t bytes;
};

static int64_t matrix_bytes(const struct svm_problem *p)
{
    return svm_problem_rows(p) * svm_problem_stride(p) * (int64_t)sizeof(float);
}

static int by_round_and_seconds(const void *x, const void *y)
{
    const struct task *a = x, *b = y;
    if (a->round != b->round) return a->round - b->round;
    if (a->seconds != b->seconds) return a->seconds > b->seconds ? -1 : 1;
    return a->pair - b->pair;
}

static void list(struct svm_tasks *t)
{
    const struct svm_plan *plan = t->plan;
    const int ncost = t->sweep->ncost;
    int64_t folds = 0;
    for (int pair = 0; pair < plan->pairs; pair++) {
        const struct svm_problem *p = &plan->problem[pair];
        struct task x = {.pair = pair, .round = p->round, .first = folds, .fill = p->fill};
        for (int f = 0; f < plan->folds; f++) {
            if (plan->owner[(int64_t)pair * plan->folds + f] != t->spec->run->rank) continue;
            for (int c = 0; c < ncost; c++)
                t->machine[folds * ncost + c] = (struct svm_machine){
                    .pair = pair, .a = p->a, .b = p->b, .cost = c, .fold = t->sweep->folds > 0 ? f : -1};
            t->fold[folds++] = t->sweep->folds > 0 ? f : -1;
            x.folds++;
        }
        x.seconds = p->fill + p->solve * x.folds;
        if (x.folds > 0) t->task[t->n++] = x;
    }
    qsort(t->task, (size_t)t->n, sizeof *t->task, by_round_and_seconds);
}

enum ps_status svm_tasks_make(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                              const struct svm_plan *plan, struct svm_store *store, struct svm_tasks **out)
{
    const int64_t all = (int64_t)plan->pairs * plan->folds;
    int64_t folds = 0;
    PS_TRY(ps_zalloc(out, 1, sizeof **out, "tasks"));
    struct svm_tasks *t = *out;
    t->spec = spec;
    t->sweep = sweep;
    t->plan = plan;
    t->store = store;
    for (int64_t i = 0; i < all; i++) folds += plan->owner[i] == spec->run->rank;
    t->machines = folds * sweep->ncost;
    PS_TRY(ps_alloc(&t->task, folds, sizeof *t->task, "tasks"));
    PS_TRY(ps_alloc(&t->fold, folds, sizeof *t->fold, "folds of tasks"));
    PS_TRY(ps_zalloc(&t->machine, t->machines, sizeof *t->machine, "machines"));
    list(t);
    return PS_OK;
}

void svm_tasks_free(struct svm_tasks *t)
{
    if (!t) return;
    for (int64_t i = 0; t->machine && i < t->machines; i++) free(t->machine[i].coef);
    free(t->machine);
    free(t->fold);
    free(t->task);
    free(t);
}

void svm_tasks_wants(const struct svm_tasks *t, int round, bool *want)
{
    for (int i = 0; i < t->n; i++) {
        const struct svm_problem *p = &t->plan->problem[t->task[i].pair];
        if (t->task[i].round != round || t->task[i].done) continue;
        want[p->slot[0]] = true;
        if (p->slot[1] >= 0) want[p->slot[1]] = true;
    }
}

/* --- threads --- */

static bool halted(struct svm_tasks *t)
{
    return t->status != PS_OK || ps_stop_seen() || ps_elapsed(t->spec->run) > t->until;
}

/* Jobs of a task were done; is that all of it? */
static void end(struct svm_tasks *t, struct task *x)
{
    const struct svm_machine *m = t->machine + x->first * t->sweep->ncost;
    bool all = true;
    for (int64_t i = 0; i < (int64_t)x->folds * t->sweep->ncost; i++) all = all && m[i].coef;
#pragma omp critical(svm_tasks)
    {
        x->done = all;
        t->ended += all;
        ps_progress_at(&t->progress, t->ended);
    }
}

static void release(struct svm_tasks *t, struct hold *h)
{
    free(h->k);
    t->used -= h->bytes;
    *h = (struct hold){0};
}

/* Take the longest task whose matrix fits into what is left of the memory. @return NULL: there is none */
static struct task *pick(struct svm_tasks *t, int lo, int hi, struct hold *h, int64_t *bytes, bool *left)
{
    struct task *picked = NULL;
    *left = false;
#pragma omp critical(svm_tasks)
    for (int i = lo; i < hi && !picked; i++) {
        struct task *x = &t->task[i];
        if (x->taken) continue;
        *left = true;
        const int64_t need = matrix_bytes(&t->plan->problem[x->pair]);
        const int64_t used = t->used;
        /* a matrix that is large enough is there already: new memory costs time */
        const bool fits = need <= h->bytes && (!t->scarce || h->bytes <= 2 * need);
        *bytes = fits ? h->bytes : need;
        if (!fits && used - h->bytes + need > t->budget && used > h->bytes) continue;
        picked = x;
        x->taken = true;
        t->used += *bytes - h->bytes;
    }
    return picked;
}

/* Other memory for a thread, of which `used` knows already. */
static bool change(struct svm_tasks *t, struct hold *h, int64_t bytes)
{
    if (bytes == h->bytes) return true;
    free(h->k);
    h->bytes = bytes;
    const enum ps_status rc = ps_alloc(&h->k, bytes, 1, "a kernel matrix");
    if (rc != PS_OK) t->status = rc;
    return rc == PS_OK;
}

static struct task *take(struct svm_tasks *t, int lo, int hi, struct hold *h)
{
    bool left = true;
    int64_t bytes;
    while (left && !halted(t)) {
        struct task *x = pick(t, lo, hi, h, &bytes, &left);
        if (x && !change(t, h, bytes)) break;
        if (x) return x;
        release(t, h);
        if (left) nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    return NULL;
}

static struct svm_solve solve_of(struct svm_tasks *t, struct task *x)
{
    return (struct svm_solve){.spec = t->spec,
                              .sweep = t->sweep,
                              .problem = &t->plan->problem[x->pair],
                              .label = t->store->target[0],
                              .folds = x->folds,
                              .fold = t->fold + x->first,
                              .machine = t->machine + x->first * t->sweep->ncost};
}

/* Do jobs of a task until none is left. */
static void do_jobs(struct svm_tasks *t, struct task *x, struct svm_solve *s, struct svm_matrix *matrix)
{
    while (!halted(t)) {
        int i;
#pragma omp atomic capture
        i = x->next++;
        if (i >= s->jobs) break;
        const enum ps_status rc = svm_solve_job(s, i, matrix);
        if (rc != PS_OK) t->status = rc;
    }
}

/* Let others help, or see to it that none does any more. */
static void publish(struct task *x, struct svm_solve *s)
{
#pragma omp critical(svm_tasks)
    x->open = s;
    for (int helpers = 1; !s && helpers > 0;) {
#pragma omp atomic read
        helpers = x->helpers;
        if (helpers > 0) nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    }
}

/* One task by one thread, and those that help. */
static void solve_alone(struct svm_tasks *t, struct task *x, float *k)
{
    struct svm_matrix matrix;
    struct svm_solve s = solve_of(t, x);
    enum ps_status rc = svm_matrix_make(t->store, s.problem, k, false, &matrix);
    if (rc == PS_OK) rc = svm_solve_open(&s);
    if (rc == PS_OK) {
        publish(x, &s);
        do_jobs(t, x, &s, &matrix);
        publish(x, NULL);
        rc = svm_solve_close(&s);
    }
    svm_solve_free(&s);
    svm_matrix_free(&matrix);
    if (rc != PS_OK) t->status = rc;
    end(t, x);
}

/* Join the task with most jobs left whose matrix fits into memory once more. @return NULL: there is none */
static struct task *join(struct svm_tasks *t, int lo, int hi, const struct hold *h, struct svm_solve **s,
                         int64_t *bytes)
{
    struct task *joined = NULL;
    int most = 0;
#pragma omp critical(svm_tasks)
    {
        for (int i = lo; i < hi; i++) {
            struct task *x = &t->task[i];
            int next;
#pragma omp atomic read
            next = x->next;
            if (!x->open || x->open->jobs - next <= most) continue;
            const int64_t need = matrix_bytes(x->open->problem), used = t->used;
            if (need > h->bytes && used - h->bytes + need > t->budget) continue;
            most = x->open->jobs - next;
            joined = x;
            *s = x->open;
            *bytes = need > h->bytes ? need : h->bytes;
        }
        if (joined) {
            t->used += *bytes - h->bytes;
#pragma omp atomic
            joined->helpers++;
        }
    }
    return joined;
}

/* Help with jobs of tasks when all are taken. A helper makes its own matrix, as rows come when they are
 * wanted. */
static void help(struct svm_tasks *t, int lo, int hi, struct hold *h)
{
    struct svm_solve *s;
    int64_t bytes;
    for (struct task *x; !halted(t) && (x = join(t, lo, hi, h, &s, &bytes));) {
        struct svm_matrix matrix = {0};
        enum ps_status rc = PS_OK;
        if (change(t, h, bytes)) {
            rc = svm_matrix_make(t->store, s->problem, h->k, false, &matrix);
            if (rc == PS_OK) do_jobs(t, x, s, &matrix);
            svm_matrix_free(&matrix);
        }
        if (rc != PS_OK) t->status = rc;
#pragma omp atomic
        x->helpers--;
    }
}

/* One task by all threads. */
static void solve_together(struct svm_tasks *t, struct task *x)
{
    struct hold h = {0};
    const int at = (int)(x - t->task);
    if (take(t, at, at + 1, &h)) {
        struct svm_matrix matrix;
        struct svm_solve s = solve_of(t, x);
        enum ps_status rc = svm_matrix_make(t->store, s.problem, h.k, true, &matrix);
        if (rc == PS_OK) rc = svm_solve_open(&s);
        if (rc != PS_OK) t->status = rc;
#pragma omp parallel for schedule(dynamic, 1)
        for (int i = 0; i < s.jobs; i++) {
            if (halted(t)) continue;
            const enum ps_status mine = svm_solve_job(&s, i, &matrix);
            if (mine != PS_OK) t->status = mine;
        }
        if (rc == PS_OK) rc = svm_solve_close(&s);
        svm_solve_free(&s);
        svm_matrix_free(&matrix);
        if (rc != PS_OK) t->status = rc;
        end(t, x);
    }
    release(t, &h);
}

/* How many of the first of tasks [lo, hi) are better solved by all threads, one after the other: those that
 * would still run when the others have ended. */
static int shared(const struct svm_tasks *t, int lo, int hi)
{
    const double threads = t->spec->run->threads;
    double rest = 0;
    int n = 0;
    for (int i = lo; i < hi; i++) rest += t->task[i].done ? 0 : t->task[i].seconds;
    for (int i = lo; i < hi; i++) {
        const struct task *x = &t->task[i];
        const bool cut = x->folds > 1 || t->sweep->probability; /* it has jobs for several threads */
        if (x->done) continue;
        if (threads < 2 || x->seconds * threads * (cut ? 2 : 1) <= rest) break;
        rest -= x->seconds;
        n = i - lo + 1;
    }
    return n;
}

enum ps_status svm_tasks_run(struct svm_tasks *t, int round, double until, int *left)
{
    int lo = 0, hi;
    while (lo < t->n && t->task[lo].round < round) lo++;
    for (hi = lo; hi < t->n && t->task[hi].round == round;) t->task[hi++].taken = false;
    int64_t largest = 0, wanted = t->spec->run->threads, jobs = 0;
    for (int i = lo; i < hi; i++) {
        t->task[i].next = 0;
        jobs += t->task[i].folds * (t->sweep->probability ? 1 + SVM_INNER : 1);
        const int64_t bytes = matrix_bytes(&t->plan->problem[t->task[i].pair]);
        t->task[i].taken = t->task[i].done;
        if (bytes > largest) largest = bytes;
    }
    if (wanted > jobs) wanted = jobs;
    t->until = until;
    t->used = 0;
    t->budget = wanted * largest < t->spec->memory ? wanted * largest : t->spec->memory;
    t->scarce = wanted * largest > t->spec->memory;
    svm_store_room(t->store, t->spec->memory - t->budget);
    ps_progress_begin(&t->progress, t->spec->run, "training", "problems", t->n);
    const int together = shared(t, lo, hi);
    for (int i = lo; i < lo + together; i++)
        if (!t->task[i].done) solve_together(t, &t->task[i]);
#pragma omp parallel
    {
        struct hold h = {0};
        for (struct task *x; (x = take(t, lo + together, hi, &h));) solve_alone(t, x, h.k);
        help(t, lo + together, hi, &h);
        release(t, &h);
    }
    ps_progress_end(&t->progress);
    svm_store_room(t->store, 0);
    *left = 0;
    for (int i = lo; i < hi; i++) *left += !t->task[i].done;
    return (enum ps_status)t->status;
}

/* --- machines --- */

int64_t svm_tasks_machines(const struct svm_tasks *t)
{
    return t->machines;
}

int64_t svm_tasks_ready(const struct svm_tasks *t, struct svm_machine *out)
{
    int64_t n = 0;
    for (int64_t i = 0; i < t->machines; i++)
        if (t->machine[i].coef) out[n++] = t->machine[i];
    return n;
}

int64_t svm_tasks_take(struct svm_tasks *t, struct svm_machine *out)
{
    const int64_t n = svm_tasks_ready(t, out);
    for (int64_t i = 0; i < t->machines; i++) t->machine[i].coef = NULL;
    return n;
}
