/* psml-data SUBCOMMAND [options]: look at data sets, convert, compare and generate them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/tools/data_commands.h"

static const struct {
    const char *word;
    const struct ps_program *program;
} commands[] = {{"info", &ps_data_info},
                {"convert", &ps_data_convert},
                {"diff", &ps_data_diff},
                {"generate", &ps_data_generate}};
enum { NCOMMANDS = sizeof commands / sizeof *commands };

static void help(FILE *f)
{
    fprintf(f, "psml-data: look at data sets, convert, compare and generate them\n"
               "usage: psml-data SUBCOMMAND [options]\n");
    for (int i = 0; i < NCOMMANDS; i++)
        fprintf(f, "  %-10s %s\n", commands[i].word, commands[i].program->summary);
    fprintf(f, "psml-data SUBCOMMAND --help lists the options. Files: HDF5 (.h5), netCDF (.nc), NumPy "
               "(.npy), text (.csv .tsv .txt).\n");
}

/** Completion of the first word; the other words are completed by the subcommands' functions. */
static void complete_commands(void)
{
    printf("_psml_data()\n{\n    if ((COMP_CWORD == 1)); then\n        COMPREPLY=($(compgen -W '");
    for (int i = 0; i < NCOMMANDS; i++) printf("%s ", commands[i].word);
    printf("--help --version' -- \"${COMP_WORDS[1]}\"))\n        return\n    fi\n    case ${COMP_WORDS[1]} "
           "in\n");
    for (int i = 0; i < NCOMMANDS; i++)
        printf("    %s) _psml_data_%s ;;\n", commands[i].word, commands[i].word);
    printf("    esac\n}\ncomplete -o filenames -F _psml_data psml-data\n");
}

/** --help-markdown and its like are asked of the whole: every subcommand answers. */
static int all_helps(char *name, char *option)
{
    int status = 0;
    for (int i = 0; i < NCOMMANDS; i++) {
        char *argv[] = {name, option, NULL}, joined[64];
        struct ps_program program = *commands[i].program;
        snprintf(joined, sizeof joined, "psml-data-%s", commands[i].word);
        if (!strcmp(option, "--help-complete")) program.name = joined; /* a function's name has no blank */
        if (!strcmp(option, "--help-markdown"))
            printf("%s### psml-data %s\n\n", i ? "\n" : "", commands[i].word);
        fflush(stdout);
        int one = ps_main(2, argv, &program);
        if (one) status = one;
    }
    if (!strcmp(option, "--help-complete")) complete_commands();
    return status;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    for (int i = 0; i < NCOMMANDS; i++)
        if (!strcmp(word, commands[i].word)) return ps_main(argc - 1, argv + 1, commands[i].program);
    if (!strncmp(word, "--help-", 7)) return all_helps(argv[0], argv[1]);
    if (!strcmp(word, "--version")) return ps_main(argc, argv, &ps_data_info);
    bool asked = !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
    if (!asked && word[0]) fprintf(stderr, "psml-data: no subcommand '%s'\n", word);
    help(asked ? stdout : stderr);
    return asked ? EXIT_SUCCESS : 2;
}
