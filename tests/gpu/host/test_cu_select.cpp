/* The choice of candidates on the device beside a plain sort: ties, infinities, variables that may not move,
 * two copies, two sides, lists shorter and longer than what is wanted; and packed rows of packed rows. */
#include "cucheck.h"
#include <algorithm>
extern "C" {
#include "kernels/svm/svm_kernels.h"
#include "kernels/svm/tie.h"
}

static const struct ps_svm_kernels *gpu;

template <class T> static T *there(const std::vector<T> &x)
{
    const int64_t bytes = (int64_t)(x.size() * sizeof(T));
    T *const out = (T *)gpu->device->memory->alloc(bytes + 1);
    gpu->device->memory->put(out, x.data(), bytes);
    gpu->device->memory->wait();
    return out;
}

template <class T> static std::vector<T> here(const void *from, size_t n)
{
    std::vector<T> out(n);
    gpu->device->memory->get(out.data(), from, (int64_t)(n * sizeof(T)));
    expect(gpu->device->memory->wait() == PS_OK, "the device: %s", gpu->device->memory->error());
    return out;
}

/* --- candidates --- */

/* A problem's variables. */
struct variables {
    int64_t n;
    int copies, sides;
    numbers f, p;
    std::vector<uint8_t> may;
};

/* What there is of scores. */
enum spread { EQUAL, FEW, MANY, NEAR, ODD };

static double score_part(enum spread spread, int64_t i)
{
    const double x = 2 * ps_rng_uniform({7, 1}, i, 0) - 1;
    switch (spread) {
    case EQUAL:
        return 0;
    case FEW:
        return floor(3 * x);
    case NEAR: /* they differ in the last digits alone */
        return 1 + (double)(i * 37 % 4001) * 0x1p-50;
    case ODD:
        return i % 9 == 0   ? INFINITY
               : i % 9 == 1 ? -INFINITY
               : i % 9 == 2 ? NAN
               : i % 9 == 3 ? -0.0
                            : x * 1e-310;
    default:
        return x * pow(10, 20 * ps_rng_uniform({7, 2}, i, 0) - 10);
    }
}

static struct variables make(int64_t n, int copies, int sides, enum spread spread)
{
    struct variables x = {n, copies, sides, numbers((size_t)n), numbers((size_t)(copies * n)), {}};
    for (int64_t i = 0; i < n; i++) x.f[(size_t)i] = score_part(spread, i);
    for (int64_t v = 0; v < copies * n; v++) {
        const bool negative = sides > 1 || copies > 1 ? v % 5 < 2 : v > n / 2;
        const unsigned ways = (unsigned)(8 * ps_rng_uniform({7, 3}, v, 0));
        x.p[(size_t)v] = spread == MANY ? 0.1 : 0;
        x.may.push_back((uint8_t)((ways > 5 ? 0 : 1 + ways % 3) | (negative ? PS_SVM_NEGATIVE : 0) |
                                  (negative && sides > 1 ? PS_SVM_SECOND : 0)));
    }
    return x;
}

/* Numbers above the device's rows, for ties. */
static const int64_t FIRST = 1000003;

static bool better(const struct ps_svm_candidate &a, const struct ps_svm_candidate &b)
{
    if (a.worth != b.worth) return a.worth > b.worth;
    return ps_svm_tie(FIRST + a.row) < ps_svm_tie(FIRST + b.row);
}

/* All of a list, best first. */
static std::vector<ps_svm_candidate> sorted(const struct variables &x, int list)
{
    std::vector<ps_svm_candidate> out;
    for (int64_t v = 0; v < x.copies * x.n; v++) {
        const uint8_t may = x.may[(size_t)v];
        const double f = x.f[(size_t)(v % x.n)], y = may & PS_SVM_NEGATIVE ? -1 : 1;
        const double score = -(f + y * x.p[(size_t)v]);
        if (!(may & (list % 2 ? PS_SVM_FALLS : PS_SVM_RISES)) || !!(may & PS_SVM_SECOND) != list / 2)
            continue;
        if (!std::isnan(score)) out.push_back({list % 2 ? -score : score, f, v % x.n});
    }
    std::sort(out.begin(), out.end(), better);
    return out;
}

/* A list as it came: no more than there is room for, the best `want` among them, none that is worse than one
 * that is left out. */
static void one_list(const char *what, const std::vector<ps_svm_candidate> &all,
                     std::vector<ps_svm_candidate> got, int64_t want)
{
    std::sort(got.begin(), got.end(), better);
    expect(got.size() >= std::min((size_t)want, all.size()), "%s: %zu of %zu candidates", what, got.size(),
           all.size());
    for (size_t i = 0; i < got.size() && i < all.size(); i++) {
        const struct ps_svm_candidate &a = got[i], &b = all[i];
        if (a.worth == b.worth && a.row == b.row && a.f == b.f) continue;
        expect(false, "%s, place %zu: row %lld of %g, not %lld of %g", what, i, (long long)a.row, a.worth,
               (long long)b.row, b.worth);
        return;
    }
}

