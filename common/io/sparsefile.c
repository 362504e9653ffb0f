#include "common/io/sparsefile.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/infile.h"
#include "common/io/number.h"
#include "common/io/sparseparse.h"
#include "common/io/textlines.h"
#include "common/io/textout.h"
#include "common/run/err.h"

_Static_assert((int)PS_TEXTLINES_PAD >= (int)PS_SPARSE_PAD, "the parser looks ahead");

/** Own lines, and what is in front of each of their pieces on this rank. */
struct source {
    struct ps_textlines lines;
    struct ps_sparse_count *before; /**< [pieces + 1], the last one: all; owned */
};

/** Count own pieces. Local. */
static enum ps_status count(struct source *s)
{
    int64_t n = s->lines.pieces;
    PS_TRY(ps_zalloc(&s->before, n + 1, sizeof *s->before, "counts of rows"));
#pragma omp parallel for schedule(dynamic)
    for (int64_t i = 0; i < n; i++)
        s->before[i + 1] = ps_sparse_count(s->lines.text + s->lines.piece[i].lo,
                                           s->lines.piece[i].hi - s->lines.piece[i].lo);
    for (int64_t i = 0; i < n; i++) {
        s->before[i + 1].lines += s->before[i].lines;
        s->before[i + 1].rows += s->before[i].rows;
        s->before[i + 1].entries += s->before[i].entries;
    }
    return PS_OK;
}

/** Parse own pieces. Local. */
static enum ps_status parse(const char *path, const struct source *s, struct ps_sparse *out)
{
    int64_t bad = s->lines.pieces, cols = 0;
    struct ps_sparse_error first = {.wrong = PS_SPARSE_FINE};
#pragma omp parallel for schedule(dynamic) reduction(max : cols)
    for (int64_t i = 0; i < s->lines.pieces; i++) {
        struct ps_range p = s->lines.piece[i];
        int64_t row = s->before[i].rows;
        struct ps_sparse_rows rows = {.label = out->label + row,
                                      .end = out->start + row + 1,
                                      .first = s->before[i].entries,
                                      .index = out->index,
                                      .value = out->value};
        struct ps_sparse_error e = ps_sparse_parse(s->lines.text + p.lo, p.hi - p.lo, &rows);
        if (rows.cols > cols) cols = rows.cols;
        if (e.wrong == PS_SPARSE_FINE) continue;
#pragma omp critical(ps_sparse_error)
        if (i < bad) {
            bad = i;
            first = e;
        }
    }
    out->cols = cols;
    if (first.wrong == PS_SPARSE_FINE) return PS_OK;
    char text[256];
    ps_sparse_explain(&first, out->first_line + s->before[bad].lines + first.line, text, sizeof text);
    return ps_fail(PS_EINPUT, "%s: %s", path, text);
}

/** Number own rows and lines, and make room for them. Collective over comm. */
static enum ps_status place(MPI_Comm comm, const char *path, const struct source *s, struct ps_sparse *out)
{
    struct ps_sparse_count mine = s->before[s->lines.pieces], before = {0, 0, 0};
    int rank;
    MPI_Comm_rank(comm, &rank);
    MPI_Exscan(&mine, &before, 2, MPI_INT64_T, MPI_SUM, comm);
    if (rank == 0) before = (struct ps_sparse_count){0, 0, 0};
    MPI_Allreduce(&mine.rows, &out->rows, 1, MPI_INT64_T, MPI_SUM, comm);
    out->mine = (struct ps_range){before.rows, before.rows + mine.rows};
    out->first_line = before.lines + 1;
    out->first_byte = s->lines.at;
    PS_CHECK(out->rows > 0, PS_EINPUT, "%s: holds no rows%s", path,
             s->lines.file_bytes ? "" : "; the file is empty");
    enum ps_status rc = ps_alloc(&out->label, mine.rows, sizeof *out->label, "the labels of rows");
    if (rc == PS_OK) rc = ps_alloc(&out->start, mine.rows + 1, sizeof *out->start, "the rows of a text file");
    if (rc == PS_OK) rc = ps_alloc(&out->index, mine.entries, sizeof *out->index, "the indices of rows");
    if (rc == PS_OK) rc = ps_alloc(&out->value, mine.entries, sizeof *out->value, "the values of rows");
    if (rc == PS_OK) out->start[0] = 0;
    return rc;
}

