#include "apps/autoencoder/autoencoder_start.h"
#include <math.h>
#include <string.h>

/* Codes farther off, in standard deviations, are of samples unlike all others: of those a net knows nothing.
 */
static const double FAR = 10, LEAST = 1e-9;

/* code[c] = sum over j of component[j][c] (x[j] - mean[j]). @param w [code][cols], then biases */
static void set_encoder(const struct ps_pca *pca, float *w)
{
    for (int64_t c = 0; c < pca->code; c++) {
        double bias = 0;
        for (int64_t j = 0; j < pca->cols; j++) {
            const double v = pca->component[j * pca->code + c];
            w[c * pca->cols + j] = (float)v;
            bias -= v * pca->mean[j];
        }
        w[pca->code * pca->cols + c] = (float)bias;
    }
}

/* x[j] = mean[j] + sum over c of component[j][c] code[c]. @param w [cols][code], then biases */
static void set_decoder(const struct ps_pca *pca, float *w)
{
    const int64_t n = pca->cols * pca->code;
    for (int64_t i = 0; i < n; i++) w[i] = (float)pca->component[i];
    for (int64_t j = 0; j < pca->cols; j++) w[n + j] = (float)pca->mean[j];
}

/* Corrections of a code are as large as what components leave out; the rest is for rounding. @param limit
 * [code] */
static void set_limits(const struct ps_pca *pca, float *limit)
{
    double left = pca->total;
    for (int64_t c = 0; c < pca->code; c++) left -= pca->variance[c];
    left = fmax(left, LEAST * pca->total);
    for (int64_t c = 0; c < pca->code; c++) limit[c] = (float)(FAR * sqrt(fmax(0, pca->variance[c]) + left));
}

void autoencoder_start(const struct autoencoder *a, const struct ps_pca *pca, float *w)
{
    const struct ps_node *node = a->net.node;
    for (int i = 0; i < 2; i++) {
        const struct autoencoder_way *way = &a->way[i];
        const struct ps_node *last = &node[way->last];
        memset(w + last->weights_at, 0, (size_t)last->weights * sizeof *w);
        set_limits(pca, w + node[way->gate].weights_at);
    }
    set_encoder(pca, w + node[a->way[0].linear].weights_at);
    set_decoder(pca, w + node[a->way[1].linear].weights_at);
}
