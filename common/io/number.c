#include "common/io/number.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_TEXT = 800, EXACT_TENS = 22, EXACT_FIVES = 27 };

/* 10^0 ... 10^22 are doubles; 5^0 ... 5^27 fit 63 bits */
static const double tens[EXACT_TENS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                            1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                            1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const uint64_t fives[EXACT_FIVES + 1] = {1,
                                                5,
                                                25,
                                                125,
                                                625,
                                                3125,
                                                15625,
                                                78125,
                                                390625,
                                                1953125,
                                                9765625,
                                                48828125,
                                                244140625,
                                                1220703125,
                                                6103515625,
                                                30517578125,
                                                152587890625,
                                                762939453125,
                                                3814697265625,
                                                19073486328125,
                                                95367431640625,
                                                476837158203125,
                                                2384185791015625,
                                                11920928955078125,
                                                59604644775390625,
                                                298023223876953125,
                                                1490116119384765625,
                                                7450580596923828125};

__extension__ typedef unsigned __int128 wide;

/** p * 2^e, p > 0, rounded to the nearest double, ties to even; the lowest bit of p may stand for all bits
 * below it where p has more than 55 bits. The result must be a normal number. */
static double round_wide(wide p, int e)
{
    uint64_t high = (uint64_t)(p >> 64);
    int bits = high ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)p);
    if (bits <= 53) return ldexp((double)(uint64_t)p, e);
    int shift = bits - 53;
    uint64_t m = (uint64_t)(p >> shift);
    wide rest = p & (((wide)1 << shift) - 1), half = (wide)1 << (shift - 1);
    m += rest > half || (rest == half && (m & 1));
    /* a carry out of the 53 bits raises the exponent, as it should */
    uint64_t image = ((uint64_t)(e + shift + 52 + 1023) << 52) + (m - ((uint64_t)1 << 52));
    double value;
    memcpy(&value, &image, sizeof value);
    return value;
}

/** m * 10^e where that needs no long arithmetic. */
static bool scale(uint64_t m, int e, double *out)
{
    if (m <= (uint64_t)1 << 53 && e >= -EXACT_TENS && e <= EXACT_TENS) {
        *out = e < 0 ? (double)m / tens[-e] : (double)m * tens[e]; /* one rounding of exact operands */
        return true;
    }
    if (e < -EXACT_FIVES || e > EXACT_FIVES) return false;
    if (e >= 0) {
        *out = round_wide((wide)m * fives[e], e);
        return true;
    }
    int shift = __builtin_clzll(m);
    wide numerator = (wide)(m << shift) << 63, quotient = numerator / fives[-e];
    quotient |= quotient * fives[-e] != numerator; /* a remainder only matters for ties */
    *out = round_wide(quotient, e - shift - 63);
    return true;
}

/** The rest by strtod, which needs an end to its text. */
static double long_way(const char *at, const char *end)
{
    char text[MAX_TEXT + 1], *heap = NULL;
    size_t n = (size_t)(end - at);
    char *copy = n <= MAX_TEXT ? text : (heap = malloc(n + 1));
    if (!copy) return NAN;
    memcpy(copy, at, n);
    copy[n] = 0;
    double value = strtod(copy, NULL);
    free(heap);
    return value;
}

/** nan, inf, infinity. */
static const char *word(const char *at, const char *end, double *out)
{
    static const struct {
        const char *text;
        int n;
        double value;
    } words[] = {{"infinity", 8, INFINITY}, {"inf", 3, INFINITY}, {"nan", 3, NAN}};
    for (int i = 0; i < 3; i++)
        if (end - at >= words[i].n && !strncasecmp(at, words[i].text, (size_t)words[i].n)) {
            *out = words[i].value;
            return at + words[i].n;
        }
    return NULL;
}

/** Digits of a mantissa, its point taken out. */
struct digits {
    uint64_t m;
    int used;      /**< significant digits in m, at most 19 */
    bool dropped;  /**< there were more */
    int64_t point; /**< how many of the digits stand behind the point, less those dropped in front of it */
};

static const char *take_digits(const char *at, const char *end, struct digits *d, bool behind)
{
    for (; at < end && (unsigned char)(*at - '0') <= 9; at++) {
        if (d->used < 19) {
            d->m = d->m * 10 + (uint64_t)(*at - '0');
            d->used += d->m != 0; /* zeros in front do not count */
            d->point += behind;
        } else {
            d->dropped = true;
            d->point -= !behind;
        }
    }
    return at;
}

const char *ps_number_parse(const char *at, const char *end, double *out)
{
    const char *start = at;
    bool minus = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    if (at < end && (*at | 0x20) >= 'a') {
        at = word(at, end, out);
        if (at && minus) *out = -*out;
        return at;
    }
    struct digits d = {0};
    const char *first = at;
    at = take_digits(at, end, &d, false);
    bool any = at > first;
    if (at < end && *at == '.') {
        const char *behind = at + 1;
        at = take_digits(behind, end, &d, true);
        any = any || at > behind;
    }
    if (!any) return NULL;
    int64_t e = 0;
    if (at < end && (*at == 'e' || *at == 'E')) {
        const char *x = at + 1;
        bool down = x < end && *x == '-';
        if (x < end && (*x == '-' || *x == '+')) x++;
        if (x < end && (unsigned char)(*x - '0') <= 9) { /* else the e belongs to what follows */
            for (; x < end && (unsigned char)(*x - '0') <= 9; x++)
                if (e < 100000) e = e * 10 + (*x - '0');
            at = x;
            if (down) e = -e;
        }
    }
    e -= d.point;
    if (d.m == 0 && !d.dropped) {
        *out = minus ? -0.0 : 0.0;
        return at;
    }
    int small = e < -1000 ? -1000 : e > 1000 ? 1000 : (int)e;
    if (!d.dropped && scale(d.m, small, out))
        *out = minus ? -*out : *out;
    else
        *out = long_way(start, at);
    return at;
}

int ps_number_format(double value, char *out)
{
    if (isnan(value)) return snprintf(out, PS_NUMBER_TEXT, "nan");
    for (int digits = 15; digits < 17; digits++) {
        double back;
        int n = ps_number_format_g(value, digits, out);
        if (ps_number_parse(out, out + n, &back) && back == value) return n;
    }
    return ps_number_format_g(value, 17, out);
}

int ps_number_format_f32(float value, char *out)
{
    if (isnan(value)) return snprintf(out, PS_NUMBER_TEXT, "nan");
    for (int digits = 6; digits < 9; digits++) {
        double back;
        int n = ps_number_format_g((double)value, digits, out);
        if (ps_number_parse(out, out + n, &back) && (float)back == value) return n;
    }
    return ps_number_format_g((double)value, 9, out);
}
