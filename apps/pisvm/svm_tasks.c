#include "apps/pisvm/svm_tasks.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "apps/pisvm/svm_solve.h"
#include "apps/pisvm/svm_tasklist.h"
#include "common/par/claims.h"
#include "common/run/log.h"
#include "common/run/stop.h"
#include "common/run/timer.h"

struct svm_tasks {
    const struct svm_train_spec *spec;
    const struct svm_sweep *sweep;
    const struct svm_plan *plan;
    struct svm_store *store;
    struct ps_claims claims;  /* by the ranks of the node, on its tasks */
    struct svm_tasklist list; /* of all ranks of the node */

    /* of the present run */
    double until;
    _Atomic int64_t used; /* bytes of kernel matrices that threads hold */
    int64_t budget;       /* of them at most */
    bool scarce;          /* not every thread may hold the largest */
    _Atomic int status;
    struct ps_progress progress;
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

enum ps_status svm_tasks_make(const struct svm_train_spec *spec, const struct svm_sweep *sweep,
                              const struct svm_plan *plan, struct svm_store *store, struct svm_tasks **out)
{
    MPI_Comm comm = spec->run->comm;
    PS_TRY(ps_agree(comm, ps_zalloc(out, 1, sizeof **out, "tasks")));
    struct svm_tasks *t = *out;
    t->spec = spec;
    t->sweep = sweep;
    t->plan = plan;
    t->store = store;
    PS_TRY(ps_claims_open(comm, &t->claims));
    PS_TRY(ps_agree(comm, svm_tasklist_make(sweep, plan, t->claims.member, t->claims.size, &t->list)));
    return ps_claims_make(comm, &t->claims, t->list.n);
}

void svm_tasks_free(struct svm_tasks *t)
{
    if (!t) return;
    svm_tasklist_free(&t->list);
    ps_claims_free(&t->claims);
    free(t);
}

void svm_tasks_wants(const struct svm_tasks *t, int round, bool *want)
{
    for (int i = 0; i < t->list.n; i++) {
        const struct svm_problem *p = &t->plan->problem[t->list.task[i].pair];
        if (t->list.task[i].round != round) continue;
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
static void end(struct svm_tasks *t, struct svm_task *x)
{
    const struct svm_machine *m = t->list.machine + x->first * t->sweep->ncost;
    for (int64_t i = 0; i < (int64_t)x->folds * t->sweep->ncost; i++)
        if (!m[i].coef) return;
    x->done = true;
#pragma omp critical(svm_tasks)
    ps_progress_at(&t->progress, ps_claims_done(&t->claims, x - t->list.task));
}

static void release(struct svm_tasks *t, struct hold *h)
{
    free(h->k);
    t->used -= h->bytes;
    *h = (struct hold){0};
}

/* Is a task open to this rank's threads? */
static bool is_open(const struct svm_tasks *t, int i)
{
    const int holder = ps_claims_holder(&t->claims, i);
    return !t->list.task[i].taken && (holder == PS_CLAIM_FREE || holder == t->claims.rank);
}

/* Take the longest task whose matrix fits into what is left of the memory. @return NULL: there is none */
static struct svm_task *pick(struct svm_tasks *t, int lo, int hi, struct hold *h, int64_t *bytes, bool *left)
{
    struct svm_task *picked = NULL;
    *left = false;
#pragma omp critical(svm_tasks)
    for (int i = lo; i < hi && !picked; i++) {
        struct svm_task *x = &t->list.task[i];
        if (!is_open(t, i)) continue;
        const int64_t need = matrix_bytes(&t->plan->problem[x->pair]);
        const int64_t used = t->used;
        /* a matrix that is large enough is there already: new memory costs time */
        const bool fits = need <= h->bytes && (!t->scarce || h->bytes <= 2 * need);
        *bytes = fits ? h->bytes : need;
        if (!fits && used - h->bytes + need > t->budget && used > h->bytes) {
            *left = true;
            continue;
        }
        if (ps_claims_holder(&t->claims, i) != t->claims.rank && !ps_claims_take(&t->claims, i)) continue;
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

static struct svm_task *take(struct svm_tasks *t, int lo, int hi, struct hold *h)
{
    bool left = true;
    int64_t bytes;
    while (left && !halted(t)) {
        struct svm_task *x = pick(t, lo, hi, h, &bytes, &left);
        if (x && !change(t, h, bytes)) break;
        if (x) return x;
        release(t, h);
        if (left) nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    return NULL;
}

static struct svm_solve solve_of(struct svm_tasks *t, struct svm_task *x)
{
    return (struct svm_solve){.spec = t->spec,
                              .sweep = t->sweep,
                              .problem = &t->plan->problem[x->pair],
                              .label = t->store->target[0],
                              .folds = x->folds,
                              .fold = t->list.fold + x->first,
                              .machine = t->list.machine + x->first * t->sweep->ncost};
}

/* Do jobs of a task until none is left. */
static void do_jobs(struct svm_tasks *t, struct svm_task *x, struct svm_solve *s, struct svm_matrix *matrix)
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
static void publish(struct svm_task *x, struct svm_solve *s)
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
static void solve_alone(struct svm_tasks *t, struct svm_task *x, float *k)
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
static struct svm_task *join(struct svm_tasks *t, int lo, int hi, const struct hold *h, struct svm_solve **s,
                             int64_t *bytes)
{
    struct svm_task *joined = NULL;
    int most = 0;
#pragma omp critical(svm_tasks)
    {
        for (int i = lo; i < hi; i++) {
            struct svm_task *x = &t->list.task[i];
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
    for (struct svm_task *x; !halted(t) && (x = join(t, lo, hi, h, &s, &bytes));) {
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
static void solve_together(struct svm_tasks *t, struct svm_task *x)
{
    struct hold h = {0};
    const int at = (int)(x - t->list.task);
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

/* How many of the first of tasks [lo, hi) are better solved by all threads of a rank, one after the other:
 * those that would still run when the others have ended. */
static int shared(const struct svm_tasks *t, int lo, int hi)
{
    const double threads = (double)t->spec->run->threads * t->claims.size;
    double rest = 0;
    int n = 0;
    for (int i = lo; i < hi; i++)
        if (ps_claims_holder(&t->claims, i) != PS_CLAIM_DONE) rest += t->list.task[i].seconds;
    for (int i = lo; i < hi; i++) {
        const struct svm_task *x = &t->list.task[i];
        const bool cut = x->folds > 1 || t->sweep->probability; /* it has jobs for several threads */
        if (ps_claims_holder(&t->claims, i) == PS_CLAIM_DONE) continue;
        if (t->spec->run->threads < 2 || x->seconds * threads * (cut ? 2 : 1) <= rest) break;
        rest -= x->seconds;
        n = i - lo + 1;
    }
    return n;
}

/* Tasks that this rank took and did not begin are free again; those that it began stay its own. */
static void give_back(struct svm_tasks *t, int lo, int hi)
{
    for (int i = lo; i < hi; i++) {
        struct svm_task *x = &t->list.task[i];
        const struct svm_machine *m = t->list.machine + x->first * t->sweep->ncost;
        bool begun = false;
        for (int64_t k = 0; k < (int64_t)x->folds * t->sweep->ncost; k++) begun = begun || m[k].coef;
        x->next = 0;
        x->taken = x->done;
        if (ps_claims_holder(&t->claims, i) == t->claims.rank && !begun) ps_claims_return(&t->claims, i);
    }
    MPI_Barrier(t->claims.node);
}

/* Memory for kernel matrices. Collective over the node. */
static enum ps_status make_budget(struct svm_tasks *t, int lo, int hi)
{
    int64_t largest = 0, wanted = t->spec->run->threads, jobs = 0;
    for (int i = lo; i < hi; i++) {
        jobs += t->list.task[i].folds * (t->sweep->probability ? 1 + SVM_INNER : 1);
        const int64_t bytes = matrix_bytes(&t->plan->problem[t->list.task[i].pair]);
        if (bytes > largest) largest = bytes;
    }
    if (wanted > jobs) wanted = jobs;
    t->used = 0;
    t->budget = wanted * largest < t->spec->memory ? wanted * largest : t->spec->memory;
    t->scarce = wanted * largest > t->spec->memory;
    return svm_store_keep(t->store, t->claims.node, t->spec->memory - t->budget);
}

/* Tasks that are not done: a rank counts those that it holds, the first rank of the node also the free ones.
 */
static int count_left(const struct svm_tasks *t, int lo, int hi)
{
    int left = 0;
    MPI_Barrier(t->claims.node);
    for (int i = lo; i < hi; i++) {
        const int holder = ps_claims_holder(&t->claims, i);
        left += holder == t->claims.rank || (holder == PS_CLAIM_FREE && t->claims.rank == 0);
    }
    MPI_Barrier(t->claims.node); /* before anyone gives back what it holds */
    return left;
}

enum ps_status svm_tasks_run(struct svm_tasks *t, int round, double until, int *left)
{
    int lo = 0, hi;
    while (lo < t->list.n && t->list.task[lo].round < round) lo++;
    for (hi = lo; hi < t->list.n && t->list.task[hi].round == round;) hi++;
    t->until = until;
    give_back(t, lo, hi);
    t->status = make_budget(t, lo, hi);
    ps_progress_begin(&t->progress, t->spec->run, "training", "problems", t->list.n);
    const int together = shared(t, lo, hi);
    for (int i = lo; i < lo + together; i++)
        if (is_open(t, i)) solve_together(t, &t->list.task[i]);
#pragma omp parallel
    {
        struct hold h = {0};
        for (struct svm_task *x; (x = take(t, lo + together, hi, &h));) solve_alone(t, x, h.k);
        help(t, lo + together, hi, &h);
        release(t, &h);
    }
    ps_progress_end(&t->progress);
    svm_store_forget(t->store);
    *left = count_left(t, lo, hi);
    return (enum ps_status)t->status;
}

/* --- machines --- */

int64_t svm_tasks_machines(const struct svm_tasks *t)
{
    return t->list.machines;
}

int64_t svm_tasks_ready(const struct svm_tasks *t, struct svm_machine *out)
{
    int64_t n = 0;
    for (int64_t i = 0; i < t->list.machines; i++)
        if (t->list.machine[i].coef) out[n++] = t->list.machine[i];
    return n;
}

int64_t svm_tasks_take(struct svm_tasks *t, struct svm_machine *out)
{
    const int64_t n = svm_tasks_ready(t, out);
    for (int64_t i = 0; i < t->list.machines; i++) t->list.machine[i].coef = NULL;
    return n;
}
