/** Joules of the NVIDIA GPUs of a node, from the counters of the driver's library NVML, which is opened at
 * run time where there is a driver. Local. */
#ifndef PS_ENERGY_GPU_H
#define PS_ENERGY_GPU_H

#include <stdbool.h>

enum { PS_ENERGY_GPUS = 64 };

/** All GPUs that the driver shows, whoever uses them. Begins with ps_energy_gpus_open; all zero: none. */
struct ps_energy_gpus {
    void *library; /**< owned */
    int (*energy)(void *device, unsigned long long *millijoules);
    int (*shutdown)(void);
    int devices;
    bool unknown; /**< there is a driver, but not all counters can be read */
    struct ps_energy_gpu {
        void *device;
        unsigned long long first; /**< millijoules when it was opened */
    } gpu[PS_ENERGY_GPUS];
    double joules; /**< since ps_energy_gpus_open */
};

/** Find the counters and begin.
 * @param driver  a file that is there where a driver is: /dev/nvidiactl
 * @param library libnvidia-ml.so.1 */
void ps_energy_gpus_open(const char *driver, const char *library, struct ps_energy_gpus *e);

/** Add what was used since they were opened. A counter that fails makes all unknown. */
void ps_energy_gpus_look(struct ps_energy_gpus *e);

void ps_energy_gpus_close(struct ps_energy_gpus *e);

#endif
