/* Small problems on the threads of a rank, each with a kernel matrix of its own. */
#include "apps/pisvm/svm_tasks_parts.h"
#include <stdlib.h>
#include <time.h>

/* A thread's kernel matrix. */
struct hold {
    float *k;
    int64_t bytes;
};

static void release(struct svm_tasks *t, struct hold *h)
{
    free(h->k);
    t->used -= h->bytes;
    *h = (struct hold){0};
}

/* Take the longest task whose matrix fits into what is left of the memory. @return NULL: there is none */
static struct svm_task *pick(struct svm_tasks *t, int lo, int hi, struct hold *h, int64_t *bytes, bool *left)
{
    struct svm_task *picked = NULL;
    *left = false;
#pragma omp critical(svm_tasks)
    for (int i = lo; i < hi && !picked; i++) {
        struct svm_task *x = &t->list.task[i];
        if (!svm_tasks_open(t, i)) continue;
        const int64_t need = svm_tasks_bytes(&t->plan->problem[x->pair]);
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
    while (left && !svm_tasks_halted(t)) {
        struct svm_task *x = pick(t, lo, hi, h, &bytes, &left);
        if (x && !change(t, h, bytes)) break;
        if (x) return x;
        release(t, h);
        if (left) nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    return NULL;
}

/* Do jobs of a task until none is left. */
static void do_jobs(struct svm_tasks *t, struct svm_task *x, struct svm_solve *s, struct svm_matrix *matrix)
{
    while (!svm_tasks_halted(t)) {
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
    struct svm_solve s = svm_tasks_solve(t, x);
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
    svm_tasks_end(t, x);
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
            const int64_t need = svm_tasks_bytes(x->open->problem), used = t->used;
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
    for (struct svm_task *x; !svm_tasks_halted(t) && (x = join(t, lo, hi, h, &s, &bytes));) {
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
        struct svm_solve s = svm_tasks_solve(t, x);
        enum ps_status rc = svm_matrix_make(t->store, s.problem, h.k, true, &matrix);
        if (rc == PS_OK) rc = svm_solve_open(&s);
        if (rc != PS_OK) t->status = rc;
#pragma omp parallel for schedule(dynamic, 1)
        for (int i = 0; i < s.jobs; i++) {
            if (svm_tasks_halted(t)) continue;
            const enum ps_status mine = svm_solve_job(&s, i, &matrix);
            if (mine != PS_OK) t->status = mine;
        }
        if (rc == PS_OK) rc = svm_solve_close(&s);
        svm_solve_free(&s);
        svm_matrix_free(&matrix);
        if (rc != PS_OK) t->status = rc;
        svm_tasks_end(t, x);
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

/* Memory for kernel matrices. Collective over the node. */
static enum ps_status make_budget(struct svm_tasks *t, int lo, int hi)
{
    int64_t largest = 0, wanted = t->spec->run->threads, jobs = 0;
    for (int i = lo; i < hi; i++) {
        jobs += t->list.task[i].folds * (t->sweep->probability ? 1 + SVM_INNER : 1);
        const int64_t bytes = svm_tasks_bytes(&t->plan->problem[t->list.task[i].pair]);
        if (bytes > largest) largest = bytes;
    }
    if (wanted > jobs) wanted = jobs;
    t->used = 0;
    t->budget = wanted * largest < t->spec->memory ? wanted * largest : t->spec->memory;
    t->scarce = wanted * largest > t->spec->memory;
    return svm_store_keep(t->store, t->claims.node, t->spec->memory - t->budget);
}

void svm_tasks_on_threads(struct svm_tasks *t, int lo, int hi)
{
    t->status = make_budget(t, lo, hi);
    const int together = shared(t, lo, hi);
    for (int i = lo; i < lo + together; i++)
        if (svm_tasks_open(t, i)) solve_together(t, &t->list.task[i]);
#pragma omp parallel
    {
        struct hold h = {0};
        for (struct svm_task *x; (x = take(t, lo + together, hi, &h));) solve_alone(t, x, h.k);
        help(t, lo + together, hi, &h);
        release(t, &h);
    }
    svm_store_forget(t->store);
}
