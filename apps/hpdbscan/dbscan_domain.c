#include "apps/hpdbscan/dbscan_domain.h"
#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#ifdef __BMI2__
#    include <immintrin.h>
#endif
#include "apps/hpdbscan/dbscan_rows.h"
#include "common/run/err.h"

/* Minima and maxima of a thread's rows, `width` values abreast: a multiple of d, so that value j belongs to
 * axis j % d and the loop over j is a vector loop for any d. */
struct bounds {
    int width;
    double *lo, *hi, *bad; /* [width]; bad is NaN once a value is not finite */
};

static void bounds_block(struct bounds *b, const double *restrict x, int64_t n)
{
    double *restrict lo = b->lo, *restrict hi = b->hi, *restrict bad = b->bad;
    for (int64_t at = 0; at < n; at += b->width) {
        const int width = n - at < b->width ? (int)(n - at) : b->width;
        for (int j = 0; j < width; j++) {
            const double v = x[at + j];
            lo[j] = v < lo[j] ? v : lo[j];
            hi[j] = v > hi[j] ? v : hi[j];
            bad[j] += v * 0.0;
        }
    }
}

/* Bounds of this rank's rows, min and max in one vector: box[k] = min, box[d + k] = -max. */
static enum ps_status bounds_local(const struct ps_points *p, double *box, bool *finite)
{
    const int d = p->d, width = d * (d < 32 ? 32 / d : 1);
    const int64_t block = dbscan_rows_block(d);
    bool ok = true, good = true;
#pragma omp parallel reduction(&& : ok, good)
    {
        const struct ps_range rows = dbscan_rows_part(p->n, d, omp_get_num_threads(), omp_get_thread_num());
        double *work = malloc(((size_t)(block * d) + 3 * (size_t)width) * sizeof *work);
        ok = work != NULL;
        if (work) {
            struct bounds b = {width, work, work + width, work + 2 * width};
            for (int j = 0; j < width; j++)
                b.lo[j] = (double)INFINITY, b.hi[j] = -(double)INFINITY, b.bad[j] = 0;
            for (int64_t at = rows.lo; at < rows.hi; at += block) {
                const int64_t end = at + block < rows.hi ? at + block : rows.hi;
                bounds_block(&b, dbscan_rows_double(p, at, end, work + 3 * width), (end - at) * d);
            }
#pragma omp critical(dbscan_bounds)
            for (int j = 0; j < width; j++) {
                if (b.lo[j] < box[j % d]) box[j % d] = b.lo[j];
                if (-b.hi[j] < box[d + j % d]) box[d + j % d] = -b.hi[j];
                good = good && !isnan(b.bad[j]);
            }
        }
        free(work);
    }
    *finite = good;
    return ok ? PS_OK : ps_fail(PS_ENOMEM, "no memory to find the bounding box");
}

static enum ps_status not_finite(const struct ps_points *p, int64_t first, const char *name)
{
    for (int64_t i = 0; i < p->n; i++)
        for (int k = 0; k < p->d; k++) {
            const double v = ps_points_at(p, i, k);
            if (!isfinite(v))
                return ps_fail(PS_EINPUT,
                               "%s: the coordinate in row %lld, column %d (counted from 0) is %s; "
                               "all coordinates must be finite",
                               name, (long long)(first + i), k, isnan(v) ? "NaN" : "infinite");
        }
    return PS_OK;
}

/* Give each bit of the key to the axis whose side is widest by then. */
static void choose_bits(struct dbscan_domain *dom, double *side, int *used)
{
    for (int k = 0; k < dom->d; k++) {
        side[k] = dom->hi[k] * dom->half - dom->lo[k] * dom->half;
        /* an extent so small that its inverse overflows cannot be cut: its points share a key */
        if (!(side[k] > 0) || !isfinite(ldexp(1 / side[k], DBSCAN_AXIS_BITS))) side[k] = 0;
        used[k] = 0;
    }
    for (dom->bits = 0; dom->bits < DBSCAN_KEY_BITS; dom->bits++) {
        int widest = -1;
        for (int k = 0; k < dom->d; k++)
            if (side[k] > 0 && used[k] < DBSCAN_AXIS_BITS && (widest < 0 || side[k] > side[widest]))
                widest = k;
        if (widest < 0) break;
        dom->axis[dom->bits] = widest;
        used[widest]++;
        side[widest] /= 2;
    }
}

