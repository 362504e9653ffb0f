/** Text of predictions, kept in blocks until all ranks know where theirs go. */
#ifndef PREDICT_TEXT_H
#define PREDICT_TEXT_H

#include "apps/pisvm/predict_rows.h"
#include "common/io/outfile.h"

struct predict_block {
    char *data; /**< owned */
    int64_t bytes;
};

/** Own lines, in order. */
struct predict_text {
    struct predict_block *block; /**< [n]; owned */
    int64_t n, room;
};

/** Append a chunk's lines: labels or values, with probabilities where there are any. Local; uses all
 * threads. @return PS_OK; PS_ENOMEM */
enum ps_status predict_text_add(const struct predict_job *job, const struct predict_chunk *c,
                                struct predict_text *t);

/** Append a chunk's decision values, a line per row. Local; uses all threads. @return PS_OK; PS_ENOMEM */
enum ps_status predict_text_add_values(const struct predict_job *job, const struct predict_chunk *c,
                                       struct predict_text *t);

void predict_text_free(struct predict_text *t);

/** Write a first line, if any (rank 0's), then the lines of all ranks in their order, to a file that was
 * opened, and close it. Collective over f->comm.
 * @param rc what went before
 * @return as ps_outfile_close */
enum ps_status predict_text_write(struct ps_outfile *f, const char *first, const struct predict_text *t,
                                  enum ps_status rc);

#endif
