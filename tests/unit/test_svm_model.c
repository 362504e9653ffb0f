/* ranks: 1 2 3 4 */
#include "mpicheck.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "apps/pisvm/svm_modelparse.h"
#include "common/run/err.h"
#include "kernels/rng.h"

enum { ROWS = 500, COLS = 40, MAX_CLASSES = 5, TEXT = 1 << 22 };

static int rank, size;
static char path[512];

static void begin(void)
{
    const char *folder = getenv("TMP");
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    snprintf(path, sizeof path, "%s/test.model", folder ? folder : "/tmp");
}

/* --- a data set that every rank knows, and machines of it -------------------------------------------------
 */

static struct ps_rng stream = {77, 1};

static int nnz(int64_t row)
{
    return row % 9 == 4 ? 0 : (int)ps_rng_below(stream, row, 0, 6);
}
static int32_t column(int64_t row, int e)
{
    return (int32_t)(e * 6 + ps_rng_below(stream, row, 1 + e, 6));
}
static double value(int64_t row, int e)
{
    return ps_rng_normal(stream, row, 20 + 2 * e) * (row % 3 ? 1 : 1e-3);
}
static int class_of(int64_t row, int nclass)
{
    return row < nclass ? (int)row : (int)ps_rng_below(stream, row, 90, nclass);
}
/* Coefficient of a row against another class; zero for many. */
static double coef(int64_t row, int other)
{
    if (ps_rng_below(stream, row, 60, 3) == 0 || ps_rng_below(stream, row, 61 + other, 3) == 0) return 0;
    return row % 4 ? ps_rng_normal(stream, row, 100 + 2 * other) : 16;
}
static double rho(int pair)
{
    return pair == 1 ? -0.0 : ps_rng_normal(stream, pair, 300);
}

/* The rows of rank r: some ranks have few. */
static struct ps_range rows_of(int r)
{
    return r == 0 ? (struct ps_range){0, 7 < ROWS / size ? 7 : ROWS / size}
                  : (struct ps_range){rows_of(r - 1).hi,
                                      r == size - 1 ? ROWS : rows_of(r - 1).hi + ROWS / (size + 1)};
}
static struct ps_range own_rows(void)
{
    return size == 1 ? (struct ps_range){0, ROWS} : rows_of(rank);
}

static struct svm_data make_data(int nclass)
{
    struct svm_data d = {.nclass = nclass};
    struct ps_range mine = own_rows();
    int64_t n = mine.hi - mine.lo;
    d.x.rows = ROWS;
    d.x.cols = COLS;
    d.x.mine = mine;
    d.x.start = calloc((size_t)n + 1, sizeof *d.x.start);
    d.x.index = malloc((size_t)n * 8 * sizeof *d.x.index);
    d.x.value = malloc((size_t)n * 8 * sizeof *d.x.value);
    for (int64_t i = 0; i < n; i++) {
        d.x.start[i + 1] = d.x.start[i];
        for (int e = 0; e < nnz(mine.lo + i); e++) {
            d.x.index[d.x.start[i + 1]] = column(mine.lo + i, e);
            d.x.value[d.x.start[i + 1]++] = value(mine.lo + i, e);
        }
    }
    if (!nclass) return d;
    d.label = malloc((size_t)nclass * sizeof *d.label);
    d.count = calloc((size_t)nclass, sizeof *d.count);
    d.before = calloc((size_t)nclass, sizeof *d.before);
    d.class_of = malloc(((size_t)n + 1) * sizeof *d.class_of);
    for (int c = 0; c < nclass; c++) d.label[c] = 10 - 3 * c;
    for (int64_t i = 0; i < ROWS; i++) {
        int c = class_of(i, nclass);
        d.count[c]++;
        d.before[c] += i < mine.lo;
        if (i >= mine.lo && i < mine.hi) d.class_of[i - mine.lo] = c;
    }
    return d;
}

static void free_data(struct svm_data *d)
{
    free(d->x.start), free(d->x.index), free(d->x.value);
    free(d->label), free(d->count), free(d->before), free(d->class_of);
}

