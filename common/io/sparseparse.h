/** Sparse labelled rows in text as a parser on memory: counting and parsing whole lines of the form that
 * common/io/sparsefile.h describes. No MPI, no files; safe in parallel regions.
 *
 * A text is a number of lines, each ended by LF, and at least PS_SPARSE_PAD bytes, of any value, that can be
 * read behind them. */
#ifndef PS_SPARSEPARSE_H
#define PS_SPARSEPARSE_H

#include <stdint.h>

enum { PS_SPARSE_PAD = 16 };

/** What a text holds. */
struct ps_sparse_count {
    int64_t lines, rows;
    int64_t entries; /**< at most so many; exact where the text is right */
};

/** Count. Local. */
struct ps_sparse_count ps_sparse_count(const char *text, int64_t n);

enum ps_sparse_wrong {
    PS_SPARSE_FINE,
    PS_SPARSE_LABEL_MISSING,
    PS_SPARSE_LABEL,      /**< no number */
    PS_SPARSE_ITEM,       /**< not of the form index:value */
    PS_SPARSE_INDEX_ZERO, /**< below 1 */
    PS_SPARSE_INDEX_LARGE,
    PS_SPARSE_INDEX_ORDER,
    PS_SPARSE_VALUE,  /**< no number */
    PS_SPARSE_FINITE, /**< label or value is nan, infinite or too large */
    PS_SPARSE_QID
};

/** What is wrong, and where. */
struct ps_sparse_error {
    enum ps_sparse_wrong wrong;
    int64_t line;  /**< from 0, within the text */
    int64_t index; /**< the index before, with PS_SPARSE_INDEX_ORDER */
    char word[40]; /**< what stands there, shortened */
};

/** Where rows go: arrays for as many rows and entries as ps_sparse_count finds. */
struct ps_sparse_rows {
    double *label;
    int64_t *end;   /**< where each row's entries end, counted from `first` */
    int64_t first;  /**< number of the first entry */
    int32_t *index; /**< from 0 */
    double *value;
    int64_t cols; /**< out: largest index, from 1 */
};

/** Parse a text; what is written up to the first error is of no use. Local. */
struct ps_sparse_error ps_sparse_parse(const char *text, int64_t n, struct ps_sparse_rows *out);

/** The error as a sentence without the file's name. Local.
 * @param line number of the line in the file, from 1 */
void ps_sparse_explain(const struct ps_sparse_error *e, int64_t line, char *out, int64_t len);

#endif
