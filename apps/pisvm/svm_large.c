#include "apps/pisvm/svm_large.h"
#include <math.h>
#include <stdlib.h>
#include "apps/pisvm/svm_apply.h"
#include "apps/pisvm/svm_backend.h"
#include "apps/pisvm/svm_front.h"
#include "apps/pisvm/svm_sample.h"
#include "apps/pisvm/svm_select.h"
#include "apps/pisvm/svm_shrink.h"
#include "apps/pisvm/svm_working.h"
#include "common/run/err.h"

/* The inner problem is solved to this part of the violation. */
static const double INNER = 0.05;

/* Sizes of the working set where none are asked for. The matrix of the working set and the steps of the inner
 * problem are every rank's work, so that it grows more slowly than the rows. */
static void sizes(struct svm_large *s)
{
    int working = s->spec.working, fresh = s->spec.fresh;
    if (working == 0) {
        working = 512;
        for (int64_t rows = 2048; working < 4096 && s->total >= rows; rows *= 8) working *= 2;
    }
    if (working < 2) working = 2;
    if (fresh == 0 || fresh > working) fresh = working / 2;
    s->working = working;
    s->fresh = fresh < 2 ? 2 : fresh;
}

/* Rows of the matrix start in cache lines, an odd number of them apart. */
static int64_t matrix_stride(int64_t n)
{
    return ((n + 15) / 16 | 1) * 16;
}

/* How rows lie on the ranks. Collective. */
static enum ps_status count_rows(struct svm_large *s)
{
    PS_TRY(ps_agree(s->spec.comm,
                    ps_alloc(&s->begin, (int64_t)s->size + 1, sizeof *s->begin, "counts of rows")));
    const int ok = MPI_Allgather(&s->n, 1, MPI_INT64_T, s->begin + 1, 1, MPI_INT64_T, s->spec.comm);
    PS_CHECK(ok == MPI_SUCCESS, PS_EMPI, "the rows of a problem could not be counted");
    s->begin[0] = 0;
    for (int r = 0; r < s->size; r++) s->begin[r + 1] += s->begin[r];
    s->first = s->begin[s->rank];
    s->total = s->begin[s->size];
    return PS_OK;
}

/* Room for columns, and for the matrix of a working set of `set` rows, on the host. */
static enum ps_status room_here(struct svm_large *s, int64_t set)
{
    const int64_t line = (s->n + 32) * (int64_t)sizeof(float), most = s->total * line;
    PS_TRY(svm_columns_open(&s->columns, NULL, s->spec.memory < most ? s->spec.memory : most, set / 32 * line,
                            s->n, s->total));
    return ps_alloc(&s->matrix, set * matrix_stride(set), sizeof *s->matrix, "the matrix of a working set");
}

/* On the device. */
static enum ps_status room_there(struct svm_large *s, int64_t set)
{
    const struct ps_device_memory *memory = s->spec.kernels->device->memory;
    const int64_t line = svm_columns_stride(s->n) * (int64_t)sizeof(float), most = s->total * line;
    const int64_t bytes = s->spec.memory < most ? s->spec.memory : most;
    s->spec.shrinking = false;
    PS_TRY(svm_columns_open(&s->columns, memory, bytes, bytes, s->n, s->total));
    PS_TRY(svm_front_open(s));
    PS_TRY(ps_buffer_make(memory, SVM_COLUMNS * line, false, "kernel columns", &s->there.column));
    PS_TRY(ps_buffer_make(memory, set * matrix_stride(set) * (int64_t)sizeof *s->matrix, false,
                          "the matrix of a working set", &s->there.matrix));
    s->matrix = s->there.matrix.there;
    return PS_OK;
}

