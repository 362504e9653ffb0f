/* Memory of the device: apart from the host's, closed to it except while the device works. */
#include "cuda_host_parts.h"
#include <map>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#    include <sanitizer/asan_interface.h>
#else
#    define ASAN_POISON_MEMORY_REGION(at, bytes) ((void)0)
#    define ASAN_UNPOISON_MEMORY_REGION(at, bytes) ((void)0)
#endif

enum { LINE = 256, GARBAGE = 0xff, ZONE = 0xa5 };

/* [guard page | zone, block, zone | guard page]: what goes beyond the block's end by less than a line shows
 * when it is freed, what goes further at once. */
struct region {
    char *pages; /* between the guards; NULL: the host's */
    size_t page_bytes, bytes;
};

static std::map<char *, struct region> regions; /* by the block's address */
static size_t used;
static int open_depth;

static size_t up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static size_t total(void)
{
    const char *given = getenv("PS_HOST_MEMORY");
    return given ? (size_t)strtoull(given, NULL, 10) : (size_t)8 << 30;
}

static void protect(const struct region &r)
{
    if (r.pages && mprotect(r.pages, r.page_bytes, open_depth > 0 ? PROT_READ | PROT_WRITE : PROT_NONE) != 0)
        ps_host_die("mprotect failed");
}

static void protect_all(void)
{
    for (const auto &[at, r] : regions) protect(r);
}

void ps_host_memory_open(void)
{
    if (open_depth++ == 0) protect_all();
}

void ps_host_memory_close(void)
{
    if (--open_depth == 0) protect_all();
}

cudaError_t ps_host_malloc(void **out, size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = up(up(bytes, LINE), page);
    *out = NULL;
    if (ps_host_capturing()) {
        ps_host_capture_spoil();
        return ps_host_error(cudaErrorStreamCaptureUnsupported);
    }
    if (bytes == 0) return cudaSuccess;
    if (bytes > total() - used) return ps_host_error(cudaErrorMemoryAllocation);
    char *all =
        (char *)mmap(NULL, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) return ps_host_error(cudaErrorMemoryAllocation);
    const struct region r = {all + page, inner, bytes};
    char *block = r.pages + inner - up(bytes, LINE);
    if (mprotect(r.pages, inner, PROT_READ | PROT_WRITE) != 0) ps_host_die("mprotect failed");
    memset(r.pages, ZONE, inner);
    memset(block, GARBAGE, bytes);
    ASAN_POISON_MEMORY_REGION(r.pages, (size_t)(block - r.pages));
    ASAN_POISON_MEMORY_REGION(block + bytes, inner - (size_t)(block - r.pages) - bytes);
    protect(r);
    regions[block] = r;
    used += bytes;
    *out = block;
    return cudaSuccess;
}

cudaError_t ps_host_malloc_host(void **out, size_t bytes)
{
    if (posix_memalign(out, LINE, bytes ? bytes : 1) != 0) return ps_host_error(cudaErrorMemoryAllocation);
    memset(*out, GARBAGE, bytes);
    regions[(char *)*out] = {NULL, 0, bytes};
    return cudaSuccess;
}

/* Take a block off the list. */
static bool take(void *memory, bool device, struct region *r)
{
    const auto found = regions.find((char *)memory);
    if (found == regions.end() || !found->second.pages == device) return false;
    *r = found->second;
    regions.erase(found);
    return true;
}

cudaError_t cudaFree(void *memory)
{
    struct region r;
    if (!memory) return cudaSuccess;
    const cudaError_t error = cudaDeviceSynchronize();
    if (error != cudaSuccess) return error;
    if (!take(memory, true, &r)) return ps_host_error(cudaErrorInvalidValue);
    if (mprotect(r.pages, r.page_bytes, PROT_READ | PROT_WRITE) != 0) ps_host_die("mprotect failed");
    ASAN_UNPOISON_MEMORY_REGION(r.pages, r.page_bytes);
    for (char *p = r.pages; p < r.pages + r.page_bytes; p++) {
        const bool inside = p >= (char *)memory && p < (char *)memory + r.bytes;
        if (!inside && *(unsigned char *)p != ZONE)
            ps_host_die("something wrote %td bytes from the beginning of a block of %zu", p - (char *)memory,
                        r.bytes);
    }
    used -= r.bytes;
    /* the addresses stay taken, so that who still uses them is caught */
    mmap(r.pages, r.page_bytes, PROT_NONE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return cudaSuccess;
}

cudaError_t cudaFreeHost(void *memory)
{
    struct region r;
    if (!memory) return cudaSuccess;
    if (!take(memory, false, &r)) return ps_host_error(cudaErrorInvalidValue);
    free(memory);
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *free, size_t *all)
{
    *all = total();
    *free = *all - used;
    return cudaSuccess;
}

enum ps_host_whose ps_host_whose(const void *memory, size_t bytes)
{
    auto next = regions.upper_bound((char *)memory);
    if (next == regions.begin()) return PS_HOST_UNKNOWN;
    const auto &[at, r] = *--next;
    const size_t from = (size_t)((char *)memory - at);
    if (from >= r.bytes) return PS_HOST_UNKNOWN;
    if (from + bytes > r.bytes) return PS_HOST_BEYOND;
    return r.pages ? PS_HOST_DEVICE : PS_HOST_PINNED;
}