/* Coefficients of rows [lo, hi) by position in a class, or of the file. */
static void fill(double *out, int nclass, struct svm_want w, int other)
{
    int64_t position = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        if (w.cls >= 0 && class_of(i, nclass) != w.cls) continue;
        if (position >= w.lo && position < w.hi) out[position - w.lo] = coef(i, other);
        position++;
    }
}

/* Machine of a pair: whole on one rank, or cut over all, as the pair's number says. */
static void make_machine(struct svm_machines *m, const struct svm_data *d, int pair, int a, int b)
{
    bool whole = pair % 2 == 0;
    if (whole && pair % size != rank) return;
    struct svm_machine *x = &m->machine[m->n++];
    *x = (struct svm_machine){.pair = pair, .a = a, .b = b, .fold = -1};
    x->result.rho = rho(pair);
    x->prob_a = rho(pair + 100);
    x->prob_b = rho(pair + 200);
    x->part[0] = (struct svm_want){a, 0, a < 0 ? ROWS : d->count[a]};
    if (b >= 0) x->part[1] = (struct svm_want){b, 0, d->count[b]};
    for (int p = 0; p < 2 && !whole; p++) {
        struct ps_range r = ps_block(x->part[p].hi, size, (rank + p + 1) % size);
        x->part[p].lo = r.lo;
        x->part[p].hi = r.hi;
    }
    int64_t first = x->part[0].hi - x->part[0].lo;
    x->coef = malloc((size_t)(first + x->part[1].hi - x->part[1].lo + 1) * sizeof *x->coef);
    fill(x->coef, d->nclass, x->part[0], b < 0 ? 0 : b);
    if (b >= 0) fill(x->coef + first, d->nclass, x->part[1], a);
}

static struct svm_machines make_machines(const struct svm_data *d)
{
    struct svm_machines m = {0, calloc(MAX_CLASSES * MAX_CLASSES, sizeof *m.machine)};
    int pair = 0;
    if (!d->nclass) make_machine(&m, d, 0, -1, -1);
    for (int a = 0; a < d->nclass; a++)
        for (int b = a + 1; b < d->nclass; b++) make_machine(&m, d, pair++, a, b);
    return m;
}

static void free_machines(struct svm_machines *m)
{
    for (int64_t i = 0; i < m->n; i++) free(m->machine[i].coef);
    free(m->machine);
}

static bool is_sv(int64_t row, int nclass)
{
    bool any = nclass == 0 && coef(row, 0) != 0;
    for (int c = 0; c < nclass; c++) any |= c != class_of(row, nclass) && coef(row, c) != 0;
    return any;
}

/* The same file by printf alone, as LIBSVM would write it. */
static size_t reference(char *out, int nclass, const char *type, const char *function, bool probability)
{
    size_t n = 0;
    int64_t total = 0, count[MAX_CLASSES] = {0};
    int pairs = nclass ? nclass * (nclass - 1) / 2 : 1;
#define PUT(...) n += (size_t)sprintf(out + n, __VA_ARGS__)
    for (int64_t i = 0; i < ROWS; i++)
        if (is_sv(i, nclass)) total++, count[nclass ? class_of(i, nclass) : 0]++;
    PUT("svm_type %s\nkernel_type %snr_class %d\ntotal_sv %lld\nrho", type, function, nclass ? nclass : 2,
        (long long)total);
    for (int p = 0; p < pairs; p++) PUT(" %.17g", rho(p));
    if (nclass) {
        PUT("\nlabel");
        for (int c = 0; c < nclass; c++) PUT(" %d", 10 - 3 * c);
    }
    if (probability) {
        PUT("\nprobA");
        for (int p = 0; p < pairs; p++) PUT(" %.17g", rho(p + 100));
    }
    if (probability && nclass) {
        PUT("\nprobB");
        for (int p = 0; p < pairs; p++) PUT(" %.17g", rho(p + 200));
    }
    if (nclass) {
        PUT("\nnr_sv");
        for (int c = 0; c < nclass; c++) PUT(" %lld", (long long)count[c]);
    }
    PUT("\nSV\n");
    for (int c = 0; c < (nclass ? nclass : 1); c++)
        for (int64_t i = 0; i < ROWS; i++) {
            if (!is_sv(i, nclass) || (nclass && class_of(i, nclass) != c)) continue;
            for (int o = 0; o < (nclass ? nclass : 1); o++)
                if (!nclass || o != c) PUT("%.17g ", coef(i, o));
            for (int e = 0; e < nnz(i); e++) PUT("%d:%.8g ", column(i, e) + 1, value(i, e));
            PUT("\n");
        }
#undef PUT
    return n;
}

