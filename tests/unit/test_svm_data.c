/* ranks: 1 2 3 4 */
#include "iocheck.h"
#include <math.h>
#include "apps/pisvm/svm_data.h"
#include "apps/pisvm/svm_fold.h"
#include "kernels/rng.h"

/** Rank 0 writes a random set: row i has its number as value of column 1 + i % 7 and up to 5 more entries. */
static const char *write_set(int64_t rows, int classes, uint64_t seed)
{
    const char *path = io_path("set.txt");
    if (io_rank() == 0) {
        struct ps_rng r = {seed, 1};
        FILE *f = fopen(path, "w");
        for (int64_t i = 0; i < rows; i++) {
            int64_t last = 1 + i % 7;
            fprintf(f, "%lld %lld:%lld", (long long)(ps_rng_below(r, i, 0, classes) * 7 - 20),
                    (long long)last, (long long)i);
            for (uint32_t k = 0; k < ps_rng_below(r, i, 1, 6); k++) {
                last += 1 + ps_rng_below(r, i, 10 + k, 5);
                fprintf(f, " %lld:%.17g", (long long)last, ps_rng_normal(r, i, 20 + k));
            }
            fputc('\n', f);
            if (ps_rng_below(r, i, 2, 9) == 0) fputs("# 1 1:1\n\n", f);
        }
        fclose(f);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    return path;
}

/** What all ranks must know of a set, from a reading by one. */
static int same_classes(const struct svm_data *d, const struct svm_data *all)
{
    int64_t lo = d->x.mine.lo, n = d->x.mine.hi - lo;
    if (d->nclass != all->nclass) return 0;
    for (int c = 0; c < d->nclass; c++) {
        int64_t before = 0, k = d->own_start[c];
        for (int64_t i = 0; i < lo; i++) before += all->class_of[i] == c;
        if (d->label[c] != all->label[c] || d->count[c] != all->count[c] || d->before[c] != before) return 0;
        for (int64_t i = 0; i < n; i++)
            if (d->class_of[i] == c && d->own_row[k++] != i) return 0;
        if (k != d->own_start[c + 1]) return 0;
    }
    return !memcmp(d->class_of, all->class_of + lo, (size_t)n * sizeof *d->class_of);
}

START_TEST(classes)
{
    struct svm_data d, all;
    for (int classes = 1; classes < 4000; classes = classes * 4 + 1) {
        int64_t rows = classes < 300 ? 700 : 3000;
        const char *path = write_set(rows, classes, 5);
        mck_assert(svm_data_read(MPI_COMM_WORLD, path, SVM_CLASSES, &d) == PS_OK, "%s", ps_err_message());
        mck_assert(svm_data_read(MPI_COMM_SELF, path, SVM_CLASSES, &all) == PS_OK, "%s", ps_err_message());
        int64_t seen = 0, right = 1; /* the one reading against the definition */
        for (int64_t i = 0; i < rows; i++) {
            right = right && all.class_of[i] <= seen && all.label[all.class_of[i]] == (int)all.x.label[i];
            seen += all.class_of[i] == seen;
        }
        mck_assert(right && seen == all.nclass, "classes are not in the order of first appearance");
        mck_assert(same_classes(&d, &all), "%d classes differ on %d", all.nclass, io_rank());
        svm_data_free(&d), svm_data_free(&all);
    }
}
END_TEST

/** Reading must fail with these words, but as values the labels are fine. */
static void wrong_label(const char *text, const char *words)
{
    struct svm_data d;
    io_write_file(io_path("labels.txt"), text, strlen(text));
    enum ps_status rc = svm_data_read(MPI_COMM_WORLD, io_path("labels.txt"), SVM_CLASSES, &d);
    mck_assert(rc == PS_EINPUT && strstr(ps_err_message(), words) && !d.x.label && !d.class_of, "'%s'",
               ps_err_message());
    rc = svm_data_read(MPI_COMM_WORLD, io_path("labels.txt"), SVM_VALUES, &d);
    mck_assert(rc == PS_OK && d.nclass == 0 && !d.class_of, "%s", ps_err_message());
    svm_data_free(&d);
}

START_TEST(labels)
{
    wrong_label("1 1:1\n# 2\n\n-1 1:2\n 0.5 1:2\n", "labels.txt: line 5: the label 0.5 is not an integer");
    wrong_label("2147483648 1:1\n1\n1\n1\n1\n", "labels.txt: line 1: the label 2147483648 is not");
    wrong_label("1\n1\n1\n1\n1\n1 1:1\n  \n-1e10", "labels.txt: line 8: the label -10000000000 is not");
    struct svm_data d;
    const char *text = "+1\n-1.0\n-2147483648\n2147483647\n1e0\n-0\n";
    io_write_file(io_path("labels.txt"), text, strlen(text));
    mck_assert(svm_data_read(MPI_COMM_WORLD, io_path("labels.txt"), SVM_CLASSES, &d) == PS_OK &&
                   d.nclass == 5,
               "%s", ps_err_message());
    mck_assert(d.x.cols == 0 && d.label[2] == INT32_MIN && d.label[4] == 0 && d.count[0] == 2, "labels");
    svm_data_free(&d);
}
END_TEST

/** Is row k of `r` row i of the file? */
static int is_row(const struct svm_rows *r, int64_t k, const struct ps_sparse *x, int64_t i)
{
    int64_t a = r->start[k], n = r->start[k + 1] - a, b = x->start[i];
    return r->number[k] == i && r->label[k] == x->label[i] && n == x->start[i + 1] - b &&
           !memcmp(r->index + a, x->index + b, (size_t)n * sizeof *x->index) &&
           !memcmp(r->value + a, x->value + b, (size_t)n * sizeof *x->value);
}

/** Number in the file of the row at a position. */
static int64_t find(const struct svm_data *all, int cls, int64_t position)
{
    if (cls < 0) return position;
    for (int64_t i = 0; i < all->x.rows; i++)
        if (all->class_of[i] == cls && position-- == 0) return i;
    return -1;
}

static void fetch(const struct svm_data *d, const struct svm_data *all, const struct svm_want *want, int n)
{
    struct svm_rows r;
    mck_assert(svm_rows_fetch(MPI_COMM_WORLD, d, want, n, &r) == PS_OK, "%s", ps_err_message());
    int64_t k = 0, right = r.start[0] == 0 && r.cols == all->x.cols;
    for (int w = 0; w < n && right; w++)
        for (int64_t p = want[w].lo; p < want[w].hi && right; p++)
            right = k < r.n && is_row(&r, k++, &all->x, find(all, want[w].cls, p));
    mck_assert(right && k == r.n, "row %lld of %lld is not the one that was wanted", (long long)k,
               (long long)r.n);
    svm_rows_free(&r);
}

START_TEST(fetches)
{
    struct svm_data d, all;
    for (int64_t rows = 1; rows < 1000; rows = rows * 3 + 1) {
        const char *path = write_set(rows, 6, (uint64_t)rows);
        mck_assert(svm_data_read(MPI_COMM_WORLD, path, SVM_CLASSES, &d) == PS_OK, "%s", ps_err_message());
        mck_assert(svm_data_read(MPI_COMM_SELF, path, SVM_CLASSES, &all) == PS_OK, "%s", ps_err_message());
        struct svm_want want[8];
        fetch(&d, &all, NULL, 0);
        want[0] = (struct svm_want){-1, 0, rows};
        fetch(&d, &all, want, 1);
        fetch(&d, &all, want, io_rank() == 1);
        for (int turn = 0; turn < 30; turn++) {
            struct ps_rng r = {(uint64_t)turn, (uint32_t)io_rank()};
            int n = (int)ps_rng_below(r, 0, 0, 9);
            for (int w = 0; w < n; w++) {
                int cls = (int)ps_rng_below(r, w, 1, d.nclass + 1) - 1;
                int64_t count = cls < 0 ? rows : d.count[cls], lo = ps_rng_below(r, w, 2, count + 1);
                want[w] = (struct svm_want){cls, lo, lo + ps_rng_below(r, w, 3, count - lo + 1)};
            }
            fetch(&d, &all, want, n);
        }
        struct svm_rows none;
        want[0] = (struct svm_want){0, 0, d.count[0] + 1};
        mck_assert(svm_rows_fetch(MPI_COMM_WORLD, &d, want, io_rank() == 0, &none) == PS_EINTERNAL &&
                       !none.start,
                   "rows that are not there");
        svm_data_free(&d), svm_data_free(&all);
    }
}
END_TEST

START_TEST(folds)
{
    int64_t count[10];
    for (int64_t rows = 1; rows < 20000; rows = rows * 3 / 2 + 1)
        for (int folds = 2; folds <= 10; folds += 4)
            for (int cls = -1; cls < 3; cls++) {
                memset(count, 0, sizeof count);
                for (int64_t i = 0; i < rows; i++) {
                    int f = svm_fold(9, cls, i, rows, folds);
                    ck_assert(f >= 0 && f < folds);
                    count[f]++;
                }
                for (int f = 0; f < folds; f++)
                    ck_assert_msg(count[f] == rows / folds || count[f] == rows / folds + (rows % folds > 0),
                                  "%d folds of %d rows: one has %d", folds, (int)rows, (int)count[f]);
            }
}
END_TEST

/** All pairs of folds of two rows come about equally often, and classes of one row spread. */
START_TEST(folds_are_random)
{
    enum { SEEDS = 20000 };
    int pairs[5][5] = {{0}}, single[5] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        pairs[svm_fold(seed, 3, 7, 50, 5)][svm_fold(seed, 3, 8, 50, 5)]++;
        single[svm_fold(1, (int)seed, 0, 1, 5)]++;
    }
    for (int a = 0; a < 5; a++) {
        ck_assert_msg(abs(single[a] - SEEDS / 5) < 300, "%d of %d", single[a], SEEDS);
        for (int b = 0; b < 5; b++) {
            double want = SEEDS / 5.0 * (a == b ? 9 : 10) / 49; /* without putting back */
            ck_assert_msg(fabs(pairs[a][b] - want) < 5 * sqrt(want), "%d %d: %d", a, b, pairs[a][b]);
        }
    }
}
END_TEST

