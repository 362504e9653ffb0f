/* Problems there and back. */
#include <stdlib.h>
#include <string.h>
#include "kernels/svm/cu.h"
#include "kernels/svm/cu_smo.h"

/* A problem in the order of launches. */
struct place {
    int64_t cost;
    int32_t at;
    int8_t kind; /* of copies and nu: launches go by it */
};

struct job {
    struct ps_svm_smo *s;
    int64_t n, left;
    int threads;
    struct place *place; /* [left] that are not solved; owned */
    /* memory of both sides: what goes and comes back, what only goes, and what only the device has */
    struct ps_svm_stage *stage;
    int64_t both, bytes;
    char *kept;
    struct ps_svm_cu_problem *here, *there;
    int32_t *list;
};

static void *cut(char **at, int64_t bytes)
{
    void *out = *at;
    *at += (bytes + 15) / 16 * 16;
    return out;
}

/* Where the arrays of a problem are. */
static void lay(const struct ps_svm_smo *s, char **both, char **in, char **kept,
                struct ps_svm_cu_problem *out)
{
    const int64_t vars = s->copies * s->n, real = (int64_t)sizeof(double);
    out->smo = *s;
    out->smo.alpha = (double *)cut(both, vars * real);
    out->smo.f = (double *)cut(both, s->n * real);
    out->smo.p = (double *)cut(in, vars * real);
    out->smo.c = (double *)cut(in, vars * real);
    out->smo.y = (int8_t *)cut(in, vars);
    out->score = (double *)cut(kept, vars * real);
    out->diagonal = (float *)cut(kept, s->n * (int64_t)sizeof *out->diagonal);
    out->may = (uint8_t *)cut(kept, vars);
    out->smo.diagonal = out->diagonal;
}

static enum ps_status job_open(struct job *j)
{
    const int64_t lists = j->n * (int64_t)sizeof *j->list, all = j->n * (int64_t)sizeof *j->here;
    struct ps_svm_cu_problem sized;
    char *both = NULL, *in = NULL, *kept = NULL;
    int64_t rows = 0;
    cut(&both, all);
    cut(&in, lists);
    for (int64_t i = 0; i < j->n; i++) {
        lay(&j->s[i], &both, &in, &kept, &sized);
        if (j->s[i].n > rows) rows = j->s[i].n;
    }
    j->both = both - (char *)NULL;
    j->bytes = j->both + (in - (char *)NULL);
    j->threads = ps_svm_cu_smo_threads(rows);
    j->place = (struct place *)malloc((size_t)j->n * sizeof *j->place);
    if (!j->place) return PS_ENOMEM;
    j->stage = ps_svm_stage_cu(j->bytes);
    if (!j->stage) return ps_cuda_status();
    j->kept = ps_svm_take_cu(kept - (char *)NULL);
    return j->kept ? PS_OK : PS_ENOMEM;
}

static void job_close(struct job *j)
{
    if (j->stage) ps_svm_stage_done_cu(j->stage);
    ps_svm_leave_cu(j->kept);
    free(j->place);
}

/* The longest of each kind first: they hold up the others least. */
static int in_order(const void *x, const void *y)
{
    const struct place *a = (const struct place *)x, *b = (const struct place *)y;
    if (a->kind != b->kind) return a->kind - b->kind;
    if (a->cost != b->cost) return a->cost < b->cost ? 1 : -1;
    return a->at - b->at;
}

static void copy_in(const struct ps_svm_smo *s, const struct ps_svm_smo *here)
{
    const size_t n = (size_t)s->n, vars = (size_t)s->copies * n;
    memcpy(here->alpha, s->alpha, vars * sizeof *s->alpha);
    memcpy(here->f, s->f, n * sizeof *s->f);
    memcpy((double *)here->p, s->p, vars * sizeof *s->p);
    memcpy((double *)here->c, s->c, vars * sizeof *s->c);
    memcpy((int8_t *)here->y, s->y, vars);
}

