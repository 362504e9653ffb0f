/* ranks: 1 2 3 4 */
#include "iocheck.h"
#include <math.h>
#include "common/io/number.h"
#include "common/io/sparsefile.h"
#include "common/io/textout.h"
#include "kernels/rng.h"

/** What a plain serial reading finds. */
struct want {
    int64_t rows, cols, entries;
    double *label, *value;
    int64_t *start, *line;
    int32_t *index;
};

static struct want plain(const char *text, size_t n)
{
    struct want w = {0};
    char *copy = malloc(n + 2), *at = copy;
    memcpy(copy, text, n);
    copy[n] = '\n', copy[n + 1] = 0;
    w.label = malloc((n + 1) * sizeof *w.label), w.line = malloc((n + 1) * sizeof *w.line);
    w.value = malloc((n + 1) * sizeof *w.value), w.start = calloc(n + 2, sizeof *w.start);
    w.index = malloc((n + 1) * sizeof *w.index);
    if (!strncmp(at, "\xef\xbb\xbf", 3)) at += 3;
    for (int64_t line = 1; *at; line++) {
        char *stop = strchr(at, '\n'), *next = stop + 1, *token, *rest = NULL;
        *stop = 0;
        if (strchr(at, '#')) *strchr(at, '#') = 0;
        token = strtok_r(at, " \t\r", &rest);
        if (token) {
            w.line[w.rows] = line;
            w.label[w.rows] = strtod(token, NULL);
            while ((token = strtok_r(NULL, " \t\r", &rest))) {
                char *colon;
                long index = strtol(token, &colon, 10);
                if (index > w.cols) w.cols = index;
                w.index[w.entries] = (int32_t)(index - 1);
                w.value[w.entries++] = strtod(colon + 1, NULL);
            }
            w.start[++w.rows] = w.entries;
        }
        at = next;
    }
    free(copy);
    return w;
}

static void free_want(struct want *w)
{
    free(w->label), free(w->value), free(w->start), free(w->index), free(w->line);
}

/** Does what was read hold its part of what is wanted? */
static int is_part(const struct ps_sparse *s, const struct want *w)
{
    if (s->rows != w->rows || s->cols != w->cols || s->mine.hi > w->rows || s->start[0] != 0) return 0;
    for (int64_t i = s->mine.lo; i < s->mine.hi; i++) {
        int64_t k = s->start[i - s->mine.lo], n = s->start[i - s->mine.lo + 1] - k, from = w->start[i];
        if (n != w->start[i + 1] - from || s->label[i - s->mine.lo] != w->label[i]) return 0;
        if (memcmp(s->index + k, w->index + from, (size_t)n * sizeof *s->index)) return 0;
        if (memcmp(s->value + k, w->value + from, (size_t)n * sizeof *s->value)) return 0;
    }
    return 1;
}

