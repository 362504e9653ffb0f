#include "common/io/textlines.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/infile.h"
#include "common/run/err.h"

enum { STEP = 1 << 16, PIECE = 1 << 18, PIECES_PER_THREAD = 8 };

/** What is read so far. */
struct buffer {
    char *data;
    int64_t begin, end; /**< of the lines in it */
    int64_t room;
};

/** Room for n more bytes, the end of the last line, and what parsers look at behind it. */
static enum ps_status make_room(const char *path, struct buffer *b, int64_t n)
{
    int64_t need = b->end + n + 1 + PS_TEXTLINES_PAD;
    if (need <= b->room) return PS_OK;
    char *larger = realloc(b->data, (size_t)need);
    PS_CHECK(larger, PS_ENOMEM, "%s: no memory for %lld bytes of text", path, (long long)(b->end + n));
    b->data = larger;
    b->room = need;
    return PS_OK;
}

/** Append what follows at offset `at` of the file until a line ends. */
static enum ps_status finish_line(const struct ps_infile *f, int64_t at, struct buffer *b)
{
    for (int64_t step = STEP; at < f->bytes; step *= 2) {
        int64_t n = f->bytes - at < step ? f->bytes - at : step;
        PS_TRY(make_room(f->path, b, n));
        PS_TRY(ps_infile_read(f, b->data + b->end, n, at));
        const char *lf = memchr(b->data + b->end, '\n', (size_t)n);
        b->end = lf ? lf - b->data + 1 : b->end + n;
        if (lf) break;
        at += n;
    }
    return PS_OK;
}

/** Read the lines that begin in `part`. */
static enum ps_status load(const struct ps_infile *f, struct ps_range part, struct buffer *b)
{
    int64_t from = part.lo - (part.lo > 0), n = part.hi - from;
    if (part.lo == part.hi) n = 0;
    b->room = n + STEP + 1 + PS_TEXTLINES_PAD; /* most lines end within a step */
    PS_TRY(ps_alloc(&b->data, b->room, 1, "this rank's part of a text file"));
    PS_TRY(ps_infile_read(f, b->data, n, from));
    b->end = n;
    if (n > 0 && part.lo > 0) { /* the byte before tells whether a line begins at lo */
        const char *lf = memchr(b->data, '\n', (size_t)n);
        b->begin = lf ? lf - b->data + 1 : n;
    }
    if (b->begin < b->end && b->data[b->end - 1] != '\n') PS_TRY(finish_line(f, part.hi, b));
    if (part.lo == 0 && b->end >= 3 && !memcmp(b->data, "\xef\xbb\xbf", 3)) b->begin = 3;
    if (b->begin < b->end && b->data[b->end - 1] != '\n') b->data[b->end++] = '\n';
    memset(b->data + b->end, '\n', PS_TEXTLINES_PAD);
    return PS_OK;
}

/** Cut the text at ends of lines. */
static enum ps_status cut(struct ps_textlines *t)
{
    int64_t want = (int64_t)omp_get_max_threads() * PIECES_PER_THREAD, at = 0;
    if (want > t->bytes / PIECE + 1) want = t->bytes / PIECE + 1;
    PS_TRY(ps_alloc(&t->piece, want, sizeof *t->piece, "pieces of text"));
    for (int64_t i = 0; i < want && at < t->bytes; i++) {
        int64_t stop = ps_block(t->bytes, want, i).hi;
        if (stop <= at) continue;
        const char *lf = memchr(t->text + stop - 1, '\n', (size_t)(t->bytes - stop + 1));
        stop = lf - t->text + 1; /* there is one: the text ends in it */
        t->piece[t->pieces++] = (struct ps_range){at, stop};
        at = stop;
    }
    return PS_OK;
}

enum ps_status ps_textlines_read(MPI_Comm comm, const char *path, struct ps_textlines *out)
{
    int rank, size;
    struct ps_infile f;
    struct ps_range part;
    struct buffer b = {0};
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    *out = (struct ps_textlines){0};
    enum ps_status rc = ps_infile_open(path, &f);
    PS_TRY_DONE(ps_agree(comm, rc));
    MPI_Bcast(&f.bytes, 1, MPI_INT64_T, 0, comm); /* a file that grows must not be cut in two ways */
    part = ps_block(f.bytes, size, rank);
    rc = load(&f, part, &b);
    *out = (struct ps_textlines){.buffer = b.data,
                                 .text = b.data ? b.data + b.begin : NULL,
                                 .bytes = b.end - b.begin,
                                 .at = part.lo - (part.lo > 0) + b.begin,
                                 .file_bytes = f.bytes};
    if (rc == PS_OK) rc = cut(out);
    rc = ps_agree(comm, rc);
done:
    ps_infile_close(&f);
    if (rc != PS_OK) ps_textlines_free(out);
    return rc;
}

void ps_textlines_free(struct ps_textlines *t)
{
    free(t->buffer);
    free(t->piece);
    *t = (struct ps_textlines){0};
}
