/** hpdbscan: exact DBSCAN over MPI ranks, on OpenMP threads or a GPU each. See docs/apps/hpdbscan.md. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "apps/hpdbscan/dbscan_cluster.h"
#include "apps/hpdbscan/dbscan_plot.h"
#include "apps/hpdbscan/dbscan_suggest.h"
#include "apps/hpdbscan/dbscan_table.h"
#include "common/io/pngfile.h"
#include "common/par/device_share.h"
#include "common/run/err.h"
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/timer.h"

/* more are refused: counts of coordinates in a message are int */
enum { DIMENSIONS = 1 << 20 };

struct params {
    ps_str data, input, output, input_dataset, output_dataset;
    int64_t minPoints;
    double epsilon;
    int index;
    ps_str clusters, plot, plot_columns;
    bool suggest_epsilon;
};

#define ROW(member, ...) PS_PARAM(struct params, member, __VA_ARGS__)
static const struct ps_param rows[] = {
    ROW(data, .positional = 1, .def = "", .help = "input file, given as an argument without option"),
    ROW(input, .letter = 'i', .def = "data.h5",
        .help = "input file: HDF5, netCDF, .npy or text; rows are points"),
    ROW(output, .letter = 'o', .def = "",
        .help = "file for the labels, may be the input file if that is HDF5; default: an HDF5 file given as "
                "an argument without "
                "option gets the labels itself, else data.h5"),
    ROW(input_dataset, .def = "DATA", .help = "name of the points in an HDF5 or netCDF file"),
    ROW(output_dataset, .def = "CLUSTERS", .help = "name of the labels in an HDF5 or netCDF file"),
    ROW(minPoints, .letter = 'm', .def = "2", .range = "[1,inf)", .unit = "points",
        .help = "density threshold: a point with so many points within epsilon, itself included, is a core "
                "point"),
    ROW(epsilon, .letter = 'e', .def = "0.1", .range = "(0,inf)", .unit = "as the data",
        .help = "search radius: neighbours are at a Euclidean distance of at most epsilon"),
    ROW(index, .def = "auto", .choices = "auto|grid|tree",
        .help = "how neighbours are found; auto: grid in few dimensions, else tree; the result is the same; "
                "GPUs have a grid always"),
    ROW(clusters, .def = "",
        .help = "CSV file for a table of the clusters: size, core points, centroid, extent"),
    ROW(plot, .def = "", .help = "PNG file for a picture: two columns, coloured by cluster, noise grey"),
    ROW(plot_columns, .def = "0,1", .help = "the columns that the picture shows, counted from 0"),
    ROW(suggest_epsilon, .flag = true, .def = "false",
        .help = "do not cluster: print the distance to the minPoints-th neighbour of sampled points, and a "
                "value for epsilon"),
};

static enum ps_status may_use(const void *params, const struct ps_device *device)
{
    const struct params *p = params;
    (void)device;
    PS_CHECK(!p->suggest_epsilon, PS_EUSAGE, "there is no --suggest-epsilon on GPUs");
    return PS_OK;
}

static enum ps_status find_kernels(struct ps_run *run, const struct params *p, struct ps_device *device,
                                   struct dbscan_job *job)
{
    const struct ps_device_wish wish = {
        .family = PS_DEVICE_DBSCAN, .exact = true, .check = may_use, .context = p};
    job->kernels = strcmp(run->common->backend, "ref") == 0 ? &ps_dbscan_ref : &ps_dbscan_cpu;
    PS_TRY(ps_device_choose(run, &wish, job->kernels->name, device));
    if (device->cuda) {
        job->kernels = device->cuda->dbscan;
        job->device = device->cuda->memory;
        const struct ps_device_share share = ps_device_share(run, device);
        job->memory = share.bytes / share.ranks;
    }
    return PS_OK;
}

static const char *input_path(const struct params *p)
{
    return p->data[0] ? p->data : p->input;
}

static const char *output_path(const struct params *p)
{
    const char *dot = strrchr(p->data, '.');
    if (p->output[0]) return p->output;
    return dot && (strcasecmp(dot, ".h5") == 0 || strcasecmp(dot, ".hdf5") == 0) ? p->data : "data.h5";
}

/* What the labels say, over all ranks. */
struct summary {
    int64_t points, clusters, noise, core;
};

static struct summary summarise(const struct ps_run *run, const int64_t *label, int64_t n, int64_t clusters)
{
    int64_t noise = 0, core = 0;
#pragma omp parallel for schedule(static) reduction(+ : noise, core)
    for (int64_t i = 0; i < n; i++) {
        noise += label[i] == 0;
        core += label[i] < 0;
    }
    int64_t sums[3] = {n, noise, core};
    MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPI_INT64_T, MPI_SUM, run->comm);
    return (struct summary){sums[0], clusters, sums[1], sums[2]};
}

