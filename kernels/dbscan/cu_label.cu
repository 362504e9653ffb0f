/* Components and labels of points. */
#include "kernels/dbscan/cu_near.h"

struct labelling {
    int64_t n, own, cores;
    bool tight;
    struct ps_cu_space space;
    struct ps_cu_cells cells, core_cells;
    const uint32_t *cell, *core_cell, *set, *order;
    const struct ps_cu_around *around;
};

/** The component of the core point at place j. */
__device__ static uint32_t component_of(const struct labelling &l, int64_t j)
{
    return l.set[l.tight ? l.core_cell[j] - 1 : j];
}

static __global__ void components(struct labelling l, uint32_t *component)
{
    PS_CU_EACH(j, l.n)
    component[l.order[j]] = j < l.cores ? component_of(l, j) : UINT32_MAX;
}

static __global__ void core_labels(struct labelling l, const int64_t *cluster, int64_t *label)
{
    PS_CU_EACH(j, l.cores)
    if (l.order[j] < l.own) label[l.order[j]] = -cluster[component_of(l, j)];
}

/* With more places around a point, a warp takes it alone: the few points beside a crowd do not wait for each
 * other then. */
static constexpr uint32_t MANY = 4096;
static constexpr int64_t PUT_OFF = INT64_MIN;

template <int G> __device__ static int64_t smallest(int64_t v)
{
    for (int i = G / 2; i > 0; i /= 2) {
        const int64_t other = __shfl_xor_sync(ps_mask<G>(), v, i, G);
        v = other < v ? other : v;
    }
    return v;
}

/* A group takes a point and goes through the core points around: those of a cluster that would not change the
 * label cost no distance. @param late those that were put off, by a warp each; others before */
template <class C, int D, int G>
static __global__ void border_labels(struct labelling l, bool late, const int64_t *cluster, int64_t *label,
                                     struct ps_cu_work *work)
{
    const int lane = ps_lane(G);
    unsigned long long distances = 0;
    uint32_t last = 0;
    PS_CU_RUNS(i, G, late ? 1 : PS_CU_RUN, l.n - l.cores)
    {
        const int64_t j = l.cores + i;
        const uint32_t number = l.order[j];
        struct ps_cu_point<C, D> p;
        int64_t best = INT64_MAX;
        if (number >= l.own || (late && ps_from<G>(lane == 0 ? label[number] : 0, 0) != PUT_OFF)) continue;
        const uint64_t key = l.cells.key[l.cell[j] - 1];
        const struct ps_cu_walk walk =
            ps_walk<G>(ps_places(l.core_cells, ps_cells_around(l.core_cells, *l.around, lane, key, &last)));
        if (!late && walk.total > MANY) {
            if (lane == 0) label[number] = PUT_OFF;
            continue;
        }
        ps_load_point(l.space, j, p);
        PS_CU_WALK(at, G, walk.total)
        {
            const uint32_t q = ps_walk_at<G>(walk, (uint32_t)at);
            const int64_t here = at < walk.total ? cluster[component_of(l, q)] : INT64_MAX;
            const bool better = here < best && ps_near(l.space, p, q);
            distances += here < best;
            if (ps_ballot<G>(better)) best = smallest<G>(better ? here : best);
        }
        if (lane == 0) label[number] = best < INT64_MAX ? best : 0;
    }
    ps_count<G>(work, distances, 0);
}

static struct labelling labelling_of(const struct ps_dbscan *s)
{
    return {s->n,          s->own,  s->cores,     s->tight, s->space, s->all,
            s->core_cells, s->cell, s->core_cell, s->set,   s->order, &s->reach->all};
}

void ps_cu_components(const struct ps_dbscan *s)
{
    PS_LAUNCH(components, ps_cu_blocks(s->n), PS_CU_BLOCK, 0, labelling_of(s), s->component);
}

void ps_cu_label(const struct ps_dbscan *s)
{
    const struct labelling l = labelling_of(s);
    PS_LAUNCH(core_labels, ps_cu_blocks(s->cores), PS_CU_BLOCK, 0, l, s->cluster, s->label);
    ps_cu_form(s, [&]<class C, int D>() {
        const int64_t n = s->n - s->cores;
        auto *const most = border_labels<C, D, ps_group<D>>;
        auto *const late = border_labels<C, D, PS_CU_WARP>;
        PS_LAUNCH(most, ps_run_blocks<D>(n, PS_CU_RUN), PS_CU_BLOCK, 0, l, false, s->cluster, s->label,
                  s->work);
        PS_LAUNCH(late, ps_cu_blocks(n * PS_CU_WARP), PS_CU_BLOCK, 0, l, true, s->cluster, s->label, s->work);
    });
}
