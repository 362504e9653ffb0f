#include <string.h>
#include "kernels/nn/cpu.h"
#include "kernels/nn/images.h"

/* Rows that are summed in single precision before they are added to sums in double precision. */
enum { BLOCK = 32 };

void ps_nn_sum_forward_cpu(const struct ps_nn_sum *l, const struct ps_nn_pass *p)
{
    const int64_t c = l->channels;
    for (int64_t at = 0; at < p->n * l->places * c; at += c) PS_EACH_VECTOR(c)
        {
            const ps_vf x = ps_image_load(p->x, at + k, count, l->half_x);
            const ps_vf also = ps_image_load(p->also, at + k, count, l->half_also);
            const ps_vf z =
                ps_image_factors(&p->read, x, k, count) + ps_image_factors(&p->also_read, also, k, count);
            ps_image_store(p->y, at + k, l->act == PS_NN_RELU ? ps_vf_positive(z) : z, count, l->half_y);
        }
}

/** Sums of a few rows, in single precision: of d, and of d times each input's distance from its mean. */
struct part {
    float *sum, *x, *also;
};

static inline void add_product(const struct ps_nn_read *r, ps_vf x, ps_vf d, int64_t k, int64_t count,
                               float *sum)
{
    const ps_vf from = x - ps_vf_load_part((const float *)r->mean + k, (int)count);
    const ps_vf was = ps_vf_load_part(sum + k, (int)count);
    ps_vf_store_part(sum + k, ps_vf_fma(d, from, was), (int)count);
}

static inline void pass_on(void *to, int64_t at, ps_vf d, int64_t count, bool add, bool half)
{
    ps_image_store(to, at, add ? ps_image_load(to, at, count, half) + d : d, count, half);
}

/** The row that begins at element `at`, backwards: read once, with all that becomes of it. */
static void row_backward(const struct ps_nn_sum *l, const struct ps_nn_pass *p, int64_t at,
                         const struct part *sums)
{
    PS_EACH_VECTOR(l->channels)
    {
        ps_vf d = ps_image_load(p->dy, at + k, count, l->half_y);
        if (l->act == PS_NN_RELU) {
            d = ps_image_where(d, ps_image_load(p->y, at + k, count, l->half_y));
            ps_image_store(p->dy, at + k, d, count, l->half_y);
        }
        if (p->dx) pass_on(p->dx, at + k, d, count, p->dx_add, l->half_x);
        if (p->dalso) pass_on(p->dalso, at + k, d, count, p->dalso_add, l->half_also);
        if (!p->read.a && !p->also_read.a) continue;
        ps_vf_store_part(sums->sum + k, ps_vf_load_part(sums->sum + k, (int)count) + d, (int)count);
        if (p->read.a)
            add_product(&p->read, ps_image_load(p->x, at + k, count, l->half_x), d, k, count, sums->x);
        if (p->also_read.a)
            add_product(&p->also_read, ps_image_load(p->also, at + k, count, l->half_also), d, k, count,
                        sums->also);
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
        for (int64_t r = lo; r < hi; r++) row_backward(l, p, r * c, &part);
        add_part(c, part.sum, part.x, sums);
        add_part(c, part.sum, part.also, also);
    }
}
