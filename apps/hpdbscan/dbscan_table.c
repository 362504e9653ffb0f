#include "apps/hpdbscan/dbscan_table.h"
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/hpdbscan/dbscan_marks.h"
#include "apps/hpdbscan/dbscan_rows.h"
#include "common/io/outfile.h"
#include "common/par/exchange.h"
#include "common/run/err.h"

/* One cluster's sums as words of 8 bytes, so that records of any dimension travel: */
enum { CLUSTER, SIZE, CORE, BOX };
union word {
    int64_t i;
    uint64_t u;
    double x;
};
/* from BOX on: minima [d], maxima [d], sums [d] of two words, low and high */

static const double STEPS = 0x1p52;

static int64_t width(int d)
{
    return BOX + 4 * (int64_t)d;
}

static void record_clear(union word *r, int d, int64_t cluster)
{
    r[CLUSTER].i = cluster;
    r[SIZE].i = r[CORE].i = 0;
    for (int k = 0; k < d; k++) {
        r[BOX + k].x = (double)INFINITY;
        r[BOX + d + k].x = -(double)INFINITY;
        r[BOX + 2 * d + 2 * k].u = r[BOX + 2 * d + 2 * k + 1].u = 0;
    }
}

/* 128-bit sum in two words. */
static void sum_add(union word *sum, uint64_t low, uint64_t high)
{
    sum[0].u += low;
    sum[1].u += high + (sum[0].u < low);
}

static void record_add(union word *a, const union word *b, int d)
{
    a[SIZE].i += b[SIZE].i;
    a[CORE].i += b[CORE].i;
    for (int k = 0; k < d; k++) {
        a[BOX + k].x = fmin(a[BOX + k].x, b[BOX + k].x);
        a[BOX + d + k].x = fmax(a[BOX + d + k].x, b[BOX + d + k].x);
        sum_add(a + BOX + 2 * d + 2 * k, b[BOX + 2 * d + 2 * k].u, b[BOX + 2 * d + 2 * k + 1].u);
    }
}

/* How coordinates of an axis become whole numbers: (x - lo) * half * scale. */
static double axis_scale(const struct dbscan_domain *dom, int k)
{
    const double scale = STEPS / (dom->hi[k] * dom->half - dom->lo[k] * dom->half);
    return isfinite(scale) ? scale : 0; /* an axis without extent: every point is at lo */
}

static void add_rows(const struct dbscan_domain *dom, const double *scale, const double *x,
                     const int64_t *label, int64_t n, const struct dbscan_marks *marks, union word *records)
{
    const int d = dom->d;
    for (int64_t i = 0; i < n; i++) {
        if (label[i] == 0) continue;
        const int64_t cluster = label[i] < 0 ? -label[i] : label[i];
        union word *r = records + dbscan_marks_rank(marks, cluster - 1) * width(d);
        r[SIZE].i++;
        r[CORE].i += label[i] < 0;
        for (int k = 0; k < d; k++) {
            const double v = x[i * d + k];
            if (v < r[BOX + k].x) r[BOX + k].x = v;
            if (v > r[BOX + d + k].x) r[BOX + d + k].x = v;
            sum_add(r + BOX + 2 * d + 2 * k,
                    (uint64_t)((v * dom->half - dom->lo[k] * dom->half) * scale[k] + 0.5), 0);
        }
    }
}

/* Records of the clusters that this rank's rows belong to, ascending. */
static enum ps_status make_records(const struct dbscan_domain *dom, const struct ps_points *p,
                                   const int64_t *label, int64_t clusters, union word **records, int64_t *n)
{
    struct dbscan_marks marks;
    const int64_t block = dbscan_rows_block(p->d);
    double *work = NULL, *scale = NULL;
    PS_TRY(dbscan_marks_make(&marks, clusters));
    for (int64_t i = 0; i < p->n; i++)
        if (label[i]) dbscan_marks_set(&marks, (label[i] < 0 ? -label[i] : label[i]) - 1);
    dbscan_marks_count(&marks);
    *n = marks.n;
    enum ps_status rc = ps_alloc(records, marks.n * width(p->d), sizeof **records, "the table of clusters");
    if (rc == PS_OK) rc = ps_alloc(&work, block * p->d, sizeof *work, "the table of clusters");
    if (rc == PS_OK) rc = ps_alloc(&scale, p->d, sizeof *scale, "the table of clusters");
    if (rc == PS_OK) {
        for (int64_t c = 0, at = 0; c < clusters; c++)
            if (marks.bits[c / 64] >> c % 64 & 1) record_clear(*records + width(p->d) * at++, p->d, c + 1);
        for (int k = 0; k < p->d; k++) scale[k] = axis_scale(dom, k);
        for (int64_t at = 0; at < p->n; at += block) {
            const int64_t end = at + block < p->n ? at + block : p->n;
            add_rows(dom, scale, dbscan_rows_double(p, at, end, work), label + at, end - at, &marks,
                     *records);
        }
    }
    free(work);
    free(scale);
    dbscan_marks_free(&marks);
    return rc;
}

