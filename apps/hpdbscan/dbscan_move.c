#include "apps/hpdbscan/dbscan_move.h"
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "apps/hpdbscan/dbscan_rows.h"
#include "common/run/err.h"

/* What packing shares between its passes. */
struct packing {
    const struct ps_points *p;
    const struct dbscan_domain *dom;
    const struct dbscan_cut *cut;
    const struct dbscan_trie *trie;
    int32_t *leaf; /* [n] */
    int threads;
    int32_t *owner; /* [leaves] rank of each leaf */
    int32_t *in;    /* [2^DBSCAN_COARSE_BITS] leaf of all points in a coarse cell, or -1 where several */
    int64_t *next;  /* [threads][size] counts, then places among all rows sent */
    int64_t *shift; /* [size] from those places to places in m->packed, or for this rank in m->moved */
    double *box;    /* [threads][leaves][2 d] */
    uint8_t *seen;  /* [threads][2^DBSCAN_COARSE_BITS] */
};

/* What a thread finds out about its rows. */
struct found {
    double *box;    /* [leaves][2 d] */
    int64_t *count; /* [size] */
    uint8_t *seen;  /* [2^DBSCAN_COARSE_BITS] coarse cells with points */
};

/* A thread's room for a block of rows: as doubles, their coarse cells; those of them that need keys. */
struct block {
    double *x, *kept;       /* [block][d] */
    uint64_t *key;          /* [block] */
    uint32_t *cell, *place; /* [block] */
};

enum { ABREAST = 8, MOST_AXES = 64 };

/* Widen a box by rows; many of them some abreast, so that the loop is a vector loop for any d. */
static void box_add_rows(int d, const double *x, int64_t n, double *box)
{
    double lo[ABREAST * MOST_AXES], hi[ABREAST * MOST_AXES];
    int64_t at = 0;
    if (n >= 2 * ABREAST && d <= MOST_AXES) {
        const int width = ABREAST * d;
        memcpy(lo, x, (size_t)width * sizeof *x);
        memcpy(hi, x, (size_t)width * sizeof *x);
        for (at = ABREAST; at + ABREAST <= n; at += ABREAST) {
            const double *v = x + at * d;
            for (int j = 0; j < width; j++) {
                lo[j] = v[j] < lo[j] ? v[j] : lo[j];
                hi[j] = v[j] > hi[j] ? v[j] : hi[j];
            }
        }
        for (int j = 0; j < width; j++) {
            box[j % d] = lo[j] < box[j % d] ? lo[j] : box[j % d];
            box[d + j % d] = hi[j] > box[d + j % d] ? hi[j] : box[d + j % d];
        }
    }
    for (; at < n; at++)
        for (int k = 0; k < d; k++) {
            const double v = x[at * d + k];
            if (v < box[k]) box[k] = v;
            if (v > box[d + k]) box[d + k] = v;
        }
}

/* Leaves of a block of rows: by keys where the coarse cell does not tell. Their boxes grow. */
static void leaves_of_block(const struct packing *w, const double *x, int64_t n, const struct block *b,
                            int32_t *to, const struct found *f)
{
    const int d = w->p->d;
    int64_t kept = 0;
    dbscan_domain_coarse(w->dom, x, n, b->cell);
    for (int64_t i = 0; i < n; i++) {
        to[i] = w->in[b->cell[i]];
        f->seen[b->cell[i]] = 1;
        b->place[kept] = (uint32_t)i;
        kept += to[i] < 0;
    }
    for (int64_t j = 0; j < kept; j++)
        for (int k = 0; k < d; k++) b->kept[j * d + k] = x[(int64_t)b->place[j] * d + k];
    dbscan_domain_keys(w->dom, b->kept, kept, b->key);
    for (int64_t j = 0; j < kept; j++) to[b->place[j]] = w->trie->of_bin[dbscan_cut_bin(w->cut, b->key[j])];
    for (int64_t i = 0, end; i < n; i = end) { /* neighbouring rows are often neighbours in space */
        const int32_t leaf = to[i];
        for (end = i + 1; end < n && to[end] == leaf;) end++;
        f->count[w->owner[leaf]] += end - i;
        box_add_rows(d, x + i * d, end - i, f->box + (int64_t)leaf * 2 * d);
    }
}

