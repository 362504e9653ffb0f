/** The error path: a failing function says what happened once, where it knows most; ps_agree makes it global.
 */
#ifndef PS_ERR_H
#define PS_ERR_H

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernels/status.h"

/** Keep a message for this failure and return its code. The first message since the last ps_agree stays.
 * Local.
 * @param code  the status to return, not PS_OK
 * @param fmt   one sentence: what, where, what to do; printf form, no newline */
enum ps_status ps_fail(enum ps_status code, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

/** The kept message; "" where none. Local. */
const char *ps_err_message(void);

/** The rank, in the communicator of the last ps_agree that failed, from which the message came; -1 if it was
 * not agreed. Local. */
int ps_err_rank(void);

/** Forget the message: the failure was dealt with here (a fall-back was found). Local. A ps_agree that finds
 * no failure does the same. */
void ps_err_clear(void);

/** Put a message back that a ps_agree in between has replaced, as it was before: agreed. Local.
 * @param rank as ps_err_rank said */
void ps_err_restore(const char *message, int rank);

/** What a code means in general, for failures that come without a message (from kernels). Local. */
const char *ps_status_text(enum ps_status code);

/** Make local results one global result. Collective over comm.
 * Every rank returns the status of the lowest failing rank and holds that rank's message; PS_OK only if all
 * are. A process alone (MPI_COMM_NULL) agrees with itself. Place it before the next collective call after
 * anything that can fail on one rank alone. */
enum ps_status ps_agree(MPI_Comm comm, enum ps_status rc);

/** Return the status of a failing call from this function. */
#define PS_TRY(call)                          \
    do {                                      \
        enum ps_status ps_try_ = (call);      \
        if (ps_try_ != PS_OK) return ps_try_; \
    } while (0)

/** Return ps_fail(code, ...) unless cond holds. */
#define PS_CHECK(cond, code, ...)                         \
    do {                                                  \
        if (!(cond)) return ps_fail((code), __VA_ARGS__); \
    } while (0)

/** The same two for functions that own something: they set `rc` and go to `done`. */
#define PS_TRY_DONE(call)           \
    do {                            \
        rc = (call);                \
        if (rc != PS_OK) goto done; \
    } while (0)
#define PS_CHECK_DONE(cond, code, ...)         \
    do {                                       \
        if (!(cond)) {                         \
            rc = ps_fail((code), __VA_ARGS__); \
            goto done;                         \
        }                                      \
    } while (0)

/** Allocate n objects of `size` bytes (n*size checked against overflow), zeroed or not, aligned to 64 bytes;
 * n = 0 gives a pointer that can be freed. Release with free(). On failure *out is NULL and the message names
 * `what` and the bytes. Local.
 * @param out address of the pointer to set
 * @return PS_OK; PS_ENOMEM */
enum ps_status ps_alloc(void *out, int64_t n, size_t size, const char *what);
enum ps_status ps_zalloc(void *out, int64_t n, size_t size, const char *what);

#endif
