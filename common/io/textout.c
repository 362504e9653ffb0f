#include "common/io/textout.h"

#include <errno.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/outfile.h"
#include "common/run/err.h"

enum { ROOM = 1 << 18, KEEP = 1 << 27, MESSAGE = 1 << 20, TAG = 7131 };

/** Text of some rows. */
struct block {
    char *text; /**< owned; NULL: not kept, or no memory */
    int64_t bytes;
};

/** Own rows cut into blocks of about ROOM bytes. */
struct blocks {
    const struct ps_textout *t;
    int64_t rows; /**< of a block */
    int64_t n;
};

static struct blocks cut(const struct ps_textout *t)
{
    struct blocks b = {t, 1, 0};
    if (t->rows == 0) return b;
    int64_t all = t->room(t->context, 0, t->rows), want = all / ROOM + 1;
    b.rows = (t->rows + want - 1) / want;
    b.n = (t->rows + b.rows - 1) / b.rows;
    return b;
}

static struct block format(const struct blocks *b, int64_t i)
{
    const struct ps_textout *t = b->t;
    int64_t lo = i * b->rows, hi = lo + b->rows < t->rows ? lo + b->rows : t->rows;
    struct block out = {malloc((size_t)t->room(t->context, lo, hi) + 1), 0};
    if (out.text) out.bytes = t->format(t->context, lo, hi, out.text);
    return out;
}

/** Format blocks [lo, hi) by all threads. */
static enum ps_status format_group(const struct blocks *b, int64_t lo, int64_t hi, struct block *out)
{
    bool missing = false;
#pragma omp parallel for schedule(dynamic) reduction(|| : missing)
    for (int64_t i = lo; i < hi; i++) {
        out[i - lo] = format(b, i);
        missing = missing || !out[i - lo].text;
    }
    if (!missing) return PS_OK;
    for (int64_t i = 0; i < hi - lo; i++) free(out[i].text), out[i].text = NULL;
    return ps_fail(PS_ENOMEM, "no memory for the text of %lld rows", (long long)(b->rows * (hi - lo)));
}

/** Format all blocks, keep the text of the first ones. */
static enum ps_status measure(const struct blocks *b, int64_t group, struct block *all, int64_t *bytes)
{
    *bytes = 0;
    for (int64_t lo = 0; lo < b->n; lo += group) {
        int64_t hi = lo + group < b->n ? lo + group : b->n;
        PS_TRY(format_group(b, lo, hi, all + lo));
        for (int64_t i = lo; i < hi; i++) {
            *bytes += all[i].bytes;
            char *fitting = *bytes <= KEEP ? realloc(all[i].text, (size_t)all[i].bytes + 1) : NULL;
            if (*bytes > KEEP) free(all[i].text);
            if (fitting || *bytes > KEEP) all[i].text = fitting;
        }
    }
    return PS_OK;
}

/** Write all blocks from offset `at` on. */
static enum ps_status write_all(const struct blocks *b, int64_t group, struct block *all,
                                const struct ps_outfile *f, int64_t at)
{
    for (int64_t lo = 0; lo < b->n; lo += group) {
        int64_t hi = lo + group < b->n ? lo + group : b->n;
        if (!all[hi - 1].text) {
            for (int64_t i = lo; i < hi; i++) free(all[i].text);
            PS_TRY(format_group(b, lo, hi, all + lo));
        }
        for (int64_t i = lo; i < hi; i++) {
            PS_TRY(ps_outfile_write(f, all[i].text, all[i].bytes, at));
            at += all[i].bytes;
            free(all[i].text);
            all[i].text = NULL;
        }
    }
    return PS_OK;
}

/** Blocks that are formatted at a time. */
static int64_t group_of(void)
{
    return 4 * (int64_t)omp_get_max_threads();
}

