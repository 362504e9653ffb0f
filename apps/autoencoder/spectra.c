#include "apps/autoencoder/spectra.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/shard.h"
#include "common/par/window.h"
#include "common/run/err.h"

enum { MOST_BANDS = 1 << 26 };

bool spectra_sizes(const char *text, int count, int64_t *size)
{
    for (int i = 0; i < count; i++) {
        char *end;
        if (*text < '0' || *text > '9') return false;
        size[i] = strtoll(text, &end, 10);
        if (size[i] < 1 || size[i] > INT32_MAX || *end != (i + 1 < count ? 'x' : 0)) return false;
        text = end + 1;
    }
    return true;
}

/* HDF5 and netCDF files hold several data sets: DATA beside its ground truth, as psml-data writes them.
 * Collective. */
static enum ps_status choose(MPI_Comm comm, const char *path, const char *dataset, const char **chosen,
                             struct ps_shard_info *info)
{
    const char *format;
    *chosen = dataset;
    PS_TRY(ps_shard_format(comm, path, &format));
    if (!dataset[0] && (!strcmp(format, "HDF5") || !strcmp(format, "netCDF"))) {
        *chosen = "DATA";
        if (ps_shard_info(comm, path, *chosen, info) == PS_OK) return PS_OK;
        ps_err_clear();
        *chosen = dataset;
    }
    return ps_shard_info(comm, path, *chosen, info);
}

/* A cube says its lines and samples; beside DATA of other files the ground truth GT is a picture of them.
 * Collective. */
static void find_scene(MPI_Comm comm, const struct ps_shard_info *info, struct spectra *s)
{
    struct ps_shard_info truth = {.rows = 0};
    long long height = 0, width = 0;
    const char *cube = strstr(info->storage, "cube ");
    if (cube && sscanf(cube, "cube %lld x %lld", &height, &width) == 2) {
        s->height = height;
        s->width = width;
    } else if (!strcmp(info->format, "HDF5") || !strcmp(info->format, "netCDF")) {
        if (ps_shard_info(comm, s->path, "GT", &truth) != PS_OK) ps_err_clear();
        if (truth.cols > 1 && truth.rows * truth.cols == info->rows) {
            s->height = truth.rows;
            s->width = truth.cols;
        }
    }
}

static enum ps_status take_scene(const char *scene, struct spectra *s)
{
    int64_t size[2];
    PS_CHECK(spectra_sizes(scene, 2, size), PS_EUSAGE, "scene = %s: not of the form 145x145", scene);
    PS_CHECK(size[0] * size[1] == s->n, PS_EUSAGE, "scene = %s: %s has %lld samples, not %lld", scene,
             s->path, (long long)s->n, (long long)(size[0] * size[1]));
    s->height = size[0];
    s->width = size[1];
    return PS_OK;
}

/* Own rows in single precision. Local. */
static enum ps_status convert(const struct ps_shard *shard, const char *path, float *out)
{
    const struct ps_points p = {shard->data, shard->mine.hi - shard->mine.lo, (int)shard->cols, shard->type};
    int64_t bad = INT64_MAX;
#pragma omp parallel for schedule(static) reduction(min : bad)
    for (int64_t i = 0; i < p.n; i++)
        for (int k = 0; k < p.d; k++) {
            const float v = out[i * p.d + k] = (float)ps_points_at(&p, i, k);
            if (!isfinite(v) && i * p.d + k < bad) bad = i * p.d + k;
        }
    if (bad == INT64_MAX) return PS_OK;
    const double v = ps_points_at(&p, bad / p.d, (int)(bad % p.d));
    return ps_fail(PS_EINPUT,
                   "%s: the value in row %lld, column %lld (counted from 0) is %s; all must be finite", path,
                   (long long)(shard->mine.lo + bad / p.d), (long long)(bad % p.d),
                   isnan(v)   ? "NaN"
                   : isinf(v) ? "infinite"
                              : "too large for single precision");
}

/* Own rows to every node: its ranks fetch a part each. Collective. */
static enum ps_status spread(struct ps_run *run, const struct ps_shard *shard, const float *own,
                             struct spectra *s)
{
    int rank, size;
    const size_t item = (size_t)s->bands * sizeof *own;
    if (MPI_Comm_split_type(run->comm, MPI_COMM_TYPE_SHARED, run->rank, MPI_INFO_NULL, &s->node) !=
        MPI_SUCCESS)
        return ps_fail(PS_EMPI, "the ranks of a node did not find each other");
    s->open = true;
    PS_TRY(ps_agree(run->comm, ps_shared_open(s->node, s->n * (int64_t)item, &s->memory)));
    MPI_Comm_rank(s->node, &rank);
    MPI_Comm_size(s->node, &size);
    const struct ps_range want = ps_block(s->n, size, rank);
    float *all = s->memory.data;
    PS_TRY(ps_window_fetch(run->comm, shard->mine, own, item, want, all + want.lo * s->bands));
    MPI_Barrier(s->node); /* what other ranks wrote is there */
    s->x = all;
    return PS_OK;
}

enum ps_status spectra_read(struct ps_run *run, const char *path, const char *dataset, const char *scene,
                            struct spectra *out)
{
    struct ps_shard_info info = {.rows = 0};
    struct ps_shard shard = {.data = NULL};
    const char *chosen;
    float *own = NULL;
    *out = (struct spectra){.path = path};
    enum ps_status rc;
    PS_TRY_DONE(choose(run->comm, path, dataset, &chosen, &info));
    PS_CHECK_DONE(info.cols > 0 && info.rows > 0, PS_EINPUT,
                  "%s: samples are rows of a table, and this is %s", path,
                  info.rows > 0 ? "a list of numbers" : "empty");
    PS_CHECK_DONE(info.cols <= MOST_BANDS, PS_EINPUT, "%s: rows of %lld values are too long", path,
                  (long long)info.cols);
    out->n = info.rows;
    out->bands = info.cols;
    if (scene[0])
        PS_TRY_DONE(take_scene(scene, out));
    else
        find_scene(run->comm, &info, out);
    PS_TRY_DONE(ps_shard_read(run->comm, path, chosen, &shard));
    rc = ps_alloc(&own, (shard.mine.hi - shard.mine.lo) * shard.cols, sizeof *own, "own samples");
    if (rc == PS_OK) rc = convert(&shard, path, own);
    PS_TRY_DONE(ps_agree(run->comm, rc));
    PS_TRY_DONE(spread(run, &shard, own, out));
done:
    ps_shard_free(&shard);
    free(own);
    if (rc != PS_OK) spectra_free(out);
    return rc;
}

void spectra_free(struct spectra *s)
{
    if (!s->open) return;
    ps_shared_close(&s->memory);
    ps_shared_close(&s->order_memory);
    MPI_Comm_free(&s->node);
    free(s->broken);
    *s = (struct spectra){.n = 0};
}
