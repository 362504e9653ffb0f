/* ranks: 1 2 */
/* Time in MPI and in waits is told from useful time; energy counters are read, also when they begin anew. */
#include "tests/unit/mpicheck.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "common/run/energy.h"
#include "common/run/energy_gpu.h"
#include "common/run/waiting.h"

static void rest(double seconds)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)(seconds * 1e9)}, NULL);
}

START_TEST(waits)
{
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    ps_wait_watch(true);
    MPI_Barrier(MPI_COMM_WORLD);
    const double before = ps_waited().seconds;
    if (rank == 0) rest(0.5);
    MPI_Barrier(MPI_COMM_WORLD);
    const double here = ps_waited().seconds - before;
    /* the others wait while rank 0 rests; what rank 0 does is no wait */
    mck_assert(rank == 0 ? here < 0.5 : here > 0.25, "rank %d waited %g s", rank, here);
    ps_wait_begin();
    ps_wait_begin(); /* nested: counted once */
    rest(0.05);
    ps_wait_end();
    rest(0.05);
    ps_wait_end();
    const double nested = ps_waited().seconds - before - here;
    mck_assert(nested >= 0.1, "%g", nested);
    ps_wait_watch(false);
    mck_assert(ps_waited().seconds == 0, "nobody counts");
}
END_TEST

START_TEST(processor_time)
{
    ps_wait_watch(true);
    volatile double x = 0;
    for (const clock_t end = clock() + CLOCKS_PER_SEC / 10; clock() < end;) x = x + 1;
    const double busy = ps_waited().cpu;
    mck_assert(busy > 0.09, "%g", busy);
    ps_wait_begin();
    for (const clock_t end = clock() + CLOCKS_PER_SEC / 10; clock() < end;) x = x + 1;
    ps_wait_end();
    /* what is burnt in a wait is no work */
    mck_assert(ps_waited().cpu - busy < 0.05, "%g", ps_waited().cpu - busy);
    ps_wait_watch(false);
}
END_TEST

static char folder[512];

static void put(const char *zone, const char *file, const char *text)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, zone);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s/%s", folder, zone, file);
    FILE *f = fopen(path, "w");
    ck_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void zone(const char *name, const char *kind, const char *value)
{
    put(name, "name", kind);
    put(name, "energy_uj", value);
    put(name, "max_energy_range_uj", "262143328850\n");
}

START_TEST(energy)
{
    int rank;
    struct ps_energy e;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.400s/energy.%d", tmp ? tmp : P_tmpdir, (int)getpid());
    mkdir(folder, 0700);
    zone("intel-rapl:0", "package-0\n", "1000000\n");
    zone("intel-rapl:0:0", "core\n", "5\n"); /* within the package */
    zone("intel-rapl:0:1", "dram\n", "262143000000\n");
    zone("intel-rapl-mmio:0", "package-0\n", "1\n"); /* the same again */
    ps_energy_open(folder, 0, &e);
    mck_assert(e.zones == 2, "%d", e.zones);
    zone("intel-rapl:0", "package-0\n", "31000000\n"); /* 30 J */
    zone("intel-rapl:0:1", "dram\n", "671150\n");      /* begun anew: 1 J */
    ps_energy_look(10, &e);
    mck_assert(e.joules > 30.99999 && e.joules < 31.00001, "%.9g", e.joules);
    /* after so long a gap nobody knows how often a counter began anew */
    ps_energy_look(1000, &e);
    mck_assert(e.zones == 0, "%d", e.zones);
    ps_energy_open("/no/such/folder", 0, &e);
    ps_energy_look(1, &e);
    mck_assert(e.zones == 0 && e.joules == 0, "no counters");
    char command[600];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    mck_assert(system(command) == 0, "%s", command);
}
END_TEST

/* Two GPUs were looked at once when they were opened: 1.5 J and 2 J ago, then as much again. */
START_TEST(gpus)
{
    struct ps_energy_gpus e;
    char library[4200];
    const ssize_t n = readlink("/proc/self/exe", library, 4096); /* it is built beside this program */
    mck_assert(n > 0, "no /proc");
    library[n] = '\0';
    strcpy(strrchr(library, '/') + 1, "fake_nvml.so");
    ps_energy_gpus_open("/dev/null", library, &e);
    mck_assert(e.devices == 2 && !e.unknown, "%d devices", e.devices);
    ps_energy_gpus_look(&e);
    mck_assert(fabs(e.joules - 3.5) < 1e-12, "%.9g", e.joules);
    ps_energy_gpus_look(&e);
    mck_assert(fabs(e.joules - 7) < 1e-12, "%.9g", e.joules);
    e.shutdown(); /* counters can no longer be read */
    ps_energy_gpus_look(&e);
    mck_assert(e.unknown, "%.9g", e.joules);
    ps_energy_gpus_close(&e);
    /* a driver without its library, or with another one: nobody knows; no driver: there are no GPUs */
    ps_energy_gpus_open("/dev/null", "/no/such/library.so", &e);
    mck_assert(e.devices == 0 && e.unknown, "%d devices", e.devices);
    ps_energy_gpus_open("/dev/null", "libm.so.6", &e);
    mck_assert(e.devices == 0 && e.unknown && !e.library, "%d devices", e.devices);
    ps_energy_gpus_open("/no/such/driver", library, &e);
    mck_assert(e.devices == 0 && !e.unknown, "%d devices", e.devices);
    ps_energy_gpus_close(&e);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *tests[] = {waits, processor_time, energy, gpus, NULL};
    return mck_main(argc, argv, "waiting", tests);
}
