#include <float.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include "apps/pisvm/svm_data.h"
#include "common/par/exactsum.h"
#include "common/run/err.h"

enum { BLOCK = 1024 }; /* columns whose sums are held at a time */

/** Columns [begin, begin + n) of all rows. */
struct block {
    int64_t begin, n;
    struct ps_exact sum[BLOCK];
    double lo[BLOCK], hi[BLOCK]; /**< of entries as read */
    int64_t entries[BLOCK];
};

/** First entry of row i in a column from `col` on. */
static int64_t entry_from(const struct ps_csr *x, int64_t i, int64_t col)
{
    int64_t lo = x->start[i], hi = x->start[i + 1];
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (x->index[mid] < col)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/** Go over own rows. Local. */
static void sum_own(const struct ps_csr *x, struct block *b)
{
    int64_t each = b->n / (4 * (int64_t)omp_get_max_threads()) + 1, parts = (b->n + each - 1) / each;
#pragma omp parallel for schedule(dynamic)
    for (int64_t part = 0; part < parts; part++) {
        int64_t first = part * each, end = first + each < b->n ? first + each : b->n;
        for (int64_t c = first; c < end; c++) {
            b->sum[c] = (struct ps_exact){0};
            b->lo[c] = DBL_MAX;
            b->hi[c] = -DBL_MAX;
            b->entries[c] = 0;
        }
        for (int64_t i = 0; i < x->n; i++)
            for (int64_t k = entry_from(x, i, b->begin + first);
                 k < x->start[i + 1] && x->index[k] < b->begin + end; k++) {
                int64_t c = x->index[k] - b->begin;
                ps_exact_add(&b->sum[c], x->value[k]);
                b->lo[c] = fmin(b->lo[c], x->value[k]);
                b->hi[c] = fmax(b->hi[c], x->value[k]);
                b->entries[c]++;
            }
    }
}

/** The mean of a column with values in [lo, hi], rounded to a few bits of their spread: |u - centre| stays as
 * small as it was, and u - centre has hardly more digits than u, so that values of few digits, such as whole
 * numbers, lose nothing when they are packed in single precision. */
static double centre_of(double mean, double lo, double hi)
{
    double spread = fmax(hi - mean, mean - lo);
    if (!isfinite(spread)) return 0;
    if (!(lo < hi) || spread <= 0) return lo;
    double grain = ldexp(1, ilogb(spread) - 6);
    return grain > 0 && isfinite(mean / grain) ? nearbyint(mean / grain) * grain : mean;
}

/** The centres of all columns. Collective over comm. */
static enum ps_status centres(MPI_Comm comm, const struct ps_csr *x, int64_t rows, double *centre)
{
    struct block *b;
    enum ps_status rc = ps_alloc(&b, 1, sizeof *b, "sums of columns");
    PS_TRY(ps_agree(comm, rc));
    for (b->begin = 0; b->begin < x->cols && rc == PS_OK; b->begin += BLOCK) {
        b->n = x->cols - b->begin < BLOCK ? x->cols - b->begin : BLOCK;
        int n = (int)b->n;
        sum_own(x, b);
        rc = ps_agree(comm, ps_exact_reduce(comm, b->sum, n));
        MPI_Allreduce(MPI_IN_PLACE, b->lo, n, MPI_DOUBLE, MPI_MIN, comm);
        MPI_Allreduce(MPI_IN_PLACE, b->hi, n, MPI_DOUBLE, MPI_MAX, comm);
        MPI_Allreduce(MPI_IN_PLACE, b->entries, n, MPI_INT64_T, MPI_SUM, comm);
        for (int c = 0; c < n; c++) {
            bool zeros = b->entries[c] < rows;
            double lo = zeros ? fmin(b->lo[c], 0) : b->lo[c], hi = zeros ? fmax(b->hi[c], 0) : b->hi[c];
            centre[b->begin + c] = centre_of(ps_exact_value(&b->sum[c]) / (double)rows, lo, hi);
        }
    }
    free(b);
    return rc;
}

/** What rows are once they are centred. */
struct extent {
    double largest; /**< max |u - centre|^2 */
    double grain;   /**< power of two of which all elements are multiples; 0 where that is tiny */
};

/** Exponent of the lowest bit of a number that is not zero. */
static int lowest_bit(double x)
{
    int e;
    int64_t m = (int64_t)ldexp(frexp(x, &e), 53);
    return e - 53 + __builtin_ctzll((uint64_t)m);
}

/** Look at all rows. Collective over comm. */
static struct extent look(MPI_Comm comm, const struct ps_csr *x, const double *centre)
{
    double largest = 0;
    int lowest = 0;
#pragma omp parallel for schedule(static) reduction(max : largest) reduction(min : lowest)
    for (int64_t i = 0; i < x->n; i++) {
        double norm = 0;
        int64_t k = x->start[i];
        for (int64_t c = 0; c < x->cols; c++) {
            bool there = k < x->start[i + 1] && x->index[k] == c;
            double value = (there ? x->value[k] : 0) - centre[c];
            k += there;
            norm += value * value;
            if (value != 0 && lowest > -64) {
                int bit = lowest_bit(value);
                if (bit < lowest) lowest = bit;
            }
        }
        if (norm > largest) largest = norm;
    }
    MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, comm);
    MPI_Allreduce(MPI_IN_PLACE, &lowest, 1, MPI_INT, MPI_MIN, comm);
    return (struct extent){largest, lowest > -64 ? ldexp(1, lowest) : 0};
}

