#include "apps/pisvm/svm_grid.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_grid_table.h"
#include "apps/pisvm/svm_resume.h"
#include "common/io/checkpoint.h"
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/stop.h"

/* A worth is stored as so many doubles. */
enum { WORTH = sizeof(struct svm_worth) / sizeof(double) };
_Static_assert(sizeof(struct svm_worth) == 4 * sizeof(double), "a worth is four doubles");

/* A search under way. */
struct search {
    struct svm_train_spec spec;
    const struct svm_grid *grid;
    struct ps_svm_function function;
    struct svm_cost *cost;     /* [nc] */
    struct svm_worth *worth;   /* [ngamma][nc] */
    int64_t done;              /* gammas */
    char path[PS_STR_MAX + 8]; /* of the checkpoint; "" = none */
    char tag[PS_CKPT_TAG_MAX];
};

/* Hash of numbers by their bits, FNV-1a. */
static uint64_t hash(const void *data, size_t bytes)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < bytes; i++) h = (h ^ ((const unsigned char *)data)[i]) * 1099511628211u;
    return h;
}

/* What two runs must have in common for the points of one to serve the other: what a sweep's checkpoint asks
 * for, and all gammas. Collective. */
static void make_tag(struct search *s)
{
    const struct svm_sweep sweep = {
        .function = s->function, .cost = s->cost, .ncost = s->grid->nc, .folds = s->grid->folds};
    struct svm_job job = {.spec = &s->spec, .sweep = &sweep};
    svm_resume_tag(&job);
    snprintf(s->tag, sizeof s->tag, "grid of %d gammas %016llx, %.200s", s->grid->ngamma,
             (unsigned long long)hash(s->grid->gamma, (size_t)s->grid->ngamma * sizeof *s->grid->gamma),
             job.tag);
}

static enum ps_status search_make(const struct svm_train_spec *spec, const struct ps_svm_function *f,
                                  const struct svm_cost *cost, const struct svm_grid *grid, struct search *s)
{
    const char *path = spec->run->common->checkpoint;
    *s = (struct search){.spec = *spec, .grid = grid, .function = *f};
    s->function.gamma = grid->gamma[0];
    PS_CHECK(strlen(path) < PS_STR_MAX - 16, PS_EUSAGE, "%.40s...: the name of the checkpoint is too long",
             path);
    if (path[0]) snprintf(s->path, sizeof s->path, "%s.grid", path);
    enum ps_status rc = ps_alloc(&s->cost, grid->nc, sizeof *s->cost, "the grid");
    if (rc == PS_OK)
        rc = ps_zalloc(&s->worth, (int64_t)grid->ngamma * grid->nc, sizeof *s->worth, "the grid");
    for (int c = 0; c < grid->nc && rc == PS_OK; c++) {
        s->cost[c] = *cost;
        s->cost[c].c = grid->c[c];
    }
    PS_TRY(ps_agree(spec->run->comm, rc));
    make_tag(s);
    return PS_OK;
}

static void search_free(struct search *s)
{
    free(s->cost);
    free(s->worth);
}

/* Finished gammas in a file of their own: svm_train keeps one for what it has begun. */
static enum ps_status keep(struct search *s, bool write)
{
    const struct ps_ckpt_part parts[] = {
        ps_ckpt_all("gammas", PS_I64, 1, &s->done),
        ps_ckpt_all("worth", PS_F64, (int64_t)WORTH * s->grid->ngamma * s->grid->nc, s->worth)};
    return write ? ps_checkpoint_write(s->spec.run, s->path, s->tag, parts, 2, 2)
                 : ps_checkpoint_read(s->spec.run, s->path, s->tag, parts, 2);
}

static enum ps_status resume(struct search *s)
{
    const struct ps_run *run = s->spec.run;
    if (!run->common->resume || !s->path[0] || !ps_checkpoint_exists(run, s->path)) return PS_OK;
    PS_TRY(keep(s, false));
    ps_info(run, "going on after %lld of %d gammas\n", (long long)s->done, s->grid->ngamma);
    return PS_OK;
}