static bool file_is(const char *text, size_t n)
{
    char *have = malloc(n + 2);
    FILE *f = fopen(path, "rb");
    size_t got = f ? fread(have, 1, n + 1, f) : 0;
    if (f) fclose(f);
    bool same = got == n && !memcmp(have, text, n);
    free(have);
    return same;
}

/* What is read is what was written. */
static void read_back(int nclass, enum svm_type type, const struct ps_svm_function *f, bool probability)
{
    struct svm_model m;
    mck_assert(svm_model_read(MPI_COMM_WORLD, path, &m) == PS_OK, "%s", ps_err_message());
    int64_t s = 0, wrong = 0;
    int groups = nclass ? nclass : 1, pairs = nclass ? nclass * (nclass - 1) / 2 : 1;
    mck_assert(m.type == type && m.nclass == (nclass ? nclass : 2), "type or classes");
    mck_assert(m.function.form == f->form && m.function.degree == f->degree && m.function.gamma == f->gamma &&
                   m.function.coef0 == f->coef0,
               "the kernel function");
    mck_assert(!m.prob_a == !probability && !m.prob_b == !(probability && nclass), "probabilities");
    for (int p = 0; p < pairs; p++) {
        wrong += m.rho[p] != rho(p);
        if (m.prob_a) wrong += m.prob_a[p] != rho(p + 100);
        if (m.prob_b) wrong += m.prob_b[p] != rho(p + 200);
    }
    for (int c = 0; c < groups; c++) {
        int64_t first = s;
        for (int64_t i = 0; i < ROWS; i++) {
            if (!is_sv(i, nclass) || (nclass && class_of(i, nclass) != c)) continue;
            for (int o = 0, t = 0; o < groups; o++)
                if (!nclass || o != c) wrong += m.coef[t++ * m.sv + s] != coef(i, o);
            wrong += m.start[s + 1] - m.start[s] != nnz(i);
            for (int e = 0; e < nnz(i); e++)
                wrong += m.index[m.start[s] + e] != column(i, e) ||
                         fabs(m.value[m.start[s] + e] - value(i, e)) > 1e-7 * fabs(value(i, e));
            s++;
        }
        if (nclass) wrong += m.label[c] != 10 - 3 * c || m.count[c] != s - first;
    }
    mck_assert(s == m.sv && wrong == 0 && m.cols <= COLS, "%lld support vectors, %lld wrong", (long long)s,
               (long long)wrong);
    svm_model_free(&m);
}

