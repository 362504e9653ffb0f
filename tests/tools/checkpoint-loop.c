/* A program that writes checkpoints without end, and tells each one that is written; or reads one, and checks
 * that all of it belongs to one step. */
#include <stdio.h>
#include <stdlib.h>
#include "common/io/checkpoint.h"
#include "common/run/log.h"

struct params {
    int64_t count;
    int keep;
    bool read;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, count, .def = "1000000", .range = "[1,inf)", .help = "numbers in a checkpoint"),
    PS_PARAM(struct params, keep, .def = "3", .range = "[1,100]", .help = "checkpoints that stay"),
    PS_PARAM(struct params, read, .flag = true, .def = "no", .help = "read and check"),
};

static int64_t value(int64_t step, int64_t i)
{
    return step * 1000003 + i;
}

static enum ps_status check(const struct ps_run *run, int64_t step, const int64_t *v, struct ps_range mine)
{
    enum ps_status rc = PS_OK;
    for (int64_t i = mine.lo; i < mine.hi && rc == PS_OK; i++)
        if (v[i - mine.lo] != value(step, i))
            rc = ps_fail(PS_EINPUT, "number %lld is not of step %lld", (long long)i, (long long)step);
    return ps_agree(run->comm, rc);
}

static enum ps_status loop(struct ps_run *run, const void *params)
{
    const struct params *p = params;
    const char *path = run->common->checkpoint;
    const struct ps_range mine = ps_block(p->count, run->size, run->rank);
    int64_t step = 0, *v;
    PS_TRY(ps_agree(run->comm, ps_alloc(&v, mine.hi - mine.lo, sizeof *v, "numbers")));
    const struct ps_ckpt_part part[] = {ps_ckpt_all("step", PS_I64, 1, &step),
                                        ps_ckpt_cut("value", PS_I64, p->count, mine, v)};
    enum ps_status rc = PS_OK;
    if (ps_checkpoint_exists(run, path)) rc = ps_checkpoint_read(run, path, "loop", part, 2);
    if (rc == PS_OK && step) rc = check(run, step, v, mine);
    if (rc == PS_OK && p->read) ps_print(run, "%lld\n", (long long)step);
    while (rc == PS_OK && !p->read) {
        step++;
        for (int64_t i = mine.lo; i < mine.hi; i++) v[i - mine.lo] = value(step, i);
        rc = ps_checkpoint_write(run, path, "loop", part, 2, p->keep);
        if (rc == PS_OK) ps_print(run, "%lld\n", (long long)step);
        fflush(stdout);
    }
    free(v);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct ps_program program = {.name = "checkpoint-loop",
                                              .summary = "write checkpoints without end",
                                              .rows = rows,
                                              .nrows = sizeof rows / sizeof rows[0],
                                              .params_size = sizeof(struct params),
                                              .common = PS_HAS_CHECKPOINT,
                                              .run = loop};
    return ps_main(argc, argv, &program);
}
