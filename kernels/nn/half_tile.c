#include "kernels/nn/half_tile.h"

#define INLINE static inline __attribute__((always_inline))

INLINE void windows(const struct ps_half_window *w, const uint16_t *const *row, int rows, int vecs,
                    float (*sums)[PS_PANEL_COLS])
{
    ps_vf sum[PS_HALF_ROWS][PS_HALF_VECS], y[PS_HALF_VECS];
    const char *x[PS_HALF_ROWS];
    const float *b = w->panel;
    const int64_t bytes = w->pairs * 4, step = w->step * 2;
    for (int r = 0; r < rows; r++) {
        x[r] = (const char *)row[r];
        for (int v = 0; v < vecs; v++) sum[r][v] = ps_vf_all(0);
    }
    for (int64_t run = 0; run < w->runs; run++) {
        for (int64_t q = 0; q < bytes; q += 4, b += PS_PANEL_COLS) {
            for (int v = 0; v < vecs; v++) y[v] = ps_vf_load(b + v * PS_LANES);
            for (int r = 0; r < rows; r++) {
                float pair;
                memcpy(&pair, x[r] + q, sizeof pair);
                const ps_vf e = ps_vf_all(pair);
                for (int v = 0; v < vecs; v++) sum[r][v] = ps_vf_dot_pairs(e, y[v], sum[r][v]);
            }
        }
        for (int r = 0; r < rows; r++) x[r] += step;
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vecs; v++) ps_vf_store(sums[r] + v * PS_LANES, sum[r][v]);
}

INLINE void pairs_of(int64_t pairs, const float *a, const float *b, int rows, int vecs, int last, float *c,
                     int64_t c_row, bool add)
{
    ps_vf sum[PS_HALF_ROWS][PS_HALF_VECS], y[PS_HALF_VECS];
    for (int r = 0; r < rows; r++) {
        if (add) /* they come from far away: ask for them now */
            for (int v = 0; v < vecs; v++) __builtin_prefetch(c + r * c_row + v * PS_LANES, 1);
        for (int v = 0; v < vecs; v++) sum[r][v] = ps_vf_all(0);
    }
    for (int64_t q = 0; q < pairs; q++, a += PS_HALF_GROUP, b += PS_PANEL_COLS) {
        for (int v = 0; v < vecs; v++) y[v] = ps_vf_load(b + v * PS_LANES);
        for (int r = 0; r < rows; r++) {
            const ps_vf e = ps_vf_all(a[r]);
            for (int v = 0; v < vecs; v++) sum[r][v] = ps_vf_dot_pairs(e, y[v], sum[r][v]);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vecs; v++) {
            float *to = c + r * c_row + v * PS_LANES;
            const int count = v + 1 < vecs ? PS_LANES : last;
            const ps_vf s = add ? sum[r][v] + ps_vf_load_part(to, count) : sum[r][v];
            ps_vf_store_part(to, s, count);
        }
}

/* One function for each number of rows and vectors. */
#define TILE(r, v)                                                                                 \
    static void windows_##r##_##v(const struct ps_half_window *w, const uint16_t *const *row,      \
                                  float(*sums)[PS_PANEL_COLS])                                     \
    {                                                                                              \
        windows(w, row, r, v, sums);                                                               \
    }                                                                                              \
    static void pairs_##r##_##v(int64_t pairs, const float *a, const float *b, int last, float *c, \
                                int64_t c_row, bool add)                                           \
    {                                                                                              \
        pairs_of(pairs, a, b, r, v, last, c, c_row, add);                                          \
    }
#define ROWS(v) TILE(1, v) TILE(2, v) TILE(3, v) TILE(4, v) TILE(5, v) TILE(6, v)
#define NAMES(f, v)                                                      \
    {                                                                    \
        f##_1_##v, f##_2_##v, f##_3_##v, f##_4_##v, f##_5_##v, f##_6_##v \
    }
ROWS(1)
ROWS(2)
#if defined(__AVX512F__)
ROWS(3)
ROWS(4)
#    define ALL(f) NAMES(f, 1), NAMES(f, 2), NAMES(f, 3), NAMES(f, 4)
#else
#    define ALL(f) NAMES(f, 1), NAMES(f, 2)
#endif

typedef void windows_function(const struct ps_half_window *, const uint16_t *const *,
                              float (*)[PS_PANEL_COLS]);
typedef void pairs_function(int64_t, const float *, const float *, int, float *, int64_t, bool);
static windows_function *const windows_of[PS_HALF_VECS][PS_HALF_ROWS] = {ALL(windows)};
static pairs_function *const all_pairs_of[PS_HALF_VECS][PS_HALF_ROWS] = {ALL(pairs)};

void ps_half_sum_windows(const struct ps_half_window *w, const uint16_t *const *row, int rows, int vecs,
                         float (*sums)[PS_PANEL_COLS])
{
    windows_of[vecs - 1][rows - 1](w, row, sums);
}

void ps_half_sum_pairs(int64_t pairs, const float *a, const float *b, int rows, int cols, float *c,
                       int64_t c_row, bool add)
{
    const int vecs = (cols + PS_LANES - 1) / PS_LANES;
    all_pairs_of[vecs - 1][rows - 1](pairs, a, b, cols - (vecs - 1) * PS_LANES, c, c_row, add);
}
