/* Small problems on the device of a rank, in batches of tasks whose kernel matrices fit into its memory. All
 * folds and inner folds of a batch are solved beside each other, for one C after the other, so that a matrix
 * is made once. Each pair of classes has its own, with values between the classes both ways and those within
 * a class again for each pair with it: with ten classes of 6,000 rows 3.6 times the values that differ, 10^13
 * operations where rows have 784 columns, a fraction of a second of a GPU. */
#include <stdlib.h>
#include "apps/pisvm/svm_backend.h"
#include "apps/pisvm/svm_tasks_parts.h"
#include "common/par/buffer.h"
#include "common/run/err.h"
#include "common/run/stop.h"

/* Matrices begin at multiples of so many bytes. */
enum { LINE = 256 };

/* A task of a batch. */
struct item {
    struct svm_task *task;
    struct svm_solve solve;
    struct svm_matrix matrix;
};

/* A job of a task. */
struct job {
    struct item *item;
    struct svm_solve_way way;
    struct svm_small_way small;
};

struct batch {
    struct svm_tasks *t;
    struct ps_buffer k; /* kernel matrices, one after the other */
    struct ps_buffer f; /* what a start gives */
    int items, jobs;
    struct item *item;          /* [tasks of the round]; all arrays owned */
    struct job *job;            /* [jobs] */
    struct ps_svm_smo *program; /* [jobs] */
};

static int64_t place_bytes(const struct svm_tasks *t, int i)
{
    return (svm_tasks_bytes(&t->plan->problem[t->list.task[i].pair]) + LINE - 1) / LINE * LINE;
}

/* Memory for the matrices of open tasks, as much as -m and the device allow. Collective over the ranks of the
 * node. */
static enum ps_status batch_open(struct svm_tasks *t, int lo, int hi, struct batch *out)
{
    const struct ps_device_memory *memory = t->spec->kernels->device->memory;
    const int64_t room = memory->room() / 8 * 7 / t->spec->sharing; /* the solver has arrays of its own */
    int64_t all = 0, largest = 0, rows = 0, bytes = t->spec->memory < room ? t->spec->memory : room;
    *out = (struct batch){.t = t};
    MPI_Barrier(t->claims.node); /* none takes any before all have looked */
    for (int i = lo; i < hi; i++) {
        const int64_t here = svm_tasks_open(t, i) ? place_bytes(t, i) : 0;
        const int64_t n = svm_problem_rows(&t->plan->problem[t->list.task[i].pair]);
        all += here;
        if (here > largest) largest = here;
        if (n > rows) rows = n;
    }
    PS_CHECK(largest <= room, PS_ENOMEM,
             "the device has %lld MiB left, and a kernel matrix needs %lld: take a smaller -m",
             (long long)(room >> 20), (long long)((largest >> 20) + 1));
    if (bytes < largest) bytes = largest;
    PS_TRY(ps_alloc(&out->item, hi - lo, sizeof *out->item, "tasks"));
    PS_TRY(ps_buffer_make(memory, rows * (int64_t)sizeof(double), false, "a gradient", &out->f));
    return ps_buffer_make(memory, bytes < all ? bytes : all, false, "kernel matrices", &out->k);
}

static void batch_close(struct batch *b)
{
    ps_buffer_free(&b->k);
    ps_buffer_free(&b->f);
    free(b->item);
}

/* Take the longest open tasks, as many as fit; where there are other ranks no more than a share of what is
 * left, so that none waits for another at the end. */
static void choose(struct batch *b, int lo, int hi)
{
    struct svm_tasks *t = b->t;
    double left = 0, seconds = 0;
    int64_t used = 0;
    b->items = 0;
    for (int i = lo; i < hi; i++)
        if (svm_tasks_open(t, i)) left += t->list.task[i].seconds;
    for (int i = lo; i < hi; i++) {
        struct svm_task *x = &t->list.task[i];
        const int64_t bytes = place_bytes(t, i);
        if (!svm_tasks_open(t, i) || used + bytes > b->k.bytes) continue;
        if (b->items > 0 && t->claims.size > 1 && (seconds + x->seconds) * t->claims.size > left) continue;
        if (ps_claims_holder(&t->claims, i) != t->claims.rank && !ps_claims_take(&t->claims, i)) continue;
        x->taken = true;
        b->item[b->items++] = (struct item){
            x, svm_tasks_solve(t, x), {.k = (float *)((char *)b->k.there + used)}}; /* a place, so far */
        used += bytes;
        seconds += x->seconds;
    }
}