static enum ps_status count_points(const struct packing *w)
{
    const int d = w->p->d;
    const int64_t block = dbscan_rows_block(d);
    bool ok = true;
#pragma omp parallel for num_threads(w->threads) schedule(static, 1) reduction(&& : ok)
    for (int t = 0; t < w->threads; t++) {
        const struct ps_range rows = dbscan_rows_part(w->p->n, d, w->threads, t);
        double *work = malloc((size_t)(block * (2 * d + 2)) * sizeof *work);
        ok = ok && work;
        if (!work) continue;
        struct block b = {.x = work, .kept = work + block * d};
        b.key = (uint64_t *)(b.kept + block * d);
        b.cell = (uint32_t *)(b.key + block);
        b.place = b.cell + block;
        const struct found f = {.box = w->box + (int64_t)t * w->trie->leaves * 2 * d,
                                .count = w->next + (int64_t)t * w->trie->size,
                                .seen = w->seen + ((int64_t)t << DBSCAN_COARSE_BITS)};
        for (int32_t l = 0; l < w->trie->leaves; l++) dbscan_box_clear(d, f.box + (int64_t)l * 2 * d);
        for (int64_t at = rows.lo; at < rows.hi; at += block) {
            const int64_t end = at + block < rows.hi ? at + block : rows.hi;
            const double *x = dbscan_rows_double(w->p, at, end, b.x);
            leaves_of_block(w, x, end - at, &b, w->leaf + at, &f);
        }
        free(work);
    }
    for (int64_t i = w->trie->leaves; i < (int64_t)w->threads * w->trie->leaves; i++)
        dbscan_box_add(d, w->box + i % w->trie->leaves * 2 * d, w->box + i * 2 * d);
    for (int64_t i = 0; i < (int64_t)w->threads << DBSCAN_COARSE_BITS; i++)
        w->trie->seen[i & ((1 << DBSCAN_COARSE_BITS) - 1)] |= w->seen[i];
    return ok ? PS_OK : ps_fail(PS_ENOMEM, "no memory to find the owners of points");
}

/* Turn counts into the places where each thread's points of each rank start, and sum the counts by rank. */
static void starts(const struct packing *w, int64_t *count)
{
    int64_t at = 0;
    const int size = w->trie->size;
    for (int r = 0; r < size; r++) {
        count[r] = -at;
        for (int t = 0; t < w->threads; t++) {
            const int64_t n = w->next[(int64_t)t * size + r];
            w->next[(int64_t)t * size + r] = at;
            at += n;
        }
        count[r] += at;
    }
}

/* Rows that stay go where they will stand, so that only what leaves is copied twice. */
static enum ps_status packed_alloc(struct packing *w, struct dbscan_move *m)
{
    const struct ps_exchange *plan = &m->plan;
    const int self = plan->rank;
    m->own = plan->recv_start[plan->size];
    m->room = m->own + m->own / 2;
    PS_TRY(ps_alloc(&m->moved, m->room, m->row, "this rank's points"));
    PS_TRY(ps_alloc(&m->packed, m->n - plan->send_count[self], m->row, "points for other ranks"));
    PS_TRY(ps_alloc(&w->shift, plan->size, sizeof *w->shift, "counts per rank"));
    for (int r = 0; r < plan->size; r++) w->shift[r] = r > self ? -plan->send_count[self] : 0;
    w->shift[self] = plan->recv_start[self] - plan->send_start[self];
    return PS_OK;
}

static void pack(const struct packing *w, struct dbscan_move *m)
{
    const char *from = w->p->data;
    const size_t row = m->row;
#pragma omp parallel for num_threads(w->threads) schedule(static, 1)
    for (int t = 0; t < w->threads; t++) {
        const struct ps_range rows = dbscan_rows_part(w->p->n, w->p->d, w->threads, t);
        int64_t *next = w->next + (int64_t)t * w->trie->size;
        for (int64_t i = rows.lo; i < rows.hi; i++) {
            const int owner = w->owner[w->leaf[i]];
            const int64_t at = next[owner]++;
            char *to = owner == m->plan.rank ? m->moved : m->packed;
            m->order[at] = (uint32_t)i;
            dbscan_rows_copy(to + (size_t)(at + w->shift[owner]) * row, from + (size_t)i * row, row);
        }
    }
}

