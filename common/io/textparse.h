/** Tables in text as parsers on memory: form, counting, numbers. No MPI; safe in parallel regions unless said
 * otherwise.
 *
 * A row is a line of numbers, separated by commas, semicolons or blanks (and tabs). Lines may end in LF or CR
 * LF, the last one in nothing. Blank lines, and all from a `#` on, are passed over. A first line without any
 * number is a header. */
#ifndef PS_TEXTPARSE_H
#define PS_TEXTPARSE_H

#include <stdbool.h>
#include <stdint.h>

/** What the beginning of a table tells. Broadcast as bytes. */
struct ps_text_form {
    char separator; /**< ',' ';' or ' ' */
    bool header;
    int64_t cols;    /**< of the first row */
    int64_t data_at; /**< offset of the first line behind the header */
    int64_t lines;   /**< lines before it */
};

enum ps_text_sniffed { PS_TEXT_OK, PS_TEXT_MORE, PS_TEXT_NO_ROWS };

/** Find the form. Local.
 * @param text     [n] beginning of the file
 * @param complete the file has no more than these
 * @return PS_TEXT_MORE: the first row's end is not in the text yet */
enum ps_text_sniffed ps_text_sniff(const char *text, int64_t n, bool complete, struct ps_text_form *out);

struct ps_text_count {
    int64_t lines, rows;
};

/** Count lines and rows; a last line without its end counts. Local. */
struct ps_text_count ps_text_count(const char *text, int64_t n);

enum ps_text_wrong { PS_TEXT_FINE, PS_TEXT_NOT_NUMBER, PS_TEXT_EMPTY, PS_TEXT_FEWER, PS_TEXT_LONGER };

/** What is wrong with a table, and where. */
struct ps_text_error {
    enum ps_text_wrong wrong;
    int64_t line;  /**< from 0, within the text parsed */
    int64_t field; /**< from 1; with PS_TEXT_FEWER the fields there are */
    char word[40]; /**< what stands there, shortened */
};

/** Parse whole lines. Local.
 * @param out [rows of the text][form->cols] as ps_text_count counts them; written up to the first error */
struct ps_text_error ps_text_parse(const char *text, int64_t n, const struct ps_text_form *form, double *out);

/** The error as a sentence without the file's name. Local.
 * @param line number of the line in the file, from 1 */
void ps_text_explain(const struct ps_text_error *e, const struct ps_text_form *form, int64_t line, char *out,
                     int64_t len);

#endif
