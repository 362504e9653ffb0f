/** Writing a table as text. */
#ifndef PS_TEXTWRITE_H
#define PS_TEXTWRITE_H

#include "common/io/shard.h"

/** Write one line per row: commas in .csv, tabs in .tsv, else blanks; floats in the fewest digits that read
 * back the same. Collective over comm; see ps_shard_write. A rank holds the text of its rows in memory. */
enum ps_status ps_text_write(MPI_Comm comm, const char *path, const char *dataset, const struct ps_shard *s);

#endif