enum ps_status ps_textout_write(MPI_Comm comm, const char *path, const struct ps_textout *t)
{
    struct ps_outfile f;
    struct block *all = NULL;
    struct blocks b = cut(t);
    int64_t bytes = 0, at = 0;
    PS_TRY(ps_outfile_open(comm, path, false, &f));
    enum ps_status rc = ps_zalloc(&all, b.n, sizeof *all, "the text of rows");
    if (rc == PS_OK) rc = measure(&b, group_of(), all, &bytes);
    rc = ps_agree(comm, rc);
    if (rc == PS_OK) {
        MPI_Exscan(&bytes, &at, 1, MPI_INT64_T, MPI_SUM, comm);
        rc = write_all(&b, group_of(), all, &f, f.rank == 0 ? 0 : at);
    }
    for (int64_t i = 0; all && i < b.n; i++) free(all[i].text);
    free(all);
    return ps_outfile_close(&f, rc);
}

/** Give own text on: rank 0 prints it, others send it in messages of bounded size. */
static enum ps_status pass_on(MPI_Comm comm, int rank, FILE *f, const char *name, struct block *b)
{
    if (rank == 0) {
        if (fwrite(b->text, 1, (size_t)b->bytes, f) != (size_t)b->bytes)
            return ps_fail(PS_EIO, "%s: writing failed: %s", name, strerror(errno));
        return PS_OK;
    }
    for (int64_t at = 0; at < b->bytes; at += MESSAGE) {
        int n = (int)(b->bytes - at < MESSAGE ? b->bytes - at : MESSAGE);
        if (MPI_Send(b->text + at, n, MPI_BYTE, 0, TAG, comm) != MPI_SUCCESS)
            return ps_fail(PS_EMPI, "rank %d cannot send its text", rank);
    }
    return PS_OK;
}

static enum ps_status pass_all(MPI_Comm comm, int rank, FILE *f, const char *name, const struct ps_textout *t)
{
    struct blocks b = cut(t);
    struct block *some;
    int64_t group = group_of();
    PS_TRY(ps_zalloc(&some, group, sizeof *some, "the text of rows"));
    enum ps_status rc = PS_OK;
    for (int64_t lo = 0; lo < b.n && rc == PS_OK; lo += group) {
        int64_t hi = lo + group < b.n ? lo + group : b.n;
        rc = format_group(&b, lo, hi, some);
        for (int64_t i = 0; i < hi - lo; i++) {
            if (rc == PS_OK) rc = pass_on(comm, rank, f, name, &some[i]);
            free(some[i].text);
            some[i].text = NULL;
        }
    }
    free(some);
    return rc;
}

/** Rank 0: print what another rank sends, up to its empty message, whatever goes wrong here. */
static enum ps_status take_all(MPI_Comm comm, int from, FILE *f, const char *name, char *buffer)
{
    enum ps_status rc = PS_OK;
    for (int n = 1; n > 0;) {
        MPI_Status status;
        if (MPI_Recv(buffer, MESSAGE, MPI_BYTE, from, TAG, comm, &status) != MPI_SUCCESS)
            return ps_fail(PS_EMPI, "no text can be had from rank %d", from);
        MPI_Get_count(&status, MPI_BYTE, &n);
        if (rc == PS_OK && fwrite(buffer, 1, (size_t)n, f) != (size_t)n)
            rc = ps_fail(PS_EIO, "%s: writing failed: %s", name, strerror(errno));
    }
    return rc;
}

enum ps_status ps_textout_print(MPI_Comm comm, FILE *f, const char *name, const struct ps_textout *t)
{
    int rank, size;
    char *buffer = NULL;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    enum ps_status rc = ps_alloc(&buffer, rank == 0 ? MESSAGE : 0, 1, "text of other ranks");
    PS_TRY_DONE(ps_agree(comm, rc));
    rc = pass_all(comm, rank, f, name, t);
    if (rank > 0) MPI_Send(NULL, 0, MPI_BYTE, 0, TAG, comm);
    for (int r = 1; rank == 0 && r < size; r++) {
        enum ps_status one = take_all(comm, r, f, name, buffer);
        if (rc == PS_OK) rc = one;
    }
    if (rank == 0 && rc == PS_OK && fflush(f))
        rc = ps_fail(PS_EIO, "%s: writing failed: %s", name, strerror(errno));
    rc = ps_agree(comm, rc);
done:
    free(buffer);
    return rc;
}
