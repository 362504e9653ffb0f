#include "apps/autoencoder/autoencoder_output.h"
#include <stdlib.h>
#include <string.h>
#include "common/io/shard.h"
#include "common/io/sparsefile.h"
#include "common/nn/micro.h"
#include "common/par/window.h"
#include "common/run/err.h"

enum { CHUNK = PS_EVALUATE_CHUNK };

/* Samples [lo, hi) of the file, at most a chunk. Local. */
static void apply_chunk(const struct autoencoder *a, const struct ps_trained *trained,
                        const struct spectra_part *p, struct ps_micro *m, int64_t lo, int64_t hi,
                        struct autoencoder_output *out)
{
    const int64_t bands = p->all->bands;
    const struct ps_net_batch batch = {.n = hi - lo, .x = m->x, .sample = m->sample};
    for (int64_t i = lo; i < hi; i++) {
        m->sample[i - lo] = i;
        spectra_scaled(p->all, p->scale, i, m->x + (i - lo) * bands);
    }
    const float *y = ps_net_forward(&m->work, &batch, trained->w, trained->prepared);
    memcpy(out->code + (lo - out->mine.lo) * a->code, ps_net_output(&m->work, a->code_node),
           (size_t)((hi - lo) * a->code) * sizeof *out->code);
    for (int64_t i = lo; i < hi; i++) {
        float *back = out->back + (i - out->mine.lo) * bands;
        memcpy(back, y + (i - lo) * bands, (size_t)bands * sizeof *back);
        spectra_unscale(p->scale, bands, back);
    }
}

enum ps_status autoencoder_apply(struct ps_run *run, const struct autoencoder *a,
                                 const struct ps_trained *trained, const struct spectra_part *p,
                                 struct autoencoder_output *out)
{
    *out = (struct autoencoder_output){.mine = ps_block(p->all->n, run->size, run->rank)};
    const int64_t own = out->mine.hi - out->mine.lo;
    int short_of_memory = 0;
    enum ps_status rc = ps_alloc(&out->code, own * a->code, sizeof *out->code, "the codes");
    if (rc == PS_OK) rc = ps_alloc(&out->back, own * p->all->bands, sizeof *out->back, "what comes back");
    PS_TRY_DONE(ps_agree(run->comm, rc));
#pragma omp parallel num_threads(ps_net_callers(&a->net, run->threads)) reduction(| : short_of_memory)
    {
        struct ps_micro m;
        short_of_memory = ps_micro_make(&a->net, CHUNK, PS_TARGET_INPUT, false, &m) != PS_OK;
#pragma omp for schedule(dynamic)
        for (int64_t lo = out->mine.lo; lo < out->mine.hi; lo += CHUNK)
            if (!short_of_memory)
                apply_chunk(a, trained, p, &m, lo, lo + CHUNK < out->mine.hi ? lo + CHUNK : out->mine.hi,
                            out);
        ps_micro_free(&m);
    }
    rc = short_of_memory ? ps_fail(PS_ENOMEM, "no memory to run samples through the net") : PS_OK;
    if (rc == PS_OK) rc = ps_net_check(&a->net);
    rc = ps_agree(run->comm, rc);
done:
    if (rc != PS_OK) autoencoder_output_free(out);
    return rc;
}

void autoencoder_output_free(struct autoencoder_output *o)
{
    free(o->code), free(o->back);
    *o = (struct autoencoder_output){.code = NULL};
}