static enum ps_status packing_alloc(struct packing *w, struct dbscan_move *m)
{
    const int64_t leaves = w->trie->leaves;
    PS_TRY(ps_alloc(&w->owner, leaves, sizeof *w->owner, "owners of leaves"));
    PS_TRY(ps_alloc(&w->in, (int64_t)1 << DBSCAN_COARSE_BITS, sizeof *w->in, "owners of leaves"));
    PS_TRY(ps_zalloc(&w->next, (int64_t)w->trie->size * w->threads, sizeof *w->next, "counts per rank"));
    PS_TRY(ps_alloc(&w->box, leaves * w->threads * 2 * w->p->d, sizeof *w->box, "boxes of ranks"));
    PS_TRY(ps_zalloc(&w->seen, (int64_t)w->threads << DBSCAN_COARSE_BITS, 1, "occupied cells"));
    PS_TRY(ps_alloc(&w->leaf, m->n, sizeof *w->leaf, "owners of points"));
    PS_TRY(ps_alloc(&m->order, m->n, sizeof *m->order, "the order of points"));
    for (int64_t l = 0; l < leaves; l++) w->owner[l] = w->trie->node[w->trie->leaf[l]].rank;
    const int shift = DBSCAN_KEY_BITS - DBSCAN_COARSE_BITS;
    /* downwards: where the keys have fewer bits, the ranges of a cell end with the one that holds its points
     */
    for (uint64_t i = (uint64_t)1 << DBSCAN_COARSE_BITS; i-- > 0;) {
        const int32_t first = w->trie->of_bin[dbscan_cut_bin(w->cut, i << shift)];
        const int32_t last = w->trie->of_bin[dbscan_cut_bin(w->cut, ((i + 1) << shift) - 1)];
        w->in[dbscan_domain_coarse_of(w->dom, i << shift)] = first == last ? first : -1;
    }
    return PS_OK;
}

enum ps_status dbscan_move_pack(MPI_Comm comm, const struct ps_points *p, const struct dbscan_domain *dom,
                                const struct dbscan_cut *cut, struct dbscan_trie *trie,
                                struct dbscan_move *out)
{
    struct dbscan_move m = {.row = dbscan_rows_size(p), .n = p->n};
    struct packing w = {.p = p, .dom = dom, .cut = cut, .trie = trie, .threads = omp_get_max_threads()};
    int64_t *count = NULL;
    enum ps_status rc = packing_alloc(&w, &m);
    if (rc == PS_OK) rc = ps_alloc(&count, cut->size, sizeof *count, "counts per rank");
    PS_TRY_DONE(ps_agree(comm, rc));
    PS_TRY_DONE(ps_agree(comm, count_points(&w)));
    starts(&w, count);
    PS_TRY_DONE(dbscan_trie_boxes(comm, trie, w.box));
    PS_TRY_DONE(ps_exchange_make(comm, count, &m.plan));
    PS_TRY_DONE(ps_agree(comm, packed_alloc(&w, &m)));
    pack(&w, &m);
done:
    free(w.owner);
    free(w.in);
    free(w.next);
    free(w.shift);
    free(w.box);
    free(w.seen);
    free(w.leaf);
    free(count);
    if (rc != PS_OK) dbscan_move_free(&m);
    *out = m;
    return rc;
}

enum ps_status dbscan_move_run(struct dbscan_move *m, void **own)
{
    enum ps_status rc = ps_exchange_others(&m->plan, m->packed, m->moved, m->row);
    free(m->packed);
    m->packed = NULL;
    if (rc != PS_OK) free(m->moved), m->moved = NULL;
    *own = m->moved;
    m->moved = NULL;
    return rc;
}

/* Labels as 32-bit numbers, in place: item i is read before the place of item i is written. */
static void narrow(int64_t *label, int64_t n)
{
    int32_t *to = (int32_t *)label;
    for (int64_t i = 0; i < n; i++) {
        const int32_t v = (int32_t)label[i];
        memcpy(to + i, &v, sizeof v);
    }
}

enum ps_status dbscan_move_back(const struct dbscan_move *m, int64_t *own, int64_t largest, int64_t **label)
{
    const size_t item = (size_t)dbscan_move_label_size(largest);
    const bool small = item == sizeof(int32_t);
    void *sent = NULL;
    *label = NULL;
    enum ps_status rc = ps_agree(m->plan.comm, ps_alloc(&sent, m->n, item, "labels"));
    if (rc == PS_OK) {
        if (small) narrow(own, m->own);
        rc = ps_exchange_back(&m->plan, own, sent, item);
    }
    if (rc == PS_OK) { /* the memory is there and written: new memory would cost its first touch */
        *label = realloc(own, (size_t)(m->n > 0 ? m->n : 1) * sizeof **label);
        if (*label)
            own = NULL;
        else
            rc = ps_fail(PS_ENOMEM, "no memory for %lld labels", (long long)m->n);
        rc = ps_agree(m->plan.comm, rc);
    }
    free(own);
    if (rc == PS_OK) {
        const int32_t *small_from = sent;
        const int64_t *from = sent;
        int64_t *to = *label;
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < m->n; i++) to[m->order[i]] = small ? small_from[i] : from[i];
    }
    free(sent);
    return rc;
}

void dbscan_move_free(struct dbscan_move *m)
{
    ps_exchange_free(&m->plan);
    free(m->order);
    free(m->packed);
    free(m->moved);
    *m = (struct dbscan_move){0};
}
