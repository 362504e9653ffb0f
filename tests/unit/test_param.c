/* ranks: 1 */
/* Tables of parameters: what is taken, what is refused and with which words, and what is written reads back.
 */
#include "tests/unit/mpicheck.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/run/err.h"
#include "common/run/param.h"

struct params {
    ps_str input, output;
    double C, epsilon;
    int min_points, svm_type, shrinking;
    int64_t big;
    bool dense, verbose;
    ps_str index;
    struct ps_list y_range, grid;
    struct ps_keyed weight;
};

static const struct ps_param rows[] = {
    PS_PARAM(struct params, input, .letter = 'i', .positional = 1, .def = "data.h5", .help = "input file"),
    PS_PARAM(struct params, output, .letter = 'o', .positional = 2, .def = "", .help = "output file"),
    PS_PARAM(struct params, C, .letter = 'c', .def = "1", .range = "(0,inf)", .help = "price"),
    PS_PARAM(struct params, epsilon, .letter = 'e', .def = "0.1", .help = "radius"),
    PS_PARAM(struct params, min_points, .letter = 'm', .def = "2", .range = "[1,1000000]", .help = "density"),
    PS_PARAM(struct params, svm_type, .letter = 's', .def = "0", .choices = "c_svc|nu_svc|one_class",
             .help = "type"),
    PS_PARAM(struct params, shrinking, .letter = 'h', .def = "1", .range = "[0,1]", .help = "shrinking"),
    PS_PARAM(struct params, big, .def = "-9223372036854775808", .help = "a large number"),
    PS_PARAM(struct params, dense, .letter = 'D', .flag = true, .def = "false", .help = "dense input"),
    PS_PARAM(struct params, verbose, .def = "on", .help = "a word on | off"),
    PS_PARAM(struct params, index, .def = "auto", .choices = "auto|grid|tree", .help = "index"),
    PS_PARAM(struct params, y_range, .letter = 'y', .values = 2, .def = "", .help = "range of labels"),
    PS_PARAM(struct params, grid, .letter = 'g', .def = "1,2", .range = "(0,inf)", .help = "values to try"),
    PS_PARAM(struct params, weight, .letter = 'w', .def = "", .range = "[0,inf)", .help = "weights by class"),
};
enum { NROWS = sizeof rows / sizeof rows[0] };

struct shared {
    int threads;
    int min_points; /* hidden by the program's */
    ps_str seed;
};
static const struct ps_param shared_rows[] = {
    PS_PARAM(struct shared, threads, .letter = 't', .def = "0", .help = "threads"),
    PS_PARAM(struct shared, min_points, .letter = 'x', .def = "77", .help = "hidden"),
    PS_PARAM(struct shared, seed, .letter = 'c', .def = "s", .help = "its letter is taken"),
};

static struct params p;
static struct shared common;
static enum ps_origin origin[NROWS], common_origin[3];
static struct ps_table tables[2];
static ps_str file;

static void reset(void)
{
    memset(&p, 0x5A, sizeof p);
    memset(&common, 0x5A, sizeof common);
    tables[0] = (struct ps_table){rows, NROWS, &p, origin, NULL};
    tables[1] = (struct ps_table){shared_rows, 3, &common, common_origin, NULL};
    ps_err_clear();
    ck_assert_int_eq(ps_table_defaults(tables, 2), PS_OK);
}

/* Arguments are separated by `|`. */
static enum ps_status parse(const char *line)
{
    static char text[8192];
    char *argv[64] = {"prog"};
    int argc = 1;
    reset();
    snprintf(text, sizeof text, "%s", line);
    for (char *at = text; *line && at;) {
        argv[argc++] = at;
        at = strchr(at, '|');
        if (at) *at++ = '\0';
    }
    return ps_table_args(tables, 2, argc, argv, file);
}

