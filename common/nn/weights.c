#include "common/nn/weights.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/safetensors.h"
#include "common/par/message.h"

enum { SHAPE_TEXT = 96 };

static int64_t count(const struct ps_tensor *t)
{
    int64_t n = 1;
    for (int d = 0; d < t->dims; d++) n *= t->dim[d];
    return n;
}

static enum ps_status list(const struct ps_net *net, struct ps_tensor **out, int *n)
{
    PS_TRY(ps_zalloc(out, PS_TENSORS_MAX * (int64_t)net->nodes, sizeof **out, "the tensors of a net"));
    *n = ps_net_tensors(net, *out);
    return PS_OK;
}

/* A tensor's name and shape as the file has them. */
static void describe(const struct ps_tensor *t, struct ps_safe_tensor *out)
{
    *out = (struct ps_safe_tensor){.type = PS_SAFE_F32, .dims = t->dims};
    snprintf(out->name, sizeof out->name, "%s", t->name);
    memcpy(out->dim, t->dim, (size_t)t->dims * sizeof *t->dim);
}

/* Row or column i of n in memory is which in the file? */
static int64_t in_file(int64_t i, int64_t n, int64_t channels)
{
    return channels > 0 ? i % channels * (n / channels) + i / channels : i;
}

/* Bring a tensor into the order of the file, or back. */
static void turn(const struct ps_tensor *t, bool to_file, const float *from, float *to)
{
    const int64_t rows = t->dim[0], columns = count(t) / rows;
    for (int64_t r = 0, here = 0; r < rows; r++) {
        const int64_t row = in_file(r, rows, t->row_channels) * columns;
        for (int64_t c = 0; c < columns; c++, here++) {
            const int64_t there = row + in_file(c, columns, t->column_channels);
            to[to_file ? there : here] = from[to_file ? here : there];
        }
    }
}

static bool is_turned(const struct ps_tensor *t)
{
    return t->row_channels > 0 || t->column_channels > 0;
}

/* Rank 0. */
static enum ps_status write(const char *path, const struct ps_net *net, const float *w)
{
    static const char *const note[] = {"format", "pt", NULL};
    struct ps_tensor *tensor = NULL;
    struct ps_safe_tensor *out = NULL;
    float *turned = NULL;
    int n = 0;
    enum ps_status rc = list(net, &tensor, &n);
    if (rc == PS_OK) rc = ps_zalloc(&out, n, sizeof *out, "the tensors of a file");
    if (rc == PS_OK) rc = ps_alloc(&turned, net->weights, sizeof *turned, "weights in the order of a file");
    PS_TRY_DONE(rc);
    for (int i = 0; i < n; i++) {
        const struct ps_tensor *t = &tensor[i];
        describe(t, &out[i]);
        out[i].data = w + t->at;
        if (!is_turned(t)) continue;
        turn(t, true, w + t->at, turned + t->at);
        out[i].data = turned + t->at;
    }
    rc = ps_safetensors_write(path, out, n, note);
done:
    free(tensor);
    free(out);
    free(turned);
    return rc;
}

enum ps_status ps_weights_write(const struct ps_run *run, const char *path, const struct ps_net *net,
                                const float *w)
{
    return ps_agree(run->comm, run->rank == 0 ? write(path, net, w) : PS_OK);
}

static void shape_text(const struct ps_safe_tensor *t, char *text)
{
    int at = snprintf(text, SHAPE_TEXT, t->dims ? "" : "one number");
    for (int d = 0; d < t->dims && at < SHAPE_TEXT; d++)
        at += snprintf(text + at, (size_t)(SHAPE_TEXT - at), d ? " x %lld" : "%lld", (long long)t->dim[d]);
}

static const struct ps_safe_tensor *find(const struct ps_safetensors *file, const char *name)
{
    for (int i = 0; i < file->n; i++)
        if (strcmp(file->tensor[i].name, name) == 0) return &file->tensor[i];
    return NULL;
}

