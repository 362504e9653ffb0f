/* Threads of blocks: fibers that take turns from one meeting to the next. */
#include "cuda_host_parts.h"
#include "fiber.h"
#include "races.h"
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 1024 };
enum state { NEW, READY, AT_BLOCK, AT_WARP, DONE };

struct thread {
    uint3 index;
    enum state state;
    struct ps_fiber *fiber; /* that it runs in */
    /* of the meeting */
    const char *file;
    int line;
    enum ps_host_meeting what;
    unsigned mask, from;
    uint64_t value, result;
};

uint3 *ps_host_thread, ps_host_block;
dim3 ps_host_threads, ps_host_blocks;
void *ps_host_dynamic;

static struct thread thread[MOST];
static struct warp {
    unsigned waiting, done; /* lanes; those that are not there are done */
} warp[MOST / warpSize];
static int threads, begun, done, now; /* `now` runs */
static bool reverse;
static const std::function<void()> *body;
/* Fibers that are idle, the one that is so longest first; more than a block's where races are looked for, so
 * that a thread of the next block has another one. */
static const unsigned IDLE = (unsigned)MOST + PS_RACES_SPARE;
static struct ps_fiber *idle[IDLE];
static unsigned idle_first, idle_end;
static struct ps_fiber *running;

void ps_host_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "cuda_on_host: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    abort();
}

/* --- fibers --- */
static int in_order(int k)
{
    return reverse ? threads - 1 - k : k;
}

static void set_now(int i)
{
    now = i;
    ps_host_thread = &thread[i].index;
}

static void end(void);

static struct ps_fiber **idle_place(unsigned i)
{
    return &idle[i % IDLE];
}

/* A fiber goes through threads that have not begun; one that waits keeps it. For the sanitizer that looks for
 * races each has its own. */
static void work(void)
{
    for (;;) {
        do {
            set_now(in_order(begun++));
            thread[now].fiber = running;
            ps_races_thread();
            (*body)();
            ps_races_thread_end();
            end();
        } while (begun < threads && PS_RACES_SPARE == 0);
        *idle_place(idle_end++) = running;
        ps_fiber_leave();
    }
}

static struct ps_fiber *fresh(void)
{
    while (idle_end - idle_first <= PS_RACES_SPARE) *idle_place(idle_end++) = ps_fiber_make(work);
    return *idle_place(idle_first++);
}

static void enter(struct ps_fiber *fiber)
{
    running = fiber;
    ps_fiber_enter(fiber);
}

/* Until somebody makes this thread ready. */
static void wait(enum state state)
{
    const int me = now;
    thread[me].state = state;
    ps_fiber_leave();
    set_now(me);
}

/* --- meetings --- */
static void die_apart(const struct thread *a, const struct thread *b)
{
    ps_host_die("thread %d waits at %s:%d, and thread %d at %s:%d, in block %u %u %u", (int)(a - thread),
                a->file, a->line, (int)(b - thread), b->file, b->line, ps_host_block.x, ps_host_block.y,
                ps_host_block.z);
}

void __syncthreads(const char *file, int line)
{
    thread[now].file = file;
    thread[now].line = line;
    ps_races_arrive(-1);
    wait(AT_BLOCK);
}

/* All wait at the block's barrier, or somebody waits in vain. */
static void block_meets(void)
{
    const struct thread *first = NULL;
    for (int i = 0; i < threads; i++) {
        const struct thread *t = &thread[i];
        if (t->state == DONE) continue;
        if (!first) first = t;
        if (t->state != AT_BLOCK || t->file != first->file || t->line != first->line) die_apart(first, t);
    }
    if (done > 0)
        ps_host_die("%d of %d threads wait at %s:%d, where others have ended, in block %u %u %u",
                    threads - done, threads, first->file, first->line, ps_host_block.x, ps_host_block.y,
                    ps_host_block.z);
    for (int i = 0; i < threads; i++) {
        thread[i].state = READY;
        ps_races_met(thread[i].fiber, -1);
    }
}

/* Let go on the group of lanes that `t` waits for, if it has come together: those that are there and have not
 * ended.
 */
static void group_meets(const struct thread *t, struct warp *w, struct thread *lane)
{
    const unsigned group = t->mask & ~w->done;
    uint64_t bits = 0, most = 0;
    if (group & ~w->waiting) return;
    for (int i = 0; i < warpSize; i++) {
        if (!(group >> i & 1)) continue;
        if (lane[i].what != t->what || lane[i].mask != t->mask || lane[i].file != t->file ||
            lane[i].line != t->line)
            die_apart(t, &lane[i]);
        bits |= lane[i].value << i;
        if (lane[i].value > most) most = lane[i].value;
    }
    for (int i = 0; i < warpSize; i++) {
        if (!(group >> i & 1)) continue;
        if (lane[i].what == PS_HOST_BALLOT) lane[i].result = bits;
        if (lane[i].what == PS_HOST_MOST) lane[i].result = most;
        if (lane[i].what == PS_HOST_SHUFFLE) /* what a lane that is not there would say is not defined */
            lane[i].result = group >> lane[i].from & 1 ? lane[lane[i].from].value : ~(uint64_t)0;
        lane[i].state = READY;
        if (lane[i].what == PS_HOST_WARP) ps_races_met(lane[i].fiber, (int)(w - warp));
    }
    w->waiting &= ~group;
}