static void make_keys(struct dbscan_domain *dom, const int *used)
{
    for (int k = 0; k < dom->d; k++) {
        const double side = dom->hi[k] * dom->half - dom->lo[k] * dom->half;
        dom->scale[k] = used[k] ? ldexp(1 / side, used[k]) : 0;
        dom->last[k] = ldexp(1, used[k]) - 1;
        int bit = used[k]; /* of the cell number, counted down as the key's bits go from first to last */
        for (int b = 0; b < dom->bits; b++) {
            if (dom->axis[b] != k) continue;
            bit--;
            const uint64_t in_key = (uint64_t)1 << (DBSCAN_KEY_BITS - 1 - b);
            dom->mask[k] |= in_key;
            for (int v = 0; v < 256; v++)
                if (v >> (bit % 8) & 1) dom->spread[k][bit / 8][v] |= in_key;
        }
    }
}

/* Bits of an axis among the first bits of a key. */
static int coarse_bits(const struct dbscan_domain *dom, int axis)
{
    int n = 0;
    for (int b = 0; b < dom->bits && b < DBSCAN_COARSE_BITS; b++) n += dom->axis[b] == axis;
    return n;
}

static void make_coarse(struct dbscan_domain *dom)
{
    int shift = 0;
    for (int k = 0; k < dom->d; k++) {
        int bit = shift += coarse_bits(dom, k);
        for (int b = 0; b < dom->bits && b < DBSCAN_COARSE_BITS; b++)
            if (dom->axis[b] == k) dom->coarse_bits[b] = --bit;
    }
}

static enum ps_status domain_alloc(struct dbscan_domain *dom, int d)
{
    double **arrays[] = {&dom->lo, &dom->hi, &dom->slack, &dom->scale, &dom->last};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        PS_TRY(ps_zalloc(arrays[i], d, sizeof(double), "the bounding box"));
    PS_TRY(ps_zalloc(&dom->mask, d, sizeof *dom->mask, "bits of the key"));
    return ps_zalloc(&dom->spread, d, sizeof *dom->spread, "tables of the key");
}

enum ps_status dbscan_domain_make(MPI_Comm comm, const struct ps_points *p, int64_t first, const char *name,
                                  struct dbscan_domain *out)
{
    struct dbscan_domain dom = {.d = p->d, .half = 1};
    double *box = NULL;
    int *used = NULL;
    bool finite = true;
    const int d = p->d;
    enum ps_status rc = domain_alloc(&dom, d);
    if (rc == PS_OK) rc = ps_alloc(&box, 2 * (int64_t)d, sizeof *box, "the bounding box");
    if (rc == PS_OK) rc = ps_alloc(&used, d, sizeof *used, "the bounding box");
    for (int k = 0; rc == PS_OK && k < 2 * d; k++) box[k] = (double)INFINITY;
    if (rc == PS_OK) rc = bounds_local(p, box, &finite);
    if (rc == PS_OK && !finite) rc = not_finite(p, first, name);
    PS_TRY_DONE(ps_agree(comm, rc));
    MPI_Allreduce(MPI_IN_PLACE, box, 2 * d, MPI_DOUBLE, MPI_MIN, comm);
    for (int k = 0; k < d; k++) {
        dom.lo[k] = box[k];
        dom.hi[k] = -box[d + k];
        if (dom.hi[k] - dom.lo[k] > 0 && isinf(dom.hi[k] - dom.lo[k])) dom.half = 0.5;
        /* a double is within 2^-53 of the integer; two of them and their difference are within 4 * 2^-53 */
        if (p->type == PS_I64 || p->type == PS_U64)
            dom.slack[k] = 0x1p-50 * fmax(fabs(box[k]), fabs(box[d + k]));
        if (dom.lo[k] > dom.hi[k]) dom.slack[k] = 0;
    }
    choose_bits(&dom, box, used);
    make_keys(&dom, used);
    make_coarse(&dom);
done:
    free(box);
    free(used);
    if (rc != PS_OK) dbscan_domain_free(&dom);
    *out = dom;
    return rc;
}

