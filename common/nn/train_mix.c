/* Mixed samples (Zhang, Cisse, Dauphin, Lopez-Paz 2018, "mixup: Beyond empirical risk minimization"). As in
 * the paper's program the two samples of a pair are of one micro-batch; both sides of a pair are used. */
#include <math.h>
#include <string.h>
#include "common/nn/train_parts.h"
#include "kernels/rng.h"

enum { MIX = 77 /* stream of random numbers */, TRIES = 1000 };

/* A draw from Beta(a, a), a at most 1, for a pair that a sample belongs to (Johnk 1964). */
static double draw_share(uint64_t seed, int64_t epoch, int64_t sample, double a)
{
    const struct ps_rng rng = {seed + 0x9e3779b97f4a7c15u * (uint64_t)epoch, MIX};
    for (uint32_t i = 0; i < TRIES; i++) {
        const double x = pow(ps_rng_uniform(rng, sample, 2 * i), 1 / a);
        const double y = pow(ps_rng_uniform(rng, sample, 2 * i + 1), 1 / a);
        if (x + y > 0 && x + y <= 1) return x / (x + y);
    }
    return 1; /* where a is so small that numbers vanish, one side has all */
}

/* Both become mixtures: `share` of their own and the rest of the other. */
static void mix(int64_t n, float share, float *a, float *b)
{
    for (int64_t k = 0; k < n; k++) {
        const float own = a[k], other = b[k];
        a[k] = share * own + (1 - share) * other;
        b[k] = share * other + (1 - share) * own;
    }
}

static void to_shares(int32_t label, int64_t classes, float *shares)
{
    memset(shares, 0, (size_t)classes * sizeof *shares);
    shares[label] = 1;
}

float ps_train_mix_pair(const struct ps_train *t, const struct ps_micro *m, float *shares, int64_t n,
                        int64_t i, int64_t epoch)
{
    const struct ps_net *net = t->job->net;
    const int64_t outputs = ps_shape_size(net->node[net->nodes - 1].out), j = n - 1 - i;
    const int32_t *label = m->target;
    float *target = shares ? shares : m->target;
    if (shares) to_shares(label[i], outputs, shares + i * outputs);
    if (i == j) return 1;
    if (shares) to_shares(label[j], outputs, shares + j * outputs);
    const float share = (float)draw_share((uint64_t)t->run->common->seed, epoch, m->sample[i], t->job->mixup);
    if (m->x) mix(m->input, share, m->x + i * m->input, m->x + j * m->input);
    mix(outputs, share, target + i * outputs, target + j * outputs);
    return share;
}

void ps_train_mix(const struct ps_train *t, struct ps_train_thread *me, int64_t n, int64_t epoch)
{
    for (int64_t i = 0; 2 * i < n; i++) ps_train_mix_pair(t, &me->micro, me->shares, n, i, epoch);
}
