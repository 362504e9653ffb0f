#include "common/par/buffer.h"
#include "common/run/err.h"

enum ps_status ps_buffer_make(const struct ps_device_memory *memory, int64_t bytes, bool staged,
                              const char *what, struct ps_buffer *out)
{
    const int64_t least = bytes > 0 ? bytes : 1;
    *out = (struct ps_buffer){.memory = memory, .bytes = bytes, .there = memory->alloc(least)};
    if (staged) out->here = memory->alloc_host(least);
    if (out->there && (out->here || !staged)) return PS_OK;
    const char *where = out->there ? "for copies to the device" : "on the device";
    ps_buffer_free(out);
    return ps_fail(PS_ENOMEM, "no memory %s: %lld MiB for %s", where, (long long)(bytes >> 20), what);
}

void ps_buffer_free(struct ps_buffer *b)
{
    if (b->memory) b->memory->free(b->there);
    if (b->memory) b->memory->free_host(b->here);
    *b = (struct ps_buffer){.memory = NULL};
}

void ps_buffer_put(const struct ps_buffer *b, int64_t bytes)
{
    b->memory->put(b->there, b->here, bytes);
}

void ps_buffer_get(const struct ps_buffer *b, int64_t bytes)
{
    b->memory->get(b->here, b->there, bytes);
}
