/* ranks: 1 */
#include "mpicheck.h"
#include <math.h>
#include <string.h>
#include "kernels/nn/nn_kernels.h"
#include "kernels/rng.h"

enum { N = 7, MOST = 1500 };

static double number(uint32_t stream, int64_t i)
{
    return (float)(8 * ps_rng_uniform((struct ps_rng){9, stream}, i, 0) - 4);
}

static const int32_t label[N] = {0, 1, 1, 0, 1, 0, 1};

/* cpu and ref agree with double precision: probabilities within a few roundings of the exponentials and of
 * sums over classes, 1e-6; losses relatively so. */
START_TEST(softmax)
{
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_cpu};
    static double x64[N * MOST], d64[N * MOST];
    static float x32[N * MOST], d32[N * MOST];
    const int64_t classes[] = {2, 10, 16, 33, MOST};
    for (int i = 0; i < N * MOST; i++) x64[i] = x32[i] = (float)number(1, i);
    for (int c = 0; c < 5; c++)
        for (int smooth = 0; smooth < 2; smooth++) {
            const struct ps_nn_softmax l = {classes[c], smooth ? 0.1 : 0};
            const double want = ps_nn_ref64.softmax_loss(&l, N, x64, label, 0.25, d64);
            for (int t = 0; t < 2; t++) {
                const double loss = tables[t]->softmax_loss(&l, N, x32, label, 0.25, d32);
                const double alone = tables[t]->softmax_loss(&l, N, x32, label, 0.25, NULL);
                ck_assert_msg(fabs(loss - want) <= 2e-6 * want, "%s: loss %.9g, not %.9g", tables[t]->name,
                              loss, want);
                ck_assert_msg(fabs(alone - want) <= 2e-6 * want, "%s: loss %.9g, not %.9g", tables[t]->name,
                              alone, want);
                for (int64_t i = 0; i < N * l.classes; i++)
                    ck_assert_msg(fabs(d32[i] - d64[i]) <= 1e-6, "%s: gradient %.9g, not %.9g",
                                  tables[t]->name, (double)d32[i], d64[i]);
            }
        }
}
END_TEST

/* The gradient is that of the loss, by central differences; without smoothing the loss is -log p. */
START_TEST(differences)
{
    double x[N * 5], d[N * 5], target[N * 5];
    const double h = 1e-5;
    for (int i = 0; i < N * 5; i++) x[i] = number(2, i), target[i] = number(3, i);
    for (int smooth = 0; smooth < 2; smooth++) {
        const struct ps_nn_softmax l = {5, 0.2 * smooth};
        ps_nn_ref64.softmax_loss(&l, N, x, label, 3, d);
        for (int i = 0; i < N * 5; i++) {
            const double was = x[i];
            x[i] = was + h;
            const double up = ps_nn_ref64.softmax_loss(&l, N, x, label, 3, NULL);
            x[i] = was - h;
            const double down = ps_nn_ref64.softmax_loss(&l, N, x, label, 3, NULL);
            x[i] = was;
            ck_assert_msg(fabs(3 * (up - down) / (2 * h) - d[i]) <= 1e-7, "%d: %.12g", i, d[i]);
        }
    }
    ps_nn_ref64.square_loss(N * 5, x, target, 0.5, d);
    for (int i = 0; i < N * 5; i++)
        ck_assert_msg(fabs(d[i] - (x[i] - target[i])) < 1e-14, "%d: %.12g", i, d[i]);
    const double two[] = {1, 3};
    const double loss = ps_nn_ref64.softmax_loss(&(struct ps_nn_softmax){2, 0}, 1, two, label, 1, NULL);
    ck_assert_msg(fabs(loss - log(1 + exp(2))) < 1e-14, "%.17g", loss);
}
END_TEST

/* Large and equal numbers, and what is no number. */
START_TEST(extremes)
{
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_cpu};
    for (int t = 0; t < 2; t++) {
        const float far[] = {1000, -1000, 1000}, none[] = {0, NAN, 1};
        float d[3];
        const struct ps_nn_softmax l = {3, 0};
        const double loss = tables[t]->softmax_loss(&l, 1, far, label, 1, d);
        ck_assert_msg(fabs(loss - log(2)) < 1e-6 && fabsf(d[0] + 0.5f) < 1e-6f && d[1] == 0, "%s: %g %g %g",
                      tables[t]->name, loss, (double)d[0], (double)d[1]);
        ck_assert_msg(isnan(tables[t]->softmax_loss(&l, 1, none, label, 1, NULL)), "%s: no number",
                      tables[t]->name);
    }
}
END_TEST