/* Write all problems into the stage, and send it. */
static void send(struct job *j)
{
    struct ps_svm_cu_problem local;
    char *both = j->stage->here, *in = both + j->both, *kept = j->kept;
    char *both_there = j->stage->there, *in_there = both_there + j->both;
    j->here = (struct ps_svm_cu_problem *)cut(&both, j->n * (int64_t)sizeof *j->here);
    j->there = (struct ps_svm_cu_problem *)cut(&both_there, j->n * (int64_t)sizeof *j->there);
    j->list = (int32_t *)cut(&in, j->n * (int64_t)sizeof *j->list);
    cut(&in_there, j->n * (int64_t)sizeof *j->list);
    for (int64_t i = 0; i < j->n; i++) {
        const struct ps_svm_smo *s = &j->s[i];
        char *again = kept;
        lay(s, &both, &in, &again, &local);
        copy_in(s, &local.smo);
        lay(s, &both_there, &in_there, &kept, &j->here[i]);
        j->here[i].smo.iterations = 0;
        j->here[i].launches = 0;
        j->here[i].done = false;
        j->place[i] = {s->copies * s->n, (int32_t)i, (int8_t)(2 * (s->copies - 1) + s->nu)};
    }
    j->left = j->n;
    qsort(j->place, (size_t)j->left, sizeof *j->place, in_order);
    for (int64_t i = 0; i < j->left; i++) j->list[i] = j->place[i].at;
    ps_svm_stage_send_cu(j->stage, j->bytes);
}

/* Make some steps of all problems that are left, and see which remain. */
static void go_on(struct job *j)
{
    const int32_t *list = (const int32_t *)(j->stage->there + j->both);
    int64_t left = 0;
    for (int64_t lo = 0, hi; lo < j->left; lo = hi) {
        const int kind = j->place[lo].kind;
        for (hi = lo + 1; hi < j->left && j->place[hi].kind == kind;) hi++;
        ps_svm_cu_smo_launch(j->there, list + lo, hi - lo, j->threads, 1 + kind / 2, kind % 2);
    }
    ps_cuda_memory.get(j->stage->here, j->stage->there, j->both);
    PS_CU(cudaStreamSynchronize(ps_cuda_stream()));
    if (!ps_cuda_good()) return;
    for (int64_t i = 0; i < j->left; i++) {
        if (j->here[j->place[i].at].done) continue;
        j->list[left] = j->place[i].at;
        j->place[left++] = j->place[i];
    }
    j->left = left;
    if (left > 0) ps_cuda_memory.put((void *)list, j->list, left * (int64_t)sizeof *j->list);
}

static void take(const struct job *j)
{
    struct ps_svm_cu_problem local;
    char *both = j->stage->here, *in = both + j->both, *kept = j->kept;
    cut(&both, j->n * (int64_t)sizeof *j->here);
    for (int64_t i = 0; i < j->n; i++) {
        struct ps_svm_smo *s = &j->s[i];
        lay(s, &both, &in, &kept, &local);
        memcpy(s->alpha, local.smo.alpha, (size_t)(s->copies * s->n) * sizeof *s->alpha);
        memcpy(s->f, local.smo.f, (size_t)s->n * sizeof *s->f);
        s->iterations = j->here[i].smo.iterations;
        s->violation = j->here[i].smo.violation;
    }
}

enum ps_status ps_svm_smo_cu(struct ps_svm_smo *s, int64_t problems)
{
    struct job j = {};
    if (problems < 1) return PS_OK;
    j.s = s;
    j.n = problems;
    enum ps_status rc = job_open(&j);
    if (rc == PS_OK) {
        send(&j);
        while (j.left > 0 && ps_cuda_good()) go_on(&j);
        rc = ps_cuda_status();
    }
    if (rc == PS_OK) take(&j);
    job_close(&j);
    return rc;
}
