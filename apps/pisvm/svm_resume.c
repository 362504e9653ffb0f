#include "apps/pisvm/svm_resume.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_packed.h"
#include "common/run/log.h"
#include "common/run/stop.h"
#include "common/run/timer.h"

/* The first numbers of a checkpoint: how many there are of what. */
enum {
    MACHINES,
    COEFS,
    WAY_ANY,
    WAY_PAIR,
    WAY_FOLD,
    WAY_INNER,
    WAY_COST,
    WAY_ROWS,
    WAY_COPIES,
    WAY_OUTER,
    WAY_STEPS,
    COUNTS
};

void svm_under_way_free(struct svm_under_way *w)
{
    for (int i = 0; i < 2; i++) {
        free(w->alpha[i]);
        free(w->mark[i]);
    }
    free(w->f);
    free(w->coef);
    free(w->decision);
    free(w->result);
    memset(w, 0, sizeof *w);
}

/* --- what the runs must have in common --- */

static uint64_t mix(uint64_t h)
{
    h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9u;
    h = (h ^ h >> 27) * 0x94D049BB133111EBu;
    return h ^ h >> 31;
}

static uint64_t bits(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

/* A sum over rows, so that it does not depend on the cut. */
static uint64_t data_hash(const struct svm_data *d)
{
    uint64_t sum = 0;
    const int64_t n = d->x.mine.hi - d->x.mine.lo;
#pragma omp parallel for reduction(+ : sum) schedule(static)
    for (int64_t i = 0; i < n; i++) {
        uint64_t h = mix((uint64_t)(d->x.mine.lo + i) + 1) ^ bits(d->x.label[i]);
        for (int64_t e = d->x.start[i]; e < d->x.start[i + 1]; e++)
            h = mix(h + (uint64_t)d->x.index[e]) ^ bits(d->x.value[e]);
        sum += mix(h);
    }
    return sum;
}

static uint64_t options_hash(const struct svm_job *j)
{
    const struct svm_train_spec *s = j->spec;
    const struct ps_svm_function *f = &j->sweep->function;
    const double reals[] = {f->gamma, f->coef0, s->eps};
    const int64_t wholes[] = {f->degree, s->dense,  s->shrinking,          s->max_iter,      s->working,
                              s->fresh,  s->memory, j->sweep->probability, (int64_t)s->seed, j->sweep->ncost};
    uint64_t h = 1;
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) h = mix(h + bits(reals[i]));
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) h = mix(h + (uint64_t)wholes[i]);
    for (int i = 0; i < j->sweep->ncost; i++) {
        const struct svm_cost *c = &j->sweep->cost[i];
        h = mix(mix(mix(h + bits(c->c)) + bits(c->nu)) + bits(c->p));
    }
    for (int i = 0; i < s->data->nclass; i++) h = mix(h + bits(s->weight[i]));
    for (const char *c = s->kernels->name; *c; c++) h = mix(h + (uint64_t)*c);
    return h;
}

void svm_resume_tag(struct svm_job *j)
{
    const struct svm_data *d = j->spec->data;
    uint64_t hash = data_hash(d);
    MPI_Allreduce(MPI_IN_PLACE, &hash, 1, MPI_UINT64_T, MPI_SUM, j->spec->run->comm);
    snprintf(j->tag, sizeof j->tag,
             "pisvm %lld x %lld, data %016llx, type %d, kernel %d, folds %d, options %016llx",
             (long long)d->x.rows, (long long)d->x.cols, (unsigned long long)hash, (int)j->spec->type,
             (int)j->sweep->function.form, j->sweep->folds, (unsigned long long)options_hash(j));
}

/* --- machines --- */

/* Bring the parts of a large problem's machine to one rank. Collective.
 * @param out on root: the whole machine, coefficients the caller's */
