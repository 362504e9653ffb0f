/* The record: JSON lines, each appended by one write. */
#include "common/run/record.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/run/log.h"
#include "common/run/param_row.h"
#include "common/run/run_parts.h"
#include "common/run/timer.h"

enum { SCHEMA = 1, HOST_MAX = 64 };

struct ps_record {
    int fd;
    char id[17]; /* tells the lines of runs that append to one file apart */
    cJSON *line; /* between begin and end */
};

enum ps_status ps_record_open(const char *path, struct ps_record **out)
{
    struct ps_record *r;
    struct timespec now;
    PS_TRY(ps_zalloc(&r, 1, sizeof *r, "the record"));
    r->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (r->fd < 0) {
        free(r);
        return ps_fail(PS_EIO, "the record %s cannot be opened for writing: %s", path, strerror(errno));
    }
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t mix = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    mix = (mix ^ ((uint64_t)getpid() << 40)) * 0x9E3779B97F4A7C15u;
    snprintf(r->id, sizeof r->id, "%016" PRIx64, mix ^ (mix >> 32));
    *out = r;
    return PS_OK;
}

void ps_record_close(struct ps_record *r)
{
    if (!r) return;
    cJSON_Delete(r->line);
    close(r->fd);
    free(r);
}

static cJSON *line_of(const struct ps_run *run)
{
    return run->record && run->rank == 0 ? run->record->line : NULL;
}

static void add_int(cJSON *object, const char *name, int64_t value)
{
    char text[32]; /* cJSON's numbers are doubles */
    snprintf(text, sizeof text, "%" PRId64, value);
    cJSON_AddRawToObject(object, name, text);
}

void ps_record_begin(struct ps_run *run, const char *event)
{
    if (!run->record || run->rank != 0) return;
    cJSON_Delete(run->record->line);
    run->record->line = cJSON_CreateObject();
    ps_record_str(run, "event", event);
    ps_record_str(run, "run", run->record->id);
    ps_record_num(run, "time", round(ps_elapsed(run) * 1e6) / 1e6);
}

void ps_record_int(struct ps_run *run, const char *name, int64_t value)
{
    if (line_of(run)) add_int(line_of(run), name, value);
}

void ps_record_num(struct ps_run *run, const char *name, double value)
{
    if (line_of(run)) cJSON_AddNumberToObject(line_of(run), name, value);
}

void ps_record_str(struct ps_run *run, const char *name, const char *value)
{
    if (line_of(run)) cJSON_AddStringToObject(line_of(run), name, value);
}

void ps_record_nums(struct ps_run *run, const char *name, const double *values, int n)
{
    if (line_of(run)) cJSON_AddItemToObject(line_of(run), name, cJSON_CreateDoubleArray(values, n));
}

void ps_record_end(struct ps_run *run)
{
    cJSON *line = line_of(run);
    if (!line) return;
    char *text = cJSON_PrintUnformatted(line);
    size_t len = text ? strlen(text) : 0;
    if (text) {
        text[len++] =
            '\n'; /* in place of the closing zero: one write, so that lines of several runs do not mix */
        if (write(run->record->fd, text, len) != (ssize_t)len && run->record->fd >= 0) {
            ps_warn(run, "the record cannot be written any more: %s", strerror(errno));
            close(run->record->fd);
            run->record->fd = -1;
        }
    }
    cJSON_free(text);
    cJSON_Delete(line);
    run->record->line = NULL;
}

static const char *origin_name(enum ps_origin o)
{
    return o == PS_FROM_COMMAND ? "command" : o == PS_FROM_FILE ? "file" : "default";
}

static void add_value(cJSON *object, const struct ps_table *t, int i)
{
    char text[PS_TEXT_MAX];
    const struct ps_param *row = &t->rows[i];
    const char *at = (const char *)t->values + row->offset;
    ps_table_value(t, i, text, sizeof text);
    bool word = row->kind == PS_KIND_STR || row->kind == PS_KIND_LIST || row->kind == PS_KIND_KEYED ||
                (row->choices && *row->choices);
    double d;
    bool b;
    if (word) {
        cJSON_AddStringToObject(object, "value", text);
    } else if (row->kind == PS_KIND_DOUBLE) {
        memcpy(&d, at, sizeof d);
        cJSON_AddNumberToObject(object, "value", d);
    } else if (row->kind == PS_KIND_BOOL) {
        memcpy(&b, at, sizeof b);
        cJSON_AddBoolToObject(object, "value", b);
    } else {
        cJSON_AddRawToObject(object, "value", text);
    }
}