static enum ps_status parse_file(const char *text)
{
    FILE *f = fopen("test_param.par", "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    enum ps_status rc = ps_table_file(tables, 2, "test_param.par");
    remove("test_param.par");
    return rc;
}

START_TEST(defaults)
{
    ck_assert_int_eq(parse(""), PS_OK);
    ck_assert_str_eq(p.input, "data.h5");
    ck_assert_str_eq(p.output, "");
    ck_assert(p.C == 1 && p.epsilon == 0.1 && p.min_points == 2 && p.svm_type == 0 && p.shrinking == 1);
    ck_assert(p.big == INT64_MIN && !p.dense && p.verbose && common.threads == 0 && common.min_points == 77);
    ck_assert_str_eq(file, "");
    for (int i = 0; i < NROWS; i++) ck_assert_int_eq(origin[i], PS_FROM_DEFAULT);
}
END_TEST

/* A line and the value that one row must then have. */
static const struct {
    const char *line;
    int table, row;
    const char *value;
} good[] = {
    {"--C|2.5", 0, 2, "2.5"},
    {"--C=2.5", 0, 2, "2.5"},
    {"-c|2.5", 0, 2, "2.5"},
    {"-c2.5", 0, 2, "2.5"},
    {"-c|1e-300", 0, 2, "1e-300"},
    {"-c|0.1", 0, 2, "0.1"},
    {"-c|0.30000000000000004", 0, 2, "0.30000000000000004"},
    {"-c|4.9e-324", 0, 2, "4.94066e-324"},
    {"-e|-3", 0, 3, "-3"},
    {"-e-3", 0, 3, "-3"},
    {"--epsilon|-1e5", 0, 3, "-100000"},
    {"--epsilon=-.5", 0, 3, "-0.5"},
    {"--min-points|7", 0, 4, "7"},
    {"--min_points|7", 0, 4, "7"},
    {"-m|1000000", 0, 4, "1000000"},
    {"-m|3|-m|4", 0, 4, "4"},
    {"-x|1|--min-points|5", -1, 0, NULL}, /* letter x is hidden with its row */
    {"-s|2", 0, 5, "one_class"},
    {"-s|nu_svc", 0, 5, "nu_svc"},
    {"-h|0", 0, 6, "0"},
    {"--big|9223372036854775807", 0, 7, "9223372036854775807"},
    {"--big|-9223372036854775808", 0, 7, "-9223372036854775808"},
    {"-D", 0, 8, "true"},
    {"-D|in.h5", 0, 8, "true"},
    {"-D|in.h5", 0, 0, "in.h5"},
    {"--dense", 0, 8, "true"},
    {"--dense=off", 0, 8, "false"},
    {"-D|--no-dense", 0, 8, "false"},
    {"--verbose|off", 0, 9, "false"},
    {"--verbose=no", 0, 9, "false"},
    {"--verbose|1", 0, 9, "true"},
    {"--index|tree", 0, 10, "tree"},
    {"in.h5", 0, 0, "in.h5"},
    {"in.h5|out.h5", 0, 1, "out.h5"},
    {"in.h5|-m|3|out.h5", 0, 1, "out.h5"},
    {"-i|a b=c", 0, 0, "a b=c"},
    {"--input=--odd", 0, 0, "--odd"},
    {"--input=", 0, 0, ""},
    {"--|-D", 0, 0, "-D"},
    {"-", 0, 0, "-"},
    {"-o|-", 0, 1, "-"},
    {"-5", 0, 0, "-5"},
    {"-t|4", 1, 0, "4"},
    {"-t4", 1, 0, "4"},
    {"", 0, 11, ""},
    {"-y|-1|1", 0, 11, "-1,1"},
    {"-y-1|1", 0, 11, "-1,1"},
    {"-y|0,5|in.h5", 0, 11, "0,5"},
    {"-y|0,5|in.h5", 0, 0, "in.h5"},
    {"-y|0|5|7", 0, 0, "7"},
    {"--y-range|0|0.1", 0, 11, "0,0.1"},
    {"--y-range=0 0.1", 0, 11, "0,0.1"},
    {"", 0, 12, "1,2"},
    {"-g|1,10, 1e3 , 0.1", 0, 12, "1,10,1000,0.1"},
    {"--grid|5|6", 0, 12, "5"},
    {"--grid|5|6", 0, 0, "6"},
    {"-w1|5", 0, 13, "1:5"},
    {"-w1|5|-w-1|2.5|-w1|7", 0, 13, "1:7,-1:2.5"},
    {"-w|3:4", 0, 13, "3:4"},
    {"-w3:4|--weight|5:6,7:8", 0, 13, "3:4,5:6,7:8"},
    {"-c|3", 1, 2, "s"}, /* the program's letter wins */
};

START_TEST(good_lines)
{
    char text[PS_STR_MAX];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        enum ps_status rc = parse(good[i].line);
        if (good[i].table < 0) {
            ck_assert_msg(rc == PS_EUSAGE, "%s: %d", good[i].line, rc);
            continue;
        }
        ck_assert_msg(rc == PS_OK, "%s: %s", good[i].line, ps_err_message());
        ps_table_value(&tables[good[i].table], good[i].row, text, sizeof text);
        ck_assert_msg(strcmp(text, good[i].value) == 0, "%s: %s is not %s", good[i].line, text,
                      good[i].value);
    }
}
END_TEST