START_TEST(written_and_read)
{
    static const struct {
        int nclass;
        enum svm_type type;
        const char *name, *function;
        struct ps_svm_function f;
        bool probability;
    } cases[] = {
        {2, SVM_C_SVC, "c_svc", "linear\n", {PS_SVM_LINEAR, 0, 0, 0}, false},
        {5, SVM_C_SVC, "c_svc", "rbf\ngamma 0.10000000000000001\n", {PS_SVM_RBF, 0, 0.1, 0}, true},
        {3,
         SVM_NU_SVC,
         "nu_svc",
         "polynomial\ndegree 3\ngamma 2\ncoef0 -0.5\n",
         {PS_SVM_POLY, 3, 2, -0.5},
         false},
        {0,
         SVM_ONE_CLASS,
         "one_class",
         "sigmoid\ngamma 1.0000000000000001e-05\ncoef0 0\n",
         {PS_SVM_SIGMOID, 0, 1e-5, 0},
         false},
        {0, SVM_EPSILON_SVR, "epsilon_svr", "linear\n", {PS_SVM_LINEAR, 0, 0, 0}, true},
        {0, SVM_NU_SVR, "nu_svr", "rbf\ngamma 4\n", {PS_SVM_RBF, 0, 4, 0}, false},
    };
    char *text = malloc(TEXT);
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct svm_data d = make_data(cases[i].nclass);
        struct svm_machines m = make_machines(&d);
        struct ps_run run = {.comm = MPI_COMM_WORLD, .rank = rank, .size = size};
        int64_t sv = -1, want = 0;
        for (int64_t r = 0; r < ROWS; r++) want += is_sv(r, cases[i].nclass);
        enum ps_status rc =
            svm_model_write(&run, path, &d, cases[i].type, &cases[i].f, cases[i].probability, &m, &sv);
        mck_assert(rc == PS_OK && sv == want, "case %zu: %s, %lld", i, ps_err_message(), (long long)sv);
        size_t n = reference(text, cases[i].nclass, cases[i].name, cases[i].function, cases[i].probability);
        mck_assert(file_is(text, n), "case %zu: not the bytes of printf", i);
        read_back(cases[i].nclass, cases[i].type, &cases[i].f, cases[i].probability);
        free_data(&d);
        free_machines(&m);
    }
    free(text);
}
END_TEST

/* --- files of others, and bad ones ------------------------------------------------------------------------
 */

static void put_file(const char *text)
{
    begin();
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0) {
        FILE *f = fopen(path, "wb");
        fputs(text, f);
        fclose(f);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

#define HEAD \
    "svm_type c_svc\nkernel_type rbf\ngamma 0.5\nnr_class 2\ntotal_sv 3\nrho 0.25\nlabel 1 -1\nnr_sv 2 1\n"
#define VECTORS "0.5 1:1 3:-2.5 \n1e-3 2:7\n-0.501 \n"

START_TEST(files_of_others)
{
    static const char *const texts[] = {
        HEAD "SV\n" VECTORS,
        "\xef\xbb\xbf" HEAD "SV\n" VECTORS,
        "svm_type c_svc\r\nkernel_type rbf\r\ngamma 5e-1\r\nnr_class 2\r\ntotal_sv 3\r\nrho 0.25\r\nlabel 1 "
        "-1\r\nnr_sv 2 1\r\nSV\r\n"
        "0.5 1:1 3:-2.5 \r\n0.001 2:7 \r\n-0.501 \r\n",
        "nr_sv 2 1\nlabel 1 -1\nrho 0.25\ntotal_sv 3\nnr_class 2\ngamma .5\nkernel_type rbf\nsvm_type "
        "c_svc\n\nSV\n"
        "0.5\t1:1 3:-2.5\n\n0.001 2:7e0\n   \n -0.501\n\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct svm_model m;
        put_file(texts[i]);
        mck_assert(svm_model_read(MPI_COMM_WORLD, path, &m) == PS_OK, "%zu: %s", i, ps_err_message());
        mck_assert(m.sv == 3 && m.nclass == 2 && m.label[0] == 1 && m.label[1] == -1 && m.count[0] == 2 &&
                       m.rho[0] == 0.25 && m.function.gamma == 0.5 && m.cols == 3 && !m.prob_a,
                   "%zu: the head", i);
        mck_assert(m.coef[0] == 0.5 && m.coef[1] == 0.001 && m.coef[2] == -0.501 && m.start[1] == 2 &&
                       m.start[3] == 3 && m.index[1] == 2 && m.value[1] == -2.5 && m.value[2] == 7,
                   "%zu: the support vectors", i);
        svm_model_free(&m);
    }
    struct svm_model m;
    put_file("svm_type epsilon_svr\nkernel_type linear\nnr_class 2\ntotal_sv 0\nrho -3\nprobA 0.5\nSV\n");
    mck_assert(svm_model_read(MPI_COMM_WORLD, path, &m) == PS_OK && m.sv == 0 && m.prob_a[0] == 0.5,
               "no support vectors: %s", ps_err_message());
    svm_model_free(&m);
    put_file("svm_type one_class\nkernel_type linear\nnr_class 2\ntotal_sv 1\nrho 2\nprob_density_marks 1 2 "
             "3\nSV\n1 4:4\n");
    mck_assert(svm_model_read(MPI_COMM_WORLD, path, &m) == PS_OK && m.cols == 4, "%s", ps_err_message());
    svm_model_free(&m);
}
END_TEST

/* `of` with `part` replaced by `by`. */
static void refused(const char *of, const char *part, const char *by, const char *words)
{
    char text[4096], want[600];
    const char *at = strstr(of, part);
    struct svm_model m;
    ck_assert_msg(at != NULL, "'%s' is not in the text", part);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - of), of, by, at + strlen(part));
    put_file(text);
    enum ps_status rc = svm_model_read(MPI_COMM_WORLD, path, &m);
    snprintf(want, sizeof want, "%s: %s", path, words);
    mck_assert(rc == PS_EINPUT && !strncmp(ps_err_message(), want, strlen(want)),
               "%s -> %s: %d '%s', not '%s'", part, by, rc, ps_err_message(), want);
    mck_assert(!m.coef && !m.label && !m.start, "something is left over");
}

