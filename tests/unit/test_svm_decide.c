/* ranks: 1 3 */
#include "mpicheck.h"
#include <math.h>
#include <omp.h>
#include <string.h>
#include "apps/pisvm/predict_rows.h"
#include "apps/pisvm/svm_score.h"
#include "common/run/err.h"
#include "kernels/rng.h"

enum { MAX_CLASSES = 7 };

/* Random sparse rows. */
struct rows {
    struct ps_csr x;
    int64_t *start;
    int32_t *index;
    double *value;
};

static struct rows make_rows(uint64_t seed, int64_t n, int64_t cols, double density, double scale)
{
    struct ps_rng r = {seed, 3};
    struct rows a = {.start = calloc((size_t)n + 1, sizeof(int64_t))};
    a.index = malloc((size_t)(n * cols + 1) * sizeof *a.index);
    a.value = malloc((size_t)(n * cols + 1) * sizeof *a.value);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = a.start[i];
        for (int64_t k = 0; k < cols; k++) {
            if (ps_rng_uniform(r, i * cols + k, 0) >= density) continue;
            a.index[at] = (int32_t)k;
            a.value[at++] = scale * (ps_rng_normal(r, i * cols + k, 1) + (double)(k % 5));
        }
        a.start[i + 1] = at;
    }
    a.x = (struct ps_csr){n, cols, a.start, a.index, a.value};
    return a;
}

static void free_rows(struct rows *a)
{
    free(a->start), free(a->index), free(a->value);
}

/* --- svm_decide -------------------------------------------------------------------------------------------
 */

/* Sums of kernel values as given, and the same bits of any part of the rows on any number of threads. */
START_TEST(decided)
{
    enum { N = 700, SV = 1500, COLS = 9, K = 3, STRIDE = 6 };
    static const int32_t column[K] = {4, 0, 2};
    struct rows a = make_rows(1, N, COLS, 0.7, 0.3), b = make_rows(2, SV, COLS, 0.7, 0.3);
    struct ps_svm_function f = {PS_SVM_RBF, 0, 0.4, 0};
    struct ps_svm_layout layout = {.cols = COLS, .dense = true};
    float *coef = malloc(SV * K * sizeof *coef);
    double *all = calloc(N * STRIDE, sizeof *all), *part = calloc(N * STRIDE, sizeof *part);
    for (int i = 0; i < SV * K; i++) coef[i] = (float)ps_rng_normal((struct ps_rng){9, 9}, i, 0);
    for (int back = 0; back < 2; back++) {
        const struct ps_svm_kernels *k = back ? &ps_svm_cpu : &ps_svm_ref;
        struct ps_svm_pack *pa, *pb;
        ck_assert(k->pack(&a.x, NULL, N, &layout, &pa) == PS_OK);
        ck_assert(k->pack(&b.x, NULL, SV, &layout, &pb) == PS_OK);
        struct svm_group g = {.pack = pb, .lo = 20, .hi = SV, .cols = K, .coef = coef, .column = column};
        const struct svm_decision d = {k, f, pa, 1, &g, STRIDE};
        for (int i = 0; i < N * STRIDE; i++) all[i] = part[i] = i % 7;
        omp_set_num_threads(1);
        mck_assert(svm_decide(&d, 0, N, all) == PS_OK, "%s", ps_err_message());
        omp_set_num_threads(3);
        for (int64_t lo = 0, hi; lo < N; lo = hi) {
            hi = lo + 1 + lo / 2 < N ? lo + 1 + lo / 2 : N;
            mck_assert(svm_decide(&d, lo, hi, part + lo * STRIDE) == PS_OK, "part");
        }
        mck_assert(!memcmp(all, part, N * STRIDE * sizeof *all), "%s: parts differ from the whole", k->name);
        double worst = 0;
        for (int64_t i = 0; i < N; i += 13)
            for (int t = 0; t < STRIDE; t++) {
                double want = (double)((i * STRIDE + t) % 7), size = 1;
                for (int c = 0; c < K; c++)
                    for (int64_t s = 20; s < SV && column[c] == t; s++) {
                        double v = (double)coef[(s - 20) * K + c] * ps_svm_value(&f, &a.x, i, &b.x, s);
                        want += v;
                        size += fabs(v);
                    }
                worst = fmax(worst, fabs(all[i * STRIDE + t] - want) / size);
            }
        mck_assert(worst < 1e-6, "%s: off by %g", k->name, worst);
        struct svm_group none = {.pack = pb, .lo = 5, .hi = 5, .cols = K, .coef = coef, .column = column};
        const struct svm_decision nothing = {k, f, pa, 1, &none, STRIDE};
        mck_assert(svm_decide(&nothing, 0, N, all) == PS_OK, "an empty group");
        k->unpack(pa), k->unpack(pb);
    }
    free(coef), free(all), free(part);
    free_rows(&a), free_rows(&b);
}
END_TEST

