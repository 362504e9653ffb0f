/* The reference of normalisation, dropout, losses and optimizers, for elements of type REAL; included once
 * for each type. */

static void NAME(batch_norm_apply)(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p, int64_t k,
                                   double mean, double scale)
{
    const REAL *x = p->x, *w = p->w;
    REAL *y = p->y;
    for (int64_t i = k; i < p->n * l->places * l->channels; i += l->channels)
        y[i] = (REAL)NAME(act)(l->act, w[k] * (x[i] - mean) * scale + w[l->channels + k]);
}

static void NAME(batch_norm_forward)(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    const int64_t rows = p->n * l->places;
    const REAL *x = p->x;
    REAL *kept = p->kept;
    for (int64_t k = 0; k < l->channels; k++) {
        double mean = 0, variance = 0;
        for (int64_t r = 0; r < rows; r++) mean += x[r * l->channels + k] / (double)rows;
        for (int64_t r = 0; r < rows; r++) {
            const double d = x[r * l->channels + k] - mean;
            variance += d * d / (double)rows;
        }
        kept[k] = (REAL)mean;
        kept[l->channels + k] = (REAL)(1 / sqrt(variance + l->eps));
        NAME(batch_norm_apply)(l, p, k, kept[k], kept[l->channels + k]);
    }
}

static void NAME(batch_norm_evaluate)(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p,
                                      const void *mean, const void *variance)
{
    for (int64_t k = 0; k < l->channels; k++) NAME(batch_norm_apply)
    (l, p, k, ((const REAL *)mean)[k], 1 / sqrt(((const REAL *)variance)[k] + l->eps));
}

static void NAME(batch_norm_backward)(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    const int64_t rows = p->n * l->places, c = l->channels;
    const REAL *x = p->x, *y = p->y, *w = p->w, *kept = p->kept;
    REAL *dy = p->dy, *dx = p->dx, *dw = p->dw;
    NAME(begin)(p, rows * c, 2 * c);
    for (int64_t k = 0; k < c; k++) {
        double sum = 0, product = 0;
        for (int64_t i = k; i < rows * c; i += c) {
            const double dz = dy[i] * NAME(slope)(l->act, y[i]);
            dy[i] = (REAL)dz;
            sum += dz;
            product += dz * (x[i] - kept[k]) * kept[c + k];
        }
        dw[k] += (REAL)product;
        dw[c + k] += (REAL)sum;
        for (int64_t i = k; dx && i < rows * c; i += c) {
            const double normal = (x[i] - kept[k]) * (double)kept[c + k];
            dx[i] += (REAL)(w[k] * kept[c + k] * (dy[i] - (sum + normal * product) / (double)rows));
        }
    }
}

static void NAME(batch_norm_moments)(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    const int64_t rows = p->n * l->places, c = l->channels;
    const REAL *x = p->x;
    double *mean = p->moments, *squares = mean + c;
    for (int64_t k = 0; k < c; k++) {
        mean[k] = squares[k] = 0;
        for (int64_t r = 0; r < rows; r++) mean[k] += x[r * c + k] / (double)rows;
        for (int64_t r = 0; r < rows; r++) squares[k] += (x[r * c + k] - mean[k]) * (x[r * c + k] - mean[k]);
    }
}

static void NAME(batch_norm_sums)(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    const int64_t c = l->channels;
    const REAL *x = p->x, *y = p->y, *mean = p->kept;
    REAL *dy = p->dy;
    memset(p->sums, 0, (size_t)(2 * c) * sizeof *p->sums);
    for (int64_t i = 0; i < p->n * l->places * c; i++) {
        dy[i] *= (REAL)NAME(slope)(l->act, y[i]);
        p->sums[i % c] += dy[i];
        p->sums[c + i % c] += dy[i] * (double)(x[i] - mean[i % c]);
    }
}

static void NAME(batch_norm_gradient)(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p)
{
    const int64_t c = l->channels;
    const REAL *x = p->x, *dy = p->dy, *factor = p->dy_read.s, *slope = p->dy_read.p, *offset = p->dy_read.q;
    REAL *dx = p->dx;
    for (int64_t i = 0; dx && i < p->n * l->places * c; i++)
        dx[i] = (p->dx_add ? dx[i] : 0) + factor[i % c] * dy[i] + slope[i % c] * x[i] + offset[i % c];
}

