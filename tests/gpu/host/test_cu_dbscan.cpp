/* DBSCAN on the device beside the plain back end: core flags, components as a partition, labels. */
#include "cucheck.h"
#include <string>
#include "kernels/cuda_copy.h"
extern "C" {
#include "kernels/dbscan/dbscan_kernels.h"
#include "kernels/dbscan/pieces.h"
}

static const struct ps_dbscan_kernels *there;

/** Points of any type, as rows of numbers that the type holds. */
struct set {
    struct ps_dbscan_spec spec;
    std::vector<char> bytes;

    set(enum ps_dtype type, int64_t n, int d, double eps, int64_t min_points)
        : spec{{NULL, n, d, type}, n, eps, min_points, PS_INDEX_AUTO, 0},
          bytes((size_t)(n * d) * ps_dtype_size(type) + 1)
    {
        spec.points.data = bytes.data();
    }
    set(const set &) = delete;

    template <class T> void put_as(int64_t at, T v)
    {
        memcpy(bytes.data() + (size_t)at * sizeof v, &v, sizeof v);
    }

    /** Element k of point i; signed numbers, for unsigned types moved up. */
    void put(int64_t i, int k, double v)
    {
        const int64_t at = i * spec.points.d + k;
        switch (spec.points.type) {
        case PS_I8:
            return put_as(at, (int8_t)v);
        case PS_U8:
            return put_as(at, (uint8_t)(v + 100));
        case PS_I16:
            return put_as(at, (int16_t)v);
        case PS_U16:
            return put_as(at, (uint16_t)(v + 30000));
        case PS_I32:
            return put_as(at, (int32_t)v);
        case PS_U32:
            return put_as(at, (uint32_t)(v + 2e9));
        case PS_I64:
            return put_as(at, INT64_MAX - 4000000 + (int64_t)v);
        case PS_U64:
            return put_as(at, (UINT64_C(1) << 63) + (uint64_t)(int64_t)v);
        case PS_F32:
            return put_as(at, (float)v);
        default:
            return put_as(at, v);
        }
    }
};

struct result {
    std::vector<uint8_t> core;
    std::vector<uint32_t> component;
    std::vector<int64_t> label;
    uint32_t components;
};

/** Each component's cluster: that of its points in the whole, or else in the order of first core points. */
static std::vector<int64_t> names_of(const struct result &r, size_t n, const struct result *whole)
{
    std::vector<int64_t> name(n + 1, 0);
    int64_t clusters = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t c = r.component[i];
        if (r.core[i] ? c >= r.components : c != UINT32_MAX) {
            expect(false, "component of point %zu is %u", i, c);
        } else if (r.core[i]) {
            clusters += !name[c];
            if (!name[c]) name[c] = whole ? -whole->label[i] : clusters;
            expect(!whole || name[c] == -whole->label[i], "components join what the whole keeps apart");
        }
    }
    expect(clusters == r.components, "%lld components are in use of %u", (long long)clusters, r.components);
    return name;
}

/** Room for the results, and for one element more. */
static struct result nothing(const struct ps_dbscan_spec &spec)
{
    const size_t n = (size_t)spec.points.n + 1;
    return {std::vector<uint8_t>(n, 0xee), std::vector<uint32_t>(n, 0xeeeeeeee),
            std::vector<int64_t>((size_t)spec.own + 1, -77), 0xeeeeeeee};
}

/** All steps. @param whole what the points give without a halo, from which come the halo's flags and the
 * names of clusters; NULL: there is no halo */
static struct result cluster(const struct ps_dbscan_kernels *kernels, const struct ps_dbscan_spec &spec,
                             const struct result *whole)
{
    const size_t n = (size_t)spec.points.n, own = (size_t)spec.own;
    struct result r = nothing(spec);
    struct ps_dbscan *s = NULL;
    expect(kernels->create(&spec, &s) == PS_OK, "create");
    if (!s) return r;
    expect(kernels->core(s, r.core.data()) == PS_OK, "core");
    for (size_t i = own; i <= n; i++) expect(r.core[i] == 0xee, "flags of the halo are not written");
    for (size_t i = own; i < n; i++) r.core[i] = whole->core[i];
    expect(kernels->connect(s, r.core.data(), r.component.data(), &r.components) == PS_OK, "connect");
    expect(kernels->label(s, names_of(r, n, whole).data(), r.label.data()) == PS_OK, "label");
    expect(r.component[n] == 0xeeeeeeee && r.label[own] == -77, "nothing is written behind the last");
    kernels->destroy(s);
    return r;
}

