/* The reference of layers that work on images, for elements of type REAL; included once for each type. */

/* Where place (v, u) of the window at (row, col) is within an image; -1: beyond its borders. */
static int64_t NAME(inside)(const struct ps_nn_window *at, int64_t row, int64_t col, int v, int u)
{
    const int64_t y = row * at->stride - at->pad + v, x = col * at->stride - at->pad + u;
    if (y < 0 || y >= at->height || x < 0 || x >= at->width) return -1;
    return (y * at->width + x) * at->channels;
}

/* All places of all windows of all samples: `place` counts outputs. */
#define EACH_PLACE(at, p)                              \
    for (int64_t i = 0, place = 0; i < (p)->n; i++)    \
        for (int64_t row = 0; row < (at)->rows; row++) \
            for (int64_t col = 0; col < (at)->cols; col++, place++)

/* --- normalisations that are never written out --- */

/* Element x of channel k, as it is read. */
static double NAME(reads)(const struct ps_nn_read *r, double x, int64_t k)
{
    return r->a ? NAME(act)(r->act, ((const REAL *)r->a)[k] * x + ((const REAL *)r->b)[k]) : x;
}

/* Mean of each channel and sum of squared differences from it. */
static void NAME(moments)(int64_t rows, int64_t c, const REAL *y, double *out)
{
    for (int64_t k = 0; k < c; k++) {
        double mean = 0, squares = 0;
        for (int64_t r = 0; r < rows; r++) mean += y[r * c + k] / (double)rows;
        for (int64_t r = 0; r < rows; r++) squares += (y[r * c + k] - mean) * (y[r * c + k] - mean);
        out[k] = mean;
        out[c + k] = squares;
    }
}

/* Sums of d and of d (x - mean) of each channel. */
static void NAME(gradient_sums)(const struct ps_nn_read *r, int64_t rows, int64_t c, const REAL *x,
                                const REAL *d, double *sums)
{
    for (int64_t k = 0; k < c; k++) {
        const double mean = ((const REAL *)r->mean)[k];
        sums[k] = sums[c + k] = 0;
        for (int64_t i = k; i < rows * c; i += c) {
            sums[k] += d[i];
            sums[c + k] += d[i] * (x[i] - mean);
        }
    }
}

/* The gradient of act(a x + b) becomes that of a x + b, where x is read so. */
static void NAME(before_act)(const struct ps_nn_pass *p, int64_t rows, int64_t c)
{
    const REAL *x = p->x;
    REAL *dx = p->dx;
    if (!p->read.a) return;
    for (int64_t i = 0; i < rows * c; i++)
        dx[i] = (REAL)(dx[i] * NAME(slope)(p->read.act, NAME(reads)(&p->read, x[i], i % c)));
    NAME(gradient_sums)(&p->read, rows, c, x, dx, p->sums);
}

/* --- convolution --- */

static struct ps_nn_size NAME(conv_size)(const struct ps_nn_conv *l, int64_t n)
{
    const int64_t weights = l->out * (l->at.kernel * l->at.kernel * l->at.channels + !l->plain);
    (void)n;
    return (struct ps_nn_size){.weights = weights, .prepared = weights};
}

static void NAME(conv_prepare)(const struct ps_nn_conv *l, const void *w, void *prepared, int part, int parts)
{
    (void)parts;
    NAME(copy)(NAME(conv_size)(l, 1).weights, w, prepared, part);
}

static void NAME(conv_forward)(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    const struct ps_nn_window *at = &l->at;
    const int64_t image = at->height * at->width * at->channels, c = at->channels;
    const int64_t window = at->kernel * at->kernel * c;
    const REAL *x = p->x, *w = p->prepared;
    REAL *y = p->y;
    EACH_PLACE(at, p)
    for (int64_t o = 0; o < l->out; o++) {
        double z = l->plain ? 0 : w[l->out * window + o];
        for (int v = 0; v < at->kernel; v++)
            for (int u = 0; u < at->kernel; u++) {
                const int64_t in = NAME(inside)(at, row, col, v, u);
                for (int64_t k = 0; in >= 0 && k < c; k++)
                    z += NAME(reads)(&p->read, x[i * image + in + k], k) *
                         w[o * window + (v * at->kernel + u) * c + k];
            }
        y[place * l->out + o] = (REAL)NAME(act)(l->act, z);
    }
    if (p->moments) NAME(moments)(p->n * at->rows * at->cols, l->out, y, p->moments);
}

/* The gradient of the sum that became y[i], of output o. */
static double NAME(conv_gradient)(const struct ps_nn_conv *l, const struct ps_nn_pass *p, int64_t i,
                                  int64_t o)
{
    const REAL *s = p->dy_read.s, *t = p->dy_read.p, *q = p->dy_read.q;
    const double dy = ((const REAL *)p->dy)[i], y = ((const REAL *)p->y)[i];
    return s ? s[o] * dy + t[o] * y + q[o] : dy * NAME(slope)(l->act, y);
}

static void NAME(conv_backward)(const struct ps_nn_conv *l, const struct ps_nn_pass *p)
{
    const struct ps_nn_window *at = &l->at;
    const int64_t image = at->height * at->width * at->channels, c = at->channels;
    const int64_t window = at->kernel * at->kernel * c;
    const REAL *x = p->x, *w = p->prepared;
    REAL *dx = p->dx, *dw = p->dw;
    NAME(begin)(p, p->n * image, NAME(conv_size)(l, 1).weights);
    EACH_PLACE(at, p)
    for (int64_t o = 0; o < l->out; o++) {
        const double dz = NAME(conv_gradient)(l, p, place * l->out + o, o);
        if (!l->plain) dw[l->out * window + o] += (REAL)dz;
        for (int v = 0; v < at->kernel; v++)
            for (int u = 0; u < at->kernel; u++) {
                const int64_t in = NAME(inside)(at, row, col, v, u);
                for (int64_t k = 0; in >= 0 && k < c; k++) {
                    const int64_t weight = o * window + (v * at->kernel + u) * c + k;
                    dw[weight] += (REAL)(dz * NAME(reads)(&p->read, x[i * image + in + k], k));
                    if (dx) dx[i * image + in + k] += (REAL)(dz * w[weight]);
                }
            }
    }
    NAME(before_act)(p, p->n * at->height * at->width, c);
}

