/* The reference of dense and recurrent layers, and what all have in common, for elements of type REAL;
 * included once for each type. Sums are in double precision, loops follow the formulas, and nothing is
 * clever. */

static double NAME(act)(enum ps_nn_act act, double z)
{
    switch (act) {
    case PS_NN_RELU:
        return z < 0 ? 0 : z;
    case PS_NN_TANH:
        return tanh(z);
    case PS_NN_SIGMOID:
        return 1 / (1 + exp(-z));
    default:
        return z;
    }
}

/* act'(z), as y = act(z) tells it. */
static double NAME(slope)(enum ps_nn_act act, double y)
{
    switch (act) {
    case PS_NN_RELU:
        return y > 0;
    case PS_NN_TANH:
        return 1 - y * y;
    case PS_NN_SIGMOID:
        return y * (1 - y);
    default:
        return 1;
    }
}

/* Gradients of `in` elements of the input and of `weights` begin with zeros, or with what is there. */
static void NAME(begin)(const struct ps_nn_pass *p, int64_t in, int64_t weights)
{
    if (p->dx && !p->dx_add) memset(p->dx, 0, (size_t)in * sizeof(REAL));
    if (weights > 0 && !p->dw_add) memset(p->dw, 0, (size_t)weights * sizeof(REAL));
}

static void NAME(copy)(int64_t n, const void *w, void *prepared, int part)
{
    if (part == 0) memcpy(prepared, w, (size_t)n * sizeof(REAL));
}

/* --- dense --- */

static struct ps_nn_size NAME(dense_size)(const struct ps_nn_dense *l, int64_t n)
{
    (void)n;
    return (struct ps_nn_size){.weights = l->out * (l->in + 1), .prepared = l->out * (l->in + 1)};
}

static void NAME(dense_prepare)(const struct ps_nn_dense *l, const void *w, void *prepared, int part,
                                int parts)
{
    (void)parts;
    NAME(copy)(l->out * (l->in + 1), w, prepared, part);
}

static void NAME(dense_forward)(const struct ps_nn_dense *l, const struct ps_nn_pass *p)
{
    const REAL *x = p->x, *w = p->prepared;
    REAL *y = p->y;
    for (int64_t i = 0; i < p->n; i++)
        for (int64_t o = 0; o < l->out; o++) {
            double z = w[l->out * l->in + o];
            for (int64_t k = 0; k < l->in; k++) z += (double)x[i * l->in + k] * w[o * l->in + k];
            y[i * l->out + o] = (REAL)NAME(act)(l->act, z);
        }
}

static void NAME(dense_backward)(const struct ps_nn_dense *l, const struct ps_nn_pass *p)
{
    const REAL *x = p->x, *y = p->y, *w = p->prepared, *dy = p->dy;
    REAL *dx = p->dx, *dw = p->dw;
    NAME(begin)(p, p->n * l->in, l->out * (l->in + 1));
    for (int64_t i = 0; i < p->n; i++)
        for (int64_t o = 0; o < l->out; o++) {
            const double dz = dy[i * l->out + o] * NAME(slope)(l->act, y[i * l->out + o]);
            dw[l->out * l->in + o] += (REAL)dz;
            for (int64_t k = 0; k < l->in; k++) {
                dw[o * l->in + k] += (REAL)(dz * x[i * l->in + k]);
                if (dx) dx[i * l->in + k] += (REAL)(dz * w[o * l->in + k]);
            }
        }
}

/* --- LSTM --- */

static struct ps_nn_size NAME(lstm_size)(const struct ps_nn_lstm *l, int64_t n)
{
    const int64_t weights = 4 * l->hidden * (l->in + l->hidden + 2);
    /* kept: i f g o of every step, and c; scratch: gradients of h and c */
    return (struct ps_nn_size){.weights = weights,
                               .prepared = weights,
                               .kept = n * l->steps * 5 * l->hidden,
                               .work = 2 * l->hidden + 4 * l->hidden};
}

static void NAME(lstm_prepare)(const struct ps_nn_lstm *l, const void *w, void *prepared, int part, int parts)
{
    (void)parts;
    NAME(copy)(NAME(lstm_size)(l, 1).weights, w, prepared, part);
}