static void report(struct ps_run *run, const struct summary *s)
{
    ps_print(run, "clusters: %lld\n", (long long)s->clusters);
    ps_print(run, "cluster points: %lld\n", (long long)(s->points - s->noise));
    ps_print(run, "noise points: %lld\n", (long long)s->noise);
    ps_print(run, "core points: %lld\n", (long long)s->core);
    ps_print(run, "total time: %.3f s\n", ps_elapsed(run));
    ps_record_begin(run, "result");
    ps_record_int(run, "points", s->points);
    ps_record_int(run, "clusters", s->clusters);
    ps_record_int(run, "cluster_points", s->points - s->noise);
    ps_record_int(run, "noise_points", s->noise);
    ps_record_int(run, "core_points", s->core);
    ps_record_num(run, "seconds", ps_elapsed(run));
    ps_record_end(run);
}

static enum ps_status write_labels(struct ps_run *run, const struct params *p, const struct ps_shard *in,
                                   int64_t *label)
{
    const struct ps_shard out = {
        .rows = in->rows, .cols = 0, .mine = in->mine, .type = PS_I64, .data = label};
    ps_phase(run, "write");
    return ps_shard_write(run->comm, output_path(p), p->output_dataset, &out);
}

/* Table and picture are made where rows were read: they need no owners. */
static enum ps_status write_views(struct ps_run *run, const struct params *p, const struct ps_shard *in,
                                  const int64_t *label, const struct summary *s)
{
    const struct ps_points points = {in->data, in->mine.hi - in->mine.lo, (int)in->cols, in->type};
    struct dbscan_domain domain;
    struct dbscan_picture picture = {p->plot, {0, 0}, s->clusters, s->noise, s->points};
    if (!p->clusters[0] && !p->plot[0]) return PS_OK;
    ps_phase(run, "views");
    PS_TRY(dbscan_domain_make(run->comm, &points, in->mine.lo, input_path(p), &domain));
    enum ps_status rc = PS_OK;
    if (p->clusters[0]) rc = dbscan_table_write(run->comm, p->clusters, &domain, in, label, s->clusters);
    if (rc == PS_OK && p->plot[0]) {
        rc = dbscan_plot_columns(p->plot_columns, domain.d, picture.column);
        if (rc == PS_OK) rc = dbscan_plot_write(run->comm, &picture, &domain, in, label);
    }
    dbscan_domain_free(&domain);
    return rc;
}

/* What can be refused is refused before hours of work. */
static enum ps_status check(const struct params *p, const struct ps_shard *in)
{
    int column[2];
    PS_CHECK(in->cols > 0, PS_EINPUT,
             "%s: the data set has one dimension; points are the rows of a 2-D data set", input_path(p));
    PS_CHECK(in->cols <= DIMENSIONS, PS_EINPUT, "%s: points of %lld dimensions; at most %d are supported",
             input_path(p), (long long)in->cols, DIMENSIONS);
    if (p->plot[0]) PS_TRY(dbscan_plot_columns(p->plot_columns, (int)in->cols, column));
    return PS_OK;
}

static enum ps_status run_hpdbscan(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    struct dbscan_job job = {
        .index = (enum ps_dbscan_index)p->index, .eps = p->epsilon, .min_points = p->minPoints};
    struct ps_device device;
    struct ps_shard in = {0};
    int64_t *label = NULL, clusters = 0;
    job.name = input_path(p);
    job.keep = p->clusters[0] || p->plot[0];
    if (p->plot[0]) PS_TRY(ps_png_try(run->comm, p->plot));
    PS_TRY(find_kernels(run, p, &device, &job));
    ps_phase(run, "read");
    enum ps_status rc = ps_shard_read(run->comm, job.name, p->input_dataset, &in);
    PS_TRY_DONE(rc);
    PS_TRY_DONE(check(p, &in));
    if (p->suggest_epsilon) {
        rc = dbscan_suggest(run, job.name, &in, p->minPoints);
        goto done;
    }
    PS_TRY_DONE(dbscan_cluster(run, &job, &in, &label, &clusters));
    const struct summary s = summarise(run, label, in.mine.hi - in.mine.lo, clusters);
    PS_TRY_DONE(write_labels(run, p, &in, label));
    PS_TRY_DONE(write_views(run, p, &in, label, &s));
    report(run, &s);
done:
    ps_device_close(&device);
    ps_shard_free(&in);
    free(label);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct ps_alias letters[] = {{'t', "threads"}, {0, NULL}};
    static const struct ps_program program = {
        .name = "hpdbscan",
        .summary = "cluster points by density: exact DBSCAN over MPI ranks, threads and GPUs",
        .synopsis = "[options] [parameters.par] [data]",
        .rows = rows,
        .nrows = sizeof rows / sizeof *rows,
        .params_size = sizeof(struct params),
        .common = PS_HAS_BACKEND | PS_HAS_SEED,
        .letters = letters,
        .run = run_hpdbscan,
    };
    return ps_main(argc, argv, &program);
}