/* A line and a part of its message. */
static const char *const bad[][2] = {
    {"--min-point|3", "did you mean --min-points?"},
    {"--minpoints|3", "did you mean --min-points?"},
    {"--espilon=3", "unknown option --espilon; did you mean --epsilon?"},
    {"--hepl", "did you mean --help?"},
    {"--qqqqqqqqq", "unknown option --qqqqqqqqq (see --help)"},
    {"-z", "unknown option -z"},
    {"-input|x", NULL}, /* -i with the value "nput", then a first argument that replaces it */
    {"-C|1", "unknown option -C"},
    {"-c", "-c needs a value"},
    {"--C", "--C needs a value"},
    {"-i|-o|x", "-i needs a value, but '-o' follows"},
    {"--input|--output|x", "--input needs a value, but '--output' follows"},
    {"-c|x", "-c cannot be 'x': not a number"},
    {"-c|1x", "not a number"},
    {"--C=", "--C has no value"},
    {"-c|nan", "not NaN"},
    {"-c|0", "must be in (0,inf), not 0"},
    {"-c|-1", "must be in (0,inf), not -1"},
    {"-c|inf", "must be in (0,inf), not inf"},
    {"-e|inf", "must be finite, not inf"},
    {"-e|1e999", "too large"},
    {"-c|1e-999", "too small"},
    {"-m|0", "must be in [1,1000000], not 0"},
    {"-m|1000001", "must be in [1,1000000]"},
    {"-m|3.0", "not an integer"},
    {"-m|0x10", "not an integer"},
    {"-m|4294967298", "does not fit into 32 bits"},
    {"--big|9223372036854775808", "does not fit into 64 bits"},
    {"--big|1e3", "not an integer"},
    {"-s|3", "none of c_svc|nu_svc|one_class"},
    {"-s|-1", "none of c_svc"},
    {"-s|c_sv", "none of c_svc"},
    {"--index|auto|--index|gridd", "--index cannot be 'gridd': none of auto|grid|tree"},
    {"--index=", "none of auto"},
    {"-D1", "-D takes no value"},
    {"--dense=maybe", "--dense cannot be 'maybe'"},
    {"--no-epsilon", "unknown option"},
    {"--no-verbose", "unknown option"},
    {"a|b|c", "'c' is one argument too many"},
    {"x.par|--params|y.par", "two parameter files are given, x.par and y.par"},
    {"--params", "--params needs a value"},
    {"-y|1", "-y needs 2 numbers, not 1"},
    {"-y|1|x", "-y needs 2 numbers, not 1"},
    {"-y|1,2,3", "-y needs 2 numbers, not 3"},
    {"-y", "-y needs a value"},
    {"-y|1,x", "-y cannot be 'x': not a number"},
    {"-g|1,0", "-g must be in (0,inf), not 0"},
    {"-g|1,,2", "-g cannot be '1,,2': not a list of numbers"},
    {"-w1", "-w1 needs a value"},
    {"-w1|x", "-w cannot be 'x': not a number"},
    {"-wx|1", "-w cannot be 'x:1': not of the form KEY:NUMBER"},
    {"-w|5", "-w cannot be '5': not of the form KEY:NUMBER"},
    {"-w1|-5", "-w must be in [0,inf), not -5"},
    {"-w9999999999|1", "not of the form KEY:NUMBER"},
};

START_TEST(bad_lines)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        enum ps_status rc = parse(bad[i][0]);
        if (!bad[i][1]) {
            ck_assert_int_eq(rc, PS_OK);
            continue;
        }
        ck_assert_msg(rc == PS_EUSAGE, "%s: status %d", bad[i][0], rc);
        ck_assert_msg(strstr(ps_err_message(), bad[i][1]) != NULL, "%s: %s", bad[i][0], ps_err_message());
    }
}
END_TEST

