/** The header of NumPy's .npy files, versions 1, 2 and 3, as a parser on memory.
 * Source: numpy.lib.format's documentation of the format. */
#ifndef PS_NPYHEAD_H
#define PS_NPYHEAD_H

#include <stdbool.h>
#include <stdint.h>
#include "kernels/view.h"

/** What a header says. */
struct ps_npy {
    int64_t rows, cols; /**< cols = 0: 1-D; of more than two dimensions, cols is the product of all but the
                           first */
    int64_t lines;      /**< where there are three: the second; else 0 */
    enum ps_dtype type;
    bool swap;      /**< the bytes are in the other order than this machine's */
    bool fortran;   /**< 2-D data is stored column by column */
    int64_t offset; /**< where the data begins */
};

enum { PS_NPY_HEAD_MAX = 65536 + 12 }; /**< no header of a numeric matrix is longer */

/** Parse the beginning of a file. Local; no MPI.
 * @param head  [n] first bytes, at most PS_NPY_HEAD_MAX needed
 * @return NULL, or what is wrong as the rest of a sentence after "PATH: "; a literal */
const char *ps_npy_parse(const unsigned char *head, int64_t n, struct ps_npy *out);

/** Write a version 1 header for a matrix in this machine's byte order, padded as NumPy pads it. Local.
 * @param out [256]
 * @return bytes, a multiple of 64 */
int ps_npy_header(int64_t rows, int64_t cols, enum ps_dtype type, char out[256]);

#endif
