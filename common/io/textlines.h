/** A text file cut into lines over the ranks: each reads the lines that begin in its part of the bytes,
 * whole.
 */
#ifndef PS_TEXTLINES_H
#define PS_TEXTLINES_H

#include <mpi.h>
#include <stdint.h>
#include "common/par/block.h"
#include "kernels/status.h"

enum { PS_TEXTLINES_PAD = 16 }; /**< bytes of LF behind the text, so that parsers may look ahead */

/** Own lines, cut into pieces for threads. */
struct ps_textlines {
    const char *text;       /**< [bytes + PS_TEXTLINES_PAD] each line ends in LF; in buffer */
    int64_t bytes;          /**< a LF is added to the last line of the file where it has none */
    int64_t at;             /**< place of text[0] in the file */
    int64_t file_bytes;     /**< of the whole file */
    struct ps_range *piece; /**< [pieces] ranges of text, whole lines, about equally long, in order; owned */
    int64_t pieces;
    char *buffer; /**< owned */
};

/** Read own lines. A mark of UTF-8 at the beginning of the file is passed over. Collective over comm.
 * @return (agreed) PS_OK; PS_EIO; PS_EINPUT (the file became shorter); PS_ENOMEM */
enum ps_status ps_textlines_read(MPI_Comm comm, const char *path, struct ps_textlines *out);

/** Free them; a zeroed object is fine. Local. */
void ps_textlines_free(struct ps_textlines *t);

#endif
