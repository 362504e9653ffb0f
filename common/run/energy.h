/** Joules of the processors of a node, from the RAPL counters that Linux shows. Local. */
#ifndef PS_ENERGY_H
#define PS_ENERGY_H

enum { PS_ENERGY_ZONES = 32 };

/** Counters of packages and of memory that is counted apart. Begins with ps_energy_open. */
struct ps_energy {
    int zones;
    struct ps_energy_zone {
        char path[280]; /**< of energy_uj */
        double last;    /**< microjoules */
        double range;   /**< microjoules at which the counter begins anew */
    } zone[PS_ENERGY_ZONES];
    double joules; /**< since ps_energy_open */
    double time;   /**< of the last look, seconds of any clock */
};

/** Find the counters and begin. Where there are none that may be read, zones is 0.
 * @param folder /sys/class/powercap
 * @param now    seconds */
void ps_energy_open(const char *folder, double now, struct ps_energy *e);

/** Add what was used since the last look. Counters begin anew after minutes: look more often than that; where
 * a gap was so long that one may have passed its start twice, counting ends, with zones = 0. */
void ps_energy_look(double now, struct ps_energy *e);

#endif
