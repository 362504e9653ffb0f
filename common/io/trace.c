#include "common/io/trace.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/io/outfile.h"

enum { NESTED = 32, TRIPS = 16, TAG = 7, PIECE = 1 << 20, LINE = 512, LOST = -1 };

/** Times are nanoseconds of this node's clock; end = 0: not ended. */
struct span {
    const char *name;
    int64_t begin, end;
};

/** What one thread writes, on cache lines of its own. */
struct lane {
    _Alignas(64) struct span *span; /* [events]; owned */
    int64_t n, lost;
    int depth;
    int64_t open[NESTED]; /* [depth] spans that were begun and not ended, or LOST */
};

/** What to add to this node's clock for rank 0's, measured at one moment. */
struct offset {
    int64_t at, add;
};

struct ps_trace {
    struct ps_run *run;
    ps_str path;
    int64_t events, origin; /* origin: the opening, on rank 0's clock */
    struct offset first, last;
    int lanes;         /* threads, and the device */
    struct lane *lane; /* [lanes]; owned */
};

int64_t ps_trace_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/** Ask rank 0 for its time and keep the answer that took least: it cannot be wrong by more than half of that.
 * Collective. Source: Cristian, "Probabilistic clock synchronization", Distributed Computing 3 (1989). */
static struct offset compare_clocks(const struct ps_run *run)
{
    int64_t theirs, best = INT64_MAX;
    struct offset found = {.at = ps_trace_now()};
    if (run->rank == 0) {
        for (int rank = 1; rank < run->size; rank++)
            for (int i = 0; i < TRIPS; i++) {
                MPI_Recv(NULL, 0, MPI_BYTE, rank, TAG, run->comm, MPI_STATUS_IGNORE);
                theirs = ps_trace_now();
                MPI_Send(&theirs, 1, MPI_INT64_T, rank, TAG, run->comm);
            }
        return found;
    }
    for (int i = 0; i < TRIPS; i++) {
        const int64_t sent = ps_trace_now();
        MPI_Send(NULL, 0, MPI_BYTE, 0, TAG, run->comm);
        MPI_Recv(&theirs, 1, MPI_INT64_T, 0, TAG, run->comm, MPI_STATUS_IGNORE);
        const int64_t back = ps_trace_now();
        if (back - sent >= best) continue;
        best = back - sent;
        found.at = sent + best / 2;
        found.add = theirs - found.at;
    }
    return found;
}

static void trace_free(struct ps_trace *t)
{
    if (!t) return;
    for (int i = 0; t->lane && i < t->lanes; i++) free(t->lane[i].span);
    free(t->lane);
    free(t);
}

static enum ps_status make(struct ps_run *run, const char *path, int64_t events, struct ps_trace **out)
{
    PS_TRY(ps_zalloc(out, 1, sizeof **out, "the timeline"));
    struct ps_trace *t = *out;
    t->run = run;
    t->events = events;
    snprintf(t->path, sizeof t->path, "%s", path);
    t->lanes = run->threads + 1;
    PS_TRY(ps_zalloc(&t->lane, t->lanes, sizeof *t->lane, "the timeline"));
    for (int i = 0; i < t->lanes; i++)
        PS_TRY(ps_zalloc(&t->lane[i].span, events, sizeof(struct span), "the timeline's spans"));
    return PS_OK;
}

enum ps_status ps_trace_open(struct ps_run *run, const char *path, int64_t events, struct ps_trace **out)
{
    *out = NULL;
    if (!path[0]) return PS_OK;
    enum ps_status rc = ps_agree(run->comm, make(run, path, events, out));
    if (rc != PS_OK) {
        trace_free(*out);
        *out = NULL;
        return rc;
    }
    (*out)->first = compare_clocks(run);
    (*out)->origin = (*out)->first.at;
    MPI_Bcast(&(*out)->origin, 1, MPI_INT64_T, 0, run->comm);
    return PS_OK;
}

void ps_trace_begin(struct ps_trace *t, int thread, const char *name)
{
    if (!t) return;
    struct lane *l = &t->lane[thread];
    const bool room = l->n < t->events && l->depth < NESTED;
    if (l->depth < NESTED) l->open[l->depth] = room ? l->n : LOST;
    l->depth++;
    if (room)
        l->span[l->n++] = (struct span){.name = name, .begin = ps_trace_now()};
    else
        l->lost++;
}

void ps_trace_end(struct ps_trace *t, int thread)
{
    if (!t || t->lane[thread].depth == 0) return;
    struct lane *l = &t->lane[thread];
    l->depth--;
    if (l->depth < NESTED && l->open[l->depth] != LOST) l->span[l->open[l->depth]].end = ps_trace_now();
}

void ps_trace_add(struct ps_trace *t, const char *name, int64_t begin, int64_t end)
{
    if (!t) return;
    struct lane *l = &t->lane[t->lanes - 1];
    if (l->n < t->events)
        l->span[l->n++] = (struct span){.name = name, .begin = begin, .end = end};
    else
        l->lost++;
}

