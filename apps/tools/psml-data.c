/* psml-data SUBCOMMAND [options]: look at data sets, convert, split, compare, pack and generate them. */
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
                {"split", &ps_data_split},
                {"pack", &ps_data_pack},
                {"generate", &ps_data_generate},
                {"generate spectra", &ps_data_spectra}, /* kinds with options of their own */
                {"generate digits", &ps_data_digits},
                {"generate images", &ps_data_images}};
enum { NCOMMANDS = sizeof commands / sizeof *commands };

static void help(FILE *f)
{
    fprintf(f, "psml-data: look at data sets, convert, split, compare, pack and generate them\n"
               "usage: psml-data SUBCOMMAND [options]\n");
    for (int i = 0; i < NCOMMANDS; i++)
        fprintf(f, "  %-18s %s\n", commands[i].word, commands[i].program->summary);
    fprintf(f,
            "psml-data SUBCOMMAND --help lists the options. Files: HDF5 (.h5), netCDF (.nc), NumPy (.npy), "
            "text (.csv .tsv .txt), LIBSVM text (.libsvm .svm .svmlight .el); read only: NumPy archives "
            "(.npz), MATLAB (.mat), IDX (also .gz).\n");
}

/** Words in a command. */
static int words(const char *command)
{
    return strchr(command, ' ') ? 2 : 1;
}

/** The command that the arguments begin with, the longest one; -1 if none. */
static int command_of(int argc, char **argv)
{
    int found = -1;
    for (int i = 0; i < NCOMMANDS; i++) {
        char joined[64] = "";
        int n = words(commands[i].word);
        if (argc <= n) continue;
        snprintf(joined, sizeof joined, "%.30s%s%.30s", argv[1], n == 1 ? "" : " ", n == 1 ? "" : argv[2]);
        if (!strcmp(joined, commands[i].word)) found = i;
    }
    return found;
}

/** A command's name in one word, after `prefix`. */
static void one_word(const char *prefix, const char *command, char blank, char out[64])
{
    snprintf(out, 64, "%s%s", prefix, command);
    for (char *c = out; *c; c++)
        if (*c == ' ') *c = blank;
}

/** Completion of the first word; the other words are completed by the subcommands' functions. */
static void complete_commands(void)
{
    char name[64];
    printf("_psml_data()\n{\n    if ((COMP_CWORD == 1)); then\n        COMPREPLY=($(compgen -W '");
    for (int i = 0; i < NCOMMANDS; i++)
        if (words(commands[i].word) == 1) printf("%s ", commands[i].word);
    printf("--help --version' -- \"${COMP_WORDS[1]}\"))\n        return\n    fi\n    case \"${COMP_WORDS[1]} "
           "${COMP_WORDS[2]}\" in\n");
    for (int i = NCOMMANDS - 1; i >= 0; i--) { /* two words before one */
        one_word("_psml_data_", commands[i].word, '_', name);
        printf("    \"%s\"%s) %s ;;\n", commands[i].word, words(commands[i].word) == 1 ? "\\ *" : "", name);
    }
    printf("    esac\n}\ncomplete -o filenames -F _psml_data psml-data\n");
}

/** --help-markdown and its like are asked of the whole: every subcommand answers. */
static int all_helps(char *name, char *option)
{
    int status = 0;
    for (int i = 0; i < NCOMMANDS; i++) {
        char *argv[] = {name, option, NULL}, joined[64];
        struct ps_program program = *commands[i].program;
        one_word("psml-data-", commands[i].word, '-', joined);
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
    int which = command_of(argc, argv);
    if (which >= 0) {
        int n = words(commands[which].word);
        return ps_main(argc - n, argv + n, commands[which].program);
    }
    if (!strncmp(word, "--help-", 7)) return all_helps(argv[0], argv[1]);
    if (!strcmp(word, "--version")) return ps_main(argc, argv, &ps_data_info);
    bool asked = !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
    if (!asked && word[0]) fprintf(stderr, "psml-data: no subcommand '%s'\n", word);
    help(asked ? stdout : stderr);
    return asked ? EXIT_SUCCESS : 2;
}
