/** The files that the checkpoints of one run lie in: PATH is the newest, PATH.1 the one before, and so on. */
#ifndef PS_CKPTFILES_H
#define PS_CKPTFILES_H

#include <stdbool.h>
#include "common/io/checkpoint.h"

typedef char ps_ckpt_path[PS_STR_MAX + 8];

/** The name of the checkpoint that is `age` older than the newest; age < 0: of one that is being written.
 * Local. */
void ps_ckpt_name(const char *path, int age, ps_ckpt_path out);

/** Which ages are there? Local. @param there out [PS_CKPT_KEEP_MAX] */
void ps_ckpt_look(const char *path, bool *there);

/** Make the one that is being written, complete and on disk, the newest, and those before older; one that
 * would be `keep` old goes. Whatever happens in between, all others can be read, and at most one age is
 * missing. Local. @return PS_OK; PS_EIO */
enum ps_status ps_ckpt_rotate(const char *path, int keep);

#endif