/* One tensor of the net out of the file. @param turned room for it */
static enum ps_status read_tensor(const char *path, const struct ps_safetensors *file,
                                  const struct ps_tensor *t, float *turned, float *w)
{
    struct ps_safe_tensor want;
    char wanted[SHAPE_TEXT], there[SHAPE_TEXT];
    const int64_t n = count(t);
    const struct ps_safe_tensor *got = find(file, t->name);
    describe(t, &want);
    shape_text(&want, wanted);
    PS_CHECK(got, PS_EINPUT, "%s: the net's tensor '%s' (%s) is not in the file", path, t->name, wanted);
    shape_text(got, there);
    bool same = got->dims == want.dims;
    for (int d = 0; same && d < want.dims; d++) same = got->dim[d] == want.dim[d];
    PS_CHECK(same, PS_EINPUT,
             "%s: tensor '%s' is %s, that of the net is %s: the file is of another net, or of other outputs",
             path, t->name, there, wanted);
    PS_CHECK(got->type != PS_SAFE_I64 && got->type != PS_SAFE_OTHER, PS_EINPUT,
             "%s: tensor '%s' is not of floating-point numbers", path, t->name);
    float *to = is_turned(t) ? turned : w + t->at;
    ps_safe_floats(got, 0, n, to);
    for (int64_t i = 0; i < n; i++)
        PS_CHECK(isfinite(to[i]), PS_EINPUT, "%s: element %lld of tensor '%s' is not a finite number", path,
                 (long long)i, t->name);
    if (is_turned(t)) turn(t, false, turned, w + t->at);
    return PS_OK;
}

/* Is a tensor one of that layer's? */
static bool is_of(const char *name, const char *layer)
{
    const size_t len = layer ? strlen(layer) : 0;
    return layer && strncmp(name, layer, len) == 0 && name[len] == '.';
}

/* What the net does not have is a sign of another net. */
static enum ps_status find_strangers(const char *path, const struct ps_safetensors *file,
                                     const struct ps_tensor *tensor, int n, const char *but)
{
    static const char counter[] = ".num_batches_tracked";
    for (int i = 0; i < file->n; i++) {
        const char *name = file->tensor[i].name;
        const size_t len = strlen(name), tail = sizeof counter - 1;
        int k = 0;
        while (k < n && strcmp(tensor[k].name, name) != 0) k++;
        const bool counts = len > tail && strcmp(name + len - tail, counter) == 0;
        PS_CHECK(k < n || counts || is_of(name, but), PS_EINPUT, "%s: tensor '%s' is of no layer of the net",
                 path, name);
    }
    return PS_OK;
}

/* Rank 0. */
static enum ps_status read(const char *path, const struct ps_net *net, const char *but, float *w)
{
    struct ps_safetensors file = {.n = 0};
    struct ps_tensor *tensor = NULL;
    float *turned = NULL;
    int n = 0;
    enum ps_status rc = ps_safetensors_read(path, &file);
    if (rc == PS_OK) rc = list(net, &tensor, &n);
    if (rc == PS_OK) rc = ps_alloc(&turned, net->weights, sizeof *turned, "weights in the order of a file");
    for (int i = 0; i < n && rc == PS_OK; i++)
        if (!is_of(tensor[i].name, but)) rc = read_tensor(path, &file, &tensor[i], turned, w);
    if (rc == PS_OK) rc = find_strangers(path, &file, tensor, n, but);
    ps_safetensors_free(&file);
    free(tensor);
    free(turned);
    return rc;
}

enum ps_status ps_weights_read(const struct ps_run *run, const char *path, const struct ps_net *net, float *w)
{
    return ps_weights_read_but(run, path, net, NULL, w);
}

enum ps_status ps_weights_read_but(const struct ps_run *run, const char *path, const struct ps_net *net,
                                   const char *layer, float *w)
{
    const int64_t n = net->weights + net->buffers;
    struct ps_message m;
    PS_TRY(ps_agree(run->comm, run->rank == 0 ? read(path, net, layer, w) : PS_OK));
    PS_TRY(ps_message_make(n * (int64_t)sizeof *w, &m));
    const int rc = MPI_Bcast(w, m.count, m.type, 0, run->comm);
    ps_message_free(&m);
    PS_CHECK(rc == MPI_SUCCESS, PS_EMPI, "the weights did not reach all ranks");
    return PS_OK;
}
