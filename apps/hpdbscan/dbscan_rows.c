#include "apps/hpdbscan/dbscan_rows.h"

#define CONVERT(ctype)                                                  \
    do {                                                                \
        const ctype *x_ = (const ctype *)p->data + lo * p->d;           \
        for (int64_t i_ = 0; i_ < n; i_++) buffer[i_] = (double)x_[i_]; \
    } while (0)

const double *dbscan_rows_double(const struct ps_points *p, int64_t lo, int64_t hi, double *restrict buffer)
{
    const int64_t n = (hi - lo) * p->d;
    switch (p->type) {
    case PS_I8:
        CONVERT(int8_t);
        break;
    case PS_U8:
        CONVERT(uint8_t);
        break;
    case PS_I16:
        CONVERT(int16_t);
        break;
    case PS_U16:
        CONVERT(uint16_t);
        break;
    case PS_I32:
        CONVERT(int32_t);
        break;
    case PS_U32:
        CONVERT(uint32_t);
        break;
    case PS_I64:
        CONVERT(int64_t);
        break;
    case PS_U64:
        CONVERT(uint64_t);
        break;
    case PS_F32:
        CONVERT(float);
        break;
    case PS_F64:
    case PS_NDTYPES:
        return (const double *)p->data + lo * p->d;
    }
    return buffer;
}

struct ps_range dbscan_rows_part(int64_t n, int d, int parts, int i)
{
    const int64_t block = dbscan_rows_block(d), blocks = (n + block - 1) / block;
    struct ps_range r = ps_block(blocks, parts, i);
    r.lo = r.lo * block;
    r.hi = r.hi * block < n ? r.hi * block : n;
    return r;
}