enum ps_status svm_large_open(const struct svm_large_spec *spec, const struct svm_rows *own,
                              struct svm_large **out)
{
    struct svm_large *s = NULL;
    *out = NULL;
    PS_TRY(ps_agree(spec->comm, ps_zalloc(&s, 1, sizeof *s, "a large problem")));
    s->spec = *spec;
    s->own = svm_rows_csr(own);
    s->n = own->n;
    MPI_Comm_rank(spec->comm, &s->rank);
    MPI_Comm_size(spec->comm, &s->size);
    enum ps_status rc = count_rows(s);
    PS_TRY_DONE(rc);
    sizes(s);
    const int64_t set = s->working < s->total ? s->working : s->total;
    rc = spec->kernels->device ? room_there(s, set) : room_here(s, set);
    if (rc == PS_OK)
        rc = ps_alloc(&s->member.row, s->working, sizeof *s->member.row, "rows of a working set");
    PS_TRY_DONE(ps_agree(spec->comm, rc));
    rc = svm_active_set(s, NULL);
done:
    if (rc == PS_OK)
        *out = s;
    else
        svm_large_close(s);
    return rc;
}

void svm_large_close(struct svm_large *s)
{
    if (!s) return;
    svm_active_free(s);
    svm_columns_close(&s->columns);
    svm_working_free(&s->work);
    free(s->begin);
    free(s->member.row);
    if (!s->there.matrix.there) free(s->matrix);
    svm_front_close(s);
    ps_buffer_free(&s->there.column);
    ps_buffer_free(&s->there.matrix);
    free(s);
}

enum ps_status svm_large_start(struct svm_large *s, struct svm_vars *v)
{
    PS_TRY(svm_active_set(s, NULL));
    return svm_sum(s, v, s->active.row, s->n);
}

/* The problem of a working set, the same on all ranks. */
struct inner {
    struct ps_svm_smo smo;
    double *record; /* [n][1 + 4 copies] f; alpha, p, c, y of each copy; all arrays owned */
    int8_t *y;      /* [copies * n] */
    double *p, *c, *alpha, *f;
    int64_t *at;  /* [n] rows whose coefficients change */
    double *coef; /* [n] how */
    int64_t changed;
};

static void inner_free(struct inner *in)
{
    free(in->record);
    free(in->y);
    free(in->p);
    free(in->c);
    free(in->alpha);
    free(in->f);
    free(in->at);
    free(in->coef);
}

static enum ps_status inner_alloc(struct inner *in, int64_t n, int copies)
{
    const int64_t vars = copies * n;
    in->smo = (struct ps_svm_smo){.n = n, .copies = copies};
    PS_TRY(ps_alloc(&in->record, n * (1 + 4 * copies), sizeof *in->record, "a working set"));
    PS_TRY(ps_alloc(&in->y, vars, sizeof *in->y, "a working set"));
    PS_TRY(ps_alloc(&in->p, vars, sizeof *in->p, "a working set"));
    PS_TRY(ps_alloc(&in->c, vars, sizeof *in->c, "a working set"));
    PS_TRY(ps_alloc(&in->alpha, vars, sizeof *in->alpha, "a working set"));
    PS_TRY(ps_alloc(&in->f, n, sizeof *in->f, "a working set"));
    PS_TRY(ps_alloc(&in->at, n, sizeof *in->at, "a working set"));
    PS_TRY(ps_alloc(&in->coef, n, sizeof *in->coef, "a working set"));
    in->smo.y = in->y;
    in->smo.p = in->p;
    in->smo.c = in->c;
    in->smo.alpha = in->alpha;
    in->smo.f = in->f;
    return PS_OK;
}

/* Gather the variables of the working set. Collective. */
static enum ps_status inner_gather(struct svm_large *s, const struct svm_vars *v, struct inner *in)
{
    const int copies = v->copies, size = 1 + 4 * copies;
    const struct ps_range own = svm_working_own(s, s->work.number, s->work.n);
    double *mine = NULL, *to;
    enum ps_status rc = ps_alloc(&mine, (own.hi - own.lo) * size, sizeof *mine, "a working set");
    PS_TRY_DONE(ps_agree(s->spec.comm, rc));
    to = mine;
    for (int64_t k = own.lo; k < own.hi; k++) {
        const int64_t row = s->work.number[k] - s->first;
        *to++ = v->f[row];
        for (int copy = 0; copy < copies; copy++) {
            const int64_t at = row + copy * v->n;
            *to++ = v->alpha[at];
            *to++ = v->p[at];
            *to++ = v->c[at];
            *to++ = v->y[at];
        }
    }
    rc = svm_working_gather(s, s->work.number, s->work.n, mine, size * (int64_t)sizeof *mine, in->record);
    for (int64_t k = 0; rc == PS_OK && k < s->work.n; k++) {
        const double *from = in->record + k * size;
        in->f[k] = *from++;
        for (int copy = 0; copy < copies; copy++) {
            const int64_t at = k + copy * s->work.n;
            in->alpha[at] = *from++;
            in->p[at] = *from++;
            in->c[at] = *from++;
            in->y[at] = (int8_t)*from++;
        }
    }
done:
    free(mine);
    return rc;
}