enum ps_status ps_sparse_read(MPI_Comm comm, const char *path, struct ps_sparse *out)
{
    struct source s = {0};
    *out = (struct ps_sparse){0};
    enum ps_status rc = ps_textlines_read(comm, path, &s.lines);
    if (rc != PS_OK) return rc;
    PS_TRY_DONE(ps_agree(comm, count(&s)));
    PS_TRY_DONE(ps_agree(comm, place(comm, path, &s, out)));
    PS_TRY_DONE(ps_agree(comm, parse(path, &s, out)));
    MPI_Allreduce(MPI_IN_PLACE, &out->cols, 1, MPI_INT64_T, MPI_MAX, comm);
done:
    ps_textlines_free(&s.lines);
    free(s.before);
    if (rc != PS_OK) ps_sparse_free(out);
    return rc;
}

int64_t ps_sparse_line(const char *path, const struct ps_sparse *s, int64_t own_row)
{
    enum { STEP = 1 << 16 };
    char text[STEP];
    struct ps_infile f;
    int64_t line = s->first_line, row = -1, n = 0;
    bool begun = false; /* something other than blanks and a comment stands in this line */
    bool nothing = false;
    if (ps_infile_open(path, &f) != PS_OK) return 0;
    for (int64_t at = s->first_byte; (n = ps_pread_all(f.fd, text, STEP, at)) > 0; at += n)
        for (int64_t i = 0; i < n; i++) {
            char c = text[i];
            if (c == '\n') {
                begun = nothing = false;
                line++;
            } else if (!begun && !nothing && !strchr(" \t\r", c)) {
                nothing = c == '#';
                begun = !nothing;
                if (begun && ++row == own_row) {
                    ps_infile_close(&f);
                    return line;
                }
            }
        }
    ps_infile_close(&f);
    return 0;
}

/** An index in front of its value. */
static int format_index(int64_t index, char *out)
{
    char digits[24];
    int n = 0, len = 0;
    for (; index > 0; index /= 10) digits[n++] = (char)('0' + index % 10);
    out[len++] = ' ';
    while (n) out[len++] = digits[--n];
    out[len++] = ':';
    return len;
}

static int64_t room(const void *context, int64_t lo, int64_t hi)
{
    const struct ps_sparse *s = context;
    return (hi - lo) * (PS_NUMBER_TEXT + 1) + (s->start[hi] - s->start[lo]) * (PS_NUMBER_TEXT + 12);
}

static int64_t format(const void *context, int64_t lo, int64_t hi, char *out)
{
    const struct ps_sparse *s = context;
    char *at = out;
    for (int64_t i = lo; i < hi; i++) {
        at += ps_number_format(s->label[i], at);
        for (int64_t k = s->start[i]; k < s->start[i + 1]; k++) {
            if (s->value[k] == 0) continue;
            at += format_index((int64_t)s->index[k] + 1, at);
            at += ps_number_format(s->value[k], at);
        }
        *at++ = '\n';
    }
    return at - out;
}

enum ps_status ps_sparse_write(MPI_Comm comm, const char *path, const struct ps_sparse *s)
{
    const struct ps_textout t = {
        .rows = s->mine.hi - s->mine.lo, .context = s, .room = room, .format = format};
    return ps_textout_write(comm, path, &t);
}

void ps_sparse_free(struct ps_sparse *s)
{
    free(s->label);
    free(s->start);
    free(s->index);
    free(s->value);
    *s = (struct ps_sparse){0};
}