void dbscan_domain_free(struct dbscan_domain *dom)
{
    free(dom->lo);
    free(dom->hi);
    free(dom->slack);
    free(dom->scale);
    free(dom->last);
    free(dom->mask);
    free(dom->spread);
    *dom = (struct dbscan_domain){0};
}

void dbscan_domain_box(const struct dbscan_domain *dom, uint64_t start, int bits, double *box)
{
    const int d = dom->d;
    for (int k = 0; k < d; k++) {
        /* the prefix leaves `open` of the axis's bits to choose: key cells [cell, end) */
        uint64_t cell = 0;
        int open = 0;
        for (int b = 0; b < dom->bits; b++) {
            if (dom->axis[b] != k) continue;
            cell = cell << 1 | (start >> (DBSCAN_KEY_BITS - 1 - b) & 1);
            open += b >= bits;
        }
        const uint64_t end = cell + ((uint64_t)1 << open);
        /* a key cell's number is wrong by two roundings of the product and one of the difference */
        const double slack = 0x1p-51 * fmax(fabs(dom->lo[k]), fabs(dom->hi[k]));
        box[k] = dom->lo[k];
        box[d + k] = dom->hi[k];
        if (!(dom->scale[k] > 0)) continue;
        const double near = (double)cell / dom->scale[k] * (1 - 0x1p-50) + dom->lo[k] * dom->half;
        const double far = (double)end / dom->scale[k] * (1 + 0x1p-50) + dom->lo[k] * dom->half;
        box[k] = fmax(box[k], near / dom->half - slack);
        box[d + k] = fmin(box[d + k], far / dom->half + slack);
    }
}

/* Cell numbers of one axis into their key bits, by table. */
static void spread_axis(const struct dbscan_domain *dom, int k, const double *x, int64_t n,
                        uint64_t *restrict key)
{
    const int d = dom->d;
    const double scale = dom->scale[k], last = dom->last[k], half = dom->half, lo = dom->lo[k] * half;
    const uint64_t(*spread)[256] = (const uint64_t(*)[256])dom->spread[k];
    for (int64_t i = 0; i < n; i++) {
        const double t = (x[i * d + k] * half - lo) * scale;
        const uint64_t c = (uint64_t)(int64_t)(t < last ? t : last);
        uint64_t bits = spread[0][c & 255];
        for (int byte = 1; c >> (8 * byte); byte++) bits |= spread[byte][c >> (8 * byte) & 255];
        key[i] |= bits;
    }
}

#ifdef __BMI2__
enum { ROWS = 8, MOST_AXES = 64 };

/* The same by one instruction, where it is one: cell numbers of a few rows in vector loops, whatever d, and
 * then their bits. */
static void deposit_rows(const struct dbscan_domain *dom, const double *restrict x, int64_t n,
                         uint64_t *restrict key)
{
    const int d = dom->d;
    const double half = dom->half;
    double lo[ROWS * MOST_AXES], scale[ROWS * MOST_AXES], last[ROWS * MOST_AXES];
    int64_t cell[ROWS * MOST_AXES];
    for (int j = 0; j < ROWS * d; j++) {
        lo[j] = dom->lo[j % d] * half;
        scale[j] = dom->scale[j % d];
        last[j] = dom->last[j % d];
    }
    for (int64_t at = 0; at < n; at += ROWS) {
        const int rows = n - at < ROWS ? (int)(n - at) : ROWS;
        const double *v = x + at * d;
        for (int j = 0; j < rows * d; j++) {
            const double t = (v[j] * half - lo[j]) * scale[j];
            cell[j] = (int64_t)(t < last[j] ? t : last[j]);
        }
        for (int r = 0; r < rows; r++) {
            uint64_t bits = 0;
            for (int k = 0; k < d; k++) bits |= _pdep_u64((uint64_t)cell[r * d + k], dom->mask[k]);
            key[at + r] = bits;
        }
    }
}
#endif

