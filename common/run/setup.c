/* The parameters of a run, and what is served without MPI. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/param_row.h"
#include "common/run/run_parts.h"

/* a bit that programs without PS_ALONE have */
enum { IN_PARALLEL = 1 << 16 };

#define ROW(member, ...) PS_PARAM(struct ps_common, member, __VA_ARGS__)
static const struct {
    unsigned bit; /* 0: every program has it */
    struct ps_param row;
} common_rows[] = {
    {0, ROW(record, .def = "", .help = "file to which the run appends its record, as JSON lines")},
    {PS_HAS_CHECKPOINT,
     ROW(checkpoint, .def = "", .help = "checkpoint file, written on a stop signal and every so often")},
    {PS_HAS_CHECKPOINT,
     ROW(resume, .flag = true, .def = "false", .help = "go on from the checkpoint if there is one")},
    {PS_HAS_BACKEND,
     ROW(backend, .def = "auto", .choices = "auto|ref|cpu|cuda", .help = "implementation of the numerics")},
    {IN_PARALLEL,
     ROW(threads, .def = "0", .range = "[0,4096]",
         .help =
             "OpenMP threads per rank; 0: OMP_NUM_THREADS, or else the rank's share of the node's cores")},
    {IN_PARALLEL,
     ROW(trials, .def = "",
         .help = "file with a line a trial, the file to print to and arguments: the ranks are split into as "
                 "many parts, each of which is a run")},
    {PS_HAS_SEED, ROW(seed, .def = "1", .range = "[0,inf)", .help = "seed of all random numbers")},
    {PS_HAS_GRAINS, ROW(grains, .def = "0", .range = "[0,inf)",
                        .help = "parts into which the work is cut; equal grains give equal bits on any "
                                "number of ranks; 0: one per rank, in nets one per thread or GPU")},
    {0, ROW(log, .def = "info", .choices = "quiet|info|debug", .help = "how much is told on the terminal")},
    {0, ROW(progress, .def = "auto", .choices = "auto|on|off",
            .help = "progress line; auto: only on a terminal")},
};

enum { ALIGN = 64 };

static int fill_common_rows(struct ps_setup *s)
{
    const unsigned common = s->program->common, has = common | (common & PS_ALONE ? 0 : IN_PARALLEL);
    int n = 0;
    for (size_t i = 0; i < sizeof common_rows / sizeof common_rows[0]; i++) {
        if (common_rows[i].bit && !(common_rows[i].bit & has)) continue;
        s->common_rows[n] = common_rows[i].row;
        for (const struct ps_alias *a = s->program->letters; a && a->letter; a++)
            if (strcmp(a->name, common_rows[i].row.name) == 0) s->common_rows[n].letter = a->letter;
        n++;
    }
    return n;
}

/* Rows that a program does not offer have their default all the same. */
static enum ps_status default_common(struct ps_common *common)
{
    union ps_value value;
    char why[PS_WHY_MAX];
    for (size_t i = 0; i < sizeof common_rows / sizeof common_rows[0]; i++) {
        const struct ps_param *row = &common_rows[i].row;
        PS_CHECK(ps_value_parse(row, row->def, &value, why), PS_EINTERNAL, "%s %s", row->name, why);
        ps_value_store(row, &value, common);
    }
    return PS_OK;
}

enum ps_status ps_setup_make(struct ps_setup *s, const struct ps_program *program)
{
    memset(s, 0, sizeof *s);
    s->program = program;
    size_t start = (program->params_size + ALIGN - 1) / ALIGN * ALIGN;
    s->bytes = start + sizeof(struct ps_common);
    PS_TRY(ps_zalloc(&s->buffer, (int64_t)s->bytes, 1, "the parameters"));
    s->common = (struct ps_common *)((char *)s->buffer + start);
    int n = fill_common_rows(s);
    PS_TRY(ps_zalloc(&s->origins, program->nrows + n, sizeof *s->origins, "the parameters' origins"));
    s->tables[0] = (struct ps_table){program->rows, program->nrows, s->buffer, s->origins, NULL};
    s->tables[1] = (struct ps_table){s->common_rows, n, s->common, s->origins + program->nrows, NULL};
    PS_TRY(default_common(s->common));
    return ps_table_defaults(s->tables, 2);
}

void ps_setup_free(struct ps_setup *s)
{
    free(s->buffer);
    free(s->origins);
    free(s->tables[0].many);
    memset(s, 0, sizeof *s);
}

int ps_setup_end(const struct ps_setup *s, int argc, char **argv)
{
    int end = 0;
    while (end < argc && !((s->program->common & PS_TAKES_REST) && strcmp(argv[end], "--") == 0)) end++;
    return end;
}

enum ps_status ps_setup_read(struct ps_setup *s, int argc, char **argv, bool complete)
{
    ps_str file;
    PS_TRY(ps_table_args(s->tables, 2, ps_setup_end(s, argc, argv), argv, file));
    if (file[0]) PS_TRY(ps_table_file(s->tables, 2, file));
    return complete ? ps_table_check(s->tables, 2) : PS_OK;
}

