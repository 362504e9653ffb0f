#include "apps/pisvm/svm_columns.h"
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

/* Memory that was never written costs as much time as a few computations of the columns that it holds. */
enum { TRIES = 8, DEAR = 2 };

/* On a device so many columns in a row are replaced, which are then computed at once. */
enum { RUN = 64 };

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Columns start in cache lines, an odd number of them apart, so that they do not all meet in the same sets.
 */
int64_t svm_columns_stride(int64_t rows)
{
    return ((rows + 15) / 16 | 1) * 16;
}

/* Forget what is there. */
static void clear(struct svm_columns *c)
{
    c->n = 0;
    for (int64_t i = 0; i <= c->mask; i++) c->table[i] = -1;
    for (int64_t i = 0; i < c->slots; i++) c->number[i] = -1;
}

/* Make the directory for as many columns as fit. What was listed is lost. */
static enum ps_status directory(struct svm_columns *c)
{
    c->room = c->value ? c->in_use / (c->stride * (int64_t)sizeof *c->value) : 0;
    if (c->room > c->slots) {
        int64_t table = 64;
        while (table < 2 * c->room) table *= 2;
        free(c->number);
        free(c->used);
        free(c->table);
        c->number = c->used = c->table = NULL;
        c->slots = 0;
        c->mask = -1;
        PS_TRY(ps_alloc(&c->number, c->room, sizeof *c->number, "the list of kernel columns"));
        PS_TRY(ps_alloc(&c->used, c->room, sizeof *c->used, "the list of kernel columns"));
        PS_TRY(ps_alloc(&c->table, table, sizeof *c->table, "the list of kernel columns"));
        c->slots = c->room;
        c->mask = table - 1;
    }
    clear(c);
    return PS_OK;
}

static enum ps_status make_room(struct svm_columns *c, const struct ps_device_memory *memory)
{
    if (!memory) return ps_alloc(&c->value, c->bytes, 1, "kernel columns");
    PS_TRY(ps_buffer_make(memory, c->bytes, false, "kernel columns", &c->there));
    c->value = c->there.there;
    return PS_OK;
}

enum ps_status svm_columns_open(struct svm_columns *c, const struct ps_device_memory *memory, int64_t bytes,
                                int64_t first, int64_t rows, int64_t all)
{
    *c = (struct svm_columns){.bytes = bytes, .mask = -1, .rows = rows, .stride = svm_columns_stride(rows)};
    c->in_use = first < bytes ? first : bytes;
    if (bytes < c->stride * (int64_t)sizeof *c->value) return PS_OK;
    PS_TRY(make_room(c, memory));
    PS_TRY(ps_zalloc(&c->seen, all / 8 + 1, 1, "the list of kernel columns"));
    return directory(c);
}

void svm_columns_close(struct svm_columns *c)
{
    if (!c->there.there) free(c->value);
    ps_buffer_free(&c->there);
    free(c->number);
    free(c->used);
    free(c->table);
    free(c->seen);
    *c = (struct svm_columns){.mask = -1};
}

enum ps_status svm_columns_reset(struct svm_columns *c, int64_t rows)
{
    c->rows = rows;
    c->stride = svm_columns_stride(rows);
    return directory(c);
}

/* Place of a number in the table, or the free one where it would go. */
static int64_t *entry(const struct svm_columns *c, int64_t number)
{
    int64_t at = (int64_t)(mix((uint64_t)number) & (uint64_t)c->mask);
    while (c->table[at] >= 0 && c->number[c->table[at]] != number) at = (at + 1) & c->mask;
    return &c->table[at];
}

const float *svm_columns_find(struct svm_columns *c, int64_t number, int64_t now)
{
    if (c->n == 0) return NULL;
    const int64_t place = *entry(c, number);
    if (place < 0) return NULL;
    c->used[place] = now;
    return c->value + place * c->stride;
}

/* Take a number out of the table: those behind it that it kept from their place move up. */
static void forget(struct svm_columns *c, int64_t number)
{
    int64_t hole = entry(c, number) - c->table, at = hole;
    for (;;) {
        at = (at + 1) & c->mask;
        if (c->table[at] < 0) break;
        const int64_t home = (int64_t)(mix((uint64_t)c->number[c->table[at]]) & (uint64_t)c->mask);
        if (((at - home) & c->mask) < ((at - hole) & c->mask)) continue;
        c->table[hole] = c->table[at];
        hole = at;
    }
    c->table[hole] = -1;
}

/* A place whose column may go. Iterations come back to columns in turn, so that the one unused for longest is
 * the next to be wanted: any one not in use will do. */
static int64_t replaceable(struct svm_columns *c, int64_t now)
{
    for (int t = 0; t < TRIES; t++) {
        if (c->left == 0 || c->next >= c->room) {
            c->next = (int64_t)(mix(++c->draw) % (uint64_t)c->room);
            c->left = c->there.there ? RUN : 1;
        }
        const int64_t place = c->next++;
        c->left--;
        if (c->used[place] != now) return place;
        c->left = 0;
    }
    return -1;
}

float *svm_columns_add(struct svm_columns *c, int64_t number, int64_t now)
{
    if (c->room == 0) return NULL;
    c->again += c->seen[number / 8] >> number % 8 & 1;
    c->seen[number / 8] |= (uint8_t)(1u << number % 8);
    const int64_t place = c->n < c->room ? c->n++ : replaceable(c, now);
    if (place < 0) return NULL;
    if (c->number[place] >= 0) forget(c, c->number[place]);
    *entry(c, number) = place;
    c->number[place] = number;
    c->used[place] = now;
    return c->value + place * c->stride;
}

/* Compact columns [lo, hi) in place; they do not overlap in their old and new places. */
static void squeeze(struct svm_columns *c, const int64_t *keep, int64_t n, int64_t stride, int64_t lo,
                    int64_t hi)
{
#pragma omp parallel for schedule(static)
    for (int64_t k = lo; k < hi; k++) {
        const float *from = c->value + k * c->stride;
        float *to = c->value + k * stride;
        for (int64_t i = 0; i < n; i++) to[i] = from[keep[i]];
    }
}

/* Make the directory anew and list the columns that are there. */
static enum ps_status list_again(struct svm_columns *c)
{
    const int64_t old = c->n;
    int64_t *number = NULL;
    PS_TRY(ps_alloc(&number, 2 * old, sizeof *number, "the list of kernel columns"));
    if (old > 0) memcpy(number, c->number, (size_t)old * sizeof *number);
    if (old > 0) memcpy(number + old, c->used, (size_t)old * sizeof *number);
    const enum ps_status rc = directory(c);
    for (int64_t k = 0; rc == PS_OK && k < old; k++) svm_columns_add(c, number[k], number[old + k]);
    free(number);
    c->again = 0;
    return rc;
}

enum ps_status svm_columns_compact(struct svm_columns *c, const int64_t *keep, int64_t n)
{
    const int64_t stride = svm_columns_stride(n);
    if (c->there.there) return svm_columns_reset(c, n);
    for (int64_t lo = 0, hi; lo < c->n; lo = hi) {
        hi = lo * c->stride / stride;
        if (hi <= lo) hi = lo + 1;
        if (hi > c->n) hi = c->n;
        squeeze(c, keep, n, stride, lo, hi);
    }
    c->rows = n;
    c->stride = stride;
    return list_again(c);
}

enum ps_status svm_columns_grow(struct svm_columns *c)
{
    if (c->in_use == c->bytes || c->again < DEAR * c->room) return PS_OK;
    c->in_use = 2 * c->in_use < c->bytes ? 2 * c->in_use : c->bytes;
    return list_again(c);
}
