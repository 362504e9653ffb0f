#include "apps/pisvm/predict_text.h"

#include <stdlib.h>
#include <string.h>
#include "common/io/number.h"
#include "common/run/err.h"

enum { BLOCK = 512 /* rows */, DIGITS = 6, VALUE_DIGITS = 9 };

/** The lines of rows [lo, hi) of a chunk. */
typedef int64_t formatter(const struct predict_job *job, const struct predict_chunk *c, int64_t lo,
                          int64_t hi, char *out);

static int64_t format_results(const struct predict_job *job, const struct predict_chunk *c, int64_t lo,
                              int64_t hi, char *out)
{
    const struct svm_model *m = job->model->m;
    bool values = m->type >= SVM_EPSILON_SVR;
    char *at = out;
    for (int64_t i = lo; i < hi; i++) {
        /* labels are whole numbers and stay whole, beyond the six digits of %g too */
        at +=
            values ? ps_number_format_g(c->result[i], DIGITS, at) : ps_number_format_g(c->result[i], 10, at);
        for (int k = 0; c->probability && k < m->nclass; k++) {
            *at++ = ' ';
            at += ps_number_format_g(c->probability[i * m->nclass + k], DIGITS, at);
        }
        *at++ = '\n';
    }
    return at - out;
}

static int64_t format_values(const struct predict_job *job, const struct predict_chunk *c, int64_t lo,
                             int64_t hi, char *out)
{
    char *at = out;
    int64_t pairs = job->model->check.pairs;
    for (int64_t i = lo; i < hi; i++)
        for (int64_t p = 0; p < pairs; p++) {
            at += ps_number_format_g(c->value[i * job->model->stride + p], VALUE_DIGITS, at);
            *at++ = p + 1 < pairs ? ' ' : '\n';
        }
    return at - out;
}

/** @param numbers in a line, at most */
static enum ps_status add(const struct predict_job *job, const struct predict_chunk *c, int64_t numbers,
                          formatter *format, struct predict_text *t)
{
    int64_t rows = c->hi - c->lo, n = (rows + BLOCK - 1) / BLOCK;
    bool missing = false;
    if (t->n + n > t->room) {
        int64_t room = 2 * (t->n + n);
        struct predict_block *larger = realloc(t->block, (size_t)room * sizeof *larger);
        PS_CHECK(larger, PS_ENOMEM, "no memory for the text of predictions");
        t->block = larger;
        t->room = room;
    }
#pragma omp parallel for schedule(dynamic) reduction(|| : missing)
    for (int64_t b = 0; b < n; b++) {
        int64_t lo = b * BLOCK, hi = lo + BLOCK < rows ? lo + BLOCK : rows;
        struct predict_block *out = &t->block[t->n + b];
        *out = (struct predict_block){malloc((size_t)((hi - lo) * (numbers + 1) * PS_NUMBER_TEXT)), 0};
        missing = missing || !out->data;
        if (!out->data) continue;
        out->bytes = format(job, c, lo, hi, out->data);
        char *fitting = realloc(out->data, (size_t)out->bytes + 1);
        if (fitting) out->data = fitting;
    }
    t->n += n;
    PS_CHECK(!missing, PS_ENOMEM, "no memory for the text of predictions");
    return PS_OK;
}

enum ps_status predict_text_add(const struct predict_job *job, const struct predict_chunk *c,
                                struct predict_text *t)
{
    return add(job, c, 1 + (c->probability ? job->model->m->nclass : 0), format_results, t);
}

enum ps_status predict_text_add_values(const struct predict_job *job, const struct predict_chunk *c,
                                       struct predict_text *t)
{
    return add(job, c, job->model->check.pairs, format_values, t);
}

void predict_text_free(struct predict_text *t)
{
    for (int64_t i = 0; i < t->n; i++) free(t->block[i].data);
    free(t->block);
    *t = (struct predict_text){0};
}

enum ps_status predict_text_write(struct ps_outfile *f, const char *first, const struct predict_text *t,
                                  enum ps_status rc)
{
    int64_t bytes = 0, at = 0, head = first ? (int64_t)strlen(first) : 0;
    for (int64_t i = 0; i < t->n; i++) bytes += t->block[i].bytes;
    MPI_Exscan(&bytes, &at, 1, MPI_INT64_T, MPI_SUM, f->comm);
    if (f->rank == 0) at = 0;
    if (rc == PS_OK && f->rank == 0 && head) rc = ps_outfile_write(f, first, head, 0);
    at += head;
    for (int64_t i = 0; rc == PS_OK && i < t->n; i++) {
        rc = ps_outfile_write(f, t->block[i].data, t->block[i].bytes, at);
        at += t->block[i].bytes;
    }
    return ps_outfile_close(f, rc);
}