static void NAME(layer_norm_forward)(const struct ps_nn_layer_norm *l, const struct ps_nn_pass *p)
{
    const REAL *w = p->w;
    REAL *kept = p->kept;
    for (int64_t r = 0; r < p->n * l->places; r++) {
        const REAL *x = (const REAL *)p->x + r * l->features;
        REAL *y = (REAL *)p->y + r * l->features;
        double mean = 0, variance = 0;
        for (int64_t k = 0; k < l->features; k++) mean += x[k] / (double)l->features;
        for (int64_t k = 0; k < l->features; k++)
            variance += (x[k] - mean) * (x[k] - mean) / (double)l->features;
        const double scale = 1 / sqrt(variance + l->eps);
        kept[2 * r] = (REAL)mean;
        kept[2 * r + 1] = (REAL)scale;
        for (int64_t k = 0; k < l->features; k++)
            y[k] = (REAL)(w[k] * (x[k] - mean) * scale + w[l->features + k]);
    }
}

static void NAME(layer_norm_backward)(const struct ps_nn_layer_norm *l, const struct ps_nn_pass *p)
{
    const int64_t c = l->features;
    const REAL *w = p->w, *kept = p->kept;
    REAL *dw = p->dw;
    NAME(begin)(p, p->n * l->places * c, 2 * c);
    for (int64_t r = 0; r < p->n * l->places; r++) {
        const REAL *x = (const REAL *)p->x + r * c, *dy = (const REAL *)p->dy + r * c;
        REAL *dx = p->dx ? (REAL *)p->dx + r * c : NULL;
        double sum = 0, product = 0;
        for (int64_t k = 0; k < c; k++) {
            const double normal = (x[k] - kept[2 * r]) * (double)kept[2 * r + 1];
            dw[k] += (REAL)(dy[k] * normal);
            dw[c + k] += dy[k];
            sum += (double)dy[k] * w[k];
            product += dy[k] * w[k] * normal;
        }
        for (int64_t k = 0; dx && k < c; k++) {
            const double normal = (x[k] - kept[2 * r]) * (double)kept[2 * r + 1];
            dx[k] += (REAL)(kept[2 * r + 1] * (dy[k] * w[k] - (sum + normal * product) / (double)c));
        }
    }
}

static void NAME(dropout)(const struct ps_nn_dropout *l, int64_t n, const int64_t *sample, int64_t step,
                          void *x)
{
    const double grow = 1 / (1 - l->rate);
    REAL *v = x;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < l->features; k++, v++)
            *v = ps_nn_dropped(l, sample[i], step, k) ? 0 : (REAL)(*v * grow);
}

static void NAME(add)(int64_t n, const void *from, void *to)
{
    for (int64_t i = 0; i < n; i++) ((REAL *)to)[i] += ((const REAL *)from)[i];
}

static double NAME(softmax_loss)(const struct ps_nn_softmax *l, int64_t n, const void *logits,
                                 const int32_t *label, double scale, void *gradient)
{
    const double other = l->smoothing / (double)l->classes;
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        const REAL *x = (const REAL *)logits + i * l->classes;
        double most = -INFINITY, sum = 0;
        for (int64_t k = 0; k < l->classes; k++)
            if (!(x[k] <= most)) most = x[k];
        for (int64_t k = 0; k < l->classes; k++) sum += exp(x[k] - most);
        for (int64_t k = 0; k < l->classes; k++) {
            const double target = other + (k == label[i] ? 1 - l->smoothing : 0), p = exp(x[k] - most) / sum;
            loss -= target * (x[k] - most - log(sum));
            if (gradient) ((REAL *)gradient)[i * l->classes + k] = (REAL)(scale * (p - target));
        }
    }
    return loss;
}

static double NAME(square_loss)(int64_t n, const void *x, const void *target, double scale, void *gradient)
{
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        const double d = (double)((const REAL *)x)[i] - ((const REAL *)target)[i];
        loss += d * d;
        if (gradient) ((REAL *)gradient)[i] = (REAL)(2 * scale * d);
    }
    return loss;
}

static double NAME(absolute_loss)(int64_t n, const void *x, const void *target, double scale, void *gradient)
{
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        const double d = (double)((const REAL *)x)[i] - ((const REAL *)target)[i];
        loss += fabs(d);
        if (gradient) ((REAL *)gradient)[i] = (REAL)(scale * ((d > 0) - (d < 0)));
    }
    return loss;
}