void dbscan_domain_keys(const struct dbscan_domain *dom, const double *x, int64_t n, uint64_t *restrict key)
{
#ifdef __BMI2__
    /* the first Zen processors run it bit by bit */
    if (dom->d <= MOST_AXES && !__builtin_cpu_is("znver1") && !__builtin_cpu_is("znver2")) {
        deposit_rows(dom, x, n, key);
        return;
    }
#endif
    memset(key, 0, (size_t)n * sizeof *key);
    for (int k = 0; k < dom->d; k++)
        if (dom->scale[k] > 0) spread_axis(dom, k, x, n, key);
}

void dbscan_domain_coarse(const struct dbscan_domain *dom, const double *x, int64_t n,
                          uint32_t *restrict cell)
{
    const int d = dom->d;
    int shift = 0;
    memset(cell, 0, (size_t)n * sizeof *cell);
    for (int k = 0; k < d; k++) {
        const int bits = coarse_bits(dom, k);
        if (bits == 0) continue;
        /* key cells joined by a power of two: the product is the key's, exactly scaled, so that both agree */
        const double last = (double)((1 << bits) - 1),
                     scale = dom->scale[k] * ((last + 1) / (dom->last[k] + 1));
        const double half = dom->half, lo = dom->lo[k] * half;
        for (int64_t i = 0; i < n; i++) {
            const double t = (x[i * d + k] * half - lo) * scale;
            cell[i] |= (uint32_t)(int32_t)(t < last ? t : last) << shift;
        }
        shift += bits;
    }
}

uint32_t dbscan_domain_coarse_of(const struct dbscan_domain *dom, uint64_t key)
{
    uint32_t cell = 0;
    for (int b = 0; b < dom->bits && b < DBSCAN_COARSE_BITS; b++)
        cell |= (uint32_t)(key >> (DBSCAN_KEY_BITS - 1 - b) & 1) << dom->coarse_bits[b];
    return cell;
}

/* Row drawn from run `i`: the last run may be short. */
static int64_t drawn(int64_t n, int64_t each, int64_t i)
{
    const uint64_t hash = ((uint64_t)i * UINT64_C(0x9E3779B97F4A7C15)) >> 32;
    const int64_t left = n - i * each;
    return i * each + (int64_t)(hash % (uint64_t)(left < each ? left : each));
}

enum ps_status dbscan_domain_keys_of(const struct dbscan_domain *dom, const struct ps_points *p, int64_t each,
                                     uint64_t *key)
{
    const int64_t n = dbscan_domain_sampled(p->n, each), block = dbscan_rows_block(p->d);
    const size_t row = dbscan_rows_size(p);
    bool ok = true;
#pragma omp parallel reduction(&& : ok)
    {
        const struct ps_range part = dbscan_rows_part(n, p->d, omp_get_num_threads(), omp_get_thread_num());
        double *work = malloc((size_t)(block * p->d) * sizeof *work);
        char *taken = malloc((size_t)block * row);
        ok = work && taken;
        for (int64_t at = part.lo; ok && at < part.hi; at += block) {
            const int64_t end = at + block < part.hi ? at + block : part.hi;
            const struct ps_points rows = {taken, end - at, p->d, p->type};
            for (int64_t i = at; i < end; i++)
                dbscan_rows_copy(taken + (size_t)(i - at) * row,
                                 (const char *)p->data + (size_t)drawn(p->n, each, i) * row, row);
            dbscan_domain_keys(dom, dbscan_rows_double(&rows, 0, end - at, work), end - at, key + at);
        }
        free(work);
        free(taken);
    }
    return ok ? PS_OK : ps_fail(PS_ENOMEM, "no memory for keys");
}
