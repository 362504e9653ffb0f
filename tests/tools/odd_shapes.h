/** Shapes of point sets that are hard on a clustering program: borders, ties, extremes. */
#ifndef ODD_SHAPES_H
#define ODD_SHAPES_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "kernels/view.h"

/** A set being filled. Shapes write doubles, which are converted to the set's type, or 64-bit patterns. */
struct points {
    enum ps_dtype type;
    int64_t n;
    int d;
    double eps;
    void *data;
};

static uint64_t mix(uint64_t x) /* splitmix64 */
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/** A number in [0, 1) for element (i, k) of stream s. */
static double chance(int64_t i, int k, int s)
{
    return (double)(mix(mix((uint64_t)i * 64 + (uint64_t)k) + (uint64_t)s) >> 11) * 0x1p-53;
}

static double bell(int64_t i, int k, int s)
{
    return sqrt(-2 * log(1 - chance(i, k, 2 * s))) * cos(6.283185307179586 * chance(i, k, 2 * s + 1));
}

static void put(struct points *p, int64_t i, int k, double v)
{
    const int64_t at = i * p->d + k;
    switch (p->type) {
    case PS_I8:
        ((int8_t *)p->data)[at] = (int8_t)v;
        break;
    case PS_U8:
        ((uint8_t *)p->data)[at] = (uint8_t)v;
        break;
    case PS_I16:
        ((int16_t *)p->data)[at] = (int16_t)v;
        break;
    case PS_U16:
        ((uint16_t *)p->data)[at] = (uint16_t)v;
        break;
    case PS_I32:
        ((int32_t *)p->data)[at] = (int32_t)v;
        break;
    case PS_U32:
        ((uint32_t *)p->data)[at] = (uint32_t)v;
        break;
    case PS_I64:
        ((int64_t *)p->data)[at] = (int64_t)v;
        break;
    case PS_U64:
        ((uint64_t *)p->data)[at] = (uint64_t)v;
        break;
    case PS_F32:
        ((float *)p->data)[at] = (float)v;
        break;
    default:
        ((double *)p->data)[at] = v;
    }
}

static void put2(struct points *p, int64_t i, double x, double y)
{
    put(p, i, 0, x);
    put(p, i, 1, y);
}

/* --- places ------------------------------------------------------------------------------------------------
 */
static void equal(struct points *p)
{
    for (int64_t i = 0; i < p->n; i++)
        for (int k = 0; k < p->d; k++) put(p, i, k, 7 + k);
}

/** One spot, and the last point far away. */
static void spot(struct points *p)
{
    equal(p);
    for (int k = 0; k < p->d; k++) put(p, p->n - 1, k, 1e6);
}

static void duplicates(struct points *p)
{
    for (int64_t i = 0; i < p->n; i++)
        for (int k = 0; k < p->d; k++)
            put(p, i, k, floor(12 * chance((int64_t)(40 * chance(i, 0, 1)), k, 2)));
}

static void uniform(struct points *p)
{
    for (int64_t i = 0; i < p->n; i++)
        for (int k = 0; k < p->d; k++) put(p, i, k, chance(i, k, 3));
}

/** Gaussian blobs of unequal widths, and a tenth of noise. */
static void mixture(struct points *p)
{
    for (int64_t i = 0; i < p->n; i++) {
        const int64_t blob = (int64_t)(7 * chance(i, 0, 4));
        for (int k = 0; k < p->d; k++)
            put(p, i, k,
                i % 10 == 0 ? 100 * chance(i, k, 5)
                            : 100 * chance(blob, k, 6) + (0.5 + (double)blob / 2) * bell(i, k, 7));
    }
}

/** Most points down town, towns of falling size around. */
static void city(struct points *p)
{
    for (int64_t i = 0; i < p->n; i++) {
        const double size = pow(chance(i, 0, 8), 6);
        const int64_t town = (int64_t)(1000 * size);
        for (int k = 0; k < p->d; k++)
            put(p, i, k, 1e4 * chance(town, k, 9) + (1 + size * 50) * bell(i, k, 10));
    }
}

/* --- at exactly epsilon ------------------------------------------------------------------------------------
 */
/** Two points, 5 apart. */
static void two(struct points *p)
{
    put2(p, 0, 0, 0);
    put2(p, 1, 3, 4);
}

/** Two points, a rounding more than 5 apart. */
static void two_apart(struct points *p)
{
    put2(p, 0, 0, 0);
    put2(p, 1, 3, 4 + 4e-15);
}

/** Steps (1), (3, 4), (1, 2, 2), (1, 1, 1, 1) in a scrambled order: of length 1, 5, 3, 2. */
static void collinear(struct points *p)
{
    static const double step[4][4] = {{1}, {3, 4}, {1, 2, 2}, {1, 1, 1, 1}};
    for (int64_t i = 0; i < p->n; i++)
        for (int k = 0; k < p->d; k++) put(p, i, k, (double)(i * 37 % p->n) * step[p->d - 1][k]);
}

/** Steps of 0.1: rounding decides which of them are more than 0.1. */
static void tenths(struct points *p)
{
    for (int64_t i = 0; i < p->n; i++)
        for (int k = 0; k < p->d; k++) put(p, i, k, k == 0 ? (double)(i * 37 % p->n) * 0.1 : 0.3);
}

/** A square or cubic lattice of side 1. */
static void lattice(struct points *p)
{
    const int64_t side = (int64_t)(pow((double)p->n, 1.0 / p->d) + 0.5);
    for (int64_t i = 0; i < p->n; i++) {
        int64_t rest = i;
        for (int k = 0; k < p->d; k++, rest /= side) put(p, i, k, (double)(rest % side));
    }
}

