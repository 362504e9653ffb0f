#include "common/par/exactsum.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "common/run/err.h"

enum { LIMB = 32, UNIT = -1074, DIGITS = 53 };
static const uint64_t LIMB_MASK = 0xffffffffu;

void ps_exact_add(struct ps_exact *s, double x)
{
    uint64_t bits, fraction;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7ff);
    fraction = bits & ((UINT64_C(1) << 52) - 1);
    if (exponent) fraction |= UINT64_C(1) << 52;
    int shift = exponent ? exponent - 1 : 0; /* |x| = fraction 2^(shift - 1074) */
    uint64_t low = (fraction & LIMB_MASK) << shift % LIMB, high = (fraction >> LIMB) << shift % LIMB;
    int64_t sign = bits >> 63 ? -1 : 1, *limb = s->limb + shift / LIMB;
    limb[0] += sign * (int64_t)(low & LIMB_MASK);
    limb[1] += sign * (int64_t)((low >> LIMB) + (high & LIMB_MASK)); /* < 1.5 2^32 */
    limb[2] += sign * (int64_t)(high >> LIMB);
}

/** Bring all limbs but the last, which holds the sign, into [0, 2^32). */
static void carry(struct ps_exact *s)
{
    for (int i = 0; i + 1 < PS_EXACT_LIMBS; i++) {
        int64_t low = s->limb[i] & (int64_t)LIMB_MASK;
        s->limb[i + 1] += (s->limb[i] - low) / (INT64_C(1) << LIMB);
        s->limb[i] = low;
    }
}

/** Bits [at, at + 53) of a number without sign whose limbs are in [0, 2^32). */
static uint64_t digits(const struct ps_exact *s, int at)
{
    const int64_t *limb = s->limb + at / LIMB;
    int off = at % LIMB;
    uint64_t d = (uint64_t)limb[0] >> off | (uint64_t)limb[1] << (LIMB - off);
    if (off) d |= (uint64_t)limb[2] << (2 * LIMB - off);
    return d & ((UINT64_C(1) << DIGITS) - 1);
}

/** Is a bit below `at` set. */
static bool sticky(const struct ps_exact *s, int at)
{
    for (int i = 0; i < at / LIMB; i++)
        if (s->limb[i]) return true;
    return s->limb[at / LIMB] & ((INT64_C(1) << at % LIMB) - 1);
}

double ps_exact_value(const struct ps_exact *s)
{
    struct ps_exact t = *s;
    carry(&t);
    bool negative = t.limb[PS_EXACT_LIMBS - 1] < 0;
    if (negative) {
        for (int i = 0; i < PS_EXACT_LIMBS; i++) t.limb[i] = -t.limb[i];
        carry(&t);
    }
    int top = PS_EXACT_LIMBS - 1;
    while (top >= 0 && t.limb[top] == 0) top--;
    if (top < 0) return 0;
    int cut = LIMB * top + 64 - __builtin_clzll((unsigned long long)t.limb[top]) - DIGITS;
    if (cut < 0) cut = 0; /* no bits below the last of a subnormal: nothing to round */
    uint64_t d = digits(&t, cut);
    if (cut > 0 && (digits(&t, cut - 1) & 1) && ((d & 1) || sticky(&t, cut - 1))) d++;
    double value = ldexp((double)d, cut + UNIT);
    return negative ? -value : value;
}

enum ps_status ps_exact_reduce(MPI_Comm comm, struct ps_exact *s, int n)
{
    if (comm == MPI_COMM_NULL) return PS_OK;
    for (int i = 0; i < n; i++) carry(&s[i]);
    int rc = MPI_Allreduce(MPI_IN_PLACE, s, n * PS_EXACT_LIMBS, MPI_INT64_T, MPI_SUM, comm);
    PS_CHECK(rc == MPI_SUCCESS, PS_EMPI, "an exact sum over the ranks did not complete");
    for (int i = 0; i < n; i++) carry(&s[i]);
    return PS_OK;
}