/** Read a text on all ranks and compare. */
static void check(const char *text, size_t n)
{
    const char *path = io_path("sparse.txt");
    struct want w = plain(text, n);
    struct ps_sparse s;
    io_write_file(path, text, n);
    enum ps_status rc = ps_sparse_read(MPI_COMM_WORLD, path, &s);
    if (w.rows == 0) {
        mck_assert(rc == PS_EINPUT && strstr(ps_err_message(), "no rows") && !s.value, "%s",
                   ps_err_message());
    } else {
        mck_assert(rc == PS_OK, "%s", ps_err_message());
        int64_t own = s.mine.hi - s.mine.lo, before = 0, sum;
        MPI_Exscan(&own, &before, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
        MPI_Allreduce(&own, &sum, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
        mck_assert(s.mine.lo == (io_rank() ? before : 0) && sum == s.rows, "rows of ranks do not follow");
        mck_assert(is_part(&s, &w), "differs from the plain reading:\n%.*s", (int)(n < 999 ? n : 999), text);
        int right = 1;
        for (int64_t i = 0; i < own && i < 50; i++)
            right = right && ps_sparse_line(path, &s, i) == w.line[s.mine.lo + i];
        mck_assert(right, "lines of rows");
        ps_sparse_free(&s);
    }
    free_want(&w);
}

/** A number in one of many forms. */
static int put_number(struct ps_rng r, int64_t i, char *out)
{
    double u = ps_rng_uniform(r, i, 20) * 2 - 1;
    switch (ps_rng_below(r, i, 21, 12)) {
    case 0:
        return sprintf(out, "%d", (int)(u * 300));
    case 1:
        return sprintf(out, "%+.3f", u);
    case 2:
        return sprintf(out, "%.17g", u);
    case 3:
        return sprintf(out, "%.16g", u * 1e-5);
    case 4:
        return sprintf(out, "%.3e", u * 1e20);
    case 5:
        return sprintf(out, "%.*f", (int)ps_rng_below(r, i, 22, 25), u * 1e4);
    case 6:
        return sprintf(out, ".%d", (int)(fabs(u) * 1e6));
    case 7:
        return sprintf(out, "-%d.", (int)(fabs(u) * 1e6));
    case 8:
        return sprintf(out, "%.0f", u * 1e12);
    case 9:
        return sprintf(out, "%s0", u < 0 ? "-" : "000.0000000");
    case 10:
        return sprintf(out, "%08d.%d", (int)(fabs(u) * 1e8), (int)(fabs(u) * 1e8));
    default:
        return sprintf(out, "%g", u);
    }
}

static int put_blanks(struct ps_rng r, int64_t i, int at_least, char *out)
{
    int n = at_least + (ps_rng_below(r, i, 10, 8) ? 0 : (int)ps_rng_below(r, i, 11, 3));
    for (int k = 0; k < n; k++) out[k] = ps_rng_below(r, i, 12 + (uint32_t)k, 6) ? ' ' : '\t';
    return n;
}

/** A random text of about `lines` lines. @return bytes */
static size_t random_text(uint64_t seed, int lines, char *out)
{
    struct ps_rng r = {seed, 3};
    char *at = out;
    int64_t draw = 1;
    if (ps_rng_below(r, 0, 0, 10) == 0) at += sprintf(at, "\xef\xbb\xbf");
    for (int line = 0; line < lines; line++) {
        int64_t kind = ps_rng_below(r, ++draw, 0, 12), items = ps_rng_below(r, draw, 1, 6);
        at += put_blanks(r, ++draw, 0, at);
        if (kind > 1) {
            at += put_number(r, ++draw, at);
            int64_t index = 0;
            for (int64_t k = 0; k < items; k++) {
                at += put_blanks(r, ++draw, 1, at);
                index += 1 + ps_rng_below(r, draw, 2, ps_rng_below(r, draw, 3, 50) ? 9 : 100000000);
                at += sprintf(at, "%s%lld:", ps_rng_below(r, draw, 4, 30) ? "" : "000", (long long)index);
                at += put_number(r, ++draw, at);
            }
            at += put_blanks(r, ++draw, 0, at);
        }
        if (kind == 1 || kind == 3) at += sprintf(at, "# 3:x 4:%lld", (long long)draw);
        if (line + 1 < lines || ps_rng_below(r, 0, 1, 2))
            at += sprintf(at, ps_rng_below(r, draw, 5, 5) ? "\n" : "\r\n");
    }
    return (size_t)(at - out);
}

START_TEST(random_files)
{
    static char text[1 << 21];
    for (uint64_t i = 0; i < 400; i++) check(text, random_text(i, 1 + (int)(i % 23), text));
    check(text, random_text(1000, 12000, text)); /* several pieces on each rank */
}
END_TEST

/** The same lines with all places of the ranks' borders in them. */
START_TEST(all_cuts)
{
    char text[256];
    static const char lines[] = "1 1:2 2:3\n\n-1\n+1 7:.5\r\n# 1\n3 1:1 3:2e3 #\n2 4:1";
    for (size_t blanks = 0; blanks < 100; blanks++) {
        memset(text, blanks & 1 ? ' ' : '\n', blanks);
        memcpy(text + blanks, lines, sizeof lines);
        check(text, blanks + sizeof lines - 1);
        memset(text + sizeof lines - 1, '\n', blanks);
        memcpy(text, lines, sizeof lines - 1);
        check(text, blanks + sizeof lines - 1);
    }
    for (size_t n = 0; n < sizeof "5\n-3"; n++) check("5\n73 1", n);
    check("\xef\xbb\xbf"
          "1 2:3",
          8);
    check(" ", 1);
}
END_TEST

/** One wrong line among right ones. */
static void wrong(const char *line, const char *words)
{
    char text[2048], want[128];
    for (int before = 0; before < 40; before += 13) {
        char *at = text;
        for (int i = 0; i < before; i++) at += sprintf(at, i % 5 ? "1 1:2 3:4\n" : "\n");
        at += sprintf(at, "%s", line);
        for (int i = 0; i < 20; i++) at += sprintf(at, i == 10 ? "\nx 0:0" : "\n-1 2:1");
        const char *path = io_path("sparse.txt");
        struct ps_sparse s;
        io_write_file(path, text, (size_t)(at - text));
        enum ps_status rc = ps_sparse_read(MPI_COMM_WORLD, path, &s);
        snprintf(want, sizeof want, "sparse.txt: line %d: ", before + 1);
        mck_assert(rc == PS_EINPUT && strstr(ps_err_message(), want) && strstr(ps_err_message(), words),
                   "'%s', %d before: '%s' lacks '%s'", line, before, ps_err_message(), words);
        mck_assert(!s.label && !s.start && !s.index && !s.value, "something is left over");
    }
}

START_TEST(wrong_lines)
{
    wrong("1:2 3:4", "the label is missing in front of '1:2'");
    wrong("x 1:2", "the label 'x' is not a number");
    wrong("1,2 1:2", "the label '1,2' is not a number");
    wrong("1e400 1:2", "'1e400' is not a finite number");
    wrong("nan 1:2", "'nan' is not a finite number");
    wrong("1 0:2", "the index of '0:2' is below 1");
    wrong("1 -3:2", "the index of '-3:2' is below 1");
    wrong("1 3:2 3:1", "'3:1' comes after index 3");
    wrong("1 1:1 3:2 2:1", "'2:1' comes after index 3");
    wrong("1 2147483648:1", "the index of '2147483648:1' is above 2147483647");
    wrong("1 99999999999999999999999:1", "is above 2147483647");
    wrong("1 1:nan", "'1:nan' is not a finite number");
    wrong("1 1:-inf", "'1:-inf' is not a finite number");
    wrong("1 1:1 2:1e400", "'2:1e400' is not a finite number");
    wrong("1 1:1 2:1x4", "the value of '2:1x4' is not a number");
    wrong("1 1:", "the value of '1:' is not a number");
    wrong("1 1: 2", "the value of '1:' is not a number");
    wrong("1 1:2:3", "the value of '1:2:3' is not a number");
    wrong("1 1:0x10", "the value of '1:0x10' is not a number");
    wrong("1 1:--1", "the value of '1:--1' is not a number");
    wrong("1 1:12345678e", "the value of '1:12345678e' is not a number");
    wrong("1 1", "'1' is not of the form index:value");
    wrong("1 :1", "':1' is not of the form index:value");
    wrong("1 1.5:1", "'1.5:1' is not of the form index:value");
    wrong("1 a:1", "'a:1' is not of the form index:value");
    wrong("1 qid:1 1:2", "'qid:1': query numbers");
    wrong("1 1:2 an-item-that-is-much-longer-than-a-message-should-be",
          "'an-item-that-is-much-longer-than-a-m...'");
}
END_TEST

START_TEST(wrong_files)
{
    struct ps_sparse s;
    mck_assert(ps_sparse_read(MPI_COMM_WORLD, "/nowhere/at-all", &s) == PS_EIO &&
                   strstr(ps_err_message(), "/nowhere/at-all: no such file"),
               "%s", ps_err_message());
    mck_assert(ps_sparse_read(MPI_COMM_WORLD, "/tmp", &s) == PS_EIO && strstr(ps_err_message(), "directory"),
               "%s", ps_err_message());
    io_write_file(io_path("sparse.txt"), "", 0);
    mck_assert(ps_sparse_read(MPI_COMM_WORLD, io_path("sparse.txt"), &s) == PS_EINPUT &&
                   strstr(ps_err_message(), "the file is empty"),
               "%s", ps_err_message());
    char nul[] = {'1', ' ', '1', ':', 0, '1', '\n'};
    io_write_file(io_path("sparse.txt"), nul, sizeof nul);
    mck_assert(ps_sparse_read(MPI_COMM_WORLD, io_path("sparse.txt"), &s) == PS_EINPUT, "a zero byte");
}
END_TEST

/** Rows [lo, hi) of a random matrix that anyone can make. */
static struct ps_sparse make(int64_t rows, int64_t lo, int64_t hi)
{
    struct ps_rng r = {77, 1};
    struct ps_sparse s = {.rows = rows, .cols = 40, .mine = {lo, hi}};
    int64_t k = 0;
    s.label = malloc((size_t)(hi - lo + 1) * sizeof *s.label);
    s.start = calloc((size_t)(hi - lo + 1), sizeof *s.start);
    s.index = malloc((size_t)(hi - lo + 1) * 40 * sizeof *s.index);
    s.value = malloc((size_t)(hi - lo + 1) * 40 * sizeof *s.value);
    for (int64_t i = lo; i < hi; i++) {
        s.label[i - lo] = i % 3 ? (double)(i % 3) : ps_rng_normal(r, i, 99);
        for (int32_t c = 0; c < 40; c++) {
            if (ps_rng_below(r, i, (uint32_t)c, 3)) continue;
            double v = ps_rng_normal(r, i, 1000 + (uint32_t)c);
            s.index[k] = c;
            s.value[k++] = c % 4 == 0 ? 0 : c % 4 == 1 ? nearbyint(v * 100) / 8 : c % 4 == 2 ? v : v * 1e-30;
        }
        s.start[i - lo + 1] = k;
    }
    return s;
}

/** Bytes of a file. */
static char *slurp(const char *path, long *n)
{
    FILE *f = fopen(path, "rb");
    fseek(f, 0, SEEK_END);
    *n = ftell(f);
    rewind(f);
    char *text = malloc((size_t)*n + 1);
    if (fread(text, 1, (size_t)*n, f) != (size_t)*n) *n = -1;
    fclose(f);
    return text;
}

static int same_file(const char *a, const char *b)
{
    long n, m;
    char *x = slurp(a, &n), *y = slurp(b, &m);
    int same = n == m && n >= 0 && !memcmp(x, y, (size_t)n);
    free(x), free(y);
    return same;
}

START_TEST(round_trip)
{
    int rank = io_rank(), size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    for (int64_t rows = 1; rows < 20000; rows *= 20) {
        struct ps_range own = ps_block(rows, size, rank);
        if (rows == 400) own = (struct ps_range){rank == 0 ? 0 : rows, rows}; /* one rank has all */
        struct ps_sparse s = make(rows, own.lo, own.hi), all = make(rows, 0, rows), back;
        const char *one = io_path("one.txt"), *many = io_path("many.txt");
        mck_assert(ps_sparse_write(MPI_COMM_WORLD, many, &s) == PS_OK, "%s", ps_err_message());
        int right = rank != 0 || (ps_sparse_write(MPI_COMM_SELF, one, &all) == PS_OK && same_file(one, many));
        mck_assert(right, "the bytes depend on the ranks");
        mck_assert(ps_sparse_read(MPI_COMM_WORLD, many, &back) == PS_OK, "%s", ps_err_message());
        for (int64_t i = back.mine.lo; i < back.mine.hi && right; i++) {
            int64_t b = back.start[i - back.mine.lo], end = back.start[i - back.mine.lo + 1];
            right = right && back.label[i - back.mine.lo] == all.label[i];
            for (int64_t k = all.start[i]; k < all.start[i + 1]; k++) {
                if (all.value[k] == 0) continue;
                right = right && b < end && back.index[b] == all.index[k] && back.value[b] == all.value[k];
                b++;
            }
            right = right && b == end;
        }
        mck_assert(right && back.rows == rows, "%lld rows come back in another form", (long long)rows);
        ps_sparse_free(&s), ps_sparse_free(&all), ps_sparse_free(&back);
    }
    struct ps_sparse s = make(10, 0, rank == 0 ? 10 : 0);
    mck_assert(ps_sparse_write(MPI_COMM_WORLD, "/nowhere/at-all", &s) == PS_EIO, "%s", ps_err_message());
    ps_sparse_free(&s);
}
END_TEST

/** Lines of any length: line i has its number and then dots. */
static int64_t dots_room(const void *context, int64_t lo, int64_t hi)
{
    return (hi - lo) * (*(const int64_t *)context + 32);
}

static int64_t dots(const void *context, int64_t lo, int64_t hi, char *out)
{
    char *at = out;
    for (int64_t i = lo; i < hi; i++) {
        int64_t n = *(const int64_t *)context * (i % 3) / 2;
        at += sprintf(at, "%lld ", (long long)i);
        memset(at, '.', (size_t)n);
        at += n;
        *at++ = '\n';
    }
    return at - out;
}

static void print_and_write(int64_t rows, int64_t length)
{
    struct ps_textout t = {
        .rows = rows * (io_rank() % 3), .context = &length, .room = dots_room, .format = dots};
    const char *printed = io_path("printed.txt"), *written = io_path("written.txt");
    FILE *f = io_rank() == 0 ? fopen(printed, "wb") : NULL;
    if (length == 0) t.rows = io_rank() == 0 ? rows : 0;
    mck_assert(ps_textout_print(MPI_COMM_WORLD, f, "a file", &t) == PS_OK, "%s", ps_err_message());
    if (f) fclose(f);
    mck_assert(ps_textout_write(MPI_COMM_WORLD, written, &t) == PS_OK, "%s", ps_err_message());
    mck_assert(io_rank() != 0 || same_file(printed, written), "printed and written text differ");
    if (io_rank() == 0) unlink(printed), unlink(written);
}

START_TEST(text_in_order)
{
    print_and_write(0, 5);
    print_and_write(1, 5);
    print_and_write(100, 0);
    print_and_write(30000, 40);
    print_and_write(3, 3000000);                                 /* longer than one message */
    if (getenv("PSML_TEST_LARGE")) print_and_write(40, 8000000); /* more than is kept */
    struct ps_textout t = {.rows = 1000, .context = &(int64_t){100}, .room = dots_room, .format = dots};
    FILE *full = io_rank() == 0 ? fopen("/dev/full", "w") : NULL;
    mck_assert(ps_textout_print(MPI_COMM_WORLD, full, "standard output", &t) == PS_EIO &&
                   strstr(ps_err_message(), "standard output: writing failed: No space"),
               "%s", ps_err_message());
    if (full) fclose(full);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {random_files, all_cuts,      wrong_lines, wrong_files,
                                  round_trip,   text_in_order, NULL};
    return mck_main(argc, argv, "sparsefile", tests);
}
