#include "apps/hpdbscan/dbscan_cluster.h"
#include <stdlib.h>
#include "apps/hpdbscan/dbscan_names.h"
#include "apps/hpdbscan/dbscan_rows.h"
#include "common/run/record.h"
#include "common/run/timer.h"
#include "kernels/dbscan/pieces.h"

/* A rank's part of the work from the move to the labels. */
struct local {
    struct ps_run *run;
    const struct dbscan_job *job;
    int64_t rows; /* of all ranks */
    struct dbscan_domain domain;
    struct dbscan_cut cut;
    struct dbscan_trie trie;
    struct dbscan_move move;
    struct dbscan_halo halo;
    struct ps_points own; /* of the local set, the halo's follow; data is borrowed once the index is built */
    void *points;         /* [own + halo]; owned, NULL once the index holds a copy */
    struct ps_dbscan_pieces *index;
    uint8_t *core;
    uint32_t *component, components;
    int64_t *cluster; /* [components] */
};

static void local_free(struct local *l)
{
    ps_dbscan_pieces_destroy(l->index);
    dbscan_domain_free(&l->domain);
    dbscan_cut_free(&l->cut);
    dbscan_trie_free(&l->trie);
    dbscan_move_free(&l->move);
    dbscan_halo_free(&l->halo);
    free(l->points);
    free(l->core);
    free(l->component);
    free(l->cluster);
}

/* Kernels return codes only, devices keep words. */
static enum ps_status kernel(const struct local *l, enum ps_status rc, const char *step)
{
    const char *said = l->job->device ? l->job->device->error() : "", *why = "the back end failed";
    if (rc == PS_OK) return rc;
    if (rc == PS_ENOMEM && !l->job->device) why = "no memory; use more ranks on more nodes";
    if (rc == PS_ENOMEM && l->job->device)
        why = "no memory on the device or the node; use more ranks on more GPUs";
    if (rc == PS_EBACKEND && l->job->device)
        why = "more of them lie within epsilon of one than fit on the device; use a smaller epsilon, or "
              "--backend cpu";
    return ps_fail(rc, "%s of %lld points on one rank: %s%s", step, (long long)(l->own.n + l->halo.arriving),
                   said[0] ? "the device: " : "", said[0] ? said : why);
}

static void shard_release(struct ps_shard *in, bool keep)
{
    if (keep) return;
    free(in->data);
    in->data = NULL;
}

/* Steps 2 and 3: who owns what, and points to their owners. */
static enum ps_status distribute(struct local *l, struct ps_shard *in)
{
    const struct ps_points read = {in->data, in->mine.hi - in->mine.lo, (int)in->cols, in->type};
    const struct dbscan_load load = {l->job->eps, l->job->min_points};
    MPI_Comm comm = l->run->comm;
    const int64_t each = dbscan_cut_each(l->rows, l->run->size), keys = dbscan_domain_sampled(read.n, each);
    uint64_t *key = NULL;
    ps_phase(l->run, "domain");
    enum ps_status rc = dbscan_domain_make(comm, &read, in->mine.lo, l->job->name, &l->domain);
    PS_TRY_DONE(rc);
    ps_phase(l->run, "balance");
    rc = ps_alloc(&key, keys, sizeof *key, "keys of points");
    if (rc == PS_OK) rc = dbscan_domain_keys_of(&l->domain, &read, each, key);
    PS_TRY_DONE(ps_agree(comm, rc));
    PS_TRY_DONE(dbscan_cut_make(comm, &l->domain, &load, key, keys, each, &l->cut));
    ps_phase_count(l->run, "cost", (int64_t)l->cut.cost[l->run->rank]);
    ps_phase(l->run, "move");
    PS_TRY_DONE(ps_agree(comm, dbscan_trie_make(comm, &l->cut, read.d, &l->trie)));
    PS_TRY_DONE(dbscan_move_pack(comm, &read, &l->domain, &l->cut, &l->trie, &l->move));
    shard_release(in, l->job->keep);
    PS_TRY_DONE(dbscan_move_run(&l->move, &l->points));
    l->own = (struct ps_points){l->points, l->move.own, read.d, read.type};
    const int64_t away = read.n - l->move.plan.send_count[l->run->rank];
    ps_phase_count(l->run, "points", l->move.own);
    ps_phase_count(l->run, "bytes", away * (int64_t)l->move.row);
done:
    free(key);
    return rc;
}

/* Step 4. */
static enum ps_status exchange_halo(struct local *l)
{
    ps_phase(l->run, "halo");
    PS_TRY(dbscan_halo_make(l->run->comm, &l->own, &l->domain, &l->cut, &l->trie, l->job->eps, l->move.room,
                            &l->points, &l->halo));
    l->own.data = l->points;
    ps_phase_count(l->run, "points", l->halo.arriving);
    ps_phase_count(l->run, "bytes", l->halo.sending * (int64_t)l->move.row);
    return PS_OK;
}