static bool NAME(conv_keeps)(const struct ps_nn_conv *l)
{
    (void)l;
    return true;
}

static bool NAME(conv_joins)(const struct ps_nn_conv *l)
{
    (void)l;
    return false;
}

/* --- pooling --- */

static void NAME(pool_forward)(const struct ps_nn_pool *l, const struct ps_nn_pass *p)
{
    const struct ps_nn_window *at = &l->at;
    const int64_t image = at->height * at->width * at->channels;
    const REAL *x = p->x;
    REAL *y = p->y;
    EACH_PLACE(at, p)
    for (int64_t k = 0; k < at->channels; k++) {
        double sum = 0, most = -INFINITY;
        for (int v = 0; v < at->kernel; v++)
            for (int u = 0; u < at->kernel; u++) {
                const int64_t in = NAME(inside)(at, row, col, v, u);
                const double value = in < 0 ? 0 : NAME(reads)(&p->read, x[i * image + in + k], k);
                sum += value;
                if (in >= 0 && (value > most || value != value)) most = value;
            }
        y[place * at->channels + k] = (REAL)(l->mean ? sum / (at->kernel * at->kernel) : most);
    }
}

static void NAME(pool_backward)(const struct ps_nn_pool *l, const struct ps_nn_pass *p)
{
    const struct ps_nn_window *at = &l->at;
    const int64_t image = at->height * at->width * at->channels;
    const REAL *x = p->x, *y = p->y, *dy = p->dy;
    REAL *dx = p->dx;
    if (!dx) return;
    NAME(begin)(p, p->n * image, 0);
    EACH_PLACE(at, p)
    for (int64_t k = 0; k < at->channels; k++) {
        const REAL d = dy[place * at->channels + k], most = y[place * at->channels + k];
        bool given = false;
        for (int v = 0; v < at->kernel; v++)
            for (int u = 0; u < at->kernel; u++) {
                const int64_t in = NAME(inside)(at, row, col, v, u);
                if (in < 0) continue;
                if (l->mean) {
                    dx[i * image + in + k] += (REAL)(d / (at->kernel * at->kernel));
                } else if (!given && (REAL)NAME(reads)(&p->read, x[i * image + in + k], k) == most) {
                    dx[i * image + in + k] += d;
                    given = true;
                }
            }
    }
    NAME(before_act)(p, p->n * at->height * at->width, at->channels);
}

/* --- sum --- */

static void NAME(sum_forward)(const struct ps_nn_sum *l, const struct ps_nn_pass *p)
{
    const int64_t c = l->channels;
    const REAL *x = p->x, *also = p->also;
    REAL *y = p->y;
    for (int64_t i = 0; i < p->n * l->places * c; i++)
        y[i] = (REAL)NAME(act)(l->act, NAME(reads)(&p->read, x[i], i % c) +
                                           NAME(reads)(&p->also_read, also[i], i % c));
}

static void NAME(give)(int64_t n, const REAL *d, REAL *to, bool add)
{
    for (int64_t i = 0; to && i < n; i++) to[i] = add ? to[i] + d[i] : d[i];
}

static void NAME(sum_backward)(const struct ps_nn_sum *l, const struct ps_nn_pass *p)
{
    const int64_t c = l->channels, rows = p->n * l->places;
    const REAL *y = p->y;
    REAL *dy = p->dy;
    for (int64_t i = 0; i < rows * c; i++) dy[i] = (REAL)(dy[i] * NAME(slope)(l->act, y[i]));
    if (p->read.a) NAME(gradient_sums)(&p->read, rows, c, p->x, dy, p->sums);
    if (p->also_read.a) NAME(gradient_sums)(&p->also_read, rows, c, p->also, dy, p->also_sums);
    NAME(give)(rows * c, dy, p->dx, p->dx_add);
    NAME(give)(rows * c, dy, p->dalso, p->dalso_add);
}

/* --- upsampling --- */

/* Where in the input place (row, col) of the output of sample i is from. */
static int64_t NAME(upsample_place)(const struct ps_nn_upsample *l, int64_t i, int64_t row, int64_t col)
{
    const int64_t y = ps_nn_upsample_from(row, l->height, l->rows);
    return ((i * l->height + y) * l->width + ps_nn_upsample_from(col, l->width, l->cols)) * l->channels;
}

static void NAME(upsample_forward)(const struct ps_nn_upsample *l, const struct ps_nn_pass *p)
{
    const REAL *x = p->x;
    REAL *y = p->y;
    EACH_PLACE(l, p)
    for (int64_t k = 0; k < l->channels; k++)
        y[place * l->channels + k] = x[NAME(upsample_place)(l, i, row, col) + k];
}

static void NAME(upsample_backward)(const struct ps_nn_upsample *l, const struct ps_nn_pass *p)
{
    const REAL *dy = p->dy;
    REAL *dx = p->dx;
    if (!dx) return;
    NAME(begin)(p, p->n * l->height * l->width * l->channels, 0);
    EACH_PLACE(l, p)
    for (int64_t k = 0; k < l->channels; k++)
        dx[NAME(upsample_place)(l, i, row, col) + k] += dy[place * l->channels + k];
}

#undef EACH_PLACE
