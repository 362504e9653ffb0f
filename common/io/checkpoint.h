/** Checkpoints: named global vectors and scalars in one file, without rank numbers, so that a run resumes on
 * any number of ranks.
 *
 * File layout (native byte order, recorded): a header with one entry per part (name, type, length, offset,
 * checksum) and its own checksum, then the parts' elements in global order, each part at a multiple of 64
 * bytes. The checksum of a part is a sum over elements of a hash of (position, value): every rank adds up its
 * own elements, so it does not depend on the cut. */
#ifndef PS_CHECKPOINT_H
#define PS_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include "common/par/block.h"
#include "common/run/run.h"
#include "kernels/view.h"

enum { PS_CKPT_NAME_MAX = 48, PS_CKPT_TAG_MAX = 256, PS_CKPT_PARTS_MAX = 256, PS_CKPT_KEEP_MAX = 100 };

/** One named part of a checkpoint; the same table serves writing and reading. */
struct ps_ckpt_part {
    const char *name; /**< unique, shorter than PS_CKPT_NAME_MAX */
    enum ps_dtype type;
    int64_t n; /**< elements of the whole vector; 1 for a scalar */
    bool cut;  /**< false: every rank holds all n elements, rank 0's are written; true: this rank holds
                  [mine.lo, mine.hi) */
    struct ps_range
        mine;   /**< where cut: contiguous in rank order over all ranks, together [0, n); may be empty */
    void *data; /**< [n], or [mine.hi - mine.lo] where cut; the caller's */
};

/** A part held by every rank (a scalar has n = 1), and a part cut over the ranks. Local. */
static inline struct ps_ckpt_part ps_ckpt_all(const char *name, enum ps_dtype type, int64_t n, void *data)
{
    return (struct ps_ckpt_part){.name = name, .type = type, .n = n, .data = data};
}
static inline struct ps_ckpt_part ps_ckpt_cut(const char *name, enum ps_dtype type, int64_t n,
                                              struct ps_range mine, void *data)
{
    return (struct ps_ckpt_part){.name = name, .type = type, .n = n, .cut = true, .mine = mine, .data = data};
}

/** Write a checkpoint. Collective over run->comm.
 * All ranks write into PATH.tmp, which is synced and renamed to PATH; the checkpoint before becomes PATH.1,
 * the one before that PATH.2, and so on. On failure, and if the run is killed at any moment, the checkpoints
 * before stay readable.
 * @param tag  what a resuming run must have in common (program, sizes, seed ...); shorter than
 * PS_CKPT_TAG_MAX
 * @param keep how many stay, this one included; 1 to PS_CKPT_KEEP_MAX
 * @return (agreed) PS_OK; PS_EIO (no permission, disk full ...); PS_ENOMEM; PS_EINTERNAL (ranges do not cover
 * a part, name too long) */
enum ps_status ps_checkpoint_write(const struct ps_run *run, const char *path, const char *tag,
                                   const struct ps_ckpt_part *parts, int nparts, int keep);

/** Read the newest intact checkpoint: PATH or else, with a warning that says what is wrong, PATH.1, PATH.2
 * ... Collective over run->comm.
 * Each part of the table must be in the file with the same type and length; the cut may differ from the
 * writer's. The file may hold more.
 * @param parts data receives the values; its content is undefined on failure
 * @return (agreed) PS_OK; PS_EIO (PATH is not there or not readable, nor is an older one); PS_EUSAGE (another
 * tag, part or length: not this run's checkpoint); PS_EINPUT (all torn or corrupted); PS_EINTERNAL (ranges do
 * not cover a part) */
enum ps_status ps_checkpoint_read(const struct ps_run *run, const char *path, const char *tag,
                                  const struct ps_ckpt_part *parts, int nparts);

/** Is there PATH, or an older one? Collective over run->comm; rank 0 looks. */
bool ps_checkpoint_exists(const struct ps_run *run, const char *path);

#endif