static void one_ranking(const struct variables &x, enum spread spread, int64_t want, int64_t room)
{
    double *const f = there(x.f), *const p = there(x.p);
    uint8_t *const may = there(x.may);
    const size_t lists = 2 * (size_t)x.sides;
    std::vector<int64_t> row;
    for (int64_t i = 0; i < x.n && i < 50; i++) row.push_back(i * 7 % x.n);
    const size_t bytes = sizeof(struct ps_svm_front) +
                         lists * (size_t)room * sizeof(struct ps_svm_candidate) + row.size() * sizeof(double);
    char *const out = there(std::vector<char>(bytes, (char)0xff));
    const struct ps_svm_scores scores = {x.n, FIRST, x.copies, x.sides, f, p, may};
    const struct ps_svm_ranking ranking = {want, room, row.data(), (int64_t)row.size()};
    gpu->device->rank(&scores, &ranking, out);
    std::fill(row.begin(), row.end(), (int64_t)1 << 60); /* they were borrowed for the call */
    const std::vector<char> got = here<char>(out, bytes);
    const struct ps_svm_front *const front = (const struct ps_svm_front *)got.data();
    const struct ps_svm_candidate *const all = (const struct ps_svm_candidate *)(front + 1);
    for (size_t l = 0; l < lists; l++) {
        const std::vector<ps_svm_candidate> best = sorted(x, (int)l);
        char what[120];
        snprintf(what, sizeof what,
                 "%lld rows, %d copies, spread %d, list %zu of %zu, %lld wanted, room %lld", (long long)x.n,
                 x.copies, (int)spread, l, lists, (long long)want, (long long)room);
        expect(front->all[l] == (int64_t)best.size(), "%s: %lld in all, not %zu", what,
               (long long)front->all[l], best.size());
        expect(front->n[l] >= 0 && front->n[l] <= room, "%s: %d candidates", what, front->n[l]);
        if (front->n[l] < 0 || front->n[l] > room) continue;
        const struct ps_svm_candidate *const from = all + l * (size_t)room;
        one_list(what, best, std::vector<ps_svm_candidate>(from, from + front->n[l]), want);
    }
    const double *const of = (const double *)(all + lists * (size_t)room);
    for (size_t i = 0; i < row.size(); i++) {
        const double want_f = x.f[i * 7 % (size_t)x.n];
        expect(of[i] == want_f || (std::isnan(of[i]) && std::isnan(want_f)), "f of row %zu: %g, not %g",
               i * 7 % (size_t)x.n, of[i], want_f);
    }
    for (void *array : {(void *)f, (void *)p, (void *)may, (void *)out}) gpu->device->memory->free(array);
}

static void rankings()
{
    for (const enum spread spread : {EQUAL, FEW, MANY, NEAR, ODD})
        for (const int64_t n : {0, 1, 33, 1500})
            for (const int copies : {1, 2})
                for (const int sides : {1, 2}) {
                    const struct variables x = make(n, copies, sides, spread);
                    one_ranking(x, spread, 1, 2);
                    one_ranking(x, spread, 100, 101);
                    one_ranking(x, spread, 100, 200);
                    one_ranking(x, spread, 4000, 4001);
                }
}

static void sets()
{
    std::vector<uint8_t> want(1000, 7), value;
    uint8_t *const to = there(want);
    std::vector<int64_t> at;
    for (int64_t i = 0; i < 300; i++) {
        at.push_back((i * 13 + 5) % 1000);
        value.push_back((uint8_t)i);
        want[(size_t)at.back()] = value.back();
    }
    gpu->device->set(to, at.data(), value.data(), 300);
    gpu->device->set(to, at.data(), value.data(), 0);
    std::fill(at.begin(), at.end(), (int64_t)1 << 60);
    expect(here<uint8_t>(to, 1000) == want, "places are set");
    gpu->device->memory->free(to);
}

/* --- packed rows of packed rows --- */

static std::vector<float> products(const struct ps_svm_pack *a, int64_t n, enum ps_svm_form form)
{
    const struct ps_svm_function f = {form, 0, 0.3, 0};
    float *const k = there(std::vector<float>((size_t)(n * n), NAN));
    gpu->block(&f, a, 0, n, a, 0, n, k, n);
    const std::vector<float> out = here<float>(k, (size_t)(n * n));
    gpu->device->memory->free(k);
    return out;
}

static void one_repack(int64_t n, int64_t cols, int64_t chosen)
{
    std::vector<int64_t> start = {0}, row;
    std::vector<int32_t> index;
    std::vector<double> value, centre((size_t)cols, 0.25);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = i % 3; k < cols; k += 1 + i % 2) {
            index.push_back((int32_t)k);
            value.push_back(ps_rng_uniform({8, 1}, i, (uint32_t)k));
        }
        start.push_back((int64_t)index.size());
    }
    for (int64_t i = 0; i < chosen; i++) row.push_back(i * 31 % n);
    const struct ps_csr x = {n, cols, start.data(), index.data(), value.data()};
    const struct ps_svm_layout layout = {cols, true, false, centre.data()};
    struct ps_svm_pack *all = NULL, *some = NULL, *want = NULL;
    expect(gpu->pack(&x, NULL, n, &layout, &all) == PS_OK, "rows are packed");
    expect(gpu->pack(&x, row.data(), chosen, &layout, &want) == PS_OK, "some rows are packed");
    expect(gpu->device->repack(all, row.data(), chosen, &some) == PS_OK, "packed rows are packed");
    std::fill(row.begin(), row.end(), (int64_t)1 << 60);
    for (const enum ps_svm_form form : {PS_SVM_LINEAR, PS_SVM_RBF})
        expect(products(some, chosen, form) == products(want, chosen, form), "%lld of %lld rows of %lld",
               (long long)chosen, (long long)n, (long long)cols);
    for (struct ps_svm_pack *p : {all, some, want}) gpu->unpack(p);
}

static void repacks()
{
    for (const int64_t chosen : {0, 1, 31, 64, 75})
        for (const int64_t cols : {1, 7, 130}) one_repack(75, cols, chosen);
    one_repack(5, 20, 40);
}

static void table()
{
    gpu = ps_cuda_plugin()->svm;
    expect(gpu && gpu->device, "the plugin has a table");
    if (!gpu) exit(EXIT_FAILURE);
}

int main()
{
    return cu_main("choice of working sets", {table, rankings, sets, repacks});
}
