/* A model file read by all ranks: the head by each of them, the lines of support vectors in parts. */
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_modelparse.h"
#include "common/io/infile.h"
#include "common/io/textlines.h"
#include "common/par/message.h"
#include "common/run/err.h"

enum { HEAD = 1 << 16, HEAD_MAX = 1 << 30 };

/** A model that is being read. */
struct reader {
    MPI_Comm comm;
    const char *path;
    struct svm_model *m;
    struct svm_head head;
    int64_t vectors_at; /**< offset in the file */
    bool ended;         /**< the last line of the file has its end */
    struct ps_textlines lines;
    struct svm_vector_count *before; /**< [pieces + 1] in front of each piece, on ranks in front too; owned */
    struct svm_vector_count *of;     /**< [size + 1] in front of each rank; owned */
    double *coef;                    /**< [sv][nclass - 1] as in the file; owned */
};

static enum ps_status say(const char *path, const struct svm_parse_error *e, int64_t lines_before)
{
    if (e->line == 0) return ps_fail(PS_EINPUT, "%s: %s", path, e->text);
    return ps_fail(PS_EINPUT, "%s: line %lld: %s", path, (long long)(lines_before + e->line), e->text);
}

static enum ps_status parse_head(struct reader *r, const char *text, int64_t n, bool complete, bool *more)
{
    struct svm_parse_error e;
    switch (svm_head_parse(text, n, complete, r->m, &r->head, &e)) {
    case SVM_PARSE_WRONG:
        return say(r->path, &e, 0);
    case SVM_PARSE_ENOMEM:
        return ps_fail(PS_ENOMEM, "%s: no memory for the head of a model", r->path);
    case SVM_PARSE_MORE:
        *more = true;
        return PS_OK;
    default:
        *more = false;
        return PS_OK;
    }
}

/** Rank 0: read and parse the head.
 * @param text out: the head, owned by the caller */
static enum ps_status find_head(struct reader *r, char **text)
{
    struct ps_infile f;
    char last = '\n';
    bool more = true;
    PS_TRY(ps_infile_open(r->path, &f));
    enum ps_status rc = PS_OK;
    for (int64_t n = HEAD; more; n *= 8) {
        int64_t want = n < f.bytes ? n : f.bytes;
        PS_CHECK_DONE(n <= HEAD_MAX, PS_EINPUT, "%s: no line 'SV' within the first %d bytes; is it a model?",
                      r->path, HEAD_MAX / 8);
        free(*text);
        PS_TRY_DONE(ps_alloc(text, want + 1, 1, "the head of a model"));
        PS_TRY_DONE(ps_infile_read(&f, *text, want, 0));
        int64_t mark = want >= 3 && !memcmp(*text, "\xef\xbb\xbf", 3) ? 3 : 0; /* of UTF-8 */
        PS_TRY_DONE(parse_head(r, *text + mark, want - mark, want == f.bytes, &more));
        memmove(*text, *text + mark, (size_t)(want - mark));
        r->vectors_at = mark + r->head.bytes;
    }
    if (f.bytes) rc = ps_infile_read(&f, &last, 1, f.bytes - 1);
    r->ended = last == '\n';
done:
    ps_infile_close(&f);
    return rc;
}

/** All ranks get the head. Collective over r->comm. */
static enum ps_status read_head(struct reader *r)
{
    int rank;
    char *text = NULL;
    bool more;
    MPI_Comm_rank(r->comm, &rank);
    enum ps_status rc = ps_agree(r->comm, rank == 0 ? find_head(r, &text) : PS_OK);
    PS_TRY_DONE(rc);
    int64_t place[3] = {r->head.bytes, r->vectors_at, r->ended};
    MPI_Bcast(place, 3, MPI_INT64_T, 0, r->comm);
    r->vectors_at = place[1];
    r->ended = place[2];
    if (rank != 0) rc = ps_alloc(&text, place[0], 1, "the head of a model");
    PS_TRY_DONE(ps_agree(r->comm, rc));
    MPI_Bcast(text, (int)place[0], MPI_CHAR, 0, r->comm);
    if (rank != 0) rc = parse_head(r, text, place[0], true, &more);
    rc = ps_agree(r->comm, rc);
done:
    free(text);
    return rc;
}

