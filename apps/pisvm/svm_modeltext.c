#include "apps/pisvm/svm_modeltext.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { SHORT = 9 }; /* digits for which a product with a power of ten is good enough */

int svm_format_whole(int64_t value, char out[SVM_NUMBER_TEXT])
{
    char digits[24];
    int n = 0, len = 0;
    uint64_t m = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[n++] = (char)('0' + m % 10);
        m /= 10;
    } while (m);
    if (value < 0) out[len++] = '-';
    while (n) out[len++] = digits[--n];
    out[len] = 0;
    return len;
}

/** The digits of a number from 10^-4 on below 10^digits, rounded.
 * @param exponent out: decimal, of the first digit
 * @return the digits as a whole number; 0: too close to a tie, or rounded up to 10^digits */
static int64_t round_digits(double x, int digits, int *exponent)
{
    static const double tens[] = {1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1,  1e2,  1e3,  1e4,
                                  1e5,  1e6,  1e7,  1e8,  1e9, 1e10, 1e11, 1e12, 1e13};
    int e = -4;
    /* the doubles nearest to 10^-4 ... 10^-1 lie above them, so that these comparisons are exact */
    while (x >= tens[e + 5]) e++;
    if (e >= digits) return 0;
    double scaled = x * tens[4 + digits - 1 - e], whole = floor(scaled), rest = scaled - whole;
    if (fabs(rest - 0.5) < 1e-5) return 0;
    int64_t m = (int64_t)whole + (rest > 0.5);
    if ((double)m >= tens[4 + digits]) {
        m /= 10;
        e++;
    }
    *exponent = e;
    return e < digits ? m : 0;
}

/** Digits and exponent as text, zeros at the end left out. */
static int put_digits(int64_t m, int digits, int exponent, char *out)
{
    char text[SVM_NUMBER_TEXT];
    int len = 0, at = 0;
    for (; digits > 1 && digits > exponent + 1 && m % 10 == 0; digits--) m /= 10;
    for (int i = digits - 1; i >= 0; i--, m /= 10) text[i] = (char)('0' + m % 10);
    if (exponent < 0) {
        out[len++] = '0';
        out[len++] = '.';
        for (int i = -1; i > exponent; i--) out[len++] = '0';
    } else {
        while (at <= exponent) out[len++] = text[at++];
        if (at < digits) out[len++] = '.';
    }
    while (at < digits) out[len++] = text[at++];
    out[len] = 0;
    return len;
}

int svm_format(double value, int digits, char out[SVM_NUMBER_TEXT])
{
    double x = fabs(value);
    int exponent;
    if (value == 0 && !signbit(value)) return svm_format_whole(0, out);
    bool plain = x >= 1e-4 && x < 1e15; /* false for nan and infinity */
    if (plain && digits >= 15 && x == floor(x)) return svm_format_whole((int64_t)value, out);
    if (plain && digits <= SHORT && x < 1e9) {
        int64_t m = round_digits(x, digits, &exponent);
        int minus = value < 0;
        out[0] = '-';
        if (m) return minus + put_digits(m, digits, exponent, out + minus);
    }
    return snprintf(out, SVM_NUMBER_TEXT, "%.*g", digits, value);
}