/* --- votes and probabilities ------------------------------------------------------------------------------
 */

START_TEST(votes)
{
    int wrong = 0;
    for (int n = 1; n <= MAX_CLASSES; n++)
        for (int64_t i = 0; i < 2000; i++) {
            double v[MAX_CLASSES * MAX_CLASSES] = {0};
            int want[MAX_CLASSES] = {0}, have[MAX_CLASSES], best = 0, p = 0;
            for (int a = 0; a < n; a++)
                for (int b = a + 1; b < n; b++, p++) {
                    v[p] = (double)ps_rng_below((struct ps_rng){4, (uint32_t)n}, i, (uint32_t)p, 3) - 1;
                    if (p == 1 && i % 50 == 0) v[p] = NAN;
                    want[v[p] > 0 ? a : b]++;
                }
            for (int c = 1; c < n; c++)
                if (want[c] > want[best]) best = c;
            wrong += svm_vote(n, v, have) != best || memcmp(want, have, (size_t)n * sizeof *want) ||
                     svm_vote(n, v, NULL) != best;
        }
    mck_assert(wrong == 0, "%d votes are wrong", wrong);
}
END_TEST

/* Probabilities from which pairwise ones come are found again; and the optimality of the result elsewhere. */
START_TEST(probabilities)
{
    for (int n = 2; n <= MAX_CLASSES; n++)
        for (int64_t i = 0; i < 300; i++) {
            double p[MAX_CLASSES], q[MAX_CLASSES], v[MAX_CLASSES * MAX_CLASSES], a[MAX_CLASSES * MAX_CLASSES],
                b[MAX_CLASSES * MAX_CLASSES], work[MAX_CLASSES * (MAX_CLASSES + 1)], sum = 0, total = 0,
                                                                                     worst = 0;
            struct ps_rng r = {5, (uint32_t)n};
            for (int c = 0; c < n; c++) sum += p[c] = 0.02 + ps_rng_uniform(r, i, (uint32_t)c);
            for (int x = 0, k = 0; x < n; x++)
                for (int y = x + 1; y < n; y++, k++) {
                    double odds = p[x] / p[y]; /* 1 / (1 + exp(A v + B)) = p_x / (p_x + p_y) */
                    a[k] = -1 - k % 3;
                    b[k] = 0.1 * k;
                    v[k] = (-log(odds) - b[k]) / a[k];
                }
            svm_probability(n, v, a, b, work, q);
            for (int c = 0; c < n; c++) {
                total += q[c];
                worst = fmax(worst, fabs(q[c] - p[c] / sum));
            }
            mck_assert(fabs(total - 1) < 1e-12 && worst < (n == 2 ? 1e-12 : 0.02), "%d classes: off by %g", n,
                       worst);
        }
    double one = 0, work[2];
    svm_probability(1, NULL, NULL, NULL, work, &one);
    mck_assert(one == 1, "one class has probability %g", one);
}
END_TEST

/* The sigmoid's derivative is 0 where it was fitted, and it recovers what made the sample. */
START_TEST(sigmoids)
{
    enum { N = 40000 };
    double *f = malloc(N * sizeof *f), a, b;
    uint8_t *first = malloc(N);
    struct ps_rng r = {6, 6};
    for (int64_t i = 0; i < N; i++) {
        f[i] = 2 * ps_rng_normal(r, i, 0);
        first[i] = ps_rng_uniform(r, i, 1) < 1 / (1 + exp(-1.7 * f[i] + 0.4));
    }
    svm_sigmoid(f, first, N, &a, &b);
    mck_assert(fabs(a + 1.7) < 0.05 && fabs(b - 0.4) < 0.05, "A %g, B %g", a, b);
    memset(first, 1, N); /* one class: no more than sure of it */
    svm_sigmoid(f, first, N, &a, &b);
    mck_assert(isfinite(a) && isfinite(b) && 1 / (1 + exp(b)) > 0.99, "A %g, B %g", a, b);
    for (int64_t i = 0; i < N; i++) first[i] = f[i] > 0; /* separable */
    svm_sigmoid(f, first, N, &a, &b);
    mck_assert(isfinite(a) && a < -5, "A %g", a);
    double residual[] = {1, -2, 3, -100, 2, -1, 1, 2, -3, 1, 1, 1, 1, 1, 1,
                         1, 2,  2, 1,    1, 1,  1, 1, 2,  1, 1, 1, 2, 1, 2};
    double kept = 0; /* mean of all 4.7; 5 standard deviations 33.2: the 100 is left out */
    for (size_t i = 0; i < sizeof residual / sizeof *residual; i++) kept += i == 3 ? 0 : fabs(residual[i]);
    double width = svm_laplace(residual, sizeof residual / sizeof *residual);
    mck_assert(fabs(width - kept / 29) < 1e-15, "%g", width);
    free(f), free(first);
}
END_TEST