/** The part of a piece that holds support vectors. */
static struct ps_range vectors_of(const struct reader *r, int64_t piece)
{
    struct ps_range p = r->lines.piece[piece];
    int64_t from = r->vectors_at - r->lines.at;
    if (p.lo < from) p.lo = from < p.hi ? from : p.hi;
    return p;
}

/** Count own support vectors and number them. Collective over r->comm. */
static enum ps_status count(struct reader *r)
{
    int size, rank;
    MPI_Comm_size(r->comm, &size);
    MPI_Comm_rank(r->comm, &rank);
    int64_t n = r->lines.pieces;
    enum ps_status rc = ps_zalloc(&r->before, n + 1, sizeof *r->before, "counts of support vectors");
    if (rc == PS_OK) rc = ps_zalloc(&r->of, size + 1, sizeof *r->of, "counts of support vectors");
    PS_TRY(ps_agree(r->comm, rc));
    struct svm_vector_count mine = {0, 0, 0};
#pragma omp parallel for schedule(dynamic)
    for (int64_t i = 0; i < n; i++) {
        struct ps_range p = vectors_of(r, i);
        r->before[i] = svm_vectors_count(r->lines.text + p.lo, p.hi - p.lo);
    }
    for (int64_t i = 0; i < n; i++) {
        mine.lines += r->before[i].lines;
        mine.vectors += r->before[i].vectors;
        mine.entries += r->before[i].entries;
    }
    MPI_Allgather(&mine, 3, MPI_INT64_T, r->of + 1, 3, MPI_INT64_T, r->comm);
    for (int i = 0; i < size; i++) {
        r->of[i + 1].lines += r->of[i].lines;
        r->of[i + 1].vectors += r->of[i].vectors;
        r->of[i + 1].entries += r->of[i].entries;
    }
    struct svm_vector_count at = r->of[rank];
    for (int64_t i = 0; i <= n; i++) { /* counts become what is in front */
        struct svm_vector_count here = r->before[i];
        r->before[i] = at;
        at.lines += here.lines;
        at.vectors += here.vectors;
        at.entries += here.entries;
    }
    return PS_OK;
}

/** Do the counts fit the head? The same on all ranks. */
static enum ps_status check(const struct reader *r)
{
    int size;
    MPI_Comm_size(r->comm, &size);
    int64_t there = r->of[size].vectors;
    PS_CHECK(there >= r->m->sv, PS_EINPUT,
             "%s: line %lld: truncated: total_sv is %lld, but %lld support vectors are there", r->path,
             (long long)(r->head.lines + r->of[size].lines), (long long)r->m->sv, (long long)there);
    PS_CHECK(there == r->m->sv, PS_EINPUT,
             "%s: line %lld: total_sv is %lld, but %lld support vectors are there", r->path,
             (long long)(r->head.lines + r->of[size].lines), (long long)r->m->sv, (long long)there);
    PS_CHECK(r->ended || there == 0, PS_EINPUT, "%s: line %lld: truncated: the last line has no end", r->path,
             (long long)(r->head.lines + r->of[size].lines));
    return PS_OK;
}

static enum ps_status make_room(struct reader *r, int64_t entries)
{
    struct svm_model *m = r->m;
    PS_CHECK(m->nclass < 2 || m->sv <= INT64_MAX / 8 / (m->nclass - 1), PS_ENOMEM,
             "%s: no memory for the coefficients", r->path);
    PS_TRY(ps_alloc(&r->coef, m->sv * (m->nclass - 1), sizeof *r->coef, "the coefficients of a model"));
    PS_TRY(ps_alloc(&m->coef, m->sv * (m->nclass - 1), sizeof *m->coef, "the coefficients of a model"));
    PS_TRY(ps_zalloc(&m->start, m->sv + 1, sizeof *m->start, "the support vectors"));
    PS_TRY(ps_alloc(&m->index, entries, sizeof *m->index, "the indices of support vectors"));
    return ps_alloc(&m->value, entries, sizeof *m->value, "the values of support vectors");
}