static void NAME(lstm_forward)(const struct ps_nn_lstm *l, const struct ps_nn_pass *p)
{
    const int64_t h = l->hidden, gates = 4 * h;
    const REAL *w = p->prepared, *wh = w + gates * l->in, *b = wh + gates * h;
    for (int64_t i = 0; i < p->n; i++) {
        const REAL *state = p->begin ? (const REAL *)p->begin + i * 2 * h : NULL;
        for (int64_t t = 0; t < l->steps; t++) {
            const REAL *x = (const REAL *)p->x + (i * l->steps + t) * l->in;
            REAL *y = (REAL *)p->y + (i * l->steps + t) * h,
                 *kept = (REAL *)p->kept + (i * l->steps + t) * 5 * h;
            const REAL *hidden = t > 0 ? y - h : state, *cell = t > 0 ? kept - h : state ? state + h : NULL;
            for (int64_t r = 0; r < gates; r++) {
                double z = (double)b[r] + b[gates + r];
                for (int64_t k = 0; k < l->in; k++) z += (double)w[r * l->in + k] * x[k];
                for (int64_t k = 0; hidden && k < h; k++) z += (double)wh[r * h + k] * hidden[k];
                kept[r] = (REAL)NAME(act)(r / h == 2 ? PS_NN_TANH : PS_NN_SIGMOID, z);
            }
            for (int64_t k = 0; k < h; k++) {
                const double c = kept[h + k] * (cell ? cell[k] : 0.0) + (double)kept[k] * kept[2 * h + k];
                kept[4 * h + k] = (REAL)c;
                y[k] = (REAL)(kept[3 * h + k] * tanh(c));
            }
            if (!p->end || t + 1 < l->steps) continue;
            memcpy((REAL *)p->end + i * 2 * h, y, (size_t)h * sizeof *y);
            memcpy((REAL *)p->end + i * 2 * h + h, kept + 4 * h, (size_t)h * sizeof *y);
        }
    }
}

static void NAME(lstm_backward)(const struct ps_nn_lstm *l, const struct ps_nn_pass *p)
{
    const int64_t h = l->hidden, gates = 4 * h;
    const REAL *w = p->prepared, *wh = w + gates * l->in;
    REAL *dw = p->dw, *dwh = dw + gates * l->in, *db = dwh + gates * h;
    REAL *dh = p->work, *dc = dh + h, *dz = dc + h;
    NAME(begin)(p, p->n * l->steps * l->in, gates * (l->in + h + 2));
    for (int64_t i = 0; i < p->n; i++) {
        const REAL *state = p->begin ? (const REAL *)p->begin + i * 2 * h : NULL;
        for (int64_t k = 0; k < 2 * h; k++) dh[k] = 0;
        for (int64_t t = l->steps; t-- > 0;) {
            const int64_t at = i * l->steps + t;
            const REAL *x = (const REAL *)p->x + at * l->in, *y = (const REAL *)p->y + at * h;
            const REAL *dy = (const REAL *)p->dy + at * h, *kept = (const REAL *)p->kept + at * 5 * h;
            const REAL *hidden = t > 0 ? y - h : state, *cell = t > 0 ? kept - h : state ? state + h : NULL;
            REAL *dx = p->dx ? (REAL *)p->dx + at * l->in : NULL;
            for (int64_t k = 0; k < h; k++) {
                const double in = kept[k], forget = kept[h + k], g = kept[2 * h + k], out = kept[3 * h + k];
                const double tc = tanh(kept[4 * h + k]), before = cell ? cell[k] : 0;
                const double d = (double)dh[k] + dy[k], dcell = dc[k] + d * out * (1 - tc * tc);
                dz[k] = (REAL)(dcell * g * in * (1 - in));
                dz[h + k] = (REAL)(dcell * before * forget * (1 - forget));
                dz[2 * h + k] = (REAL)(dcell * in * (1 - g * g));
                dz[3 * h + k] = (REAL)(d * tc * out * (1 - out));
                dc[k] = (REAL)(dcell * forget);
                dh[k] = 0;
            }
            for (int64_t r = 0; r < gates; r++) {
                db[r] += dz[r];
                db[gates + r] += dz[r];
                for (int64_t k = 0; k < l->in; k++) {
                    dw[r * l->in + k] += dz[r] * x[k];
                    if (dx) dx[k] += dz[r] * w[r * l->in + k];
                }
                for (int64_t k = 0; hidden && k < h; k++) {
                    dwh[r * h + k] += dz[r] * hidden[k];
                    dh[k] += dz[r] * wh[r * h + k];
                }
            }
        }
    }
}
