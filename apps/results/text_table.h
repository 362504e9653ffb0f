/** Tables of text cells: for a terminal, as CSV, as Markdown. Local. */
#ifndef TEXT_TABLE_H
#define TEXT_TABLE_H

#include <stdio.h>
#include "common/run/words.h"

/** Cells are added one after the other, row by row; the first row is the head. Begins zeroed but for columns.
 */
struct text_table {
    int columns;
    struct ps_words cell; /**< owned */
};

enum text_table_form { TEXT_TABLE_PLAIN, TEXT_TABLE_CSV, TEXT_TABLE_MARKDOWN };

/** The words of these forms, for parameters, in their order. */
#define TEXT_TABLE_FORMS "text|csv|markdown"

/** Numbers are aligned to the right. An incomplete last row is left out. */
void text_table_print(FILE *f, const struct text_table *t, enum text_table_form form);

#endif