static void compare(const char *what, const struct ps_dbscan_spec &given,
                    const std::vector<enum ps_dbscan_index> &indexes = {PS_INDEX_AUTO, PS_INDEX_TREE})
{
    struct ps_dbscan_spec spec = given;
    spec.own = spec.points.n;
    const struct result want = cluster(&ps_dbscan_ref, spec, NULL);
    spec = given;
    /* joins no more than it has to */
    const struct result least = cluster(&ps_dbscan_ref, spec, &want);
    for (const enum ps_dbscan_index index : indexes) {
        const bool alone = spec.own == spec.points.n;
        spec.index = index;
        const struct result got = cluster(there, spec, alone ? NULL : &want);
        std::vector<uint32_t> joined(least.components, UINT32_MAX);
        size_t astray = 0; /* points that are not where others of their component are */
        for (size_t i = 0; i < (size_t)spec.points.n; i++) {
            if (!got.core[i]) continue;
            uint32_t *const c = &joined[least.component[i]];
            if (*c == UINT32_MAX) *c = got.component[i];
            astray += *c != got.component[i];
        }
        expect(astray == 0, "%s, index %d: %zu points are not in their components", what, (int)index, astray);
        for (size_t i = 0; i < (size_t)spec.own; i++) {
            if (want.core[i] == got.core[i] && want.label[i] == got.label[i]) continue;
            expect(false, "%s, index %d: point %zu is core %d with label %lld, not %d with %lld", what,
                   (int)index, i, got.core[i], (long long)got.label[i], want.core[i],
                   (long long)want.label[i]);
            break;
        }
        expect(!alone || want.components == got.components, "%s, index %d: %u components, not %u", what,
               (int)index, got.components, want.components);
    }
}

/** Points of an integer lattice in some boxes, so that many stand at exactly eps, and many are equal. */
static void lattice(struct set &s, int groups, int side, uint32_t seed)
{
    const struct ps_rng where = {seed, 1}, centre = {seed, 2};
    for (int64_t i = 0; i < s.spec.points.n; i++) {
        const int group = (int)ps_rng_below(where, i, 99, groups);
        for (int k = 0; k < s.spec.points.d; k++)
            s.put(i, k,
                  (double)ps_rng_below(centre, group, (uint32_t)k, 90) - 45 +
                      (double)ps_rng_below(where, i, (uint32_t)k, side));
    }
}

static void every_type()
{
    uint32_t seed = 0;
    for (int type = 0; type < PS_NDTYPES; type++)
        for (const int d : {1, 2, 3, 4, 5, 6, 20}) {
            const double eps[] = {1, 2, 5, sqrt((double)d), 0.5, 200};
            const int e = (type + d) % 6;
            struct set s((enum ps_dtype)type, 61 + 10 * e, d, eps[e], 1 + 3 * (type % 3));
            char what[64];
            lattice(s, 4, d < 4 ? 9 : 3, ++seed);
            snprintf(what, sizeof what, "%s, %d dimensions, eps %g", ps_dtype_name((enum ps_dtype)type), d,
                     eps[e]);
            compare(what, s.spec);
        }
}

static void odd_sizes()
{
    for (const int64_t n : {0, 1, 2, 31, 33, 257, 1501})
        for (const int d : {2, 3})
            for (const int64_t min_points : {(int64_t)1, (int64_t)5, n + 1}) {
                struct set s(PS_F32, n, d, 2, min_points);
                char what[64];
                lattice(s, 5, 10, (uint32_t)(n + d));
                snprintf(what, sizeof what, "%lld points, %d dimensions, at least %lld", (long long)n, d,
                         (long long)min_points);
                compare(what, s.spec);
            }
}

