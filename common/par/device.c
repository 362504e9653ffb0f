#include "common/par/device.h"
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/par/place.h"
#include "common/run/err.h"

static const char plugin_name[] = "libps_cuda.so";

/* Has a driver of NVIDIA made device files? */
static bool is_file(void)
{
    return access("/dev/nvidiactl", F_OK) == 0 || access("/dev/nvidia0", F_OK) == 0;
}

/* The folder of this program, with the slash at its end; "" where the system does not tell. */
static void program_folder(char folder[PATH_MAX])
{
    const ssize_t n = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    folder[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash) slash[1] = '\0';
}

/* Where the plugin is: a path, or its name for the system to look for. */
static void find_plugin(char path[2 * PATH_MAX])
{
    static const char *const beside[] = {"../lib/", "../lib/psml/"};
    const char *named = getenv("PSML_PLUGINS");
    char folder[PATH_MAX];
    snprintf(path, 2 * PATH_MAX, "%s/%s", named ? named : "", plugin_name);
    if (named && access(path, F_OK) == 0) return;
    program_folder(folder);
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        snprintf(path, 2 * PATH_MAX, "%s%s%s", folder, beside[i], plugin_name);
        if (access(path, F_OK) == 0) return;
    }
    strcpy(path, plugin_name);
}

/* It stays open to the end of the process: libraries of CUDA leave threads and exit handlers behind. Local.
 */
static enum ps_status open_plugin(struct ps_device *d)
{
    char path[2 * PATH_MAX];
    find_plugin(path);
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    PS_CHECK(plugin, PS_EBACKEND, "no plugin %s (%s)", plugin_name, dlerror());
    ps_cuda_plugin_fn *offer = (ps_cuda_plugin_fn *)dlsym(plugin, "ps_cuda_plugin");
    PS_CHECK(offer, PS_EBACKEND, "%s is no plugin of these programs", path);
    const struct ps_cuda *cuda = offer();
    PS_CHECK(cuda->interface == PS_CUDA_INTERFACE, PS_EBACKEND,
             "%s has interface %d, and this program wants %d: build both together", path, cuda->interface,
             PS_CUDA_INTERFACE);
    d->cuda = cuda;
    return PS_OK;
}

enum ps_status ps_device_look(const struct ps_run *run)
{
    return ps_agree(run->comm, is_file() ? PS_OK : ps_fail(PS_EBACKEND, "no GPU: no device file"));
}

/* Plugin and GPUs that may be used. Local. */
static enum ps_status find(struct ps_device *d, int *devices)
{
    PS_TRY(open_plugin(d));
    *devices = d->cuda->devices(d->text, sizeof d->text);
    PS_CHECK(*devices > 0, PS_EBACKEND, "no GPU: %s", d->text);
    return PS_OK;
}

enum ps_status ps_device_open(const struct ps_run *run, bool exact, struct ps_device *out)
{
    struct ps_device d = {.cuda = NULL};
    int devices = 0;
    *out = d;
    PS_TRY(ps_agree(run->comm, find(&d, &devices)));
    struct ps_place place = ps_place_find(run->comm);
    if (run->node_rank >= 0) place.node_rank = run->node_rank;
    const int gpu = ps_place_gpu(&place, devices);
    const enum ps_status mine = d.cuda->open(gpu, exact, d.text, sizeof d.text);
    if (mine != PS_OK) ps_fail(mine, "%s", d.text);
    const enum ps_status rc = ps_agree(run->comm, mine);
    if (rc != PS_OK && mine == PS_OK) d.cuda->close();
    if (rc == PS_OK) *out = d;
    return rc;
}

void ps_device_close(struct ps_device *d)
{
    if (d->cuda) d->cuda->close();
    *d = (struct ps_device){.cuda = NULL};
}
