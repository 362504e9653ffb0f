/* Is a labelling a DBSCAN result? An independent judge by the definition of Ester, Kriegel, Sander, Xu
 * (1996): points with minPts points within eps, themselves included, are core; core points within eps of each
 * other share a cluster, and a cluster's core points are connected by such pairs; another point belongs to
 * the cluster of a core point within eps, or is noise where there is none. Labels: 0 noise, else |label| is
 * the cluster, and a negative one marks a core point.
 *
 * usage: dbscan-check [--no-core-flags] [--canonical] data dataset eps minPts labels [labels-dataset]
 *   labels          .h5 .nc .npy, or .bin: 64-bit integers as they lie in memory
 *   --no-core-flags signs say nothing (assumed for a .bin without negative labels)
 *   --canonical     clusters must be 1, 2, ... by their first core row, and a border point in the smallest of
 * those that it may join Exit status: 0 valid, 1 not (the first violations are printed), 2 not to be judged.
 */
#include <math.h>
#include <stdarg.h>
#include "common/io/shard.h"
#include "common/run/err.h"
#include "tests/tools/check_core.h"
#include "tests/tools/check_join.h"

enum { SHOWN = 3 };

struct job {
    const char *data, *dataset, *labels, *labels_dataset;
    double eps, eps2;
    int64_t enough;
    bool flags, canonical;
    int64_t rows;
    int64_t *label;
    int64_t violations, clusters, cores, borders;
};