static void add_params(cJSON *line, const struct ps_setup *s)
{
    cJSON *params = cJSON_AddObjectToObject(line, "params");
    for (int t = 0, i = -1; ps_row_next(s->tables, 2, &t, &i);) {
        cJSON *one = cJSON_AddObjectToObject(params, s->tables[t].rows[i].name);
        add_value(one, &s->tables[t], i);
        cJSON_AddStringToObject(one, "origin", origin_name(s->tables[t].origin[i]));
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Cores that the processes of a node may use, of all nodes. Collective. */
static void add_cores(struct ps_run *run)
{
    MPI_Comm node;
    cpu_set_t allowed;
    int here, mine = 0, all = 0;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) mine = CPU_COUNT(&allowed);
    const int of_node = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (ps_alone(run)) {
        ps_record_int(run, "cores", mine);
        return;
    }
    MPI_Comm_split_type(run->comm, MPI_COMM_TYPE_SHARED, run->rank, MPI_INFO_NULL, &node);
    MPI_Comm_rank(node, &here);
    int sum = 0; /* of ranks that are bound to parts of the node */
    MPI_Allreduce(&mine, &sum, 1, MPI_INT, MPI_SUM, node);
    MPI_Comm_free(&node);
    mine = here > 0 ? 0 : sum < of_node ? sum : of_node;
    MPI_Reduce(&mine, &all, 1, MPI_INT, MPI_SUM, 0, run->comm);
    ps_record_int(run, "cores", all);
}

/* The distinct hosts of the run. Collective. */
static void add_hosts(struct ps_run *run, cJSON *line)
{
    char mine[HOST_MAX] = "", (*all)[HOST_MAX] = NULL;
    gethostname(mine, sizeof mine - 1);
    if (ps_alone(run)) {
        cJSON_AddItemToArray(cJSON_AddArrayToObject(line, "hosts"), cJSON_CreateString(mine));
        return;
    }
    if (run->rank == 0) all = calloc((size_t)run->size, sizeof *all);
    int room = run->rank == 0 ? all != NULL : 0;
    MPI_Bcast(&room, 1, MPI_INT, 0, run->comm);
    if (!room) return;
    MPI_Gather(mine, HOST_MAX, MPI_CHAR, all, HOST_MAX, MPI_CHAR, 0, run->comm);
    if (run->rank != 0) return;
    qsort(all, (size_t)run->size, sizeof *all, by_name);
    cJSON *hosts = cJSON_AddArrayToObject(line, "hosts");
    for (int i = 0; i < run->size; i++)
        if (i == 0 || strcmp(all[i], all[i - 1]) != 0)
            cJSON_AddItemToArray(hosts, cJSON_CreateString(all[i]));
    free(all);
}

static void add_slurm(cJSON *line)
{
    static const char *const names[][2] = {{"slurm_job", "SLURM_JOB_ID"},
                                           {"slurm_array_task", "SLURM_ARRAY_TASK_ID"},
                                           {"slurm_partition", "SLURM_JOB_PARTITION"},
                                           {"slurm_cluster", "SLURM_CLUSTER_NAME"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i][1]);
        if (value) cJSON_AddStringToObject(line, names[i][0], value);
    }
}

void ps_record_start(struct ps_run *run, const struct ps_setup *s, int argc, char **argv, double to_mpi)
{
    char date[32], mpi[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int len;
    time_t now = time(NULL);
    struct tm utc;
    ps_record_begin(run, "start");
    cJSON *line = line_of(run);
    if (line) {
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
        MPI_Get_library_version(mpi, &len);
        mpi[strcspn(mpi, ",\n")] = '\0';
        ps_record_int(run, "schema", SCHEMA);
        ps_record_str(run, "date", date);
        ps_record_str(run, "program", s->program->name);
        ps_record_str(run, "version", ps_version());
        ps_record_str(run, "git", ps_git());
        ps_record_str(run, "compiler", ps_compiler());
        ps_record_str(run, "mpi", mpi);
        ps_record_str(run, "features", *ps_features() ? ps_features() + 1 : "");
        ps_record_int(run, "ranks", run->size);
        ps_record_int(run, "threads", run->threads);
        ps_record_num(run, "time_to_mpi", to_mpi);
        add_slurm(line);
        cJSON *args = cJSON_AddArrayToObject(line, "argv");
        for (int i = 0; i < argc; i++) cJSON_AddItemToArray(args, cJSON_CreateString(argv[i]));
        add_params(line, s);
    }
    add_hosts(run, line);
    add_cores(run);
    ps_record_end(run);
}
