/* Numbers of a given number of digits: correctly rounded, as printf rounds them. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "common/io/number.h"

enum { EXACT_TENS = 22, MAX_DIGITS = 17 };

/* 10^0 ... 10^22 are doubles, 10^0 ... 10^17 fit 64 bits */
static const double tens[EXACT_TENS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                            1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                            1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const uint64_t whole_tens[MAX_DIGITS + 1] = {1,
                                                    10,
                                                    100,
                                                    1000,
                                                    10000,
                                                    100000,
                                                    1000000,
                                                    10000000,
                                                    100000000,
                                                    1000000000,
                                                    10000000000,
                                                    100000000000,
                                                    1000000000000,
                                                    10000000000000,
                                                    100000000000000,
                                                    1000000000000000,
                                                    10000000000000000,
                                                    100000000000000000};

/** x 10^k < 2^60, rounded to a whole number, ties to even. The product is high + low without any error. */
static uint64_t scaled(double x, int k)
{
    double high = x * tens[k], low = fma(x, tens[k], -high);
    double whole = floor(high);
    uint64_t n = (uint64_t)whole;
    if (high < 0x1p52) {
        /* a multiple of high's last bit, of which low is at most half: low only counts where this is 0 */
        double beyond_half = high - whole - 0.5;
        return n + (beyond_half > 0 || (beyond_half == 0 && (low > 0 || (low == 0 && (n & 1)))));
    }
    double below = floor(low), fraction = low - below; /* high is whole */
    n += (uint64_t)(int64_t)below;
    return n + (fraction > 0.5 || (fraction == 0.5 && (n & 1)));
}

/** Digits of a number: n 10^(e - digits + 1), n with exactly `digits` digits.
 * @return false where this is not for us */
static bool find_digits(double x, int digits, uint64_t *n, int *e)
{
    int two;
    frexp(x, &two);
    *e = (two - 1) * 78913 >> 18; /* log10 2, of the power of two below x: right or one too small */
    for (;; ++*e) {
        int k = digits - 1 - *e;
        if (k < 0 || k > EXACT_TENS) return false;
        *n = scaled(x, k);
        if (*n < whole_tens[digits]) return true;
    }
}

/** Decimal digits of n, `count` of them. */
static void put_digits(uint64_t n, int count, char *out)
{
    while (count) {
        out[--count] = (char)('0' + n % 10);
        n /= 10;
    }
}

/** d.ddde-05 */
static int put_scientific(uint64_t n, int count, int e, char *out)
{
    char *at = out;
    put_digits(n, count, at + (count > 1));
    if (count > 1) {
        at[0] = at[1];
        at[1] = '.';
        at += count + 1;
    } else {
        at++;
    }
    *at++ = 'e';
    *at++ = e < 0 ? '-' : '+';
    put_digits((uint64_t)(e < 0 ? -e : e), 2, at);
    return (int)(at + 2 - out);
}

/** ddd.ddd */
static int put_fixed(uint64_t n, int count, int e, char *out)
{
    if (e < 0) {
        memset(out, '0', (size_t)(1 - e));
        out[1] = '.';
        put_digits(n, count, out + 1 - e);
        return 1 - e + count;
    }
    if (count <= e + 1) {
        put_digits(n, count, out);
        memset(out + count, '0', (size_t)(e + 1 - count));
        return e + 1;
    }
    put_digits(n, count, out + 1);
    memmove(out, out + 1, (size_t)(e + 1));
    out[e + 1] = '.';
    return count + 1;
}

int ps_number_format_g(double value, int digits, char *out)
{
    uint64_t n;
    int e, sign = signbit(value) ? 1 : 0, len;
    out[0] = '-';
    if (value == 0) {
        out[sign] = '0';
        len = sign + 1;
    } else if (isfinite(value) && find_digits(fabs(value), digits, &n, &e)) {
        int count = digits;
        for (; n % 10 == 0; n /= 10) count--;
        if (e < -4 || e >= digits)
            len = sign + put_scientific(n, count, e, out + sign);
        else
            len = sign + put_fixed(n, count, e, out + sign);
    } else {
        return snprintf(out, PS_NUMBER_TEXT, "%.*g", digits, value);
    }
    out[len] = 0;
    return len;
}