START_TEST(long_strings)
{
    char line[6000];
    snprintf(line, sizeof line, "-i|%01023d", 7);
    ck_assert_int_eq(parse(line), PS_OK);
    ck_assert_uint_eq(strlen(p.input), 1023);
    snprintf(line, sizeof line, "-i|%01024d", 7);
    ck_assert_int_eq(parse(line), PS_EUSAGE);
    ck_assert_ptr_nonnull(strstr(ps_err_message(), "longer than the 1023 characters"));
    reset();
    snprintf(line, sizeof line, "input = %01023d\n", 7);
    ck_assert_int_eq(parse_file(line), PS_OK);
    ck_assert_uint_eq(strlen(p.input), 1023);
    reset();
    snprintf(line, sizeof line, "input = %04900d", 7);
    ck_assert_int_eq(parse_file(line), PS_EUSAGE);
    ck_assert_str_eq(ps_err_message(), "test_param.par:1: the line is too long");
}
END_TEST

START_TEST(parameter_files_are_found)
{
    ck_assert_int_eq(parse("run.par|in.h5|out.h5"), PS_OK);
    ck_assert_str_eq(file, "run.par");
    ck_assert_str_eq(p.input, "in.h5");
    ck_assert_str_eq(p.output, "out.h5");
    ck_assert_int_eq(parse("--params|run.txt|a.par"), PS_OK);
    ck_assert_str_eq(file, "run.txt");
    ck_assert_str_eq(p.input, "a.par");
    ck_assert_int_eq(parse("in.h5|out.par"), PS_OK);
    ck_assert_str_eq(file, "");
    ck_assert_str_eq(p.output, "out.par");
    ck_assert_int_eq(parse("--|in.par"), PS_OK);
    ck_assert_str_eq(file, "");
    ck_assert_str_eq(p.input, "in.par");
}
END_TEST

START_TEST(precedence)
{
    ck_assert_int_eq(parse("-m|5"), PS_OK);
    ck_assert_int_eq(parse_file("min-points = 9\nC = 4\n"), PS_OK);
    ck_assert(p.min_points == 5 && p.C == 4 && p.epsilon == 0.1);
    ck_assert(origin[4] == PS_FROM_COMMAND && origin[2] == PS_FROM_FILE && origin[3] == PS_FROM_DEFAULT);
    /* a wrong line of a file is told even where the command line sets that parameter */
    ck_assert_int_eq(parse("-m|5"), PS_OK);
    ck_assert_int_eq(parse_file("min_points = 0\n"), PS_EUSAGE);
}
END_TEST

START_TEST(files)
{
    reset();
    ck_assert_int_eq(
        parse_file("\xEF\xBB\xBF# comment\r\n[section]\r\n  C=3 ; price\r\n\r\n"
                   "; more\n\tepsilon\t=\t7\t# radius\ninput = a#b;c=d\n"
                   "output = \" x ; \\\"y\\\\z # \\n\"  # end\nsvm_type = 1\ndense = true\nthreads = 3"),
        PS_OK);
    ck_assert(p.C == 3 && p.epsilon == 7 && p.svm_type == 1 && p.dense && common.threads == 3);
    ck_assert_str_eq(p.input, "a#b;c=d");
    ck_assert_str_eq(p.output, " x ; \"y\\z # \n");
    reset();
    ck_assert_int_eq(parse_file("input =\n"), PS_OK);
    ck_assert_str_eq(p.input, "");
    reset();
    ck_assert_int_eq(parse_file(""), PS_OK);
}
END_TEST

static const char *const bad_files[][2] = {
    {"C = 1\n\nepsilom = 3\n", "test_param.par:3: unknown parameter 'epsilom'; did you mean epsilon?"},
    {"C = 1\nC = 2\n", "test_param.par:2: C is set twice, first in line 1"},
    {"min_points = 3\nmin-points = 4\n", "test_param.par:2: min-points is set twice, first in line 1"},
    {"C = x\n", "test_param.par:1: C cannot be 'x': not a number"},
    {"C =\n", "test_param.par:1: C has no value"},
    {"C = # nothing\n", "test_param.par:1: C has no value"},
    {"hello\n", "test_param.par:1: 'hello' is not of the form name = value"},
    {"= 3\n", "test_param.par:1: there is no name before ="},
    {"input = \"abc\n", "test_param.par:1: input has a quote that is not closed"},
    {"input = \"abc\" def\n", "test_param.par:1: input has a quote that is not closed"},
    {"input = \"a\\\"\n", "test_param.par:1: input has a quote that is not closed"},
    {"C = 1\nx\001y = 3\n", "test_param.par:2: this is not a text file"},
};

