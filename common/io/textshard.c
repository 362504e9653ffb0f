/* Tables in text files: every rank parses the lines that begin in its part of the bytes; the rows then move
 * to the ranks that ps_block names, as lines are not equally long. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/format.h"
#include "common/io/infile.h"
#include "common/io/textparse.h"
#include "common/io/textwrite.h"
#include "common/par/exchange.h"
#include "common/run/err.h"

enum { HEAD = 1 << 16, HEAD_MAX = 1 << 26, PIECES_PER_THREAD = 8 };

/** A piece of a rank's text that one thread parses. */
struct piece {
    int64_t at, bytes;
    struct ps_text_count count, before; /**< before: in the pieces in front of it */
};

/** What a rank holds of a table. */
struct table {
    struct ps_text_form form;
    int64_t file_bytes;
    char *text; /**< own lines [begin, end); owned */
    int64_t begin, end;
    struct piece *pieces; /**< owned */
    int64_t npieces;
    struct ps_text_count mine, before, all; /**< before: on the ranks in front */
};

/** Printable, as far as the beginning shows. Other bytes from 128 on may be UTF-8 or Latin letters in names.
 */
static bool match(const unsigned char *head, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if ((head[i] < ' ' && !strchr("\t\n\r\f", head[i])) || head[i] == 0 || head[i] == 127) return false;
    return true;
}

/** Rank 0: find the form from the beginning of the file. */
static enum ps_status sniff(const char *path, struct table *t)
{
    struct ps_infile f;
    enum ps_status rc;
    char *head = NULL;
    enum ps_text_sniffed found = PS_TEXT_MORE;
    PS_TRY(ps_infile_open(path, &f));
    t->file_bytes = f.bytes;
    for (int64_t n = HEAD; found == PS_TEXT_MORE; n *= 16) {
        int64_t want = n < f.bytes ? n : f.bytes;
        PS_CHECK_DONE(n <= HEAD_MAX, PS_EINPUT, "%s: no row ends within the first %d bytes; is it a table?",
                      path, HEAD_MAX);
        free(head);
        PS_TRY_DONE(ps_alloc(&head, want + 1, 1, "the beginning of a text file"));
        PS_TRY_DONE(ps_infile_read(&f, head, want, 0));
        found = ps_text_sniff(head, want, want == f.bytes, &t->form);
    }
    PS_CHECK_DONE(found == PS_TEXT_OK, PS_EINPUT, "%s: holds no rows of numbers", path);
    rc = PS_OK;
done:
    free(head);
    ps_infile_close(&f);
    return rc;
}

/** Append what follows at offset `at` until a line ends. */
static enum ps_status finish_line(const struct ps_infile *f, int64_t at, struct table *t)
{
    while (at < f->bytes) {
        int64_t n = f->bytes - at < HEAD ? f->bytes - at : HEAD;
        char *larger = realloc(t->text, (size_t)(t->end + n));
        PS_CHECK(larger, PS_ENOMEM, "%s: no memory for a line of more than %lld bytes", f->path,
                 (long long)(t->end - t->begin));
        t->text = larger;
        PS_TRY(ps_infile_read(f, t->text + t->end, n, at));
        const char *lf = memchr(t->text + t->end, '\n', (size_t)n);
        t->end = lf ? lf - t->text + 1 : t->end + n;
        if (lf) break;
        at += n;
    }
    return PS_OK;
}

/** Read the lines that begin in this rank's part of the bytes. */
static enum ps_status load(MPI_Comm comm, const char *path, struct table *t)
{
    int rank, size;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    struct ps_range part = ps_block(t->file_bytes - t->form.data_at, size, rank);
    part.lo += t->form.data_at;
    part.hi += t->form.data_at;
    if (part.lo == part.hi) return PS_OK;
    struct ps_infile f;
    int64_t from =
        part.lo - (part.lo > t->form.data_at); /* the byte before tells whether a line begins at lo */
    PS_TRY(ps_alloc(&t->text, part.hi - from, 1, "this rank's part of a text file"));
    PS_TRY(ps_infile_open(path, &f));
    enum ps_status rc = ps_infile_read(&f, t->text, part.hi - from, from);
    t->end = part.hi - from;
    if (rc == PS_OK && part.lo > t->form.data_at) {
        const char *lf = memchr(t->text, '\n', (size_t)t->end);
        t->begin = lf ? lf - t->text + 1 : t->end;
    }
    bool begun = t->begin < t->end && t->text[t->end - 1] != '\n';
    if (rc == PS_OK && begun) rc = finish_line(&f, part.hi, t);
    ps_infile_close(&f);
    return rc;
}

/** Cut own text at ends of lines, and count each piece's lines and rows. */
static enum ps_status count(MPI_Comm comm, struct table *t)
{
    int64_t n = t->end - t->begin, want = (int64_t)omp_get_max_threads() * PIECES_PER_THREAD, at = t->begin;
    if (n < 1 << 16) want = 1;
    PS_TRY(ps_agree(comm, ps_zalloc(&t->pieces, want, sizeof *t->pieces, "pieces of text")));
    for (int64_t i = 0; i < want && at < t->end; i++) {
        int64_t stop = t->begin + ps_block(n, want, i).hi;
        if (stop <= at) continue;
        const char *lf = memchr(t->text + stop - 1, '\n', (size_t)(t->end - stop + 1));
        stop = lf ? lf - t->text + 1 : t->end;
        t->pieces[t->npieces++] = (struct piece){.at = at, .bytes = stop - at};
        at = stop;
    }
#pragma omp parallel for schedule(dynamic)
    for (int64_t i = 0; i < t->npieces; i++)
        t->pieces[i].count = ps_text_count(t->text + t->pieces[i].at, t->pieces[i].bytes);
    for (int64_t i = 0; i < t->npieces; i++) {
        t->pieces[i].before = t->mine;
        t->mine.lines += t->pieces[i].count.lines;
        t->mine.rows += t->pieces[i].count.rows;
    }
    int rank;
    MPI_Comm_rank(comm, &rank);
    MPI_Exscan(&t->mine, &t->before, 2, MPI_INT64_T, MPI_SUM, comm);
    MPI_Allreduce(&t->mine, &t->all, 2, MPI_INT64_T, MPI_SUM, comm);
    if (rank == 0) t->before = (struct ps_text_count){0, 0};
    return PS_OK;
}