/* Matrices and jobs. The device computes the first while the threads do the second. */
static enum ps_status begin(struct batch *b)
{
    struct svm_tasks *t = b->t;
    int jobs = 0;
    for (int i = 0; i < b->items; i++) {
        struct item *x = &b->item[i];
        PS_TRY(svm_matrix_make(t->store, x->solve.problem, x->matrix.k, true, &x->matrix));
    }
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < b->items; i++) {
        const enum ps_status rc = svm_solve_open(&b->item[i].solve);
        if (rc != PS_OK) t->status = rc;
    }
    for (int i = 0; i < b->items; i++) jobs += b->item[i].solve.jobs;
    PS_TRY(ps_zalloc(&b->job, jobs, sizeof *b->job, "jobs"));
    PS_TRY(ps_alloc(&b->program, jobs, sizeof *b->program, "jobs"));
    for (int i = 0; i < b->items; i++)
        for (int k = 0; k < b->item[i].solve.jobs; k++)
            if (!b->item[i].solve.ended[k])
                b->job[b->jobs++] = (struct job){.item = &b->item[i], .way = {.job = k}};
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < b->jobs; i++) {
        struct job *j = &b->job[i];
        enum ps_status rc = svm_solve_begin(&j->item->solve, j->way.job, &j->item->matrix, &j->way);
        j->way.small.f = b->f.there;
        if (rc == PS_OK) rc = svm_small_open(&j->way.small, j->way.fold, &j->small);
        if (rc != PS_OK) t->status = rc;
    }
    return (enum ps_status)t->status;
}

/* Solve all programs for one C, those without rows of a class left out. */
static enum ps_status solve(struct batch *b, int c)
{
    struct svm_tasks *t = b->t;
    const struct ps_svm_device *device = t->spec->kernels->device;
    int n = 0;
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < b->jobs; i++) {
        struct job *j = &b->job[i];
        const enum ps_status rc =
            j->way.solved ? PS_OK : svm_small_prepare(&j->small, j->item->solve.cost, c);
        if (rc != PS_OK) t->status = rc;
    }
    for (int i = 0; i < b->jobs && t->status == PS_OK; i++) {
        if (b->job[i].way.solved) continue;
        PS_TRY(svm_small_start(&b->job[i].small));
        b->program[n++] = b->job[i].small.program;
    }
    if (t->status != PS_OK) return (enum ps_status)t->status;
    const enum ps_status rc = device->smo(b->program, n);
    if (rc != PS_OK) return svm_backend_failed(t->spec->kernels, rc, "no memory to solve problems");
    for (int i = 0, k = 0; i < b->jobs; i++)
        if (!b->job[i].way.solved) b->job[i].small.program = b->program[k++];
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < b->jobs; i++) {
        struct job *j = &b->job[i];
        if (j->way.solved) continue;
        const enum ps_status mine = svm_small_result(&j->small, &j->item->solve.cost[c], &j->way.out[c]);
        if (mine != PS_OK) t->status = mine;
    }
    return (enum ps_status)t->status;
}

/* Take the machines over. */
static enum ps_status end(struct batch *b)
{
    struct svm_tasks *t = b->t;
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < b->jobs; i++) svm_solve_end(&b->job[i].item->solve, &b->job[i].way);
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < b->items; i++) {
        const enum ps_status rc = svm_solve_close(&b->item[i].solve);
        if (rc != PS_OK) t->status = rc;
    }
    for (int i = 0; i < b->items; i++) svm_tasks_end(t, b->item[i].task);
    return (enum ps_status)t->status;
}

static void forget(struct batch *b)
{
    for (int i = 0; i < b->jobs; i++) {
        svm_small_close(&b->job[i].small);
        svm_solve_way_free(&b->job[i].item->solve, &b->job[i].way);
    }
    for (int i = 0; i < b->items; i++) svm_solve_free(&b->item[i].solve);
    free(b->job);
    free(b->program);
    b->job = NULL;
    b->program = NULL;
    b->items = b->jobs = 0;
}

/* A batch is done as a whole; on a signal it is left undone. */
static enum ps_status run_batch(struct batch *b)
{
    enum ps_status rc = begin(b);
    for (int c = 0; c < b->t->sweep->ncost && rc == PS_OK; c++) {
        if (ps_stop_seen()) return PS_OK;
        rc = solve(b, c);
    }
    return rc == PS_OK ? end(b) : rc;
}

void svm_tasks_on_device(struct svm_tasks *t, int lo, int hi)
{
    struct batch b;
    enum ps_status rc = batch_open(t, lo, hi, &b);
    while (rc == PS_OK && !svm_tasks_halted(t)) {
        choose(&b, lo, hi);
        if (b.items == 0) break;
        rc = run_batch(&b);
        forget(&b);
    }
    batch_close(&b);
    if (rc != PS_OK) t->status = rc;
}