START_TEST(broken_files)
{
    for (size_t i = 0; i < sizeof bad_files / sizeof bad_files[0]; i++) {
        reset();
        ck_assert_int_eq(parse_file(bad_files[i][0]), PS_EUSAGE);
        ck_assert_str_eq(ps_err_message(), bad_files[i][1]);
    }
    static const char hidden[] = "C = 1\0 and more"; /* with and without a line end */
    for (size_t size = sizeof hidden - 1; size <= sizeof hidden; size++) {
        FILE *f = fopen("zero.par", "w");
        fwrite(hidden, 1, size, f);
        if (size == sizeof hidden) fputc('\n', f);
        fclose(f);
        reset();
        ck_assert_int_eq(ps_table_file(tables, 2, "zero.par"), PS_EUSAGE);
        ck_assert_str_eq(ps_err_message(), "zero.par:1: this is not a text file");
        remove("zero.par");
    }
    reset();
    ck_assert_int_eq(ps_table_file(tables, 2, "/nowhere/x.par"), PS_EUSAGE);
    ck_assert_ptr_nonnull(strstr(ps_err_message(), "/nowhere/x.par cannot be opened: No such file"));
    reset();
    ck_assert_int_eq(ps_table_file(tables, 2, "/"), PS_EUSAGE);
    ck_assert_ptr_nonnull(strstr(ps_err_message(), "is a directory"));
}
END_TEST

START_TEST(written_file_reads_back)
{
    static const char *const strings[] = {"plain",     "",        " edge ",   "a # b", "q\"uo\\te",
                                          "new\nline", "tab\tin", "bell\a\r", "\\x41", "C:\\new",
                                          "#",         "\"",      "x=y",      "[s]",   "umlaut \xC3\xA4"};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        struct params before;
        char text[16384] = "";
        ck_assert_int_eq(parse("-c|0.1|-e|-1e-17|-m|12|-s|2|-D|--big|-5|--verbose|off|--index|grid|-t|9|-w-3|"
                               "0.1|-w4|5|-y|-1|0.7"),
                         PS_OK);
        snprintf(p.input, sizeof p.input, "%s", strings[i]);
        p.epsilon = nextafter(0.3, 1);
        before = p;
        FILE *f = fmemopen(text, sizeof text, "w");
        ps_table_write(f, tables, 2);
        fclose(f);
        reset();
        ck_assert_msg(parse_file(text) == PS_OK, "%s\n%s", ps_err_message(), text);
        ck_assert_str_eq(p.input, before.input);
        ck_assert(p.C == before.C && p.epsilon == before.epsilon && p.min_points == before.min_points);
        ck_assert(p.svm_type == before.svm_type && p.big == before.big && p.dense && !p.verbose);
        ck_assert(common.threads == 9 && common.min_points == 77);
        ck_assert_str_eq(p.index, "grid");
        ck_assert(memcmp(&p.weight, &before.weight, sizeof p.weight) == 0 && p.weight.key[0] == -3);
        ck_assert(memcmp(&p.y_range, &before.y_range, sizeof p.y_range) == 0 && p.grid.n == 2);
    }
}
END_TEST