static void end(void)
{
    struct warp *w = &warp[now / warpSize];
    struct thread *lane = &thread[now / warpSize * warpSize];
    thread[now].state = DONE;
    done++;
    w->done |= 1u << now % warpSize;
    for (int i = 0; i < warpSize; i++)
        if (w->waiting >> i & 1) group_meets(&lane[i], w, lane);
}

uint64_t ps_host_meet(enum ps_host_meeting what, unsigned mask, uint64_t value, unsigned from,
                      const char *file, int line)
{
    struct thread *t = &thread[now];
    t->what = what;
    t->mask = mask;
    t->value = value;
    t->from = from % (unsigned)warpSize;
    t->file = file;
    t->line = line;
    if (!(mask >> now % warpSize & 1))
        ps_host_die("%s:%d: the mask lacks lane %d, which is there", file, line, now % warpSize);
    t->state = AT_WARP;
    if (what == PS_HOST_WARP) ps_races_arrive(now / warpSize);
    warp[now / warpSize].waiting |= 1u << now % warpSize;
    group_meets(t, &warp[now / warpSize], &thread[now / warpSize * warpSize]);
    if (t->state == AT_WARP) wait(AT_WARP);
    return t->result;
}

/* --- blocks --- */
static void run_ready(void)
{
    bool any = false;
    for (int k = 0; k < threads; k++) {
        struct thread *t = &thread[in_order(k)];
        if (t->state != READY) continue;
        any = true;
        set_now(in_order(k));
        enter(t->fiber);
    }
    if (!any) block_meets();
}

static void run_block(void)
{
    begun = done = 0;
    for (int i = 0; i < threads; i++) thread[i].state = NEW;
    for (int w = 0; w * warpSize < threads; w++) {
        const int lanes = threads - w * warpSize;
        warp[w] = {0, lanes < warpSize ? ~0u << lanes : 0};
    }
    while (done < threads) {
        if (begun < threads) {
            enter(fresh());
        } else {
            run_ready();
        }
    }
}

struct memory {
    const void *kernel;
    char *at;
    size_t bytes;
};

/* The thread-local memory of the shared object that holds a kernel. */
static int find_shared(struct dl_phdr_info *info, size_t, void *out)
{
    struct memory *m = (struct memory *)out;
    bool holds = false;
    size_t bytes = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        const char *lo = (const char *)info->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_LOAD && (const char *)m->kernel >= lo &&
            (const char *)m->kernel < lo + p->p_memsz)
            holds = true;
        if (p->p_type == PT_TLS) bytes = p->p_memsz;
    }
    if (!holds) return 0;
    if (info->dlpi_name[0] && info->dlpi_tls_data) { /* that of a program is not for kernels alone */
        m->at = (char *)info->dlpi_tls_data;
        m->bytes = bytes;
    }
    return 1;
}

/* Shared memory is garbage again: only what the block before wrote to is not. */
static void refill(const struct memory *m)
{
    static const uint64_t garbage = ~(uint64_t)0;
    uint64_t *lo = (uint64_t *)m->at, *hi = lo + m->bytes / sizeof garbage;
    while (lo < hi && *lo == garbage) lo++;
    while (lo < hi && hi[-1] == garbage) hi--;
    const size_t bytes = (size_t)(hi - lo) * sizeof garbage;
    if (bytes == 0) return;
    ps_races_renew(lo, bytes);
    memset(lo, 0xff, bytes);
}

static uint3 index_of(unsigned i, dim3 size)
{
    return {i % size.x, i / size.x % size.y, i / size.x / size.y};
}

void ps_host_run(const struct ps_host_shape &shape, const std::function<void()> &what)
{
    const char *order = getenv("PS_HOST_ORDER");
    const unsigned blocks = shape.grid.x * shape.grid.y * shape.grid.z;
    struct memory shared = {shape.kernel, NULL, 0};
    dl_iterate_phdr(find_shared, &shared);
    reverse = order && strcmp(order, "reverse") == 0;
    body = &what;
    ps_host_threads = shape.block;
    ps_host_blocks = shape.grid;
    ps_host_dynamic = malloc(shape.shared);
    threads = (int)(shape.block.x * shape.block.y * shape.block.z);
    for (int i = 0; i < threads; i++) thread[i].index = index_of((unsigned)i, shape.block);
    for (unsigned b = 0; b < blocks; b++) {
        ps_host_block = index_of(reverse ? blocks - 1 - b : b, shape.grid);
        refill(&shared);
        if (shape.shared > 0) {
            ps_races_renew(ps_host_dynamic, shape.shared);
            memset(ps_host_dynamic, 0xff, shape.shared);
        }
        ps_races_begin();
        run_block();
    }
    ps_races_end();
    free(ps_host_dynamic);
}
