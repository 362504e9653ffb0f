#include "apps/tools/spectra_scene.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "apps/tools/data_select.h"
#include "common/run/err.h"
#include "kernels/rng.h"

enum { RINGS = 2, LEAST = 2 };

static struct ps_rng rng(const struct scene_spec *s, enum scene_stream stream)
{
    return (struct ps_rng){.seed = s->seed, .stream = (uint32_t)stream};
}

void scene_free(struct scene *s)
{
    free(s->crop), free(s->field), free(s->label);
    *s = (struct scene){0};
}

/** Part of class k in all labelled pixels, in any unit. The 16 are the pixels of Indian Pines' ground truth.
 */
static double weight(int k, int classes)
{
    static const int indian_pines[] = {46, 1428, 830,  237, 483, 730,  28,  478,
                                       20, 972,  2455, 593, 205, 1265, 386, 93};
    return classes == 16 ? indian_pines[k] : 1.0 / (k + 1);
}

void scene_class_sizes(int64_t rows, int classes, int64_t *count)
{
    double sum = 0;
    int64_t left = rows;
    for (int k = 0; k < classes; k++) sum += weight(k, classes);
    for (int k = 0; k < classes; k++) {
        count[k] = (int64_t)((double)rows * weight(k, classes) / sum);
        if (count[k] < LEAST) count[k] = LEAST;
        left -= count[k];
    }
    /* what rounding left over goes to the classes that lack most; what the smallest took, the largest give */
    for (; left != 0; left += left > 0 ? -1 : 1) {
        int best = 0;
        double most = -INFINITY;
        for (int k = 0; k < classes; k++) {
            double lack = (double)rows * weight(k, classes) / sum - (double)count[k];
            double prefer = left > 0 ? lack : (double)count[k];
            if (prefer > most) most = prefer, best = k;
        }
        count[best] += left > 0 ? 1 : -1;
    }
}

/** The two points nearest to a pixel's centre: the field of the nearer one, and how much nearer it is. */
static int64_t nearest(const struct scene *s, int64_t line, int64_t sample, double *depth)
{
    struct ps_rng r = rng(&s->spec, SCENE_SEED_POINT);
    double y = (double)line + 0.5, x = (double)sample + 0.5, first = INFINITY, second = INFINITY;
    int64_t i0 = (int64_t)(y / s->side), j0 = (int64_t)(x / s->side), field = 0;
    for (int64_t i = i0 - RINGS; i <= i0 + RINGS; i++)
        for (int64_t j = j0 - RINGS; j <= j0 + RINGS; j++) {
            if (i < 0 || j < 0 || i >= s->down || j >= s->across) continue;
            int64_t at = i * s->across + j;
            double dy = ((double)i + ps_rng_uniform(r, at, 0)) * s->side - y;
            double dx = ((double)j + ps_rng_uniform(r, at, 1)) * s->side - x, d = dy * dy + dx * dx;
            if (d < first) {
                second = first;
                first = d, field = at;
            } else if (d < second) {
                second = d;
            }
        }
    *depth = isinf(second) ? s->side : sqrt(second) - sqrt(first);
    return field;
}

/** Find the field of every own pixel, and how deep inside it the pixel is (as a key, larger is deeper).
 * Local. */
static void survey(struct scene *s, uint64_t *key)
{
    int64_t width = s->spec.width;
    struct ps_rng r = rng(&s->spec, SCENE_DEPTH);
#pragma omp parallel for schedule(static)
    for (int64_t line = s->line.lo; line < s->line.hi; line++)
        for (int64_t sample = 0; sample < width; sample++) {
            double depth;
            int64_t at = (line - s->line.lo) * width + sample;
            s->field[at] = (int32_t)nearest(s, line, sample, &depth);
            uint64_t steps =
                (uint64_t)(depth * 65536) & 0xffffffffu; /* a field is less than 65536 pixels wide */
            key[at] = steps << 32 | ps_rng_u64(r, line * width + sample, 0) >> 32;
        }
}

/** A field and its place in the order of sowing. */
struct turn {
    uint64_t key;
    int64_t field;
};

static int by_key(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->field > y->field) - (x->field < y->field);
}

/** Give each field to the class that lacks most pixels, in random order, until no class lacks any; what is
 * left is background. On every rank alike. Local.
 * @param area [fields] pixels of each
 * @param have out [classes] pixels of each class's fields
 * @param background out [fields] 1 = of the background */