/** Between dense boxes and noise there are border points. */
static void dense_and_sparse()
{
    for (int d = 1; d <= 6; d++)
        for (const enum ps_dtype type : {PS_F32, PS_F64}) {
            struct set s(type, 501, d, d < 4 ? 2.5 : 6, 8);
            const struct ps_rng r = {(uint32_t)d, 5};
            char what[64];
            for (int64_t i = 0; i < s.spec.points.n; i++)
                for (int k = 0; k < d; k++)
                    s.put(i, k,
                          (i % 3 == 0 ? 60 : 8) *
                              (ps_rng_uniform(r, i, (uint32_t)k) + (i % 3 == 0 ? 0 : i % 3)));
            snprintf(what, sizeof what, "dense and sparse, %d dimensions", d);
            compare(what, s.spec);
        }
}

static void extremes()
{
    for (const enum ps_dtype type : {PS_F32, PS_F64})
        for (const double eps : {5e-324, 1e-300, 1e-160, 1e-30, 1e30, 1e154, 1e300}) {
            struct set s(type, 100, 3, eps, 4);
            lattice(s, 3, 3, 7);
            compare("an extreme epsilon", s.spec);
        }
    struct set ends(PS_F64, 64, 2, 1, 2);
    lattice(ends, 2, 5, 9);
    for (int64_t i = 0; i < 16; i++) ends.put(i, 0, (i % 2 ? 1 : -1) * 1.7e308);
    compare("coordinates at the ends of the range", ends.spec);
    /* cells whose numbers need more bits than there are, in one dimension and in all together */
    for (const double far : {1e6, 1e12, 1e300})
        for (const int d : {1, 2, 3, 7}) {
            struct set wide(PS_F64, 90, d, 1.5, 3);
            lattice(wide, 4, 6, 11);
            for (int k = 0; k < d; k++) wide.put(k, k, far);
            compare("a huge extent", wide.spec);
        }
}

static void equal_points()
{
    for (const int d : {3, 5})
        for (const int64_t min_points : {300, 301}) {
            struct set s(PS_F32, 300, d, 1, min_points);
            lattice(s, 1, 1, 3);
            compare("equal points", s.spec);
        }
}

/** A long chain, and a chain with a gap a little wider than eps. */
static void chains()
{
    for (const int d : {1, 2, 3, 4})
        for (const bool gap : {false, true}) {
            struct set s(PS_F64, 400, d, 1, 2);
            for (int64_t i = 0; i < 400; i++)
                for (int k = 0; k < d; k++)
                    s.put((i * 7) % 400, k, k == d - 1 ? (double)i + (gap && i > 200 ? 0x1p-40 : 0) : 0);
            compare(gap ? "a chain with a gap" : "a chain", s.spec);
        }
}

/** Two large cells along parallel diagonals: more pairs than one group of lanes takes. Their points stand a
 * little more or less than eps apart, or only the last point of one is near a few of the other. */
static void facing_cells()
{
    enum { APART, NEAR, LAST_NEAR, N = 600 };
    for (const enum ps_dtype type : {PS_F32, PS_F64, PS_I64})
        for (const int how : {APART, NEAR, LAST_NEAR}) {
            const double unit = type == PS_I64 ? 1e6 : 1;
            const struct ps_rng r = {(uint32_t)type, 8};
            struct set s(type, N, 2, unit, 5);
            for (int64_t i = 0; i < N; i++) {
                const bool last = how == LAST_NEAR && i == N - 1;
                const double apart = how == NEAR ? 0.99 : last ? 0.99999 : 1.01;
                const double u = 0.69 * ps_rng_uniform(r, last ? i - 1 : i, 0),
                             shift = i % 2 ? apart * sqrt(0.5) : 0;
                s.put(i, 0, unit * (u + shift));
                s.put(i, 1, unit * (0.69 - u + shift));
            }
            compare(how == APART  ? "facing cells, apart"
                    : how == NEAR ? "facing cells"
                                  : "last points",
                    s.spec);
        }
}

/** A crowd at one place, and a ring of points around it, a little farther away than eps, of which some have
 * enough neighbours in the ring. */
static void beside_a_crowd()
{
    enum { CROWD = 4200, RING = 60 };
    const struct ps_rng r = {1, 23};
    struct set s(PS_F32, CROWD + RING, 2, 1, 15);
    for (int64_t i = 0; i < CROWD; i++)
        for (int k = 0; k < 2; k++) s.put(i, k, 0);
    for (int64_t i = CROWD; i < CROWD + RING; i++) {
        const double away = 1.001 + 0.5 * ps_rng_uniform(r, i, 0), turn = 6.283 * ps_rng_uniform(r, i, 1);
        s.put(i, 0, away * cos(turn));
        s.put(i, 1, away * sin(turn));
    }
    compare("beside a crowd", s.spec, {PS_INDEX_AUTO});
}

