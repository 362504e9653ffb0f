#include "apps/tools/split_regions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/par/window.h"
#include "common/run/err.h"
#include "kernels/dbscan/dbscan_kernels.h"

/** A pixel, the first pixel of its region as far as a rank knows, its class. */
struct member {
    int64_t at, region;
    int32_t class_of;
};

/** Two names of one region; the smaller one first. */
struct link {
    int64_t low, high;
};

void split_regions_free(struct split_regions *r)
{
    free(r->list), free(r->of);
    *r = (struct split_regions){0};
}

/** The clusters of DBSCAN over own pixels. Classes are two apart in a third coordinate, more than a
 * neighbour.
 * @param cluster out [n] */
static enum ps_status cluster_own(const struct split_pixels *p, int corners, uint32_t *cluster)
{
    int32_t(*x)[3] = NULL;
    uint8_t *core = NULL;
    uint32_t clusters;
    struct ps_dbscan *index = NULL;
    enum ps_status rc;
    PS_TRY_DONE(ps_alloc(&x, p->n, sizeof *x, "pixel coordinates"));
    PS_TRY_DONE(ps_alloc(&core, p->n, 1, "marks of pixels"));
    for (int64_t i = 0; i < p->n; i++) {
        x[i][0] = (int32_t)(p->at[i] / p->width);
        x[i][1] = (int32_t)(p->at[i] % p->width);
        x[i][2] = 2 * p->class_of[i];
    }
    struct ps_dbscan_spec spec = {.points = {x, p->n, 3, PS_I32},
                                  .own = p->n,
                                  .eps = corners ? sqrt(2) : 1, /* sqrt(2)^2 rounds to more than 2 */
                                  .min_points = 1};
    PS_TRY_DONE(ps_dbscan_cpu.create(&spec, &index));
    PS_TRY_DONE(ps_dbscan_cpu.core(index, core));
    PS_TRY_DONE(ps_dbscan_cpu.connect(index, core, cluster, &clusters));
done:
    if (index) ps_dbscan_cpu.destroy(index);
    free(x), free(core);
    return rc;
}

/** Name own pixels' regions by their smallest own pixel. Local. */
static enum ps_status name_own(const struct split_pixels *p, int corners, struct member *own)
{
    uint32_t *cluster = NULL;
    int64_t *first = NULL;
    enum ps_status rc = PS_OK;
    if (!p->n) return PS_OK;
    PS_TRY_DONE(ps_alloc(&cluster, p->n, sizeof *cluster, "clusters of pixels"));
    PS_TRY_DONE(ps_alloc(&first, p->n, sizeof *first, "clusters of pixels"));
    PS_TRY_DONE(cluster_own(p, corners, cluster));
    for (int64_t i = 0; i < p->n; i++) first[i] = -1;
    for (int64_t i = 0; i < p->n; i++) {
        if (first[cluster[i]] < 0) first[cluster[i]] = p->at[i];
        own[i] = (struct member){p->at[i], first[cluster[i]], p->class_of[i]};
    }
done:
    free(cluster), free(first);
    return rc;
}

static int by_low(const void *a, const void *b)
{
    const struct link *x = a, *y = b;
    if (x->low != y->low) return x->low < y->low ? -1 : 1;
    return (x->high > y->high) - (x->high < y->high);
}

/** Links of own pixels to neighbours in front of them that other ranks hold, each link once. Local.
 * @param before [nbefore] the pixels in front of own ones, as far as a neighbour can be */
static enum ps_status link_border(const struct split_pixels *p, int corners, const struct member *own,
                                  const struct member *before, int64_t nbefore, struct link **out, int64_t *n)
{
    int64_t border = 0, links = 0, kept = 0;
    while (nbefore && border < p->n && own[border].at - before[nbefore - 1].at <= p->width + 1) border++;
    PS_TRY(ps_alloc(out, 4 * border, sizeof **out, "links between regions"));
    for (int64_t i = 0; i < border; i++) {
        int64_t column = own[i].at % p->width;
        const struct {
            int64_t back;
            int there;
        } neighbour[] = {{1, column > 0},
                         {p->width, 1},
                         {p->width + 1, corners && column > 0},
                         {p->width - 1, corners && column + 1 < p->width}};
        for (int k = 0; k < 4; k++) {
            int64_t at = own[i].at - neighbour[k].back, j = split_lower(before, sizeof *before, nbefore, at);
            if (neighbour[k].there && j < nbefore && before[j].at == at &&
                before[j].class_of == own[i].class_of)
                (*out)[links++] = (struct link){before[j].region, own[i].region};
        }
    }
    qsort(*out, (size_t)links, sizeof **out, by_low);
    for (int64_t i = 0; i < links; i++)
        if (!kept || by_low(&(*out)[i], &(*out)[kept - 1])) (*out)[kept++] = (*out)[i];
    *n = kept;
    return PS_OK;
}

/** All ranks' items on every rank. Collective over comm. @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
static enum ps_status gather(MPI_Comm comm, const void *mine, int64_t n, size_t item, void *all,
                             int64_t *total)
{
    struct ps_range place = ps_window_place(comm, n, total);
    PS_TRY(ps_agree(comm, ps_alloc(all, *total, item, "regions of all ranks")));
    return ps_window_fetch(comm, place, mine, item, (struct ps_range){0, *total}, *(void **)all);
}

/** The names that occur in links, and for each the smallest name that it is linked with. */
struct names {
    int64_t n, *name, *root; /**< name ascending; root: place in name; owned */
};

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t place_of(const int64_t *list, int64_t n, int64_t value)
{
    int64_t *found = bsearch(&value, list, (size_t)n, sizeof *list, by_value);
    return found ? found - list : -1;
}

