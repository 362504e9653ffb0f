/* The sum over nodes, bucket by bucket from the end of the vector:
 *   told:  a thread's elements of a bucket are final;
 *   added: when all threads of the node have told it, each adds its share of the bucket;
 *   moved: when all have added theirs, one rank of the node sends the bucket, without waiting.
 * `fast` moves by one allreduce. Otherwise a bucket has a piece for each node: pieces go to their nodes, are
 * added there, and the sums go to all. Both kinds of messages keep to the order of buckets, each on a
 * communicator of its own, so that every node calls MPI in the same order. */
#include <stdlib.h>
#include <string.h>
#include "common/nn/gradients_parts.h"
#include "common/run/err.h"
#include "kernels/nn/half_lanes.h"

enum { LINE = PS_GRADIENT_LINE, CHUNK = 1024, BUCKET_MOST = 32 << 20 };

/* How many threads have told a bucket and added their share of it, in all steps so far. */
struct counter {
    _Alignas(64) int64_t told;
    int64_t added;
};

/* A bucket that this rank moves. */
struct move {
    int64_t bucket;
    struct ps_range at;
    MPI_Request request;
    double until;                           /* it is under way at least so long, by MPI_Wtime */
    int *piece_n, *piece_at;                /* [nodes] elements of each piece, and from the bucket's first */
    int *send_n, *send_at, *got_n, *got_at; /* [nodes] elements of what goes to and comes from each */
    void *got;                              /* [sums of all nodes][own piece] */
};