/** Text on its way to a file; without a file it is only counted. */
struct sink {
    const struct ps_outfile *file;
    char *text;    /* [PIECE] */
    int64_t n, at; /* characters in text; place of the first in the file */
    enum ps_status rc;
};

static void flush(struct sink *s)
{
    if (s->file && s->rc == PS_OK) s->rc = ps_outfile_write(s->file, s->text, s->n, s->at);
    s->at += s->n;
    s->n = 0;
}

__attribute__((format(printf, 2, 3))) static void put(struct sink *s, const char *fmt, ...)
{
    va_list args;
    if (s->n > PIECE - LINE) flush(s);
    va_start(args, fmt);
    s->n += vsnprintf(s->text + s->n, LINE, fmt, args);
    va_end(args);
}

/** Nanoseconds on rank 0's clock since the opening. Between the two comparisons, clocks drift evenly. */
static int64_t common_time(const struct ps_trace *t, int64_t at)
{
    const int64_t between = t->last.at - t->first.at;
    const double part = between > 0 ? (double)(at - t->first.at) / (double)between : 0;
    const int64_t ns = at + t->first.add + (int64_t)(part * (double)(t->last.add - t->first.add)) - t->origin;
    return ns > 0 ? ns : 0;
}

static void put_lane(struct sink *s, const struct ps_trace *t, int thread)
{
    const struct lane *l = &t->lane[thread];
    const int rank = t->run->rank;
    const bool device = thread == t->run->threads;
    char name[32] = "device";
    if (device && l->n == 0) return;
    if (!device) snprintf(name, sizeof name, "thread %d", thread);
    put(s, ",\n{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"args\":{\"name\":\"%s\"}}",
        rank, thread, name);
    for (int64_t i = 0; i < l->n; i++) {
        const struct span *x = &l->span[i];
        const int64_t begin = common_time(t, x->begin),
                      ns = common_time(t, x->end ? x->end : t->last.at) - begin;
        put(s,
            ",\n{\"name\":\"%.200s\",\"ph\":\"X\",\"pid\":%d,\"tid\":%d,\"ts\":%lld.%03d,\"dur\":%lld.%03d}",
            x->name, rank, thread, (long long)(begin / 1000), (int)(begin % 1000), (long long)(ns / 1000),
            (int)(ns % 1000));
    }
}

/** All that this rank has to say. */
static void put_rank(struct sink *s, const struct ps_trace *t)
{
    const int rank = t->run->rank;
    char host[MPI_MAX_PROCESSOR_NAME];
    int length;
    int64_t lost = 0;
    MPI_Get_processor_name(host, &length);
    put(s, rank == 0 ? "{\"traceEvents\":[\n" : ",\n");
    put(s, "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":%d,\"args\":{\"name\":\"rank %d on %.100s\"}}",
        rank, rank, host);
    put(s, ",\n{\"name\":\"process_sort_index\",\"ph\":\"M\",\"pid\":%d,\"args\":{\"sort_index\":%d}}", rank,
        rank);
    for (int i = 0; i < t->lanes; i++) lost += t->lane[i].lost;
    if (lost)
        put(s,
            ",\n{\"name\":\"process_labels\",\"ph\":\"M\",\"pid\":%d,\"args\":{\"labels\":\"%lld later spans "
            "had "
            "no room\"}}",
            rank, (long long)lost);
    for (int i = 0; i < t->lanes; i++) put_lane(s, t, i);
    if (rank == t->run->size - 1) put(s, "\n]}\n");
    flush(s);
}

/** Each rank writes its text behind those of the ranks before. Collective. */
static enum ps_status write_all(const struct ps_trace *t)
{
    const struct ps_run *run = t->run;
    struct ps_outfile f;
    struct sink s = {0};
    int64_t bytes, before = 0;
    PS_TRY(ps_agree(run->comm, ps_alloc(&s.text, PIECE, 1, "the text of the timeline")));
    put_rank(&s, t);
    bytes = s.at;
    MPI_Exscan(&bytes, &before, 1, MPI_INT64_T, MPI_SUM, run->comm);
    enum ps_status rc = ps_outfile_open(run->comm, t->path, false, &f);
    if (rc == PS_OK) {
        s.file = &f;
        s.at = run->rank ? before : 0;
        put_rank(&s, t);
        rc = ps_outfile_close(&f, s.rc);
    }
    free(s.text);
    return rc;
}

enum ps_status ps_trace_close(struct ps_trace *t)
{
    char message[2 * PS_STR_MAX];
    if (!t) return PS_OK;
    const int rank = ps_err_rank();
    snprintf(message, sizeof message, "%s", ps_err_message());
    t->last = compare_clocks(t->run);
    enum ps_status rc = write_all(t);
    if (message[0]) ps_err_restore(message, rank);
    trace_free(t);
    return rc;
}