/* What svm_train kept of this gamma serves no other one; it goes first, so that no run finds both. */
static enum ps_status finish_gamma(struct search *s)
{
    const struct ps_run *run = s->spec.run;
    char before[PS_STR_MAX + 8];
    s->done++;
    if (!s->path[0]) return PS_OK;
    snprintf(before, sizeof before, "%s.1", run->common->checkpoint);
    if (run->rank == 0) {
        remove(run->common->checkpoint);
        remove(before);
    }
    return keep(s, true);
}

static void record_gamma(const struct search *s, const struct svm_grid_table *t, int gamma)
{
    struct ps_run *run = s->spec.run;
    for (int c = 0; c < s->grid->nc; c++) {
        const struct svm_worth *w = &s->worth[(int64_t)gamma * s->grid->nc + c];
        ps_record_begin(run, "grid_point");
        ps_record_num(run, "gamma", s->grid->gamma[gamma]);
        ps_record_num(run, "c", s->grid->c[c]);
        if (t->regression) {
            ps_record_num(run, "mse", w->mse);
            ps_record_num(run, "correlation2", w->correlation2);
        } else {
            ps_record_num(run, "accuracy", w->accuracy);
        }
        ps_record_num(run, "seconds", w->seconds);
        ps_record_end(run);
    }
}

/* Validate gamma after gamma. Collective. */
static enum ps_status walk(struct search *s, const struct svm_grid_table *t)
{
    struct ps_run *run = s->spec.run;
    while (s->done < s->grid->ngamma) {
        const int g = (int)s->done;
        s->function.gamma = s->grid->gamma[g];
        const struct svm_sweep sweep = {
            .function = s->function, .cost = s->cost, .ncost = s->grid->nc, .folds = s->grid->folds};
        PS_TRY(svm_validate(&s->spec, &sweep, s->worth + (int64_t)g * s->grid->nc));
        PS_TRY(finish_gamma(s));
        svm_grid_tell(run, t, g);
        record_gamma(s, t, g);
        if (ps_stop_agree(run->comm) && s->done < s->grid->ngamma)
            return ps_fail(PS_STOPPED, "stopped after %lld of %d gammas; --resume goes on",
                           (long long)s->done, s->grid->ngamma);
    }
    return PS_OK;
}

static enum ps_status conclude(const struct search *s, const struct svm_grid_table *t, int best[2])
{
    struct ps_run *run = s->spec.run;
    svm_grid_best(t, best);
    PS_TRY(ps_agree(run->comm, svm_grid_print(run, t, best)));
    const struct svm_worth *w = &s->worth[(int64_t)best[1] * s->grid->nc + best[0]];
    ps_record_begin(run, "grid_best");
    ps_record_num(run, "gamma", s->grid->gamma[best[1]]);
    ps_record_num(run, "c", s->grid->c[best[0]]);
    ps_record_num(run, t->regression ? "mse" : "accuracy", t->regression ? w->mse : w->accuracy);
    ps_record_end(run);
    return s->grid->csv[0] ? svm_grid_write(run->comm, t) : PS_OK;
}

enum ps_status svm_grid_run(const struct svm_train_spec *spec, const struct ps_svm_function *f,
                            const struct svm_cost *cost, const struct svm_grid *grid, int best[2])
{
    struct search s;
    bool told = false;
    enum ps_status rc = search_make(spec, f, cost, grid, &s);
    const struct svm_grid_table table = {grid, s.worth,
                                         spec->type == SVM_EPSILON_SVR || spec->type == SVM_NU_SVR};
    if (!s.spec.told) s.spec.told = &told; /* all gammas have the same plan */
    if (rc == PS_OK) rc = resume(&s);
    if (rc == PS_OK) rc = walk(&s, &table);
    if (rc == PS_OK) rc = conclude(&s, &table, best);
    search_free(&s);
    return rc;
}