static int64_t root_of(int64_t *root, int64_t i)
{
    while (root[i] != i) i = root[i] = root[root[i]];
    return i;
}

/** Join linked names; the root of each is the smallest. Local. */
static enum ps_status unite(const struct link *links, int64_t n, struct names *out)
{
    PS_TRY(ps_alloc(&out->name, 2 * n, sizeof *out->name, "names of regions"));
    PS_TRY(ps_alloc(&out->root, 2 * n, sizeof *out->root, "names of regions"));
    for (int64_t i = 0; i < n; i++) {
        out->name[2 * i] = links[i].low;
        out->name[2 * i + 1] = links[i].high;
    }
    qsort(out->name, (size_t)(2 * n), sizeof *out->name, by_value);
    for (int64_t i = 0; i < 2 * n; i++)
        if (!out->n || out->name[i] > out->name[out->n - 1]) out->name[out->n++] = out->name[i];
    for (int64_t i = 0; i < out->n; i++) out->root[i] = i;
    for (int64_t i = 0; i < n; i++) {
        int64_t a = root_of(out->root, place_of(out->name, out->n, links[i].low));
        int64_t b = root_of(out->root, place_of(out->name, out->n, links[i].high));
        if (a < b)
            out->root[b] = a;
        else
            out->root[a] = b;
    }
    return PS_OK;
}

/** Give own pixels the names that their regions have in the whole picture. Collective over comm. */
static enum ps_status rename_linked(MPI_Comm comm, const struct link *links, int64_t nlinks, int64_t n,
                                    struct member *own)
{
    struct link *all = NULL;
    struct names names = {0};
    int64_t total;
    enum ps_status rc = gather(comm, links, nlinks, sizeof *links, &all, &total);
    if (rc == PS_OK) rc = ps_agree(comm, unite(all, total, &names));
    for (int64_t i = 0; rc == PS_OK && i < n; i++) {
        int64_t at = place_of(names.name, names.n, own[i].region);
        if (at >= 0) own[i].region = names.name[root_of(names.root, at)];
    }
    free(all), free(names.name), free(names.root);
    return rc;
}

static int by_first(const void *a, const void *b)
{
    return by_value(&((const struct split_region *)a)->first, &((const struct split_region *)b)->first);
}

/** Sort, and add up what is of one region. @return how many regions are left */
static int64_t merge(struct split_region *list, int64_t n)
{
    int64_t kept = 0;
    qsort(list, (size_t)n, sizeof *list, by_first);
    for (int64_t i = 0; i < n; i++) {
        if (kept && list[kept - 1].first == list[i].first)
            list[kept - 1].count += list[i].count;
        else
            list[kept++] = list[i];
    }
    return kept;
}

/** The table of all regions, and each own pixel's place in it. Collective over comm. */
static enum ps_status tabulate(MPI_Comm comm, const struct member *own, int64_t n, struct split_regions *out)
{
    struct split_region *mine = NULL;
    int64_t total;
    enum ps_status rc = ps_alloc(&mine, n, sizeof *mine, "regions");
    if (rc == PS_OK) rc = ps_alloc(&out->of, n, sizeof *out->of, "regions of pixels");
    rc = ps_agree(comm, rc);
    if (rc == PS_OK) {
        for (int64_t i = 0; i < n; i++) mine[i] = (struct split_region){own[i].region, 1, own[i].class_of};
        rc = gather(comm, mine, merge(mine, n), sizeof *mine, &out->list, &total);
    }
    if (rc == PS_OK) {
        out->n = merge(out->list, total);
        for (int64_t i = 0; i < n; i++) {
            struct split_region key = {.first = own[i].region};
            out->of[i] =
                (struct split_region *)bsearch(&key, out->list, (size_t)out->n, sizeof key, by_first) -
                out->list;
        }
    }
    free(mine);
    return rc;
}

enum ps_status split_regions_find(MPI_Comm comm, const struct split_pixels *p, int corners,
                                  struct split_regions *out)
{
    struct member *own = NULL, *before = NULL;
    struct link *links = NULL;
    int64_t total, nlinks = 0;
    struct ps_range mine = ps_window_place(comm, p->n, &total), front = {mine.lo - p->width - 1, mine.lo};
    if (front.lo < 0) front.lo = 0;
    *out = (struct split_regions){0};
    enum ps_status rc = ps_alloc(&own, p->n, sizeof *own, "regions of pixels");
    if (rc == PS_OK) rc = ps_alloc(&before, front.hi - front.lo, sizeof *before, "regions of pixels");
    if (rc == PS_OK) rc = name_own(p, corners, own);
    PS_TRY_DONE(ps_agree(comm, rc));
    PS_TRY_DONE(ps_window_fetch(comm, mine, own, sizeof *own, front, before));
    PS_TRY_DONE(ps_agree(comm, link_border(p, corners, own, before, front.hi - front.lo, &links, &nlinks)));
    PS_TRY_DONE(rename_linked(comm, links, nlinks, p->n, own));
    PS_TRY_DONE(tabulate(comm, own, p->n, out));
done:
    free(own), free(before), free(links);
    if (rc != PS_OK) split_regions_free(out);
    return rc;
}