/** The layout on all ranks is that of one rank, bit for bit. */
static struct ps_svm_layout choose(const char *path, struct ps_svm_function f, bool dense, double **centre)
{
    struct svm_data d, all;
    struct ps_svm_layout many, one;
    double *c;
    mck_assert(svm_data_read(MPI_COMM_WORLD, path, SVM_VALUES, &d) == PS_OK, "%s", ps_err_message());
    mck_assert(svm_data_read(MPI_COMM_SELF, path, SVM_VALUES, &all) == PS_OK, "%s", ps_err_message());
    mck_assert(svm_layout_choose(MPI_COMM_WORLD, &d, &f, dense, &many, centre) == PS_OK, "%s",
               ps_err_message());
    mck_assert(svm_layout_choose(MPI_COMM_SELF, &all, &f, dense, &one, &c) == PS_OK, "%s", ps_err_message());
    mck_assert(many.cols == one.cols && many.dense == one.dense && many.differences == one.differences,
               "the layout depends on the ranks");
    mck_assert(!!c == !!*centre && many.centre == *centre, "the centre depends on the ranks");
    mck_assert(!c || !memcmp(c, *centre, (size_t)one.cols * sizeof *c), "the centre depends on the ranks");
    svm_data_free(&d), svm_data_free(&all), free(c);
    return many;
}