static enum ps_status collect(const struct svm_job *j, const struct svm_machine *piece, int root,
                              struct svm_machine *out)
{
    MPI_Comm comm = j->spec->run->comm;
    const struct svm_problem *p = &j->plan.problem[piece->pair];
    const int64_t n = svm_problem_rows(p);
    const int size = j->spec->run->size;
    int *count = NULL, *start = NULL;
    *out = *piece;
    out->coef = NULL;
    svm_problem_wants(p, 0, n, out->part);
    enum ps_status rc = ps_alloc(&count, size, sizeof *count, "parts of a machine");
    if (rc == PS_OK) rc = ps_alloc(&start, size, sizeof *start, "parts of a machine");
    if (rc == PS_OK && j->spec->run->rank == root)
        rc = ps_alloc(&out->coef, n, sizeof *out->coef, "the coefficients of a machine");
    rc = ps_agree(comm, rc);
    for (int r = 0; r < size && rc == PS_OK; r++) {
        const struct ps_range of = ps_block(n, size, r);
        start[r] = (int)of.lo;
        count[r] = (int)(of.hi - of.lo);
    }
    if (rc == PS_OK)
        MPI_Gatherv(piece->coef, (int)svm_packed_coefs(piece), MPI_DOUBLE, out->coef, count, start,
                    MPI_DOUBLE, root, comm);
    free(count);
    free(start);
    return rc;
}

/* All machines that are ready, as arrays. Collective. */
static enum ps_status pack_all(const struct svm_job *j, struct svm_packed *out)
{
    const int rank = j->spec->run->rank, size = j->spec->run->size;
    const int64_t most = j->held.n + (j->tasks ? svm_tasks_machines(j->tasks) : 0) + j->pieces.n;
    struct svm_machine *m = NULL;
    int64_t n = 0, borrowed = 0;
    *out = (struct svm_packed){0};
    enum ps_status rc = ps_agree(j->spec->run->comm, ps_alloc(&m, most, sizeof *m, "machines"));
    if (rc == PS_OK) {
        if (j->held.n > 0) memcpy(m, j->held.machine, (size_t)j->held.n * sizeof *m);
        n = j->held.n;
        if (j->tasks) n += svm_tasks_ready(j->tasks, m + n);
        borrowed = n;
    }
    for (int64_t i = 0; i < j->pieces.n && rc == PS_OK; i++) {
        const int root = (int)(i % size);
        rc = collect(j, &j->pieces.machine[i], root, &m[n]);
        n += rc == PS_OK && root == rank;
    }
    if (rc == PS_OK) rc = ps_agree(j->spec->run->comm, svm_packed_make(m, n, out));
    for (int64_t i = borrowed; i < n; i++) free(m[i].coef);
    free(m);
    return rc;
}

/* --- the file --- */

/* Where this rank's n elements begin among those of all ranks. Collective. @param all out: elements of all */
static struct ps_range place(MPI_Comm comm, int64_t n, int64_t *all)
{
    int64_t before = 0;
    int rank;
    MPI_Comm_rank(comm, &rank);
    MPI_Exscan(&n, &before, 1, MPI_INT64_T, MPI_SUM, comm);
    if (rank == 0) before = 0;
    MPI_Allreduce(&n, all, 1, MPI_INT64_T, MPI_SUM, comm);
    return (struct ps_range){before, before + n};
}

static struct ps_range times(struct ps_range r, int64_t factor)
{
    return (struct ps_range){r.lo * factor, r.hi * factor};
}

/* The parts of a large problem under way. @return how many */
static int way_parts(const struct svm_under_way *w, int ncost, struct ps_ckpt_part *part)
{
    static const char *const alpha[] = {"alpha", "alpha*"}, *const mark[] = {"mark", "mark*"};
    int n = 0;
    for (int i = 0; i < w->copies; i++) {
        part[n++] = ps_ckpt_cut(alpha[i], PS_F64, w->rows, w->mine, w->alpha[i]);
        part[n++] = ps_ckpt_cut(mark[i], PS_U8, w->rows, w->mine, w->mark[i]);
    }
    part[n++] = ps_ckpt_cut("f", PS_F64, w->rows, w->mine, w->f);
    part[n++] = ps_ckpt_cut("finished", PS_F64, w->rows * ncost, times(w->mine, ncost), w->coef);
    if (w->decision)
        part[n++] = ps_ckpt_cut("decision", PS_F64, w->rows * ncost, times(w->mine, ncost), w->decision);
    part[n++] = ps_ckpt_all("result", PS_U8, ncost * (int64_t)sizeof *w->result, w->result);
    return n;
}

