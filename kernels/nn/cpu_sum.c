#include <string.h>
#include "kernels/lanes.h"
#include "kernels/nn/cpu.h"

/* Rows that are summed in single precision before they are added to sums in double precision. */
enum { BLOCK = 32 };

/** Vectors of `channels` channels: k is where one begins, count how many it has. */
#define EACH_VECTOR(channels)      \
    for (int64_t k = 0, count = 0; \
         count = (channels)-k < PS_LANES ? (channels)-k : PS_LANES, k < (channels); k += PS_LANES)

/** Channels [k, k + count) of a row, as they are read. */
static inline ps_vf reads(const struct ps_nn_read *r, const float *row, int64_t k, int count)
{
    const ps_vf x = ps_vf_load_part(row + k, count);
    if (!r->a) return x;
    return ps_vf_fma(ps_vf_load_part((const float *)r->a + k, count), x,
                     ps_vf_load_part((const float *)r->b + k, count));
}

void ps_nn_sum_forward_cpu(const struct ps_nn_sum *l, const struct ps_nn_pass *p)
{
    const int64_t c = l->channels;
    for (int64_t r = 0; r < p->n * l->places; r++) {
        const float *x = (const float *)p->x + r * c, *also = (const float *)p->also + r * c;
        float *y = (float *)p->y + r * c;
        EACH_VECTOR(c)
        {
            const ps_vf z = reads(&p->read, x, k, (int)count) + reads(&p->also_read, also, k, (int)count);
            ps_vf_store_part(y + k, l->act == PS_NN_RELU ? ps_vf_positive(z) : z, (int)count);
        }
    }
}

/** Sums of a few rows, in single precision: of d, and of d times each input's distance from its mean. */
struct part {
    float *sum, *x, *also;
};

static inline void add_product(const struct ps_nn_read *r, const float *row, ps_vf d, int64_t k, int count,
                               float *sum)
{
    if (!r->a) return;
    const ps_vf from = ps_vf_load_part(row + k, count) - ps_vf_load_part((const float *)r->mean + k, count);
    ps_vf_store_part(sum + k, ps_vf_fma(d, from, ps_vf_load_part(sum + k, count)), count);
}

static inline void pass_on(float *to, ps_vf d, int count, bool add)
{
    ps_vf_store_part(to, add ? ps_vf_load_part(to, count) + d : d, count);
}

/** Row r backwards: read once, with all that becomes of it. */
static void row_backward(const struct ps_nn_sum *l, const struct ps_nn_pass *p, int64_t r,
                         const struct part *sums)
{
    const int64_t c = l->channels, at = r * c;
    float *dy = (float *)p->dy + at;
    EACH_VECTOR(c)
    {
        const int n = (int)count;
        ps_vf d = ps_vf_load_part(dy + k, n);
        if (l->act == PS_NN_RELU) {
            d = (ps_vf)((ps_vu)d & (ps_vu)(ps_vf_load_part((const float *)p->y + at + k, n) > 0));
            ps_vf_store_part(dy + k, d, n);
        }
        if (p->dx) pass_on((float *)p->dx + at + k, d, n, p->dx_add);
        if (p->dalso) pass_on((float *)p->dalso + at + k, d, n, p->dalso_add);
        if (!p->read.a && !p->also_read.a) continue;
        ps_vf_store_part(sums->sum + k, ps_vf_load_part(sums->sum + k, n) + d, n);
        add_product(&p->read, (const float *)p->x + at, d, k, n, sums->x);
        add_product(&p->also_read, (const float *)p->also + at, d, k, n, sums->also);
    }
}

static void add_part(int64_t c, const float *sum, const float *product, double *sums)
{
    for (int64_t k = 0; sums && k < c; k++) {
        sums[k] += sum[k];
        sums[c + k] += product[k];
    }
}

void ps_nn_sum_backward_cpu(const struct ps_nn_sum *l, const struct ps_nn_pass *p)
{
    const int64_t c = l->channels, rows = p->n * l->places;
    const struct part part = {p->work, (float *)p->work + c, (float *)p->work + 2 * c};
    double *sums = p->read.a ? p->sums : NULL, *also = p->also_read.a ? p->also_sums : NULL;
    if (l->act == PS_NN_LINEAR && !p->dx && !p->dalso && !sums && !also) return;
    if (sums) memset(sums, 0, (size_t)(2 * c) * sizeof *sums);
    if (also) memset(also, 0, (size_t)(2 * c) * sizeof *also);
    for (int64_t lo = 0; lo < rows; lo += BLOCK) {
        const int64_t hi = lo + BLOCK < rows ? lo + BLOCK : rows;
        memset(p->work, 0, (size_t)(3 * c) * sizeof(float));
        for (int64_t r = lo; r < hi; r++) row_backward(l, p, r, &part);
        add_part(c, part.sum, part.x, sums);
        add_part(c, part.sum, part.also, also);
    }
}