/* Step 5: index and core points. */
static enum ps_status find_core(struct local *l, struct ps_shard *in, bool alone)
{
    const int64_t n = l->own.n + l->halo.arriving;
    struct ps_dbscan_spec spec = {.points = l->own,
                                  .own = l->own.n,
                                  .eps = l->job->eps,
                                  .min_points = l->job->min_points,
                                  .index = l->job->index,
                                  .memory = l->job->memory};
    spec.points.n = n;
    ps_phase(l->run, "index");
    enum ps_status rc = kernel(l, ps_dbscan_pieces_create(l->job->kernels, &spec, &l->index), "the index");
    if (rc == PS_OK && !ps_dbscan_pieces_cut(l->index)) { /* the index holds a copy */
        free(l->points);
        l->points = NULL;
        if (alone) shard_release(in, l->job->keep);
    }
    if (rc == PS_OK) rc = ps_alloc(&l->core, n, sizeof *l->core, "core flags");
    ps_phase(l->run, "core");
    if (rc == PS_OK) rc = kernel(l, ps_dbscan_pieces_core(l->index, l->core), "core points");
    PS_TRY(ps_agree(l->run->comm, rc));
    ps_phase_count(l->run, "pieces", ps_dbscan_pieces_made(l->index));
    if (alone) return PS_OK;
    ps_phase_count(l->run, "bytes", l->halo.sending);
    return dbscan_halo_flags(&l->halo, l->core, l->own.n);
}

static enum ps_status connect(struct local *l)
{
    ps_phase(l->run, "connect");
    enum ps_status rc =
        ps_alloc(&l->component, l->own.n + l->halo.arriving, sizeof *l->component, "components");
    if (rc == PS_OK)
        rc = kernel(l, ps_dbscan_pieces_connect(l->index, l->core, l->component, &l->components),
                    "components");
    free(l->core);
    l->core = NULL;
    return ps_agree(l->run->comm, rc);
}

/* Steps 6 and 7. */
static enum ps_status name_clusters(struct local *l, int64_t *clusters)
{
    struct dbscan_edge *edges = NULL;
    struct dbscan_forest forest = {0};
    int64_t n;
    ps_phase(l->run, "merge");
    PS_TRY(dbscan_merge_edges(&l->halo, l->component, l->own.n, &edges, &n));
    enum ps_status rc = dbscan_merge(l->run->comm, l->components, edges, n, &forest);
    free(edges);
    if (rc == PS_OK) {
        ps_phase_count(l->run, "components", l->components);
        ps_phase_count(l->run, "edges", n);
        ps_phase_count(l->run, "rounds", l->run->rank == 0 ? forest.rounds : 0);
        ps_phase_count(l->run, "bytes", l->halo.arriving * (int64_t)sizeof *l->component);
        rc = dbscan_names(&forest, &l->move, l->rows, l->component, l->own.n, &l->cluster, clusters);
    }
    dbscan_forest_free(&forest);
    return rc;
}

static enum ps_status name_alone(struct local *l, int64_t *clusters)
{
    ps_phase(l->run, "merge");
    *clusters = l->components;
    return ps_agree(l->run->comm, dbscan_names_alone(l->component, l->own.n, l->components, &l->cluster));
}

static enum ps_status label_own(struct local *l, int64_t **label)
{
    ps_phase(l->run, "label");
    free(l->component);
    l->component = NULL;
    enum ps_status rc = ps_alloc(label, l->own.n, sizeof **label, "labels");
    if (rc == PS_OK) rc = kernel(l, ps_dbscan_pieces_label(l->index, l->cluster, *label), "labels");
    const struct ps_dbscan_work work = ps_dbscan_pieces_work(l->index);
    ps_phase_count(l->run, "cells", work.cells);
    ps_phase_count(l->run, "distances", work.distances);
    ps_phase_count(l->run, "links", work.links);
    ps_phase_count(l->run, "work", (int64_t)dbscan_cost_counted(l->own.n + l->halo.arriving, work.distances));
    ps_dbscan_pieces_destroy(l->index);
    l->index = NULL;
    return ps_agree(l->run->comm, rc);
}

/* On one rank the coordinates are only checked and the index reads the shard itself. */
static enum ps_status take_all(struct local *l, const struct ps_shard *in)
{
    l->own = (struct ps_points){in->data, in->mine.hi - in->mine.lo, (int)in->cols, in->type};
    ps_phase(l->run, "domain");
    return dbscan_domain_make(l->run->comm, &l->own, in->mine.lo, l->job->name, &l->domain);
}

enum ps_status dbscan_cluster(struct ps_run *run, const struct dbscan_job *job, struct ps_shard *in,
                              int64_t **label, int64_t *clusters)
{
    struct local l = {.run = run, .job = job, .rows = in->rows};
    const bool alone = run->size == 1;
    const int64_t n = in->mine.hi - in->mine.lo;
    enum ps_status rc = PS_OK;
    *label = NULL;
    if (n > (int64_t)UINT32_MAX - 1)
        rc = ps_fail(PS_EINPUT, "%s: %lld points on one rank are more than 4294967294: use more ranks",
                     job->name, (long long)n);
    PS_TRY_DONE(ps_agree(run->comm, rc));
    PS_TRY_DONE(alone ? take_all(&l, in) : distribute(&l, in));
    if (!alone) PS_TRY_DONE(exchange_halo(&l));
    PS_TRY_DONE(find_core(&l, in, alone));
    PS_TRY_DONE(connect(&l));
    PS_TRY_DONE(alone ? name_alone(&l, clusters) : name_clusters(&l, clusters));
    PS_TRY_DONE(label_own(&l, label));
    if (!alone) {
        ps_phase(run, "return");
        int64_t *own = *label;
        *label = NULL;
        const int64_t away = l.move.own - l.move.plan.recv_count[run->rank];
        ps_phase_count(run, "bytes", away * dbscan_move_label_size(*clusters));
        PS_TRY_DONE(dbscan_move_back(&l.move, own, *clusters, label));
    }
done:
    local_free(&l);
    if (rc != PS_OK) free(*label), *label = NULL;
    return rc;
}