/* Labels of the block `mine` of samples. Collective. */
static enum ps_status read_labels(struct ps_run *run, const char *path, const char *dataset,
                                  const struct spectra *s, struct ps_range mine, double *out)
{
    struct ps_shard y = {.data = NULL};
    double *all = NULL;
    PS_TRY(ps_shard_read(run->comm, path, dataset, &y));
    enum ps_status rc;
    const int64_t width = y.cols ? y.cols : 1, own = (y.mine.hi - y.mine.lo) * width;
    PS_CHECK_DONE(y.rows * width == s->n, PS_EINPUT, "%s: has %lld labels for the %lld samples of %s", path,
                  (long long)(y.rows * width), (long long)s->n, s->path);
    PS_TRY_DONE(ps_agree(run->comm, ps_alloc(&all, own, sizeof *all, "labels")));
    const struct ps_points p = {y.data, own, 1, y.type};
    for (int64_t i = 0; i < own; i++) all[i] = ps_points_at(&p, i, 0);
    rc = ps_window_fetch(run->comm, (struct ps_range){y.mine.lo * width, y.mine.hi * width}, all, sizeof *all,
                         mine, out);
done:
    ps_shard_free(&y);
    free(all);
    return rc;
}

enum ps_status autoencoder_labels(struct ps_run *run, const char *path, const struct spectra *s, double **out)
{
    const struct ps_range mine = ps_block(s->n, run->size, run->rank);
    const char *file = path[0] ? path : s->path, *format;
    *out = NULL;
    PS_TRY(ps_shard_format(run->comm, file, &format));
    const bool text = !strcmp(format, "LIBSVM");
    if (!path[0] && !text) return PS_OK;
    PS_TRY(ps_agree(run->comm, ps_alloc(out, mine.hi - mine.lo, sizeof **out, "labels")));
    return read_labels(run, file, text || !strcmp(path, s->path) ? "GT" : "", s, mine, *out);
}

/* As LIBSVM text; zeros are left out by the writer. Collective. */
static enum ps_status write_text(struct ps_run *run, const char *path, const struct spectra *s,
                                 const struct autoencoder *a, const struct autoencoder_output *o,
                                 double *label)
{
    const int64_t own = o->mine.hi - o->mine.lo;
    double *none = NULL;
    struct ps_sparse t = {.rows = s->n, .cols = a->code, .mine = o->mine};
    enum ps_status rc = ps_alloc(&t.start, own + 1, sizeof *t.start, "codes as text");
    if (rc == PS_OK) rc = ps_alloc(&t.index, own * a->code, sizeof *t.index, "codes as text");
    if (rc == PS_OK) rc = ps_alloc(&t.value, own * a->code, sizeof *t.value, "codes as text");
    if (rc == PS_OK && !label) rc = ps_zalloc(&none, own, sizeof *none, "codes as text");
    PS_TRY_DONE(ps_agree(run->comm, rc));
    t.label = label ? label : none;
    for (int64_t i = 0; i <= own; i++) t.start[i] = i * a->code;
    for (int64_t i = 0; i < own * a->code; i++) {
        t.index[i] = (int32_t)(i % a->code);
        t.value[i] = o->code[i];
    }
    rc = ps_sparse_write(run->comm, path, &t);
done:
    free(t.start), free(t.index), free(t.value), free(none);
    return rc;
}

enum ps_status autoencoder_write_codes(struct ps_run *run, const char *path, double *label,
                                       const struct spectra *s, const struct autoencoder *a,
                                       const struct autoencoder_output *o)
{
    const char *format = ps_shard_format_named(path);
    const struct ps_shard x = {s->n, a->code, o->mine, PS_F32, o->code};
    const struct ps_shard y = {s->n, 0, o->mine, PS_F64, label};
    if (!strcmp(format, "LIBSVM")) return write_text(run, path, s, a, o, label);
    PS_TRY(ps_shard_write(run->comm, path, "", &x));
    return label && !strcmp(format, "HDF5") ? ps_shard_write(run->comm, path, "GT", &y) : PS_OK;
}

enum ps_status autoencoder_write_back(struct ps_run *run, const char *path, const struct spectra *s,
                                      const struct autoencoder_output *o)
{
    const struct ps_shard x = {s->n, s->bands, o->mine, PS_F32, o->back};
    return ps_shard_write(run->comm, path, "", &x);
}
