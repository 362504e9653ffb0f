#include "kernels/nn/host.h"
#include <math.h>
#include <string.h>
#include "kernels/nn/real.h"

void ps_nn_norm_factors(const struct ps_nn_norm *m, const void *mean, const void *variance)
{
    const int64_t n = m->channels;
    for (int64_t i = 0; i < n; i++) {
        const double at = mean ? ps_nn_real_get(m->real, mean, i) : m->sums[i];
        const double spread = mean ? ps_nn_real_get(m->real, variance, i) : m->sums[n + i] / m->rows;
        const double scale = 1 / sqrt(spread + m->eps), a = ps_nn_real_get(m->real, m->w, i) * scale;
        ps_nn_real_set(m->real, m->mean, i, at);
        ps_nn_real_set(m->real, m->scale, i, scale);
        ps_nn_real_set(m->real, m->a, i, a);
        ps_nn_real_set(m->real, m->b, i, ps_nn_real_get(m->real, m->w, n + i) - a * at);
    }
}

void ps_nn_norm_variance(const struct ps_nn_norm *m, void *variance)
{
    for (int64_t i = 0; i < m->channels; i++)
        ps_nn_real_set(m->real, variance, i, m->sums[m->channels + i] / m->rows);
}

/* With z = (x - mean) scale and d the gradient of gamma z + beta, sums over all rows give dgamma = sum(d z),
 * dbeta = sum(d) and dx = gamma scale (d - dbeta / rows - z dgamma / rows) (Ioffe, Szegedy 2015). */
void ps_nn_norm_gradients(const struct ps_nn_norm *m)
{
    const int64_t n = m->channels;
    for (int64_t i = 0; i < n; i++) {
        const double mean = ps_nn_real_get(m->real, m->mean, i), scale = ps_nn_real_get(m->real, m->scale, i);
        const double dgamma = m->sums[n + i] * scale, dbeta = m->sums[i];
        const double s = ps_nn_real_get(m->real, m->w, i) * scale, p = -s * scale * dgamma / m->rows;
        ps_nn_real_set(m->real, m->s, i, s);
        ps_nn_real_set(m->real, m->p, i, p);
        ps_nn_real_set(m->real, m->q, i, -s * dbeta / m->rows - p * mean);
    }
}

static void put(size_t real, void *to, int64_t i, double v, bool add)
{
    ps_nn_real_set(real, to, i, add ? ps_nn_real_get(real, to, i) + v : v);
}

void ps_nn_norm_weights(const struct ps_nn_norm *m, void *dw, bool add)
{
    for (int64_t i = 0; i < m->channels; i++) {
        put(m->real, dw, i, m->sums[m->channels + i] * ps_nn_real_get(m->real, m->scale, i), add);
        put(m->real, dw, m->channels + i, m->sums[i], add);
    }
}

void ps_nn_norm_buffers(const struct ps_nn_norm *m, void *dbuffers, bool add)
{
    for (int64_t i = 0; i < m->channels; i++) {
        const double scale = ps_nn_real_get(m->real, m->scale, i), variance = 1 / (scale * scale) - m->eps;
        put(m->real, dbuffers, i, ps_nn_real_get(m->real, m->mean, i), add);
        put(m->real, dbuffers, m->channels + i, variance * m->rows / (m->rows > 1 ? m->rows - 1 : 1), add);
    }
}

void ps_nn_last_step_forward(const struct ps_nn_last_step *l, const struct ps_nn_pass *p)
{
    const size_t row = (size_t)l->features * l->real, series = row * (size_t)l->steps;
    for (int64_t i = 0; i < p->n; i++)
        memcpy((char *)p->y + (size_t)i * row, (const char *)p->x + (size_t)(i + 1) * series - row, row);
}

static void add_row(size_t real, int64_t n, const void *from, void *to)
{
    for (int64_t i = 0; i < n; i++) put(real, to, i, ps_nn_real_get(real, from, i), true);
}

void ps_nn_last_step_backward(const struct ps_nn_last_step *l, const struct ps_nn_pass *p)
{
    const size_t row = (size_t)l->features * l->real, series = row * (size_t)l->steps;
    if (!p->dx) return;
    if (!p->dx_add) memset(p->dx, 0, series * (size_t)p->n);
    for (int64_t i = 0; i < p->n; i++)
        add_row(l->real, l->features, (char *)p->dy + (size_t)i * row,
                (char *)p->dx + (size_t)(i + 1) * series - row);
}

/* Is sample i within all limits? What is not a number is not. */
static bool is_open(const struct ps_nn_gate *l, const struct ps_nn_pass *p, int64_t i)
{
    for (int64_t j = 0; j < l->features; j++)
        if (!(fabs(ps_nn_real_get(l->real, p->also, i * l->features + j)) <=
              ps_nn_real_get(l->real, p->w, j)))
            return false;
    return true;
}

void ps_nn_gate_forward(const struct ps_nn_gate *l, const struct ps_nn_pass *p)
{
    const size_t row = (size_t)l->out * l->real;
    memcpy(p->y, p->x, (size_t)p->n * row);
    for (int64_t i = 0; i < p->n; i++)
        if (!is_open(l, p, i)) memset((char *)p->y + (size_t)i * row, 0, row);
}

/* Row by row, as others may read dy too. */
void ps_nn_gate_backward(const struct ps_nn_gate *l, const struct ps_nn_pass *p)
{
    const size_t row = (size_t)l->out * l->real;
    memset(p->dw, 0, (size_t)l->features * l->real);
    if (p->dalso && !p->dalso_add) memset(p->dalso, 0, (size_t)(p->n * l->features) * l->real);
    for (int64_t i = 0; p->dx && i < p->n; i++) {
        char *dx = (char *)p->dx + (size_t)i * row;
        const char *dy = (const char *)p->dy + (size_t)i * row;
        if (!p->dx_add) memset(dx, 0, row);
        if (is_open(l, p, i)) add_row(l->real, l->out, dy, dx);
    }
}

void ps_nn_copy(int64_t bytes, const void *from, void *to)
{
    memcpy(to, from, (size_t)bytes);
}

void ps_nn_clear(int64_t bytes, void *to)
{
    memset(to, 0, (size_t)bytes);
}