enum { PARTS = 16 };

enum ps_status svm_resume_write(struct svm_job *j, const struct svm_under_way *way)
{
    struct ps_run *run = j->spec->run;
    struct svm_packed p;
    struct ps_ckpt_part part[PARTS];
    int64_t count[COUNTS] = {0};
    double violation = way ? way->violation : 0;
    int n = 0;
    enum ps_status rc = pack_all(j, &p);
    if (rc == PS_OK) {
        const struct ps_range m = place(run->comm, p.n, &count[MACHINES]);
        const struct ps_range c = place(run->comm, p.coefs, &count[COEFS]);
        if (way) {
            const int64_t where[] = {1,         way->pair,   way->fold,  way->inner, way->cost,
                                     way->rows, way->copies, way->outer, way->steps};
            memcpy(count + WAY_ANY, where, sizeof where);
        }
        part[n++] = ps_ckpt_all("counts", PS_I64, COUNTS, count);
        part[n++] = ps_ckpt_all("violation", PS_F64, 1, &violation);
        part[n++] =
            ps_ckpt_cut("wholes", PS_I64, count[MACHINES] * SVM_WHOLES, times(m, SVM_WHOLES), p.whole);
        part[n++] = ps_ckpt_cut("reals", PS_F64, count[MACHINES] * SVM_REALS, times(m, SVM_REALS), p.real);
        part[n++] = ps_ckpt_cut("coefficients", PS_F64, count[COEFS], c, p.coef);
        if (way) n += way_parts(way, j->sweep->ncost, part + n);
        rc = ps_checkpoint_write(run, run->common->checkpoint, j->tag, part, n, 2);
    }
    svm_packed_free(&p);
    j->saved = ps_elapsed(run);
    return rc;
}

/* Room for the large problem that was under way. */
static enum ps_status way_alloc(const struct svm_job *j, const int64_t *count, struct svm_under_way *w)
{
    const int ncost = j->sweep->ncost;
    *w = (struct svm_under_way){.any = true,
                                .pair = (int)count[WAY_PAIR],
                                .fold = (int)count[WAY_FOLD],
                                .inner = (int)count[WAY_INNER],
                                .cost = (int)count[WAY_COST],
                                .rows = count[WAY_ROWS],
                                .copies = (int)count[WAY_COPIES],
                                .outer = count[WAY_OUTER],
                                .steps = count[WAY_STEPS]};
    w->mine = ps_block(w->rows, j->spec->run->size, j->spec->run->rank);
    const int64_t own = w->mine.hi - w->mine.lo;
    enum ps_status rc = ps_alloc(&w->f, own, sizeof *w->f, "a problem under way");
    for (int i = 0; i < w->copies && i < 2 && rc == PS_OK; i++) {
        rc = ps_alloc(&w->alpha[i], own, sizeof *w->f, "a problem under way");
        if (rc == PS_OK) rc = ps_alloc(&w->mark[i], own, 1, "a problem under way");
    }
    if (rc == PS_OK) rc = ps_alloc(&w->coef, own * ncost, sizeof *w->coef, "a problem under way");
    if (rc == PS_OK && j->sweep->probability)
        rc = ps_alloc(&w->decision, own * ncost, sizeof *w->decision, "a problem under way");
    if (rc == PS_OK) rc = ps_alloc(&w->result, ncost, sizeof *w->result, "a problem under way");
    return rc;
}

/* Machines [*lo, *hi) of all are this rank's: nearly equal shares of coefficients. */
static void share(const struct svm_job *j, const struct svm_packed *all, const int64_t *count, int64_t *lo,
                  int64_t *hi, struct ps_range *coefs)
{
    const int64_t size = j->spec->run->size, rank = j->spec->run->rank;
    int64_t at = 0;
    *lo = *hi = count[MACHINES];
    *coefs = (struct ps_range){count[COEFS], count[COEFS]};
    for (int64_t i = 0; i < count[MACHINES]; i++) {
        const struct svm_machine m = svm_packed_get(all, i);
        /* a machine is its rank's in whose share it begins */
        const int64_t owner = ps_block_of(count[COEFS], size, at);
        if (owner >= rank && *lo == count[MACHINES]) *lo = i, coefs->lo = at;
        if (owner > rank && *hi == count[MACHINES]) *hi = i, coefs->hi = at;
        at += svm_packed_coefs(&m);
    }
}

