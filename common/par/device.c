#include "common/par/device.h"
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/par/place.h"
#include "common/run/err.h"
#include "common/run/log.h"
#include "common/run/record.h"
#include "common/run/timer.h"

/* Families, as messages call them, and their plugins. */
static const struct family {
    const char *what, *plugin;
} families[] = {
    [PS_DEVICE_NN] = {"nets", "libps_cuda_nn.so"},
    [PS_DEVICE_SVM] = {"support vector machines", "libps_cuda.so"},
    [PS_DEVICE_DBSCAN] = {"hpdbscan", "libps_cuda.so"},
};

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

/* Where a plugin is: a path, or its name for the system to look for. */
static void find_plugin(const char *name, char path[2 * PATH_MAX])
{
    static const char *const beside[] = {"../lib/", "../lib/psml/"};
    const char *named = getenv("PSML_PLUGINS");
    char folder[PATH_MAX];
    snprintf(path, 2 * PATH_MAX, "%s/%s", named ? named : "", name);
    if (named && access(path, F_OK) == 0) return;
    program_folder(folder);
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        snprintf(path, 2 * PATH_MAX, "%s%s%s", folder, beside[i], name);
        if (access(path, F_OK) == 0) return;
    }
    strcpy(path, name);
}

/* It stays open to the end of the process: libraries of CUDA leave threads and exit handlers behind. Local.
 */
static enum ps_status open_plugin(enum ps_device_family family, struct ps_device *d)
{
    const struct family *f = &families[family];
    char path[2 * PATH_MAX];
    find_plugin(f->plugin, path);
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    PS_CHECK(plugin, PS_EBACKEND, "no plugin %s (%s)", f->plugin, dlerror());
    ps_cuda_plugin_fn *offer = (ps_cuda_plugin_fn *)dlsym(plugin, "ps_cuda_plugin");
    PS_CHECK(offer, PS_EBACKEND, "%s is no plugin of these programs", path);
    const struct ps_cuda *cuda = offer();
    PS_CHECK(cuda->interface == PS_CUDA_INTERFACE, PS_EBACKEND,
             "%s has interface %d, and this program wants %d: build both together", path, cuda->interface,
             PS_CUDA_INTERFACE);
    const void *const tables[] = {
        [PS_DEVICE_NN] = cuda->nn, [PS_DEVICE_SVM] = cuda->svm, [PS_DEVICE_DBSCAN] = cuda->dbscan};
    PS_CHECK(tables[family], PS_EBACKEND, "%s has no kernels for %s: another plugin lies under its name",
             path, f->what);
    d->cuda = cuda;
    return PS_OK;
}

/* Plugin and GPUs that may be used. Local. */
static enum ps_status find(enum ps_device_family family, struct ps_device *d, int *devices)
{
    PS_TRY(open_plugin(family, d));
    *devices = d->cuda->devices(d->text, sizeof d->text);
    PS_CHECK(*devices > 0, PS_EBACKEND, "no GPU: %s", d->text);
    return PS_OK;
}

/* Every rank's GPU. Collective. */
static enum ps_status open_all(const struct ps_run *run, const struct ps_device_wish *w,
                               struct ps_device *out)
{
    struct ps_device d = {.cuda = NULL};
    int devices = 0;
    PS_TRY(ps_agree(run->comm, find(w->family, &d, &devices)));
    struct ps_place place = ps_place_find(run->comm);
    if (run->node_rank >= 0) place.node_rank = run->node_rank;
    const int gpu = ps_place_gpu(&place, devices);
    const enum ps_status mine = d.cuda->open(gpu, w->exact, d.text, sizeof d.text);
    if (mine != PS_OK) ps_fail(mine, "%s", d.text);
    const enum ps_status rc = ps_agree(run->comm, mine);
    if (rc != PS_OK && mine == PS_OK) d.cuda->close();
    if (rc == PS_OK) *out = d;
    return rc;
}