/** Crowds in wide cells, each of one cluster, at corners of cells of side 1; beside each a few points of
 * another cluster, which are near those in the other cell; and, where `reaches`, the point of the first crowd
 * that comes first in its cell is the one that is near the other crowd. */
static void crowds()
{
    static const double at[][2] = {{0, 0}, {0.9, 0.9}, {1.02, 0.9}, {1.04, 0}};
    for (const int d : {2, 5})
        for (const bool reaches : {false, true}) {
            struct set s(PS_F32, 640, d, 1, 6);
            const struct ps_rng r = {(uint32_t)d, 21};
            for (int64_t i = 0; i < s.spec.points.n; i++) {
                const int group = i % 50 < 2 ? 1 : (int)(i % 50 < 26 ? 0 : i % 50 < 28 ? 2 : 3);
                for (int k = 0; k < d; k++)
                    s.put(i, k, at[group][k > 0] + 0.02 * ps_rng_uniform(r, i, (uint32_t)k));
            }
            for (int k = 0; k < d; k++) s.put(2, k, k == 0 && reaches ? 0.06 : 0);
            s.spec.own = reaches ? 640 : 320;
            compare("crowds", s.spec, {PS_INDEX_TREE});
        }
}

/** In the cell of a crowd points that are near none of it, but strays of the cell beside, which the crowd is
 * in one set with by the time that they could look for others. */
static void strays()
{
    static const double at[][2] = {{0.9, 0.45}, {0, 1}, {0.9, 0.45}, {1.02, 0.15}, {1.02, 0.8}};
    static const int64_t end[] = {20, 260, 261, 561, 581};
    const struct ps_rng r = {1, 25};
    struct set s(PS_F32, 581, 5, 1, 6);
    for (int64_t i = 0, group = 0; i < s.spec.points.n; i++) {
        if (i == end[group]) group++;
        for (int k = 0; k < 5; k++) s.put(i, k, at[group][k > 0] + 0.02 * ps_rng_uniform(r, i, (uint32_t)k));
    }
    compare("strays", s.spec);
}

static void halos()
{
    for (const int d : {1, 2, 3, 5})
        for (const int64_t own : {0, 1, 130, 399}) {
            struct set s(PS_F32, 400, d, 3, 6);
            char what[64];
            lattice(s, 5, 9, 77 + (uint32_t)d);
            s.spec.own = own;
            snprintf(what, sizeof what, "%lld own points, %d dimensions", (long long)own, d);
            compare(what, s.spec);
        }
}

/** Memory for so many points, and few more: sizes of arrays are rounded up. */
static int64_t memory_for(struct ps_dbscan_spec spec, int64_t points)
{
    int64_t lo = 0, hi = INT64_C(1) << 40;
    while (hi - lo > 1) {
        spec.memory = lo + (hi - lo) / 2;
        (there->fits(&spec) < points ? lo : hi) = spec.memory;
    }
    spec.memory = hi;
    expect(there->fits(&spec) < points + 64, "%lld points fit, not %lld", (long long)there->fits(&spec),
           (long long)points);
    spec.memory = 2 * hi;
    expect(there->fits(&spec) >= 2 * points, "%lld points fit into twice the memory of %lld",
           (long long)there->fits(&spec), (long long)points);
    return hi;
}

