/* ranks: 1 2 3 5 */
#include "iocheck.h"

/** Read a text on all ranks and compare with rows of `cols` values. */
static void expect(const char *text, int64_t rows, int64_t cols, const double *want)
{
    int size, width = cols ? (int)cols : 1;
    struct ps_shard s;
    struct ps_shard_info info;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    io_write_file(io_path("t.txt"), text, strlen(text));
    enum ps_status rc = ps_shard_info(MPI_COMM_WORLD, io_path("t.txt"), "", &info);
    mck_assert(rc == PS_OK && info.rows == rows && info.cols == cols && info.type == PS_F64,
               "info of '%s': %s", text, ps_err_message());
    rc = ps_shard_read(MPI_COMM_WORLD, io_path("t.txt"), "", &s);
    mck_assert(rc == PS_OK, "'%s': %s", text, ps_err_message());
    struct ps_range mine = ps_block(rows, size, io_rank());
    int right =
        s.rows == rows && s.cols == cols && s.type == PS_F64 && s.mine.lo == mine.lo && s.mine.hi == mine.hi;
    mck_assert(right, "'%s': %lld x %lld", text, (long long)s.rows, (long long)s.cols);
    for (int64_t i = 0; i < (mine.hi - mine.lo) * width; i++)
        right &= ((double *)s.data)[i] == want[mine.lo * width + i];
    mck_assert(right, "'%s': other values", text);
    ps_shard_free(&s);
}

START_TEST(forms)
{
    static const double x[] = {1, 2, 3, 4, 5, 6};
    expect("1 2\n3 4\n5 6\n", 3, 2, x);
    expect("1 2\n3 4\n5 6", 3, 2, x);
    expect("1,2\r\n3,4\r\n5,6\r\n", 3, 2, x);
    expect("1;2\n3;4\n5;6\n", 3, 2, x);
    expect("1\t2\n3\t4\n5\t6\t\n", 3, 2, x);
    expect("  1   2  \n\t3 4\n5 6 \n\n\n", 3, 2, x);
    expect("x,y\n1,2\n3,4\n5,6\n", 3, 2, x);
    expect("\"first x\" \"y\"\n1 2\n3 4\n5 6\n", 3, 2, x);
    expect("# a comment, with; signs\n\n  # another\nx;y\n1;2\n# between\n3;4 # behind\n\n5 ; 6\n#end", 3, 2,
           x);
    expect("\xef\xbb\xbf"
           "1,2\n3,4\n5,6\n",
           3, 2, x);
    expect("\xef\xbb\xbfname,n\xc3\xa4me\n1,2\n3,4\n5,6\n", 3, 2, x);
    expect("1 , 2 , 3\n4,5,6", 2, 3, x);
    expect("1\n2\n3\n4\n5\n6\n", 6, 0, x);
    expect("n\n1\n2\n3", 3, 0, x);
    expect("+1 2.0 0.3e1 4e0 .5e+1 600E-2\n", 1, 6, x);
    expect("1", 1, 0, x);
}
END_TEST

/** Many lines of very different lengths, so that every rank's and thread's cut falls somewhere odd. */
START_TEST(many_lines)
{
    enum { ROWS = 20000 };
    char *text = malloc(ROWS * 120), *at = text;
    double *want = malloc(ROWS * 3 * sizeof *want);
    at += sprintf(at, "a b c\n");
    for (int i = 0; i < ROWS; i++) {
        if (i % 7 == 0)
            at += sprintf(at, "# %.*s\n", i % 50, "..................................................");
        if (i % 11 == 0) at += sprintf(at, "\r\n");
        double *w = want + 3 * i;
        w[0] = i;
        io_put(w, 1, PS_F64, 2 * i);
        io_put(w, 2, PS_F64, 2 * i + 1);
        at += sprintf(at, "%.0f %.17g %.17g%s", w[0], w[1], w[2], i % 3 ? "\n" : " # x\r\n");
    }
    expect(text, ROWS, 3, want);
    free(text);
    free(want);
}
END_TEST

static void refuse(const char *text, const char *words)
{
    io_write_file(io_path("t.txt"), text, strlen(text));
    io_fails(io_path("t.txt"), "", PS_EINPUT, words);
}

START_TEST(refused)
{
    refuse("1 2\n3\n", "line 2 has 1 columns where the first row has 2");
    refuse("1 2\n3 4\n\n# c\n5 6 7\n", "line 5 has more columns than the 2 of the first row");
    refuse("1,2\n3,\n", "line 2: column 2 is empty");
    refuse("1,2\n3,,4\n", "line 2: column 2 is empty");
    refuse("1,2\n,4\n", "line 2: column 1 is empty");
    refuse("1,2\n3,4,\n", "line 2 has more columns");
    refuse("1,2\r\n3\r\n", "line 2 has 1 columns");
    refuse("1 2\n3 x4\n", "line 2: 'x4' in column 2 is not a number");
    refuse("1 2\n3 4x\n", "line 2: '4x' in column 2 is not a number");
    refuse("1 2\n3 0x10\n", "line 2: '0x10' in column 2 is not a number");
    refuse("5.1,setosa\n4.9,setosa\n", "line 1: 'setosa' in column 2 is not a number");
    refuse("1;2,5\n", "line 1: '2,5' in column 2 is not a number");
    refuse("a b\nc d\n", "line 2: 'c' in column 1 is not a number");
    refuse("a b\n1 2\nNA 3\n", "line 3: 'NA' in column 1 is not a number");
    refuse("# nothing\n\n", "no rows");
    refuse("x y z\n", "no rows");
    refuse("   \n", "no rows");
    refuse("1 2\n3 aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee\n", "ccccccdddddd...");
    refuse("1 2\n3 4\n\n5 6\n1:2 3:4\n", "line 5: '1:2' in column 1");
}
END_TEST

/** The first wrong line is named, whichever rank has it. */
START_TEST(first_error)
{
    enum { ROWS = 30000 };
    char *text = malloc(ROWS * 12), *at = text, words[64];
    for (int i = 0; i < ROWS; i++) at += sprintf(at, i == 21234 || i == 29999 ? "%d\n" : "%d 1\n", i);
    snprintf(words, sizeof words, "line %d has 1 columns", 21235);
    refuse(text, words);
    free(text);
}
END_TEST

START_TEST(special_values)
{
    struct ps_shard s;
    static const char text[] = "nan inf\n-inf NaN\n";
    io_write_file(io_path("t.txt"), text, strlen(text));
    enum ps_status rc = ps_shard_read(MPI_COMM_SELF, io_path("t.txt"), "", &s);
    mck_assert(rc == PS_OK, "%s", ps_err_message());
    double *x = s.data;
    mck_assert(x[0] != x[0] && x[1] > 1e308 && x[2] < -1e308 && x[3] != x[3], "values");
    ps_shard_free(&s);
    MPI_Barrier(MPI_COMM_WORLD);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {forms, many_lines, refused, first_error, special_values, NULL};
    return mck_main(argc, argv, "textshard", tests);
}