struct ps_gradients_nodes {
    int64_t buckets, width;  /* elements of a bucket; the last one has less */
    struct ps_shared memory; /* of the node: counter, failed, packed */
    struct counter *counter; /* [buckets] */
    int32_t *failed;         /* has a rank of the node? */
    void *packed;       /* what is sent where it is not the node's one sum: pieces of its sums, or bf16 */
    MPI_Comm out, back; /* pieces to their nodes, and sums to all; MPI_COMM_NULL: this rank moves none */
    struct move *move;  /* [moves] in order; owned */
    int *numbers;       /* of moves; owned */
    void *room;         /* of moves; owned */
    int64_t moves, sent, added, done; /* moves in this step */
    struct ps_tree_add *add;          /* [adds] of sums of all nodes; owned */
    int adds, sums;                   /* of all nodes */
    struct ps_gradients_count count;
    struct ps_network slow; /* over which buckets go, */
    int64_t slow_nodes;     /* so many nodes; 0: there is none */
    double slow_until;      /* it has sent all that was given to it, by MPI_Wtime */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What follows compressed elements is a bucket of its own. */
static int64_t top_of(const struct ps_gradients *g)
{
    return g->compressed > 0 ? g->compressed : g->n;
}

/* Elements of a bucket; bucket 0 is the end of the vector. */
static struct ps_range bucket_at(const struct ps_gradients *g, int64_t bucket)
{
    const int64_t top = top_of(g), width = g->nodes->width, apart = top < g->n;
    if (bucket < apart) return (struct ps_range){top, g->n};
    const int64_t hi = (top + LINE - 1) / LINE * LINE - (bucket - apart) * width;
    return (struct ps_range){hi > width ? hi - width : 0, least(hi, top)};
}

/* Part i of many of a bucket, in whole lines. */
static struct ps_range part_of(struct ps_range at, int64_t parts, int64_t i)
{
    const struct ps_range r = ps_block((at.hi - at.lo + LINE - 1) / LINE, parts, i);
    return (struct ps_range){least(at.lo + r.lo * LINE, at.hi), least(at.lo + r.hi * LINE, at.hi)};
}

static bool is_compressed(const struct ps_gradients *g, struct ps_range bucket)
{
    return bucket.hi <= g->compressed;
}

/* Bytes of an element in a message, where it is not an allreduce. */
static size_t element(const struct ps_gradients *g)
{
    return g->compressed > 0 ? sizeof(uint16_t) : sizeof(float);
}

/* What a bucket is sent from. */
static void *sent_from(const struct ps_gradients *g, struct ps_range at)
{
    if (!g->nodes->packed) return g->sum[0] + at.lo;
    return (char *)g->nodes->packed + (size_t)(at.lo * g->sums) * element(g);
}

/* Bring elements [lo, hi) of a bucket to where they are sent from: for each node its piece of all sums. */
static void pack(struct ps_gradients *g, struct ps_range at, int64_t lo, int64_t hi)
{
    void *to = sent_from(g, at);
    if (!g->nodes->packed) return;
    if (!g->exact) {
        for (int64_t i = lo; i < hi && i < g->compressed; i++)
            ((uint16_t *)to)[i - at.lo] = ps_round_half(g->sum[0][i]);
        return;
    }
    for (int node = 0; node < g->team->count; node++) {
        const struct ps_range piece = part_of(at, g->team->count, node);
        const int64_t a = lo > piece.lo ? lo : piece.lo, n = least(hi, piece.hi) - a;
        float *first = (float *)to + (piece.lo - at.lo) * g->sums + (a - piece.lo);
        for (int k = 0; k < g->sums && n > 0; k++)
            memcpy(first + k * (piece.hi - piece.lo), g->sum[k] + a, (size_t)n * sizeof(float));
    }
}

static int start(struct ps_gradients *g, struct move *m)
{
    struct ps_gradients_nodes *x = g->nodes;
    const int64_t bytes = (m->at.hi - m->at.lo) * (int64_t)sizeof(float), others = g->team->count - 1;
    if (!g->exact && !is_compressed(g, m->at)) {
        x->count.messages += 2 * others;
        x->count.bytes += 2 * others * bytes / g->team->count;
        return MPI_Iallreduce(MPI_IN_PLACE, g->sum[0] + m->at.lo, (int)(m->at.hi - m->at.lo), MPI_FLOAT,
                              MPI_SUM, x->out, &m->request);
    }
    const MPI_Datatype type = is_compressed(g, m->at) ? MPI_UINT16_T : MPI_FLOAT;
    x->count.messages += others;
    for (int node = 0; node < g->team->count; node++)
        if (node != g->team->index) x->count.bytes += m->send_n[node] * (int64_t)element(g);
    return MPI_Ialltoallv(sent_from(g, m->at), m->send_n, m->send_at, type, m->got, m->got_n, m->got_at, type,
                          x->out, &m->request);
}

/* Own piece: sums of whole subtrees from all nodes, added along the tree. */
static void add_exact(struct ps_gradients *g, struct move *m, float *sum, int64_t n)
{
    const struct ps_gradients_nodes *x = g->nodes;
    float *got = m->got;
    for (int64_t i = 0; i < n; i += CHUNK)
        for (int k = 0; k < x->adds; k++)
            ps_gradients_plus(least(CHUNK, n - i), got + x->add[k].from * n + i, got + x->add[k].to * n + i);
    memcpy(sum, got, (size_t)n * sizeof *sum);
}

/* The same of bf16: this node's are added as they were before they were rounded, then those of others in
 * order of nodes, in single precision; the sum is rounded once more, for all nodes. */
static void add_compressed(struct ps_gradients *g, struct move *m, float *sum, int64_t n)
{
    uint16_t *out = (uint16_t *)sent_from(g, m->at) + m->piece_at[g->team->index];
    for (int node = 0; node < g->team->count; node++) {
        const uint16_t *got = (const uint16_t *)m->got + node * n;
        if (node == g->team->index) continue;
        for (int64_t i = 0; i < n; i++) sum[i] += ps_half_value(got[i]);
    }
    for (int64_t i = 0; i < n; i++) out[i] = ps_round_half(sum[i]);
}

/* All pieces have come: add them, and send the sum to all. */
static int answer(struct ps_gradients *g, struct move *m)
{
    struct ps_gradients_nodes *x = g->nodes;
    const bool compressed = is_compressed(g, m->at);
    if (!g->exact && !compressed) return MPI_SUCCESS;
    const int64_t n = m->piece_n[g->team->index], others = g->team->count - 1;
    float *sum = g->sum[0] + m->at.lo + m->piece_at[g->team->index];
    if (compressed)
        add_compressed(g, m, sum, n);
    else
        add_exact(g, m, sum, n);
    x->count.messages += others;
    x->count.bytes += others * n * (int64_t)element(g);
    return MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_FLOAT,
                           compressed ? sent_from(g, m->at) : g->sum[0] + m->at.lo, m->piece_n, m->piece_at,
                           compressed ? MPI_UINT16_T : MPI_FLOAT, x->back, &m->request);
}

