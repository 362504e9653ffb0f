/* A library with the names of NVML and made-up counters: two GPUs; each look at a counter finds 1.5 J more at
 * the first one, 2 J more at the second. */
static unsigned long long counter[2] = {7000000000ULL, 41};
static int open;

int nvmlInit_v2(void);
int nvmlInit_v2(void)
{
    open = 1;
    return 0;
}

int nvmlShutdown(void);
int nvmlShutdown(void)
{
    open = 0;
    return 0;
}

int nvmlDeviceGetCount_v2(unsigned int *devices);
int nvmlDeviceGetCount_v2(unsigned int *devices)
{
    *devices = 2;
    return open ? 0 : 1;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device);
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device)
{
    *device = &counter[index];
    return open && index < 2 ? 0 : 2;
}

int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules);
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules)
{
    unsigned long long *c = device;
    *millijoules = *c;
    *c += c == counter ? 1500 : 2000;
    return open ? 0 : 1;
}
