#include "common/run/energy_gpu.h"
#include <dlfcn.h>
#include <unistd.h>

/* Functions of NVML, which return 0 where all went well (NVML API reference: initialization, device queries).
 * Devices are pointers to what only NVML knows. */
struct nvml {
    int (*init)(void);
    int (*count)(unsigned int *devices);
    int (*handle)(unsigned int index, void **device);
};

/* POSIX has functions found by name as `void *`, from which C knows no way to a function. */
static bool find(void *library, const char *name, void *function)
{
    *(void **)function = dlsym(library, name);
    return *(void **)function != NULL;
}

static bool find_all(struct ps_energy_gpus *e, struct nvml *n)
{
    return find(e->library, "nvmlInit_v2", &n->init) && find(e->library, "nvmlShutdown", &e->shutdown) &&
           find(e->library, "nvmlDeviceGetCount_v2", &n->count) &&
           find(e->library, "nvmlDeviceGetHandleByIndex_v2", &n->handle) &&
           find(e->library, "nvmlDeviceGetTotalEnergyConsumption", &e->energy);
}

/* @return are all counters read? */
static bool begin(struct ps_energy_gpus *e, const struct nvml *n)
{
    unsigned int devices;
    if (n->count(&devices) != 0 || devices > PS_ENERGY_GPUS) return false;
    for (unsigned int i = 0; i < devices; i++) {
        struct ps_energy_gpu *gpu = &e->gpu[i];
        if (n->handle(i, &gpu->device) != 0 || e->energy(gpu->device, &gpu->first) != 0) return false;
    }
    e->devices = (int)devices;
    return true;
}

void ps_energy_gpus_open(const char *driver, const char *library, struct ps_energy_gpus *e)
{
    struct nvml n;
    *e = (struct ps_energy_gpus){.devices = 0};
    if (access(driver, F_OK) != 0) return;
    e->unknown = true;
    e->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!e->library) return;
    if (!find_all(e, &n) || n.init() != 0) {
        dlclose(e->library);
        e->library = NULL;
        return;
    }
    e->unknown = !begin(e, &n);
}

void ps_energy_gpus_look(struct ps_energy_gpus *e)
{
    unsigned long long sum = 0, now;
    for (int i = 0; i < e->devices && !e->unknown; i++) {
        if (e->energy(e->gpu[i].device, &now) == 0 && now >= e->gpu[i].first)
            sum += now - e->gpu[i].first;
        else
            e->unknown = true;
    }
    e->joules = 1e-3 * (double)sum;
}

void ps_energy_gpus_close(struct ps_energy_gpus *e)
{
    if (!e->library) return;
    e->shutdown();
    dlclose(e->library);
    *e = (struct ps_energy_gpus){.devices = 0};
}
