#include "apps/pisvm/svm_front.h"
#include <stdlib.h>
#include "apps/pisvm/svm_backend.h"
#include "apps/pisvm/svm_working.h"
#include "common/run/err.h"

/* Lists are of at least s->fresh candidates, as many as a working set takes at most, and have room for twice
 * so many: most often the device need not look at all digits then. */
static int64_t room_of(const struct svm_large *s)
{
    return 2 * (int64_t)s->fresh;
}

static struct ps_svm_candidate *candidates(const struct svm_large *s)
{
    return (struct ps_svm_candidate *)((struct ps_svm_front *)s->there.front.here + 1);
}

static int64_t front_bytes(const struct svm_large *s, int lists, int64_t rows)
{
    const int64_t candidate = (int64_t)sizeof(struct ps_svm_candidate), f = (int64_t)sizeof(double);
    return (int64_t)sizeof(struct ps_svm_front) + lists * room_of(s) * candidate + rows * f;
}

enum ps_status svm_front_open(struct svm_large *s)
{
    const struct ps_device_memory *memory = s->spec.kernels->device->memory;
    const int64_t real = (int64_t)sizeof(double);
    PS_TRY(ps_buffer_make(memory, s->n * real, false, "gradients", &s->there.f));
    PS_TRY(ps_buffer_make(memory, 2 * s->n * real, false, "linear terms", &s->there.p));
    PS_TRY(ps_buffer_make(memory, 2 * s->n, false, "states of variables", &s->there.may));
    return ps_buffer_make(memory, front_bytes(s, SVM_LISTS, s->working), true, "candidates of a working set",
                          &s->there.front);
}

void svm_front_close(struct svm_large *s)
{
    ps_buffer_free(&s->there.f);
    ps_buffer_free(&s->there.p);
    ps_buffer_free(&s->there.may);
    ps_buffer_free(&s->there.front);
}

/* What a variable may do, in bits. */
static uint8_t may_bits(const struct svm_vars *v, int64_t at)
{
    return (uint8_t)((svm_may_rise(v, at) ? PS_SVM_RISES : 0) | (svm_may_fall(v, at) ? PS_SVM_FALLS : 0) |
                     (v->y[at] < 0 ? PS_SVM_NEGATIVE : 0) | (svm_side(v, at) ? PS_SVM_SECOND : 0));
}

void svm_front_send_f(struct svm_large *s, const struct svm_vars *v)
{
    s->there.f.memory->put(s->there.f.there, v->f, v->n * (int64_t)sizeof *v->f);
}

enum ps_status svm_front_begin(struct svm_large *s, const struct svm_vars *v)
{
    const int64_t vars = v->copies * v->n;
    uint8_t *may = NULL;
    PS_TRY(ps_alloc(&may, vars, sizeof *may, "states of variables"));
    for (int64_t at = 0; at < vars; at++) may[at] = may_bits(v, at);
    svm_front_send_f(s, v);
    s->there.p.memory->put(s->there.p.there, v->p, vars * (int64_t)sizeof *v->p);
    s->there.may.memory->put(s->there.may.there, may, vars);
    const enum ps_status rc = svm_backend_wait(s->spec.kernels);
    free(may);
    return rc;
}

enum ps_status svm_front_bring_f(struct svm_large *s, struct svm_vars *v)
{
    s->there.f.memory->get(v->f, s->there.f.there, v->n * (int64_t)sizeof *v->f);
    return svm_backend_wait(s->spec.kernels);
}

struct svm_front_list svm_front_list(const struct svm_large *s, int list)
{
    const struct ps_svm_front *front = s->there.front.here;
    return (struct svm_front_list){candidates(s) + list * room_of(s), front->n[list],
                                   front->all[list] > front->n[list]};
}

enum ps_status svm_front_find(struct svm_large *s, struct svm_vars *v)
{
    const int sides = v->nu ? 2 : 1;
    const struct ps_svm_scores scores = {
        v->n, s->first, v->copies, sides, s->there.f.there, s->there.p.there, s->there.may.there};
    const struct ps_svm_ranking ranking = {s->fresh, room_of(s), s->member.row, s->member.n};
    s->spec.kernels->device->rank(&scores, &ranking, s->there.front.there);
    ps_buffer_get(&s->there.front, front_bytes(s, 2 * sides, s->member.n));
    PS_TRY(svm_backend_wait(s->spec.kernels));
    for (int list = 0; list < 2 * sides; list++) {
        const struct svm_front_list front = svm_front_list(s, list);
        for (int64_t i = 0; i < front.n; i++) v->f[front.at[i].row] = front.at[i].f;
    }
    const double *f = (const double *)(candidates(s) + 2 * sides * room_of(s));
    for (int64_t i = 0; i < s->member.n; i++) v->f[s->member.row[i]] = f[i];
    return PS_OK;
}

enum ps_status svm_front_changed(struct svm_large *s, const struct svm_vars *v)
{
    const struct ps_range own = svm_working_own(s, s->work.number, s->work.n);
    const int64_t rows = own.hi - own.lo;
    int64_t *place = NULL;
    uint8_t *may = NULL;
    enum ps_status rc = ps_alloc(&place, v->copies * rows, sizeof *place, "places of variables");
    if (rc == PS_OK) rc = ps_alloc(&may, v->copies * rows, sizeof *may, "states of variables");
    for (int64_t k = 0; rc == PS_OK && k < v->copies * rows; k++) {
        place[k] = s->work.number[own.lo + k % rows] - s->first + k / rows * v->n;
        may[k] = may_bits(v, place[k]);
    }
    if (rc == PS_OK) s->spec.kernels->device->set(s->there.may.there, place, may, v->copies * rows);
    free(place);
    free(may);
    return rc;
}