static void broken(struct job *job, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void broken(struct job *job, const char *fmt, ...)
{
    va_list args;
#pragma omp critical
    if (job->violations++ < SHOWN) {
        va_start(args, fmt);
        fputs("invalid: ", stdout);
        vprintf(fmt, args);
        putchar('\n');
        va_end(args);
    }
}

static void refuse(const char *path, const char *why)
{
    fprintf(stderr, "dbscan-check: %s: %s\n", path, why);
    exit(2);
}

/* --- input -----------------------------------------------------------------------------------------------
 */
static void read_labels(struct job *job)
{
    const size_t name = strlen(job->labels);
    if (name > 4 && strcmp(job->labels + name - 4, ".bin") == 0) {
        FILE *f = fopen(job->labels, "rb");
        bool minus = false;
        job->label = grab(job->rows, sizeof *job->label);
        if (!f) refuse(job->labels, "cannot be opened");
        if (fread(job->label, sizeof *job->label, (size_t)job->rows, f) != (size_t)job->rows ||
            fgetc(f) != EOF)
            refuse(job->labels, "does not hold one 64-bit label per point");
        fclose(f);
        for (int64_t i = 0; i < job->rows; i++) minus |= job->label[i] < 0;
        if (!minus) job->flags = false;
        return;
    }
    struct ps_shard s = {0};
    if (ps_shard_read(MPI_COMM_SELF, job->labels, job->labels_dataset, &s) != PS_OK)
        refuse(job->labels, ps_err_message());
    if (s.cols != 0 || s.type != PS_I64 || s.rows != job->rows)
        refuse(job->labels, "is not one 64-bit signed integer per point");
    job->label = s.data;
}

/* 64-bit integers keep their order as signed ones; small spans become doubles, whose differences are exact,
 * too. */
static void take_coords(const struct job *job, const struct ps_shard *s, struct tree *t)
{
    const int64_t n = s->rows * s->cols, *v = s->data;
    const uint64_t flip = s->type == PS_U64 ? (uint64_t)1 << 63 : 0;
    const struct ps_points p = {s->data, s->rows, (int)s->cols, s->type};
    int64_t lo = INT64_MAX, hi = INT64_MIN;
    t->whole = s->type == PS_I64 || s->type == PS_U64;
    for (int64_t i = 0; i < n && t->whole; i++) {
        t->x[i].i = (int64_t)((uint64_t)v[i] ^ flip);
        if (t->x[i].i < lo) lo = t->x[i].i;
        if (t->x[i].i > hi) hi = t->x[i].i;
    }
    if (!t->whole) {
        for (int64_t i = 0; i < n; i++) {
            t->x[i].f = ps_points_at(&p, i / p.d, (int)(i % p.d));
            if (!isfinite(t->x[i].f)) refuse(job->data, "holds NaN or Inf");
        }
    } else if (n > 0 && (uint64_t)hi - (uint64_t)lo <= (uint64_t)1 << 53) {
        for (int64_t i = 0; i < n; i++) t->x[i].f = (double)((uint64_t)t->x[i].i - (uint64_t)lo);
        t->whole = false;
    }
}

static void read_points(struct job *job, struct tree *t)
{
    struct ps_shard s = {0};
    if (ps_shard_read(MPI_COMM_SELF, job->data, job->dataset, &s) != PS_OK)
        refuse(job->data, ps_err_message());
    if (s.cols < 1) refuse(job->data, "the data set is not 2-D");
    job->rows = t->n = s.rows;
    t->d = (int)s.cols;
    t->x = grab(s.rows * s.cols, sizeof *t->x);
    t->row = grab(s.rows, sizeof *t->row);
    for (int64_t i = 0; i < s.rows; i++) t->row[i] = i;
    take_coords(job, &s, t);
    ps_shard_free(&s);
}

/* --- core points and clusters ------------------------------------------------------------------------------
 */
static uint64_t name_of(int64_t label) /* |label|, also of INT64_MIN */
{
    return label < 0 ? 0 - (uint64_t)label : (uint64_t)label;
}

static void judge_flags(struct job *job, const uint8_t *core)
{
    for (int64_t i = 0; i < job->rows; i++) {
        job->cores += core[i];
        if (job->flags && (job->label[i] < 0) != core[i])
            broken(job, "row %lld is %s point, its label is %lld", (long long)i,
                   core[i] ? "a core" : "not a core", (long long)job->label[i]);
        else if (core[i] && job->label[i] == 0)
            broken(job, "row %lld is a core point, its label says noise", (long long)i);
    }
}

static void core_tree(const struct tree *all, const uint8_t *core, int64_t cores, struct tree *out)
{
    int64_t n = 0;
    *out = (struct tree){.n = cores, .d = all->d, .whole = all->whole};
    out->x = grab(cores * all->d, sizeof *out->x);
    out->row = grab(cores, sizeof *out->row);
    for (int64_t i = 0; i < all->n; i++) {
        if (!core[all->row[i]]) continue;
        memcpy(out->x + n * all->d, point(all, i), (size_t)all->d * sizeof *out->x);
        out->row[n++] = all->row[i];
    }
    tree_build(out);
}

struct cluster {
    uint64_t name;
    int64_t row; /* the first core row of a component */
};

static int by_name(const void *a, const void *b)
{
    const struct cluster *x = a, *y = b;
    if (x->name != y->name) return x->name < y->name ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Components and names of core points must match one to one. */
static void judge_clusters(struct job *job, const struct tree *cores, const int64_t *component,
                           const uint8_t *core)
{
    int64_t *first = grab(cores->n, sizeof *first);
    struct cluster *c = grab(cores->n, sizeof *c);
    for (int64_t i = 0; i < cores->n; i++) first[i] = -1;
    for (int64_t i = 0; i < job->rows; i++) {
        if (!core[i]) continue;
        const uint64_t name = name_of(job->label[i]);
        int64_t *at = &first[component[i]];
        if (*at < 0) {
            *at = i;
            c[job->clusters++] = (struct cluster){name, i};
            if (job->canonical && name != (uint64_t)job->clusters)
                broken(job,
                       "row %lld is the first core point of cluster %lld in input order, its label is %lld",
                       (long long)i, (long long)job->clusters, (long long)job->label[i]);
        } else if (name != name_of(job->label[*at])) {
            broken(job, "core rows %lld and %lld are connected, their labels are %lld and %lld",
                   (long long)*at, (long long)i, (long long)job->label[*at], (long long)job->label[i]);
        }
    }
    qsort(c, (size_t)job->clusters, sizeof *c, by_name);
    for (int64_t k = 1; k < job->clusters; k++)
        if (c[k].name == c[k - 1].name)
            broken(job, "core rows %lld and %lld are not connected, both are in cluster %llu",
                   (long long)c[k - 1].row, (long long)c[k].row, (unsigned long long)c[k].name);
    free(first);
    free(c);
}

/* --- other points ------------------------------------------------------------------------------------------
 */
struct names {
    uint64_t least, most;
};

static struct names name_nodes(const struct job *job, const struct tree *t, int a, struct names *out)
{
    const struct node *n = &t->node[a];
    struct names x = {UINT64_MAX, 0};
    if (n->child >= 0) {
        x = name_nodes(job, t, n->child, out);
        const struct names y = name_nodes(job, t, n->child + 1, out);
        if (y.least < x.least) x.least = y.least;
        if (y.most > x.most) x.most = y.most;
    } else {
        for (int64_t i = n->lo; i < n->hi; i++) {
            const uint64_t name = name_of(job->label[t->row[i]]);
            if (name < x.least) x.least = name;
            if (name > x.most) x.most = name;
        }
    }
    return out[a] = x;
}

/* What a walk around a point that is not core has found. */
struct search {
    const struct job *job;
    const struct tree *t;
    const struct names *names;
    const union coord *x;
    uint64_t want, smallest; /* UINT64_MAX: no core point within eps */
    bool found;              /* a core point within eps with the name `want` */
};

static void look(struct search *s, int a)
{
    const struct tree *t = s->t;
    const struct node *n = &t->node[a];
    const bool may = !s->found && s->names[a].least <= s->want && s->want <= s->names[a].most;
    if (!may && s->names[a].least >= s->smallest) return;
    if (least(t, s->x, s->x, low(t, a), high(t, a)) > s->job->eps2) return;
    if (n->child >= 0) {
        look(s, n->child);
        look(s, n->child + 1);
        return;
    }
    const int64_t hi = s->names[a].least == s->names[a].most && flat(t, a) ? n->lo + 1 : n->hi;
    for (int64_t i = n->lo; i < hi; i++) {
        const uint64_t name = name_of(s->job->label[t->row[i]]);
        if (square_distance(t, s->x, point(t, i)) > s->job->eps2) continue;
        s->found |= name == s->want;
        if (name < s->smallest) s->smallest = name;
    }
}

static void judge_other(struct job *job, const struct tree *cores, const struct names *names,
                        const union coord *x, int64_t row)
{
    const int64_t label = job->label[row];
    struct search s = {job, cores, names, x, name_of(label), UINT64_MAX, false};
    if (cores->n > 0) look(&s, 0);
    if (label == 0 && s.smallest != UINT64_MAX)
        broken(job, "row %lld is within eps of a core point of cluster %llu, its label says noise",
               (long long)row, (unsigned long long)s.smallest);
    else if (label != 0 && !s.found)
        broken(job, "row %lld is in cluster %llu, it is not within eps of a core point of it", (long long)row,
               (unsigned long long)s.want);
    else if (label != 0 && job->canonical && s.want != s.smallest)
        broken(job, "row %lld is in cluster %llu, it could be in %llu", (long long)row,
               (unsigned long long)s.want, (unsigned long long)s.smallest);
}

static void judge_others(struct job *job, const struct tree *all, const struct tree *cores,
                         const uint8_t *core)
{
    struct names *names = grab(cores->nodes, sizeof *names);
    int64_t borders = 0;
    if (cores->n > 0) name_nodes(job, cores, 0, names);
#pragma omp parallel for schedule(dynamic, 1024) reduction(+ : borders)
    for (int64_t i = 0; i < all->n; i++) {
        const int64_t row = all->row[i];
        if (core[row]) continue;
        borders += job->label[row] != 0;
        judge_other(job, cores, names, point(all, i), row);
    }
    job->borders = borders;
    free(names);
}

/* --- all of it
 * ---------------------------------------------------------------------------------------------- */
static void judge(struct job *job, struct tree *all)
{
    uint8_t *core = grab(job->rows, 1);
    int64_t *component = grab(job->rows, sizeof *component);
    struct tree cores;
    tree_build(all);
    find_core(all, job->eps2, job->enough, core);
    judge_flags(job, core);
    core_tree(all, core, job->cores, &cores);
    find_components(&cores, job->eps2, component);
    judge_clusters(job, &cores, component, core);
    judge_others(job, all, &cores, core);
    tree_free(&cores);
    free(component);
    free(core);
}

static void arguments(struct job *job, int argc, char **argv)
{
    const char *word[6] = {0};
    char *end[2] = {"x", "x"};
    int n = 0;
    job->flags = true;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--no-core-flags") == 0)
            job->flags = false;
        else if (strcmp(argv[i], "--canonical") == 0)
            job->canonical = true;
        else if (n < 6 && strncmp(argv[i], "--", 2) != 0)
            word[n++] = argv[i];
        else
            n = -100;
    }
    if (n >= 5) {
        job->eps = strtod(word[2], &end[0]);
        job->enough = strtoll(word[3], &end[1], 10);
    }
    if (n < 5 || *end[0] || *end[1] || !(job->eps > 0) || job->enough < 1) {
        fputs("usage: dbscan-check [--no-core-flags] [--canonical] data dataset eps minPts labels "
              "[labels-dataset]\n",
              stderr);
        exit(2);
    }
    job->eps2 = job->eps * job->eps;
    job->data = word[0];
    job->dataset = word[1];
    job->labels = word[4];
    job->labels_dataset = n > 5 ? word[5] : "CLUSTERS";
}

int main(int argc, char **argv)
{
    struct job job = {0};
    struct tree all = {0};
    arguments(&job, argc, argv);
    MPI_Init(NULL, NULL);
    read_points(&job, &all);
    read_labels(&job);
    judge(&job, &all);
    if (job.violations > 0)
        printf("invalid: %lld violations in all\n", (long long)job.violations);
    else
        printf("valid%s: %lld points, %lld clusters, %lld core, %lld border, %lld noise%s\n",
               job.canonical ? " and canonical" : "", (long long)job.rows, (long long)job.clusters,
               (long long)job.cores, (long long)job.borders, (long long)(job.rows - job.cores - job.borders),
               job.flags ? "" : " (core flags not judged)");
    tree_free(&all);
    free(job.label);
    MPI_Finalize();
    return job.violations > 0;
}