/* Add up the ranks' records: each rank gets those of its block of clusters. */
static enum ps_status gather_records(MPI_Comm comm, int d, int64_t clusters, const union word *mine,
                                     int64_t n, union word **out, struct ps_range *block)
{
    struct ps_exchange plan = {0};
    union word *arrived = NULL;
    int64_t *count = NULL;
    int rank, size;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    *block = ps_block(clusters, size, rank);
    *out = NULL;
    enum ps_status rc = ps_agree(comm, ps_zalloc(&count, size, sizeof *count, "the table of clusters"));
    PS_TRY_DONE(rc);
    for (int64_t i = 0; i < n; i++) count[ps_block_of(clusters, size, mine[i * width(d)].i - 1)]++;
    PS_TRY_DONE(ps_exchange_make(comm, count, &plan));
    const int64_t arriving = plan.recv_start[size];
    rc = ps_alloc(&arrived, arriving * width(d), sizeof *arrived, "the table of clusters");
    if (rc == PS_OK)
        rc = ps_alloc(out, (block->hi - block->lo) * width(d), sizeof **out, "the table of clusters");
    PS_TRY_DONE(ps_agree(comm, rc));
    PS_TRY_DONE(ps_exchange_run(&plan, mine, arrived, (size_t)width(d) * sizeof *arrived));
    for (int64_t c = block->lo; c < block->hi; c++) record_clear(*out + (c - block->lo) * width(d), d, c + 1);
    for (int64_t i = 0; i < arriving; i++) {
        const union word *r = arrived + i * width(d);
        record_add(*out + (r[CLUSTER].i - 1 - block->lo) * width(d), r, d);
    }
done:
    free(count);
    free(arrived);
    ps_exchange_free(&plan);
    return rc;
}

static void print_header(FILE *f, int d)
{
    fprintf(f, "cluster,size,core_points");
    for (int k = 0; k < d; k++) fprintf(f, ",centroid_%d", k);
    for (int k = 0; k < d; k++) fprintf(f, ",min_%d", k);
    for (int k = 0; k < d; k++) fprintf(f, ",max_%d", k);
    fputc('\n', f);
}

static void print_record(FILE *f, const struct dbscan_domain *dom, const union word *r, int digits)
{
    const int d = dom->d;
    fprintf(f, "%" PRId64 ",%" PRId64 ",%" PRId64, r[CLUSTER].i, r[SIZE].i, r[CORE].i);
    for (int k = 0; k < d; k++) {
        const union word *sum = r + BOX + 2 * d + 2 * k;
        const double scale = axis_scale(dom, k), total = ldexp((double)sum[1].u, 64) + (double)sum[0].u;
        const double mean = scale > 0 ? total / (double)r[SIZE].i / scale : 0;
        fprintf(f, ",%.*g", digits, (dom->lo[k] * dom->half + mean) / dom->half);
    }
    for (int k = 0; k < 2 * d; k++) fprintf(f, ",%.*g", digits, r[BOX + k].x);
    fputc('\n', f);
}

/* This rank's lines, at their place in the file. */
static enum ps_status write_lines(MPI_Comm comm, const char *path, const struct dbscan_domain *dom,
                                  const union word *records, struct ps_range block, int digits)
{
    struct ps_outfile file;
    char *text = NULL;
    size_t bytes = 0;
    int64_t at = 0;
    FILE *f = open_memstream(&text, &bytes);
    bool failed = !f;
    if (f) {
        if (block.lo == 0) {
            int rank;
            MPI_Comm_rank(comm, &rank);
            if (rank == 0) print_header(f, dom->d);
        }
        for (int64_t c = block.lo; c < block.hi; c++)
            print_record(f, dom, records + (c - block.lo) * width(dom->d), digits);
        failed = ferror(f) || fclose(f) != 0;
    }
    enum ps_status rc =
        failed ? ps_fail(PS_ENOMEM, "no memory for the lines of the table of clusters") : PS_OK;
    rc = ps_agree(comm, rc);
    if (rc == PS_OK) {
        const int64_t mine = (int64_t)bytes;
        MPI_Exscan(&mine, &at, 1, MPI_INT64_T, MPI_SUM, comm);
        rc = ps_outfile_open(comm, path, false, &file);
        if (rc == PS_OK) rc = ps_outfile_close(&file, ps_outfile_write(&file, text, mine, at));
    }
    free(text);
    return rc;
}

enum ps_status dbscan_table_write(MPI_Comm comm, const char *path, const struct dbscan_domain *dom,
                                  const struct ps_shard *in, const int64_t *label, int64_t clusters)
{
    const struct ps_points p = {in->data, in->mine.hi - in->mine.lo, dom->d, in->type};
    union word *mine = NULL, *records = NULL;
    struct ps_range block;
    int64_t n = 0;
    enum ps_status rc = ps_agree(comm, make_records(dom, &p, label, clusters, &mine, &n));
    if (rc == PS_OK) rc = gather_records(comm, dom->d, clusters, mine, n, &records, &block);
    /* single precision input: as many digits as it holds */
    if (rc == PS_OK) rc = write_lines(comm, path, dom, records, block, in->type == PS_F32 ? 9 : 17);
    free(mine);
    free(records);
    return rc;
}
