/* The front of binaries of several commands. */
#include "common/run/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 96 };

/* The binary: what the functions below share. */
struct binary {
    const char *name, *summary, *notes;
    const struct ps_command *commands;
    int n;
};

/* Words in a command. */
static int words(const char *command)
{
    return strchr(command, ' ') ? 2 : 1;
}

static bool first_word_is(const char *command, const char *word)
{
    const size_t len = strcspn(command, " ");
    return strlen(word) == len && strncmp(command, word, len) == 0;
}

/* Is there a command of this one word? */
static bool is_command(const struct binary *b, const char *word)
{
    for (int i = 0; i < b->n; i++)
        if (strcmp(b->commands[i].words, word) == 0) return true;
    return false;
}

/* A word that commands begin with but that is none itself. */
static bool is_group(const struct binary *b, const char *word)
{
    for (int i = 0; i < b->n; i++)
        if (words(b->commands[i].words) == 2 && first_word_is(b->commands[i].words, word))
            return !is_command(b, word);
    return false;
}

/* Of the commands that begin with `group`; of all where that is NULL. */
static void help(FILE *f, const struct binary *b, const char *group)
{
    fprintf(f, "%s: %s\nusage: %s %s [options]\n", b->name, b->summary, b->name, group ? group : "COMMAND");
    for (int i = 0; i < b->n; i++)
        if (!group || first_word_is(b->commands[i].words, group))
            fprintf(f, "  %-18s %s\n", b->commands[i].words, b->commands[i].program->summary);
    fprintf(f, "%s COMMAND --help lists the options.%s%s\n", b->name, *b->notes ? " " : "", b->notes);
}

/* The command that the arguments begin with, the longest one; -1 if none. */
static int command_of(const struct binary *b, int argc, char **argv)
{
    int found = -1;
    for (int i = 0; i < b->n; i++) {
        const char *command = b->commands[i].words;
        const int n = words(command);
        if (argc <= n || !first_word_is(command, argv[1])) continue;
        if (n == 1 && found < 0) found = i;
        if (n == 2 && strcmp(strchr(command, ' ') + 1, argv[2]) == 0) found = i;
    }
    return found;
}

/* Binary and command in one word, as a function of the shell may be called. */
static void function_of(const struct binary *b, const char *command, char out[NAME_MAX_BYTES])
{
    snprintf(out, NAME_MAX_BYTES, "_%s%s%s", b->name, *command ? "_" : "", command);
    for (char *c = out; *c; c++)
        if (*c == ' ' || *c == '-') *c = '_';
}

static void complete_word(int place, const char *indent)
{
    printf("%sCOMPREPLY=($(compgen -W \"$list\" -- \"${COMP_WORDS[%d]}\"))\n%sreturn\n", indent, place,
           indent);
}

/* The first words, each once. */
static void list_first_words(const struct binary *b)
{
    printf("    if ((COMP_CWORD == 1)); then\n        list='");
    for (int i = 0; i < b->n; i++) {
        bool seen = false;
        const int len = (int)strcspn(b->commands[i].words, " ");
        for (int k = 0; k < i; k++)
            seen = seen || (strncmp(b->commands[k].words, b->commands[i].words, (size_t)len) == 0 &&
                            (int)strcspn(b->commands[k].words, " ") == len);
        if (!seen) printf("%.*s ", len, b->commands[i].words);
    }
    printf("--help --version'\n");
    complete_word(1, "        ");
    printf("    fi\n");
}

/* The second words of groups. */
static void list_second_words(const struct binary *b)
{
    printf("    if ((COMP_CWORD == 2)); then\n        list=\n        case ${COMP_WORDS[1]} in\n");
    for (int i = 0; i < b->n; i++) {
        const char *second = strchr(b->commands[i].words, ' ');
        if (!second) continue;
        char first[NAME_MAX_BYTES];
        snprintf(first, sizeof first, "%.*s", (int)(second - b->commands[i].words), b->commands[i].words);
        if (is_group(b, first)) printf("        %s) list+=' %s' ;;&\n", first, second + 1);
    }
    printf("        esac\n        if [[ $list ]]; then\n");
    complete_word(2, "            ");
    printf("        fi\n    fi\n");
}

/* Completion of the command's words; the other ones are completed by the commands' functions. */
static void complete_commands(const struct binary *b)
{
    char function[NAME_MAX_BYTES];
    function_of(b, "", function);
    printf("%s()\n{\n    local list\n", function);
    list_first_words(b);
    list_second_words(b);
    printf("    case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n");
    for (int n = 2; n > 0; n--)
        for (int i = 0; i < b->n; i++) {
            if (words(b->commands[i].words) != n) continue;
            char one[NAME_MAX_BYTES];
            function_of(b, b->commands[i].words, one);
            printf("    \"%s\"%s) %s ;;\n", b->commands[i].words, n == 1 ? "\\ *" : "", one);
        }
    printf("    esac\n}\ncomplete -o filenames -F %s %s\n", function, b->name);
}

/* --help-markdown and its like are asked of the whole: every command answers. */
static int all_helps(const struct binary *b, char **argv)
{
    char *option = argv[1];
    const bool complete = strcmp(option, "--help-complete") == 0;
    int status = 0;
    for (int i = 0; i < b->n; i++) {
        char *args[] = {argv[0], option, NULL}, joined[NAME_MAX_BYTES];
        struct ps_program program = *b->commands[i].program;
        snprintf(joined, sizeof joined, "%s-%s", b->name, b->commands[i].words);
        if (strchr(joined, ' ')) *strchr(joined, ' ') = '-';
        if (complete) program.name = joined; /* a function's name has no blank */
        if (strcmp(option, "--help-markdown") == 0)
            printf("%s### %s %s\n\n", i ? "\n" : "", b->name, b->commands[i].words);
        fflush(stdout);
        const int one = ps_main(2, args, &program);
        if (one) status = one;
    }
    if (complete) complete_commands(b);
    return status;
}

int ps_commands_main(int argc, char **argv, const char *name, const char *summary, const char *notes,
                     const struct ps_command *commands, int n)
{
    const struct binary b = {.name = name, .summary = summary, .notes = notes, .commands = commands, .n = n};
    const char *word = argc > 1 ? argv[1] : "";
    const int which = command_of(&b, argc, argv);
    if (which >= 0) {
        const int skipped = words(commands[which].words);
        return ps_main(argc - skipped, argv + skipped, commands[which].program);
    }
    if (strncmp(word, "--help-", 7) == 0) return all_helps(&b, argv);
    if (strcmp(word, "--version") == 0) {
        struct ps_program program = *commands[0].program;
        program.name = name;
        return ps_main(argc, argv, &program);
    }
    const bool group = is_group(&b, word);
    const char *last = group && argc > 2 ? argv[2] : group ? "" : word;
    const bool asked = strcmp(last, "--help") == 0 || strcmp(last, "-h") == 0 || strcmp(last, "help") == 0;
    if (!asked && *last)
        fprintf(stderr, "%s: no command '%s%s%s'\n", name, group ? word : "", group ? " " : "", last);
    help(asked ? stdout : stderr, &b, group ? word : NULL);
    return asked ? EXIT_SUCCESS : 2;
}
