#include "common/nn/pictures.h"
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"
#include "kernels/device_picture.h"
#include "kernels/nn/nn_device.h"

enum ps_status ps_pictures_make(const struct ps_net *net, const struct ps_source *source, int64_t most,
                                int threads, struct ps_pictures *out)
{
    const struct ps_device_memory *memory = net->kernels->device->memory;
    struct ps_pictures p = {.each = source->picture};
    enum ps_status rc =
        ps_buffer_make(memory, most * p.each, true, "the images of a micro-batch; lower --batch", &p.bytes);
    if (rc == PS_OK)
        rc = ps_buffer_make(memory, most * (int64_t)sizeof(int64_t), true, "the places of images", &p.at);
    if (rc == PS_OK) rc = ps_alloc(&p.room, threads, (size_t)p.each, "the images that threads load");
    if (rc != PS_OK) ps_pictures_free(&p);
    *out = p;
    return rc;
}

void ps_pictures_free(struct ps_pictures *p)
{
    ps_buffer_free(&p->bytes);
    ps_buffer_free(&p->at);
    free(p->room);
    *p = (struct ps_pictures){.used = 0};
}

void ps_pictures_begin(struct ps_pictures *p)
{
    p->used = 0;
}

/* How long a picture is, is known when it is here. Where it goes depends on who comes first, and nothing
 * depends on that. */
enum ps_status ps_pictures_load(struct ps_pictures *p, int thread, const struct ps_source *source,
                                const struct ps_draw *draw, int64_t sample, int64_t i, void *target)
{
    struct ps_device_picture *here = (void *)(p->room + thread * p->each);
    int64_t at;
    PS_TRY(source->load(source, sample, draw, (float *)here, target));
#pragma omp atomic capture
    {
        at = p->used;
        p->used += here->bytes;
    }
    memcpy((char *)p->bytes.here + at, here, (size_t)here->bytes);
    ((int64_t *)p->at.here)[i] = at;
    return PS_OK;
}

void ps_pictures_put(const struct ps_pictures *p, const struct ps_net *net, int64_t n, float *x)
{
    const struct ps_shape *in = &net->node[0].out;
    const struct ps_nn_pictures s = {.n = n,
                                     .height = (int)in->height,
                                     .width = (int)in->width,
                                     .bands = (int)in->channels,
                                     .bytes = p->bytes.there,
                                     .at = p->at.there};
    ps_buffer_put(&p->bytes, p->used);
    ps_buffer_put(&p->at, n * (int64_t)sizeof(int64_t));
    net->kernels->device->pictures(&s, x);
}