START_TEST(squares)
{
    static float x[MOST], y[MOST], d[MOST];
    double want = 0, norm = 0;
    for (int i = 0; i < MOST; i++) {
        x[i] = (float)number(4, i), y[i] = (float)number(5, i);
        want += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
        norm += (double)x[i] * x[i];
    }
    const double loss = ps_nn_cpu.square_loss(MOST, x, y, 2, d);
    ck_assert_msg(fabs(loss - want) <= 1e-5 * want, "%.9g, not %.9g", loss, want);
    for (int i = 0; i < MOST; i++) ck_assert(d[i] == 4 * (x[i] - y[i]));
    ck_assert_msg(fabs(ps_nn_cpu.squares(MOST, x) - norm) <= 1e-5 * norm, "%.9g", norm);
    ck_assert_msg(fabs(ps_nn_ref.squares(MOST, x) - norm) <= 1e-12 * norm, "%.9g", norm);
}
END_TEST

/* Sum and signs on both back ends; nothing pulls where there is no difference, and NaN is seen in the sum. */
START_TEST(absolute)
{
    static float x[MOST], y[MOST], d[MOST];
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_cpu};
    double want = 0;
    for (int i = 0; i < MOST; i++) {
        x[i] = (float)number(6, i), y[i] = i % 7 ? (float)number(7, i) : x[i];
        want += fabs((double)x[i] - y[i]);
    }
    for (int t = 0; t < 2; t++) {
        const double loss = tables[t]->absolute_loss(MOST, x, y, 0.25, d);
        /* a difference in single precision is off by 2^-24 of it at most */
        ck_assert_msg(fabs(loss - want) <= 1e-7 * want, "%s: %.9g, not %.9g", tables[t]->name, loss, want);
        for (int i = 0; i < MOST; i++)
            ck_assert_msg(d[i] == (x[i] > y[i]   ? 0.25f
                                   : x[i] < y[i] ? -0.25f
                                                 : 0),
                          "%s: %d", tables[t]->name, i);
        ck_assert(tables[t]->absolute_loss(MOST, x, y, 0.25, NULL) == loss);
        ck_assert(isnan(tables[t]->absolute_loss(2, (float[]){1, NAN}, (float[]){0, 0}, 1, NULL)));
    }
}
END_TEST

/* Shares of one class are its label's loss; mixed ones lie between. cpu agrees with double precision as
 * above. */
START_TEST(shares)
{
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_cpu};
    enum { C = 33 };
    static double x64[N * C], t64[N * C], one[N * C], d64[N * C], want_d[N * C];
    static float x32[N * C], t32[N * C], d32[N * C];
    for (int i = 0; i < N * C; i++) {
        x64[i] = x32[i] = (float)number(6, i);
        one[i] = i % C == label[i / C];
        t64[i] = t32[i] = i % C == label[i / C] ? 0.75F : i % C == 20 ? 0.25F : 0;
    }
    for (int smooth = 0; smooth < 2; smooth++) {
        const struct ps_nn_softmax l = {C, 0.1 * smooth};
        int32_t other[N];
        for (int i = 0; i < N; i++) other[i] = 20;
        const double first = ps_nn_ref64.softmax_loss(&l, N, x64, label, 0.5, want_d);
        ck_assert(fabs(ps_nn_ref64.shares_loss(&l, N, x64, one, 0.5, d64) - first) < 1e-12 * first);
        for (int i = 0; i < N * C; i++) ck_assert(fabs(d64[i] - want_d[i]) < 1e-14);
        const double second = ps_nn_ref64.softmax_loss(&l, N, x64, other, 0.5, NULL);
        const double want = ps_nn_ref64.shares_loss(&l, N, x64, t64, 0.5, d64);
        ck_assert_msg(fabs(want - 0.75 * first - 0.25 * second) < 1e-12 * want, "%.17g", want);
        for (int t = 0; t < 2; t++) {
            const double loss = tables[t]->shares_loss(&l, N, x32, t32, 0.5, d32);
            ck_assert_msg(fabs(loss - want) <= 2e-6 * want, "%s: %.9g, not %.9g", tables[t]->name, loss,
                          want);
            for (int i = 0; i < N * C; i++)
                ck_assert_msg(fabs(d32[i] - d64[i]) <= 1e-6, "%s: gradient %.9g, not %.9g", tables[t]->name,
                              (double)d32[i], d64[i]);
        }
    }
}
END_TEST

