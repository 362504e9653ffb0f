/* psml-data COMMAND [options]: look at data sets, convert, split, compare, pack and generate them. */
#include "apps/tools/data_commands.h"
#include "common/run/commands.h"

int main(int argc, char **argv)
{
    static const struct ps_command commands[] = {
        {"info", &ps_data_info},
        {"convert", &ps_data_convert},
        {"diff", &ps_data_diff},
        {"split", &ps_data_split},
        {"pack", &ps_data_pack},
        {"generate", &ps_data_generate},
        {"generate spectra", &ps_data_spectra}, /* kinds with options of their own */
        {"generate digits", &ps_data_digits},
        {"generate images", &ps_data_images},
    };
    return ps_commands_main(argc, argv, "psml-data",
                            "look at data sets, convert, split, compare, pack and generate them",
                            "Files: HDF5 (.h5), netCDF (.nc), NumPy (.npy), text (.csv .tsv .txt), LIBSVM "
                            "text (.libsvm .svm .svmlight .el); read only: NumPy archives (.npz), MATLAB "
                            "(.mat), IDX (also .gz).",
                            commands, sizeof commands / sizeof *commands);
}