/** Two dense walls, exactly eps apart. */
static void walls(struct points *p)
{
    for (int64_t i = 0; i < p->n; i++) {
        const double depth = 0.01 * chance(i, 0, 11);
        put2(p, i, i % 2 ? -depth : p->eps + depth, chance(i, 1, 11));
    }
    put2(p, 0, p->eps, 0.5);
    put2(p, 1, 0, 0.5);
}

/** The same a rounding farther than eps. */
static void walls_apart(struct points *p)
{
    walls(p);
    put2(p, 0, nextafter(p->eps, 1), 0.5);
}

/* --- chains ------------------------------------------------------------------------------------------------
 */
static void spiral(struct points *p)
{
    for (int64_t i = 0; i < p->n; i++) {
        const double turn = sqrt((double)i) * 0.9;
        put2(p, i, turn * cos(turn), turn * sin(turn));
    }
}

/** A snake through a square: one chain with steps of 1 that goes to and fro, rows 2 apart. */
static void zigzag(struct points *p)
{
    const int64_t wide = 40;
    for (int64_t i = 0; i < p->n; i++) {
        const int64_t j = i * 31 % p->n, row = j / (wide + 1), at = j % (wide + 1);
        const double x = (double)(at < wide ? at : wide - 1);
        put2(p, i, row % 2 ? (double)wide - 1 - x : x, (double)(2 * row + (at == wide)));
    }
}

/** Teeth to both sides of a spine along x = 0; every third tooth does not touch it. */
static void comb(struct points *p)
{
    for (int64_t i = 0; i < p->n; i++) {
        const int64_t y = i / 8, at = i % 8 - 4;
        put2(p, i, y % 3 == 0 && at != 0 ? (double)at * 1.0 + (at > 0 ? 0.25 : -0.25) : (double)at,
             y % 3 == 0 && at == 0 ? 1e4 : (double)(2 * y));
    }
}

static void rings(struct points *p)
{
    for (int64_t i = 0; i < p->n; i++) {
        const double r = (double)(1 + i % 4), turn = 6.283185307179586 * chance(i, 0, 12);
        put2(p, i, r * cos(turn), r * sin(turn));
    }
}

/** Groups of six, and between each two of them a point that is not core and that both can claim. */
static void contested(struct points *p)
{
    for (int64_t i = 0; i < p->n; i++) {
        const int64_t j = i * 11 % p->n, at = j % 7;
        const double x = (double)(j / 7) * 4;
        put2(p, i, at < 6 ? x + 0.25 * (double)(at % 3) : x + 2.25, at < 6 ? 0.5 * (double)(at / 3) : 0.25);
    }
}

/* --- extremes ----------------------------------------------------------------------------------------------
 */
/** Small whole numbers from the type's lowest to its highest value: half at the ends, half between. */
static void whole(struct points *p)
{
    static const double lo[] = {-128, 0, -32768, 0, -2147483648.0, 0},
                        hi[] = {127, 255, 32767, 65535, 2147483647, 4294967295.0};
    for (int64_t i = 0; i < p->n; i++)
        for (int k = 0; k < p->d; k++) {
            const double jump = floor(30 * chance(i, k, 13));
            put(p, i, k, i % 4 < 2 ? (i % 4 ? hi[p->type] - jump : lo[p->type] + jump) : 60 + jump);
        }
}

/** 64-bit integers at both ends and around the middle, where doubles hold no units. */
static void whole64(struct points *p)
{
    uint64_t *x = p->data;
    const uint64_t base[4] = {0, UINT64_MAX, (uint64_t)1 << 63, ((uint64_t)1 << 62) + 1};
    for (int64_t i = 0; i < p->n * p->d; i++) {
        const uint64_t jump = (uint64_t)(24 * chance(i, 0, 14)), at = base[i / p->d % 4];
        x[i] = at == UINT64_MAX ? at - jump : at + jump;
        if (p->type == PS_I64) x[i] ^= (uint64_t)1 << 63;
    }
}

/** Nought, the smallest numbers, and tiny ones. */
static void tiny(struct points *p)
{
    static const double v[] = {0,      -0.0,   5e-324, -5e-324, 1e-320, 1e-308, 2e-308,
                               1e-300, 1e-200, 1e-160, 1e-154,  1e-30,  1,      1};
    for (int64_t i = 0; i < p->n; i++)
        for (int k = 0; k < p->d; k++)
            put(p, i, k, v[mix((uint64_t)(i * p->d + k)) % (sizeof v / sizeof *v)]);
}

/** The ends of the type and of what squares hold. */
static void vast(struct points *p)
{
    const double end = p->type == PS_F32 ? (double)FLT_MAX : DBL_MAX;
    const double v[] = {end, -end, end, -end,          end / 2,   -end / 2,
                        0,   1,    -1,  end * 0x1p-24, sqrt(end), -sqrt(end)};
    for (int64_t i = 0; i < p->n; i++)
        for (int k = 0; k < p->d; k++)
            put(p, i, k, v[mix((uint64_t)(i * p->d + k)) % (sizeof v / sizeof *v)]);
}

/** A box that is 10^12 times as long as wide. */
static void flat(struct points *p)
{
    for (int64_t i = 0; i < p->n; i++) put2(p, i, floor(1e9 * chance(i / 4, 0, 15)), 1e-3 * chance(i, 1, 15));
}

/** Far from nought: differences of neighbours are a few units in the last place. */
static void far_away(struct points *p)
{
    for (int64_t i = 0; i < p->n; i++)
        for (int k = 0; k < p->d; k++) put(p, i, k, 16777216 + floor(64 * chance(i, k, 16)));
}

#endif