/* --- predictions by bounds --------------------------------------------------------------------------------
 */

static struct svm_model make_model(enum svm_type type, int nclass, const struct ps_svm_function *f,
                                   struct rows *sv, double coef)
{
    struct svm_model m = {.type = type, .function = *f, .nclass = nclass, .sv = sv->x.n, .cols = sv->x.cols};
    int64_t pairs = (int64_t)nclass * (nclass - 1) / 2;
    struct ps_rng r = {8, 8};
    m.start = sv->start, m.index = sv->index, m.value = sv->value;
    m.rho = calloc((size_t)pairs + 1, sizeof *m.rho);
    m.coef = calloc((size_t)(m.sv * (nclass - 1)), sizeof *m.coef);
    for (int64_t i = 0; i < m.sv * (nclass - 1); i++)
        m.coef[i] = i % 3 ? coef * ps_rng_normal(r, i, 0) : i % 2 ? coef : -coef;
    if (type > SVM_NU_SVC) return m;
    m.label = calloc((size_t)nclass, sizeof *m.label);
    m.count = calloc((size_t)nclass, sizeof *m.count);
    for (int c = 0; c < nclass; c++) m.label[c] = c + 1;
    for (int64_t s = 0; s < m.sv; s++) m.count[s * nclass / m.sv]++;
    return m;
}

/* LIBSVM's decision value of a pair, as its papers and manual define the file. */
static double direct(const struct svm_model *m, const struct ps_csr *x, int64_t i, int a, int b, double rho)
{
    struct ps_csr sv = {m->sv, m->cols, m->start, m->index, m->value};
    double sum = 0;
    int64_t s = 0;
    for (int c = 0; c < (m->count ? m->nclass : 1); c++)
        for (int64_t end = s + (m->count ? m->count[c] : m->sv); s < end; s++) {
            int row = !m->count ? 0 : c == a ? b - 1 : c == b ? a : -1;
            if (row >= 0) sum += m->coef[row * m->sv + s] * ps_svm_value(&m->function, x, i, &sv, s);
        }
    return sum - rho;
}

/* Labels are those of direct sums though rho puts many decision values next to 0; also where single precision
 * is of no use. @return decision values that needed LIBSVM's order */
static int64_t check_labels(enum svm_type type, int nclass, const struct ps_svm_function *f, double density,
                            double scale, double coef, int64_t cols)
{
    enum { N = 300 };
    struct rows sv = make_rows(11, 400, cols, density, scale), x = make_rows(12, N, cols + 2, density, scale);
    struct svm_model m = make_model(type, nclass, f, &sv, coef);
    bool classes = m.count != NULL;
    int groups = classes ? nclass : 1;
    int64_t pair = 0, wrong = 0;
    for (int a = 0; a < groups; a++) /* a row lies exactly on each border, and rows of its like near it */
        for (int b = classes ? a + 1 : a; b < groups; b++, pair++)
            m.rho[pair] = direct(&m, &x.x, 7 * pair, a, b, 0);
    struct svm_data d = {.x = {.rows = N,
                               .cols = cols + 2,
                               .mine = {0, N},
                               .start = x.start,
                               .index = x.index,
                               .value = x.value}};
    for (int back = 0; back < 2; back++) {
        struct predict_model p;
        struct predict_chunk c;
        mck_assert(predict_model_make(MPI_COMM_SELF, &m, &d, back ? &ps_svm_cpu : &ps_svm_ref, &p) == PS_OK,
                   "make");
        struct predict_job job = {.model = &p, .x = x.x};
        mck_assert(predict_chunk_make(&job, &c) == PS_OK, "chunk");
        for (int64_t lo = 0; lo < N; lo += 77) {
            int64_t hi = lo + 77 < N ? lo + 77 : N;
            mck_assert(predict_rows(&job, lo, hi, &c) == PS_OK, "%s", ps_err_message());
            for (int64_t i = lo; i < hi; i++) {
                double v[MAX_CLASSES * MAX_CLASSES], want;
                pair = 0;
                for (int a = 0; a < groups; a++)
                    for (int b = classes ? a + 1 : a; b < groups; b++, pair++)
                        v[pair] = direct(&m, &x.x, i, a, b, m.rho[pair]);
                want = classes ? m.label[svm_vote(nclass, v, NULL)] : v[0] > 0 ? 1 : -1;
                wrong += c.result[i - lo] != want;
            }
        }
        mck_assert(wrong == 0, "type %d form %d scale %g: %lld of %d labels are wrong", type, f->form, scale,
                   (long long)wrong, N);
        pair = c.counts.exact;
        predict_chunk_free(&job, &c);
        predict_model_free(&p);
    }
    free(m.rho), free(m.coef), free(m.label), free(m.count);
    free_rows(&sv), free_rows(&x);
    return pair;
}

