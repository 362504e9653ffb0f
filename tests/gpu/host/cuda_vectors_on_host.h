/** Vector types and functions of single threads that CUDA has built in. */
#ifndef PS_CUDA_VECTORS_ON_HOST_H
#define PS_CUDA_VECTORS_ON_HOST_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#include <algorithm>
#include <type_traits>

#define __align__(n) alignas(n)

#define PS_HOST_VECTORS(type, name, a2, a4)                              \
    struct alignas(a2) name##2                                           \
    {                                                                    \
        type x, y;                                                       \
    };                                                                   \
    struct name##3                                                       \
    {                                                                    \
        type x, y, z;                                                    \
    };                                                                   \
    struct alignas(a4) name##4                                           \
    {                                                                    \
        type x, y, z, w;                                                 \
    };                                                                   \
    static inline name##2 make_##name##2(type x, type y)                 \
    {                                                                    \
        return {x, y};                                                   \
    }                                                                    \
    static inline name##3 make_##name##3(type x, type y, type z)         \
    {                                                                    \
        return {x, y, z};                                                \
    }                                                                    \
    static inline name##4 make_##name##4(type x, type y, type z, type w) \
    {                                                                    \
        return {x, y, z, w};                                             \
    }
PS_HOST_VECTORS(unsigned char, uchar, 2, 4)
PS_HOST_VECTORS(short, short, 4, 8)
PS_HOST_VECTORS(unsigned short, ushort, 4, 8)
PS_HOST_VECTORS(int, int, 8, 16)
PS_HOST_VECTORS(unsigned, uint, 8, 16)
PS_HOST_VECTORS(long long, longlong, 16, 16)
PS_HOST_VECTORS(unsigned long long, ulonglong, 16, 16)
PS_HOST_VECTORS(float, float, 8, 16)
PS_HOST_VECTORS(double, double, 16, 16)
#undef PS_HOST_VECTORS

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};

/* --- reading and writing past caches --- */
template <class T> static inline T __ldg(const T *p)
{
    return *p;
}
template <class T> static inline T __ldcs(const T *p)
{
    return *p;
}
/* others' writes may be read, and theirs written over: an element at a time */
template <class T> static inline T __ldcg(const T *p)
{
    if constexpr (sizeof(T) > sizeof(uint64_t)) {
        return *p;
    } else {
        T v;
        __atomic_load(p, &v, __ATOMIC_RELAXED);
        return v;
    }
}
template <class T> static inline void __stcs(T *p, std::type_identity_t<T> v)
{
    *p = v;
}
template <class T> static inline void __stcg(T *p, std::type_identity_t<T> v)
{
    if constexpr (sizeof(T) > sizeof(uint64_t))
        *p = v;
    else
        __atomic_store(p, &v, __ATOMIC_RELAXED);
}

/* --- numbers --- */
template <class T, class U> static inline std::common_type_t<T, U> min(T a, U b)
{
    return b < a ? b : a;
}
template <class T, class U> static inline std::common_type_t<T, U> max(T a, U b)
{
    return a < b ? b : a;
}
/* libraries of C may have them already */
#define rsqrtf ps_host_rsqrtf
#define rsqrt ps_host_rsqrt
#define __expf ps_host_expf
#define __logf ps_host_logf
static inline float rsqrtf(float v)
{
    return 1 / sqrtf(v);
}
static inline double rsqrt(double v)
{
    return 1 / sqrt(v);
}
static inline float __expf(float v)
{
    return expf(v);
}
static inline float __logf(float v)
{
    return logf(v);
}
static inline float __fdividef(float a, float b)
{
    return a / b;
}
static inline float __saturatef(float v)
{
    return v > 0 ? v < 1 ? v : 1 : 0;
}
/* one operation, rounded once */
#define PS_HOST_ROUNDED(name, type, op)     \
    static inline type name(type a, type b) \
    {                                       \
        return a op b;                      \
    }
PS_HOST_ROUNDED(__fadd_rn, float, +)
PS_HOST_ROUNDED(__fsub_rn, float, -)
PS_HOST_ROUNDED(__fmul_rn, float, *)
PS_HOST_ROUNDED(__fdiv_rn, float, /)
PS_HOST_ROUNDED(__dadd_rn, double, +)
PS_HOST_ROUNDED(__dmul_rn, double, *)
#undef PS_HOST_ROUNDED
static inline float __fmaf_rn(float a, float b, float c)
{
    return fmaf(a, b, c);
}
static inline int __popc(unsigned v)
{
    return __builtin_popcount(v);
}
static inline int __clz(int v)
{
    return v ? __builtin_clz((unsigned)v) : 32;
}
static inline int __ffs(int v)
{
    return __builtin_ffs(v);
}
static inline unsigned __umulhi(unsigned a, unsigned b)
{
    return (unsigned)((uint64_t)a * b >> 32);
}
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}

template <class To, class From> static inline To ps_host_bits(From v)
{
    static_assert(sizeof(To) == sizeof(From));
    To to;
    memcpy(&to, &v, sizeof to);
    return to;
}
static inline unsigned __float_as_uint(float v)
{
    return ps_host_bits<unsigned>(v);
}
static inline float __uint_as_float(unsigned v)
{
    return ps_host_bits<float>(v);
}
static inline int __float_as_int(float v)
{
    return ps_host_bits<int>(v);
}
static inline float __int_as_float(int v)
{
    return ps_host_bits<float>(v);
}
static inline long long __double_as_longlong(double v)
{
    return ps_host_bits<long long>(v);
}
static inline double __longlong_as_double(long long v)
{
    return ps_host_bits<double>(v);
}

#endif
