/** One binary of several commands: each is a program with a table of its own, named by one word or two
 * (`generate`, `sweep run`). */
#ifndef PS_COMMANDS_H
#define PS_COMMANDS_H

#include "common/run/run.h"

struct ps_command {
    const char *words;
    const struct ps_program *program;
};

/** What ps_main is for a binary of one command: find the command that the arguments begin with (of one word
 * and two, the longer one) and run it; serve --help, --version and the generated texts of all of them.
 * @param name    of the binary
 * @param summary one line
 * @param notes   lines after the list of commands in --help; "" = none
 * @return exit status, as ps_main's */
int ps_commands_main(int argc, char **argv, const char *name, const char *summary, const char *notes,
                     const struct ps_command *commands, int n);

#endif
