/* Votes, sigmoids, and probabilities of several classes from pairwise ones. */
#include <math.h>
#include <stdlib.h>
#include "apps/pisvm/svm_decide.h"

enum { STEPS = 100 }; /* of each iteration, at most */

int svm_vote(int nclass, const double *value, int *votes)
{
    int best = 0, most = -1;
    for (int64_t c = 0; c < nclass; c++) {
        int64_t as_second = c - 1, as_first = c * (2 * nclass - c - 1) / 2; /* (0, c), (c, c + 1) */
        int won = 0;
        for (int64_t i = 0; i < c; i++) {
            won += !(value[as_second] > 0);
            as_second += nclass - 2 - i;
        }
        for (int64_t j = 0; j < nclass - 1 - c; j++) won += value[as_first + j] > 0;
        if (votes) votes[c] = won;
        if (won > most) {
            most = won;
            best = (int)c;
        }
    }
    return best;
}

/** 1 / (1 + exp(x)) without overflow. */
static double falling(double x)
{
    return x >= 0 ? exp(-x) / (1.0 + exp(-x)) : 1.0 / (1.0 + exp(x));
}

/** Probability of the first class of a pair, kept off 0 and 1. */
static double pair_probability(double value, double a, double b)
{
    const double least = 1e-7;
    double p = falling(value * a + b);
    if (p < least) return least;
    return p > 1 - least ? 1 - least : p;
}

/** Qp and p'Qp; returns the largest |(Qp)_t - p'Qp|, which is 0 at the solution. */
static double residual(int n, const double *q, const double *p, double *qp, double *pqp)
{
    double largest = 0, total = 0;
    for (int t = 0; t < n; t++) {
        double sum = 0;
        for (int j = 0; j < n; j++) sum += q[t * n + j] * p[j];
        qp[t] = sum;
        total += p[t] * sum;
    }
    for (int t = 0; t < n; t++) {
        double error = fabs(qp[t] - total);
        if (error > largest) largest = error;
    }
    *pqp = total;
    return largest;
}

/** One sweep of eq. 47: coordinate after coordinate, normalised each time, with Qp and p'Qp kept up to date.
 */
static void sweep(int n, const double *q, double *p, double *qp, double pqp)
{
    for (int t = 0; t < n; t++) {
        double step = (-qp[t] + pqp) / q[t * n + t];
        p[t] += step;
        pqp = (pqp + step * (step * q[t * n + t] + 2 * qp[t])) / (1 + step) / (1 + step);
        for (int j = 0; j < n; j++) {
            qp[j] = (qp[j] + step * q[t * n + j]) / (1 + step);
            p[j] /= 1 + step;
        }
    }
}

void svm_probability(int nclass, const double *value, const double *prob_a, const double *prob_b,
                     double *work, double *p)
{
    double *q = work, *qp = work + (int64_t)nclass * nclass, pqp;
    int n = nclass, steps = n > STEPS ? n : STEPS;
    if (n == 2) {
        p[0] = pair_probability(value[0], prob_a[0], prob_b[0]);
        p[1] = 1 - p[0];
        return;
    }
    for (int t = 0; t < n; t++) {
        p[t] = 1.0 / n;
        q[t * n + t] = 0;
    }
    for (int i = 0, pair = 0; i < n; i++)
        for (int j = i + 1; j < n; j++, pair++) {
            double first = pair_probability(value[pair], prob_a[pair], prob_b[pair]), second = 1 - first;
            q[i * n + i] += second * second;
            q[j * n + j] += first * first;
            q[i * n + j] = q[j * n + i] = -second * first;
        }
    for (int s = 0; s < steps && residual(n, q, p, qp, &pqp) >= 0.005 / n; s++) sweep(n, q, p, qp, pqp);
}

/** The sigmoid's data: decision values with the probabilities that they should get. */
struct sample {
    const double *decision;
    const uint8_t *positive;
    int64_t n;
    double high, low; /**< target of rows of the first class, of the others */
};

/** Negative log likelihood. */
static double loss(const struct sample *s, double a, double b)
{
    double sum = 0;
    for (int64_t i = 0; i < s->n; i++) {
        double x = s->decision[i] * a + b, t = s->positive[i] ? s->high : s->low;
        sum += x >= 0 ? t * x + log(1 + exp(-x)) : (t - 1) * x + log(1 + exp(x));
    }
    return sum;
}

/** Gradient and Hessian of the loss. */
struct slope {
    double ga, gb, haa, hbb, hab;
};

static struct slope slope_at(const struct sample *s, double a, double b)
{
    /* a little on the diagonal keeps the Hessian positive definite */
    struct slope d = {0, 0, 1e-12, 1e-12, 0};
    for (int64_t i = 0; i < s->n; i++) {
        double v = s->decision[i], x = v * a + b, p = falling(x), q = falling(-x);
        double second = p * q, first = (s->positive[i] ? s->high : s->low) - p;
        d.haa += v * v * second;
        d.hbb += second;
        d.hab += v * second;
        d.ga += v * first;
        d.gb += first;
    }
    return d;
}

/** Go along a direction by a step halved until the loss decreases enough. Returns whether it did. */
static bool search(const struct sample *s, const struct slope *d, double *a, double *b, double *value)
{
    double det = d->haa * d->hbb - d->hab * d->hab;
    double da = -(d->hbb * d->ga - d->hab * d->gb) / det, db = -(-d->hab * d->ga + d->haa * d->gb) / det;
    double down = d->ga * da + d->gb * db;
    for (double step = 1; step >= 1e-10; step /= 2) {
        double at = loss(s, *a + step * da, *b + step * db);
        if (!(at < *value + 0.0001 * step * down)) continue;
        *a += step * da;
        *b += step * db;
        *value = at;
        return true;
    }
    return false;
}

void svm_sigmoid(const double *decision, const uint8_t *positive, int64_t n, double *a, double *b)
{
    int64_t first = 0;
    for (int64_t i = 0; i < n; i++) first += positive[i] != 0;
    double of_first = (double)first, of_second = (double)(n - first);
    struct sample s = {decision, positive, n, (of_first + 1.0) / (of_first + 2.0), 1 / (of_second + 2.0)};
    *a = 0;
    *b = log((of_second + 1.0) / (of_first + 1.0));
    double value = loss(&s, *a, *b);
    for (int i = 0; i < STEPS; i++) {
        struct slope d = slope_at(&s, *a, *b);
        if (fabs(d.ga) < 1e-5 && fabs(d.gb) < 1e-5) break;
        if (!search(&s, &d, a, b, &value)) break;
    }
}

double svm_laplace(const double *residual, int64_t n)
{
    double sum = 0, rest = 0;
    int64_t left_out = 0;
    for (int64_t i = 0; i < n; i++) sum += fabs(residual[i]);
    double mean = sum / (double)n, far = 5 * sqrt(2 * mean * mean);
    for (int64_t i = 0; i < n; i++)
        if (fabs(residual[i]) > far)
            left_out++;
        else
            rest += fabs(residual[i]);
    return rest / (double)(n - left_out);
}
