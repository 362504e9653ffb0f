/* What people read. */
#include "common/run/log.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/run/run_parts.h"

enum level { QUIET, INFO, DEBUG };

static enum level level(const struct ps_run *run)
{
    const char *log = run->common ? run->common->log : "info";
    if (strcmp(log, "quiet") == 0) return QUIET;
    return strcmp(log, "debug") == 0 ? DEBUG : INFO;
}

bool ps_log_debug(const struct ps_run *run)
{
    return level(run) == DEBUG;
}

#define SAY(file)                  \
    do {                           \
        va_list args;              \
        va_start(args, fmt);       \
        vfprintf(file, fmt, args); \
        va_end(args);              \
    } while (0)

void ps_print(const struct ps_run *run, const char *fmt, ...)
{
    if (run->rank == 0 && level(run) != QUIET) SAY(stdout);
}

void ps_info(const struct ps_run *run, const char *fmt, ...)
{
    if (run->rank == 0 && level(run) >= INFO) SAY(stderr);
}

void ps_debug(const struct ps_run *run, const char *fmt, ...)
{
    if (run->rank == 0 && level(run) >= DEBUG) SAY(stderr);
}

void ps_warn(const struct ps_run *run, const char *fmt, ...)
{
    char text[2048];
    if (run->rank != 0) return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    size_t len = strlen(text);
    fprintf(stderr, "%s%swarning: %s%s", run->name ? run->name : "", run->name ? ": " : "", text,
            len && text[len - 1] == '\n' ? "" : "\n");
}

/* Seconds as people read them: 8 s, 3:05, 2:03:05. */
static void clock_text(double seconds, char *text, size_t len)
{
    int64_t s = seconds < 1e9 ? (int64_t)ceil(seconds) : 1000000000;
    int h = (int)(s / 3600), m = (int)(s / 60 % 60);
    if (h)
        snprintf(text, len, "%d:%02d:%02d", h, m, (int)(s % 60));
    else if (m)
        snprintf(text, len, "%d:%02d", m, (int)(s % 60));
    else
        snprintf(text, len, "%d s", (int)s);
}

/* Seconds after which a file is told, and those of all the work that are worth it. */
static const double tell_after = 30, tell_from = 60;
static bool told;

void ps_progress_begin(struct ps_progress *p, const struct ps_run *run, const char *what, const char *unit,
                       int64_t total)
{
    const char *mode = run->common ? run->common->progress : "off";
    const bool terminal = isatty(STDERR_FILENO), automatic = strcmp(mode, "auto") == 0;
    *p = (struct ps_progress){.run = run, .what = what, .unit = unit, .total = total};
    p->on = run->rank == 0 && (strcmp(mode, "on") == 0 || (automatic && terminal)) && level(run) != QUIET;
    p->once = run->rank == 0 && automatic && !terminal && level(run) != QUIET;
    p->start = ps_now();
}

/* "epoch 1/2:  12 % (570 samples/s, 2:34 left)" */
static void say(const struct ps_progress *p, int64_t done, double now)
{
    char left[32] = "";
    double spent = now - p->start, rate = spent > 0 ? (double)done / spent : 0;
    fprintf(stderr, "%s: ", p->what);
    if (p->total > 0)
        fprintf(stderr, "%3d %% ", (int)(100.0 * (double)done / (double)p->total));
    else
        fprintf(stderr, "%lld ", (long long)done);
    if (rate > 0 && p->total >= done) {
        clock_text((double)(p->total - done) / rate, left, sizeof left);
        fprintf(stderr, "(%.4g %s/s, %s left)", rate, p->unit, left);
    }
}

static void draw(struct ps_progress *p, int64_t done, double now)
{
    p->last = now;
    fputs("\r", stderr);
    say(p, done, now);
    fputs("\033[K", stderr);
    fflush(stderr);
}

/* Into a file, where it is worth it. */
static void tell(struct ps_progress *p, int64_t done, double now)
{
    const double spent = now - p->start;
    if (told || done <= 0 || p->total <= 0) return;
    p->once = false;
    if (spent * (double)p->total / (double)done < tell_from) return;
    told = true;
    say(p, done, now);
    fputs("\n", stderr);
}

void ps_progress_at(struct ps_progress *p, int64_t done)
{
    if (!p->on && !p->once) return;
    const double now = ps_now();
    if (p->on && now - p->last >= 0.1) draw(p, done, now);
    if (p->once && now - p->start >= tell_after) tell(p, done, now);
}

void ps_progress_end(struct ps_progress *p)
{
    if (!p->on) return;
    fputs("\r\033[K", stderr); /* results follow on a clean line */
    fflush(stderr);
    p->on = false;
}