/** Do panels of all columns cost less than compressed rows? A column of a panel takes about 1/32 of the time
 * of an entry of a compressed row, so that panels are faster wherever more than about 1/32 of all values are
 * not zero. What limits them is memory: 4 bytes a column, against 12 an entry and 16 a row that the data set
 * takes as it was read; they may have 4 times as much. Collective over comm. */
static bool dense_pays(MPI_Comm comm, const struct svm_data *d)
{
    int64_t own = d->x.start[d->x.mine.hi - d->x.mine.lo], entries = 0;
#pragma omp parallel for schedule(static) reduction(+ : entries)
    for (int64_t k = 0; k < own; k++) entries += d->x.value[k] != 0;
    MPI_Allreduce(MPI_IN_PLACE, &entries, 1, MPI_INT64_T, MPI_SUM, comm);
    double rows = (double)d->x.rows;
    return 4 * rows * (double)d->x.cols <= 4 * (12 * (double)entries + 16 * rows);
}

/** Could |u|^2 + |v|^2 - 2 u'v in single precision change a value of the kernel function by more than 1e-4?
 * A chain of n multiply-adds that grows to s rounds n times by at most 2^-24 of what it has reached; these
 * errors are as good as random and add up to about 2^-24 s sqrt(n) / 3, with s <= |u - centre|^2, in each of
 * three products; a few more roundings are of their sum. exp(-gamma x) changes by at most gamma times the
 * change of x, and by about half of that where it matters, as pairs with large errors are no near ones. (Of
 * bounds just below 1e-4, 0.6 to 0.8 was reached on real data.) Where all elements are multiples of a number,
 * and sums small multiples of its square, nothing is rounded at all: binary data, small whole numbers. */
static bool loses_digits(double gamma, struct extent e, int64_t cols)
{
    if (4 * e.largest <= 0x1p24 * e.grain * e.grain) return false;
    return gamma * (4 + sqrt((double)cols)) / 2 * 0x1p-24 * e.largest > 1e-4;
}

enum ps_status svm_layout_choose(MPI_Comm comm, const struct svm_data *d, const struct ps_svm_function *f,
                                 bool dense, struct ps_svm_layout *layout, double **centre)
{
    struct ps_csr x = svm_data_csr(d);
    *centre = NULL;
    *layout = (struct ps_svm_layout){.cols = d->x.cols};
    bool pays = dense_pays(comm, d);
    layout->dense = d->x.cols > 0 && (dense || pays);
    if (!layout->dense || f->form != PS_SVM_RBF) return PS_OK;
    enum ps_status rc = ps_alloc(centre, d->x.cols, sizeof **centre, "the means of columns");
    rc = ps_agree(comm, rc);
    if (rc == PS_OK) rc = centres(comm, &x, d->x.rows, *centre);
    if (rc != PS_OK) {
        free(*centre);
        *centre = NULL;
        return rc;
    }
    layout->centre = *centre;
    layout->differences = loses_digits(f->gamma, look(comm, &x, *centre), d->x.cols);
    return PS_OK;
}