/* All ranks read what the machines are; each takes the coefficients of its share. Collective. */
static enum ps_status read_machines(struct svm_job *j, struct svm_packed *p, const int64_t *count)
{
    struct ps_run *run = j->spec->run;
    struct ps_ckpt_part part[PARTS];
    struct ps_range coefs;
    int64_t lo, hi;
    double violation;
    int n = 0;
    enum ps_status rc = ps_alloc(&p->whole, count[MACHINES] * SVM_WHOLES, sizeof *p->whole, "machines");
    if (rc == PS_OK) rc = ps_alloc(&p->real, count[MACHINES] * SVM_REALS, sizeof *p->real, "machines");
    if (rc == PS_OK && count[WAY_ANY]) rc = way_alloc(j, count, &j->way);
    PS_TRY(ps_agree(run->comm, rc));
    part[n++] = ps_ckpt_all("wholes", PS_I64, count[MACHINES] * SVM_WHOLES, p->whole);
    part[n++] = ps_ckpt_all("reals", PS_F64, count[MACHINES] * SVM_REALS, p->real);
    part[n++] = ps_ckpt_all("violation", PS_F64, 1, &violation);
    PS_TRY(ps_checkpoint_read(run, run->common->checkpoint, j->tag, part, n));
    share(j, p, count, &lo, &hi, &coefs);
    PS_TRY(ps_agree(run->comm, ps_alloc(&p->coef, coefs.hi - coefs.lo, sizeof *p->coef, "coefficients")));
    n = 0;
    part[n++] = ps_ckpt_cut("coefficients", PS_F64, count[COEFS], coefs, p->coef);
    if (count[WAY_ANY]) n += way_parts(&j->way, j->sweep->ncost, part + n);
    PS_TRY(ps_checkpoint_read(run, run->common->checkpoint, j->tag, part, n));
    j->way.violation = violation;
    return ps_agree(run->comm, svm_packed_machines(p, lo, hi, &j->held));
}

enum ps_status svm_resume_read(struct svm_job *j)
{
    struct ps_run *run = j->spec->run;
    const char *path = run->common->checkpoint;
    struct svm_packed p = {0};
    int64_t count[COUNTS];
    struct ps_ckpt_part part[] = {ps_ckpt_all("counts", PS_I64, COUNTS, count)};
    if (!run->common->resume || !path[0] || !ps_checkpoint_exists(run, path)) return PS_OK;
    PS_TRY(ps_checkpoint_read(run, path, j->tag, part, 1));
    enum ps_status rc = read_machines(j, &p, count);
    const int folds = j->sweep->folds > 0 ? j->sweep->folds : 1;
    for (int64_t i = 0; i < count[MACHINES] && rc == PS_OK; i++) {
        const struct svm_machine m = svm_packed_get(&p, i);
        j->done[(int64_t)m.pair * folds + (m.fold < 0 ? 0 : m.fold)] = 1;
    }
    svm_packed_free(&p);
    if (rc == PS_OK)
        ps_info(run, "going on with %lld machines of the checkpoint%s\n", (long long)count[MACHINES],
                count[WAY_ANY] ? " and within a large problem" : "");
    return rc;
}

bool svm_resume_due(const struct svm_job *j, bool *stop)
{
    struct ps_run *run = j->spec->run;
    int flags[2] = {ps_stop_seen(),
                    run->rank == 0 && ps_elapsed(run) - j->saved > SVM_SAVE_SECONDS}; /* one clock decides */
    *stop = false;
    if (!run->common->checkpoint[0]) return false;
    MPI_Allreduce(MPI_IN_PLACE, flags, 2, MPI_INT, MPI_MAX, run->comm);
    *stop = flags[0] != 0;
    return flags[0] || flags[1];
}
