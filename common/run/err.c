/* The kept message of a failure and its agreement between ranks. */
#include "common/run/err.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "common/run/run_parts.h"

enum { MESSAGE_MAX = 2048, ALIGNMENT = 64, HUGE_PAGE = 2 << 20, HUGE_ARRAY = 4 << 20 };

/* One per process: MPI calls come from one thread, and failures inside OpenMP regions are serialised below.
 */
static struct {
    char text[MESSAGE_MAX];
    int rank;    /* rank that failed, known after ps_agree; -1 before */
    bool agreed; /* the message has been made global: the next failure replaces it */
} kept = {.rank = -1};

enum ps_status ps_fail(enum ps_status code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
#pragma omp critical(ps_err)
    if (kept.text[0] == '\0' || kept.agreed) {
        vsnprintf(kept.text, sizeof kept.text, fmt, args);
        kept.rank = -1;
        kept.agreed = false;
    }
    va_end(args);
    return code == PS_OK ? PS_EINTERNAL : code;
}

const char *ps_err_message(void)
{
    return kept.text;
}

int ps_err_rank(void)
{
    return kept.rank;
}

void ps_err_clear(void)
{
    kept.text[0] = '\0';
    kept.rank = -1;
    kept.agreed = false;
}

void ps_err_restore(const char *message, int rank)
{
    snprintf(kept.text, sizeof kept.text, "%s", message);
    kept.rank = rank;
    kept.agreed = true;
}

const char *ps_status_text(enum ps_status code)
{
    static const char *const text[] = {
        [PS_OK] = "no error",
        [PS_EUSAGE] = "wrong usage",
        [PS_EINPUT] = "wrong input data",
        [PS_EIO] = "a file operation failed",
        [PS_ENOMEM] = "not enough memory",
        [PS_EMPI] = "an MPI call failed",
        [PS_EBACKEND] = "a back end or an optional library is not available",
        [PS_EINTERNAL] = "internal error",
        [PS_STOPPED] = "stopped on request",
    };
    if ((unsigned)code >= sizeof text / sizeof text[0]) return "unknown status";
    return text[code];
}

enum ps_status ps_agree(MPI_Comm comm, enum ps_status rc)
{
    int rank, first, mine;
    if (comm == MPI_COMM_NULL) {
        if (rc == PS_OK) ps_err_clear();
        return rc;
    }
    MPI_Comm_rank(comm, &rank);
    mine = rc == PS_OK ? INT_MAX : rank;
    if (MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm) != MPI_SUCCESS)
        return ps_fail(PS_EMPI, "the ranks could not agree on the status: MPI_Allreduce failed");
    if (first == INT_MAX) {
        ps_err_clear(); /* whatever failed on the way was dealt with */
        return PS_OK;
    }
    struct {
        int code, world_rank;
        char text[MESSAGE_MAX];
    } message;
    memset(&message, 0, sizeof message);
    if (rank == first) {
        /* Kernels return codes without a message. */
        message.code = (int)rc;
        message.world_rank = kept.agreed && kept.rank >= 0 ? kept.rank : rank;
        snprintf(message.text, sizeof message.text, "%s", kept.text[0] ? kept.text : ps_status_text(rc));
    }
    if (MPI_Bcast(&message, (int)sizeof message, MPI_BYTE, first, comm) != MPI_SUCCESS)
        return ps_fail(PS_EMPI, "the ranks could not agree on the status: MPI_Bcast failed");
    memcpy(kept.text, message.text, sizeof kept.text);
    kept.rank = message.world_rank;
    kept.agreed = true;
    return (enum ps_status)message.code;
}

static enum ps_status allocate(void *out, int64_t n, size_t size, bool zero, const char *what)
{
    void **place = out;
    size_t bytes;
    *place = NULL;
    if (n < 0 || __builtin_mul_overflow((uint64_t)n, (uint64_t)size, &bytes) ||
        bytes > (size_t)PTRDIFF_MAX - HUGE_PAGE)
        return ps_fail(PS_ENOMEM, "%s: %lld items of %zu bytes are more than memory can hold", what,
                       (long long)n, size);
    if (bytes == 0) bytes = 1; /* an empty array is a valid pointer */
    size_t alignment = bytes < HUGE_ARRAY ? ALIGNMENT : HUGE_PAGE;
    size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    *place = aligned_alloc(alignment, rounded);
    /* advice: a large array then faults once per 2 MiB, not once per 4 KiB */
    if (*place && alignment == HUGE_PAGE) madvise(*place, rounded, MADV_HUGEPAGE);
    if (zero && *place) memset(*place, 0, rounded);
    if (!*place)
        return ps_fail(PS_ENOMEM, "%s: %.1f MB of memory could not be had", what, (double)bytes / 1e6);
    return PS_OK;
}

enum ps_status ps_alloc(void *out, int64_t n, size_t size, const char *what)
{
    return allocate(out, n, size, false, what);
}

enum ps_status ps_zalloc(void *out, int64_t n, size_t size, const char *what)
{
    return allocate(out, n, size, true, what);
}
