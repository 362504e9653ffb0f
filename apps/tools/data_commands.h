/** The subcommands of psml-data: each is a program with a table of its own. */
#ifndef DATA_COMMANDS_H
#define DATA_COMMANDS_H

#include "common/run/run.h"

extern const struct ps_program ps_data_info, ps_data_convert, ps_data_diff, ps_data_split, ps_data_generate,
    ps_data_spectra, ps_data_digits, ps_data_images, ps_data_pack;

#endif