/* Known values, differences, and numbers that are large: of a yes that is told with certainty nothing is
 * lost, of a no as much as the number. */
START_TEST(sigmoid)
{
    enum { M = 40 };
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_cpu};
    double x64[M], t64[M], d64[M];
    float x32[M], t32[M], d32[M];
    const double h = 1e-5, zero[] = {0}, yes[] = {1};
    for (int i = 0; i < M; i++) x64[i] = x32[i] = (float)number(7, i), t64[i] = t32[i] = i % 3 == 0;
    ck_assert(fabs(ps_nn_ref64.sigmoid_loss(1, zero, yes, 1, d64) - log(2)) < 1e-15 && d64[0] == -0.5);
    const double want = ps_nn_ref64.sigmoid_loss(M, x64, t64, 2, d64);
    for (int i = 0; i < M; i++) {
        const double was = x64[i];
        x64[i] = was + h;
        const double up = ps_nn_ref64.sigmoid_loss(M, x64, t64, 2, NULL);
        x64[i] = was - h;
        const double down = ps_nn_ref64.sigmoid_loss(M, x64, t64, 2, NULL);
        x64[i] = was;
        ck_assert_msg(fabs(2 * (up - down) / (2 * h) - d64[i]) < 1e-8, "%d: %.12g", i, d64[i]);
    }
    for (int t = 0; t < 2; t++) {
        const float far[] = {1000, 1000, -1000, -1000}, answer[] = {1, 0, 1, 0};
        const double loss = tables[t]->sigmoid_loss(M, x32, t32, 2, d32);
        ck_assert_msg(fabs(loss - want) <= 1e-6 * want, "%s: %.9g, not %.9g", tables[t]->name, loss, want);
        for (int i = 0; i < M; i++) ck_assert(fabs(d32[i] - d64[i]) <= 1e-6);
        ck_assert(tables[t]->sigmoid_loss(4, far, answer, 1, d32) >= 2000);
        ck_assert(tables[t]->sigmoid_loss(4, far, answer, 1, NULL) <= 2000);
        ck_assert(d32[0] == 0 && d32[1] == 1 && d32[2] == -1 && d32[3] == 0);
    }
}
END_TEST

/* Both back ends drop the same elements, whatever else is in the micro-batch; about as many as asked for
 * (five standard deviations); the others grow; another step or stream drops others. */
START_TEST(dropout)
{
    enum { F = 1001, S = 6 };
    static float a[S * F], b[S * F], alone[F];
    const int64_t sample[S] = {5, 900000000000, 3, 77, 0, 12}, one[] = {900000000000};
    struct ps_nn_dropout l = {F, 0.3, 42, 1};
    int dropped = 0, other = 0;
    for (int i = 0; i < S * F; i++) a[i] = b[i] = 1;
    for (int i = 0; i < F; i++) alone[i] = 1;
    ps_nn_cpu.dropout(&l, S, sample, 9, a);
    ps_nn_ref.dropout(&l, S, sample, 9, b);
    ps_nn_cpu.dropout(&l, 1, one, 9, alone);
    ck_assert(memcmp(a, b, sizeof a) == 0 && memcmp(a + F, alone, sizeof alone) == 0);
    for (int i = 0; i < S * F; i++) {
        dropped += a[i] == 0;
        ck_assert_msg(a[i] == 0 || a[i] == (float)(1 / 0.7), "%g", (double)a[i]);
    }
    ck_assert_msg(abs(dropped - 1802) < 5 * 36, "%d dropped", dropped); /* sqrt(6006 0.3 0.7) = 35.5 */
    for (int i = 0; i < F; i++) alone[i] = 1;
    ps_nn_cpu.dropout(&l, 1, one, 10, alone);
    for (int i = 0; i < F; i++) other += (alone[i] == 0) != (a[F + i] == 0);
    ck_assert_msg(other > F / 4, "the next step drops nearly the same: %d of %d differ", other, F);
    l.stream = 2;
    for (int i = other = 0; i < F; i++) alone[i] = 1;
    ps_nn_cpu.dropout(&l, 1, one, 9, alone);
    for (int i = 0; i < F; i++) other += (alone[i] == 0) != (a[F + i] == 0);
    ck_assert_msg(other > F / 4, "another stream drops nearly the same: %d of %d differ", other, F);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {softmax, differences, extremes, squares, absolute,
                                  shares,  sigmoid,     dropout,  NULL};
    return mck_main(argc, argv, "nn_losses", tests);
}