/* Kernel values of a working set: those of a pair are computed once, but by a device, which has them at once.
 */
static void fill_matrix(const struct svm_large *s, const struct ps_svm_pack *pack, int64_t n, int64_t stride)
{
    enum { PART = 64 }; /* rows that stay in a core's cache until they are mirrored */
    const int64_t parts = (n + PART - 1) / PART;
    if (s->spec.kernels->device) {
        s->spec.kernels->block(&s->spec.function, pack, 0, n, pack, 0, n, s->matrix, stride);
        return;
    }
#pragma omp parallel for schedule(dynamic)
    for (int64_t part = 0; part < parts; part++) { /* the long ones first */
        const int64_t lo = (parts - 1 - part) * PART, hi = lo + PART < n ? lo + PART : n;
        float *row = s->matrix + lo * stride;
        s->spec.kernels->block(&s->spec.function, pack, lo, hi, pack, 0, hi, row, stride);
        for (int64_t j = 0; j < lo; j++)
            for (int64_t i = lo; i < hi; i++) s->matrix[j * stride + i] = row[(i - lo) * stride + j];
    }
}

/* Solve it, and list what changes. Local. */
static enum ps_status inner_solve(const struct svm_large *s, struct inner *in)
{
    const struct ps_svm_kernels *kernels = s->spec.kernels;
    const int64_t n = in->smo.n, stride = matrix_stride(n), size = 1 + 4 * (int64_t)in->smo.copies;
    struct ps_svm_pack *pack = NULL;
    PS_TRY(svm_working_pack(s, &s->work, NULL, n, &pack));
    fill_matrix(s, pack, n, stride);
    kernels->unpack(pack);
    in->smo.k = s->matrix;
    in->smo.stride = stride;
    const enum ps_status rc = kernels->smo(&in->smo);
    if (rc != PS_OK)
        return svm_backend_failed(kernels, rc, "no memory to solve the problem of a working set");
    for (int64_t k = 0; k < n; k++) {
        double coef = 0;
        for (int copy = 0; copy < in->smo.copies; copy++)
            coef += in->y[k + copy * n] * (in->alpha[k + copy * n] - in->record[k * size + 1 + 4 * copy]);
        if (coef == 0) continue;
        in->at[in->changed] = k;
        in->coef[in->changed++] = coef;
    }
    return PS_OK;
}

/* Take over the alpha of own rows. */
static void take_over(const struct svm_large *s, const struct inner *in, struct svm_vars *v)
{
    const struct ps_range own = svm_working_own(s, s->work.number, s->work.n);
    for (int copy = 0; copy < v->copies; copy++)
        for (int64_t k = own.lo; k < own.hi; k++)
            v->alpha[s->work.number[k] - s->first + copy * v->n] = in->alpha[k + copy * s->work.n];
}

/* Solve the problem of s->work and bring alpha and f up to date. Collective.
 * @param steps most steps; 0: no bound
 * @param state inner and outer are counted on
 * @param moved out: whether any step was made */
static enum ps_status iterate(struct svm_large *s, struct svm_vars *v, double eps, int64_t steps,
                              struct svm_large_state *state, bool *moved)
{
    struct inner in = {.changed = 0};
    enum ps_status rc = ps_agree(s->spec.comm, inner_alloc(&in, s->work.n, v->copies));
    PS_TRY_DONE(rc);
    PS_TRY_DONE(inner_gather(s, v, &in));
    in.smo.nu = v->nu;
    in.smo.eps = eps;
    in.smo.max_iter = steps;
    rc = inner_solve(s, &in);
    if (rc == PS_OK) {
        const struct svm_change change = {.rows = &s->work, .n = in.changed, .at = in.at, .coef = in.coef};
        const struct svm_target to = {.n = s->active.n, .row = s->active.row, .pack = s->active.pack};
        take_over(s, &in, v);
        if (s->spec.kernels->device) rc = svm_front_changed(s, v);
        if (rc == PS_OK) rc = svm_apply(s, &change, &to, &s->columns, state->outer + 1, v->f);
    }
    PS_TRY_DONE(ps_agree(s->spec.comm, rc));
    s->applied += in.changed * s->active.all;
    state->inner += in.smo.iterations;
    state->outer++;
    *moved = in.smo.iterations > 0;
done:
    inner_free(&in);
    return rc;
}