/* Give a bucket to the slow network, which sends one after the other. */
static void hold(struct ps_gradients *g, struct move *m)
{
    struct ps_gradients_nodes *x = g->nodes;
    if (x->slow_nodes == 0) return;
    const int64_t each = (int64_t)(is_compressed(g, m->at) ? sizeof(uint16_t) : sizeof(float));
    const double now = MPI_Wtime(), from = now > x->slow_until ? now : x->slow_until;
    x->slow_until = from + ps_network_allreduce(&x->slow, x->slow_nodes, (m->at.hi - m->at.lo) * each);
    m->until = x->slow_until;
}

/* Start what can be started and look after what is under way. */
static void move_on(struct ps_gradients *g)
{
    struct ps_gradients_nodes *x = g->nodes;
    const int64_t all = (g->thread[0].step + 1) * g->team->threads;
    int here = 1, rc = MPI_SUCCESS;
    for (; rc == MPI_SUCCESS && x->sent < x->moves; x->sent++) {
        if (__atomic_load_n(&x->counter[x->move[x->sent].bucket].added, __ATOMIC_ACQUIRE) < all) break;
        rc = start(g, &x->move[x->sent]);
        hold(g, &x->move[x->sent]);
    }
    for (; rc == MPI_SUCCESS && x->added < x->sent; x->added++) {
        rc = MPI_Test(&x->move[x->added].request, &here, MPI_STATUS_IGNORE);
        if (!here) break;
        if (rc == MPI_SUCCESS) rc = answer(g, &x->move[x->added]);
    }
    for (; rc == MPI_SUCCESS && x->done < x->added; x->done++) {
        rc = MPI_Test(&x->move[x->done].request, &here, MPI_STATUS_IGNORE);
        if (!here || (x->slow_nodes > 0 && MPI_Wtime() < x->move[x->done].until)) break;
    }
    if (rc == MPI_SUCCESS) return;
    x->sent = x->added = x->done = x->moves; /* give up */
    __atomic_store_n(x->failed, 1, __ATOMIC_RELAXED);
}

bool ps_gradients_nodes_go(struct ps_gradients *g, int thread)
{
    struct ps_gradients_nodes *x = g->nodes;
    const struct ps_team *team = g->team;
    struct ps_gradients_thread *own = &g->thread[thread];
    const int64_t all = (own->step + 1) * team->threads;
    for (; own->told < x->buckets && bucket_at(g, own->told).lo >= own->from; own->told++) {
        const struct ps_range at = bucket_at(g, own->told);
        ps_gradients_final(g, thread, at.lo, at.hi);
        __atomic_add_fetch(&x->counter[own->told].told, 1, __ATOMIC_RELEASE);
    }
    for (; own->added < own->told; own->added++) {
        struct counter *c = &x->counter[own->added];
        if (__atomic_load_n(&c->told, __ATOMIC_ACQUIRE) < all) break;
        const struct ps_range at = bucket_at(g, own->added);
        const struct ps_range share = part_of(at, team->threads, team->first + thread);
        ps_gradients_node(g, share.lo, share.hi);
        pack(g, at, share.lo, share.hi);
        __atomic_add_fetch(&c->added, 1, __ATOMIC_RELEASE);
    }
    if (thread == 0) move_on(g);
    return own->added == x->buckets;
}