START_TEST(labels)
{
    static const struct ps_svm_function forms[] = {{PS_SVM_LINEAR, 0, 0, 0},
                                                   {PS_SVM_POLY, 3, 0.1, 1},
                                                   {PS_SVM_RBF, 0, 0.05, 0},
                                                   {PS_SVM_SIGMOID, 0, 0.01, -0.2}};
    int64_t exact = 0;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        for (int dense = 0; dense < 2; dense++) {
            double density = dense ? 0.9 : 0.05;
            exact += check_labels(SVM_C_SVC, 5, &forms[i], density, 0.5, 3, 40);
            exact += check_labels(SVM_NU_SVC, 2, &forms[i], density, 0.5, 1e4, 40);
            exact += check_labels(SVM_ONE_CLASS, 2, &forms[i], density, 0.5, 0.1, 40);
            exact += check_labels(SVM_C_SVC, 3, &forms[i], density, 100, 1, 40);
        }
    mck_assert(exact > 30, "only %lld values were computed in LIBSVM's order", (long long)exact);
    struct ps_svm_function large = {PS_SVM_POLY, 30, 1, 0}; /* overflows single precision */
    check_labels(SVM_C_SVC, 3, &large, 0.5, 10, 1, 20);
    struct ps_svm_function odd = {PS_SVM_RBF, 0, -0.01, 0}; /* no kernel, but a number */
    check_labels(SVM_C_SVC, 3, &odd, 0.5, 0.5, 1, 20);
    struct ps_svm_function far = {PS_SVM_RBF, 0, 50, 0}; /* underflows */
    check_labels(SVM_C_SVC, 3, &far, 0.5, 10, 1, 20);
    struct ps_svm_function wide = {PS_SVM_LINEAR, 0, 0, 0}; /* no panels */
    check_labels(SVM_C_SVC, 3, &wide, 0.001, 1, 1, 30000);
}
END_TEST

/* Values in double precision are within their bound of direct sums, which is small. */
START_TEST(values)
{
    static const struct ps_svm_function forms[] = {{PS_SVM_LINEAR, 0, 0, 0},  {PS_SVM_POLY, 3, 0.1, 1},
                                                   {PS_SVM_POLY, 0, 0.1, 1},  {PS_SVM_RBF, 0, 0.05, 0},
                                                   {PS_SVM_RBF, 0, 100, 0},   {PS_SVM_SIGMOID, 0, 0.01, -0.2},
                                                   {PS_SVM_SIGMOID, 0, 3, 10}};
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++)
        for (int dense = 0; dense < 2; dense++) {
            enum { N = 40, COLS = 30, CLASSES = 4, PAIRS = 6 };
            struct rows sv = make_rows(21, 150, COLS, dense ? 0.9 : 0.2, 1),
                        x = make_rows(22, N, COLS + 3, 0.5, 1);
            struct svm_model m = make_model(SVM_C_SVC, CLASSES, &forms[k], &sv, 2);
            struct svm_check c;
            int64_t list[N];
            double value[N * PAIRS], worst = 0, largest = 0;
            mck_assert(svm_check_make(&m, &c) == PS_OK, "make");
            double *work = calloc((size_t)svm_check_work(&c), sizeof *work);
            for (int i = 0; i < N; i++) list[i] = (i * 7) % N;
            struct svm_check_rows r = {&x.x, list, NULL, value, PAIRS};
            svm_check_values(&c, &r, 0, 3, work);
            svm_check_values(&c, &r, 3, N, work);
            for (int i = 0; i < N; i++)
                for (int a = 0; a < CLASSES; a++)
                    for (int b = a + 1; b < CLASSES; b++) {
                        double norm2 = 0, want = direct(&m, &x.x, list[i], a, b, 0);
                        for (int64_t e = x.start[list[i]]; e < x.start[list[i] + 1]; e++)
                            norm2 += x.value[e] * x.value[e];
                        double bound =
                            svm_check_bound(&c, sqrt(norm2), x.start[list[i] + 1] - x.start[list[i]], a, b);
                        double off = fabs(value[i * PAIRS + svm_pair_number(CLASSES, a, b)] - want);
                        worst = fmax(worst, off / bound);
                        largest = fmax(largest, bound / (1 + fabs(want)));
                        ck_assert(svm_check_exact(&c, &x.x, list[i], a, b) == want);
                    }
            mck_assert(worst <= 1, "form %d: beyond the bound: %g of it", forms[k].form, worst);
            mck_assert(largest < 1e-7, "form %d: a bound of %g", forms[k].form, largest);
            svm_check_free(&c);
            free(work), free(m.rho), free(m.coef), free(m.label), free(m.count);
            free_rows(&sv), free_rows(&x);
        }
}
END_TEST