/** Find the form, read own lines and count them. Collective over comm. */
static enum ps_status open_table(MPI_Comm comm, const char *path, struct table *t)
{
    int rank;
    MPI_Comm_rank(comm, &rank);
    *t = (struct table){0};
    enum ps_status rc = rank == 0 ? sniff(path, t) : PS_OK;
    PS_TRY(ps_agree(comm, rc));
    MPI_Bcast(&t->form, sizeof t->form, MPI_BYTE, 0, comm);
    MPI_Bcast(&t->file_bytes, 1, MPI_INT64_T, 0, comm);
    PS_TRY(ps_agree(comm, load(comm, path, t)));
    return count(comm, t);
}

static void close_table(struct table *t)
{
    free(t->text);
    free(t->pieces);
}

/** A table of one column is a list. */
static int64_t shape_cols(const struct table *t)
{
    return t->form.cols == 1 ? 0 : t->form.cols;
}

static enum ps_status info(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard_info *out)
{
    (void)dataset; /* a text file holds one table without a name */
    struct table t;
    enum ps_status rc = open_table(comm, path, &t);
    if (rc == PS_OK) {
        const char *by = t.form.separator == ' '   ? "blanks"
                         : t.form.separator == ';' ? "semicolons"
                                                   : "commas";
        out->rows = t.all.rows;
        out->cols = shape_cols(&t);
        out->type = PS_F64;
        out->file_bytes = t.file_bytes;
        snprintf(out->storage, sizeof out->storage, "lines, separated by %s%s", by,
                 t.form.header ? ", header line" : "");
    }
    close_table(&t);
    return rc;
}

/** Parse own lines. Local. */
static enum ps_status parse(const char *path, const struct table *t, double *rows)
{
    int64_t bad = t->npieces;
    struct ps_text_error first = {.wrong = PS_TEXT_FINE};
#pragma omp parallel for schedule(dynamic)
    for (int64_t i = 0; i < t->npieces; i++) {
        const struct piece *p = &t->pieces[i];
        struct ps_text_error e =
            ps_text_parse(t->text + p->at, p->bytes, &t->form, rows + p->before.rows * t->form.cols);
#pragma omp critical(ps_text_error)
        if (e.wrong != PS_TEXT_FINE && i < bad) {
            bad = i;
            first = e;
        }
    }
    if (first.wrong == PS_TEXT_FINE) return PS_OK;
    char text[256];
    int64_t line = t->form.lines + t->before.lines + t->pieces[bad].before.lines + first.line + 1;
    ps_text_explain(&first, &t->form, line, text, sizeof text);
    return ps_fail(PS_EINPUT, "%s: %s", path, text);
}

/** Move parsed rows to the ranks that own them. Collective over comm. */
static enum ps_status move_rows(MPI_Comm comm, const struct table *t, double *rows, struct ps_shard *out)
{
    int size;
    MPI_Comm_size(comm, &size);
    struct ps_exchange x;
    int64_t *send = NULL, lo = t->before.rows, hi = lo + t->mine.rows;
    PS_TRY(ps_agree(comm, ps_zalloc(&send, size, sizeof *send, "counts per rank")));
    for (int r = 0; r < size; r++) {
        struct ps_range to = ps_block(t->all.rows, size, r);
        int64_t from = to.lo > lo ? to.lo : lo, upto = to.hi < hi ? to.hi : hi;
        send[r] = upto > from ? upto - from : 0;
    }
    enum ps_status rc = ps_exchange_make(comm, send, &x);
    free(send);
    PS_TRY(rc);
    rc = ps_exchange_run(&x, rows, out->data, (size_t)t->form.cols * sizeof(double));
    ps_exchange_free(&x);
    return rc;
}

static enum ps_status read_shard(MPI_Comm comm, const char *path, const char *dataset, struct ps_shard *out)
{
    (void)dataset;
    int size;
    struct table t;
    double *rows = NULL;
    MPI_Comm_size(comm, &size);
    enum ps_status rc = open_table(comm, path, &t);
    if (rc != PS_OK) goto done;
    rc = ps_shard_alloc(comm, t.all.rows, shape_cols(&t), PS_F64, out);
    if (rc == PS_OK && size > 1)
        rc = ps_alloc(&rows, (t.mine.rows ? t.mine.rows : 1) * t.form.cols, sizeof *rows,
                      "the rows of a text file");
    if (rc == PS_OK) rc = parse(path, &t, size > 1 ? rows : out->data);
    PS_TRY_DONE(ps_agree(comm, rc));
    if (size > 1) rc = move_rows(comm, &t, rows, out);
done:
    free(rows);
    close_table(&t);
    return rc;
}

const struct ps_format ps_format_text = {.name = "text",
                                         .suffixes = " .csv .tsv .txt .dat ",
                                         .match = match,
                                         .info = info,
                                         .read = read_shard,
                                         .write = ps_text_write};