START_TEST(bad_files)
{
    static const char *good = HEAD "SV\n" VECTORS;
    static const char *const cases[][3] = {
        {"svm_type c_svc", "svm_type c_svd", "line 1: svm_type 'c_svd' is unknown"},
        {"svm_type c_svc", "svm_type", "line 1: svm_type '' is unknown"},
        {"svm_type c_svc", "<html>", "line 1: '<html>' is no key of a model of LIBSVM or piSVM; is this"},
        {"svm_type c_svc\n", "", "svm_type is missing"},
        {"kernel_type rbf", "kernel_type precomputed", "line 2: kernel_type precomputed"},
        {"kernel_type rbf", "kernel_type rbf linear", "line 2: kernel_type 'rbf' is unknown"},
        {"kernel_type rbf", "kernel_type polynomial", "degree is missing"},
        {"kernel_type rbf", "kernel_type sigmoid", "coef0 is missing"},
        {"gamma 0.5\n", "", "gamma is missing"},
        {"gamma 0.5", "gamma nan", "line 3: gamma: 'nan' is not a finite number"},
        {"gamma 0.5", "gamma 0.5x", "line 3: gamma: '0.5x' is not a number"},
        {"gamma 0.5", "gamma 0.5 1", "line 3: gamma has more than one value"},
        {"gamma 0.5", "gamma", "line 3: gamma has no value"},
        {"gamma 0.5", "gamma 1e400", "line 3: gamma: '1e400' is not a finite number"},
        {"gamma 0.5", "gama 0.5", "line 3: 'gama' is no key"},
        {"gamma 0.5", "gamma 0.5\ngamma 0.5", "line 4: gamma stands in line 3 already"},
        {"nr_class 2", "nr_class 3", "line 6: rho has 1 values; for this nr_class it needs 3"},
        {"nr_class 2", "nr_class 0", "line 4: nr_class: '0' is not a whole number from 1 to"},
        {"nr_class 2", "nr_class 2.5", "line 4: nr_class: '2.5' is not a whole number"},
        {"nr_class 2", "nr_class 99999999999", "line 4: nr_class: '99999999999' is not"},
        {"total_sv 3", "total_sv -3", "line 5: total_sv: '-3' is not a whole number"},
        {"total_sv 3", "total_sv 4", "line 8: the numbers of nr_sv add up to 3, but total_sv is 4"},
        {"total_sv 3\n", "", "total_sv is missing"},
        {"rho 0.25\n", "", "rho is missing"},
        {"rho 0.25", "rho inf", "line 6: rho: 'inf' is not a finite number"},
        {"label 1 -1\n", "", "label is missing"},
        {"label 1 -1", "label 1", "line 7: label has 1 values; for this nr_class it needs 2"},
        {"label 1 -1", "label 1 1", "line 7: label 1 stands twice"},
        {"label 1 -1", "label 1 1.5", "line 7: label: '1.5' is not a whole number"},
        {"nr_sv 2 1\n", "", "nr_sv is missing"},
        {"nr_sv 2 1", "nr_sv 2 2", "line 8: the numbers of nr_sv add up to 4"},
        {"nr_sv 2 1", "nr_sv 4 -1", "line 8: nr_sv: '-1' is not a whole number"},
        {"nr_sv 2 1", "nr_sv 2 1\nprobA 1", "probB is missing"},
        {"nr_sv 2 1", "nr_sv 2 1\nprobB 1", "probA is missing"},
        {"SV\n", "", "line 9: '0.5' is no key"},
        {"SV\n" VECTORS, "", "no line 'SV' ends the head: no model, or truncated"},
        {HEAD "SV\n" VECTORS, "", "the file is empty"},
        {"-0.501 \n", "", "line 11: truncated: total_sv is 3, but 2 support vectors are there"},
        {"-0.501 \n", "-0.5", "line 12: truncated: the last line has no end"},
        {"-0.501 \n", "-0.501 \n1\n", "line 13: total_sv is 3, but 4 support vectors are there"},
        {"2:7", "2:nan", "line 11: '2:nan' is not a finite number"},
        {"2:7", "2:7:", "line 11: '2:7:' is not of the form index:value"},
        {"2:7", "2:", "line 11: '2:' is not of the form index:value"},
        {"2:7", "0:7", "line 11: '0:7' has an index that is not from 1"},
        {"2:7", "-2:7", "line 11: '-2:7' is not of the form"},
        {"2:7", "2147483648:7", "line 11: '2147483648:7' has an index"},
        {"2:7", "99999999999999999999999:7", "line 11: '99999999999999999999999:7' has an index"},
        {"2:7", "0.5 2:7", "line 11: '0.5' is not of the form index:value"},
        {"3:-2.5", "1:2", "line 10: '1:2' is out of order: indices must ascend"},
        {"1e-3 2", "2", "line 11: 1 coefficients are needed, one less than nr_class, not 0"},
        {"1e-3", "nan", "line 11: 'nan' is not a finite number"},
        {"1e-3", "1e-3e", "line 11: '1e-3e' is not a number; a coefficient"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(good, cases[i][0], cases[i][1], cases[i][2]);
    refused("svm_type nu_svr\nkernel_type linear\nnr_class 2\ntotal_sv 0\nrho 1\nSV\n", "nr_class 2",
            "nr_class 3", "line 3: nr_class of a model of this type is 2, not 3");
}
END_TEST

START_TEST(no_files)
{
    struct svm_model m;
    begin();
    mck_assert(svm_model_read(MPI_COMM_WORLD, "/nowhere/x.model", &m) == PS_EIO &&
                   strstr(ps_err_message(), "no such file"),
               "%s", ps_err_message());
    mck_assert(svm_model_read(MPI_COMM_WORLD, "/tmp", &m) == PS_EIO, "%s", ps_err_message());
    struct svm_data d = make_data(3);
    struct svm_machines machines = make_machines(&d);
    struct ps_run run = {.comm = MPI_COMM_WORLD, .rank = rank, .size = size};
    struct ps_svm_function f = {.form = PS_SVM_LINEAR};
    int64_t sv;
    enum ps_status rc = svm_model_write(&run, "/nowhere/x.model", &d, SVM_C_SVC, &f, false, &machines, &sv);
    mck_assert(rc == PS_EIO && strstr(ps_err_message(), "/nowhere/x.model"), "%s", ps_err_message());
    free_data(&d);
    free_machines(&machines);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {written_and_read, files_of_others, bad_files, no_files, NULL};
    return mck_main(argc, argv, "svm_model", tests);
}