/** Parse own support vectors to where they stand in the whole. Local. */
static enum ps_status parse(struct reader *r)
{
    struct svm_model *m = r->m;
    int64_t bad = r->lines.pieces, cols = 0;
    struct svm_parse_error first = {0};
#pragma omp parallel for schedule(dynamic) reduction(max : cols)
    for (int64_t i = 0; i < r->lines.pieces; i++) {
        struct ps_range p = vectors_of(r, i);
        struct svm_parse_error e;
        int64_t v = r->before[i].vectors;
        struct svm_vectors out = {.ncoef = m->nclass - 1,
                                  .coef = r->coef + v * (m->nclass - 1),
                                  .end = m->start + v + 1,
                                  .first = r->before[i].entries,
                                  .index = m->index,
                                  .value = m->value};
        bool fine = svm_vectors_parse(r->lines.text + p.lo, p.hi - p.lo, &out, &e);
        if (out.cols > cols) cols = out.cols;
        if (fine) continue;
#pragma omp critical(svm_parse_error)
        if (i < bad) {
            bad = i;
            first = e;
        }
    }
    m->cols = cols;
    return bad == r->lines.pieces ? PS_OK : say(r->path, &first, r->head.lines + r->before[bad].lines);
}

/** All ranks get all of an array; parts of the ranks follow each other. Collective over r->comm.
 * @param entries cut by entries, not by support vectors
 * @param item bytes of what belongs to one of them */
static enum ps_status share(const struct reader *r, void *array, bool entries, size_t item)
{
    int size;
    MPI_Comm_size(r->comm, &size);
    for (int i = 0; i < size; i++) {
        int64_t lo = entries ? r->of[i].entries : r->of[i].vectors;
        int64_t hi = entries ? r->of[i + 1].entries : r->of[i + 1].vectors;
        struct ps_message message;
        if (lo == hi) continue;
        PS_TRY(ps_message_make((hi - lo) * (int64_t)item, &message));
        int rc = MPI_Bcast((char *)array + (size_t)lo * item, message.count, message.type, i, r->comm);
        ps_message_free(&message);
        PS_CHECK(rc == MPI_SUCCESS, PS_EMPI, "%s: the ranks could not exchange support vectors", r->path);
    }
    return PS_OK;
}

static enum ps_status share_all(struct reader *r)
{
    struct svm_model *m = r->m;
    size_t coefs = (size_t)(m->nclass - 1) * sizeof *r->coef;
    enum ps_status rc = coefs ? share(r, r->coef, false, coefs) : PS_OK;
    if (rc == PS_OK) rc = share(r, m->start + 1, false, sizeof *m->start);
    if (rc == PS_OK) rc = share(r, m->index, true, sizeof *m->index);
    if (rc == PS_OK) rc = share(r, m->value, true, sizeof *m->value);
    MPI_Allreduce(MPI_IN_PLACE, &m->cols, 1, MPI_INT64_T, MPI_MAX, r->comm);
#pragma omp parallel for schedule(static)
    for (int64_t s = 0; s < m->sv; s++)
        for (int64_t t = 0; t < m->nclass - 1; t++) m->coef[t * m->sv + s] = r->coef[s * (m->nclass - 1) + t];
    return rc;
}

enum ps_status svm_model_read(MPI_Comm comm, const char *path, struct svm_model *out)
{
    int size;
    struct reader r = {.comm = comm, .path = path, .m = out};
    MPI_Comm_size(comm, &size);
    *out = (struct svm_model){0};
    enum ps_status rc = read_head(&r);
    PS_TRY_DONE(rc);
    PS_TRY_DONE(ps_textlines_read(comm, path, &r.lines));
    PS_TRY_DONE(count(&r));
    PS_TRY_DONE(ps_agree(comm, check(&r)));
    PS_TRY_DONE(ps_agree(comm, make_room(&r, r.of[size].entries)));
    PS_TRY_DONE(ps_agree(comm, parse(&r)));
    rc = share_all(&r);
done:
    ps_textlines_free(&r.lines);
    free(r.before);
    free(r.of);
    free(r.coef);
    if (rc != PS_OK) svm_model_free(out);
    return rc;
}