int ps_exit_status(enum ps_status rc)
{
    switch (rc) {
    case PS_OK:
        return EXIT_SUCCESS;
    case PS_EUSAGE:
        return 2;
    case PS_STOPPED:
        return 85;
    default:
        return EXIT_FAILURE;
    }
}

/* The rank that a launcher gives in the environment, before MPI knows it. */
static bool first_rank(const struct ps_setup *s)
{
    if (s->program->common & PS_ALONE) return true;
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *rank = getenv(names[i]);
        if (rank) return strcmp(rank, "0") == 0;
    }
    return true;
}

static void print_help(FILE *f, const struct ps_setup *s)
{
    const struct ps_program *p = s->program;
    fprintf(f, "%s: %s\n\nusage: %s %s\n", p->name, p->summary ? p->summary : "", p->name,
            p->synopsis ? p->synopsis : "[options] [parameters.par]");
    ps_table_help(f, s->tables, 2);
    fprintf(
        f,
        "\nParameters come from defaults, then the parameter file (name = value), then the command line.\n"
        "Exit status: 0 done, 1 failed, 2 wrong usage%s.\n",
        p->common & PS_HAS_CHECKPOINT ? ", 85 stopped with a checkpoint (run again with --resume)"
        : p->common & PS_STOPS        ? ", 85 stopped (the same command goes on)"
                                      : "");
}

static void print_version(FILE *f, const struct ps_setup *s)
{
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING];
    int len;
    MPI_Get_library_version(mpi, &len); /* allowed before MPI_Init */
    mpi[strcspn(mpi, ",\n")] = '\0';
    fprintf(f, "%s %s (git %s)\n%s; %s; with%s\n", s->program->name, ps_version(), ps_git(), ps_compiler(),
            mpi, ps_features());
}

static void print_man(FILE *f, const struct ps_setup *s)
{
    const struct ps_program *p = s->program;
    fprintf(f, ".TH \"%s\" 1 \"\" \"PSML %s\" \"User Commands\"\n", p->name, ps_version());
    fprintf(f, ".SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.B %s\n%s\n", p->name, p->summary ? p->summary : "",
            p->name, p->synopsis ? p->synopsis : "[options] [parameters.par]");
    ps_table_man(f, s->tables, 2);
    fprintf(f, ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage%s.\n",
            p->common & PS_HAS_CHECKPOINT ? ", 85 stopped with a checkpoint"
            : p->common & PS_STOPS        ? ", 85 stopped, the same command goes on"
                                          : "");
}

/* --write-params: the arguments without that word, applied, as a file. */
static int write_params(struct ps_setup *s, int argc, char **argv, int at)
{
    int n = 0;
    const char **rest = malloc(((size_t)argc + 1) * sizeof *rest);
    if (!rest) return EXIT_FAILURE;
    for (int i = 0; i < argc; i++)
        if (i != at) rest[n++] = argv[i];
    enum ps_status rc = ps_setup_read(s, n, (char **)rest, false);
    free(rest);
    if (rc != PS_OK) {
        if (first_rank(s)) fprintf(stderr, "%s: %s\n", s->program->name, ps_err_message());
        return ps_exit_status(rc);
    }
    if (first_rank(s)) ps_table_write(stdout, s->tables, 2);
    return EXIT_SUCCESS;
}

bool ps_setup_serve(struct ps_setup *s, int argc, char **argv, int *status)
{
    int t, i;
    bool h = !ps_row_letter(s->tables, 2, 'h', &t, &i);
    *status = EXIT_SUCCESS;
    for (int at = 1; at < argc && strcmp(argv[at], "--") != 0; at++) {
        const char *a = argv[at];
        FILE *f = first_rank(s) ? stdout : NULL;
        bool help = strcmp(a, "--help") == 0 || (h && strcmp(a, "-h") == 0);
        bool known = true;
        if (strcmp(a, "--write-params") == 0)
            *status = write_params(s, argc, argv, at);
        else if (!help && strcmp(a, "--version") != 0 && strncmp(a, "--help-", 7) != 0)
            continue;
        else if (!f)
            return true;
        else if (help)
            print_help(f, s);
        else if (strcmp(a, "--version") == 0)
            print_version(f, s);
        else if (strcmp(a, "--help-markdown") == 0)
            ps_table_markdown(f, s->tables, 2);
        else if (strcmp(a, "--help-man") == 0)
            print_man(f, s);
        else if (strcmp(a, "--help-complete") == 0)
            ps_table_complete(f, s->program->name, s->tables, 2);
        else
            known = false;
        if (!known) continue;
        if (*status == EXIT_SUCCESS && fflush(stdout) != 0) *status = EXIT_FAILURE;
        return true;
    }
    return false;
}