/** More points than there is memory for, beside the same points at once. */
static void in_pieces()
{
    for (const enum ps_dtype type : {PS_F32, PS_F64, PS_U64})
        for (const int d : {2, 5}) {
            struct set s(type, 500, d, 2, 5);
            const size_t n = (size_t)s.spec.points.n;
            lattice(s, 9, 6, 31 + (uint32_t)d);
            const struct result want = cluster(&ps_dbscan_ref, s.spec, NULL);
            struct result got = nothing(s.spec);
            struct ps_dbscan_pieces *p = NULL;
            s.spec.memory = memory_for(s.spec, 200);
            expect(ps_dbscan_pieces_create(there, &s.spec, &p) == PS_OK, "create");
            expect(ps_dbscan_pieces_core(p, got.core.data()) == PS_OK, "core");
            expect(ps_dbscan_pieces_made(p) > 2, "%lld pieces", (long long)ps_dbscan_pieces_made(p));
            expect(ps_dbscan_pieces_connect(p, got.core.data(), got.component.data(), &got.components) ==
                       PS_OK,
                   "connect");
            expect(ps_dbscan_pieces_label(p, names_of(got, n, NULL).data(), got.label.data()) == PS_OK,
                   "label");
            expect(got.core == want.core && got.label == want.label && got.components == want.components,
                   "%s, %d dimensions: %u components in pieces, %u at once", ps_dtype_name(type), d,
                   got.components, want.components);
            ps_dbscan_pieces_destroy(p);
        }
}

/** Copies of some parts and of less than one, of which the host's memory is another's as soon as they were
 * asked for. */
static void copies()
{
    const int64_t most = 5 << 20;
    std::vector<char> here((size_t)most + 1), back((size_t)most + 1);
    struct ps_cuda_copier c;
    expect(ps_cuda_copier_open(most, &c) == PS_OK, "buffers");
    expect(c.part < most / 2, "more than two parts of %lld bytes", (long long)c.part);
    void *const there = ps_cuda_memory.alloc(most);
    for (const int64_t bytes : {INT64_C(0), INT64_C(1), c.part - 1, c.part, c.part + 1, 2 * c.part, most}) {
        for (int64_t i = 0; i <= most; i++)
            here[(size_t)i] = (char)((uint64_t)(i + bytes) * UINT64_C(0x9e3779b97f4a7c15) >> 56);
        const std::vector<char> want = here;
        ps_cuda_copier_put(&c, there, here.data(), bytes);
        std::fill(here.begin(), here.end(), (char)0x55);
        std::fill(back.begin(), back.end(), (char)0x55);
        ps_cuda_copier_get(&c, back.data(), there, bytes);
        expect(memcmp(back.data(), want.data(), (size_t)bytes) == 0 && back[(size_t)bytes] == 0x55,
               "%lld bytes there and back", (long long)bytes);
    }
    ps_cuda_memory.free(there);
    ps_cuda_copier_close(&c);
}

/** All steps, of which any may want memory. */
static enum ps_status try_all(const struct ps_dbscan_spec &spec)
{
    const size_t n = (size_t)spec.points.n;
    std::vector<uint8_t> core(n);
    std::vector<uint32_t> component(n);
    std::vector<int64_t> number(n, 1), label(n);
    uint32_t components;
    struct ps_dbscan *s;
    enum ps_status rc = there->create(&spec, &s);
    if (rc == PS_OK) rc = there->core(s, core.data());
    if (rc == PS_OK) rc = there->connect(s, core.data(), component.data(), &components);
    if (rc == PS_OK) rc = there->label(s, number.data(), label.data());
    there->destroy(s);
    return rc;
}

/** What does not fit is said, and nothing stays behind. The stand-in for a device can be made a small one. */
static void memory()
{
    const struct ps_device_memory *const device = ps_cuda_plugin()->memory;
    const int64_t room = device->room(), used = (INT64_C(8) << 30) - room;
    enum ps_status rc = PS_ENOMEM;
    struct set s(PS_F32, 1000, 3, 1, 5);
    lattice(s, 5, 9, 1);
    for (int64_t bytes = 0; rc == PS_ENOMEM && bytes < 1000 * 100; bytes += 1700) {
        setenv("PS_HOST_MEMORY", std::to_string(used + bytes).c_str(), 1);
        rc = try_all(s.spec);
        unsetenv("PS_HOST_MEMORY");
        expect(device->room() == room, "memory is given back");
    }
    expect(rc == PS_OK, "1000 points and some memory: %d", (int)rc);
}

static void open_dbscan()
{
    there = ps_cuda_plugin()->dbscan;
}

int main()
{
    return cu_main("DBSCAN",
                   {open_dbscan, every_type, odd_sizes, dense_and_sparse, extremes, equal_points, chains,
                    facing_cells, beside_a_crowd, crowds, strays, halos, in_pieces, copies, memory});
}
