/* LIBSVM text as a matrix: data set DATA is the dense matrix, GT the list of labels. Programs that can use
 * sparse rows read them by sparsefile.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/format.h"
#include "common/io/infile.h"
#include "common/io/number.h"
#include "common/io/sparsefile.h"
#include "common/par/window.h"
#include "common/run/err.h"

static const char *blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r')) at++;
    return at;
}

static const char *digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9') at++;
    return at;
}

/** Does a line begin with a label and `index:`? Lines with a label alone say nothing. */
static bool match(const unsigned char *head, int64_t n)
{
    const char *at = (const char *)head, *end = at + n;
    if (memchr(head, 0, (size_t)n)) return false;
    for (const char *next; at < end; at = next) {
        const char *lf = memchr(at, '\n', (size_t)(end - at)), *stop = lf ? lf : end;
        double label;
        next = stop + 1;
        const char *from = blanks(at, stop), *then;
        if (from == stop || *from == '#') continue;
        if (!(then = ps_number_parse(from, stop, &label)) || (then < stop && *then != ' ' && *then != '\t'))
            return false;
        from = blanks(then, stop);
        if (from == stop || *from == '#') continue;
        then = digits(from, stop);
        return then > from && then < stop && *then == ':';
    }
    return false;
}

/** @return is the list of labels asked for, and not the matrix? */
static enum ps_status choose(const char *path, const char *dataset, bool *labels)
{
    *labels = !strcmp(dataset, "GT");
    PS_CHECK(*labels || !dataset[0] || !strcmp(dataset, "DATA"), PS_EINPUT,
             "%s: has no data set '%s'; LIBSVM text holds: DATA, GT", path, dataset);
    return PS_OK;
}

static enum ps_status file_size(MPI_Comm comm, const char *path, int64_t *bytes)
{
    int rank;
    struct ps_infile f = {0};
    MPI_Comm_rank(comm, &rank);
    enum ps_status rc = rank == 0 ? ps_infile_open(path, &f) : PS_OK;
    if (rank == 0) ps_infile_close(&f);
    PS_TRY(ps_agree(comm, rc));
    *bytes = f.bytes;
    MPI_Bcast(bytes, 1, MPI_INT64_T, 0, comm);
    return PS_OK;
}

static enum ps_status info(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard_info *out)
{
    struct ps_sparse s;
    bool labels;
    PS_TRY(choose(path, dataset, &labels));
    PS_TRY(file_size(comm, path, &out->file_bytes));
    PS_TRY(ps_sparse_read(comm, path, &s));
    int64_t nonzero = 0, n = s.start[s.mine.hi - s.mine.lo];
    for (int64_t i = 0; i < n; i++) nonzero += s.value[i] < 0 || s.value[i] > 0;
    MPI_Allreduce(MPI_IN_PLACE, &nonzero, 1, MPI_INT64_T, MPI_SUM, comm);
    out->rows = s.rows;
    out->cols = labels ? 0 : s.cols;
    out->type = PS_F64;
    snprintf(out->dataset, sizeof out->dataset, labels ? "GT" : "DATA");
    snprintf(out->storage, sizeof out->storage, "sparse text, %lld nonzeros", (long long)nonzero);
    ps_sparse_free(&s);
    return PS_OK;
}

/** Own rows as read, in full. */
static void expand(const struct ps_sparse *s, bool labels, double *dense)
{
    int64_t n = s->mine.hi - s->mine.lo;
    if (labels) {
        memcpy(dense, s->label, (size_t)n * sizeof *dense);
        return;
    }
#pragma omp parallel for
    for (int64_t i = 0; i < n; i++) {
        memset(dense + i * s->cols, 0, (size_t)s->cols * sizeof *dense);
        for (int64_t k = s->start[i]; k < s->start[i + 1]; k++)
            dense[i * s->cols + s->index[k]] = s->value[k];
    }
}

static enum ps_status read_shard(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard *out)
{
    struct ps_sparse s;
    bool labels;
    double *dense = NULL;
    int64_t n;
    PS_TRY(choose(path, dataset, &labels));
    PS_TRY(ps_sparse_read(comm, path, &s));
    enum ps_status rc = ps_shard_alloc(comm, s.rows, labels ? 0 : s.cols, PS_F64, out);
    if (rc == PS_OK && __builtin_mul_overflow(s.mine.hi - s.mine.lo, out->cols ? out->cols : 1, &n))
        rc = ps_fail(PS_ENOMEM, "%s: is too large as a dense matrix", path);
    if (rc == PS_OK) rc = ps_alloc(&dense, n, sizeof *dense, "the rows of LIBSVM text in full");
    if (rc == PS_OK) expand(&s, labels, dense);
    rc = ps_agree(comm, rc);
    struct ps_range from = s.mine;
    ps_sparse_free(&s);
    if (rc == PS_OK)
        rc =
            ps_window_fetch(comm, from, dense, (size_t)ps_row_bytes(out->cols, PS_F64), out->mine, out->data);
    free(dense);
    return rc;
}

static enum ps_status write_shard(MPI_Comm comm, const char *path, const char *dataset,
                                  const struct ps_shard *s)
{
    (void)comm, (void)dataset, (void)s;
    return ps_fail(PS_EIO, "%s: LIBSVM text needs a label for each row: psml-data convert --labels writes it",
                   path);
}

const struct ps_format ps_format_libsvm = {.name = "LIBSVM",
                                           .suffixes = " .libsvm .svm .svmlight .el ",
                                           .match = match,
                                           .info = info,
                                           .read = read_shard,
                                           .write = write_shard};