START_TEST(required)
{
    struct {
        ps_str name;
        int n;
    } q;
    memset(&q, 0, sizeof q);
    const struct ps_param two[] = {
        {.name = "name", .kind = PS_KIND_STR, .positional = 1, .help = "whom to greet"},
        {.name = "n", .kind = PS_KIND_INT, .offset = PS_STR_MAX, .help = "how often"}};
    enum ps_origin from[2];
    struct ps_table t = {two, 2, &q, from, NULL};
    char *argv[] = {"prog", "you", "--n", "3"};
    ck_assert_int_eq(ps_table_defaults(&t, 1), PS_OK);
    ps_err_clear();
    ck_assert_int_eq(ps_table_check(&t, 1), PS_EUSAGE);
    ck_assert_str_eq(ps_err_message(), "the argument name is missing: whom to greet (see --help)");
    ps_err_clear();
    ck_assert_int_eq(ps_table_args(&t, 1, 2, argv, file), PS_OK);
    ck_assert_int_eq(ps_table_check(&t, 1), PS_EUSAGE);
    ck_assert_str_eq(ps_err_message(), "the parameter n is missing: how often (see --help)");
    ck_assert_int_eq(ps_table_args(&t, 1, 4, argv, file), PS_OK);
    ck_assert_int_eq(ps_table_check(&t, 1), PS_OK);
    ck_assert(q.n == 3);
    ck_assert_str_eq(q.name, "you");
}
END_TEST

START_TEST(wrong_tables_are_noticed)
{
    struct ps_param row = rows[4];
    enum ps_origin from;
    struct ps_table t = {&row, 1, &p, &from, NULL};
    ps_err_clear();
    row.def = "0"; /* outside [1,1000000] */
    ck_assert_int_eq(ps_table_defaults(&t, 1), PS_EINTERNAL);
    row.def = "2", row.range = "1 to 5";
    ck_assert_int_eq(ps_table_defaults(&t, 1), PS_EINTERNAL);
    ps_err_clear();
}
END_TEST

/* What a printer prints. */
static char *printed(void (*print)(FILE *, const struct ps_table *, int))
{
    static char text[16384];
    memset(text, 0, sizeof text);
    FILE *f = fmemopen(text, sizeof text, "w");
    print(f, tables, 2);
    fclose(f);
    return text;
}

START_TEST(help_texts)
{
    reset();
    char *text = printed(ps_table_help);
    ck_assert_ptr_nonnull(strstr(text, "-m, --min-points N          density (default 2; in [1,1000000])"));
    ck_assert_ptr_nonnull(strstr(text, "--index WORD            index (default auto; auto|grid|tree)"));
    ck_assert_ptr_null(strstr(text, "hidden"));
    ck_assert_ptr_null(strstr(text, "-h, --help")); /* the program has its own -h */
    ck_assert_ptr_null(strstr(text, "-c, --seed")); /* and -c */
    text = printed(ps_table_markdown);
    ck_assert_ptr_nonnull(
        strstr(text, "| min_points | `-m`, `--min-points` | 2 | [1,1000000] |  | density |\n"));
    ck_assert_ptr_nonnull(strstr(text, "| auto\\|grid\\|tree |"));
    ck_assert_ptr_nonnull(strstr(text, "| a word on \\| off |\n"));
    ck_assert_ptr_null(strstr(text, "-c`, `--seed"));
    text = printed(ps_table_man);
    ck_assert_ptr_nonnull(strstr(text, ".TP\n\\fB\\-m\\fR, \\fB\\-\\-min\\-points\\fR N\ndensity\n"));
    ck_assert_ptr_null(strstr(text, "\\fB\\-c\\fR, \\fB\\-\\-seed"));
}
END_TEST

START_TEST(completion)
{
    char text[8192] = "";
    reset();
    FILE *f = fmemopen(text, sizeof text, "w");
    ps_table_complete(f, "pisvm-train", tables, 2);
    fclose(f);
    ck_assert_ptr_nonnull(
        strstr(text, "--index) COMPREPLY=($(compgen -W 'auto grid tree' -- \"$word\")); return ;;"));
    ck_assert_ptr_nonnull(strstr(text, "--min-points "));
    ck_assert_ptr_nonnull(strstr(text, "complete -o filenames -F _pisvm_train pisvm-train\n"));
}
END_TEST

int main(int argc, char **argv)
{
    char dir[1024];
    const char *folder = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/test_param.XXXXXX", folder ? folder : P_tmpdir);
    if (!mkdtemp(dir) || chdir(dir) != 0) return EXIT_FAILURE;
    const TTest *tests[] = {defaults,
                            good_lines,
                            bad_lines,
                            long_strings,
                            parameter_files_are_found,
                            precedence,
                            files,
                            broken_files,
                            written_file_reads_back,
                            required,
                            wrong_tables_are_noticed,
                            help_texts,
                            completion,
                            NULL};
    int status = mck_main(argc, argv, "param", tests);
    rmdir(dir);
    return status;
}
