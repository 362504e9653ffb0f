/* Any bytes as a parameter file and as a command line: taken, or refused with a sentence; and what was taken,
 * written as a file, is read as the same values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/run/err.h"
#include "common/run/param.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct params {
    ps_str text, word;
    double x;
    int n, choice;
    int64_t big;
    bool flag, on;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, text, .letter = 't', .positional = 1, .def = "", .help = "text"),
    PS_PARAM(struct params, word, .def = "a", .choices = "a|bc|def", .help = "word"),
    PS_PARAM(struct params, x, .letter = 'x', .def = "0.5", .range = "[-1e300,inf]", .help = "x"),
    PS_PARAM(struct params, n, .letter = 'n', .def = "1", .range = "(-5,1000]", .help = "n"),
    PS_PARAM(struct params, choice, .letter = 'c', .def = "two", .choices = "one|two", .help = "choice"),
    PS_PARAM(struct params, big, .def = "0", .help = "big"),
    PS_PARAM(struct params, flag, .letter = 'F', .flag = true, .def = "no", .help = "flag"),
    PS_PARAM(struct params, on, .def = "yes", .help = "on"),
};
enum { NROWS = sizeof rows / sizeof rows[0] };

static enum ps_origin origin[NROWS];

static struct ps_table defaults(struct params *p)
{
    struct ps_table t = {rows, NROWS, p, origin, NULL};
    memset(p, 0, sizeof *p); /* structs are compared as bytes */
    ps_err_clear();
    if (ps_table_defaults(&t, 1) != PS_OK) abort();
    return t;
}

static enum ps_status read_bytes(struct ps_table *t, const void *bytes, size_t size)
{
    char path[64];
    int fd = memfd_create("params", 0);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    enum ps_status rc = ps_table_file(t, 1, path);
    close(fd);
    return rc;
}

/* Values that were taken, written and read, are the same. */
static void again(const struct ps_table *t)
{
    static char text[65536];
    struct params p;
    struct ps_table other = defaults(&p);
    FILE *f = fmemopen(text, sizeof text, "w");
    ps_table_write(f, t, 1);
    long n = ftell(f);
    fclose(f);
    if (read_bytes(&other, text, (size_t)n) != PS_OK || memcmp(&p, t->values, sizeof p) != 0) abort();
}

static void judge(const struct ps_table *t, enum ps_status rc)
{
    const struct params *p = t->values;
    if (rc == PS_OK ? ps_err_message()[0] != '\0' : rc != PS_EUSAGE || !ps_err_message()[0]) abort();
    if (p->x != p->x || p->x < -1e300 || p->n <= -5 || p->n > 1000 || p->choice < 0 || p->choice > 1) abort();
    if (rc == PS_OK) again(t);
}

/* Arguments are separated by zero bytes. */
static void command_line(const uint8_t *data, size_t size)
{
    enum { ARGS = 32 };
    struct params p;
    ps_str file;
    char *argv[ARGS] = {"fuzz"}, *copy = malloc(size + 1);
    int argc = 1;
    memcpy(copy, data, size);
    copy[size] = '\0';
    for (size_t at = 0; at < size && argc < ARGS; at += strlen(copy + at) + 1) argv[argc++] = copy + at;
    struct ps_table t = defaults(&p);
    judge(&t, ps_table_args(&t, 1, argc, argv, file));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct params p;
    struct ps_table t = defaults(&p);
    judge(&t, read_bytes(&t, data, size));
    command_line(data, size);
    return 0;
}
