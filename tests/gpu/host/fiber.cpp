#include "fiber.h"
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "cuda_host_parts.h"
#ifdef __SANITIZE_ADDRESS__
#    include <sanitizer/common_interface_defs.h>
#endif
#ifdef PS_HOST_RACES
#    include <sanitizer/tsan_interface.h>
#endif

/* Where a stack was left. */
#ifdef __x86_64__
/* the C library's way asks the kernel twice, which takes a hundred times as long */
typedef void *place;
extern "C" void ps_fiber_switch(place *from, place *to);
__asm__(".text\n"
        ".type ps_fiber_switch, @function\n"
        ".hidden ps_fiber_switch\n"
        "ps_fiber_switch:\n"
        "pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
        "movq %rsp, (%rdi)\n"
        "movq (%rsi), %rsp\n"
        "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n"
        "ret\n"
        ".size ps_fiber_switch, . - ps_fiber_switch\n");

static void place_make(place *p, void *stack, size_t bytes, void (*run)(void))
{
    void **top = (void **)((char *)stack + bytes);
    top[-2] = (void *)run; /* six registers, where to return to, and for `run` a place to return to */
    *p = top - 8;
}
#else
#    include <ucontext.h>
typedef ucontext_t place;
static void ps_fiber_switch(place *from, place *to)
{
    swapcontext(from, to);
}

static void place_make(place *p, void *stack, size_t bytes, void (*run)(void))
{
    getcontext(p);
    p->uc_stack.ss_sp = stack;
    p->uc_stack.ss_size = bytes;
    p->uc_link = NULL;
    makecontext(p, run, 0);
}
#endif

enum { STACK = 256 << 10, GUARD = 64 << 10 };

struct ps_fiber {
    place at;
    void *stack; /* of STACK bytes */
    void (*run)(void);
    void *context; /* of the sanitizer that looks for races */
};

static struct ps_fiber *current;
static place outside;

#ifdef __SANITIZE_ADDRESS__
static const void *outside_stack;
static size_t outside_bytes;
#    define SWITCH(from, to, stack, bytes)                       \
        do {                                                     \
            void *fake;                                          \
            __sanitizer_start_switch_fiber(&fake, stack, bytes); \
            ps_fiber_switch(from, to);                           \
            __sanitizer_finish_switch_fiber(fake, NULL, NULL);   \
        } while (0)
#else
#    define SWITCH(from, to, stack, bytes) ps_fiber_switch(from, to)
#endif

/* For the sanitizer that looks for races each fiber is a thread, and a change says nothing of their order. */
#ifdef PS_HOST_RACES
static void *outside_context;
static void *make_context(void)
{
    return __tsan_create_fiber(0);
}
static void enter_context(void *context)
{
    outside_context = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(context, __tsan_switch_to_fiber_no_sync);
}
static void leave_context(void)
{
    __tsan_switch_to_fiber(outside_context, __tsan_switch_to_fiber_no_sync);
}
#else
static void *make_context(void)
{
    return NULL;
}
static void enter_context(void *) {}
static void leave_context(void) {}
#endif

static void begin(void)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(NULL, &outside_stack, &outside_bytes);
#endif
    current->run();
}

struct ps_fiber *ps_fiber_make(void (*run)(void))
{
    struct ps_fiber *f = new ps_fiber();
    char *memory =
        (char *)mmap(NULL, GUARD + STACK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + GUARD, STACK, PROT_READ | PROT_WRITE) != 0)
        ps_host_die("no memory for the stacks of threads");
    f->stack = memory + GUARD;
    f->run = run;
    f->context = make_context();
    place_make(&f->at, f->stack, STACK, begin);
    return f;
}

void ps_fiber_enter(struct ps_fiber *fiber)
{
    current = fiber;
    enter_context(fiber->context);
    SWITCH(&outside, &fiber->at, fiber->stack, STACK);
    current = NULL;
}

void ps_fiber_leave(void)
{
    struct ps_fiber *me = current;
    leave_context();
    SWITCH(&me->at, &outside, outside_stack, outside_bytes);
}

void *ps_fiber_context(const struct ps_fiber *fiber)
{
    return fiber->context;
}
