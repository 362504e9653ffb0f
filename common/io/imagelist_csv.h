/** Lines of a table of images. Local. */
#ifndef PS_IMAGELIST_CSV_H
#define PS_IMAGELIST_CSV_H

enum { PS_CSV_FIELDS = 8 };

/** Cut a line into fields, which tabs or else commas separate; quotes around a field are taken away. Those
 * beyond the room are left out.
 * @param line changed @param field out: places in it @return how many */
int ps_csv_fields(char *line, char *field[PS_CSV_FIELDS]);

/** Cut labels, `;` or `|` between them, into texts that follow each other.
 * @param text changed @return how many */
int ps_csv_labels(char *text);

#endif