/* Choose a working set and bring its features. Collective. */
static enum ps_status choose(struct svm_large *s, const struct svm_vars *v, const struct svm_extremes *e,
                             uint8_t *mark)
{
    int64_t *number = NULL, n = 0;
    enum ps_status rc = ps_alloc(&number, s->working, sizeof *number, "a working set");
    PS_TRY_DONE(ps_agree(s->spec.comm, rc));
    PS_TRY_DONE(svm_select(s, v, e, mark, number, &n));
    rc = svm_working_fetch(s, number, n, &s->work);
done:
    free(number);
    return rc;
}

/* How iterating on active rows ended. */
enum end { OPTIMAL, OUT_OF_STEPS, STUCK };

/* Iterate on active rows until they are optimal, or no more steps are allowed or possible. Collective. */
static enum ps_status solve_active(struct svm_large *s, struct svm_vars *v, double eps, int64_t max_iter,
                                   const struct svm_large_hook *hook, struct svm_large_state *state,
                                   enum end *end)
{
    struct svm_extremes e;
    for (bool moved;;) {
        if (s->spec.kernels->device) PS_TRY(ps_agree(s->spec.comm, svm_front_find(s, v)));
        PS_TRY(svm_extremes_find(s, v, &e));
        state->violation = svm_extremes_violation(&e);
        *end = state->violation < eps ? OPTIMAL : OUT_OF_STEPS;
        if (*end == OPTIMAL || (max_iter > 0 && state->inner >= max_iter)) return PS_OK;
        if (s->spec.shrinking) PS_TRY(svm_shrink(s, v, &e, state->mark));
        PS_TRY(choose(s, v, &e, state->mark));
        PS_TRY(iterate(s, v, fmax(0.5 * eps, INNER * state->violation),
                       max_iter > 0 ? max_iter - state->inner : 0, state, &moved));
        *end = STUCK;
        if (!moved) return PS_OK;
        if (hook) PS_TRY(hook->at(hook->context, state, v));
    }
}

/* Solve on all rows: on active ones, then on those that violate after all. Collective. */
static enum ps_status solve(struct svm_large *s, struct svm_vars *v, double eps, int64_t max_iter,
                            const struct svm_large_hook *hook, struct svm_large_state *state)
{
    enum end end = OPTIMAL;
    PS_TRY(svm_active_set(s, state->mark));
    svm_members_find(s, state->mark);
    if (s->spec.kernels->device) PS_TRY(ps_agree(s->spec.comm, svm_front_begin(s, v)));
    for (;;) {
        PS_TRY(solve_active(s, v, eps, max_iter, hook, state, &end));
        if (s->active.all == s->total) return PS_OK;
        PS_TRY(svm_unshrink(s, v, state->mark));
        if (end == OPTIMAL) continue;
        struct svm_extremes e; /* of all rows now */
        PS_TRY(svm_extremes_find(s, v, &e));
        state->violation = svm_extremes_violation(&e);
        return PS_OK;
    }
}

enum ps_status svm_large_bring(struct svm_large *s, struct svm_vars *v)
{
    return s->spec.kernels->device ? svm_front_bring_f(s, v) : PS_OK;
}

enum ps_status svm_large_solve(struct svm_large *s, struct svm_vars *v, double eps, int64_t max_iter,
                               const struct svm_large_hook *hook, struct svm_large_state *state)
{
    state->checked = -1;
    PS_TRY(solve(s, v, eps, max_iter, hook, state));
    PS_TRY(ps_agree(s->spec.comm, svm_large_bring(s, v)));
    return svm_sample_check(s, v, state->outer, &state->checked);
}
