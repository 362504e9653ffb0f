/** The text of a model file as parsers on memory: the head, then lines of support vectors. No MPI, no files;
 * safe in parallel regions. */
#ifndef SVM_MODELPARSE_H
#define SVM_MODELPARSE_H

#include "apps/pisvm/svm_model.h"

/** What is wrong, and where. */
struct svm_parse_error {
    int64_t line;   /**< from 1, within the text; 0: no line alone is to blame */
    char text[200]; /**< a sentence; "": nothing is wrong */
};

enum svm_parsed { SVM_PARSED, SVM_PARSE_MORE, SVM_PARSE_WRONG, SVM_PARSE_ENOMEM };

/** Where the head ends. */
struct svm_head {
    int64_t bytes, lines; /**< up to and with the line `SV` */
};

/** Parse the head: all lines up to `SV`, in any order. Local.
 * @param text     [n] beginning of the file
 * @param complete the file has no more than these
 * @param out      all but coef, cols, start, index, value; nothing is allocated unless SVM_PARSED
 * @return SVM_PARSE_MORE: the head's end is not in the text yet */
enum svm_parsed svm_head_parse(const char *text, int64_t n, bool complete, struct svm_model *out,
                               struct svm_head *head, struct svm_parse_error *error);

struct svm_vector_count {
    int64_t lines, vectors;
    int64_t entries; /**< exact where the text is right, else perhaps more */
};

/** Count lines, support vectors (lines that are not blank) and entries. Local. */
struct svm_vector_count svm_vectors_count(const char *text, int64_t n);

/** Where support vectors go: arrays for as many as svm_vectors_count finds. */
struct svm_vectors {
    int ncoef;      /**< coefficients per line */
    double *coef;   /**< [vectors][ncoef] */
    int64_t *end;   /**< [vectors] where each one's entries end, counted from `first` */
    int64_t first;  /**< number of the first entry */
    int32_t *index; /**< from 0 */
    double *value;
    int64_t cols; /**< out: largest index, from 1 */
};

/** Parse whole lines, the last one with or without its end. Local.
 * @return false: error says why; what was written up to there is of no use */
bool svm_vectors_parse(const char *text, int64_t n, struct svm_vectors *out, struct svm_parse_error *error);

#endif