static enum ps_status sow(struct scene *s, const int64_t *area, const int64_t *want, int64_t *have,
                          uint8_t *background)
{
    int64_t fields = s->down * s->across, total = s->spec.height * s->spec.width;
    int classes = s->spec.classes;
    struct turn *turn;
    double spare = 0.75 * (double)total / (double)s->spec.labelled; /* pixels at the edges have no label */
    spare = fmin(fmax(spare, 1.02), 1.6);
    PS_TRY(ps_alloc(&turn, fields, sizeof *turn, "the order of fields"));
    for (int64_t i = 0; i < fields; i++)
        turn[i] = (struct turn){ps_rng_u64(rng(&s->spec, SCENE_FIELD_ORDER), i, 0), i};
    qsort(turn, (size_t)fields, sizeof *turn, by_key);
    memset(have, 0, (size_t)classes * sizeof *have);
    for (int64_t i = 0; i < fields; i++) {
        int64_t field = turn[i].field;
        double most = 0;
        int best = -1;
        for (int k = 0; k < classes && area[field] > 0; k++) {
            double lack = spare * (double)want[k] - (double)have[k];
            if (lack > most) most = lack, best = k;
        }
        background[field] = best < 0;
        s->crop[field] =
            best >= 0 ? best : (int32_t)ps_rng_below(rng(&s->spec, SCENE_BACKGROUND), field, 0, classes);
        if (best >= 0) have[best] += area[field];
    }
    free(turn);
    return PS_OK;
}

/** Do the fields hold as many pixels of each class as are to be labelled? */
static enum ps_status check(const struct scene *s, const int64_t *want, const int64_t *have)
{
    for (int k = 0; k < s->spec.classes; k++)
        PS_CHECK(
            have[k] >= want[k], PS_EUSAGE,
            "a scene of %lld x %lld pixels is too small for %lld labelled ones in %d classes on fields of "
            "%.3g pixels: class %d has %lld of %lld",
            (long long)s->spec.height, (long long)s->spec.width, (long long)s->spec.labelled, s->spec.classes,
            s->side, k + 1, (long long)have[k], (long long)want[k]);
    return PS_OK;
}

/** Sums over ranks, fields' classes, labels of the deepest pixels. Collective over comm.
 * @param key [own pixels] of survey */
static enum ps_status label(MPI_Comm comm, struct scene *s, const uint64_t *key)
{
    int64_t fields = s->down * s->across, n = (s->line.hi - s->line.lo) * s->spec.width, *area = NULL,
            *want = NULL;
    int classes = s->spec.classes;
    uint8_t *background = NULL, *taken = NULL;
    enum ps_status rc = ps_zalloc(&area, fields, sizeof *area, "sizes of fields");
    if (rc == PS_OK) rc = ps_alloc(&background, fields, 1, "fields of the background");
    if (rc == PS_OK) rc = ps_alloc(&want, 2 * (int64_t)classes, sizeof *want, "sizes of classes");
    if (rc == PS_OK) rc = ps_alloc(&taken, n, 1, "labelled pixels");
    PS_TRY_DONE(ps_agree(comm, rc));
    for (int64_t i = 0; i < n; i++) area[s->field[i]]++;
    MPI_Allreduce(MPI_IN_PLACE, area, (int)fields, MPI_INT64_T, MPI_SUM, comm);
    scene_class_sizes(s->spec.labelled, classes, want);
    rc = sow(s, area, want, want + classes, background);
    if (rc == PS_OK) rc = check(s, want, want + classes);
    PS_TRY_DONE(ps_agree(comm, rc));
    for (int64_t i = 0; i < n; i++) s->label[i] = background[s->field[i]] ? -1 : s->crop[s->field[i]];
    PS_TRY_DONE(data_select(comm, n, s->label, key, classes, want, taken));
    for (int64_t i = 0; i < n; i++) s->label[i] = taken[i] ? s->label[i] + 1 : 0;
done:
    free(area), free(background), free(want), free(taken);
    return rc;
}

enum ps_status scene_make(MPI_Comm comm, const struct scene_spec *spec, struct scene *out)
{
    int rank, size;
    uint64_t *key = NULL;
    double total = (double)spec->height * (double)spec->width;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    *out = (struct scene){.spec = *spec, .line = ps_block(spec->height, size, rank)};
    out->side = fmin(spec->field, sqrt(total / (6.0 * spec->classes))); /* some fields for every class */
    out->down = (int64_t)ceil((double)spec->height / out->side);
    out->across = (int64_t)ceil((double)spec->width / out->side);
    PS_CHECK((double)out->down * (double)out->across < INT32_MAX, PS_EUSAGE,
             "%lld x %lld pixels make too many fields of %g pixels", (long long)spec->height,
             (long long)spec->width, out->side);
    int64_t n = (out->line.hi - out->line.lo) * spec->width;
    enum ps_status rc =
        ps_alloc(&out->crop, out->down * out->across, sizeof *out->crop, "the fields of a scene");
    if (rc == PS_OK) rc = ps_alloc(&out->field, n, sizeof *out->field, "the pixels of a scene");
    if (rc == PS_OK) rc = ps_alloc(&out->label, n, sizeof *out->label, "the pixels of a scene");
    if (rc == PS_OK) rc = ps_alloc(&key, n, sizeof *key, "the pixels of a scene");
    rc = ps_agree(comm, rc);
    if (rc == PS_OK) {
        survey(out, key);
        rc = label(comm, out, key);
    }
    free(key);
    if (rc != PS_OK) scene_free(out);
    return rc;
}
