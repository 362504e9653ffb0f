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
    const struct dbscan_cut *cut;
    const struct dbscan_trie *trie;
    uint64_t *key; /* [n] keys, then leaf numbers */
    int threads;
    int32_t *owner; /* [leaves] rank of each leaf */
    int32_t *top;   /* [2^14] leaf of all keys with these first bits, or -1 where there are several */
    int64_t *next;  /* [threads][size] counts, then places */
    double *box;    /* [threads][leaves][2 d] */
    double *work;   /* [threads][block][d] */
};

/* Keys of a block of rows to leaves; the leaves' boxes grow. */
static void leaves_of_block(const struct packing *w, const double *x, int64_t n, uint64_t *key, double *box,
                            int64_t *count)
{
    const int d = w->p->d;
    for (int64_t i = 0; i < n; i++) {
        int32_t leaf = w->top[key[i] >> (DBSCAN_KEY_BITS - DBSCAN_TOP_BITS)];
        if (leaf < 0) leaf = w->trie->of_bin[dbscan_cut_bin(w->cut, key[i])];
        double *b = box + (int64_t)leaf * 2 * d;
        key[i] = (uint64_t)leaf;
        count[w->owner[leaf]]++;
        for (int k = 0; k < d; k++) {
            const double v = x[i * d + k];
            if (v < b[k]) b[k] = v;
            if (v > b[d + k]) b[d + k] = v;
        }
    }
}

static void count_points(const struct packing *w)
{
    const int d = w->p->d;
    const int64_t block = dbscan_rows_block(d);
#pragma omp parallel for num_threads(w->threads) schedule(static, 1)
    for (int t = 0; t < w->threads; t++) {
        const struct ps_range rows = dbscan_rows_part(w->p->n, d, w->threads, t);
        double *box = w->box + (int64_t)t * w->trie->leaves * 2 * d;
        for (int32_t l = 0; l < w->trie->leaves; l++) dbscan_box_clear(d, box + (int64_t)l * 2 * d);
        for (int64_t at = rows.lo; at < rows.hi; at += block) {
            const int64_t end = at + block < rows.hi ? at + block : rows.hi;
            const double *x = dbscan_rows_double(w->p, at, end, w->work + t * block * d);
            leaves_of_block(w, x, end - at, w->key + at, box, w->next + (int64_t)t * w->trie->size);
        }
    }
    for (int64_t i = w->trie->leaves; i < (int64_t)w->threads * w->trie->leaves; i++)
        dbscan_box_add(d, w->box + i % w->trie->leaves * 2 * d, w->box + i * 2 * d);
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

static void pack(const struct packing *w, struct dbscan_move *m)
{
    const char *from = w->p->data;
    const size_t row = m->row;
#pragma omp parallel for num_threads(w->threads) schedule(static, 1)
    for (int t = 0; t < w->threads; t++) {
        const struct ps_range rows = dbscan_rows_part(w->p->n, w->p->d, w->threads, t);
        int64_t *next = w->next + (int64_t)t * w->trie->size;
        for (int64_t i = rows.lo; i < rows.hi; i++) {
            const int64_t at = next[w->owner[w->key[i]]]++;
            m->order[at] = (uint32_t)i;
            dbscan_rows_copy(m->packed + (size_t)at * row, from + (size_t)i * row, row);
        }
    }
}

static enum ps_status packing_alloc(struct packing *w, struct dbscan_move *m)
{
    const int64_t leaves = w->trie->leaves, block = dbscan_rows_block(w->p->d);
    PS_TRY(ps_alloc(&w->owner, leaves, sizeof *w->owner, "owners of leaves"));
    PS_TRY(ps_alloc(&w->top, (int64_t)1 << DBSCAN_TOP_BITS, sizeof *w->top, "owners of leaves"));
    PS_TRY(ps_zalloc(&w->next, (int64_t)w->trie->size * w->threads, sizeof *w->next, "counts per rank"));
    PS_TRY(ps_alloc(&w->box, leaves * w->threads * 2 * w->p->d, sizeof *w->box, "boxes of ranks"));
    PS_TRY(ps_alloc(&w->work, w->threads * block * w->p->d, sizeof *w->work, "points for other ranks"));
    PS_TRY(ps_alloc(&m->order, m->n, sizeof *m->order, "the order of points"));
    PS_TRY(ps_alloc(&m->packed, m->n, m->row, "points for other ranks"));
    for (int64_t l = 0; l < leaves; l++) w->owner[l] = w->trie->node[w->trie->leaf[l]].rank;
    const int shift = DBSCAN_KEY_BITS - DBSCAN_TOP_BITS;
    for (uint64_t i = 0; i < (uint64_t)1 << DBSCAN_TOP_BITS; i++) {
        const int32_t first = w->trie->of_bin[dbscan_cut_bin(w->cut, i << shift)];
        const int32_t last = w->trie->of_bin[dbscan_cut_bin(w->cut, ((i + 1) << shift) - 1)];
        w->top[i] = first == last ? first : -1;
    }
    return PS_OK;
}

enum ps_status dbscan_move_pack(MPI_Comm comm, const struct ps_points *p, const struct dbscan_cut *cut,
                                uint64_t *key, struct dbscan_trie *trie, struct dbscan_move *out)
{
    struct dbscan_move m = {.row = dbscan_rows_size(p), .n = p->n};
    struct packing w = {.p = p, .cut = cut, .trie = trie, .key = key, .threads = omp_get_max_threads()};
    int64_t *count = NULL;
    enum ps_status rc = packing_alloc(&w, &m);
    if (rc == PS_OK) rc = ps_alloc(&count, cut->size, sizeof *count, "counts per rank");
    PS_TRY_DONE(ps_agree(comm, rc));
    count_points(&w);
    starts(&w, count);
    PS_TRY_DONE(dbscan_trie_boxes(comm, trie, w.box));
    PS_TRY_DONE(ps_exchange_make(comm, count, &m.plan));
    pack(&w, &m);
    m.own = m.plan.recv_start[cut->size];
done:
    free(w.owner);
    free(w.top);
    free(w.next);
    free(w.box);
    free(w.work);
    free(count);
    if (rc != PS_OK) dbscan_move_free(&m);
    *out = m;
    return rc;
}

enum ps_status dbscan_move_run(struct dbscan_move *m, void **own)
{
    *own = NULL;
    m->room = m->own + m->own / 2;
    enum ps_status rc = ps_agree(m->plan.comm, ps_alloc(own, m->room, m->row, "this rank's points"));
    if (rc == PS_OK) {
        rc = ps_exchange_run(&m->plan, m->packed, *own, m->row);
    }
    free(m->packed);
    m->packed = NULL;
    if (rc != PS_OK) free(*own), *own = NULL;
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
    free(own);
    if (rc == PS_OK) rc = ps_agree(m->plan.comm, ps_alloc(label, m->n, sizeof **label, "labels"));
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
    *m = (struct dbscan_move){0};
}