/* Do two ranks of a node have the same GPU? Collective. */
static enum ps_status check_alone(const struct ps_run *run, const struct ps_device *d)
{
    char(*text)[PS_DEVICE_TEXT] = NULL;
    MPI_Comm node;
    int size, same = 0;
    MPI_Comm_split_type(run->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    MPI_Comm_size(node, &size);
    enum ps_status rc = ps_agree(node, ps_alloc(&text, size, sizeof *text, "the GPUs of a node"));
    if (rc == PS_OK) {
        MPI_Allgather(d->text, PS_DEVICE_TEXT, MPI_CHAR, text, PS_DEVICE_TEXT, MPI_CHAR, node);
        for (int r = 0; r < size; r++) same += strcmp(text[r], d->text) == 0;
        if (same > 1)
            rc = ps_fail(PS_EBACKEND,
                         "%d ranks have the same GPU, %s, and each wants its own: start one for each GPU",
                         same, d->text);
    }
    free(text);
    MPI_Comm_free(&node);
    return ps_agree(run->comm, rc);
}

/* Where the wish allows it. Collective. */
static enum ps_status take(const struct ps_run *run, const struct ps_device_wish *w, struct ps_device *out)
{
    if (w->check) PS_TRY(w->check(w->context, out));
    PS_TRY(open_all(run, w, out));
    enum ps_status rc = ps_agree(run->comm, w->check ? w->check(w->context, out) : PS_OK);
    if (rc == PS_OK && w->alone) rc = check_alone(run, out);
    if (rc != PS_OK) ps_device_close(out);
    return rc;
}

/* What was chosen, and why: "" where it was asked for. People hear of it where there are GPUs.
 * @param seconds it took */
static void tell(struct ps_run *run, const char *name, const struct ps_device *device, const char *why,
                 bool gpus, double seconds)
{
    if (device->cuda)
        ps_info(run, "back end: %s, rank 0: %s\n", name, device->text);
    else if (why[0])
        (gpus ? ps_info : ps_debug)(run, "back end: %s (%s)\n", name, why);
    ps_record_begin(run, "backend");
    ps_record_str(run, "name", name);
    if (device->cuda) {
        ps_record_str(run, "device", device->text);
        ps_record_num(run, "time_to_cuda", ps_elapsed(run));
        ps_record_num(run, "opening_seconds", seconds);
    }
    if (why[0]) ps_record_str(run, "why", why);
    ps_record_end(run);
}

enum ps_status ps_device_choose(struct ps_run *run, const struct ps_device_wish *wish, const char *host,
                                struct ps_device *out)
{
    enum { TEXT_MAX = 1024 };
    const bool any = strcmp(run->common->backend, "auto") == 0,
               must = strcmp(run->common->backend, "cuda") == 0;
    char why[TEXT_MAX] = "", text[2 * TEXT_MAX];
    const double start = ps_elapsed(run);
    bool gpus = true;
    *out = (struct ps_device){.cuda = NULL};
    if (any || must) {
        enum ps_status rc = PS_OK;
        if (any) rc = ps_agree(run->comm, is_file() ? PS_OK : ps_fail(PS_EBACKEND, "no GPU: no device file"));
        gpus = rc == PS_OK;
        if (gpus) rc = take(run, wish, out);
        if (rc != PS_OK) snprintf(why, sizeof why, "%s", ps_err_message());
        if (rc != PS_OK && must) {
            snprintf(text, sizeof text, "back end cuda of %s: %s; take cpu or auto",
                     families[wish->family].what, why);
            ps_err_restore(text, ps_err_rank());
            return rc;
        }
        ps_err_clear();
    }
    tell(run, out->cuda ? "cuda" : host, out, why, gpus, ps_elapsed(run) - start);
    return PS_OK;
}

void ps_device_close(struct ps_device *d)
{
    if (d->cuda) d->cuda->close();
    *d = (struct ps_device){.cuda = NULL};
}