enum ps_status ps_gradients_nodes_end(struct ps_gradients *g, int thread)
{
    struct ps_gradients_nodes *x = g->nodes;
    for (int looks = 0; !ps_gradients_nodes_go(g, thread);) ps_team_pause(&looks);
    if (thread == 0) {
        for (int looks = 0; x->done < x->moves; ps_team_pause(&looks)) move_on(g);
        x->sent = x->added = x->done = 0;
    }
    ps_team_wait(g->team);
    if (__atomic_load_n(x->failed, __ATOMIC_RELAXED))
        return ps_fail(PS_EMPI, "the sum of gradients over nodes did not complete");
    const struct ps_range part = ps_gradients_part(g, thread);
    for (int64_t i = part.lo; i < least(part.hi, g->compressed); i++)
        g->sum[0][i] = ps_half_value(((uint16_t *)x->packed)[i]);
    return PS_OK;
}

/* Sums that each node has, and the additions of all of them. @param sums out [nodes] */
static enum ps_status plan_sums(struct ps_gradients *g, int *sums)
{
    struct ps_gradients_nodes *x = g->nodes;
    const int nodes = g->team->count;
    int64_t *first = NULL, *leaves = NULL;
    enum ps_status rc = ps_alloc(&leaves, 2 * (int64_t)nodes, sizeof *leaves, "grains of nodes");
    if (rc == PS_OK) rc = ps_alloc(&first, (int64_t)nodes * PS_TREE_PARTS, sizeof *first, "grains of nodes");
    PS_TRY_DONE(ps_agree(x->out, rc));
    MPI_Allgather(&g->leaves, 2, MPI_INT64_T, leaves, 2, MPI_INT64_T, x->out);
    for (int node = 0; node < nodes; node++) {
        const struct ps_range r = {leaves[2 * node], leaves[2 * node + 1]};
        sums[node] = g->exact ? ps_tree_parts(g->count, r, first + x->sums) : 1;
        x->sums += sums[node];
    }
    PS_TRY_DONE(ps_alloc(&x->add, x->sums, sizeof *x->add, "sums of nodes"));
    if (g->exact)
        x->adds = ps_tree_plan(g->count, (struct ps_range){0, g->count}, x->sums, first, x->add, NULL);
done:
    free(first);
    free(leaves);
    return rc;
}

/* Who gets what of a bucket. @param numbers [6 nodes] of this move @return elements that this rank gets */
static int64_t plan_move(struct ps_gradients *g, struct move *m, int *numbers, const int *sums)
{
    const int nodes = g->team->count;
    m->at = bucket_at(g, m->bucket);
    m->request = MPI_REQUEST_NULL;
    m->piece_n = numbers;
    m->piece_at = m->piece_n + nodes;
    m->send_n = m->piece_at + nodes;
    m->send_at = m->send_n + nodes;
    m->got_n = m->send_at + nodes;
    m->got_at = m->got_n + nodes;
    const struct ps_range own = part_of(m->at, nodes, g->team->index);
    int64_t got = 0;
    for (int node = 0; node < nodes; node++) {
        const struct ps_range piece = part_of(m->at, nodes, node);
        m->piece_n[node] = (int)(piece.hi - piece.lo);
        m->piece_at[node] = (int)(piece.lo - m->at.lo);
        m->send_n[node] = m->piece_n[node] * g->sums;
        m->send_at[node] = m->piece_at[node] * g->sums;
        m->got_n[node] = (int)(own.hi - own.lo) * sums[node];
        m->got_at[node] = (int)got;
        got += m->got_n[node];
    }
    return got;
}

