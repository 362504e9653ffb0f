/** Messages of any length: MPI's counts are ints. */
#ifndef PS_MESSAGE_H
#define PS_MESSAGE_H

#include <mpi.h>
#include <stdint.h>
#include "kernels/status.h"

/** What to pass as count and type for `bytes` bytes: MPI_BYTE where an int holds the count, else one element
 * of a type of that length. Both sides of a message may differ in which they use. */
struct ps_message {
    int count;
    MPI_Datatype type; /**< owned */
};

/** Describe a message. Local. @return PS_OK; PS_EMPI */
enum ps_status ps_message_make(int64_t bytes, struct ps_message *out);

/** Free the type; allowed while messages of it are under way. Local. */
void ps_message_free(struct ps_message *m);

#endif