START_TEST(layouts)
{
    double *centre;
    struct ps_svm_function rbf = {PS_SVM_RBF, 3, 0.1, 0}, linear = {PS_SVM_LINEAR, 3, 0.1, 0};
    const char *path = write_set(500, 4, 3);
    struct ps_svm_layout l = choose(path, rbf, false, &centre);
    mck_assert(l.dense && l.differences && l.cols > 20,
               "numbers of rows up to 500 as values need differences");
    mck_assert(fabs(centre[0] - 35.5) < 2, "mean %g", centre[0]); /* 72 multiples of 7 up to 497, over 500 */
    free(centre);
    rbf.gamma = 1e-7;
    l = choose(path, rbf, false, &centre);
    mck_assert(l.dense && !l.differences, "a small gamma needs no differences");
    free(centre);
    l = choose(path, linear, false, &centre);
    mck_assert(l.dense && !l.differences && !centre, "only an RBF is centred");

    char text[4096], *at = text;
    for (int i = 0; i < 100; i++) at += sprintf(at, "1 1:7.25 %d:%d 3000:1\n", 5 + i * 29, i + 1);
    io_write_file(io_path("wide.txt"), text, (size_t)(at - text));
    l = choose(io_path("wide.txt"), rbf, false, &centre);
    mck_assert(!l.dense && !l.differences && !centre && l.cols == 3000, "3 of 3000 columns are not dense");
    l = choose(io_path("wide.txt"), rbf, true, &centre);
    mck_assert(l.dense && centre[0] == 7.25 && centre[2999] == 1 && centre[1] == 0, "dense where asked for");
    free(centre);

    at = text;
    for (int i = 0; i < 100; i++) at += sprintf(at, "1 1:%d 2:%d 3:%d\n", i, i * i % 91, i % 7);
    io_write_file(io_path("whole.txt"), text, (size_t)(at - text));
    rbf.gamma = 1;
    l = choose(io_path("whole.txt"), rbf, false, &centre);
    mck_assert(l.dense && !l.differences && centre[0] == 49.5, "small whole numbers are not rounded");
    free(centre);
    rbf.gamma = 0.1;

    io_write_file(io_path("empty.txt"), "1\n2\n3\n", 6);
    l = choose(io_path("empty.txt"), rbf, true, &centre);
    mck_assert(!l.dense && !centre && l.cols == 0, "rows without entries");
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {classes, labels, fetches, folds, folds_are_random, layouts, NULL};
    return mck_main(argc, argv, "svm_data", tests);
}