/* --- scores -----------------------------------------------------------------------------------------------
 */

START_TEST(scores)
{
    enum { N = 1000 };
    int rank, size;
    double label[N], predicted[N], many[SVM_SCORE_LABELS + 1];
    int64_t n = 0, count[4][4] = {{0}}, right = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    for (int64_t i = 0; i < N; i++) {
        int t = (int)ps_rng_below((struct ps_rng){3, 1}, i, 0, 3),
            p = i % 3 ? t : 1 + (int)ps_rng_below((struct ps_rng){3, 1}, i, 1, 3);
        count[t][p]++; /* label 3 is predicted only, label 0 never falsely */
        right += t == p;
        if (i % (size + 1) != rank) continue; /* the last rank has twice as many, others may have none */
        label[n] = t * 2.5 - 1;
        predicted[n++] = p * 2.5 - 1;
    }
    for (int64_t i = 0; rank == 0 && i < N; i++) {
        if (i % (size + 1) != size) continue;
        int t = (int)ps_rng_below((struct ps_rng){3, 1}, i, 0, 3),
            p = i % 3 ? t : 1 + (int)ps_rng_below((struct ps_rng){3, 1}, i, 1, 3);
        label[n] = t * 2.5 - 1;
        predicted[n++] = p * 2.5 - 1;
    }
    struct svm_score s;
    mck_assert(svm_score_make(MPI_COMM_WORLD, "x", label, predicted, n, &s) == PS_OK, "%s", ps_err_message());
    mck_assert(s.n == 4 && s.rows == N && s.right == right && s.label[1] == 1.5, "%d labels", s.n);
    for (int t = 0; t < 4; t++)
        for (int p = 0; p < 4; p++) mck_assert(s.count[t * 4 + p] == count[t][p], "count %d %d", t, p);
    double recall = 0, chance = 0;
    for (int t = 0; t < 4; t++) {
        double support = 0, said = 0;
        for (int p = 0; p < 4; p++) support += (double)count[t][p], said += (double)count[p][t];
        if (support > 0) recall += (double)count[t][t] / support / 3;
        chance += support * said / N / N;
        struct svm_score_label l = svm_score_of(&s, t);
        mck_assert(
            l.support == (int64_t)support &&
                fabs(l.f1 - 2 * (double)count[t][t] / (support + said)) < 1e-12 &&
                (support > 0 ? fabs(l.recall - (double)count[t][t] / support) < 1e-12 : isnan(l.recall)),
            "label %d", t);
    }
    double accuracy = (double)right / N;
    mck_assert(fabs(s.accuracy - accuracy) < 1e-12 && fabs(s.average_accuracy - recall) < 1e-12 &&
                   fabs(s.kappa - (accuracy - chance) / (1 - chance)) < 1e-12,
               "%g %g %g", s.accuracy, s.average_accuracy, s.kappa);
    svm_score_free(&s);
    for (int i = 0; i <= SVM_SCORE_LABELS; i++) many[i] = i;
    mck_assert(svm_score_make(MPI_COMM_WORLD, "file", many, many, rank == 0 ? SVM_SCORE_LABELS + 1 : 0, &s) ==
                       PS_EINPUT &&
                   strstr(ps_err_message(), "file: more than 1000"),
               "%s", ps_err_message());
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {decided, votes, probabilities, sigmoids, labels, values, scores, NULL};
    return mck_main(argc, argv, "svm_decide", tests);
}