/* What this rank moves. */
static enum ps_status plan_moves(struct ps_gradients *g)
{
    struct ps_gradients_nodes *x = g->nodes;
    const struct ps_team *team = g->team;
    const int nodes = team->count;
    int *sums = NULL;
    int64_t got = 0;
    enum ps_status rc = ps_agree(x->out, ps_alloc(&sums, nodes, sizeof *sums, "sums of nodes"));
    PS_TRY_DONE(rc);
    PS_TRY_DONE(plan_sums(g, sums));
    x->moves = (x->buckets - team->rank + team->lanes - 1) / team->lanes;
    PS_TRY_DONE(ps_alloc(&x->move, x->moves, sizeof *x->move, "messages between nodes"));
    PS_TRY_DONE(ps_alloc(&x->numbers, x->moves * 6 * nodes, sizeof *x->numbers, "messages between nodes"));
    for (int64_t i = 0; i < x->moves; i++) {
        x->move[i].bucket = i * team->lanes + team->rank;
        got += plan_move(g, &x->move[i], x->numbers + i * 6 * nodes, sums);
    }
    if (!g->exact && g->compressed == 0) goto done;
    PS_TRY_DONE(ps_alloc(&x->room, got, element(g), "gradients of other nodes"));
    got = 0;
    for (int64_t i = 0; i < x->moves; i++) {
        const struct move *m = &x->move[i];
        x->move[i].got = (char *)x->room + (size_t)got * element(g);
        got += m->got_at[nodes - 1] + m->got_n[nodes - 1];
    }
done:
    free(sums);
    return rc;
}

/* Counters, and what is sent where it has to be put together. */
static enum ps_status share(struct ps_gradients *g)
{
    struct ps_gradients_nodes *x = g->nodes;
    const struct ps_team *team = g->team;
    const int64_t counters = (x->buckets + 1) * (int64_t)sizeof *x->counter;
    int64_t packed = 0;
    if (g->compressed > 0 || g->sums > 1) packed = g->n * g->sums * (int64_t)element(g);
    PS_TRY(ps_agree(team->comm, ps_shared_open(team->node, counters + packed, &x->memory)));
    x->counter = x->memory.data;
    x->failed = (int32_t *)&x->counter[x->buckets];
    if (packed > 0) x->packed = (char *)x->memory.data + counters;
    if (team->rank == 0) memset(x->memory.data, 0, (size_t)counters);
    MPI_Barrier(team->node);
    return PS_OK;
}

enum ps_status ps_gradients_nodes_open(struct ps_gradients *g, int64_t bucket)
{
    const struct ps_team *team = g->team;
    struct ps_gradients_nodes *x;
    enum ps_status rc = ps_agree(team->comm, ps_zalloc(&x, 1, sizeof *x, "sums over nodes"));
    if (rc != PS_OK) free(x);
    PS_TRY(rc);
    g->nodes = x;
    x->out = x->back = MPI_COMM_NULL;
    x->width = least(bucket, BUCKET_MOST) / (LINE * (int64_t)sizeof(float)) * LINE;
    if (x->width < LINE) x->width = LINE;
    x->buckets = (top_of(g) < g->n) + ((top_of(g) + LINE - 1) / LINE * LINE + x->width - 1) / x->width;
    PS_TRY(share(g));
    if (team->lane != MPI_COMM_NULL && (MPI_Comm_dup(team->lane, &x->out) != MPI_SUCCESS ||
                                        MPI_Comm_dup(team->lane, &x->back) != MPI_SUCCESS))
        rc = ps_fail(PS_EMPI, "no communicator between nodes for sums of gradients");
    PS_TRY(ps_agree(team->comm, rc));
    if (x->out != MPI_COMM_NULL) rc = plan_moves(g);
    return ps_agree(team->comm, rc);
}

void ps_gradients_nodes_close(struct ps_gradients *g)
{
    struct ps_gradients_nodes *x = g->nodes;
    if (!x) return;
    if (x->out != MPI_COMM_NULL) MPI_Comm_free(&x->out);
    if (x->back != MPI_COMM_NULL) MPI_Comm_free(&x->back);
    ps_shared_close(&x->memory);
    free(x->move);
    free(x->numbers);
    free(x->room);
    free(x->add);
    free(x);
    g->nodes = NULL;
}

struct ps_gradients_count ps_gradients_nodes_sent(const struct ps_gradients *g)
{
    return g->nodes->count;
}

void ps_gradients_nodes_slow_down(struct ps_gradients *g, const struct ps_network *network, int64_t nodes)
{
    g->nodes->slow = *network;
    g->nodes->slow_nodes = nodes;
}
