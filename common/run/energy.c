#include "common/run/energy.h"
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* No package takes more: a gap in which this would pass a counter's range is too long. */
static const double watts_most = 1000;

static bool read_number(const char *path, double *out)
{
    FILE *f = fopen(path, "r");
    if (!f) return false;
    const bool good = fscanf(f, "%lf", out) == 1;
    fclose(f);
    return good;
}

/* Packages hold cores and graphics; memory is counted apart. */
static bool wanted(const char *folder, const char *zone)
{
    char path[300], name[32] = "";
    snprintf(path, sizeof path, "%s/%s/name", folder, zone);
    FILE *f = fopen(path, "r");
    if (!f) return false;
    const bool good = fscanf(f, "%31s", name) == 1;
    fclose(f);
    return good && (strncmp(name, "package", 7) == 0 || strcmp(name, "dram") == 0);
}

void ps_energy_open(const char *folder, double now, struct ps_energy *e)
{
    *e = (struct ps_energy){.time = now};
    DIR *d = opendir(folder);
    if (!d) return;
    for (const struct dirent *i = readdir(d); i && e->zones < PS_ENERGY_ZONES; i = readdir(d)) {
        struct ps_energy_zone *z = &e->zone[e->zones];
        char range[300];
        /* intel-rapl-mmio counts the same again */
        if (strncmp(i->d_name, "intel-rapl:", 11) != 0 || strlen(folder) + strlen(i->d_name) > 250) continue;
        if (!wanted(folder, i->d_name)) continue;
        snprintf(z->path, sizeof z->path, "%.200s/%.50s/energy_uj", folder, i->d_name);
        snprintf(range, sizeof range, "%.200s/%.50s/max_energy_range_uj", folder, i->d_name);
        if (read_number(z->path, &z->last) && read_number(range, &z->range) && z->range > 0) e->zones++;
    }
    closedir(d);
}

void ps_energy_look(double now, struct ps_energy *e)
{
    double value;
    for (int i = 0; i < e->zones; i++) {
        struct ps_energy_zone *z = &e->zone[i];
        if ((now - e->time) * watts_most * 1e6 > z->range || !read_number(z->path, &value)) {
            e->zones = 0;
            return;
        }
        const double used = value - z->last;
        e->joules += 1e-6 * (used < 0 ? used + z->range : used);
        z->last = value;
    }
    e->time = now;
}
