/* psml-results COMMAND [options]: run sweeps, and make tables, figures and reports of what runs leave behind.
 */
#include "apps/results/results_commands.h"
#include "common/run/commands.h"

int main(int argc, char **argv)
{
    static const struct ps_command commands[] = {
        {"report", &results_report},           {"scaling", &results_scaling},
        {"sweep count", &results_sweep_count}, {"sweep list", &results_sweep_list},
        {"sweep run", &results_sweep_run},     {"sweep table", &results_sweep_table},
        {"sweep best", &results_sweep_best},
    };
    return ps_commands_main(argc, argv, "psml-results", "sweeps over parameters, and what came out of runs",
                            "", commands, sizeof commands / sizeof *commands);
}