static double NAME(shares_loss)(const struct ps_nn_softmax *l, int64_t n, const void *logits,
                                const void *target, double scale, void *gradient)
{
    const double other = l->smoothing / (double)l->classes;
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        const REAL *x = (const REAL *)logits + i * l->classes, *t = (const REAL *)target + i * l->classes;
        double most = -INFINITY, sum = 0, shares = 0;
        for (int64_t k = 0; k < l->classes; k++)
            if (!(x[k] <= most)) most = x[k];
        for (int64_t k = 0; k < l->classes; k++) sum += exp(x[k] - most);
        for (int64_t k = 0; k < l->classes; k++) shares += (1 - l->smoothing) * t[k] + other;
        for (int64_t k = 0; k < l->classes; k++) {
            const double share = (1 - l->smoothing) * t[k] + other, p = exp(x[k] - most) / sum;
            loss -= share * (x[k] - most - log(sum));
            if (gradient) ((REAL *)gradient)[i * l->classes + k] = (REAL)(scale * (shares * p - share));
        }
    }
    return loss;
}

static double NAME(sigmoid_loss)(int64_t n, const void *x, const void *target, double scale, void *gradient)
{
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        const double z = ((const REAL *)x)[i], t = ((const REAL *)target)[i];
        loss += fmax(z, 0) - z * t + log1p(exp(-fabs(z)));
        if (gradient) ((REAL *)gradient)[i] = (REAL)(scale * (1 / (1 + exp(-z)) - t));
    }
    return loss;
}

/* Adam's quotient; its means are brought up to date. */
static double NAME(adam)(const struct ps_nn_update *u, double g, REAL *mean, REAL *square)
{
    *mean = (REAL)(u->beta1 * *mean + (1 - u->beta1) * g);
    *square = (REAL)(u->beta2 * *square + (1 - u->beta2) * g * g);
    const double m = *mean / (1 - pow(u->beta1, (double)u->step)),
                 v = *square / (1 - pow(u->beta2, (double)u->step));
    return m / (sqrt(v) + u->eps);
}

static void NAME(direction)(const struct ps_nn_update *u, int64_t n, const void *weights, void *gradient,
                            void *state1, void *state2)
{
    const REAL *w = weights;
    REAL *g = gradient, *m = state1, *v = state2;
    for (int64_t i = 0; i < n; i++)
        g[i] = (REAL)(NAME(adam)(u, u->scale * g[i], &m[i], &v[i]) + u->decay * w[i]);
}

static void NAME(update)(const struct ps_nn_update *u, int64_t n, void *weights, const void *gradient,
                         void *state1, void *state2)
{
    const REAL *gradients = gradient;
    REAL *w = weights, *a = state1, *b = state2;
    for (int64_t i = 0; i < n; i++) {
        double g = u->scale * gradients[i], step;
        if (u->rule != PS_NN_ADAMW && u->rule != PS_NN_LAMB) g += u->decay * w[i];
        switch (u->rule) {
        case PS_NN_SGD:
            step = g;
            if (u->momentum > 0) {
                a[i] = (REAL)(u->momentum * a[i] + g);
                step = u->nesterov ? g + u->momentum * a[i] : a[i];
            }
            w[i] -= (REAL)(u->rate * step);
            break;
        case PS_NN_ADAM:
            w[i] -= (REAL)(u->rate * NAME(adam)(u, g, &a[i], &b[i]));
            break;
        case PS_NN_ADAMW:
            w[i] = (REAL)(w[i] * (1 - u->rate * u->decay) - u->rate * NAME(adam)(u, g, &a[i], &b[i]));
            break;
        case PS_NN_RMSPROP:
            a[i] = (REAL)(u->beta2 * a[i] + (1 - u->beta2) * g * g);
            step = g / (sqrt(a[i]) + u->eps);
            if (u->momentum > 0) {
                b[i] = (REAL)(u->momentum * b[i] + step);
                step = b[i];
            }
            w[i] -= (REAL)(u->rate * step);
            break;
        case PS_NN_LARS:
            a[i] = (REAL)(u->momentum * a[i] + u->rate * u->trust * g);
            w[i] -= a[i];
            break;
        case PS_NN_LAMB: /* the gradient is the direction */
            w[i] -= (REAL)(u->rate * u->trust * gradients[i]);
            break;
        }
    }
}

static double NAME(squares)(int64_t n, const void *x)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)((const REAL *)x)[i] * ((const REAL *)x)[i];
    return sum;
}
